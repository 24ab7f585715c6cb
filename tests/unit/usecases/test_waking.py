"""A run goes on as soon as somebody did what it waits for, and whoever did it is told how it goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from csoc.access.people import machine_person
from csoc.cli.runs.session import how_it_goes_on
from csoc.operations.runs import RunState
from csoc.operations.steps.base import Context, Done, Result, Waiting
from csoc.testing.engine import Journal, MemoryEngine
from csoc.usecases import runs as usecase
from csoc.usecases.run_ports import RunPorts
from tests.unit.operations.world import World


def ports_of(world: World) -> RunPorts:
    return RunPorts(
        world.store,
        lambda workflow, _: MemoryEngine(workflow, Journal()),
        world.clock,
        lambda: "r9",
        lambda: machine_person("bea", "here"),
    )


@pytest.mark.parametrize("when", ["between two looks", "during a look"])
def test_a_run_that_waits_looks_at_once_when_somebody_did_what_it_waits_for(when: str) -> None:
    world, there = World(), []
    ports = ports_of(world)

    def put() -> None:
        there.append("secret")
        woken = usecase.wake(ports, "heart", "put the secret", kind="wait")
        assert woken is not None
        assert how_it_goes_on(woken) == "The run r1 goes on by itself; csoc runs watch r1 shows it"

    def look(context: Context) -> Result:
        if there:
            return Done()
        if when == "during a look":
            put()
        return Waiting("the secret", seconds=100)

    def pass_time(seconds: float) -> None:
        if not there and len(world.waits) == 3:
            put()

    world.during_wait = pass_time
    world.kind("wait", look)
    world.add("wait")
    assert world.work().state is RunState.SUCCEEDED
    assert sum(world.waits) < 10, "it did not wait for its own next look"
    assert any(text.endswith("put the secret") for text in world.texts())


def test_who_did_what_a_run_waits_for_is_told_what_to_type_where_nobody_executes_it() -> None:
    world = World()
    world.add("wait", state=RunState.WAITING)
    woken = usecase.wake(ports_of(world), "heart", "put the secret", kind="wait")
    assert woken is not None
    said = "Nobody executes the run r1; go on with: csoc runs resume r1 (or csoc worker)"
    assert how_it_goes_on(woken) == said
    assert world.run().woken_at == world.now


def test_no_other_run_is_woken() -> None:
    world = World()
    world.add("wait", state=RunState.WAITING, plan="p1")
    ports = ports_of(world)
    assert usecase.wake(ports, "lung", "did it") is None
    assert usecase.wake(ports, "heart", "did it", kind="other") is None
    assert usecase.wake(ports, "heart", "did it", plan="p2") is None
    assert world.run().woken_at is None
    assert world.texts() == []


def test_a_run_is_woken_by_the_approval_of_a_plan_that_it_made_on_its_way() -> None:
    world = World()
    run = world.add("wait", state=RunState.WAITING, plan="p1")
    world.store.change(run.id, None, steps=(replace(run.steps[0], fix="csoc approve p1-network"),))
    woken = usecase.wake(ports_of(world), "heart", "approved p1-network", plan="p1-network")
    assert woken is not None
    assert woken.run.woken_at == world.now
