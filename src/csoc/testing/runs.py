"""Runs in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from csoc.errors import ConflictError, NotFoundError
from csoc.operations.runs import (
    HERE,
    MOST_CHARACTERS,
    MOST_LINES,
    Lease,
    Line,
    Run,
    RunState,
    Step,
    other_run,
    other_run_fix,
    too_many_lines,
)

_EXECUTED = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)


class MemoryRuns:
    """See csoc.operations.runs.RunStore."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._lines: dict[str, list[Line]] = {}
        self._leases: dict[str, Lease] = {}
        self._released: set[tuple[str, int]] = set()
        self._lock = threading.RLock()

    def add(self, run: Run) -> None:
        with self._lock:
            if run.id in self._runs:
                return
            self._only_one(run)
            self._runs[run.id] = run

    def get(self, run_id: str) -> Run:
        with self._lock:
            found = self._runs.get(run_id)
        if found is None:
            raise NotFoundError("There is no such run", place=f"run {run_id}", fix="csoc runs list shows all")
        return found

    def newest(
        self, *, owner: str = "", states: Sequence[RunState] = (), before: str = "", limit: int = 50
    ) -> list[Run]:
        with self._lock:
            ordered = sorted(self._runs.values(), key=lambda run: (run.created_at, run.id), reverse=True)
        if before:
            last = self.get(before)
            ordered = [run for run in ordered if (run.created_at, run.id) < (last.created_at, last.id)]
        wanted = [run for run in ordered if owner in ("", run.owner) and (not states or run.state in states)]
        return wanted[:limit]

    def change(self, run_id: str, lease: Lease | None, *, only: Sequence[RunState] = (), **changed: Any) -> Run:
        with self._lock:
            found = self.get(run_id)
            self._fenced(found, lease)
            if only and found.state not in only:
                raise ConflictError(f"The run is {found.state}", place=f"run {run_id}")
            made = replace(found, **changed)
            self._only_one(made)
            self._runs[run_id] = made
            return made

    def change_step(self, run_id: str, number: int, lease: Lease | None, **changed: Any) -> Run:
        with self._lock:
            found = self.get(run_id)
            self._fenced(found, lease)
            steps = tuple(replace(step, **changed) if step.number == number else step for step in found.steps)
            self._runs[run_id] = replace(found, steps=steps)
            return self._runs[run_id]

    def log(self, run_id: str, lines: Sequence[tuple[datetime, int | None, str, str]]) -> None:
        with self._lock:
            self.get(run_id)
            known = self._lines.setdefault(run_id, [])
            for at, step, what, text in lines:
                number = len(known) + 1
                if number > MOST_LINES:
                    return
                if number == MOST_LINES:
                    what, text = "warning", too_many_lines()
                known.append(Line(number, at, step, what, text[:MOST_CHARACTERS]))

    def lines(self, run_id: str, after: int = 0, limit: int = 500) -> list[Line]:
        with self._lock:
            self.get(run_id)
            return self._lines.get(run_id, [])[max(after, 0) :][:limit]

    def take(self, run_id: str, executor: str, now: datetime, seconds: float) -> Lease | None:
        with self._lock:
            run = self.get(run_id)
            known = self._leases.get(run.owner)
            is_held = known is not None and self.holds(known) and known.until > now
            if run.state not in _EXECUTED or (is_held and known is not None and known.executor != executor):
                return None
            epoch = known.epoch + 1 if known is not None else 1
            lease = Lease(run.owner, run_id, executor, epoch, now + timedelta(seconds=seconds))
            self._leases[run.owner] = lease
            return lease

    def renew(self, lease: Lease, now: datetime, seconds: float) -> Lease | None:
        with self._lock:
            if not self.holds(lease):
                return None
            renewed = replace(lease, until=now + timedelta(seconds=seconds))
            self._leases[lease.owner] = renewed
            return renewed

    def holds(self, lease: Lease) -> bool:
        with self._lock:
            known = self._leases.get(lease.owner)
            is_newest = known is not None and known.epoch == lease.epoch
            return is_newest and (lease.owner, lease.epoch) not in self._released

    def release(self, lease: Lease) -> None:
        with self._lock:
            self._released.add((lease.owner, lease.epoch))

    def lease(self, run_id: str, now: datetime) -> Lease | None:
        with self._lock:
            known = self._leases.get(self.get(run_id).owner)
            is_its = known is not None and known.run == run_id and self.holds(known) and known.until > now
            return known if is_its else None

    def abandoned(self, now: datetime, where: str = HERE) -> list[str]:
        with self._lock:
            ordered = sorted(self._runs.values(), key=lambda run: (run.created_at, run.id))
            return [
                run.id
                for run in ordered
                if run.state in _EXECUTED and run.where == where and self.lease(run.id, now) is None
            ]

    def close(self) -> None:
        return None

    def _fenced(self, run: Run, lease: Lease | None) -> None:
        if lease is not None and (lease.run != run.id or not self.holds(lease)):
            raise ConflictError("Another executor took over", place=f"run {run.id}")

    def _only_one(self, wanted: Run) -> None:
        if wanted.state.is_over:
            return
        for other in self._runs.values():
            if other.owner == wanted.owner and other.id != wanted.id and not other.state.is_over:
                raise ConflictError(other_run(wanted, other), place=f"run {other.id}", fix=other_run_fix(other))


def step(number: int, name: str, kind: str, /, **arguments: Any) -> Step:
    """A step that has not begun, for tests."""
    return Step(number, name, kind, arguments)
