"""The time in which stacks, clusters and pods change.

A real stack takes minutes, a test has none. So everything that takes time asks a timeline to call it later, in seconds
of the emulated world, and the timeline says how fast these pass. Timestamps are real ones, since signatures and tokens
are compared with the clocks of the clients.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

Action = Callable[[], None]
SLOWEST, FASTEST = 0.001, 1_000_000.0
"""Bounds of a speed."""
_LONGEST_WAIT_SECONDS = 3_600.0  # of the clock; a wait of centuries is more than a lock can take
_LOG = logging.getLogger(__name__)


class Timeline(Protocol):
    """When things happen. Actions of one timeline run one after the other, in the order of their time."""

    def now(self) -> datetime:
        """The time for timestamps, UTC."""
        ...

    def later(self, seconds: float, action: Action) -> Cancel:
        """Calls the action after so many emulated seconds. Returns what stops it from being called."""
        ...


Cancel = Callable[[], None]


@dataclass(order=True)
class _Entry:
    due: float
    number: int
    action: Action = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class SteppedTimeline:
    """Time that passes only when somebody says so; for tests. Errors of actions reach whoever lets time pass."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed = 0.0
        self._entries: list[_Entry] = []
        self._numbers = itertools.count()
        self._lock = threading.RLock()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def later(self, seconds: float, action: Action) -> Cancel:
        with self._lock:
            entry = _Entry(self._elapsed + max(seconds, 0.0), next(self._numbers), action)
            heapq.heappush(self._entries, entry)
        return lambda: setattr(entry, "cancelled", True)

    def advance(self, seconds: float) -> None:
        """Lets so many seconds pass and runs what is due in them, in order."""
        end = self._elapsed + seconds
        while (entry := self._next(end)) is not None:
            self._elapsed = max(self._elapsed, entry.due)
            entry.action()
        self._elapsed = end

    def run_until_idle(self, limit_seconds: float = 86_400.0) -> None:
        """Lets time pass until nothing waits. Raises TimeoutError if something still waits after the limit."""
        end = self._elapsed + limit_seconds
        while (entry := self._next(end)) is not None:
            self._elapsed = max(self._elapsed, entry.due)
            entry.action()
        with self._lock:
            waiting = sum(not entry.cancelled for entry in self._entries)
        if waiting:
            raise TimeoutError(f"{waiting} actions still wait after {limit_seconds:g} emulated seconds")

    def _next(self, end: float) -> _Entry | None:
        with self._lock:
            while self._entries and self._entries[0].due <= end:
                entry = heapq.heappop(self._entries)
                if not entry.cancelled:
                    return entry
        return None


class Pace:
    """Which action is due when, for time that runs `speed` times as fast as a clock, as a function of what the clock
    says.

    Emulated time stands still while an action runs and never overtakes one that waits. So work that takes long in a
    fast world makes nobody late: what happens, and in which order, follows from the emulated times alone and is the
    same at every speed.
    """

    def __init__(self, speed: float, clock: Callable[[], float]) -> None:
        self._speed = speed
        self._clock = clock
        self._entries: list[_Entry] = []
        self._numbers = itertools.count()
        self._elapsed = 0.0
        self._since = clock()
        self._acting = False

    def later(self, seconds: float, action: Action) -> Cancel:
        """Puts an action so many emulated seconds after now."""
        entry = _Entry(self.elapsed() + max(seconds, 0.0), next(self._numbers), action)
        heapq.heappush(self._entries, entry)
        return lambda: setattr(entry, "cancelled", True)

    @property
    def speed(self) -> float:
        """Emulated seconds in one of the clock; what waits already waits shorter or longer once it changes."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._elapsed, self._since, self._speed = self.elapsed(), self._clock(), speed

    def elapsed(self) -> float:
        """How many emulated seconds have passed."""
        if self._acting:
            return self._elapsed
        passed = self._elapsed + (self._clock() - self._since) * self._speed
        self._forget_cancelled()
        return min(passed, self._entries[0].due) if self._entries else passed

    def begin(self) -> Action | float | None:
        """The action that is due, which runs from here on; else how many seconds of the clock it is until the next
        one; None if none waits."""
        self._forget_cancelled()
        if not self._entries:
            return None
        left = self._entries[0].due - self._elapsed - (self._clock() - self._since) * self._speed
        if left > 0:
            return left / self._speed
        entry = heapq.heappop(self._entries)
        self._elapsed, self._acting = max(self._elapsed, entry.due), True
        return entry.action

    def end(self) -> None:
        """The action is done: time goes on from where it stood."""
        self._acting, self._since = False, self._clock()

    def _forget_cancelled(self) -> None:
        while self._entries and self._entries[0].cancelled:
            heapq.heappop(self._entries)


def _check_speed(speed: float) -> None:
    if not SLOWEST <= speed <= FASTEST:
        raise ValueError(f"speed is {speed:g}: use a number from {SLOWEST:g} to {FASTEST:g}")


class RunningTimeline:
    """Time that passes by itself, `speed` emulated seconds a real one; actions run on one thread of its own.

    An action that raises is logged and counted in `failures`: the others go on, as other services of a cloud would.
    """

    def __init__(self, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        _check_speed(speed)
        self.failures = 0
        self._pace = Pace(speed, clock)
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)
        self._thread.start()

    @property
    def speed(self) -> float:
        """Emulated seconds in a real one; it may be changed. Raises ValueError unless it is from SLOWEST to FASTEST."""
        return self._pace.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        _check_speed(speed)
        with self._changed:
            self._pace.speed = speed
            self._changed.notify()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def later(self, seconds: float, action: Action) -> Cancel:
        with self._changed:
            cancel = self._pace.later(seconds, action)
            self._changed.notify()
        return cancel

    def stop(self) -> None:
        """Ends the thread after the action that runs; what waits is dropped."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while (action := self._wait()) is not None:
            try:
                action()
            except Exception:  # noqa: BLE001 - one failing service must not stop the time of all others
                self.failures += 1
                _LOG.exception("an emulated action failed")
            with self._changed:
                self._pace.end()

    def _wait(self) -> Action | None:
        with self._changed:
            while not self._stopped:
                found = self._pace.begin()
                if callable(found):
                    return found
                self._changed.wait(None if found is None else min(found, _LONGEST_WAIT_SECONDS))
        return None
