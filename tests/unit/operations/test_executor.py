"""Who executes a run: leases, the fence, crashes, and two executors who both believe that they own it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from csoc.errors import ConflictError, RejectedError, UnavailableError
from csoc.operations.executor import ExecutorSettings
from csoc.operations.leases import Held, LeaseTimes, StoppedError
from csoc.operations.runs import RunState
from csoc.operations.steps.base import Context, Done, Result, Waiting
from csoc.testing.runs import MemoryRuns
from tests.unit.operations.world import START, Crash, World


class Deaf(MemoryRuns):
    """A store that does not answer while it is deaf."""

    is_deaf = False

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "is_deaf" and self.is_deaf:
            raise UnavailableError("The database does not answer: locked")
        return super().__getattribute__(name)


def counting(effects: list[str], crash: Callable[[Context], bool] = lambda context: False) -> Any:
    """A step with one effect, which is conditional at its target as effects are."""

    def code(context: Context) -> Result:
        context.check()
        if context.step.name not in effects:
            effects.append(context.step.name)
        if crash(context):
            raise Crash
        return Done()

    return code


@pytest.mark.parametrize("at", [1, 2, 3])
def test_after_a_crash_another_executor_goes_on_at_the_step_that_did_not_end(at: int) -> None:
    world = World()
    effects: list[str] = []
    crashed: list[int] = []

    def crash(context: Context) -> bool:
        if context.step.number == at and not crashed:
            crashed.append(at)
            return True
        return False

    world.kind("make", counting(effects, crash))
    world.add("make", "make", "make")
    world.crash()
    assert world.run().state is RunState.RUNNING
    run = world.work()
    assert run.state is RunState.SUCCEEDED
    assert effects == ["make 1", "make 2", "make 3"]
    assert [one.attempts for one in run.steps] == [2 if number == at else 1 for number in (1, 2, 3)]


def test_nobody_takes_over_before_the_lease_has_run_out() -> None:
    world = World()
    world.kind("make", counting([], lambda context: world.run().step(1).attempts == 1))
    world.add("make")
    world.crash()
    world.now -= timedelta(seconds=1)
    assert world.executor().look() == []
    world.now += timedelta(seconds=1)
    assert world.executor().look() == ["r1"]


@pytest.mark.parametrize("method", ["change_step", "change", "release"])
@pytest.mark.parametrize("call", range(1, 6))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_any_write_ends_the_same_way(method: str, call: int, moment: str) -> None:
    world = World()
    effects: list[str] = []
    world.kind("make", counting(effects))
    world.add("make", "make")
    calls = dict.fromkeys(("change_step", "change", "release"), 0)
    dead: list[str] = []

    def dying(name: str) -> Callable[..., Any]:
        write = getattr(world.store, name)

        def write_or_die(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            is_it = (name, calls[name]) == (method, call)
            if dead or (is_it and moment == "before"):
                dead.append(name)
                raise Crash
            given = write(*arguments, **named)
            if is_it:
                dead.append(name)
                raise Crash
            return given

        return write_or_die

    with ExitStack() as stack:
        for name in calls:
            stack.enter_context(patch.object(world.store, name, dying(name)))
        stack.enter_context(suppress(Crash))
        world.executor().look()
    if dead:
        world.executors.clear()
        world.now += timedelta(seconds=30)
    world.work()
    run = world.run()
    assert run.state is RunState.SUCCEEDED
    assert effects == ["make 1", "make 2"]
    assert [one.state for one in run.steps] == [RunState.SUCCEEDED] * 2


def test_a_step_that_must_not_be_repeated_waits_for_a_person_after_a_crash() -> None:
    from csoc.usecases import runs as usecase

    world = World()
    effects: list[str] = []
    world.kind("once", counting(effects, lambda context: world.run().step(1).attempts == 1), may_repeat=False)
    world.add("once")
    world.crash()
    run = world.work()
    assert run.state is RunState.ERRORED
    assert "nobody knows whether it happened" in run.step(1).cause
    assert run.step(1).attempts == 1
    usecase.resume(world.store, "r1", by="bob", now=world.now)
    assert world.work().state is RunState.SUCCEEDED


def test_an_executor_that_is_late_has_no_effect_and_records_nothing() -> None:
    """It is stopped in the middle of a step for longer than its lease; another one does the work meanwhile."""
    world = World()
    effects: list[str] = []
    is_late = [True]

    def code(context: Context) -> Result:
        if is_late:
            is_late.clear()
            late = world.executors.pop()
            world.now += timedelta(seconds=31)
            assert world.work().state is RunState.SUCCEEDED
            world.executors.append(late)
        context.check()
        effects.append("effect")
        return Done({"by": "whoever was in time"})

    world.kind("make", code)
    world.add("make")
    world.executor().look()
    assert effects == ["effect"]
    assert world.run().state is RunState.SUCCEEDED


def test_an_executor_that_cannot_renew_stops_before_another_one_may_begin() -> None:
    store = Deaf()
    world = World(store=store)
    stopped: list[float] = []

    def code(context: Context) -> Result:
        store.is_deaf = True
        try:
            context.check()
        except StoppedError:
            stopped.append((world.now - START).total_seconds())
            raise
        return Done()

    world.kind("make", code)
    world.add("make")
    world.executor().look()
    store.is_deaf = False
    assert stopped == [20.0]
    assert world.run().state is RunState.RUNNING
    assert world.executors[0].look() == []  # it has let its lease go with the database deaf, so that this runs out
    assert store.take("r1", "other", START + timedelta(seconds=29), 30) is None


def test_a_database_that_is_locked_for_a_moment_costs_nothing() -> None:
    store = Deaf()
    world = World(store=store)

    def code(context: Context) -> Result:
        context.log("said while nobody listened")
        store.is_deaf = True
        context.log("this too")
        return Done({"made": 1})

    def listen(seconds: float) -> None:
        if sum(world.waits) > 5:
            store.is_deaf = False

    world.kind("make", code)
    world.add("make")
    world.during_wait = listen
    run = world.work()
    assert (run.state, run.step(1).result) == (RunState.SUCCEEDED, {"made": 1})
    assert world.texts() == ["said while nobody listened", "this too"]


def test_whoever_runs_a_worker_is_told_once_why_it_cannot_look_for_work() -> None:
    world = World()
    told: list[str] = []
    looks = itertools.count(1)

    def abandoned(*_: object) -> list[str]:
        if next(looks) == 4:
            worker.stop()
        raise UnavailableError("The database does not answer")

    worker = world.executor(
        tell=lambda error: told.append(error.cause), settings=replace(world.settings, poll_seconds=0.001)
    )
    with patch.object(world.store, "abandoned", abandoned):
        worker.serve()
    assert told == ["The database does not answer"]
    worker.close(0)


def test_an_executor_that_ends_lets_the_step_end_and_another_one_goes_on_at_once() -> None:
    world = World()

    def stopped(_: Context) -> Result:
        world.executors[0].stop()
        return Done()

    world.kind("make", stopped)
    world.add("make", "make")
    world.executor().look()
    assert world.states() == [RunState.SUCCEEDED, RunState.QUEUED]
    world.executors.pop(0)
    assert world.executor().look() == ["r1"]


def test_what_is_executed_elsewhere_is_taken_there_only() -> None:
    world = World()
    world.kind("make")
    world.add("make", where="https://ci.example.org/7")
    assert world.executor().look() == []
    assert world.executor(where="https://ci.example.org/7").look() == ["r1"]
    assert world.run().state is RunState.SUCCEEDED


def test_the_executor_of_a_command_takes_its_own_run_only() -> None:
    world = World()
    world.kind("make")
    world.add("make")
    world.add("make", run_id="r2", owner="lung")
    assert world.executor(only="r2").look() == ["r2"]
    assert world.run().state is RunState.QUEUED


def test_a_worker_takes_as_many_runs_as_it_may_and_those_that_wait_do_not_count() -> None:
    world = World(settings=ExecutorSettings(most_runs=2))
    begun: list[str] = []

    class Idle:
        def execute(self, run_id: str, attempt: int) -> None:
            begun.append(run_id)

        def close(self, seconds: float) -> bool:
            return True

    for number, state in enumerate((RunState.WAITING, RunState.QUEUED, RunState.QUEUED, RunState.QUEUED)):
        world.add("make", run_id=f"r{number}", owner=f"o{number}", state=state)
    executor = world.executor(engine=lambda workflow, name: Idle())
    assert executor.look() == ["r0", "r1", "r2"]
    assert executor.look() == []


def test_a_run_that_the_engine_does_not_begin_is_let_go() -> None:
    world = World()

    class Idle:
        def execute(self, run_id: str, attempt: int) -> None:
            return None

        def close(self, seconds: float) -> bool:
            return True

    world.kind("make")
    world.add("make")
    executor = world.executor(engine=lambda workflow, name: Idle())
    executor.look()
    for _ in range(13):
        world.wait(10)
    assert world.store.lease("r1", world.now) is None
    world.executors.clear()
    assert world.work().state is RunState.SUCCEEDED


def test_a_run_that_is_over_for_the_engine_alone_is_left_to_a_person() -> None:
    world = World()
    world.kind("make")
    world.add("make")
    world.work()
    world.store.change("r1", None, state=RunState.RUNNING)  # as a restored backup would
    world.work()
    assert world.run().state is RunState.ERRORED
    assert "csoc runs resume r1" in world.texts()[-1]


@pytest.mark.parametrize("times", [(30, 30, 5), (30, 20, 20), (10, 20, 5), (30, 20, 0)])
def test_times_that_would_let_two_executors_run_are_refused(times: tuple[float, float, float]) -> None:
    with pytest.raises(RejectedError):
        LeaseTimes(*times)


def test_the_fence_tells_by_itself_when_its_time_is_over_and_does_not_come_back() -> None:
    world = World()
    world.add("make")
    lease = world.store.take("r1", "one", START, 30)
    assert lease is not None
    held = Held(lease, world.store, world.clock, LeaseTimes(), START)
    world.now += timedelta(seconds=19.9)
    held.check()
    world.now += timedelta(seconds=0.1)
    with pytest.raises(StoppedError, match="20 s"):
        held.check()
    held.renew()
    with pytest.raises(StoppedError):
        held.check()
    assert world.store.take("r1", "two", START + timedelta(seconds=30), 30) is not None
    with pytest.raises(ConflictError):
        world.store.change("r1", lease, state=RunState.SUCCEEDED)


@pytest.mark.parametrize("fails", [False, True])
def test_a_step_whose_end_was_written_is_not_run_again_by_the_next_executor(fails: bool) -> None:
    world = World()
    called: list[str] = []

    def code(context: Context) -> Result:
        called.append(context.step.name)
        if fails:
            raise RejectedError("No")
        return Done({"made": 1})

    change_step = world.store.change_step

    def dying(*arguments: Any, **named: Any) -> Any:
        changed = change_step(*arguments, **named)
        if "ended_at" in named:
            raise Crash
        return changed

    world.kind("make", code)
    world.add("make")
    with patch.object(world.store, "change_step", dying):
        world.crash()
    run = world.work()
    assert called == ["make 1"]
    assert run.state is (RunState.FAILED if fails else RunState.SUCCEEDED)
    assert run.step(1).cause == ("No" if fails else "")


def test_whoever_looks_on_is_told_of_each_run_and_step_that_begins_waits_and_is_over() -> None:
    world = World()
    told: list[tuple[str, str]] = []
    looks: list[int] = []

    def waits(context: Context) -> Result:
        looks.append(1)
        return Done() if len(looks) > 3 else Waiting("the record", fix="Make it", seconds=1)

    def fails(context: Context) -> Result:
        raise RejectedError("It is too big")

    world.kind("wait", waits)
    world.kind("bad", fails)
    world.add("wait", "bad")
    world.executor(
        watched=lambda run, step: told.append((step.name, step.state) if step else ("", run.state)),
    ).look()
    assert told == [
        ("", RunState.QUEUED),
        ("wait 1", RunState.RUNNING),
        ("wait 1", RunState.WAITING),
        ("wait 1", RunState.SUCCEEDED),
        ("bad 2", RunState.RUNNING),
        ("bad 2", RunState.FAILED),
        ("", RunState.FAILED),
    ]
