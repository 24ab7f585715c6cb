"""Remembers whom csoc could not reach, so that a fleet which names such a host a hundred times waits for it once.

Each attempt may last until its time limit. So an origin (scheme, host, port) that was not reached is refused at once
afterwards, with the first error; something that came too slowly is refused itself, and its origin once that happened
with several things, or once all that it gave took too long together. Forgotten when the next look at the fleet begins,
since hosts come back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from csoc.errors import UnavailableError

_SLOW_ONES = 3
_AS_MANY = 10  # times that one thing may take are what an origin may take for everything


class Unreached:
    """What could not be reached, by name. Several threads may use one. seconds: that one thing may take; now: seconds
    on a clock that never goes back."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds * _AS_MANY
        self._now = now
        self._lock = threading.Lock()
        self._spent: dict[str, float] = {}
        self._errors: dict[str, UnavailableError] = {}
        self._slow: dict[str, set[str]] = {}

    def check(self, origin: str, thing: str = "") -> None:
        """Raises UnavailableError if the origin, or this thing of it, was not reached before."""
        with self._lock:
            error = self._errors.get(origin) or self._errors.get(thing)
            spent = self._spent.get(origin, 0.0)
        if error is not None:
            raise UnavailableError(f"not tried again: {error.cause}", place=error.place, fix=error.fix)
        if spent > self._seconds:
            raise UnavailableError(
                f"not tried: what was asked of it before took more than {self._seconds:g} seconds together",
                place=thing or origin,
                fix="Try again, since what came is kept, or raise limits.fetch_seconds in the settings",
            )

    @contextmanager
    def timed(self, origin: str) -> Iterator[None]:
        """The block asks the origin for something; what that takes counts."""
        began = self._now()
        try:
            yield
        finally:
            with self._lock:
                self._spent[origin] = self._spent.get(origin, 0.0) + self._now() - began

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
            self._spent.clear()
