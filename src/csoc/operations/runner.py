"""Executes a run: its steps in order, each recorded, each behind the fence, each end in words.

What a run is, stands in the store; the engine remembers which steps of an attempt are over, so that a crash goes on
behind them. This is the one place where kinds of errors become outcomes of runs.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import Any, TypeVar

from csoc.clock import Clock
from csoc.errors import ConflictError, CsocError, Kind, RejectedError, UnavailableError
from csoc.operations.context import StepContext
from csoc.operations.engine import Json, Steps
from csoc.operations.leases import Held, StoppedError
from csoc.operations.runlog import RunLog
from csoc.operations.runs import Run, RunState, RunStore, Step
from csoc.operations.services import Services
from csoc.operations.steps.base import Done, StepKind, Waiting

T = TypeVar("T")

OUTCOME_OF = {
    Kind.REJECTED: RunState.FAILED,
    Kind.DENIED: RunState.FAILED,
    Kind.NOT_FOUND: RunState.FAILED,
    Kind.CONFLICT: RunState.FAILED,
    Kind.UNAVAILABLE: RunState.ERRORED,
}
_ACTIVE = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)
_ENDED = (RunState.FAILED, RunState.ERRORED, RunState.CANCELLED)
_GROWTH = 1.5
_LOOK_FOR_WAKING = 1.0


@dataclass(frozen=True, slots=True)
class Pacing:
    """retry_seconds: before the second attempt of a step that could not find out; each later one waits twice as long,
    at most most_retry_seconds. store_seconds: before a store that did not answer is asked again."""

    retry_seconds: float = 2
    most_retry_seconds: float = 60
    store_seconds: float = 0.5


Watched = Callable[[Run, Step | None], object]
"""Is told of a run, and of the step that it is about; None where it is about the run."""


def unwatched(run: Run, step: Step | None) -> None:
    """Where nobody wants to be told."""


class _EndedError(Exception):
    """A step came to an end that ends the run."""

    def __init__(self, state: RunState, cause: str = "", fix: str = "") -> None:
        super().__init__(cause)
        self.state, self.cause, self.fix = state, cause, fix


@dataclass(frozen=True, slots=True)
class Runner:
    """The workflow's code. held: the lease that this executor has for a run; raises StoppedError if it has none.
    pause: waits so many seconds for that run, and raises StoppedError as soon as this executor must not go on. watched:
    is told of each step that begins, waits for something new or is over, and of the run's end."""

    store: RunStore
    registry: Mapping[str, StepKind]
    services: Services
    clock: Clock
    held: Callable[[str], Held]
    pause: Callable[[Held, float], None]
    pacing: Pacing = field(default_factory=Pacing)
    watched: Watched = unwatched

    def __call__(self, steps: Steps, run_id: str) -> None:
        _Execution(self, steps, self.held(run_id)).run()


class _Execution:
    """One executor's work on one run."""

    def __init__(self, runner: Runner, steps: Steps, held: Held) -> None:
        self._runner = runner
        self._steps = steps
        self._held = held
        self._id = held.lease.run
        self._log = RunLog(runner.store, self._id, runner.clock)
        # As the last write of a step gave it, a moment ago where another step follows.
        self._known: Run | None = None

    def run(self) -> None:
        begun = self._steps.step("begin", self._begin)
        for number in begun["numbers"]:
            outcome = self._steps.step(f"step {number}", partial(self._step, number))
            if outcome["state"] != RunState.SUCCEEDED:
                return
        self._end(RunState.SUCCEEDED)

    def _begin(self) -> Json:
        """Which steps this attempt has to do; what is recorded of it decides for the attempt's whole life."""
        run = self._seen()
        return {"numbers": [step.number for step in run.steps if step.state is not RunState.SUCCEEDED]}

    def _step(self, number: int) -> Json:
        self._runner.pause(self._held, 0)
        run = self._known or self._seen()
        if run.state.is_over:
            return {"state": run.state}
        if run.step(number).state is RunState.SUCCEEDED:  # by an executor who died before the engine knew
            return {"state": RunState.SUCCEEDED}
        try:
            self._attempts(self._kind(run.step(number)), run, number)
        except _EndedError as end:
            self._step_ended(run.step(number), end)
            self._end(end.state)
            return {"state": end.state}
        finally:
            self._log.flush()
        return {"state": RunState.SUCCEEDED}

    def _kind(self, step: Step) -> StepKind:
        if step.state in _ENDED:  # an executor died between the end of the step and that of its run
            raise _EndedError(step.state, step.cause, step.fix)
        kind = self._runner.registry.get(step.kind)
        if kind is None:
            raise _EndedError(
                RunState.ERRORED,
                f"This csoc knows no step {step.kind!r}",
                "Resume it with the csoc that made the run, or a newer one",
            )
        if step.state is RunState.RUNNING and not kind.may_repeat:
            raise _EndedError(
                RunState.ERRORED,
                "Its executor died in the middle, and nobody knows whether it happened",
                f"Look at {kind.touches}; then csoc runs resume {self._id} does it again",
            )
        return kind

    def _attempts(self, kind: StepKind, run: Run, number: int) -> None:
        wait = self._runner.pacing.retry_seconds
        for tried in range(1, kind.attempts + 1):
            try:
                return self._look_until_done(kind, run, number)
            except UnavailableError as error:
                if tried == kind.attempts:
                    cause = f"{_placed(error)} (tried {_times(tried)})"
                    raise _EndedError(RunState.ERRORED, cause, self._resuming(error.fix)) from error
                self._log.add(number, "warning", f"{_placed(error)}; tried again in {wait:g} s")
                self._step_changes(number, cause=self._log.masked(_placed(error)))
                run = self._wait(wait)
                wait = min(wait * 2, self._runner.pacing.most_retry_seconds)
            except CsocError as error:
                raise _EndedError(OUTCOME_OF[error.kind], _placed(error), error.fix) from error
        return None

    def _look_until_done(self, kind: StepKind, run: Run, number: int) -> None:
        """Runs the step's code, again and again while it waits for something."""
        waited = 0.0
        run = self._begins(run, number, is_attempt=True)
        while True:
            context = self._context(kind, run, number)
            try:
                result = kind.run(context)
            except (StoppedError, CsocError):
                raise
            except Exception as error:  # a defect of csoc's own: the run says so, and can be resumed with a newer one
                raise _EndedError(RunState.ERRORED, *self._defect(error)) from error
            if isinstance(result, Done):
                self._step_done(number, result)
                return
            waited = min(max(waited * _GROWTH, result.seconds), result.most_seconds)
            self._waits(run.step(number), result)
            run = self._begins(self._wait(waited, since=run), number, is_attempt=False)

    def _begins(self, before: Run, number: int, *, is_attempt: bool) -> Run:
        """A look at the step begins, unless somebody wants the run to end."""
        if before.is_cancelling:
            raise _EndedError(RunState.CANCELLED, "The run was cancelled")
        step = before.step(number)
        changed: dict[str, Any] = {"state": RunState.RUNNING}
        if is_attempt:
            changed |= {"attempts": step.attempts + 1, "started_at": step.started_at or self._runner.clock()}
        if before.state is not RunState.RUNNING:
            self._run_is(RunState.RUNNING)
        begun = self._step_changes(number, **changed)
        if begun.is_cancelling:
            raise _EndedError(RunState.CANCELLED, "The run was cancelled")
        if is_attempt:
            self._runner.watched(begun, begun.step(number))
        return begun

    def _waits(self, step: Step, result: Waiting) -> None:
        what = self._log.masked(result.what)
        if step.waits_for != what:
            self._log.add(step.number, "progress", f"Waits for {result.what}")
        self._log.flush()
        waiting = self._step_changes(
            step.number, state=RunState.WAITING, waits_for=what, fix=self._log.masked(result.fix)
        )
        if step.waits_for != what:
            self._runner.watched(waiting, waiting.step(step.number))
        self._run_is(RunState.WAITING)

    def _run_is(self, state: RunState) -> None:
        change = self._runner.store.change
        try:
            self._asked(lambda: change(self._id, self._held.lease, only=_ACTIVE, state=state))
        except ConflictError as error:  # a person ended it before this executor began
            raise _EndedError(self._seen().state) from error

    def _step_done(self, number: int, result: Done) -> None:
        ended = self._runner.clock()
        self._log.flush()
        done = self._step_changes(
            number, state=RunState.SUCCEEDED, ended_at=ended, result=dict(result.result), cause="", fix="", waits_for=""
        )
        self._runner.watched(done, done.step(number))

    def _step_ended(self, step: Step, end: _EndedError) -> None:
        if step.state in _ENDED:
            return
        cause, fix = self._log.masked(end.cause), self._log.masked(end.fix)
        self._log.add(step.number, "warning" if end.state is RunState.CANCELLED else "error", cause)
        ended = self._runner.clock()
        over = self._step_changes(step.number, state=end.state, ended_at=ended, cause=cause, fix=fix, waits_for="")
        self._runner.watched(over, over.step(step.number))

    def _end(self, state: RunState) -> None:
        self._log.flush()
        ended = self._runner.clock()
        change = self._runner.store.change
        try:
            run = self._asked(lambda: change(self._id, self._held.lease, only=_ACTIVE, state=state, ended_at=ended))
            self._runner.watched(run, None)
        except ConflictError:
            # Ended already: by this executor before a crash, or by a person who cancelled it.
            if self._seen().state in _ACTIVE:
                raise

    def _context(self, kind: StepKind, run: Run, number: int) -> StepContext:
        return StepContext(
            run=run,
            step=run.step(number),
            results={step.name: step.result for step in run.steps if step.state is RunState.SUCCEEDED},
            services=self._runner.services,
            clock=self._runner.clock,
            held=self._held,
            run_log=self._log,
            pause=self._runner.pause,
            kind=kind,
        )

    def _step_changes(self, number: int, **changed: Any) -> Run:
        self._known = self._asked(lambda: self._runner.store.change_step(self._id, number, self._held.lease, **changed))
        return self._known

    def _wait(self, seconds: float, *, since: Run | None = None) -> Run:
        """Waits; cut short by whoever cancels the run or, where it wakes, asks to look again. Gives the run then.
        since: the run as it was when the last look began, so that nobody who asks during that look is missed; None
        where nothing wakes it."""
        left = seconds
        while True:
            self._runner.pause(self._held, min(left, _LOOK_FOR_WAKING))
            left -= _LOOK_FOR_WAKING
            seen = self._seen()
            if left <= 0 or seen.is_cancelling or (since is not None and seen.woken_at != since.woken_at):
                return seen

    def _seen(self) -> Run:
        return self._asked(lambda: self._runner.store.get(self._id))

    def _asked(self, ask: Callable[[], T]) -> T:
        """What the store says, however long it does not answer: only the lease's end ends that."""
        while True:
            self._held.check_here()
            try:
                return ask()
            except UnavailableError:
                self._runner.pause(self._held, self._runner.pacing.store_seconds)
            except ConflictError as error:
                if not self._still_holds():
                    raise StoppedError(str(error)) from error
                raise

    def _still_holds(self) -> bool:
        try:
            self._held.check()
        except StoppedError:
            return False
        except UnavailableError:
            return True
        return True

    def _resuming(self, fix: str) -> str:
        again = f"csoc runs resume {self._id} tries again"
        return f"{fix.rstrip('.')}; {again}" if fix else again

    def _defect(self, error: Exception) -> tuple[str, str]:
        """A defect of csoc's own: where it is, without values, which may be secret."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        return (
            f"csoc made a mistake ({type(error).__name__} in {place})",
            self._resuming("Please report it"),
        )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _placed(error: CsocError) -> str:
    return f"{error.place}: {error.cause}" if error.place else error.cause


def check_arguments(run: Run, registry: Mapping[str, StepKind]) -> None:
    """Refuses a run that cannot be executed as it is written: RejectedError."""
    names = [step.name for step in run.steps]
    numbers = [step.number for step in run.steps]
    if numbers != list(range(1, len(numbers) + 1)) or len(set(names)) != len(names) or not names:
        raise RejectedError(f"The steps of run {run.id} are not numbered from 1, or two have one name")
    for step in run.steps:
        kind = registry.get(step.kind)
        if kind is None:
            raise RejectedError(f"There is no step {step.kind!r}", place=f"run {run.id}, step {step.name}")
        unknown = sorted(set(step.arguments) - set(kind.arguments))
        if unknown:
            raise RejectedError(
                f"The step {step.kind!r} takes no {', '.join(unknown)}",
                place=f"run {run.id}, step {step.name}",
                fix=f"It takes {', '.join(kind.arguments) or 'nothing'}",
            )
