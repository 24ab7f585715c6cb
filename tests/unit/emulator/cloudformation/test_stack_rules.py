"""What the API takes and refuses: tokens, protection, stack policies, drift, nested stacks, limits.

Source: CloudFormation API reference; User Guide, "Prevent updates to stack resources", "Protect CloudFormation stacks
from being deleted", "Detect unmanaged configuration changes to stacks and resources".
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.emulator.cloudformation.stack_world import THING, World, template, thing

BODY = template({"A": thing(Size=1)})


@pytest.fixture
def world() -> World:
    return World()


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Statement": [{"Principal": "*", **statement} for statement in statements]})


ALLOW = {"Effect": "Allow", "Action": "Update:*", "Resource": "*"}


def deny(action: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": "LogicalResourceId/A", **more}


# Tokens


def test_a_repeated_request_is_answered_and_does_nothing_again(world: World) -> None:
    asked: dict[str, Any] = {"StackName": "app", "TemplateBody": BODY, "ClientRequestToken": "t1"}
    first = world.ask("CreateStack", **asked)
    world.done()
    assert world.ask("CreateStack", **asked) == first
    assert world.refused("CreateStack", **{**asked, "TemplateBody": template({})}).code == "TokenAlreadyExistsException"
    assert world.refused("CreateStack", **{**asked, "ClientRequestToken": "t2"}).code == "AlreadyExistsException"
    changed = template({"A": thing(Size=2)})
    update: dict[str, Any] = {"StackName": "app", "TemplateBody": changed, "ClientRequestToken": "u1"}
    answer = world.ask("UpdateStack", **update)
    world.done()
    assert world.ask("UpdateStack", **update) == answer
    assert world.things.calls.count(("A", "update")) == 1
    wrong = world.refused("UpdateStack", **{**update, "ClientRequestToken": "t1"})
    assert wrong.code == "TokenAlreadyExistsException"
    world.ask("DeleteStack", StackName="app", ClientRequestToken="d1")
    world.done()
    assert world.ask("CreateStack", **asked)["StackId"] != first["StackId"]


def test_events_carry_the_token_and_the_operation_of_their_request(world: World) -> None:
    made = world.ask("CreateStack", StackName="app", TemplateBody=BODY, ClientRequestToken="t1")
    world.done()
    world.ask("DeleteStack", StackName=made["StackId"], ClientRequestToken="t2")
    world.done()
    events = world.ask("DescribeStackEvents", StackName=made["StackId"])["StackEvents"]
    tokens = [event["ClientRequestToken"] for event in reversed(events)]
    assert tokens == sorted(tokens)
    assert set(tokens) == {"t1", "t2"}
    assert {event["OperationId"] for event in events if event["ClientRequestToken"] == "t1"} == {made["OperationId"]}


def test_a_change_set_is_executed_once_for_a_token(world: World) -> None:
    world.create({"A": thing(Size=1)})
    asked: dict[str, Any] = {
        "StackName": "app",
        "ChangeSetName": "c",
        "TemplateBody": template({"A": thing(Size=2)}),
        "ClientToken": "c1",
    }
    first = world.ask("CreateChangeSet", **asked)
    assert world.ask("CreateChangeSet", **asked) == first
    assert world.refused("CreateChangeSet", **{**asked, "Description": "x"}).code == "TokenAlreadyExistsException"
    assert world.refused("CreateChangeSet", **{**asked, "ClientToken": "c2"}).code == "AlreadyExistsException"
    world.timeline.advance(3)
    execute: dict[str, Any] = {"StackName": "app", "ChangeSetName": "c", "ClientRequestToken": "e1"}
    world.ask("ExecuteChangeSet", **execute)
    world.done()
    world.ask("ExecuteChangeSet", **execute)
    world.done()
    assert world.things.calls.count(("A", "update")) == 1
    assert world.refused("ExecuteChangeSet", **{**execute, "ClientRequestToken": "e2"}).code == "InvalidChangeSetStatus"


# Protection


def test_a_protected_stack_is_not_deleted(world: World) -> None:
    world.create({"A": thing()}, EnableTerminationProtection=True)
    assert "TerminationProtection is enabled" in world.refused("DeleteStack", StackName="app").message
    world.ask("UpdateTerminationProtection", StackName="app", EnableTerminationProtection=False)
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert world.status() == "DELETE_COMPLETE"
    assert world.refused("UpdateStack", StackName="app", TemplateBody=BODY).code == "ValidationError"


@pytest.mark.parametrize(
    ("statement", "after", "reason"),
    [
        (deny("Update:Modify"), {"A": thing(Size=2, Kind="x"), "B": thing()}, "[Update:Modify]"),
        (deny("Update:Replace"), {"A": thing(Kind="y"), "B": thing()}, "[Update:Replace]"),
        (deny("Update:Delete"), {"B": thing()}, "[Update:Delete]"),
        (deny("Update:*"), {"B": thing()}, "[Update:Delete]"),
        (
            {
                "Effect": "Deny",
                "Action": "Update:*",
                "Resource": "*",
                "Condition": {"StringLike": {"ResourceType": ["Test::*"]}},
            },
            {"A": thing(Size=2, Kind="x"), "B": thing()},
            "[Update:Modify]",
        ),
    ],
)
def test_a_stack_policy_stops_an_update_before_anything_is_lost(
    world: World, statement: Mapping[str, Any], after: Mapping[str, Any], reason: str
) -> None:
    world.create({"A": thing(Size=1, Kind="x"), "B": thing()}, StackPolicyBody=policy(ALLOW, statement))
    held = dict(world.things.held)
    assert world.update(after) == "UPDATE_ROLLBACK_COMPLETE"
    failed = next(event.reason for event in world.stack().events if event.status == "UPDATE_FAILED")
    assert failed == (
        f"Action denied by stack policy: Statement [#2] does not allow {reason} for resource [LogicalResourceId/A]"
    )
    assert world.things.held == held


def test_what_a_policy_does_not_allow_is_denied(world: World) -> None:
    allowed = {"Effect": "Allow", "Action": "Update:*", "NotResource": "LogicalResourceId/A"}
    world.create({"A": thing(Size=1), "B": thing(Size=1)})
    world.ask("SetStackPolicy", StackName="app", StackPolicyBody=policy(allowed))
    assert (
        json.loads(world.ask("GetStackPolicy", StackName="app")["StackPolicyBody"])["Statement"][0]["Effect"] == "Allow"
    )
    assert world.update({"A": thing(Size=1), "B": thing(Size=2)}) == "UPDATE_COMPLETE"
    assert world.update({"A": thing(Size=2), "B": thing(Size=2)}) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_policy_during_an_update_counts_for_that_update_only(world: World) -> None:
    world.create({"A": thing(Size=1)}, StackPolicyBody=policy(ALLOW, deny("Update:*")))
    assert world.update({"A": thing(Size=2)}, StackPolicyDuringUpdateBody=policy(ALLOW)) == "UPDATE_COMPLETE"
    assert world.update({"A": thing(Size=3)}) == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[" * 5000,
        "{}",
        policy({"Effect": "Maybe", "Action": "Update:*", "Resource": "*"}),
        policy({"Effect": "Deny", "Action": "Update:Everything", "Resource": "*"}),
        policy({"Effect": "Deny", "Action": "Update:*"}),
        policy({"Effect": "Deny", "Action": "Update:*", "Resource": "*", "Principal": "someone"}),
        policy({"Effect": "Deny", "Action": "Update:*", "Resource": "*", "Condition": {"Bool": {"x": "y"}}}),
        policy(ALLOW) + " " * 20_000,
    ],
)
def test_a_policy_that_is_none_is_refused(world: World, body: str) -> None:
    world.create({"A": thing()})
    refused = world.refused("SetStackPolicy", StackName="app", StackPolicyBody=body)
    assert refused.message.startswith("Error validating stack policy")


def test_a_policy_of_many_wild_cards_is_answered_at_once(world: World) -> None:
    statement = deny("Update:*") | {"Resource": "LogicalResourceId/" + "A*" * 60 + "B"}
    name = "A" * 200
    world.create({name: thing(Size=1)}, StackPolicyBody=policy(ALLOW, statement))
    started = time.process_time()
    assert world.update({name: thing(Size=2)}) == "UPDATE_COMPLETE"
    assert time.process_time() - started < 3


# Drift


def drift(world: World) -> Mapping[str, Any]:
    """Detects drift and tells of the one resource."""
    number = world.ask("DetectStackDrift", StackName="app")["StackDriftDetectionId"]
    asked: dict[str, Any] = {"StackDriftDetectionId": number}
    assert world.ask("DescribeStackDriftDetectionStatus", **asked)["DetectionStatus"] == "DETECTION_IN_PROGRESS"
    world.done()
    told = world.ask("DescribeStackDriftDetectionStatus", **asked)
    assert told["DetectionStatus"] == "DETECTION_COMPLETE"
    (found,) = world.ask("DescribeStackResourceDrifts", StackName="app")["StackResourceDrifts"]
    return {**found, "stack": told["StackDriftStatus"], "count": told["DriftedStackResourceCount"]}


@pytest.mark.parametrize(
    ("expected", "actual", "differences"),
    [
        ({"Size": 1}, {"Size": "1", "More": 3}, []),
        ({"Size": True}, {"Size": "true"}, []),
        ({"Parts": ["a", "b"]}, {"Parts": ["b", "a"]}, []),
        (
            {"Steps": ["a", "b"]},
            {"Steps": ["b", "a"]},
            [("/Steps/0", "NOT_EQUAL", "a", "b"), ("/Steps/1", "NOT_EQUAL", "b", "a")],
        ),
        ({"Steps": [{"Names": ["a", "b"]}]}, {"Steps": [{"Names": ["b", "a"], "More": 1}]}, []),
        ({"Size": {"Statement": ["a", "b"]}}, {"Size": {"Statement": ["b", "a"]}}, []),
        ({"Options": [{"Key": "x", "Value": 1}]}, {"Options": [{"Key": "y"}, {"Key": "x", "Value": "1"}]}, []),
        ({"Options": ["x"]}, {"Options": ["y"]}, [("/Options/0", "REMOVE", "x", "null")]),
        ({"Size": {"x": 1}}, {"Size": {"x": 1, "y": 2}}, []),
        ({"Size": 1, "Secret": "s"}, {"Size": 1, "Secret": "t"}, []),
        ({"Size": 1}, {"Size": 2}, [("/Size", "NOT_EQUAL", "1", "2")]),
        ({"Size": 1, "Kind": "x"}, {"Size": 1}, []),
        ({"Parts": ["a"]}, {"Parts": ["a", "b"]}, [("/Parts/1", "ADD", "null", "b")]),
        ({"Parts": ["a", "b"]}, {"Parts": ["b"]}, [("/Parts/0", "REMOVE", "a", "null")]),
        ({"Size": {"x": 1, "y": 2}}, {"Size": {"x": 1}}, [("/Size/y", "REMOVE", "2", "null")]),
    ],
)
def test_drift_is_what_a_service_tells_otherwise_of_what_the_template_set(
    world: World, expected: Any, actual: Any, differences: list[tuple[str, str, str, str]]
) -> None:
    world.create({"A": thing(**expected)})
    world.things.held[world.physical("A")] = actual
    found = drift(world)
    assert [
        (d["PropertyPath"], d["DifferenceType"], d["ExpectedValue"], d["ActualValue"])
        for d in found["PropertyDifferences"]
    ] == differences
    assert found["StackResourceDriftStatus"] == ("MODIFIED" if differences else "IN_SYNC")
    assert (found["stack"], found["count"]) == (("DRIFTED", 1) if differences else ("IN_SYNC", 0))
    assert "Secret" not in json.loads(found["ExpectedProperties"])


def test_what_is_gone_is_deleted_and_what_tells_nothing_is_not_checked(world: World) -> None:
    world.create({"A": thing(Size=1)})
    world.things.held[world.physical("A")] = {}
    assert drift(world)["StackResourceDriftStatus"] == "NOT_CHECKED"
    del world.things.held[world.physical("A")]
    found = drift(world)
    assert (found["StackResourceDriftStatus"], found["stack"]) == ("DELETED", "DRIFTED")
    one = world.ask("DetectStackResourceDrift", StackName="app", LogicalResourceId="A")["StackResourceDrift"]
    assert one["StackResourceDriftStatus"] == "DELETED"


def test_tags_of_the_stack_are_no_drift(world: World) -> None:
    own = [{"Key": "mine", "Value": "1"}]
    world.create({"A": thing(Tags=own)}, Tags=[{"Key": "team", "Value": "one"}])
    world.things.held[world.physical("A")]["Tags"] = [
        {"Key": "aws:cloudformation:stack-name", "Value": "app"},
        {"Key": "team", "Value": "one"},
        *own,
    ]
    assert drift(world)["StackResourceDriftStatus"] == "IN_SYNC"


def test_drift_of_a_failed_stack_is_not_detected(world: World) -> None:
    world.things.failing = {("A", "create")}
    world.create({"A": thing()})
    assert "ROLLBACK_COMPLETE" in world.refused("DetectStackDrift", StackName="app").message


# What is told


def test_a_deleted_stack_is_known_by_its_id_only(world: World) -> None:
    number = world.ask("CreateStack", StackName="app", TemplateBody=BODY)["StackId"]
    world.done()
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert world.refused("DescribeStacks", StackName="app").message == "Stack with id app does not exist"
    assert world.ask("DescribeStacks", StackName=number)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    assert world.ask("DescribeStacks")["Stacks"] == []
    assert world.ask("ListStacks")["StackSummaries"][0]["StackId"] == number
    assert world.ask("DeleteStack", StackName="app") == {}


def test_events_are_told_by_operation(world: World) -> None:
    world.things.failing = {("A", "create")}
    made = world.ask("CreateStack", StackName="app", TemplateBody=BODY)
    world.done()
    events = world.ask("DescribeEvents", OperationId=made["OperationId"])["OperationEvents"]
    assert {event["OperationStatus"] for event in events} == {"FAILED"}
    failed = world.ask("DescribeEvents", StackName="app", Filters={"FailedEvents": True})["OperationEvents"]
    assert [event["LogicalResourceId"] for event in failed] == ["A"]
    assert world.refused("DescribeEvents").code == "ValidationError"


def test_a_template_is_summed_up(world: World) -> None:
    body = json.dumps(
        {
            "Description": "what it is",
            "Metadata": {"a": 1},
            "Parameters": {"P": {"Type": "String", "Default": "", "AllowedValues": ["", "x"]}},
            "Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "n"}}, "A": thing()},
        }
    )
    told = world.ask("GetTemplateSummary", TemplateBody=body)
    assert told["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert told["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    assert told["ResourceTypes"] == ["AWS::IAM::Role", THING]
    assert told["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": ["", "x"]}
    assert told["ResourceIdentifierSummaries"] == [
        {"ResourceType": THING, "LogicalResourceIds": ["A"], "ResourceIdentifiers": ["Id"]}
    ]
    assert world.ask("ValidateTemplate", TemplateBody=body)["Parameters"][0]["DefaultValue"] == ""
    refused = world.refused("CreateStack", StackName="app", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    assert refused.code == "InsufficientCapabilitiesException"
    assert refused.message == "Requires capabilities : [CAPABILITY_NAMED_IAM]"


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("CreateStack", {"StackName": "1bad", "TemplateBody": BODY}),
        ("CreateStack", {"StackName": "app"}),
        ("CreateStack", {"StackName": "app", "TemplateBody": BODY, "OnFailure": "DELETE", "DisableRollback": True}),
        ("CreateStack", {"StackName": "app", "TemplateBody": BODY + " " * 52_000}),
        ("CreateStack", {"StackName": "app", "TemplateBody": BODY, "Parameters": [{"ParameterKey": "X"}]}),
        ("CreateStack", {"StackName": "app", "TemplateBody": BODY, "Tags": [{"Key": "aws:x", "Value": "y"}]}),
        ("CreateStack", {"StackName": "app", "TemplateBody": BODY, "ResourceTypes": ["AWS::*"]}),
        ("CreateStack", {"StackName": "app", "TemplateBody": BODY, "ClientRequestToken": "not one"}),
        ("UpdateStack", {"StackName": "none", "TemplateBody": BODY}),
        ("GetTemplateSummary", {}),
    ],
)
def test_wrong_requests_are_refused_and_leave_nothing(world: World, operation: str, asked: Mapping[str, Any]) -> None:
    assert world.refused(operation, **asked).code == "ValidationError"
    assert world.ask("ListStacks")["StackSummaries"] == []


def test_no_update_says_so(world: World) -> None:
    world.create({"A": thing(Size=1)})
    refused = world.refused("UpdateStack", StackName="app", TemplateBody=BODY)
    assert refused.message == "No updates are to be performed."


def test_previous_values_are_those_of_the_stack(world: World) -> None:
    sections = {"Parameters": {"P": {"Type": "String"}}}
    resources = {"A": thing(Size={"Ref": "P"})}
    world.create(resources, sections=sections, Parameters=[{"ParameterKey": "P", "ParameterValue": "one"}])
    previous = [{"ParameterKey": "P", "UsePreviousValue": True}]
    told = world.plan(resources, sections=sections, Parameters=previous)
    assert told["Status"] == "FAILED"
    world.ask(
        "UpdateStack", StackName="app", UsePreviousTemplate=True, Parameters=previous, Tags=[{"Key": "a", "Value": "b"}]
    )
    world.done()
    assert world.things.held[world.physical("A")]["Size"] == "one"


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Two words", "#/Label: failed validation constraint for keyword [pattern]"),
        ("x" * 11, "#/Label: expected maxLength: 10, actual: 11"),
    ],
)
def test_a_text_that_the_schema_does_not_allow_fails_before_the_service_is_asked(
    world: World, label: str, said: str
) -> None:
    assert world.create({"A": thing(Label=label)}) == "ROLLBACK_COMPLETE"
    assert world.things.calls == []
    events = [event for event in world.stack().events if event.status == "CREATE_FAILED"]
    assert [(event.logical_id, said in event.reason) for event in events] == [("A", True)]
