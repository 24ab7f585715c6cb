"""Remembers whom csoc could not reach, so that a fleet which names such a host a hundred times waits for it once.

Each attempt may last until its time limit. So an origin (scheme, host, port) that was not reached is refused at once
afterwards, with the first error; something that came too slowly is refused itself, and its origin once that happened
with several things. Forgotten when the next look at the fleet begins, since hosts come back.
"""

from __future__ import annotations

import threading

from csoc.errors import UnavailableError

_SLOW_ONES = 3


class Unreached:
    """What could not be reached, by name. Several threads may use one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: dict[str, UnavailableError] = {}
        self._slow: dict[str, set[str]] = {}

    def check(self, origin: str, thing: str = "") -> None:
        """Raises UnavailableError if the origin, or this thing of it, was not reached before."""
        with self._lock:
            error = self._errors.get(origin) or self._errors.get(thing)
        if error is not None:
            raise UnavailableError(f"not tried again: {error.cause}", place=error.place, fix=error.fix)

    def note(self, origin: str, error: UnavailableError) -> None:
        """The origin could not be reached."""
        with self._lock:
            self._errors.setdefault(origin, error)

    def note_slow(self, origin: str, thing: str, error: UnavailableError) -> None:
        """The origin answers, and this thing of it took too long."""
        with self._lock:
            self._errors.setdefault(thing, error)
            slow = self._slow.setdefault(origin, set())
            slow.add(thing)
            if len(slow) >= _SLOW_ONES:
                self._errors.setdefault(origin, error)

    def forget(self) -> None:
        """The next look begins."""
        with self._lock:
            self._errors.clear()
            self._slow.clear()
