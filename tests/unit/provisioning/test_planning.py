"""What a plan shows: what is known exactly, what is not known yet, and what must not happen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.errors import ConflictError, RejectedError
from csoc.provisioning import names
from csoc.provisioning.planning import Asked, Planner
from csoc.provisioning.plans import PlanKind, Purpose, from_json, to_json
from csoc.provisioning.stacks import Action, StackRequest
from csoc.testing.synthesis import MemorySynthesizer
from tests.unit.provisioning.small_layers import BUCKET, START, TARGET, World, network, stack


@pytest.fixture
def world() -> World:
    return World()


def apply_network(world: World) -> None:
    """The network's stack, as an apply leaves it."""
    plan = world.plan(layers=("network",))
    world.stacks.execute(stack("network"), plan.layer("network").change_set, f"token-{plan.id}")


def test_a_layer_whose_inputs_exist_is_planned_exactly_and_the_next_one_as_a_preview(world: World) -> None:
    plan = world.plan()
    assert [(layer.layer, layer.kind) for layer in plan.layers] == [
        ("network", PlanKind.EXACT),
        ("cluster", PlanKind.PREVIEW),
    ]
    assert plan.layer("cluster").unknown == ("NetworkVpcId",)
    assert {change.logical_id for change in plan.layer("network").changes} == {"Vpc", "VpcIdPassed"}


def test_what_an_exact_plan_shows_holds_the_values_that_were_resolved(world: World) -> None:
    apply_network(world)
    layer = world.plan().layer("cluster")
    assert (layer.kind, dict(layer.parameters)) == (
        PlanKind.EXACT,
        {"NetworkVpcId": world.stacks.parameters.popitem()[1]},
    )


def test_nothing_to_do_leaves_no_change_set_behind(world: World) -> None:
    apply_network(world)
    plan = world.plan(layers=("network",))
    assert (plan.layer("network").kind, plan.is_empty) == (PlanKind.UNCHANGED, True)
    assert world.stacks.find_change_set(stack("network"), f"csoc-{plan.id}") is None


def test_a_changed_property_is_shown_before_and_after_with_what_it_replaces(world: World) -> None:
    apply_network(world)
    changed = network()
    changed["Resources"]["Vpc"]["Properties"] = {"CidrBlock": "10.9.0.0/16", "EnableDnsSupport": True}
    world.templates.templates["network"] = changed
    [change] = world.plan(layers=("network",)).layer("network").changes
    assert change.action is Action.REPLACE
    shown = [(one.path, one.before, one.after, one.replaces) for one in change.properties]
    assert shown == [
        ("Properties.CidrBlock", "10.0.0.0/16", "10.9.0.0/16", "always"),
        ("Properties.EnableDnsSupport", None, "True", "never"),
    ]


def test_a_bucket_that_would_be_replaced_blocks_the_plan_and_says_how_to_mean_it(world: World) -> None:
    world.templates.templates["network"] = network(Data=BUCKET)
    apply_network(world)
    world.templates.templates["network"] = network(
        Data={**BUCKET, "Properties": {**BUCKET["Properties"], "Name": "other"}}
    )
    plan = world.plan(layers=("network",))
    [finding] = plan.blocking
    assert finding.subject == "network/Data"
    assert "would be replaced by an empty one, since Properties.Name changes" in finding.cause
    assert "--unlock network/Data" in finding.fix
    unlocked = world.plan(layers=("network",), unlocks=("network/Data",))
    assert not unlocked.blocking
    assert unlocked.digest != plan.digest


def test_an_unlock_of_something_that_is_not_lost_is_a_mistake(world: World) -> None:
    with pytest.raises(RejectedError, match="network/Vpc is neither replaced nor removed"):
        world.plan(unlocks=("network/Vpc",))


def test_a_stack_of_another_installation_is_refused_and_left_alone(world: World) -> None:
    other = StackRequest(stack("network"), json.dumps(network()), {}, {names.INSTALLATION_TAG: "other12345"}, "role")
    world.stacks.installation = "other12345"
    world.stacks.make_change_set(other, "theirs")
    world.stacks.execute(stack("network"), "theirs", "t")
    world.stacks.installation = TARGET.installation
    with pytest.raises(ConflictError, match="not of this csoc"):
        world.plan()
    assert world.stacks.effects == [f"execute {stack('network')}"]


def test_a_busy_stack_is_not_planned(world: World) -> None:
    plan = world.plan(layers=("network",))
    world.stacks.hold = True
    world.stacks.execute(stack("network"), plan.layer("network").change_set, "t")
    with pytest.raises(ConflictError, match="is busy: CREATE_IN_PROGRESS"):
        world.plan()


