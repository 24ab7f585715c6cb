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


class RunningTimeline:
    """Time that passes by itself, `speed` emulated seconds a real one; actions run on one thread of its own.

    An action that raises is logged and counted in `failures`: the others go on, as other services of a cloud would.
    """

    def __init__(self, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        if speed <= 0:
            raise ValueError(f"speed is {speed}, and time cannot stand still or run backwards: use a number above 0")
        self.speed = speed
        self.failures = 0
        self._clock = clock
        self._entries: list[_Entry] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)
        self._thread.start()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def later(self, seconds: float, action: Action) -> Cancel:
        entry = _Entry(self._clock() + max(seconds, 0.0) / self.speed, next(self._numbers), action)
        with self._changed:
            heapq.heappush(self._entries, entry)
            self._changed.notify()
        return lambda: setattr(entry, "cancelled", True)

    def stop(self) -> None:
        """Ends the thread after the action that runs; what waits is dropped."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while (entry := self._wait()) is not None:
            try:
                entry.action()
            except Exception:  # noqa: BLE001 - one failing service must not stop the time of all others
                self.failures += 1
                _LOG.exception("an emulated action failed")

    def _wait(self) -> _Entry | None:
        with self._changed:
            while not self._stopped:
                while self._entries and self._entries[0].cancelled:
                    heapq.heappop(self._entries)
                if not self._entries:
                    self._changed.wait()
                    continue
                delay = self._entries[0].due - self._clock()
                if delay <= 0:
                    return heapq.heappop(self._entries)
                self._changed.wait(delay)
        return None
