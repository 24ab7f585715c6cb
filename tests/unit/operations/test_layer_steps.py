"""Steps that apply and destroy a layer: nothing before its approval, nothing that was not shown, everything once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from csoc.clock import Clock
from csoc.errors import RejectedError
from csoc.operations.runs import Run, Step
from csoc.operations.services import ApprovalStanding, Services, Standing
from csoc.operations.steps import apply_layer, destroy_layer
from csoc.operations.steps.base import Done, Waiting
from csoc.provisioning.places import Place
from csoc.provisioning.plans import Plan, Purpose
from csoc.provisioning.stacks import StackRequest
from csoc.testing.plans import MemoryPlans
from tests.unit.provisioning.small_layers import BUCKET, START, TARGET, World, network, stack


@dataclass
class Approvals:
    """Approves the plans that a test names."""

    approved: set[str] = field(default_factory=set)

    def standing(self, plan: str) -> ApprovalStanding:
        wanted = ApprovalStanding(Standing.WANTED, why="1 approval is missing")
        return ApprovalStanding(Standing.APPROVED, "sts:bea") if plan in self.approved else wanted


@dataclass
class At:
    """The one place of a test."""

    place: Place
    asked: list[str] = field(default_factory=list)

    def at(self, account: str, account_id: str, region: str, *, person: str, task: str) -> Place:
        self.asked.append(f"{account} {account_id} {region} {person} {task}")
        return self.place


@dataclass
class Context:
    """What a step is given, without a runner."""

    run: Run
    step: Step
    services: Services
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    clock: Clock = lambda: START

    def check(self) -> None: ...

    def sleep(self, seconds: float) -> None: ...

    def log(self, text: str, what: str = "event") -> None:
        self.lines.append(text)

    def hide(self, *words: str) -> None: ...


class Scene:
    """A world with stores, in which steps are run."""

    def __init__(self) -> None:
        self.world = World()
        self.plans, self.approvals = MemoryPlans(), Approvals()
        self.at = At(Place(self.world.stacks, TARGET.installation, TARGET.execution_role))
        self.attempt = 1

    def planned(self, **asked: Any) -> Plan:
        plan = self.world.plan(**asked)
        self.plans.put(plan, self.world.texts)
        return plan

    def context(self, plan: Plan, layer: str, **more: Any) -> Context:
        arguments = {"plan": plan.id, "layer": layer, **more.pop("arguments", {})}
        step = Step(1, f"apply {layer}", "apply layer", arguments)
        run = Run(f"run-{plan.id}", "apply", plan.owner, "cluster research", "sts:ada", START, steps=(step,))
        run = Run(**{name: getattr(run, name) for name in run.__slots__} | {"attempt": self.attempt})
        services = Services(approvals=self.approvals, plans=self.plans, places=self.at)
        return Context(run, step, services, **more)

    def apply(self, plan: Plan, layer: str = "network", **more: Any) -> Any:
        self.last = self.context(plan, layer, **more)
        return apply_layer.STEP.run(self.last)

    def destroy(self, plan: Plan, layer: str = "network") -> Any:
        return destroy_layer.STEP.run(self.context(plan, layer))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_nothing_happens_before_the_approval_and_who_waits_is_told_what_to_do(scene: Scene) -> None:
    plan = scene.planned()
    waiting = scene.apply(plan)
    assert isinstance(waiting, Waiting)
    assert waiting.fix == f"csoc approve {plan.id}"
    assert scene.world.stacks.effects == []
    assert scene.at.asked == []


def test_an_approved_layer_is_applied_as_the_person_and_run_that_asked(scene: Scene) -> None:
    plan = scene.planned()
    scene.approvals.approved.add(plan.id)
    done = scene.apply(plan)
    assert isinstance(done, Done)
    assert set(done.result["outputs"]) == {"VpcId"}
    assert scene.at.asked == ["research-prod 111111111111 ap-southeast-2 sts:ada run-plan000001"]


def test_documents_that_changed_since_the_approval_change_nothing_of_what_is_applied(scene: Scene) -> None:
    plan = scene.planned()
    scene.approvals.approved.add(plan.id)
    scene.world.templates.templates["network"] = network(Later={"Type": "AWS::SQS::Queue"})
    scene.apply(plan)
    assert "Later" not in scene.world.stacks.resources(stack("network"))


def test_what_was_not_shown_becomes_a_plan_of_its_own_and_waits_for_its_approval(scene: Scene) -> None:
    first = scene.planned()
    scene.approvals.approved.add(first.id)
    scene.apply(first)
    scene.world.templates.templates["network"] = network(Queue={"Type": "AWS::SQS::Queue"})
    plan = scene.planned(layers=("network",))
    scene.approvals.approved.add(plan.id)
    _outside(scene, network(Theirs={"Type": "AWS::SNS::Topic"}))
    waiting = scene.apply(plan)
    assert isinstance(waiting, Waiting)
    more = scene.plans.get(f"{plan.id}-network")
    assert {(layer, change.logical_id) for layer, change in more.changes()} == {
        ("network", "Queue"),
        ("network", "Theirs"),
    }
    assert waiting.fix == f"csoc approve {more.id}"
    assert isinstance(scene.apply(plan), Waiting), "it goes on waiting, and makes no third plan"
    assert "Theirs" in scene.world.stacks.resources(stack("network"))
    scene.approvals.approved.add(more.id)
    assert isinstance(scene.apply(plan), Done)
    assert set(scene.world.stacks.resources(stack("network"))) == {"Vpc", "VpcIdPassed", "Queue"}


def test_a_failure_is_told_with_its_cause_and_fix_and_a_resumed_run_tries_anew(scene: Scene) -> None:
    bad = {"Type": "AWS::EC2::EIP", "Properties": {"Fails": "The maximum number of addresses has been reached."}}
    scene.world.templates.templates["network"] = network(Address=bad)
    plan = scene.planned()
    scene.approvals.approved.add(plan.id)
    for _ in range(2):
        with pytest.raises(RejectedError, match=r"Address.*no Elastic IP address left") as raised:
            scene.apply(plan)
    assert "L-0263D0A3" in raised.value.fix
    assert scene.world.stacks.effects == [f"execute {stack('network')}"]
    scene.attempt = 2
    with pytest.raises(RejectedError):
        scene.apply(plan)
    assert scene.world.stacks.effects.count(f"execute {stack('network')}") == 2


def test_a_parameter_that_an_earlier_step_brings_about_is_given(scene: Scene) -> None:
    record = {"Type": "AWS::Route53::RecordSet", "Condition": "Has", "Properties": {"Alias": {"Ref": "Balancer"}}}
    edge = network(Record=record)
    edge |= {"Parameters": {"Balancer": {"Type": "String", "Default": ""}}, "Conditions": {"Has": "Balancer"}}
    scene.world.templates.templates["network"] = edge
    plan = scene.planned(layers=("network",))
    scene.approvals.approved.add(plan.id)
    scene.apply(plan)
    given = {"given": {"Balancer": "follow gen3/address"}}
    with pytest.raises(RejectedError, match="'follow gen3' gave no address"):
        scene.apply(plan, arguments=given)
    results = {"follow gen3": {"address": "k8s-heart.elb.amazonaws.com"}}
    assert isinstance(scene.apply(plan, arguments=given, results=results), Done)
    assert "Record" in scene.world.stacks.resources(stack("network"))


def test_a_destroyed_layer_says_what_it_kept_and_needs_a_plan_for_that(scene: Scene) -> None:
    scene.world.templates.templates["network"] = network(Data=BUCKET)
    applied = scene.planned()
    scene.approvals.approved.add(applied.id)
    scene.apply(applied)
    with pytest.raises(RejectedError, match="not one to destroy anything"):
        scene.destroy(applied)
    plan = scene.planned(purpose=Purpose.DESTROY, layers=("network",))
    assert isinstance(scene.destroy(plan), Waiting)
    scene.approvals.approved.add(plan.id)
    done = scene.destroy(plan)
    assert isinstance(done, Done)
    [kept] = done.result["kept"]
    assert kept.endswith("(AWS::S3::Bucket)")
    assert scene.world.stacks.find(stack("network")) is None


def _outside(scene: Scene, template: Mapping[str, Any]) -> None:
    """Somebody changes the stack without csoc."""
    state = scene.world.stacks.find(stack("network"))
    assert state is not None
    request = StackRequest(stack("network"), json.dumps(template), {}, dict(state.tags), "")
    scene.world.stacks.make_change_set(request, "outside")
    scene.world.stacks.execute(stack("network"), "outside", "outside")
