"""Templates that are refused, and what functions, parameters and rules give.

Source: AWS CloudFormation User Guide, "Template anatomy", "Intrinsic function reference", "Rules", "Parameters".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from csoc.emulator.cloudformation.template.model import TemplateError
from csoc.emulator.cloudformation.template.reading import read_template
from tests.unit.emulator.cloudformation.stack_world import THING, World, template, thing

ONE: Mapping[str, Any] = {"R": {"Type": THING}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "At least one Resources member must be defined"),
        ({"Resources": ONE, "Things": {}}, "Invalid template property or properties [Things]"),
        ({"Resources": {"a-b": {"Type": THING}}}, "Resource name a-b is non alphanumeric"),
        ({"Resources": {"A": {}}}, "Every Resources object must contain a Type member"),
        ({"Resources": {"A": {"Type": "what"}}}, "Unrecognized resource types: [what]"),
        ({"Resources": {"A": {"Type": THING, "Props": {}}}}, "Invalid template resource property 'Props'"),
        ({"Resources": {"A": thing(Size=None)}}, "[/Resources/A/Properties/Size] 'null' values are not allowed"),
        ({"Resources": {"A": thing(Size={"Ref": "B"})}}, "Unresolved resource dependencies [B] in the Resources block"),
        ({"Resources": {"A": thing(Size={"Ref": "AWS::Nope"})}}, "Unresolved resource dependencies [AWS::Nope]"),
        ({"Resources": {"A": thing(dependsOn="B")}}, "Unresolved resource dependencies [B]"),
        ({"Resources": {"A": thing(condition="C")}}, "Unresolved condition dependency C"),
        ({"Resources": ONE, "Outputs": {"O": {"Value": {"Ref": "X"}}}}, "[X] in the Outputs block"),
        ({"Resources": ONE, "Outputs": {"O": {}}}, "Every Outputs member must contain a Value object"),
        ({"Resources": ONE, "Transform": "AWS::Serverless-2016-10-31"}, "does not offer the section Transform"),
        ({"Resources": {"Fn::ForEach::X": []}}, "does not offer Fn::ForEach"),
        ({"Resources": {"A": thing(Size={"Fn::Transform": {"Name": "AWS::Include"}})}}, "does not offer Fn::Transform"),
        ({"Resources": {"A": thing(Size={"Fn::Length": []})}}, "does not offer Fn::Length"),
        ({"Resources": {"A": thing(Size={"Fn::Nope": 1})}}, "Unrecognized function [Fn::Nope]"),
        ({"Resources": {"A": thing(Size={"Fn::Equals": [1, 2]})}}, "Unrecognized function [Fn::Equals]"),
        ({"Resources": {"A": thing(Size={"Fn::Sub": "x", "b": 1})}}, "must be the only key"),
        ({"Resources": {"A": thing(Size={"Fn::Sub": "${a b}"})}}, "only alphanumeric characters"),
        ({"Resources": {"A": {"Type": THING, "UpdatePolicy": {}}}}, "does not offer UpdatePolicy"),
        ({"Resources": {"A": thing(deletion="Keep")}}, "Unrecognized DeletionPolicy Keep"),
        ({"Resources": ONE, "Parameters": {"P": {"Type": "What"}}}, "Unrecognized parameter type: What"),
        ({"Resources": ONE, "Parameters": {"R": {"Type": "String"}}}, "Duplicate name R"),
        ({"Resources": ONE, "Mappings": {"M": {"a": "b"}}}, "every Mappings attribute must be a map"),
        ({"Resources": ONE, "Description": "x" * 1025}, "length is greater than 1024"),
        (
            {"Resources": ONE, "Conditions": {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}},
            "Circular dependency between conditions",
        ),
        ({"Resources": {f"R{n}": {"Type": THING} for n in range(501)}}, "greater than maximum allowed, 500"),
    ],
)
def test_wrong_templates_are_refused_in_the_words_of_aws(body: Mapping[str, Any], message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        read_template(json.dumps(body))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"Fn::Join": ["-", ["a", 1, True]]}, "a-1-true"),
        ({"Fn::Sub": "${AWS::Region}/${!Kept}/${AWS::AccountId}"}, "ap-southeast-2/${Kept}/111111111111"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b,c"]}]}, "b"),
        ({"Fn::GetAZs": ""}, ["ap-southeast-2a", "ap-southeast-2b", "ap-southeast-2c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Cidr": ["2001:db8::/56", 2, 64]}, ["2001:db8::/64", "2001:db8:0:1::/64"]),
        ({"Fn::Base64": "hello"}, "aGVsbG8="),
        ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "x"]}, "there"),
        ({"Fn::If": ["Never", "a", {"Ref": "AWS::NoValue"}]}, None),
        ({"Fn::If": ["Always", ["a"], "b"]}, ["a"]),
        ({"Condition": "is data here"}, {"Condition": "is data here"}),
        ("{{resolve:ssm:/p}} and {{resolve:ssm:/p:1}}", "v and v1"),
        ({"Fn::Join": ["", ["{{resolve:ssm:", {"Fn::Join": ["", ["/", "p"]]}, "}}"]]}, "v"),
    ],
)
def test_functions(written: Any, expected: Any) -> None:
    world = World()
    world.outside.parameters = {"/p": "v", "/p:1": "v1"}
    sections = {
        "Mappings": {"M": {"ap-southeast-2": {"x": "there"}}},
        "Conditions": {"Always": {"Fn::Equals": ["1", 1]}, "Never": {"Fn::Not": [{"Condition": "Always"}]}},
    }
    assert world.create({"A": thing(Size=written)}, sections=sections) == "CREATE_COMPLETE"
    assert world.things.held[world.physical("A")].get("Size") == expected


def test_a_reference_that_never_ends_is_refused() -> None:
    written = {"Fn::Join": ["", ["{{resolve:ssm:", "/p"]]}
    assert World().create({"A": thing(Size=written)}) == "ROLLBACK_COMPLETE"


def test_an_index_that_no_list_has_is_refused() -> None:
    written = {"Fn::Select": ["9" * 5000, ["a"]]}
    assert World().create({"A": thing(Size=written)}) == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        ({"Type": "String", "AllowedValues": ["a"]}, "b", "Parameter 'P' must be one of AllowedValues [a]"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "A", "Parameter 'P' must match pattern [a-z]+"),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "letters"},
            "A",
            "Parameter P failed to satisfy constraint: letters",
        ),
        ({"Type": "String", "MinLength": "3"}, "ab", "Parameter 'P' must contain at least 3 characters"),
        ({"Type": "Number"}, "x", "Parameter 'P' must be a number"),
        ({"Type": "Number", "MaxValue": 5}, "6", "Parameter 'P' must be a number not greater than 5"),
        ({"Type": "List<Number>"}, "1,x", "Parameter 'P' must be a number"),
        (
            {"Type": "AWS::EC2::VPC::Id"},
            "vpc-9",
            "Parameter validation failed: parameter value vpc-9 for parameter name P does not exist",
        ),
        (
            {"Type": "List<AWS::EC2::AvailabilityZone::Name>"},
            "ap-southeast-2a,eu-west-1a",
            "Parameter validation failed: parameter value eu-west-1a for parameter name P does not exist",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>"},
            "/none",
            "Unable to fetch parameters [/none] from parameter store for this account.",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::VPC::Id>"},
            "/vpc",
            "Parameter validation failed: parameter value vpc-9 for parameter name P does not exist",
        ),
    ],
)
def test_parameters_are_checked(declared: Mapping[str, Any], value: str, message: str) -> None:
    world = World()
    world.outside.parameters["/vpc"] = "vpc-9"
    body = template({"A": thing(Size={"Ref": "P"})}, Parameters={"P": declared})
    given = [{"ParameterKey": "P", "ParameterValue": value}]
    assert world.refused("CreateStack", StackName="app", TemplateBody=body, Parameters=given).message == message


def test_missing_and_unknown_parameters_are_named() -> None:
    world = World()
    body = template({"A": thing()}, Parameters={"P": {"Type": "String"}, "Q": {"Type": "String"}})
    refused = world.refused("CreateStack", StackName="app", TemplateBody=body)
    assert refused.message == "Parameters: [P, Q] must have values"
    given = [{"ParameterKey": "Z", "ParameterValue": ""}]
    refused = world.refused("CreateStack", StackName="app", TemplateBody=body, Parameters=given)
    assert refused.message == "Parameters: [Z] do not exist in the template"


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ({"Fn::Contains": [["a", "b"], {"Ref": "P"}]}, True),
        ({"Fn::Contains": [["b"], {"Ref": "P"}]}, False),
        ({"Fn::EachMemberEquals": [{"Ref": "L"}, "x"]}, True),
        ({"Fn::EachMemberIn": [{"Ref": "L"}, ["y"]]}, False),
        ({"Fn::Not": [{"Fn::Equals": [{"Ref": "P"}, "b"]}]}, True),
        ({"Fn::And": [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::AvailabilityZone::Name"}, "ap-southeast-2a"]}, True),
    ],
)
def test_rules_hold_or_stop_the_stack(assertion: Any, holds: bool) -> None:
    world = World()
    sections = {
        "Parameters": {"P": {"Type": "String", "Default": "a"}, "L": {"Type": "CommaDelimitedList", "Default": "x, x"}},
        "Rules": {
            "Right": {"Assertions": [{"Assert": assertion, "AssertDescription": "it is not right"}]},
            "Never": {
                "RuleCondition": {"Fn::Equals": [{"Ref": "P"}, "b"]},
                "Assertions": [{"Assert": {"Fn::Equals": ["1", "2"]}}],
            },
        },
    }
    body = template({"A": thing()}, **sections)
    if holds:
        world.ask("CreateStack", StackName="app", TemplateBody=body)
    else:
        assert "it is not right" in world.refused("CreateStack", StackName="app", TemplateBody=body).message


def test_resources_that_need_each_other_are_refused() -> None:
    body = template({"A": thing(Size={"Ref": "B"}), "B": thing(Size={"Ref": "A"})})
    refused = World().refused("CreateStack", StackName="app", TemplateBody=body)
    assert refused.message.startswith("Circular dependency between resources: [")


def test_conditions_decide_which_resources_and_outputs_there_are() -> None:
    sections = {
        "Conditions": {"Yes": {"Fn::Equals": ["a", "a"]}, "No": {"Fn::Equals": ["a", "b"]}},
        "Outputs": {"O": {"Value": "1", "Condition": "Yes"}, "P": {"Value": {"Ref": "B"}, "Condition": "No"}},
    }
    world = World()
    world.create({"A": thing(condition="Yes"), "B": thing(condition="No")}, sections=sections)
    assert set(world.stack().resources) == {"A"}
    assert [output["OutputKey"] for output in world.stack().outputs] == ["O"]
