"""Starting a part of the testbed once for several processes, and stopping it after the last of them.

Parallel test processes end in any order, so none of them can be the parent of what all use. A process of its own keeps
the part (`testbed.servers.keeper`): it starts the servers, says where they are, and waits for an exclusive lock on a
file of which every user holds a shared one. The kernel lets go of a user's lock however the user ends, so a run killed
with -9 ends its servers too; and if the keeper itself is killed, the servers go with it.

    folder/<part>.lock   held while somebody joins or starts
    folder/<part>.json   the keeper (process id and start time), its data folder, the addresses
    data/users           the lock that every user shares
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from testbed.servers.process import ServerError, start_time, tail

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "csoc-testbed-"
START_SECONDS = 240
STOP_SECONDS = 60
LONGEST_DATA = 60  # a path of a socket may have 107 characters


@dataclass(frozen=True, slots=True)
class Running:
    """A part that runs: who keeps it, where its files are, and what its users need to know (addresses, passwords)."""

    keeper: int
    started: int
    data: str
    address: dict[str, Any]

    def is_alive(self) -> bool:
        """Whether its keeper is the process that wrote this down."""
        return start_time(self.keeper) == self.started


@contextlib.contextmanager
def shared(part: str, start: str, folder: Path, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The address of a part, started if nobody else of this folder has; stopped when its last user leaves.

    part: its name in this folder. start: "module:function" of what starts it, in a process of its own, with
    an ExitStack that stops what it starts, a folder and the settings; it returns the address.
    Raises ServerError if it does not come up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        with _alone(folder / f"{part}.lock"):
            running = _read(folder / f"{part}.json")
            if running is None or not _join(running, stack):
                running = _start(part, start, folder, settings, stack)
        yield running.address


def start_detached(part: str, start: str, folder: Path, settings: Mapping[str, Any]) -> Running:
    """Starts a part that stays until `stop`; one that runs already is returned. Raises ServerError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder / f"{part}.lock"):
        running = _read(folder / f"{part}.json")
        if running is not None and running.is_alive():
            return running
        return _start(part, start, folder, settings, None)


def running_parts(folder: Path) -> dict[str, Running]:
    """The parts that run in a folder, by name."""
    found = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}
    return {name: running for name, running in found.items() if running is not None and running.is_alive()}


def stop(part: str, folder: Path) -> bool:
    """Ends a part for all of its users. False if it did not run. Raises ServerError if it does not end."""
    with _alone(folder / f"{part}.lock"):
        running = _read(folder / f"{part}.json")
        if running is None or not running.is_alive():
            return False
        os.kill(running.keeper, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while running.is_alive():
            if time.monotonic() > deadline:
                raise ServerError(f"{part} (process {running.keeper}) does not end")
            time.sleep(0.05)
        (folder / f"{part}.json").unlink(missing_ok=True)
        return True


def _start(
    part: str, start: str, folder: Path, settings: Mapping[str, Any], stack: contextlib.ExitStack | None
) -> Running:
    """stack: where the lock of a user is held; None for a part that stays without any."""
    _remove_abandoned()
    data = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{part}-", dir=_short_temporary_folder()))
    users = data / "users"
    users.touch(mode=0o600)
    if stack is not None:
        _hold(users, stack)
    arguments = [start, str(data), "while-used" if stack is not None else "until-stopped"]
    with (data / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "testbed.servers.keeper", *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    keeper.stdin.write(json.dumps(dict(settings)).encode())
    keeper.stdin.close()
    told = _line(keeper.stdout)
    answer: dict[str, Any] = json.loads(told) if told else {"error": f"its keeper ended:\n{tail(data / 'keeper.log')}"}
    if "error" in answer:
        if told is None:
            keeper.kill()
        keeper.wait()
        shutil.rmtree(data, ignore_errors=True)
        raise ServerError(f"{part} does not start: {answer['error']}")
    running = Running(keeper.pid, start_time(keeper.pid) or 0, str(data), answer["address"])
    _write(folder / f"{part}.json", running)
    keeper.returncode = 0  # it outlives this object on purpose, and Python would warn of that
    return running


def _line(stream: IO[bytes]) -> bytes | None:
    """What the keeper says when it is ready, or when it is not; None if it says nothing in time."""
    told = b""
    deadline = time.monotonic() + START_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not told.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            block = os.read(stream.fileno(), 65536)
            if not block:
                break
            told += block
    stream.close()
    return told


def _join(running: Running, stack: contextlib.ExitStack) -> bool:
    """Takes part in what runs; False if it ended or is about to."""
    if not running.is_alive():
        return False
    try:
        _hold(Path(running.data) / "users", stack)
    except (BlockingIOError, FileNotFoundError):
        return False
    return running.is_alive()


def _hold(users: Path, stack: contextlib.ExitStack) -> None:
    handle = stack.enter_context(users.open("r"))
    fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> Running | None:
    try:
        return Running(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _write(path: Path, running: Running) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(running)), encoding="utf-8")


def _remove_abandoned() -> None:
    """Removes the files of keepers that were killed; their servers went with them."""
    for folder in _short_temporary_folder().glob(f"{PREFIX}*"):
        with contextlib.suppress(FileNotFoundError, PermissionError, ValueError):
            process_id, started = map(int, (folder / "keeper").read_text(encoding="utf-8").split())
            if folder.stat().st_uid == os.getuid() and start_time(process_id) != started:
                shutil.rmtree(folder, ignore_errors=True)


def _short_temporary_folder() -> Path:
    usual = tempfile.gettempdir()
    return Path(usual if len(usual) < LONGEST_DATA else "/tmp")
