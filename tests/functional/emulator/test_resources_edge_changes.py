"""The edge as it is changed and deleted: certificates wait for their records, zones keep theirs, what is used stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.resources.table import HANDLERS
from tests.functional.emulator.conftest import Owner
from tests.functional.emulator.resource_cases import REGION, Bench
from tests.functional.emulator.test_resources_edge import (
    VISIBLE,
    acl,
    addresses,
    balancer,
    certificate,
    document,
    listener,
    logging,
    parameter,
    scaling_group,
    served,
    small_acl,
    small_group,
    weighted,
    zone,
)
from tests.functional.emulator.test_resources_network import TAGS

CERTIFICATE: Any = HANDLERS["AWS::CertificateManager::Certificate"]
FAST = {"Delay": 1, "MaxAttempts": 60}


def code(bench: Bench, kind: str, physical_id: str, **properties: Any) -> str:
    with pytest.raises(ClientError) as refused:
        bench.delete(kind, physical_id, **properties)
    return str(refused.value.response["Error"]["Code"])


def told(bench: Bench, arn: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = bench.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    return found


def add_record(bench: Bench, hosted_zone: str, record: Mapping[str, str]) -> None:
    bench.make(
        "AWS::Route53::RecordSet",
        HostedZoneId=hosted_zone,
        Name=record["Name"],
        Type=record["Type"],
        TTL="300",
        ResourceRecords=[record["Value"]],
    )


def test_a_certificate_waits_until_each_of_its_records_is_there(bench: Bench) -> None:
    hosted = zone(bench)
    arn = bench.id(
        "AWS::CertificateManager::Certificate",
        DomainName="example.org",
        SubjectAlternativeNames=["www.example.org"],
        ValidationMethod="DNS",
    )
    assert not CERTIFICATE.settled(bench.context(), arn)
    options = told(bench, arn)["DomainValidationOptions"]
    assert {option["ValidationStatus"] for option in options} == {"PENDING_VALIDATION"}
    add_record(bench, hosted, options[0]["ResourceRecord"])
    assert not CERTIFICATE.settled(bench.context(), arn)
    add_record(bench, hosted, options[1]["ResourceRecord"])
    assert CERTIFICATE.settled(bench.context(), arn)
    assert told(bench, arn)["Status"] == "ISSUED"


def test_a_record_in_a_private_zone_proves_nothing(bench: Bench) -> None:
    network = bench.id("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
    vpcs = [{"VPCId": network, "VPCRegion": REGION}]
    private = bench.id("AWS::Route53::HostedZone", Name="example.org", VPCs=vpcs)
    arn = certificate(bench)
    add_record(bench, private, told(bench, arn)["DomainValidationOptions"][0]["ResourceRecord"])
    assert not CERTIFICATE.settled(bench.context(), arn)


def test_a_wildcard_shares_the_record_of_its_domain(bench: Bench) -> None:
    options = [{"DomainName": "example.org", "HostedZoneId": zone(bench)}]
    arn = bench.id(
        "AWS::CertificateManager::Certificate",
        DomainName="example.org",
        SubjectAlternativeNames=["*.example.org"],
        ValidationMethod="DNS",
        DomainValidationOptions=options,
    )
    assert CERTIFICATE.settled(bench.context(), arn)


def test_a_certificate_that_is_served_is_not_deleted(bench: Bench) -> None:
    given = dict(listener(bench))
    made = bench.id("AWS::ElasticLoadBalancingV2::Listener", **given)
    arn = given["Certificates"][0]["CertificateArn"]
    assert told(bench, arn)["InUseBy"] == [given["LoadBalancerArn"]]
    assert code(bench, "AWS::CertificateManager::Certificate", arn) == "ResourceInUseException"
    bench.delete("AWS::ElasticLoadBalancingV2::Listener", made)
    bench.delete("AWS::CertificateManager::Certificate", arn)


def run(owner: Owner, template: Mapping[str, Any]) -> Any:
    stacks = owner.client("cloudformation")
    stacks.create_stack(StackName="edge", TemplateBody=json.dumps(template))
    return stacks


def issued(zone_id: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CertificateManager::Certificate",
        "Properties": {
            "DomainName": "example.org",
            "ValidationMethod": "DNS",
            "DomainValidationOptions": [{"DomainName": "example.org", "HostedZoneId": zone_id}],
        },
    }


def test_a_certificate_that_waits_for_its_record_names_it_once_in_an_event(owner: Owner) -> None:
    wanted = issued("")
    del wanted["Properties"]["DomainValidationOptions"]
    stacks = run(owner, {"Resources": {"Certificate": wanted}})
    told: list[str] = []
    with pytest.raises(WaiterError):
        stacks.get_waiter("stack_create_complete").wait(
            StackName="edge", WaiterConfig={"Delay": FAST["Delay"], "MaxAttempts": 4}
        )
    for event in stacks.describe_stack_events(StackName="edge")["StackEvents"]:
        reason = event.get("ResourceStatusReason", "")
        if reason.startswith("Content of DNS Record is: "):
            told.append(reason)
    [record] = told
    (found,) = owner.client("acm").list_certificates()["CertificateSummaryList"]
    options = owner.client("acm").describe_certificate(CertificateArn=found["CertificateArn"])["Certificate"]
    name = options["DomainValidationOptions"][0]["ResourceRecord"]["Name"]
    assert f"{{Name: {name},Type: CNAME,Value: " in record


def test_a_stack_is_complete_once_its_certificate_is_issued(owner: Owner) -> None:
    hosted = {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "example.org"}}
    stacks = run(owner, {"Resources": {"Zone": hosted, "Certificate": issued({"Ref": "Zone"})}})
    stacks.get_waiter("stack_create_complete").wait(StackName="edge", WaiterConfig=FAST)
    (found,) = owner.client("acm").list_certificates(CertificateStatuses=["ISSUED"])["CertificateSummaryList"]
    assert found["DomainName"] == "example.org"
    # The records stay when the certificate goes, so the zone cannot go: as at AWS.
    stacks.delete_stack(StackName="edge")
    with pytest.raises(WaiterError, match="DELETE_FAILED"):
        stacks.get_waiter("stack_delete_complete").wait(StackName="edge", WaiterConfig=FAST)
    events = stacks.describe_stack_events(StackName="edge")["StackEvents"]
    failed = {event["LogicalResourceId"]: event for event in events if event["ResourceStatus"] == "DELETE_FAILED"}
    assert "record" in failed["Zone"]["ResourceStatusReason"]


def test_a_zone_with_records_is_not_deleted(bench: Bench) -> None:
    made = zone(bench)
    record = {
        "HostedZoneId": made,
        "Name": "a.example.org.",
        "Type": "A",
        "TTL": "60",
        "ResourceRecords": ["192.0.2.1"],
    }
    record_id = bench.make("AWS::Route53::RecordSet", **record).physical_id
    assert code(bench, "AWS::Route53::HostedZone", made) == "HostedZoneNotEmpty"
    bench.delete("AWS::Route53::RecordSet", record_id)
    bench.delete("AWS::Route53::HostedZone", made)


def test_a_record_changes_its_values_its_type_and_its_name(bench: Bench) -> None:
    before = {
        "HostedZoneId": zone(bench),
        "Name": "a.example.org.",
        "Type": "A",
        "TTL": "60",
        "ResourceRecords": ["192.0.2.1"],
    }
    made = bench.make("AWS::Route53::RecordSet", **before)
    assert made.ref == "a.example.org."
    values = {**before, "ResourceRecords": ["192.0.2.2"]}
    same = bench.change("AWS::Route53::RecordSet", made.physical_id, before, values)
    assert same.physical_id == made.physical_id
    moved = {**values, "Name": "b.example.org.", "Type": "CNAME", "ResourceRecords": ["a.example.net"]}
    other = bench.change("AWS::Route53::RecordSet", made.physical_id, values, moved)
    assert bench.read("AWS::Route53::RecordSet", made.physical_id) is None
    assert (bench.read("AWS::Route53::RecordSet", other.physical_id) or {})["ResourceRecords"] == ["a.example.net"]


def test_records_of_one_identifier_and_different_names_go_one_by_one(bench: Bench) -> None:
    first = dict(weighted(bench))
    second = {**first, "Name": "other.example.org."}
    one, two = (bench.make("AWS::Route53::RecordSet", **given).physical_id for given in (first, second))
    bench.delete("AWS::Route53::RecordSet", one)
    assert bench.read("AWS::Route53::RecordSet", two) is not None


def test_a_group_of_records_gains_and_loses_some(bench: Bench) -> None:
    def record(name: str, value: str) -> dict[str, Any]:
        return {"Name": f"{name}.example.org.", "Type": "A", "TTL": "60", "ResourceRecords": [value]}

    base = {"HostedZoneId": zone(bench)}
    before = {**base, "RecordSets": [record("a", "192.0.2.1"), record("b", "192.0.2.1")]}
    after = {**base, "RecordSets": [record("b", "192.0.2.2"), record("c", "192.0.2.3")]}
    made = bench.make("AWS::Route53::RecordSetGroup", **before)
    changed = bench.change("AWS::Route53::RecordSetGroup", made.physical_id, before, after)
    live = (bench.read("AWS::Route53::RecordSetGroup", changed.physical_id) or {})["RecordSets"]
    assert {one["Name"]: one["ResourceRecords"][0] for one in live} == {
        "b.example.org.": "192.0.2.2",
        "c.example.org.": "192.0.2.3",
    }


def test_a_web_acl_that_protects_something_is_not_deleted(bench: Bench) -> None:
    load, given = served(bench)[0], {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBLE}
    made = bench.make("AWS::WAFv2::WebACL", **given)
    link = bench.id("AWS::WAFv2::WebACLAssociation", ResourceArn=load, WebACLArn=made.attributes["Arn"])
    assert code(bench, "AWS::WAFv2::WebACL", made.physical_id, **given) == "WAFAssociatedItemException"
    bench.delete("AWS::WAFv2::WebACLAssociation", link)
    bench.delete("AWS::WAFv2::WebACL", made.physical_id, **given)


def test_another_web_acl_takes_the_place_of_the_first(bench: Bench) -> None:
    load, first, second = served(bench)[0], small_acl(bench)["Arn"], small_acl(bench)["Arn"]
    old = bench.id("AWS::WAFv2::WebACLAssociation", ResourceArn=load, WebACLArn=first)
    new = bench.id("AWS::WAFv2::WebACLAssociation", ResourceArn=load, WebACLArn=second)
    assert bench.read("AWS::WAFv2::WebACLAssociation", old) is None
    assert bench.read("AWS::WAFv2::WebACLAssociation", new) is not None


def test_a_web_acl_does_not_protect_what_is_not_there(bench: Bench) -> None:
    arn = f"arn:aws:elasticloadbalancing:{REGION}:{bench.account}:loadbalancer/app/none/0123456789abcdef"
    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        bench.make("AWS::WAFv2::WebACLAssociation", ResourceArn=arn, WebACLArn=small_acl(bench)["Arn"])


def test_a_set_of_addresses_that_a_rule_names_is_not_deleted(bench: Bench) -> None:
    given = dict(acl(bench))
    made = bench.id("AWS::WAFv2::WebACL", **given)
    arn = given["Rules"][1]["Statement"]["IPSetReferenceStatement"]["Arn"]
    named = f"offices|{arn.rsplit('/', 1)[-1]}|REGIONAL"
    assert code(bench, "AWS::WAFv2::IPSet", named) == "WAFAssociatedItemException"
    bench.delete("AWS::WAFv2::WebACL", made, **given)
    bench.delete("AWS::WAFv2::IPSet", named)


def test_addresses_and_rules_change_in_place(bench: Bench) -> None:
    before = dict(addresses(bench))
    made = bench.id("AWS::WAFv2::IPSet", **before)
    bench.change(
        "AWS::WAFv2::IPSet", made, before, {**before, "Addresses": ["198.51.100.0/24"], "Description": "others"}
    )
    live = bench.read("AWS::WAFv2::IPSet", made) or {}
    assert (live["Addresses"], live["Description"]) == (["198.51.100.0/24"], "others")


def test_logs_of_a_web_acl_go_only_where_the_name_says_so(bench: Bench) -> None:
    given = dict(logging(bench))
    other = f"arn:aws:logs:{REGION}:{bench.account}:log-group:edge"
    with pytest.raises(ClientError, match="WAFInvalidParameterException"):
        bench.make("AWS::WAFv2::LoggingConfiguration", **{**given, "LogDestinationConfigs": [other]})


def test_a_protected_load_balancer_is_not_deleted(bench: Bench) -> None:
    before = dict(balancer(bench))
    on = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    made = bench.make("AWS::ElasticLoadBalancingV2::LoadBalancer", **before)
    assert made.attributes["DNSName"].endswith(".elb.amazonaws.com")
    assert made.attributes["LoadBalancerFullName"].startswith("app/edge/")
    bench.change(
        "AWS::ElasticLoadBalancingV2::LoadBalancer", made.physical_id, before, {**before, "LoadBalancerAttributes": on}
    )
    assert code(bench, "AWS::ElasticLoadBalancingV2::LoadBalancer", made.physical_id) == "OperationNotPermitted"


def test_a_made_up_name_of_a_load_balancer_fits(bench: Bench) -> None:
    given = {name: value for name, value in balancer(bench).items() if name != "Name"}
    made = bench.make("AWS::ElasticLoadBalancingV2::LoadBalancer", bench.context("TheLoadBalancerOfTheEdge"), **given)
    assert len(made.attributes["LoadBalancerName"]) <= 32


def test_a_subnet_with_a_load_balancer_is_not_deleted(bench: Bench) -> None:
    given = balancer(bench)
    bench.make("AWS::ElasticLoadBalancingV2::LoadBalancer", **given)
    assert code(bench, "AWS::EC2::Subnet", given["Subnets"][0]) == "DependencyViolation"


def test_a_target_group_that_is_served_is_not_deleted(bench: Bench) -> None:
    load, group_arn = served(bench)
    bench.make(
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=load,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
    )
    assert code(bench, "AWS::ElasticLoadBalancingV2::TargetGroup", group_arn) == "ResourceInUse"


def test_a_scaling_group_changes_in_place_and_its_subnets_are_free_afterwards(bench: Bench) -> None:
    before = dict(scaling_group(bench))
    made = bench.id("AWS::AutoScaling::AutoScalingGroup", **before)
    tags = [{"Key": "size", "Value": "big", "PropagateAtLaunch": True}]
    after = {**before, "MaxSize": "5", "Tags": tags, "TargetGroupARNs": []}
    bench.change("AWS::AutoScaling::AutoScalingGroup", made, before, after)
    live = bench.read("AWS::AutoScaling::AutoScalingGroup", made) or {}
    assert (live["MaxSize"], live["Tags"], live.get("TargetGroupARNs", [])) == ("5", tags, [])
    bench.delete("AWS::AutoScaling::AutoScalingGroup", made)
    for subnet in before["VPCZoneIdentifier"]:
        bench.delete("AWS::EC2::Subnet", subnet)


def test_a_hook_is_told_as_it_was_put_and_nothing_of_strangers(bench: Bench) -> None:
    group = small_group(bench)
    given = {"AutoScalingGroupName": group, "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
    made = bench.make("AWS::AutoScaling::LifecycleHook", **given)
    live = bench.read("AWS::AutoScaling::LifecycleHook", made.physical_id) or {}
    assert (live.get("RoleARN"), live.get("NotificationTargetARN")) == (None, None)


def test_a_parameter_changes_in_place_and_keeps_its_pattern(bench: Bench) -> None:
    before = dict(parameter(bench))
    made = bench.make("AWS::SSM::Parameter", **before)
    changed = bench.change("AWS::SSM::Parameter", made.physical_id, before, {**before, "Value": "vpc-2"})
    assert (made.attributes["Value"], changed.attributes["Value"]) == ("vpc-1", "vpc-2")
    with pytest.raises(ClientError, match="ParameterPatternMismatchException"):
        bench.change("AWS::SSM::Parameter", made.physical_id, before, {**before, "Value": "other"})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", [r"^(a+)+$", "([a"])
def test_a_pattern_of_a_parameter_holds_up_nobody(owner: Any, pattern: str) -> None:
    ssm = owner.client("ssm")
    with pytest.raises(ClientError, match=r"ParameterPatternMismatchException|InvalidAllowedPatternException"):
        ssm.put_parameter(Name="held", Value="a" * 60 + "!", Type="String", AllowedPattern=pattern)


def test_a_document_gets_new_versions_and_no_silent_replacement(bench: Bench) -> None:
    before = dict(document(bench))
    made = bench.id("AWS::SSM::Document", **before)
    after = {**before, "Content": {**before["Content"], "description": "e"}, "VersionName": "two"}
    bench.change("AWS::SSM::Document", made, before, after)
    assert (bench.read("AWS::SSM::Document", made) or {})["Content"]["description"] == "e"
    with pytest.raises(ResourceError, match="set UpdateMethod to NewVersion"):
        bench.change("AWS::SSM::Document", made, after, {**before, "UpdateMethod": "Replace"})


def test_tags_of_a_certificate_are_those_that_users_may_set(bench: Bench) -> None:
    given = {"DomainName": "example.org", "ValidationMethod": "DNS", "Tags": TAGS}
    arn = bench.make("AWS::CertificateManager::Certificate", bench.context(installation="one"), **given).physical_id
    found = bench.client("acm").list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert {tag["Key"] for tag in found} == {"team", "installation"}