def test_a_creation_that_failed_is_previewed_with_what_happens_to_its_empty_stack(world: World) -> None:
    world.templates.templates["network"] = network(Bad={"Type": "AWS::SQS::Queue", "Properties": {"Fails": "no"}})
    apply_network(world)
    layer = world.plan(layers=("network",)).layer("network")
    assert (layer.kind, layer.stack_state) == (PlanKind.PREVIEW, "absent")
    assert "deleted first" in layer.note


def test_a_layer_that_exists_already_is_read_and_never_changed(world: World) -> None:
    target = replace(TARGET, existing={"network": {"VpcId": "vpc-1"}})
    plan = world.plan(target, layers=("network",))
    assert (plan.layer("network").kind, plan.is_empty) == (PlanKind.EXISTING, True)
    assert world.stacks.find(stack("network")) is None


def test_of_a_cluster_that_was_brought_along_nothing_is_made_and_there_is_a_plan_all_the_same(world: World) -> None:
    world.planner = Planner(world.stacks, MemorySynthesizer(), lambda: START, lambda: "plan000001")
    target = replace(TARGET, existing={"network": {"VpcId": "vpc-1"}})
    nothing = {**world.document(), "layers": {}}
    plan, templates = world.planner.plan(nothing, target, Asked(by="sts:ada"))
    assert ([layer.kind for layer in plan.layers], plan.is_empty, templates) == ([PlanKind.EXISTING], True, {})
    with pytest.raises(RejectedError):
        world.planner.plan(nothing, target, Asked(by="sts:ada", purpose=Purpose.DESTROY))


def test_a_layer_that_there_is_not_is_named_with_those_that_there_are(world: World) -> None:
    with pytest.raises(RejectedError, match="There is no layer database here"):
        world.plan(layers=("database",))


def test_to_destroy_is_planned_in_reverse_with_what_is_kept(world: World) -> None:
    world.templates.templates["network"] = network(Data=BUCKET)
    apply_network(world)
    plan = world.plan(purpose=Purpose.DESTROY)
    assert [layer.layer for layer in plan.layers] == ["cluster", "network"]
    kept = {change.logical_id: change.kept for change in plan.layer("network").changes}
    assert kept == {"Data": True, "Vpc": False, "VpcIdPassed": False}
    assert not plan.blocking


def test_destroying_what_does_not_keep_its_data_is_blocked(world: World) -> None:
    loose = {key: value for key, value in BUCKET.items() if key != "DeletionPolicy"}
    world.templates.templates["network"] = network(Data=loose)
    apply_network(world)
    [finding] = world.plan(purpose=Purpose.DESTROY).blocking
    assert finding.subject == "network/Data"


@pytest.mark.parametrize(
    ("resource", "cause"),
    [
        ({"Type": "AWS::IAM::Role", "Properties": {"Path": "/csoc/x/"}}, "no permissions boundary"),
        ({"Type": "AWS::IAM::Role", "Properties": {"Path": "/", "PermissionsBoundary": "arn"}}, "not below /csoc/"),
        ({"Type": "AWS::IAM::User"}, "keys that never end"),
        ({"Type": "AWS::S3::Bucket"}, "does not block public access"),
        ({"Type": "AWS::RDS::DBInstance", "Properties": {"PubliclyAccessible": True}}, "public address"),
        ({"Type": "AWS::OpenSearchService::Domain"}, "outside of the network"),
        (
            {"Type": "AWS::EKS::Cluster", "Properties": {"ResourcesVpcConfig": {"EndpointPublicAccess": True}}},
            "open to the world",
        ),
        (
            {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [{"CidrIp": "0.0.0.0/0"}]}},
            "admits the world",
        ),
    ],
)
def test_a_template_that_opens_or_escalates_is_blocked(world: World, resource: dict[str, Any], cause: str) -> None:
    world.templates.templates["network"] = network(Bad=resource)
    found = [finding for finding in world.plan().blocking if finding.subject == "network/Bad"]
    assert any(cause in finding.cause for finding in found)


def test_a_stored_plan_is_read_as_it_was_and_a_changed_one_is_refused(world: World) -> None:
    plan = world.plan()
    stored = json.loads(json.dumps(to_json(plan)))
    assert from_json(stored) == plan
    stored["layers"][0]["changes"][0]["action"] = "remove"
    with pytest.raises(RejectedError, match="digest differs"):
        from_json(stored)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_whatever_is_stored_is_a_plan_or_refused(data: Any) -> None:
    with pytest.raises(RejectedError):
        from_json(data if isinstance(data, dict) else {"layers": data})


def test_prices_are_words_about_a_plan_and_do_not_stale_it(world: World) -> None:
    layer = world.plan().layers[0]
    assert replace(layer, cost=None).digest == layer.digest
    assert replace(layer, note="other").digest != layer.digest
