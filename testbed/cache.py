"""Where what the testbed makes is kept, and how it gets there: once, whole or not at all.

Servers of the tests take minutes to build or to fetch. The result lies outside of the work tree, in a folder whose name
holds a digest of what it is made from, so that a fresh clone finds what another one made. A folder is filled beside its
place and renamed at the end; a lock lets a second run wait for the first instead of making the same again.

Only the standard library is used: this runs before, or without, the project's own environment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

PROGRESS_SECONDS = 15
COMMAND_TIMEOUT_SECONDS = 3600
SUPERSEDED_AFTER_SECONDS = 30 * 24 * 3600

Say = Callable[[str], None]


class BuildError(Exception):
    """The program cannot be had on this machine; the text says why and what would help."""


def cache_folder() -> Path:
    """Where built programs are kept: CSOC_TESTBED_CACHE, or csoc/testbed in the user's cache folder."""
    named = os.environ.get("CSOC_TESTBED_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "csoc" / "testbed"


def too_little_space(folders: Sequence[Path], wanted_bytes: int) -> str | None:
    """Which of the folders (they need not exist) has less room than wanted, or None."""
    for folder in folders:
        there = next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
        free = shutil.disk_usage(there).free
        if free < wanted_bytes:
            wanted, left = wanted_bytes / 1e9, free / 1e9
            return f"{folder} has {left:.1f} GB left and {wanted:.1f} GB are needed (remove something there)"
    return None


def made_once(name: str, cache: Path, find: Callable[[], Path | None], make: Callable[[], Path], say: Say) -> Path:
    """What find finds, made if there is nothing. Two runs at once: the second waits and takes what the first made.

    Raises BuildError if the cache cannot be made, and whatever make raises.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(
            f"cannot make {cache} ({error.strerror}); CSOC_TESTBED_CACHE may name another place"
        ) from error
    with (cache / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is building {name}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        return find() or make()


def ensured(
    name: str,
    cache: Path | None,
    find: Callable[[Path], Path | None],
    why_not: Callable[[], str | None],
    make: Callable[[Path], Path],
    say: Say,
) -> Path:
    """What find finds in the cache, else what make puts there. cache: None for the user's. why_not: why it cannot be
    made here, or None. Raises BuildError with that reason, and what made_once does."""
    cache = cache or cache_folder()
    found = find(cache)
    if found is not None:
        return found
    reason = why_not()
    if reason is not None:
        raise BuildError(reason)
    return made_once(name, cache, lambda: find(cache), lambda: make(cache), say)


@contextlib.contextmanager
def filling(name: str, target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes the target unless something is raised. The lock of made_once must be held."""
    for folder in target.parent.glob(f".{name}-*"):
        shutil.rmtree(folder, ignore_errors=True)  # an interrupted run's: the lock is held, so no other is under way
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    try:
        yield scratch
        for folder in (scratch, *(path for path in scratch.rglob("*") if path.is_dir() and not path.is_symlink())):
            folder.chmod(0o755)  # Go's module cache is read-only, and copies of it could not be removed
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for folder in target.parent.glob(f"{name}-*"):
        if folder != target and time.time() - folder.stat().st_mtime > SUPERSEDED_AFTER_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def remove(folder: Path) -> None:
    """Removes a folder that is only in the way; what cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)


def run(command: Sequence[str], *, name: str, folder: Path, environment: Mapping[str, str], say: Say) -> str:
    """Runs a command that may take minutes, with a sign of life now and then. Returns its output, stripped.

    Raises BuildError with the end of what the command said if it fails or takes too long.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        done = threading.Event()
        watcher = threading.Thread(target=_signs_of_life, args=(name, done, say), daemon=True)
        watcher.start()
        try:
            out, err = process.communicate(timeout=COMMAND_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise BuildError(f"building took more than {COMMAND_TIMEOUT_SECONDS} s") from error
        finally:
            done.set()
            watcher.join()
    if process.returncode != 0:
        told = [line for line in f"{err}\n{out}".splitlines() if line.strip()]
        told = [line for line in told if not line.startswith("go: downloading")]
        raise BuildError("the build failed:\n  " + "\n  ".join(told[-15:] or [f"exit code {process.returncode}"]))
    return out.strip()


def _signs_of_life(name: str, done: threading.Event, say: Say) -> None:
    started = time.monotonic()
    while not done.wait(PROGRESS_SECONDS):
        say(f"  still building {name}, {time.monotonic() - started:.0f} s")
