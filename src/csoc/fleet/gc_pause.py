"""Pauses Python's collector of reference cycles while thousands of plain values are made.

Data read from JSON or YAML has no cycles, so the collector frees nothing then and looks at everything again and again:
nearly half of the time of reading a fleet of 3,500 environments went there.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_paused = 0
_was_enabled = True


@contextmanager
def paused() -> Iterator[None]:
    """The collector does not run inside. May be nested, and used by several threads."""
    global _paused, _was_enabled
    with _lock:
        if _paused == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _paused += 1
    try:
        yield
    finally:
        with _lock:
            _paused -= 1
            if _paused == 0 and _was_enabled:
                gc.enable()


def hide() -> None:
    """Takes everything that is alive out of the collector's sight, which costs nothing. For whoever is in a hurry and
    calls `tidy` later."""
    gc.freeze()


def tidy() -> None:
    """Lets the collector look at everything once, hidden or not."""
    gc.unfreeze()
    gc.collect()
