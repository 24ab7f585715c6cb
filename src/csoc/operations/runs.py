"""What a run is, and where runs are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

HERE = "here"
MOST_LINES = 100_000
MOST_CHARACTERS = 4_000


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
        """True if its owner is free for another run. A run that is errored keeps its owner: it is resumed or given
        up."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run. number: from 1, in order. name: unique in the run ("apply network"). kind: of the registry.
    arguments, result: JSON; never a secret. waits_for: in words, while it waits."""

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
    kind: "apply", "destroy", "launch", "connect". plan: id of the Plan, "" for none. by: who asked. attempt: how often
    it was begun, 1 and one more for each resuming of an end. woken_at: when somebody last asked to look again."""

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
    where: str = HERE
    """Where it is executed: "here", or the address of a workflow elsewhere that reports to it."""
    attempt: int = 1
    woken_at: datetime | None = None

    def step(self, number: int) -> Step:
        """The step of that number."""
        return next(step for step in self.steps if step.number == number)


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
    executor's lease. Every method raises UnavailableError if it cannot be asked.

    Contract: tests/contract/test_runs.py."""

    def add(self, run: Run) -> None:
        """Queues a run. Raises ConflictError, naming the other run, if the owner has one that is not over. Adding the
        same run twice is no error."""
        ...

    def get(self, run_id: str) -> Run:
        """Raises NotFoundError."""
        ...

    def newest(
        self, *, owner: str = "", states: Sequence[RunState] = (), before: str = "", limit: int = 50
    ) -> Sequence[Run]:
        """Runs, newest first; before: the id of the last one of the page before. Raises NotFoundError if there is no
        such run."""
        ...

    def change(self, run_id: str, lease: Lease | None, *, only: Sequence[RunState] = (), **changed: Any) -> Run:
        """Changes fields of a run, all at once; of steps only those that are there. lease: must be the one that holds
        (None: a person's change). only: the states in which it may be changed. Raises ConflictError if either does not
        hold, or if the run would no longer be over while its owner has another one that is not."""
        ...

    def change_step(self, run_id: str, number: int, lease: Lease | None, **changed: Any) -> Run:
        """The same for a step, in any state of the run. Gives the whole run."""
        ...

    def log(self, run_id: str, lines: Sequence[tuple[datetime, int | None, str, str]]) -> None:
        """Adds lines (at, step, what, text) to a run's log. Texts are cut at MOST_CHARACTERS; the line of number
        MOST_LINES says that what follows is not kept."""
        ...

    def lines(self, run_id: str, after: int = 0, limit: int = 500) -> Sequence[Line]:
        """Lines after that number."""
        ...

    def take(self, run_id: str, executor: str, now: datetime, seconds: float) -> Lease | None:
        """Takes the lease of a run's owner if nobody holds it at that time (or this executor does); None otherwise,
        and for a run that is over."""
        ...

    def renew(self, lease: Lease, now: datetime, seconds: float) -> Lease | None:
        """The lease for longer; None if another one took it, or it was released."""
        ...

    def holds(self, lease: Lease) -> bool:
        """True while that epoch is the newest one, and was not released."""
        ...

    def release(self, lease: Lease) -> None:
        """Lets it go. Nothing if it is gone."""
        ...

    def lease(self, run_id: str, now: datetime) -> Lease | None:
        """The lease that holds for this run at that time."""
        ...

    def abandoned(self, now: datetime, where: str = HERE) -> Sequence[str]:
        """Ids of runs that are to be executed there, oldest first: queued, running or waiting, without a lease that
        holds."""
        ...


def other_run(wanted: Run, other: Run) -> str:
    """Why a run cannot begin while another one of its owner is not over."""
    return (
        f"{wanted.owner_name} has the run {other.id} ({other.kind}), which {other.by} began and which is "
        f"{other.state}, so that another one cannot begin"
    )


def other_run_fix(other: Run) -> str:
    """What to do about it."""
    waiting = next((step.fix for step in other.steps if step.waits_for and step.fix), "")
    first = f"Do what it waits for: {waiting}; watch it" if waiting else "Watch it"
    return f"{first}: csoc runs watch {other.id}; give it up: csoc runs cancel {other.id}"


def too_many_lines() -> str:
    """The last line of a log that is full."""
    return f"A run keeps {MOST_LINES} lines; what it says from here on is not kept"
