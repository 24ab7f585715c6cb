"""A lock between processes of this machine: one file a clone, held while the clone is written to.

The kernel releases it when its holder dies, so nothing ever has to be cleaned up by hand.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from csoc.errors import UnavailableError

_POLL_SECONDS = 0.05


@contextmanager
def held(path: Path, seconds: float, what: str) -> Iterator[None]:
    """Holds the lock file while the block runs.

    Raises UnavailableError if another holds it for `seconds`, or if the disk does not do what the block wants of it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(path, seconds, what):
            yield
    except OSError as error:
        raise UnavailableError(
            f"The cache of csoc cannot be used: {error.strerror or error}",
            place=str(path.parent),
            fix="Check the folder and the space on its disk, or set cache_dir in the settings",
        ) from error


@contextmanager
def _locked(path: Path, seconds: float, what: str) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise UnavailableError(
                        f"Another csoc has been using the clone for {seconds:g} seconds",
                        place=what,
                        fix="Wait for it, or end it",
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield
