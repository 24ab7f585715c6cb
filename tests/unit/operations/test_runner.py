"""What becomes of a run: its steps, their outcomes, waiting, cancelling, resuming."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.operations.runner import check_arguments
from csoc.operations.runs import RunState
from csoc.operations.steps.base import Context, Done, Result, Waiting
from csoc.testing.runs import step
from csoc.usecases import runs as usecase
from tests.unit.operations.world import START, Crash, World


def fails(error: CsocError, times: int = 1_000) -> Any:
    left = [times]

    def code(context: Context) -> Result:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return Done()

    return code


def test_steps_run_in_order_and_later_ones_see_what_earlier_ones_gave() -> None:
    world = World()
    seen: list[Any] = []

    def code(context: Context) -> Result:
        seen.append((context.step.number, dict(context.results)))
        return Done({"n": context.step.number})

    world.kind("count", code)
    world.add("count", "count")
    run = world.work()
    assert seen == [(1, {}), (2, {"count 1": {"n": 1}})]
    assert (run.state, run.ended_at) == (RunState.SUCCEEDED, START)
    assert [one.result for one in run.steps] == [{"n": 1}, {"n": 2}]
    assert [one.attempts for one in run.steps] == [1, 1]
    assert world.store.lease("r1", START) is None


@pytest.mark.parametrize("kind", [RejectedError, DeniedError, NotFoundError, ConflictError])
def test_a_no_of_the_world_fails_the_run_with_cause_and_fix_and_is_not_tried_again(kind: type[CsocError]) -> None:
    world = World()
    world.kind("bad", fails(kind("It is not allowed", place="stack csoc-1", fix="Allow it")))
    world.kind("good")
    world.add("good", "bad", "good")
    run = world.work()
    assert run.state is RunState.FAILED
    assert world.states() == [RunState.SUCCEEDED, RunState.FAILED, RunState.QUEUED]
    assert (run.step(2).cause, run.step(2).fix) == ("stack csoc-1: It is not allowed", "Allow it")
    assert run.step(2).attempts == 1
    assert world.waits == []


def test_who_could_not_find_out_tries_again_in_growing_intervals() -> None:
    world = World()
    world.kind("shy", fails(UnavailableError("No answer", fix="Wait"), times=3))
    world.add("shy")
    run = world.work()
    assert run.state is RunState.SUCCEEDED
    assert (run.step(1).attempts, run.step(1).cause) == (4, "")
    assert sum(world.waits) == 2 + 4 + 8
    assert "No answer; tried again in 4 s" in world.texts()


def test_a_run_that_could_not_find_out_is_errored_and_goes_on_at_that_step_when_resumed() -> None:
    world = World()
    answers = fails(UnavailableError("No answer"), times=3)
    world.kind("shy", answers, attempts=3)
    world.kind("good")
    world.add("good", "shy", "good")
    run = world.work()
    assert run.state is RunState.ERRORED
    assert run.step(2).cause == "No answer (tried 3 times)"
    assert "csoc runs resume r1" in run.step(2).fix
    first = run.step(1)
    usecase.resume(world.store, "r1", by="bob", now=world.now)
    assert world.run().attempt == 2
    run = world.work()
    assert run.state is RunState.SUCCEEDED
    assert run.step(1) == first
    assert run.step(2).attempts == 4
    assert "bob resumed it" in world.texts()


def test_a_failed_run_can_be_resumed_unless_its_owner_has_another_one() -> None:
    world = World()
    world.kind("bad", fails(RejectedError("No"), times=1))
    world.add("bad")
    world.work()
    world.add("bad", run_id="r2")
    with pytest.raises(ConflictError, match="r2"):
        usecase.resume(world.store, "r1", by="bob", now=world.now)
    usecase.cancel(world.store, "r2", by="bob", now=world.now)
    usecase.resume(world.store, "r1", by="bob", now=world.now)
    assert world.work().state is RunState.SUCCEEDED


def test_a_defect_of_csoc_leaves_the_run_to_be_resumed_and_tells_no_value() -> None:
    world = World()

    def code(context: Context) -> Result:
        raise ValueError("password hunter2hunter2")

    world.kind("broken", code)
    world.add("broken")
    run = world.work()
    assert run.state is RunState.ERRORED
    assert run.step(1).cause.startswith("csoc made a mistake (ValueError in test_runner.py:")
    assert "hunter2" not in str(run) + str(world.texts())


def test_a_kind_of_step_that_this_csoc_does_not_know_is_left_to_another_csoc() -> None:
    world = World()
    world.add("later")
    run = world.work()
    assert (run.state, run.step(1).cause) == (RunState.ERRORED, "This csoc knows no step 'later'")


# Waiting


def test_a_step_that_waits_is_looked_at_in_growing_intervals_up_to_its_most() -> None:
    world = World()
    looks: list[float] = []

    def code(context: Context) -> Result:
        looks.append((context.clock() - START).total_seconds())
        if len(looks) < 6:
            return Waiting("the merge", fix="Merge it", seconds=10, most_seconds=30)
        return Done()

    world.kind("wait", code)
    world.add("wait")
    world.during_wait = lambda seconds: states.append((world.run().state, world.run().step(1).waits_for))
    states: list[Any] = []
    run = world.work()
    assert run.state is RunState.SUCCEEDED
    assert looks == [0, 10, 25, 47.5, 77.5, 107.5]
    assert set(states) == {(RunState.WAITING, "the merge")}
    assert (run.step(1).attempts, run.step(1).waits_for, run.step(1).fix) == (1, "", "")
    assert world.texts().count("Waits for the merge") == 1


def test_resuming_a_run_that_waits_looks_at_once() -> None:
    world = World()
    looks: list[float] = []

    def code(context: Context) -> Result:
        looks.append((context.clock() - START).total_seconds())
        return Done() if len(looks) == 2 else Waiting("the merge", seconds=200)

    def wake(seconds: float) -> None:
        if len(world.waits) == 3:
            usecase.resume(world.store, "r1", by="bob", now=world.now)

    world.kind("wait", code)
    world.add("wait")
    world.during_wait = wake
    assert world.work().state is RunState.SUCCEEDED
    assert looks == [0, 3]


def test_what_is_waited_for_survives_a_crash() -> None:
    world = World()
    answers: list[Result] = [Waiting("the merge"), Done({"commit": "c"})]
    world.kind("wait", lambda context: answers.pop(0))
    world.add("wait")

    def crash(seconds: float) -> None:
        raise Crash

    world.during_wait = crash
    world.crash()
    assert world.run().state is RunState.WAITING
    world.during_wait = lambda seconds: None
    run = world.work()
    assert (run.state, run.step(1).result) == (RunState.SUCCEEDED, {"commit": "c"})


def test_the_time_of_a_step_is_over_at_its_next_look_at_the_fence() -> None:
    world = World()

    def code(context: Context) -> Result:
        while True:
            context.check()
            context.sleep(4)

    world.kind("slow", code, timeout_seconds=60, attempts=1)
    world.add("slow")
    run = world.work()
    assert run.state is RunState.ERRORED
    assert "did not come to its end within 60 s" in run.step(1).cause


# Cancelling


def test_a_run_that_nobody_executes_yet_is_cancelled_at_once() -> None:
    world = World()
    world.kind("good")
    world.add("good")
    usecase.cancel(world.store, "r1", by="bob", now=world.now)
    assert world.run().state is RunState.CANCELLED
    assert world.executor().look() == []


def test_cancelling_lets_the_running_step_end_and_begins_no_other() -> None:
    world = World()

    def code(context: Context) -> Result:
        usecase.cancel(world.store, "r1", by="bob", now=world.now)
        return Done({"made": True})

    world.kind("stack", code)
    world.add("stack", "stack")
    run = world.work()
    assert run.state is RunState.CANCELLED
    assert world.states() == [RunState.SUCCEEDED, RunState.CANCELLED]
    assert run.step(1).result == {"made": True}
    assert run.step(2).attempts == 0


@pytest.mark.parametrize("what", ["waiting", "trying again"])
def test_cancelling_ends_a_wait(what: str) -> None:
    world = World()
    waiting = fails(UnavailableError("No")) if what == "trying again" else lambda context: Waiting("it", seconds=100)
    world.kind("wait", waiting)
    world.add("wait")

    def cancel(seconds: float) -> None:
        if len(world.waits) == 2:
            usecase.cancel(world.store, "r1", by="bob", now=world.now)

    world.during_wait = cancel
    assert world.work().state is RunState.CANCELLED
    assert len(world.waits) == 2


def test_a_run_that_waits_and_whose_executor_is_gone_is_cancelled_at_once() -> None:
    world = World()
    world.add("good", state=RunState.WAITING)
    usecase.cancel(world.store, "r1", by="bob", now=world.now)
    assert world.run().state is RunState.CANCELLED
    assert world.store.lease("r1", world.now) is None


def test_what_is_over_is_not_cancelled_and_not_resumed_twice() -> None:
    world = World()
    world.kind("good")
    world.add("good")
    world.work()
    with pytest.raises(ConflictError, match="succeeded"):
        usecase.cancel(world.store, "r1", by="bob", now=world.now)
    with pytest.raises(ConflictError, match="succeeded"):
        usecase.resume(world.store, "r1", by="bob", now=world.now)


def test_an_errored_run_is_given_up_by_cancelling() -> None:
    world = World()
    world.kind("shy", fails(UnavailableError("No")), attempts=1)
    world.add("shy")
    world.work()
    usecase.cancel(world.store, "r1", by="bob", now=world.now)
    assert world.run().state is RunState.CANCELLED
    world.add("shy", run_id="r2")


# Secrets


def test_secrets_are_masked_before_a_line_a_cause_or_a_fix_is_stored() -> None:
    world = World()

    def code(context: Context) -> Result:
        context.hide("correct horse")
        context.log("the value is correct horse, password=Zq81hsTTb2x9vLpW")
        raise RejectedError("correct horse is wrong", fix="not correct horse")

    world.kind("leaky", code)
    world.add("leaky")
    run = world.work()
    stored = str(world.texts()) + run.step(1).cause + run.step(1).fix
    assert "correct horse" not in stored
    assert "Zq81hsTTb2x9vLpW" not in stored
    assert run.step(1).cause.endswith("is wrong")


# What may be asked for


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((), "not numbered"),
        ((step(2, "a", "good"),), "not numbered"),
        ((step(1, "a", "good"), step(2, "a", "good")), "one name"),
        ((step(1, "a", "nope"),), "no step 'nope'"),
        ((step(1, "a", "good", strange=1),), "takes no strange"),
    ],
)
def test_a_run_that_cannot_be_executed_is_refused_before_it_is_queued(steps: Any, why: str) -> None:
    world = World()
    world.kind("good")
    run = world.add("good", steps=steps)
    with pytest.raises(RejectedError, match=why):
        check_arguments(run, world.kinds)
