"""What single resources cost, where it is not as simple as a price times a number."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from csoc.costs.estimate import estimate, left_behind
from csoc.costs.lines import Kind, Line
from tests.unit.costs.sized import basis, parsed, texts


def _lines(resources: dict[str, Any], today: date | None = None, layer: str = "", **more: Any) -> tuple[Line, ...]:
    usual = basis("medium") if today is None else basis("medium", today=today)
    return estimate(json.dumps({"Resources": resources, **more}), usual, layer=layer).lines


def _one(kind: str, properties: dict[str, Any], **more: Any) -> tuple[Line, ...]:
    return _lines({"One": {"Type": kind, "Properties": properties}}, **more)


def _usd(lines: tuple[Line, ...], what: str) -> tuple[str, str, str]:
    (line,) = (one for one in lines if one.what.startswith(what))
    return str(line.usd.low), str(line.usd.usual), str(line.usd.high)


_EKS = "AWS::EKS::Cluster"


def _cluster(version: str, support: str) -> dict[str, Any]:
    return {"Version": version, "UpgradePolicy": {"SupportType": support}}


def test_a_control_plane_in_extended_support_costs_six_times_as_much() -> None:
    day = date(2026, 11, 23)
    supported, extended = (_one(_EKS, _cluster(version, "EXTENDED"), today=day) for version in ("1.34", "1.33"))
    assert str(sum(line.usd.usual for line in supported)) == "73.00"
    assert str(sum(line.usd.usual for line in extended)) == "438.00"  # 730 x 0.10 and 730 x 0.50
    assert _usd(extended, "extended support of 1.33 since 2026-07-29")[1] == "365.00"


def test_a_control_plane_says_when_it_will_cost_more() -> None:
    now = _one(_EKS, _cluster("1.34", "EXTENDED"), today=date(2026, 12, 2))
    assert [(line.kind, line.words) for line in now][1:] == [
        (Kind.FREE, "standard support of 1.34 lasts until 2026-12-02")
    ]
    later = _one(_EKS, _cluster("1.34", "EXTENDED"), today=date(2026, 12, 3))
    assert _usd(later, "extended support")[1] == "365.00"


def test_a_cluster_that_aws_upgrades_by_itself_never_pays_for_extended_support() -> None:
    assert [str(line.usd.usual) for line in _one(_EKS, _cluster("1.29", "STANDARD"))] == ["73.00"]


def test_what_aws_does_where_nothing_is_said_is_extended_support() -> None:
    lines = _one(_EKS, {"Version": "1.30"}, today=date(2026, 1, 1))
    assert [str(line.usd.usual) for line in lines] == ["73.00", "365.00"]


def test_extended_support_of_a_version_that_nobody_here_knows_is_named() -> None:
    lines = _one(_EKS, _cluster("1.99", "EXTENDED"))
    assert [line.kind for line in lines] == [Kind.PRICED, Kind.UNPRICED]


def test_auto_mode_is_named_as_unpriced() -> None:
    lines = _one(_EKS, {**_cluster("1.34", "STANDARD"), "ComputeConfig": {"Enabled": True}})
    assert [line.what for line in lines if line.kind is Kind.UNPRICED] == ["EKS Auto Mode"]


_POOL: dict[str, Any] = {
    "InstanceTypes": ["m6i.xlarge", "m6a.xlarge"],
    "ScalingConfig": {"MinSize": 2, "MaxSize": 12},
    "DiskSize": 50,
}
_NODES = "AWS::EKS::Nodegroup"


def test_nodes_cost_from_the_fewest_of_the_cheapest_to_the_most_of_the_dearest() -> None:
    # 2 x 730 x 0.216; 3 x 730 x 0.24, the first type, a tenth of the way; 12 x 730 x 0.24
    assert _usd(_one(_NODES, _POOL), "nodes:") == ("315.36", "525.60", "2102.40")


def test_spot_nodes_cost_their_share_and_at_most_what_on_demand_costs() -> None:
    lines = _one(_NODES, {**_POOL, "CapacityType": "SPOT"})
    assert _usd(lines, "nodes:") == ("126.14", "210.24", "2102.40")  # 0.4 of it, and all of it


def test_nodes_without_a_word_about_machines_and_disks_are_what_eks_takes_then() -> None:
    lines = _one(_NODES, {"ScalingConfig": {"MinSize": 1, "MaxSize": 1}})
    assert _usd(lines, "nodes: t3.medium")[1] == "38.54"  # 730 x 0.0528
    assert _usd(lines, "disks")[1] == "1.92"  # 20 GB x 0.096


def test_the_machine_of_a_launch_template_counts_where_the_group_names_none() -> None:
    resources = {
        "Pool": {
            "Type": _NODES,
            "Properties": {
                "ScalingConfig": {"MinSize": 1, "MaxSize": 1},
                "LaunchTemplate": {"Id": {"Ref": "Template"}},
            },
        },
        "Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {"LaunchTemplateData": {"InstanceType": "c6i.large"}},
        },
    }
    lines = _lines(resources)
    assert _usd(lines, "nodes: c6i.large")[1] == "81.03"  # 730 x 0.111
    (disks,) = (line for line in lines if line.what == "disks of nodes")
    assert (disks.kind, disks.words) == (Kind.UNPRICED, "the machine's image decides about them")


def test_a_disk_of_a_kind_without_a_price_is_named() -> None:
    template = parsed("medium", "cluster")
    for one in template["Resources"].values():
        if one["Type"] == "AWS::EC2::LaunchTemplate":
            one["Properties"]["LaunchTemplateData"]["BlockDeviceMappings"][0]["Ebs"]["VolumeType"] = "io2"
    lines = estimate(json.dumps(template), basis()).of(Kind.UNPRICED)
    assert [line.what for line in lines] == ["disks of nodes: io2"] * 2


@pytest.mark.parametrize(
    "changed",
    [
        {"ScalingConfig": {"MinSize": {"Ref": "Somewhere"}, "MaxSize": 3}},
        {"ScalingConfig": {}},
        {"InstanceTypes": [{"Ref": "Somewhere"}]},
        {"InstanceTypes": []},
    ],
)
def test_nodes_that_nobody_can_count_are_named_as_unpriced(changed: dict[str, Any]) -> None:
    lines = _one(_NODES, {**_POOL, **changed})
    assert [line.kind for line in lines] == [Kind.UNPRICED]


def test_a_reader_and_a_writer_each_cost_the_capacity_of_their_cluster() -> None:
    resources: dict[str, Any] = {
        "Whole": {
            "Type": "AWS::RDS::DBCluster",
            "Properties": {
                "Engine": "aurora-postgresql",
                "DBClusterIdentifier": "one",
                "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 10.5},
            },
        },
        "Writer": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {"DBInstanceClass": "db.serverless", "DBClusterIdentifier": {"Ref": "Whole"}},
        },
        "Reader": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {"DBInstanceClass": "db.serverless", "DBClusterIdentifier": "one"},
        },
    }
    found = [line for line in _lines(resources) if line.what == "Serverless v2"]
    assert {str(line.usd.usual) for line in found} == {"219.00"}  # 1.5 x 730 x 0.20
    assert {str(line.usd.low) for line in found} == {"73.00"}
    assert len(found) == 2


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::RDS::DBInstance", {"DBInstanceClass": "db.r6g.large"}),
        ("AWS::RDS::DBInstance", {"DBInstanceClass": "db.serverless", "DBClusterIdentifier": "elsewhere"}),
        ("AWS::RDS::DBCluster", {"Engine": "postgres"}),
        ("AWS::RDS::DBCluster", {"Engine": "aurora-postgresql", "StorageType": "aurora-iopt1"}),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface", "SubnetIds": {"Ref": "Subnets"}}),
        ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "GatewayLoadBalancer", "SubnetIds": ["a"]}),
        ("AWS::AutoScaling::AutoScalingGroup", {"MinSize": "1", "MaxSize": "1", "LaunchTemplate": {}}),
        ("AWS::OpenSearchService::Domain", {}),
        ("AWS::CloudWatch::Alarm", {"Metrics": []}),
        ("AWS::CloudWatch::Alarm", {"Period": 10}),
        ("AWS::SSM::Parameter", {"Tier": "Intelligent-Tiering"}),
        ("AWS::SNS::Subscription", {"Protocol": "sms"}),
        ("AWS::WAFv2::WebACL", {"Rules": {"Ref": "Rules"}}),
    ],
)
def test_what_cannot_be_known_or_has_no_price_here_is_one_line_that_says_so(
    kind: str, properties: dict[str, Any]
) -> None:
    (line,) = _one(kind, properties)
    assert line.kind is Kind.UNPRICED
    assert line.words


def test_endpoints_cost_by_zone_and_gateways_nothing() -> None:
    interface = {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}
    assert _usd(_one("AWS::EC2::VPCEndpoint", interface), "interface endpoint")[1] == "18.98"  # 2 x 730 x 0.013
    (gateway,) = _one("AWS::EC2::VPCEndpoint", {})
    assert gateway.kind is Kind.FREE


def test_what_runs_through_all_nat_gateways_is_shared_by_them() -> None:
    one = _lines({"A": {"Type": "AWS::EC2::NatGateway"}})
    two = _lines({name: {"Type": "AWS::EC2::NatGateway"} for name in "AB"})
    data = [[line.usd.usual for line in lines if line.what == "data through it"] for lines in (one, two)]
    assert data == [[Decimal("17.70")], [Decimal("8.85")] * 2]


def test_logs_that_are_kept_for_ever_are_named() -> None:
    lines = _one("AWS::Logs::LogGroup", {})
    assert [line.kind for line in lines] == [Kind.PRICED, Kind.UNPRICED]
    assert "for ever" in lines[1].words


def test_a_log_group_counts_what_its_writer_writes() -> None:
    names = {"aws-waf-logs-x": "5", "/aws/eks/x/cluster": "15", "/aws/rds/cluster/x/postgresql": "3", "/other": "3"}
    for name, amount in names.items():
        lines = _one("AWS::Logs::LogGroup", {"LogGroupName": name, "RetentionInDays": 30})
        assert lines[0].words.startswith(f"{amount} GB"), name
    flows = {"Type": "AWS::EC2::FlowLog", "Properties": {"LogGroupName": {"Ref": "One"}}}
    lines = _lines({"One": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}}, "Flows": flows})
    assert lines[0].words.startswith("10 GB")


def test_a_key_that_rotates_costs_up_to_three_times_as_much() -> None:
    assert _usd(_one("AWS::KMS::Key", {"EnableKeyRotation": True}), "key") == ("1.00", "1.00", "3.00")
    assert _usd(_one("AWS::KMS::Key", {}), "key") == ("1.00", "1.00", "1.00")


def test_an_alarm_of_one_of_aws_own_metrics_costs_no_metric() -> None:
    assert [line.what for line in _one("AWS::CloudWatch::Alarm", {"Namespace": "AWS/EC2", "Period": 60})] == ["alarm"]
    own = _one("AWS::CloudWatch::Alarm", {"Namespace": "csoc/egress", "Period": 60})
    assert [str(line.usd.usual) for line in own] == ["0.10", "0.30"]


def test_bot_control_and_groups_that_somebody_sells_are_not_hidden_among_rules() -> None:
    def group(name: str, vendor: str = "AWS") -> dict[str, Any]:
        return {"Statement": {"ManagedRuleGroupStatement": {"Name": name, "VendorName": vendor}}}

    lines = _one("AWS::WAFv2::WebACL", {"Rules": [group("AWSManagedRulesBotControlRuleSet"), group("X", "Somebody")]})
    assert _usd(lines, "rules")[1] == "2.00"
    assert _usd(lines, "Bot Control")[1] == "10.00"
    assert _usd(lines, "requests through Bot Control")[1] == "5.00"
    assert [line.kind for line in lines].count(Kind.UNPRICED) == 1


def test_a_dead_letter_queue_usually_hears_nothing_and_may_hear_everything() -> None:
    lines = _one("AWS::SQS::Queue", {"RedriveAllowPolicy": {"redrivePermission": "byQueue"}})
    assert _usd(lines, "requests of failed messages") == ("0.00", "0.00", "0.40")


def test_the_load_balancer_that_no_template_holds_is_counted_with_the_edge() -> None:
    text = texts("medium")["edge"]
    with_layer, alone = (estimate(text, basis(), layer=layer) for layer in ("edge", ""))
    more = with_layer.usd.usual - alone.usd.usual
    assert str(more) == "54.34"  # 18.40 + 5.84 + 7.30 + 22.80
    assert {line.resource for line in with_layer.lines} - {line.resource for line in alone.lines} == {""}


def test_a_resource_whose_condition_does_not_hold_costs_nothing_and_says_so() -> None:
    made = {"One": {"Type": "AWS::EC2::EIP", "Condition": "Wanted"}}
    conditions = {"Wanted": {"Fn::Equals": [{"Ref": "Addresses"}, "yes"]}}
    parameters = {"Addresses": {"Type": "String", "Default": "no"}}
    (line,) = _lines(made, Conditions=conditions, Parameters=parameters)
    assert (line.kind, line.words) == (Kind.FREE, "its condition does not hold, so it is not made")
    parameters["Addresses"]["Default"] = "yes"
    (line,) = _lines(made, Conditions=conditions, Parameters=parameters)
    assert str(line.usd.usual) == "3.65"


def test_a_resource_whose_condition_nobody_can_judge_costs_from_nothing() -> None:
    made = {"One": {"Type": "AWS::EC2::EIP", "Condition": "Wanted"}}
    parameters = {"Addresses": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a/path"}}
    (line,) = _lines(made, Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Addresses"}, "yes"]}}, Parameters=parameters)
    assert (str(line.usd.low), str(line.usd.usual)) == ("0", "3.65")
    assert "condition" in line.words


def test_what_stays_after_a_layer_goes_on_to_cost() -> None:
    """A database, its keys and its secrets are kept when their stack goes; machines are not."""
    text = texts("medium")["database"]
    stays = left_behind(text, "", basis())
    assert stays.usd.usual > 700
    assert all(line.what.endswith(", which stays") for line in stays.lines)
    pools = left_behind(texts("medium")["cluster"], "", basis())
    assert {line.type for line in pools.lines} == {"AWS::KMS::Key", "AWS::Logs::LogGroup"}


def test_what_a_template_still_has_is_not_left_behind() -> None:
    text = texts("medium")["database"]
    assert left_behind(text, text, basis()).lines == ()


def test_a_last_snapshot_is_named_since_nobody_knows_its_size() -> None:
    text = json.dumps({"Resources": {"One": {"Type": "AWS::RDS::DBCluster", "DeletionPolicy": "Snapshot"}}})
    (line,) = left_behind(text, "", basis()).lines
    assert (line.kind, line.what) == (Kind.UNPRICED, "its last snapshot, which stays")


def test_the_first_day_of_backups_is_free_and_more_days_are_not() -> None:
    for days, kind in ((1, Kind.FREE), (2, Kind.PRICED)):
        lines = _one("AWS::RDS::DBCluster", {"Engine": "aurora-postgresql", "BackupRetentionPeriod": days})
        assert [line.kind for line in lines if line.what == "backups"] == [kind]


def test_burstable_machines_may_cost_what_they_take_above_their_baseline() -> None:
    # Three nodes of 4 CPUs, of which 60 % are not paid with the machine: 3 x 2.4 x 730 x 0.05.
    pool = {**_POOL, "InstanceTypes": ["t3.xlarge", "t3a.xlarge"], "ScalingConfig": {"MinSize": 1, "MaxSize": 3}}
    assert _usd(_one(_NODES, pool), "nodes: CPU of t3.xlarge above its baseline") == ("0.00", "0.00", "262.80")
    assert [line.what for line in _one(_NODES, _POOL) if "baseline" in line.what] == []


def test_a_machine_that_is_told_not_to_burst_does_not() -> None:
    def group(told: str) -> tuple[Line, ...]:
        data = {"InstanceType": "t4g.small", "CreditSpecification": {"CpuCredits": told}, "BlockDeviceMappings": []}
        return _lines(
            {
                "Group": {
                    "Type": "AWS::AutoScaling::AutoScalingGroup",
                    "Properties": {
                        "MinSize": "1", "MaxSize": "1", "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}},
                    },
                },
                "Template": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}},
            }
        )  # fmt: skip

    assert _usd(group("unlimited"), "machines: CPU") == ("0.00", "0.00", "46.72")  # 1.6 x 730 x 0.04
    assert [line.what for line in group("standard") if "CPU" in line.what] == []
