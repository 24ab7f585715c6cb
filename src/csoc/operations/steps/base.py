"""What a step is, and what it is given.

A step is one file that declares what it needs and has one function. That function may be called again, after a crash or
because nobody could find out, so it first looks what is there already. It asks the fence before each effect, and makes
each effect conditional at its target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from csoc.clock import Clock
from csoc.errors import RejectedError
from csoc.operations.runs import Run, Step
from csoc.operations.services import Services, Standing, Written, needed


@dataclass(frozen=True, slots=True)
class Done:
    """The step is over. result: JSON, for later steps; never a secret."""

    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something must happen elsewhere first. what: in words ("the merge of PULL"). fix: what somebody can do about it.
    It is looked at again after `seconds`, then in growing intervals up to `most_seconds`, or when somebody asks."""

    what: str
    fix: str = ""
    seconds: float = 5
    most_seconds: float = 300


Result = Done | Waiting


class Context(Protocol):
    """What a step may use."""

    @property
    def run(self) -> Run:
        """The run, as it was when the step began."""
        ...

    @property
    def step(self) -> Step:
        """The step itself."""
        ...

    @property
    def results(self) -> Mapping[str, Mapping[str, Any]]:
        """What earlier steps gave, by their names."""
        ...

    @property
    def services(self) -> Services:
        """The outside world."""
        ...

    @property
    def clock(self) -> Clock: ...

    def check(self) -> None:
        """The fence, before each effect. Raises StoppedError if this executor must not go on (let it pass), and
        UnavailableError when the step's time is over."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits for something that runs already (a stack's operation); raises as `check` does, and in time."""
        ...

    def log(self, text: str, what: str = "event") -> None:
        """A line for whoever watches. Secrets in it are masked. what: as of Line."""
        ...

    def hide(self, *words: str) -> None:
        """Secret values that this step knows: they are masked in all that it says from here on."""
        ...


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of step.

    kind: its name in runs. arguments: their names, with what they mean. touches: what it may change, for the reader.
    timeout_seconds: for all its looks and pauses of one attempt, without what it waits for elsewhere. attempts: how
    often it is tried while nobody can find out. may_repeat: if not, a step whose executor died in the middle is not
    run again by itself: a person looks first, and resumes.
    """

    kind: str
    run: Callable[[Context], Result]
    touches: str
    timeout_seconds: float
    arguments: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 5
    may_repeat: bool = True


def text_argument(context: Context, name: str) -> str:
    """An argument of the step that must be text. Raises RejectedError."""
    value = context.step.arguments.get(name)
    if not isinstance(value, str) or not value:
        raise RejectedError(
            f"The step has no {name}", place=f"run {context.run.id}, step {context.step.name}", fix="Begin a new run"
        )
    return value


def outputs_before(context: Context) -> dict[str, str]:
    """Outputs of layers that earlier steps gave, also of a run that this one waited for."""
    return {
        name: str(value) for result in context.results.values() for name, value in (result.get("outputs") or {}).items()
    }


def unapproved(context: Context, plan_id: str) -> Waiting | None:
    """What is waited for while a further plan of the run lacks approval, None once it has it. Raises RejectedError
    if it was refused."""
    found = needed(context.services.approvals, "approvals").standing(plan_id)
    if found.standing is Standing.APPROVED:
        return None
    if found.standing is Standing.REFUSED:
        raise RejectedError(f"The plan {plan_id} was refused: {found.why}", fix="Change what is wrong and plan again")
    return Waiting(f"the approval of plan {plan_id}: {found.why}", fix=f"csoc approve {plan_id}")


def merge_of(written: Written) -> Waiting:
    """For a change of Git that somebody has to merge first."""
    lacking = f": {'; '.join(written.lacks)}" if written.lacks else ""
    return Waiting(f"the merge of {written.pull_request}{lacking}", fix="Merge it; the run goes on by itself")


def number_argument(context: Context, name: str) -> int:
    """An argument of the step that must be a number. Raises RejectedError."""
    value = context.step.arguments.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RejectedError(
            f"The step has no {name}", place=f"run {context.run.id}, step {context.step.name}", fix="Begin a new run"
        )
    return value
