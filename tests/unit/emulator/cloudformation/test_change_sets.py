"""What change sets say would be done, and that it is what is done.

Source: CloudFormation API reference, ResourceChange, ResourceChangeDetail, ResourceTargetDefinition; User Guide,
"Example change sets".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.emulator.cloudformation.stack_world import NAMED, World, template, thing

PARAMETERS = {"Parameters": {"P": {"Type": "String", "Default": "one"}}}


@pytest.fixture
def world() -> World:
    return World()


def only(told: Any) -> Mapping[str, Any]:
    """The one change of a change set."""
    (change,) = told["Changes"]
    found: Mapping[str, Any] = change["ResourceChange"]
    return found


def test_a_direct_change_says_before_and_after(world: World) -> None:
    world.create({"A": thing(Size=1)})
    change = only(world.plan({"A": thing(Size=2)}))
    assert change["Details"] == [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": "Size",
                "Path": "/Properties/Size",
                "RequiresRecreation": "Never",
                "AttributeChangeType": "Modify",
                "BeforeValue": "1",
                "AfterValue": "2",
            },
            "ChangeSource": "DirectModification",
            "Evaluation": "Static",
        }
    ]
    assert (change["Action"], change["Replacement"], change["Scope"]) == ("Modify", "False", ["Properties"])
    assert json.loads(change["BeforeContext"]) == {"Properties": {"Size": 1}}
    assert json.loads(change["AfterContext"]) == {"Properties": {"Size": 2}}
    assert change["PhysicalResourceId"] == world.physical("A")


def test_values_are_only_told_when_asked_for(world: World) -> None:
    world.create({"A": thing(Size={"Ref": "P"})}, sections=PARAMETERS)
    world.plan(
        {"A": thing(Size={"Ref": "P"})},
        sections=PARAMETERS,
        Parameters=[{"ParameterKey": "P", "ParameterValue": "two"}],
    )
    change = only(world.ask("DescribeChangeSet", StackName="app", ChangeSetName="next"))
    target = {"Attribute": "Properties", "Name": "Size", "RequiresRecreation": "Never"}
    assert change["Details"] == [
        {"Target": target, "ChangeSource": "ParameterReference", "CausingEntity": "P", "Evaluation": "Static"},
        {"Target": target, "ChangeSource": "DirectModification", "Evaluation": "Dynamic"},
    ]
    assert "BeforeContext" not in change


@pytest.mark.parametrize(
    ("before", "after", "kind"), [(None, 1, "Add"), (1, None, "Remove"), ({"a": 1}, {"a": 2}, "Modify")]
)
def test_properties_come_and_go(world: World, before: Any, after: Any, kind: str) -> None:
    def one(value: Any) -> dict[str, Any]:
        return {"A": thing(**({"Size": value} if value is not None else {}))}

    world.create(one(before))
    target = only(world.plan(one(after)))["Details"][0]["Target"]
    assert target["AttributeChangeType"] == kind
    assert ("BeforeValue" in target, "AfterValue" in target) == (before is not None, after is not None)


@pytest.mark.parametrize("policy", ["Delete", "Retain", "Snapshot"])
def test_a_replacement_says_what_becomes_of_the_old_resource(world: World, policy: str) -> None:
    world.create({"A": thing(Kind="x", replace=policy)})
    change = only(world.plan({"A": thing(Kind="y", replace=policy)}))
    assert (change["Replacement"], change["PolicyAction"]) == ("True", f"ReplaceAnd{policy}")
    assert change["Details"][0]["Target"]["RequiresRecreation"] == "Always"


@pytest.mark.parametrize(
    ("policy", "action"),
    [("Delete", "Delete"), ("Retain", "Retain"), ("RetainExceptOnCreate", "Retain"), ("Snapshot", "Snapshot")],
)
def test_a_removal_says_what_becomes_of_the_resource(world: World, policy: str, action: str) -> None:
    world.create({"A": thing(deletion=policy), "B": thing()})
    change = only(world.plan({"B": thing()}))
    assert (change["Action"], change["PolicyAction"]) == ("Remove", action)


def test_what_follows_a_replaced_resource_is_dynamic(world: World) -> None:
    resources = {
        "A": thing(Kind="x"),
        "B": thing(Size={"Ref": "A"}),
        "C": thing(Kind={"Fn::GetAtt": ["A", "Arn"]}),
        "D": thing(Size=9),
    }
    world.create(resources)
    told = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]
        for change in world.plan({**resources, "A": thing(Kind="y")})["Changes"]
    }
    assert set(told) == {"A", "B", "C"}
    detail = told["B"]["Details"][0]
    assert (detail["ChangeSource"], detail["CausingEntity"], detail["Evaluation"]) == (
        "ResourceReference",
        "A",
        "Dynamic",
    )
    assert detail["Target"]["AfterValue"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
    assert told["B"]["Replacement"] == "False"
    detail = told["C"]["Details"][0]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ResourceAttribute", "A.Arn")
    assert told["C"]["Replacement"] == "Conditional"


def test_a_property_that_only_sometimes_replaces_is_conditional(world: World) -> None:
    world.create({"A": thing(Maybe=1)})
    change = only(world.plan({"A": thing(Maybe=2)}))
    assert change["Replacement"] == "Conditional"
    assert change["Details"][0]["Target"]["RequiresRecreation"] == "Conditionally"


def test_tags_of_the_stack_change_resources_that_carry_them(world: World) -> None:
    world.create({"A": thing(), "B": thing(kind=NAMED, Name="n")}, Tags=[{"Key": "team", "Value": "one"}])
    told = world.plan({"A": thing(), "B": thing(kind=NAMED, Name="n")}, Tags=[{"Key": "team", "Value": "two"}])
    change = only(told)
    assert (change["LogicalResourceId"], change["Scope"]) == ("A", ["Tags"])
    target = change["Details"][0]["Target"]
    assert (target["BeforeValue"], target["AfterValue"], target["RequiresRecreation"]) == ("one", "two", "Never")
    assert "Name" not in target


def test_metadata_and_policies_are_attributes_of_their_own(world: World) -> None:
    world.create({"A": thing(metadata={"a": 1})})
    change = only(world.plan({"A": thing(metadata={"a": 2}, deletion="Retain")}))
    assert change["Scope"] == ["DeletionPolicy", "Metadata"]
    assert change["Replacement"] == "False"


def test_no_change_fails_with_the_message_that_tools_look_for(world: World) -> None:
    world.create({"A": thing(Size=1)})
    told = world.plan({"A": thing(Size="1")})
    assert (told["Status"], told["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert told["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_an_ssm_parameter_that_does_not_exist_fails_the_change_set(world: World) -> None:
    sections = {"Parameters": {"Net": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/net/id"}}}
    told = world.plan({"A": thing(Size={"Ref": "Net"})}, sections=sections, ChangeSetType="CREATE")
    assert told["Status"] == "FAILED"
    assert told["StatusReason"] == "Unable to fetch parameters [/net/id] from parameter store for this account."
    world.outside.parameters["/net/id"] = "vpc-1"
    told = world.plan({"A": thing(Size={"Ref": "Net"})}, set_name="again", sections=sections, ChangeSetType="CREATE")
    assert told["Parameters"][0]["ResolvedValue"] == "vpc-1"
    world.outside.parameters["/net/id"] = "vpc-2"
    world.ask("ExecuteChangeSet", StackName="app", ChangeSetName="again")
    world.done()
    assert world.things.held[world.physical("A")]["Size"] == "vpc-1"


def test_secret_parameters_are_nowhere(world: World) -> None:
    secret = 'pass"word\n1'
    sections = {"Parameters": {"S": {"Type": "String", "NoEcho": True}}}
    given = [{"ParameterKey": "S", "ParameterValue": secret}]
    joined = {"Fn::Base64": {"Fn::Sub": "user:${S}"}}
    world.create({"A": thing(Size={"Ref": "S"}, Kind=joined)}, sections=sections, Parameters=given)
    world.plan({"A": thing(Size={"Fn::Sub": "x-${S}"}, Kind=joined)}, sections=sections, Parameters=given)
    world.ask("DetectStackDrift", StackName="app")
    world.things.held[world.physical("A")]["Size"] = "other"
    world.done()
    told = json.dumps(
        [
            world.ask("DescribeStackEvents", StackName="app"),
            world.ask("DescribeStacks", StackName="app"),
            world.ask("DescribeChangeSet", StackName="app", ChangeSetName="next", IncludePropertyValues=True),
            world.ask("DescribeStackResourceDrifts", StackName="app"),
        ],
        default=str,
    )
    assert world.things.seen[0]["Size"] == secret
    for part in ("word", "dXNlcjpwYXNz"):
        assert part not in told
    assert "****" in told


def test_references_to_secrets_are_told_as_written_and_resolved_for_the_call(world: World) -> None:
    world.outside.secrets["db:SecretString:password"] = "hunter22"
    reference = "{{resolve:secretsmanager:db:SecretString:password}}"
    world.create({"A": thing(Secret=reference)})
    assert world.things.seen[0]["Secret"] == "hunter22"
    told = json.dumps(world.ask("DescribeStackEvents", StackName="app"), default=str)
    assert "hunter22" not in told
    assert reference in told
    assert "hunter22" not in repr(world.stack())


def test_a_change_set_is_obsolete_when_the_stack_changes_otherwise(world: World) -> None:
    world.create({"A": thing(Size=1)})
    world.plan({"A": thing(Size=2)})
    world.update({"A": thing(Size=3)})
    told = world.ask("DescribeChangeSet", StackName="app", ChangeSetName="next")
    assert (told["Status"], told["ExecutionStatus"]) == ("CREATE_COMPLETE", "OBSOLETE")
    refused = world.refused("ExecuteChangeSet", StackName="app", ChangeSetName="next")
    assert refused.code == "InvalidChangeSetStatus"


def test_executing_one_deletes_the_others(world: World) -> None:
    world.create({"A": thing(Size=1)})
    world.plan({"A": thing(Size=2)}, set_name="one")
    world.plan({"A": thing(Size=3)}, set_name="two")
    world.ask("ExecuteChangeSet", StackName="app", ChangeSetName="two")
    assert world.refused("DescribeChangeSet", StackName="app", ChangeSetName="one").code == "ChangeSetNotFound"
    assert (
        world.ask("DescribeChangeSet", StackName="app", ChangeSetName="two")["ExecutionStatus"] == "EXECUTE_IN_PROGRESS"
    )
    world.done()
    assert world.ask("DescribeChangeSet", StackName="app", ChangeSetName="two")["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert world.ask("ListChangeSets", StackName="app")["Summaries"] == []


def test_one_that_fails_says_so(world: World) -> None:
    world.create({"A": thing(Size=1)})
    world.plan({"A": thing(Size=2), "B": thing()})
    world.things.failing = {("B", "create")}
    world.ask("ExecuteChangeSet", StackName="app", ChangeSetName="next")
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.ask("DescribeChangeSet", StackName="app", ChangeSetName="next")["ExecutionStatus"] == "EXECUTE_FAILED"


def test_one_that_is_cancelled_or_deleted_meanwhile_failed(world: World) -> None:
    for name, operation in (("app", "CancelUpdateStack"), ("new", "DeleteStack")):
        if name == "app":
            world.create({"A": thing(Size=1)})
            world.plan({"A": thing(Size=2)})
        else:
            world.plan({"A": thing(Size=2)}, name=name, ChangeSetType="CREATE")
        told = world.ask("DescribeChangeSet", StackName=name, ChangeSetName="next")
        world.ask("ExecuteChangeSet", StackName=name, ChangeSetName="next")
        world.timeline.advance(2)
        world.ask(operation, StackName=name)
        assert world.stacks.change_sets[told["ChangeSetId"]].execution_status == "EXECUTE_FAILED"
        world.done()
    assert (world.status("app"), world.status("new")) == ("UPDATE_ROLLBACK_COMPLETE", "DELETE_COMPLETE")


@pytest.mark.parametrize(
    ("on_failure", "status"),
    [("ROLLBACK", "ROLLBACK_COMPLETE"), ("DELETE", "DELETE_COMPLETE"), ("DO_NOTHING", "CREATE_FAILED")],
)
def test_on_stack_failure_says_what_follows(world: World, on_failure: str, status: str) -> None:
    world.plan({"A": thing()}, ChangeSetType="CREATE", OnStackFailure=on_failure)
    refused = world.refused("ExecuteChangeSet", StackName="app", ChangeSetName="next", DisableRollback=True)
    assert refused.code == "ValidationError"
    world.things.failing = {("A", "create")}
    world.ask("ExecuteChangeSet", StackName="app", ChangeSetName="next")
    world.done()
    assert world.status() == status


def test_a_stack_in_review_takes_change_sets_of_type_create_and_is_deleted_at_once(world: World) -> None:
    world.plan({"A": thing()}, set_name="one", ChangeSetType="CREATE")
    assert world.status() == "REVIEW_IN_PROGRESS"
    world.plan({"A": thing(), "B": thing()}, set_name="two", ChangeSetType="CREATE")
    assert len(world.ask("ListChangeSets", StackName="app")["Summaries"]) == 2
    body = template({"A": thing()})
    refused = world.refused("CreateChangeSet", StackName="app", ChangeSetName="three", TemplateBody=body)
    assert "REVIEW_IN_PROGRESS" in refused.message
    assert world.refused("UpdateStack", StackName="app", TemplateBody=body).code == "ValidationError"
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert world.status() == "DELETE_COMPLETE"
    world.plan({"A": thing()}, ChangeSetType="CREATE")
    world.ask("ExecuteChangeSet", StackName="app", ChangeSetName="next")
    world.done()
    assert world.status() == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"ChangeSetType": "IMPORT"}, "IMPORT"),
        ({"ResourcesToImport": [{"ResourceType": "x"}]}, "ResourcesToImport"),
        ({"IncludeNestedStacks": True}, "IncludeNestedStacks"),
        ({"DeploymentMode": "REVERT_DRIFT"}, "DeploymentMode"),
    ],
)
def test_what_is_not_offered_is_refused_by_name(world: World, asked: Mapping[str, Any], word: str) -> None:
    body = template({"A": thing()})
    assert (
        word in world.refused("CreateChangeSet", StackName="app", ChangeSetName="c", TemplateBody=body, **asked).message
    )


def test_the_type_of_a_resource_cannot_change(world: World) -> None:
    world.create({"A": thing()})
    told = world.plan({"A": thing(kind=NAMED, Name="n")})
    assert told["StatusReason"].startswith("Update of resource type is not permitted.")


def test_pages_go_on_where_they_were_although_the_set_grows(world: World) -> None:
    world.create({f"R{number:03d}": thing() for number in range(130)})
    before = [event.id for event in reversed(world.stack().events)]
    first = world.ask("DescribeStackEvents", StackName="app")
    assert len(first["StackEvents"]) == 100
    world.update({f"R{number:03d}": thing(Size=2) for number in range(130)})
    second = world.ask("DescribeStackEvents", StackName="app", NextToken=first["NextToken"])
    seen = [event["EventId"] for event in (*first["StackEvents"], *second["StackEvents"])]
    assert seen == before[:200]
    assert world.refused("DescribeStackEvents", StackName="app", NextToken="x!").code == "ValidationError"


_VALUES = st.one_of(st.integers(0, 2), st.sampled_from(["a", "b"]), st.booleans())
_PARTS = st.lists(st.fixed_dictionaries({}, optional={"Fixed": _VALUES, "Free": _VALUES}), max_size=2)
_PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "Size": _VALUES,
        "Kind": _VALUES,
        "Parts": _PARTS,
        "Deep": st.dictionaries(st.sampled_from(["Fixed", "X"]), _VALUES),
    },
)


@settings(max_examples=80, deadline=None)
@given(before=_PROPERTIES, after=_PROPERTIES, also=_PROPERTIES)
def test_what_a_change_set_calls_replaced_is_what_is_replaced(
    before: dict[str, Any], after: dict[str, Any], also: dict[str, Any]
) -> None:
    world = World()
    world.create({"A": thing(**before), "B": thing(**also)})
    old = world.physical("A")
    told = world.plan({"A": thing(**after), "B": thing(**also)})
    replaced = any(change["ResourceChange"]["Replacement"] == "True" for change in told["Changes"])
    changed = told["Status"] == "CREATE_COMPLETE"
    world.things.calls.clear()
    if changed:
        world.ask("ExecuteChangeSet", StackName="app", ChangeSetName="next")
        world.done()
        assert world.status() == "UPDATE_COMPLETE"
    assert (world.physical("A") != old) is replaced
    assert {name for name, _ in world.things.calls} == ({"A"} if changed else set())
