"""The network and its web ACL, with what systems before this one got wrong: a test for each, named for it."""

from __future__ import annotations

import ipaddress

import pytest

from csoc_infra.layers import network
from tests.infra.documents import SIZES
from tests.infra.templates import changed, cluster, of_type


@pytest.mark.parametrize("length", [16, 17, 18, 19, 20])
@pytest.mark.parametrize("zones", [2, 3])
def test_no_two_subnets_overlap_and_all_are_in_the_network(length: int, zones: int) -> None:
    divided = network.divide(f"10.20.0.0/{length}", zones)
    blocks = [ipaddress.ip_network(one) for one in (*divided.private, *divided.public, *divided.isolated)]
    assert len(blocks) == 3 * zones
    assert all(block.subnet_of(ipaddress.ip_network(f"10.20.0.0/{length}")) for block in blocks)  # type: ignore[arg-type]
    assert not [pair for pair in ((a, b) for a in blocks for b in blocks if a is not b) if pair[0].overlaps(pair[1])]


def test_private_subnets_have_room_for_a_pod_an_address() -> None:
    divided = network.divide("10.20.0.0/16", 3)
    assert divided.private == ("10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19")


def test_a_third_zone_moves_nothing_that_is_there() -> None:
    two, three = changed("small", "network", zones=2), changed("small", "network", zones=3)
    before = of_type(two, "AWS::EC2::Subnet")
    assert {name: of_type(three, "AWS::EC2::Subnet")[name] for name in before} == before


def test_one_zone_that_fails_does_not_take_the_way_out_of_the_others_along() -> None:
    template = cluster("large", "network")
    routes = [one for one in of_type(template, "AWS::EC2::Route").values() if "NatGatewayId" in one]
    assert len({one["NatGatewayId"]["Ref"] for one in routes}) == 3
    assert len({one["RouteTableId"]["Ref"] for one in routes}) == 3


def test_nobody_pays_for_a_nat_gateway_beside_a_proxy_or_fights_it_for_the_route() -> None:
    template = cluster("medium", "network")
    assert not of_type(template, "AWS::EC2::NatGateway")
    assert not of_type(template, "AWS::EC2::EIP")
    assert [one["RouteTableId"] for one in of_type(template, "AWS::EC2::Route").values()] == [
        {"Ref": "PublicRouteTable"}
    ]


def test_isolated_subnets_have_no_way_out() -> None:
    for size in SIZES:
        template = cluster(size, "network")
        routed = {one["RouteTableId"]["Ref"] for one in of_type(template, "AWS::EC2::Route").values()}
        assert "IsolatedRouteTable" not in routed


@pytest.mark.parametrize("service", sorted(network.Endpoint.__args__))  # type: ignore[attr-defined]
def test_every_service_that_a_private_cluster_calls_can_have_an_endpoint(service: str) -> None:
    template = changed("small", "network", interface_endpoints=[service])
    (found,) = (
        one for one in of_type(template, "AWS::EC2::VPCEndpoint").values() if one["VpcEndpointType"] == "Interface"
    )
    assert found["ServiceName"] == f"com.amazonaws.ap-southeast-2.{service}"
    assert found["PrivateDnsEnabled"] is True


def test_load_balancers_and_karpenter_find_their_subnets_by_tags() -> None:
    subnets = of_type(cluster("medium", "network"), "AWS::EC2::Subnet")
    tags = {name: {one["Key"]: one["Value"] for one in subnet["Tags"]} for name, subnet in subnets.items()}
    assert tags["PublicSubnet1"]["kubernetes.io/role/elb"] == "1"
    assert tags["PrivateSubnet3"]["kubernetes.io/role/internal-elb"] == "1"
    assert tags["PrivateSubnet3"]["karpenter.sh/discovery"] == "csoc-c1b2c3d4e5"
    assert "kubernetes.io/role/elb" not in tags["IsolatedSubnet1"]


def test_the_network_has_flow_logs_and_holds_no_secret() -> None:
    for size in SIZES:
        template = cluster(size, "network")
        (log,) = of_type(template, "AWS::EC2::FlowLog").values()
        assert log["TrafficType"] == "ALL"
        assert not of_type(template, "AWS::SecretsManager::Secret")


def test_the_web_acl_limits_the_rate_and_knows_more_than_the_common_rules() -> None:
    (acl,) = of_type(cluster("large", "network"), "AWS::WAFv2::WebACL").values()
    rules = {one["Name"]: one for one in acl["Rules"]}
    assert rules["rate-limit"]["Statement"]["RateBasedStatement"]["Limit"] == 10_000
    assert rules["rate-limit"]["Action"] == {"Block": {}}
    assert {
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesSQLiRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    } <= set(rules)
    assert sorted(one["Priority"] for one in acl["Rules"]) == list(range(len(acl["Rules"])))


def test_a_single_rule_can_count_while_its_group_blocks_and_all_can_count_at_first() -> None:
    (acl,) = of_type(cluster("large", "network"), "AWS::WAFv2::WebACL").values()
    common = next(one for one in acl["Rules"] if one["Name"] == "AWSManagedRulesCommonRuleSet")
    group = common["Statement"]["ManagedRuleGroupStatement"]
    assert group["RuleActionOverrides"] == [{"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}]
    assert common["OverrideAction"] == {"None": {}}
    (counting,) = of_type(cluster("small", "network"), "AWS::WAFv2::WebACL").values()
    assert all(one.get("OverrideAction", one.get("Action")) == {"Count": {}} for one in counting["Rules"])


def test_cookies_and_tokens_of_people_do_not_reach_the_web_acls_log() -> None:
    (logging,) = of_type(cluster("small", "network"), "AWS::WAFv2::LoggingConfiguration").values()
    redacted = [one.get("SingleHeader", {}).get("Name") or next(iter(one)) for one in logging["RedactedFields"]]
    assert {"authorization", "cookie", "QueryString"} <= set(redacted)
