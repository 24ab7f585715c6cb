"""The lease of a run, kept and asked about: who may go on with it, and since when nobody knows.

Two executors may both believe that they own a run: one that was stopped for a minute, or cannot reach the database,
does not know that another one took over. So an executor that could not renew for a while stops by itself, before
anybody else may take the lease, and asks the fence before each effect. Executors compare the lease's end with their own
clocks: hosts that share a database keep theirs within a second or two.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from csoc.clock import Clock
from csoc.errors import RejectedError, UnavailableError
from csoc.operations.runs import Lease, RunStore


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """hold: after so long without renewal another executor takes over. stop: after so long an executor stops by
    itself. renew: between two renewals. Raises RejectedError if they do not grow from renew over stop to hold."""

    hold_seconds: float = 30
    stop_seconds: float = 20
    renew_seconds: float = 5

    def __post_init__(self) -> None:
        if not 0 < self.renew_seconds < self.stop_seconds < self.hold_seconds:
            raise RejectedError(
                f"A lease renewed every {self.renew_seconds:g} s, given up after {self.stop_seconds:g} s and taken "
                f"over after {self.hold_seconds:g} s would let two executors run at once",
                fix="Renewal must come before giving up, and giving up before taking over",
            )


class StoppedError(Exception):
    """This executor must not go on with the run. No CsocError, so that no step takes it for an answer of the world."""


class Held:
    """A lease that this executor took: the fence of its run. Threads share it."""

    def __init__(self, lease: Lease, store: RunStore, clock: Clock, times: LeaseTimes, taken_at: datetime) -> None:
        self.lease = lease
        self._store = store
        self._clock = clock
        self._times = times
        self._renewed_at = taken_at
        self._why = ""
        self._lock = threading.Lock()

    @property
    def is_lost(self) -> bool:
        return bool(self._lost())

    def check(self) -> None:
        """Raises StoppedError if this executor must not go on; to be asked before each effect. Raises UnavailableError
        if nobody can tell."""
        self.check_here()
        if not self._store.holds(self.lease):
            self.lose("another executor took over")
        self.check_here()

    def check_here(self) -> None:
        """The same by what this process knows, without asking."""
        why = self._lost()
        if why:
            raise StoppedError(f"Run {self.lease.run}: {why}")

    def lose(self, why: str) -> None:
        """Gives it up for good."""
        with self._lock:
            self._why = self._why or why

    def renew(self) -> None:
        """Asks for more time. A database that does not answer is no answer: what was had goes on to run out."""
        if self.is_lost:
            return
        asked_at = self._clock()
        try:
            renewed = self._store.renew(self.lease, asked_at, self._times.hold_seconds)
        except UnavailableError:
            return
        if renewed is None:
            self.lose("another executor took over")
            return
        with self._lock:
            self.lease = renewed
            self._renewed_at = asked_at

    def _lost(self) -> str:
        with self._lock:
            if not self._why and self._clock() - self._renewed_at >= timedelta(seconds=self._times.stop_seconds):
                self._why = f"the lease could not be renewed for {self._times.stop_seconds:g} s"
            return self._why


Check = Callable[[], None]
"""Raises StoppedError if the caller must not go on."""
