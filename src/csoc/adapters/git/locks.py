"""Locks between processes of this machine: a file for each clone that is held while the clone is written to, and one
that all who read it hold together, so that whoever tidies the cache leaves it alone. Taking one marks the time of use.

The kernel releases it when its holder dies, so nothing ever has to be cleaned up by hand.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from csoc.errors import UnavailableError

_POLL_SECONDS = 0.05


@contextmanager
def held(path: Path, seconds: float, what: str) -> Iterator[None]:
    """Holds the lock file while the block runs.

    Raises UnavailableError if another holds it for `seconds`, or if the disk does not do what the block wants of it.
    """
    try:
        with _locked(path, fcntl.LOCK_EX, seconds, what):
            yield
    except OSError as error:
        raise _unusable(path, error) from error


def shared(path: Path, seconds: float, what: str) -> IO[bytes]:
    """Holds the lock file together with others until what is returned is closed or forgotten. Raises as `held`."""
    try:
        return _locked(path, fcntl.LOCK_SH, seconds, what)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"The cache of csoc cannot be used: {error.strerror or error}",
        place=str(path.parent),
        fix="Check the folder and the space on its disk, or set cache_dir in the settings",
    )


def _locked(path: Path, how: int, seconds: float, what: str) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    deadline = time.monotonic() + seconds
    file = path.open("ab")
    try:
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                os.utime(file.fileno())
                return file
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise UnavailableError(
                        f"Another csoc has been using the clone for {seconds:g} seconds",
                        place=what,
                        fix="Wait for it, or end it",
                    ) from None
                time.sleep(_POLL_SECONDS)
    except BaseException:
        file.close()
        raise
