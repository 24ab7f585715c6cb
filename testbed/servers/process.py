"""One server as a child process: started, asked until it answers, ended.

A server never outlives who started it: Linux ends it with its parent, so that a run that is killed leaves nothing that
holds a port. What a server says goes to a log, whose end is in the error if it does not come up.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

LOG_LINES = 20
ASK_AGAIN_SECONDS = 0.05
STOP_SECONDS = 20
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


class ServerError(Exception):
    """A server did not start, or refused what a test prepared; the text holds its own words."""


class PortTakenError(ServerError):
    """Somebody else took the port between its being picked and the server's start; trying again helps."""


@dataclass(frozen=True, slots=True)
class User:
    """Who a server runs as, where it refuses to run as root."""

    name: str
    user_id: int
    group_id: int


@dataclass
class Server:
    """A server that was started. stop_signal: what ends it, and what its parent's death sends it."""

    name: str
    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path
    stop_signal: signal.Signals

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Asks until the server is ready. Raises ServerError with the end of its log if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while True:
            code = self.process.poll()
            if code is not None:
                taken = re.search("address already in use", self._said(), re.IGNORECASE)
                raise (PortTakenError if taken else ServerError)(
                    f"{self.name} ended with {code} before it was ready:\n{self._said()}"
                )
            if ready() and self.process.poll() is None:  # else another server answered, which had the port first
                return
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} was not ready within {seconds:.0f} s:\n{self._said()}")
            time.sleep(ASK_AGAIN_SECONDS)

    def stop(self) -> None:
        """Ends it; a server that does not follow its signal is killed."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _said(self) -> str:
        return tail(self.log)


def start(
    name: str,
    command: Sequence[str | Path],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: User | None = None,
    stop_signal: signal.Signals = signal.SIGKILL,
) -> Server:
    """Starts a server in the folder, with its log there as <name>.log. What it keeps is thrown away with the folder,
    so it is killed at the end unless it needs another signal. Call it from the main thread: Linux means by the parent
    the thread that started a child."""
    parent = os.getpid()

    def die_with_parent() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:
            os._exit(1)

    log = folder / f"{name}.log"
    with log.open("wb") as handle:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal is for pytest, which then ends its servers itself
            user=user.user_id if user else None,
            group=user.group_id if user else None,
            extra_groups=[] if user else None,
            preexec_fn=die_with_parent,
        )
    return Server(name, process, log, stop_signal)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, all different. Somebody else may be quicker: PortTakenError."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def tail(log: Path) -> str:
    """The last lines of a log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-LOG_LINES:])


def start_time(process_id: int) -> int | None:
    """When a process was started, in clock ticks since the machine's start, or None if there is none.

    A process id alone may be another process's by the time it is used; with this it is not.
    """
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[18])


def listens(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def answers(url: str) -> bool:
    """Whether a server says 200 at an address of this machine."""
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
