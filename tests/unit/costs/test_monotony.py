"""More never costs less, whatever a template says; and no template makes an estimate fail in another way than by
refusing it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.costs.estimate import estimate, left_behind
from csoc.costs.lines import Kind, Range, total
from csoc.costs.pricers.table import FREE, PRICERS
from csoc.errors import RejectedError
from tests.unit.costs.sized import basis, parsed, texts

_BASIS = basis("medium")
_AMOUNTS = st.integers(min_value=0, max_value=1000)


def _usd(resources: dict[str, Any]) -> Range:
    return estimate(json.dumps({"Resources": resources}), _BASIS).usd


def _at_most(one: Range, other: Range) -> bool:
    return one.low <= other.low and one.usual <= other.usual and one.high <= other.high


def _pool(smallest: int, largest: int, disk: int, spot: bool) -> dict[str, Any]:
    return {
        "Pool": {
            "Type": "AWS::EKS::Nodegroup",
            "Properties": {
                "InstanceTypes": ["m6i.xlarge", "m6a.xlarge"],
                "CapacityType": "SPOT" if spot else "ON_DEMAND",
                "ScalingConfig": {"MinSize": smallest, "MaxSize": smallest + largest},
                "DiskSize": disk,
            },
        }
    }


@settings(deadline=None)
@given(_AMOUNTS, _AMOUNTS, _AMOUNTS, _AMOUNTS, st.booleans())
def test_more_nodes_and_larger_disks_never_cost_less(
    smallest: int, largest: int, more: int, disk: int, spot: bool
) -> None:
    few = _usd(_pool(smallest, largest, disk, spot))
    assert few.low <= few.usual <= few.high
    assert _at_most(few, _usd(_pool(smallest, largest + more, disk, spot)))
    assert _at_most(few, _usd(_pool(smallest + more, largest, disk, spot)))
    assert _at_most(few, _usd(_pool(smallest, largest, disk + more, spot)))
    assert few.usual <= _usd(_pool(smallest, largest, disk, spot=False)).usual


@settings(deadline=None)
@given(_AMOUNTS, _AMOUNTS, _AMOUNTS, st.integers(0, 5))
def test_more_capacity_and_more_readers_never_cost_less(low: int, high: int, more: int, readers: int) -> None:
    def database(least: int, most: int, instances: int) -> dict[str, Any]:
        scaling = {"MinCapacity": least / 2, "MaxCapacity": (least + most) / 2}
        whole = {"Engine": "aurora-postgresql", "ServerlessV2ScalingConfiguration": scaling}
        one = {"DBInstanceClass": "db.serverless", "DBClusterIdentifier": {"Ref": "Whole"}}
        return {
            "Whole": {"Type": "AWS::RDS::DBCluster", "Properties": whole},
            **{f"I{number}": {"Type": "AWS::RDS::DBInstance", "Properties": one} for number in range(instances)},
        }

    usual = _usd(database(low, high, 1))
    assert _at_most(usual, _usd(database(low, high + more, 1)))
    assert _at_most(usual, _usd(database(low + more, high, 1)))
    assert _at_most(usual, _usd(database(low, high, 1 + readers)))


@settings(deadline=None)
@given(st.sampled_from(["database", "cluster", "network", "resources", "edge"]), st.data())
def test_a_template_with_a_resource_less_never_costs_more(layer: str, data: st.DataObject) -> None:
    """Others may share what it carried, or be unpriced without it; the sum never grows by more than cents."""
    template = parsed("medium", layer)
    whole = estimate(json.dumps(template), _BASIS)
    gone = data.draw(st.sampled_from(sorted(template["Resources"])))
    # What names it is gone with it, as CloudFormation wants it.
    kept = {
        name: one for name, one in template["Resources"].items() if name != gone and f'"{gone}"' not in json.dumps(one)
    }
    less = estimate(json.dumps({**template, "Resources": kept}), _BASIS)
    assert less.usd.usual <= whole.usd.usual + Decimal("0.05")


_TYPES = st.sampled_from([*sorted(PRICERS), *sorted(FREE)[:3], "AWS::Nobody::Knows", "", "x" * 300, "\u202e\n"])
_KEYS = st.sampled_from(
    [
        "Ref", "Fn::If", "Fn::Join", "Fn::Sub", "Fn::Select", "Fn::Split", "Fn::GetAtt", "Fn::FindInMap", "Fn::Odd",
        "InstanceTypes", "ScalingConfig", "MinSize", "MaxSize", "LaunchTemplate", "Id", "LaunchTemplateData", "Rules",
        "BlockDeviceMappings", "Ebs", "VolumeSize", "SubnetIds", "VpcEndpointType", "ClusterConfig", "InstanceCount",
        "InstanceType", "EBSOptions", "RetentionInDays", "LogGroupName", "Engine", "DBInstanceClass", "Statement",
        "DBClusterIdentifier", "ServerlessV2ScalingConfiguration", "MinCapacity", "Protocol", "Tier", "Version",
        "ManagedRuleGroupStatement", "VendorName", "UpgradePolicy", "SupportType", "LoggingConfiguration", "Monitoring",
        "NetworkInterfaces", "MixedInstancesPolicy", "Period", "PerformanceInsightsRetentionPeriod", "Enabled",
    ]
)  # fmt: skip
_WORDS = st.sampled_from(
    ["A", "B", "Interface", "db.serverless", "aurora-postgresql", "SPOT", "1", "-1", "1e400", "NaN", "${A}", "gp3", ""]
)
_NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([-1, 10**400, 1e308, float("nan"), float("inf"), True])
)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _WORDS, st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(_KEYS, inner, max_size=4),
        st.dictionaries(_KEYS, inner, max_size=1),
    ),
    max_leaves=25,
)
_RESOURCES = st.dictionaries(
    st.sampled_from(["A", "B", "C", "\x1b[31m" * 40]),
    st.one_of(
        _VALUES,
        st.fixed_dictionaries(
            {"Type": st.one_of(_TYPES, _VALUES), "Properties": _VALUES},
            optional={"Condition": _VALUES, "DeletionPolicy": _VALUES},
        ),
    ),
)
_TEMPLATES = st.fixed_dictionaries(
    {"Resources": _RESOURCES}, optional={"Parameters": _VALUES, "Conditions": _VALUES, "Mappings": _VALUES}
)


@settings(deadline=None)
@given(_TEMPLATES)
def test_whatever_a_template_says_each_of_its_resources_has_an_honest_line(template: dict[str, Any]) -> None:
    found = estimate(json.dumps(template), _BASIS, layer="edge")
    assert found.usd == total(found.lines)
    assert len({line.resource for line in found.lines}) >= len(template["Resources"])
    for line in found.lines:
        usd = line.usd
        assert usd.low.is_finite()
        assert usd.high.is_finite()
        assert 0 <= usd.low <= usd.usual <= usd.high
        assert line.kind is Kind.PRICED or usd.high == 0
        assert line.words
        assert "\n" not in line.what + line.resource + line.type
        assert "\x1b" not in line.what + line.resource + line.type + line.words
    left_behind(json.dumps(template), "", _BASIS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"Resources": []}',
        '{"Resources": null}',
        "[" * 100_000,
        '{"Resources":' + '{"a":' * 100_000,
        json.dumps({"Resources": {str(number): {} for number in range(501)}}),
        "{" + " " * 4_000_001 + "}",
        "Resources:\n  Vpc:\n    Type: AWS::EC2::VPC\n",
    ],
)
def test_a_text_that_is_no_template_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        estimate(text, _BASIS)
    assert caught.value.fix
    assert len(str(caught.value)) < 200


def test_functions_in_functions_without_end_are_unknown_and_no_crash() -> None:
    value: Any = "1"
    for _ in range(200):
        value = {"Fn::Select": ["0", [value]]}
    text = json.dumps({"Resources": {"A": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": value}}}})
    assert [line.kind for line in estimate(text, _BASIS).lines] == [Kind.PRICED, Kind.UNPRICED]


def test_conditions_that_name_each_other_are_unknown_and_no_crash() -> None:
    conditions = {"A": {"Condition": "B"}, "B": {"Condition": "A"}, "C": {"Fn::Not": [{"Condition": "C"}]}}
    resources = {name: {"Type": "AWS::EC2::EIP", "Condition": name} for name in "ABC"}
    lines = estimate(json.dumps({"Resources": resources, "Conditions": conditions}), _BASIS).lines
    assert {str(line.usd.low) for line in lines} == {"0"}


def test_an_estimate_of_the_same_template_is_the_same() -> None:
    text = texts("large")["cluster"]
    assert estimate(text, _BASIS, layer="cluster") == estimate(text, _BASIS, layer="cluster")


def test_a_small_template_that_would_grow_without_bound_is_read_in_no_time() -> None:
    """Conditions that double at each step, and texts that are put into texts."""
    conditions: dict[str, Any] = {
        f"C{number}": {"Fn::And": [{"Condition": f"C{number + 1}"}] * 10} for number in range(100)
    }
    conditions["C100"] = {"Fn::Equals": [{"Ref": "Long"}, "x"]}
    conditions["Itself"] = {"Fn::And": [{"Condition": "Itself"}] * 10}
    long = {"Fn::Join": ["${Long}", [{"Ref": "Long"}] * 10_000]}
    resources = {
        "A": {"Type": "AWS::EC2::EIP", "Condition": "C0"},
        "Itself": {"Type": "AWS::EC2::EIP", "Condition": "Itself"},
        "B": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": long}},
        "C": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "${Long}" * 10_000}}},
        "D": {
            "Type": "AWS::EKS::Nodegroup",
            "Properties": {**_pool(1, 1, 1, False)["Pool"]["Properties"], "InstanceTypes": ["m6i.xlarge"] * 10_000},
        },
    }
    parameters = {"Long": {"Type": "String", "Default": "x" * 100_000}}
    text = json.dumps({"Parameters": parameters, "Conditions": conditions, "Resources": resources})
    lines = estimate(text, _BASIS).lines
    assert sum(len(line.words) + len(line.what) for line in lines) < 2_000
    assert [line.kind for line in lines if line.resource == "D"] == [Kind.UNPRICED]
