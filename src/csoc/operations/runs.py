"""What a run is, and where runs are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class RunState(StrEnum):
    """See docs/provisioning.md."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the world said no
    ERRORED = "errored"  # csoc could not find out
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run. name: unique in the run ("apply network"). kind: of the registry. arguments, result: JSON;
    never a secret. waits_for: in words, while it waits."""

    number: int
    name: str
    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    state: RunState = RunState.QUEUED
    attempts: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""
    fix: str = ""
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Durable work for one owner. owner: uid of a cluster or environment. owner_name: "environment heart-prod".
    kind: "apply", "destroy", "launch", "connect". plan: id of the Plan, "" for none. by: who asked."""

    id: str
    kind: str
    owner: str
    owner_name: str
    by: str
    created_at: datetime
    state: RunState = RunState.QUEUED
    plan: str = ""
    steps: tuple[Step, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_cancelling: bool = False
    ended_at: datetime | None = None
    where: str = "here"
    """Where it is executed: "here", or the address of a workflow elsewhere that reports to it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a run's log, in order of number. step: number of the step, None for the run itself. what: "event",
    "progress", "warning", "error"."""

    number: int
    at: datetime
    step: int | None
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Who executes an owner's run. epoch grows with each taking."""

    owner: str
    run: str
    executor: str
    epoch: int
    until: datetime


class RunStore(Protocol):
    """Where runs are kept. One run that is not over an owner: the lock is the run's row, and a crash releases only the
    executor's lease."""

    def add(self, run: Run) -> None:
        """Queues a run. Raises ConflictError, naming the other run, if the owner has one that is not over."""
        ...

    def get(self, run_id: str) -> Run:
        """Raises NotFoundError."""
        ...

    def newest(
        self, *, owner: str = "", states: Sequence[RunState] = (), before: str = "", limit: int = 50
    ) -> Sequence[Run]:
        """Runs, newest first; before: the id of the last one of the page before."""
        ...

    def change(self, run_id: str, lease: Lease | None, **changed: Any) -> Run:
        """Changes fields of a run. lease: must be the one that holds (None: a person's change). Raises ConflictError
        if it is not."""
        ...

    def change_step(self, run_id: str, number: int, lease: Lease, **changed: Any) -> Step:
        """The same for a step."""
        ...

    def log(self, run_id: str, lines: Sequence[tuple[datetime, int | None, str, str]]) -> None:
        """Adds lines (at, step, what, text) to a run's log."""
        ...

    def lines(self, run_id: str, after: int = 0, limit: int = 500) -> Sequence[Line]:
        """Lines after that number."""
        ...

    def take(self, run_id: str, executor: str, now: datetime, seconds: float) -> Lease | None:
        """Takes the lease of a run's owner if nobody holds it at that time (or this executor does); None otherwise."""
        ...

    def renew(self, lease: Lease, now: datetime, seconds: float) -> Lease | None:
        """The lease for longer; None if another one took it."""
        ...

    def holds(self, lease: Lease) -> bool:
        """True while that epoch is the newest one."""
        ...

    def release(self, lease: Lease) -> None:
        """Lets it go. Nothing if it is gone."""
        ...

    def abandoned(self, now: datetime) -> Sequence[str]:
        """Ids of runs that are queued, or running without a lease that holds."""
        ...
