"""One layer's apply: what was approved is done once, whatever happens meanwhile, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from csoc.errors import ConflictError, DeniedError, RejectedError
from csoc.provisioning.applying import Applied, Failed, LayerApplier, NotShown, not_shown, stack_policy
from csoc.provisioning.plans import LayerPlan, Plan, PlanKind, Purpose
from csoc.provisioning.stacks import Action, ChangeSet, ResourceChange, StackRequest
from csoc.provisioning.synthesis import Template
from tests.unit.provisioning.small_layers import BUCKET, TARGET, Fence, Fenced, World, cluster, network, stack


@pytest.fixture
def world() -> World:
    return World()


def apply(world: World, plan: Plan, layer: str, token: str = "run-1", fence: Fence | None = None, **more: Any) -> Any:
    lines: list[str] = []
    applier = LayerApplier(world.stacks, fence or Fence(), lines.append)
    return applier.apply(plan.id, plan.layer(layer), world.template(layer), TARGET, token, **more)


def test_an_approved_change_set_is_executed_and_the_stack_protected(world: World) -> None:
    plan = world.plan()
    outcome = apply(world, plan, "network")
    assert isinstance(outcome, Applied)
    assert outcome.changed
    state = world.stacks.find(stack("network"))
    assert state is not None
    assert (state.status, state.is_protected) == ("CREATE_COMPLETE", True)
    assert outcome.outputs == dict(state.outputs)


def test_a_preview_becomes_a_change_set_once_its_inputs_exist(world: World) -> None:
    plan = world.plan()
    apply(world, plan, "network")
    assert isinstance(apply(world, plan, "cluster"), Applied)
    assert world.stacks.effects == [f"execute {stack('network')}", f"execute {stack('cluster')}"]


def test_a_preview_that_wants_more_than_additions_of_its_template_waits(world: World) -> None:
    plan = world.plan()
    apply(world, plan, "network")
    old = world.templates.templates["cluster"]
    world.templates.templates["cluster"] = cluster(Gone={"Type": "AWS::SQS::Queue"})
    apply(world, world.plan(), "cluster", "somebody-else")
    world.templates.templates["cluster"] = old
    outcome = apply(world, plan, "cluster", "run-2")
    assert isinstance(outcome, NotShown)
    assert [(change.action, change.logical_id) for change in outcome.changes] == [(Action.REMOVE, "Gone")]
    assert "Gone" in world.stacks.resources(stack("cluster"))


def test_asked_again_with_the_same_token_it_happens_once(world: World) -> None:
    plan = world.plan()
    first, second = apply(world, plan, "network"), apply(world, plan, "network")
    assert first == second
    assert world.stacks.effects == [f"execute {stack('network')}"]


def test_an_executor_that_lost_its_run_does_nothing_more(world: World) -> None:
    plan = world.plan()
    for refused_at in range(1, 5):
        with pytest.raises(Fenced):
            apply(world, plan, "network", fence=Fence(1))
        done = len(world.stacks.effects)
        try:
            apply(world, plan, "network", fence=Fence(refused_at))
        except Fenced:
            assert len(world.stacks.effects) <= 1
        assert len(world.stacks.effects) >= done
    assert isinstance(apply(world, plan, "network"), Applied)
    assert world.stacks.effects == [f"execute {stack('network')}"]


def test_after_a_crash_in_the_middle_the_operation_is_followed_to_its_end(world: World) -> None:
    plan = world.plan()
    world.stacks.hold = True
    world.stacks.execute(stack("network"), plan.layer("network").change_set, "run-1")
    world.stacks.hold = False
    assert isinstance(apply(world, plan, "network"), Applied)
    assert world.stacks.effects == [f"execute {stack('network')}"]


def test_a_stack_that_somebody_else_is_changing_is_left_alone(world: World) -> None:
    plan = world.plan()
    world.stacks.hold = True
    world.stacks.execute(stack("network"), plan.layer("network").change_set, "another-run")
    with pytest.raises(ConflictError, match="Somebody else is changing the stack"):
        apply(world, plan, "network")


def test_a_failure_is_explained_and_the_next_attempt_begins_with_an_empty_place(world: World) -> None:
    bad = {"Type": "AWS::EC2::EIP", "Properties": {"Fails": "The maximum number of addresses has been reached."}}
    world.templates.templates["network"] = network(Address=bad)
    plan = world.plan()
    outcome = apply(world, plan, "network")
    assert isinstance(outcome, Failed)
    assert outcome.failure is not None
    assert (outcome.failure.logical_id, outcome.status) == ("Address", "ROLLBACK_COMPLETE")
    assert "no Elastic IP address left" in outcome.failure.cause
    assert isinstance(apply(world, plan, "network"), Failed), "the same attempt has the same end"
    assert isinstance(apply(world, plan, "network", "run-1-2"), Failed)
    assert world.stacks.effects == [
        f"execute {stack('network')}",
        f"delete {stack('network')}",
        f"execute {stack('network')}",
    ]


def test_a_template_that_is_not_the_approved_one_is_refused(world: World) -> None:
    plan = world.plan()
    world.templates.templates["network"] = network(More={"Type": "AWS::SQS::Queue"})
    with pytest.raises(RejectedError, match="not the one that was approved"):
        apply(world, plan, "network")
    assert world.stacks.effects == []


def test_a_stack_that_changed_since_gets_only_what_was_shown(world: World) -> None:
    apply(world, world.plan(), "network")
    world.templates.templates["network"] = network(Queue={"Type": "AWS::SQS::Queue"})
    plan = world.plan()
    outside = StackRequest(stack("network"), _text(network(Theirs={"Type": "AWS::SNS::Topic"})), {}, _tags(world), "")
    world.stacks.make_change_set(outside, "outside")
    world.stacks.execute(stack("network"), "outside", "outside")
    outcome = apply(world, plan, "network", "run-2")
    assert isinstance(outcome, NotShown)
    assert [change.logical_id for change in outcome.changes] == ["Theirs"]


def test_what_was_shown_to_come_later_comes_when_its_parameter_is_given(world: World) -> None:
    record = {
        "Type": "AWS::Route53::RecordSet",
        "Condition": "HasBalancer",
        "Properties": {"Alias": {"Ref": "Balancer"}},
    }
    told = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/told", "Value": {"Fn::If": ["HasBalancer", "a", "b"]}},
    }
    edge = network(Record=record, Told=told)
    edge["Parameters"] = {"Balancer": {"Type": "String", "Default": ""}}
    edge["Conditions"] = {"HasBalancer": "Balancer"}
    world.templates.templates["network"] = edge
    plan = world.plan(layers=("network",))
    assert plan.layer("network").later == ("Record (AWS::Route53::RecordSet)", "Told (AWS::SSM::Parameter)")
    apply(world, plan, "network")
    assert "Record" not in world.stacks.resources(stack("network"))
    outcome = apply(world, plan, "network", "run-1-later", given={"Balancer": "k8s-heart.elb.amazonaws.com"})
    assert isinstance(outcome, Applied)
    assert "Record" in world.stacks.resources(stack("network"))
    again = world.plan(layers=("network",))
    assert again.is_empty, "what was brought about stays"
    assert again.layer("network").later == (
        "Record (AWS::Route53::RecordSet), which is there",
        "Told (AWS::SSM::Parameter), which is there",
    )
    moved = apply(world, again, "network", "run-1-moved", given={"Balancer": "k8s-lung.elb.amazonaws.com"})
    assert isinstance(moved, Applied), "what is there may be changed"
    state = world.stacks.find(stack("network"))
    assert state is not None
    assert state.parameters["Balancer"] == "k8s-lung.elb.amazonaws.com"
    edge["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue"}
    assert isinstance(apply(world, world.plan(layers=("network",)), "network", "run-2"), Applied)
    assert {"Record", "Queue"} <= set(world.stacks.resources(stack("network")))


def test_what_is_there_is_changed_later_and_not_made_again() -> None:
    shown = LayerPlan("edge", "stack", PlanKind.EXACT, later=("Old (T), which is there", "New (T)"))
    template = Template("edge", "stack", "{}")
    changes = {
        (name, action): ResourceChange(action, name, "T")
        for name in ("Old", "New", "Other")
        for action in (Action.ADD, Action.MODIFY, Action.REPLACE, Action.REMOVE)
    }
    change_set = ChangeSet("arn", "name", "CREATE_COMPLETE", changes=tuple(changes.values()))
    refused = not_shown(shown, change_set, template)
    let_through = [key for key, change in changes.items() if change not in refused]
    assert let_through == [("Old", Action.MODIFY), ("New", Action.ADD), ("New", Action.MODIFY)]


def test_unlocked_data_may_be_replaced_once_and_the_policy_is_back_after(world: World) -> None:
    world.templates.templates["network"] = network(Data=BUCKET)
    apply(world, world.plan(), "network")
    world.templates.templates["network"] = network(
        Data={**BUCKET, "Properties": {**BUCKET["Properties"], "Name": "new"}}
    )
    plan = world.plan(layers=("network",), unlocks=("network/Data",))
    with pytest.raises(RejectedError, match="stack policy denies"):
        apply(world, plan, "network", "run-2")
    assert isinstance(apply(world, plan, "network", "run-2", unlocks=plan.unlocks), Applied)
    assert world.stacks._stacks[stack("network")].policy == stack_policy()


def test_a_destroyed_layer_keeps_its_data_and_happens_once(world: World) -> None:
    world.templates.templates["network"] = network(Data=BUCKET)
    apply(world, world.plan(), "network")
    plan = world.plan(purpose=Purpose.DESTROY, layers=("network",))
    for _ in range(2):
        outcome = LayerApplier(world.stacks, Fence(), lambda _: None).destroy(plan.layer("network"), TARGET, "run-9")
        assert isinstance(outcome, Applied)
    assert world.stacks.effects.count(f"delete {stack('network')}") == 1
    assert len(world.stacks.kept) == 1


def test_a_stack_that_changed_since_it_was_to_be_destroyed_is_left(world: World) -> None:
    apply(world, world.plan(), "network")
    plan = world.plan(purpose=Purpose.DESTROY, layers=("network",))
    world.templates.templates["network"] = network(Queue={"Type": "AWS::SQS::Queue"})
    apply(world, world.plan(), "network", "run-2")
    with pytest.raises(RejectedError, match="changed since it was planned"):
        LayerApplier(world.stacks, Fence(), lambda _: None).destroy(plan.layer("network"), TARGET, "run-3")
    assert world.stacks.find(stack("network")) is not None


@pytest.mark.parametrize("status", ["DELETE_FAILED"])
def test_in_a_stack_that_is_stuck_nothing_is_changed_and_what_can_be_done_is_said(world: World, status: str) -> None:
    apply(world, world.plan(), "network")
    world.templates.templates["network"] = network(Queue={"Type": "AWS::SQS::Queue"})
    plan = world.plan(layers=("network",))
    world.stacks._stacks[stack("network")].status = status
    effects = list(world.stacks.effects)
    with pytest.raises(RejectedError, match=status) as refused:
        apply(world, plan, "network", "run-2")
    with pytest.raises(RejectedError, match=status):
        world.plan(layers=("network",))
    assert "--layer network" in refused.value.fix
    assert world.stacks.effects == effects


def test_what_an_update_could_not_put_back_is_put_back_before_anything_else(world: World) -> None:
    apply(world, world.plan(), "network")
    world.templates.templates["network"] = network(Queue={"Type": "AWS::SQS::Queue"})
    plan = world.plan(layers=("network",))
    world.stacks._stacks[stack("network")].status = "UPDATE_ROLLBACK_FAILED"
    outcome = apply(world, plan, "network", "run-2")
    assert isinstance(outcome, Applied)
    assert [one.split()[0] for one in world.stacks.effects[-2:]] == ["put", "execute"]


def test_what_can_never_be_put_back_is_skipped_only_when_it_is_named(world: World) -> None:
    apply(world, world.plan(), "network")
    world.templates.templates["network"] = network(Queue={"Type": "AWS::SQS::Queue"})
    plan = world.plan(layers=("network",))
    world.stacks._stacks[stack("network")].status = "UPDATE_ROLLBACK_FAILED"
    world.stacks.not_put_back = {"Vpc": "it is gone"}
    failed = apply(world, plan, "network", "run-2")
    assert isinstance(failed, Failed)
    assert failed.status == "UPDATE_ROLLBACK_FAILED"
    assert failed.failure is not None
    assert (failed.failure.logical_id, failed.failure.said) == ("Vpc", "it is gone")
    assert isinstance(apply(world, plan, "network", "run-3", skip=("Vpc",)), Applied)


def test_a_plan_of_a_stack_that_is_stuck_shows_nothing_but_putting_back_and_lets_nothing_else_through(
    world: World,
) -> None:
    apply(world, world.plan(), "network")
    world.templates.templates["network"] = network(Queue={"Type": "AWS::SQS::Queue"})
    world.stacks._stacks[stack("network")].status = "UPDATE_ROLLBACK_FAILED"
    plan = world.plan(layers=("network",))
    shown = plan.layer("network")
    assert (shown.kind, shown.changes) == (PlanKind.PREVIEW, ())
    assert "puts back the rest, and nothing else" in shown.note
    outcome = apply(world, plan, "network", "run-2")
    assert isinstance(outcome, NotShown)
    assert [one.logical_id for one in outcome.changes] == ["Queue"]
    found = world.stacks.find(stack("network"))
    assert found is not None
    assert found.status == "UPDATE_ROLLBACK_COMPLETE"


def test_what_a_deletion_could_not_delete_stays_only_under_another_plan_that_shows_it(world: World) -> None:
    stubborn = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"Stays": "it is used by eni-1"}}
    world.templates.templates["network"] = network(Group=stubborn, Data=BUCKET)
    apply(world, world.plan(), "network")

    def destroy(token: str) -> Any:
        plan = world.plan(purpose=Purpose.DESTROY, layers=("network",))
        shown = plan.layer("network")
        return shown, LayerApplier(world.stacks, Fence(), lambda _: None).destroy(shown, TARGET, token)

    shown, outcome = destroy("run-8")
    assert {change.logical_id for change in shown.changes if change.kept} == {"Data"}
    assert isinstance(outcome, Failed)
    assert outcome.failure is not None
    assert outcome.failure.said == "it is used by eni-1"
    group = world.stacks.resources(stack("network"))["Group"]
    shown, outcome = destroy("run-9")
    assert [(change.logical_id, change.kept) for change in shown.changes] == [("Group", True)]
    assert "Group: it is used by eni-1" in shown.note
    assert isinstance(outcome, Applied)
    assert world.stacks.find(stack("network")) is None
    assert group in world.stacks.kept


def test_a_stack_that_goes_between_two_looks_is_nobody_elses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(world, world.plan(), "network")
    shown = world.plan(purpose=Purpose.DESTROY, layers=("network",)).layer("network")
    world.stacks.hold = True

    def gone(name: str, since: str = "") -> list[Any]:
        world.stacks.finish()
        return []

    monkeypatch.setattr(world.stacks, "events", gone)
    outcome = LayerApplier(world.stacks, Fence(), lambda _: None).destroy(shown, TARGET, "run-9")
    assert isinstance(outcome, Applied)


def test_a_plan_from_before_a_deletion_failed_retains_nothing(world: World) -> None:
    stubborn = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"Stays": "it is used by eni-1"}}
    world.templates.templates["network"] = network(Group=stubborn)
    apply(world, world.plan(), "network")
    shown = world.plan(purpose=Purpose.DESTROY, layers=("network",)).layer("network")
    applier = LayerApplier(world.stacks, Fence(), lambda _: None)
    assert isinstance(applier.destroy(shown, TARGET, "run-8"), Failed)
    with pytest.raises(RejectedError, match="changed since it was planned"):
        applier.destroy(shown, TARGET, "run-9")
    assert "Group" in world.stacks.resources(stack("network"))


def test_the_empty_stack_of_a_creation_that_failed_can_be_destroyed(world: World) -> None:
    bad = {"Type": "AWS::EC2::EIP", "Properties": {"Fails": "no address"}}
    world.templates.templates["network"] = network(Address=bad)
    apply(world, world.plan(), "network")
    shown = world.plan(purpose=Purpose.DESTROY, layers=("network",)).layer("network")
    outcome = LayerApplier(world.stacks, Fence(), lambda _: None).destroy(shown, TARGET, "run-9")
    assert isinstance(outcome, Applied)
    assert world.stacks.find(stack("network")) is None


STUBBORN = {**BUCKET, "Properties": {**BUCKET["Properties"], "Stays": "The bucket is not empty"}}
NO_ROOM = {"Type": "AWS::SQS::Queue", "Properties": {"Fails": "No capacity in this region"}}


def test_a_creation_that_could_not_be_taken_back_is_begun_anew_and_what_stays_is_said(world: World) -> None:
    world.templates.templates["network"] = network(Logs=STUBBORN, Queue=NO_ROOM)
    plan = world.plan()
    failed = apply(world, plan, "network")
    assert isinstance(failed, Failed)
    assert (failed.status, dict(failed.left)) == ("ROLLBACK_FAILED", {"Logs": "The bucket is not empty"})
    [bucket] = world.stacks.resources(stack("network")).values()

    note = world.plan(layers=("network",)).layer("network").note
    assert f"stays in the account: {bucket} (Logs: The bucket is not empty)" in note
    world.templates.templates["network"] = network(Logs=STUBBORN)
    again = world.plan(layers=("network",))
    said: list[str] = []
    applier = LayerApplier(world.stacks, Fence(), said.append)
    outcome = applier.apply(again.id, again.layer("network"), world.template("network"), TARGET, "run-2")
    assert isinstance(outcome, Applied)
    assert world.stacks.kept == [bucket]
    assert [line for line in said if "deleting the stack" in line and bucket in line]


def test_what_could_not_be_taken_back_and_has_the_name_that_the_next_stack_needs_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.templates.templates["network"] = network(Logs=STUBBORN, Queue=NO_ROOM)
    monkeypatch.setattr(world.stacks, "resources", lambda _: {"Logs": "data"})
    failed = apply(world, world.plan(), "network")
    assert isinstance(failed, Failed)
    assert failed.taken == ("data",)


def test_what_a_failed_creation_left_is_all_that_its_destruction_shows(world: World) -> None:
    world.templates.templates["network"] = network(Logs=STUBBORN, Queue=NO_ROOM)
    apply(world, world.plan(), "network")
    costs: list[tuple[str, ...]] = []
    world.planner._costs = lambda *texts: costs.append(texts)  # type: ignore[assignment]
    shown = world.plan(purpose=Purpose.DESTROY, layers=("network",)).layer("network")
    assert [(change.logical_id, change.kept) for change in shown.changes] == [("Logs", True)]
    [(_, before, _, _)] = costs
    assert list(json.loads(before)["Resources"]) == ["Logs"], "of nothing else is there a cost"


def _text(template: Any) -> str:
    return json.dumps(template, sort_keys=True)


def _tags(world: World) -> dict[str, str]:
    state = world.stacks.find(stack("network"))
    assert state is not None
    return dict(state.tags)


def test_the_account_has_the_role_that_a_search_domain_needs_before_its_stack_is_changed(world: World) -> None:
    domain = {"Type": "AWS::OpenSearchService::Domain", "Properties": {"VPCOptions": {"SubnetIds": ["subnet-1"]}}}
    world.templates.templates["network"] = network(Search=domain)
    plan = world.plan(layers=("network",))
    assert "service-linked role of opensearchservice.amazonaws.com is made, if it is not there" in (
        plan.layer("network").note
    )
    assert isinstance(apply(world, plan, "network"), Applied)
    assert world.stacks.effects == ["make the role of opensearchservice.amazonaws.com", f"execute {stack('network')}"]


def test_a_link_that_may_not_make_that_role_is_said_before_the_stack_begins(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = {"Type": "AWS::OpenSearchService::Domain", "Properties": {"VPCOptions": {"SubnetIds": ["subnet-1"]}}}
    world.templates.templates["network"] = network(Search=domain)

    def refused(service: str) -> bool:
        raise DeniedError(f"not authorized to make the role of {service}")

    monkeypatch.setattr(world.stacks, "service_role", refused)
    with pytest.raises(DeniedError, match="needs the account's service-linked role") as said:
        apply(world, world.plan(layers=("network",)), "network")
    assert "aws iam create-service-linked-role --aws-service-name opensearchservice.amazonaws.com" in said.value.fix
    assert world.stacks.effects == []
