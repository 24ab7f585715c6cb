"""A plan shows what each of its layers costs before and after, through its whole life, and keeps it when stored."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from csoc.provisioning.planning import Planner
from csoc.provisioning.plans import Cost, Purpose, from_json, to_json
from csoc.usecases.estimating import costs
from tests.unit.provisioning.small_layers import BUCKET, START, World, network, stack

_ADDRESS: dict[str, Any] = {"Type": "AWS::EC2::EIP", "Properties": {}}


@pytest.fixture
def world() -> World:
    made = World()
    numbers = itertools.count(1)
    made.planner = Planner(
        made.stacks, made.templates, lambda: START, lambda: f"plan{next(numbers):06}", costs(lambda: START, "small")
    )
    return made


def _cost(world: World, layer: str, **asked: Any) -> Cost:
    found = world.plan(layers=(layer,), **asked).layer(layer).cost
    assert found is not None
    return found


def _apply(world: World) -> None:
    plan = world.plan(layers=("network",))
    world.stacks.execute(stack("network"), plan.layer("network").change_set, f"token-{plan.id}")


def test_a_preview_costs_what_its_template_holds(world: World) -> None:
    # Its inputs do not exist yet: 73.00 for the control plane, 0.40 for data between zones.
    cost = _cost(world, "cluster")
    assert (cost.before, cost.after) == (0.0, 73.40)


def test_a_change_costs_its_difference_and_nothing_once_it_is_done(world: World) -> None:
    _apply(world)
    world.templates.templates["network"] = network(Address=_ADDRESS)
    cost = _cost(world, "network")
    assert (cost.before, cost.after) == (0.0, 3.65)
    _apply(world)
    cost = _cost(world, "network")
    assert (cost.before, cost.after) == (3.65, 3.65)


def test_destroying_says_what_goes_on_to_cost(world: World) -> None:
    world.templates.templates["network"] = network(Data=BUCKET, Address=_ADDRESS)
    _apply(world)
    cost = _cost(world, "network", purpose=Purpose.DESTROY)
    assert cost.before == 4.25  # the address, 20 GB at 0.025, 10 x 0.0055 and 100 x 0.00044
    assert round(cost.after, 2) == 0.60
    assert cost.lines[0].thing == "Data: storage, which stays"


def test_costs_are_kept_with_the_plan_and_are_no_part_of_what_is_approved(world: World) -> None:
    plan = world.plan()
    assert from_json(to_json(plan)) == plan
    world.planner = Planner(world.stacks, world.templates, lambda: START, lambda: plan.id)
    assert world.plan().digest == plan.digest
