"""Values of a template as far as they are known before anything exists, and never further."""

from __future__ import annotations

import json
from typing import Any

import pytest

from csoc.costs.template import UNKNOWN, Reference, Template, read

_PARAMETERS = {
    "Plain": {"Type": "String", "Default": "a,b,c"},
    "Number": {"Type": "Number", "Default": 3},
    "Later": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/csoc/x/network/VpcId"},
    "Asked": {"Type": "String"},
}
_CONDITIONS = {
    "Yes": {"Fn::Equals": [{"Ref": "Plain"}, "a,b,c"]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Perhaps": {"Fn::Equals": [{"Ref": "Later"}, "x"]},
    "All": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "Perhaps"}]},
    "Never": {"Fn::And": [{"Condition": "No"}, {"Condition": "Perhaps"}]},
    "Any": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "Perhaps"}]},
}


def _template(**parameters: str) -> Template:
    body: dict[str, Any] = {
        "Parameters": _PARAMETERS,
        "Conditions": _CONDITIONS,
        "Mappings": {"Sizes": {"ap-southeast-2": {"disk": "20"}}},
        "Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}},
    }
    return read(json.dumps(body), parameters, "ap-southeast-2")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Plain"}, "a,b,c"),
        ({"Ref": "AWS::Region"}, "ap-southeast-2"),
        ({"Ref": "AWS::NoValue"}, None),
        ({"Ref": "Later"}, UNKNOWN),
        ({"Ref": "Asked"}, UNKNOWN),
        ({"Ref": "Nowhere"}, UNKNOWN),
        ({"Ref": "Vpc"}, Reference("Vpc")),
        ({"Fn::GetAtt": ["Vpc", "CidrBlock"]}, Reference("Vpc", "CidrBlock")),
        ({"Fn::GetAtt": "Vpc.CidrBlock"}, Reference("Vpc", "CidrBlock")),
        ({"Fn::GetAtt": ["Nowhere", "Arn"]}, UNKNOWN),
        ({"Fn::Split": [",", {"Ref": "Plain"}]}, ["a", "b", "c"]),
        ({"Fn::Select": [1, {"Fn::Split": [",", {"Ref": "Plain"}]}]}, "b"),
        ({"Fn::Select": ["7", ["a"]]}, UNKNOWN),
        ({"Fn::Join": ["-", ["x", {"Ref": "Plain"}]]}, "x-a,b,c"),
        ({"Fn::Join": ["-", ["x", {"Ref": "Vpc"}]]}, UNKNOWN),
        ({"Fn::Sub": "${AWS::Region}/${Plain}/${!kept}"}, "ap-southeast-2/a,b,c/${kept}"),
        ({"Fn::Sub": "${Vpc}"}, UNKNOWN),
        ({"Fn::If": ["Yes", "this", "that"]}, "this"),
        ({"Fn::If": ["No", "this", "that"]}, "that"),
        ({"Fn::If": ["Perhaps", "this", "that"]}, UNKNOWN),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "disk"]}, "20"),
        ({"Fn::FindInMap": ["Sizes", "elsewhere", "disk"]}, UNKNOWN),
        ({"Fn::ImportValue": "x"}, UNKNOWN),
        ({"Key": "no function"}, {"Key": "no function"}),
    ],
)
def test_a_function_is_worked_out_or_unknown(value: Any, expected: Any) -> None:
    assert _template().value(value) == expected


def test_a_value_that_is_given_counts_more_than_a_default_and_makes_the_unknown_known() -> None:
    template = _template(Plain="z", Later="vpc-1")
    assert template.value({"Ref": "Plain"}) == "z"
    assert template.value({"Ref": "Later"}) == "vpc-1"
    assert template.holds("Perhaps") is False


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Yes", True), ("No", False), ("Perhaps", None), ("All", None), ("Never", False), ("Any", True), ("None", None)],
)
def test_a_condition_holds_does_not_or_nobody_knows(name: str, expected: bool | None) -> None:
    assert _template().holds(name) is expected


def test_a_path_leads_through_functions_and_ends_where_nothing_is() -> None:
    start = {"Pool": {"Fn::If": ["Yes", {"Sizes": [{"Ref": "Number"}, "x", -1, 10**9, True, "2.5"]}, {}]}}
    template = _template()
    assert [template.number(start, "Pool", "Sizes", place) for place in range(7)] == [
        3,
        None,
        None,
        None,
        None,
        2.5,
        None,
    ]
    assert template.value(start, "Pool", "Nothing", "Deeper") is None
    assert template.text(start, "Pool", "Sizes", 1) == "x"
    assert template.items(start, "Pool") is None
