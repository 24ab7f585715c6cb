"""Networks as they are changed and deleted: in place, with the reasons that AWS gives where it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.resources.table import HANDLERS
from tests.functional.emulator.resource_cases import REGION, Bench
from tests.functional.emulator.test_resources_network import (
    TAGS,
    address,
    flow_log,
    group,
    image,
    interface_endpoint,
    nat,
    online,
    prefixes,
    subnet,
    table,
    vpc,
)


def code(bench: Bench, kind: str, physical_id: str, **properties: Any) -> str:
    with pytest.raises(ClientError) as refused:
        bench.delete(kind, physical_id, **properties)
    return str(refused.value.response["Error"]["Code"])


def test_a_vpc_with_a_subnet_is_not_deleted(bench: Bench) -> None:
    network = vpc(bench)
    inside = subnet(bench, network)
    assert code(bench, "AWS::EC2::VPC", network) == "DependencyViolation"
    bench.delete("AWS::EC2::Subnet", inside)
    bench.delete("AWS::EC2::VPC", network)


def test_a_vpc_with_a_gateway_is_not_deleted(bench: Bench) -> None:
    network, _, first = online(bench)
    bench.delete("AWS::EC2::Subnet", first)
    assert code(bench, "AWS::EC2::VPC", network) == "DependencyViolation"


def test_a_vpc_with_a_security_group_or_an_endpoint_is_not_deleted(bench: Bench) -> None:
    with_group, with_endpoint = vpc(bench), vpc(bench)
    group(bench, with_group)
    bench.make(
        "AWS::EC2::VPCEndpoint",
        VpcId=with_endpoint,
        ServiceName=f"com.amazonaws.{REGION}.s3",
        VpcEndpointType="Gateway",
    )
    assert code(bench, "AWS::EC2::VPC", with_group) == "DependencyViolation"
    assert code(bench, "AWS::EC2::VPC", with_endpoint) == "DependencyViolation"


def test_a_subnet_with_an_interface_is_not_deleted(bench: Bench) -> None:
    inside = subnet(bench, vpc(bench))
    nic = bench.id("AWS::EC2::NetworkInterface", SubnetId=inside)
    assert code(bench, "AWS::EC2::Subnet", inside) == "DependencyViolation"
    bench.delete("AWS::EC2::NetworkInterface", nic)
    bench.delete("AWS::EC2::Subnet", inside)


def test_a_security_group_that_is_worn_or_named_is_not_deleted(bench: Bench) -> None:
    network = vpc(bench)
    worn, named, naming = group(bench, network), group(bench, network), group(bench, network)
    bench.make("AWS::EC2::NetworkInterface", SubnetId=subnet(bench, network), GroupSet=[worn])
    bench.make("AWS::EC2::SecurityGroupIngress", GroupId=naming, IpProtocol="-1", SourceSecurityGroupId=named)
    assert code(bench, "AWS::EC2::SecurityGroup", worn) == "DependencyViolation"
    assert code(bench, "AWS::EC2::SecurityGroup", named) == "DependencyViolation"
    bench.delete("AWS::EC2::SecurityGroup", naming)
    bench.delete("AWS::EC2::SecurityGroup", named)


def test_a_gateway_is_not_detached_while_addresses_go_through_it(bench: Bench) -> None:
    given = nat(bench)
    made = bench.id("AWS::EC2::NatGateway", **given)
    network = bench.client("ec2").describe_subnets(SubnetIds=[given["SubnetId"]])["Subnets"][0]["VpcId"]
    with pytest.raises(ClientError, match="mapped public address"):
        bench.delete("AWS::EC2::VPCGatewayAttachment", f"IGW|{network}")
    bench.delete("AWS::EC2::NatGateway", made)
    bench.delete("AWS::EC2::VPCGatewayAttachment", f"IGW|{network}")


def test_an_address_in_use_is_not_released(bench: Bench) -> None:
    given = nat(bench)
    bench.make("AWS::EC2::NatGateway", **given)
    used = bench.client("ec2").describe_addresses(AllocationIds=[given["AllocationId"]])["Addresses"][0]["PublicIp"]
    assert code(bench, "AWS::EC2::EIP", used) == "InvalidIPAddress.InUse"


def test_a_nat_gateway_in_a_network_without_internet_fails_and_leaves_nothing(bench: Bench) -> None:
    inside, eip = subnet(bench, vpc(bench)), address(bench)
    with pytest.raises(ResourceError, match="no Internet gateway attached") as failed:
        bench.make("AWS::EC2::NatGateway", SubnetId=inside, AllocationId=eip["AllocationId"])
    assert failed.value.code == "NotStabilized"
    bench.delete("AWS::EC2::EIP", eip["PublicIp"])
    bench.delete("AWS::EC2::Subnet", inside)


def test_a_route_to_a_gateway_of_another_network_is_refused(bench: Bench) -> None:
    _, gateway, _ = online(bench)
    with pytest.raises(ClientError, match="belong to different networks"):
        bench.make(
            "AWS::EC2::Route",
            RouteTableId=table(bench, vpc(bench)),
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=gateway,
        )


def test_a_route_that_is_there_is_not_made_twice(bench: Bench) -> None:
    network, gateway, _ = online(bench)
    given = {"RouteTableId": table(bench, network), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    bench.make("AWS::EC2::Route", **given)
    with pytest.raises(ResourceError, match="already exists"):
        bench.make("AWS::EC2::Route", **given)


def test_a_network_takes_one_gateway(bench: Bench) -> None:
    network, _, _ = online(bench)
    with pytest.raises(ClientError, match="already has an internet gateway"):
        bench.make(
            "AWS::EC2::VPCGatewayAttachment", VpcId=network, InternetGatewayId=bench.id("AWS::EC2::InternetGateway")
        )


def test_what_the_emulator_would_lose_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(ResourceError, match=r"does not keep Ipv4IpamPoolId of AWS::EC2::VPC"):
        bench.make("AWS::EC2::VPC", CidrBlock="10.0.0.0/16", Ipv4IpamPoolId="ipam-1")


def test_a_wrong_rule_takes_its_group_with_it(bench: Bench) -> None:
    network = vpc(bench)
    with pytest.raises(ResourceError, match="exactly one of CidrIp"):
        bench.make(
            "AWS::EC2::SecurityGroup",
            GroupDescription="g",
            VpcId=network,
            SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}],
        )
    bench.delete("AWS::EC2::VPC", network)


def test_rules_of_a_group_change_in_place(bench: Bench) -> None:
    network = vpc(bench)
    one = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8", "Description": "web"}
    two = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0"}
    base = {"GroupDescription": "g", "VpcId": network}
    before = {**base, "SecurityGroupIngress": [one], "SecurityGroupEgress": [two]}
    made = bench.id("AWS::EC2::SecurityGroup", **before)
    after = {**base, "SecurityGroupIngress": [two, {**one, "Description": "other"}]}
    bench.change("AWS::EC2::SecurityGroup", made, before, after)
    live = bench.read("AWS::EC2::SecurityGroup", made) or {}
    assert sorted(rule.get("Description", "") for rule in live["SecurityGroupIngress"]) == ["", "other"]
    assert live["SecurityGroupEgress"] == [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]


def test_the_description_of_a_rule_changes_in_place(bench: Bench) -> None:
    before = {"GroupId": group(bench, vpc(bench)), "IpProtocol": "-1", "CidrIp": "10.0.0.0/8", "Description": "a"}
    made = bench.id("AWS::EC2::SecurityGroupIngress", **before)
    bench.change("AWS::EC2::SecurityGroupIngress", made, before, {**before, "Description": "b"})
    assert (bench.read("AWS::EC2::SecurityGroupIngress", made) or {})["Description"] == "b"


def test_a_route_goes_elsewhere_in_place(bench: Bench) -> None:
    network, gateway, first = online(bench)
    nic = bench.id("AWS::EC2::NetworkInterface", SubnetId=first)
    base = {"RouteTableId": table(bench, network), "DestinationCidrBlock": "0.0.0.0/0"}
    made = bench.id("AWS::EC2::Route", **base, GatewayId=gateway)
    bench.change("AWS::EC2::Route", made, {**base, "GatewayId": gateway}, {**base, "NetworkInterfaceId": nic})
    live = bench.read("AWS::EC2::Route", made) or {}
    assert (live.get("GatewayId"), live["NetworkInterfaceId"]) == (None, nic)


def test_switches_of_a_subnet_turn_and_turn_back(bench: Bench) -> None:
    base = {"VpcId": vpc(bench), "CidrBlock": "10.0.1.0/24"}
    made = bench.id("AWS::EC2::Subnet", **base)
    bench.change("AWS::EC2::Subnet", made, base, {**base, "MapPublicIpOnLaunch": True, "EnableDns64": "true"})
    live = bench.read("AWS::EC2::Subnet", made) or {}
    assert (live["MapPublicIpOnLaunch"], live["EnableDns64"]) == (True, True)
    bench.change("AWS::EC2::Subnet", made, {**base, "MapPublicIpOnLaunch": True, "EnableDns64": "true"}, base)
    live = bench.read("AWS::EC2::Subnet", made) or {}
    assert (live["MapPublicIpOnLaunch"], live["EnableDns64"]) == (False, False)


def test_an_endpoint_moves_between_subnets_with_its_interfaces(bench: Bench) -> None:
    before = dict(interface_endpoint(bench))
    made = bench.make("AWS::EC2::VPCEndpoint", **before)
    assert len(made.attributes["NetworkInterfaceIds"]) == 2
    assert all(":" in entry for entry in made.attributes["DnsEntries"])
    after = {**before, "SubnetIds": before["SubnetIds"][:1], "PrivateDnsEnabled": False}
    del after["PolicyDocument"]
    changed = bench.change("AWS::EC2::VPCEndpoint", made.physical_id, before, after)
    live = bench.read("AWS::EC2::VPCEndpoint", made.physical_id) or {}
    assert len(changed.attributes["NetworkInterfaceIds"]) == 1
    assert (live["SubnetIds"], live["PrivateDnsEnabled"]) == (after["SubnetIds"], False)
    bench.delete("AWS::EC2::Subnet", before["SubnetIds"][1])


def test_a_gateway_endpoint_does_not_take_subnets(bench: Bench) -> None:
    network = vpc(bench)
    with pytest.raises(ResourceError, match="SubnetIds cannot be set for endpoints of type Gateway"):
        bench.make(
            "AWS::EC2::VPCEndpoint",
            VpcId=network,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            SubnetIds=[subnet(bench, network)],
        )


def test_entries_of_a_prefix_list_change_in_place(bench: Bench) -> None:
    before = dict(prefixes(bench))
    made = bench.make("AWS::EC2::PrefixList", **before)
    after = {**before, "Entries": [{"Cidr": "203.0.113.0/24"}, before["Entries"][1]]}
    changed = bench.change("AWS::EC2::PrefixList", made.physical_id, before, after)
    live = bench.read("AWS::EC2::PrefixList", made.physical_id) or {}
    assert sorted(entry["Cidr"] for entry in live["Entries"]) == ["198.51.100.0/24", "203.0.113.0/24"]
    assert changed.attributes["Version"] > made.attributes["Version"]


def test_other_data_makes_a_new_version_of_a_launch_template(bench: Bench) -> None:
    before = {"LaunchTemplateData": {"InstanceType": "m5.large"}}
    made = bench.make("AWS::EC2::LaunchTemplate", **before)
    changed = bench.change(
        "AWS::EC2::LaunchTemplate", made.physical_id, before, {"LaunchTemplateData": {"InstanceType": "m6i.large"}}
    )
    assert (changed.attributes["DefaultVersionNumber"], changed.attributes["LatestVersionNumber"]) == ("1", "2")
    assert (bench.read("AWS::EC2::LaunchTemplate", made.physical_id) or {})["LaunchTemplateData"] == {
        "InstanceType": "m6i.large"
    }


def test_an_instance_changes_its_type_and_is_not_deleted_while_protected(bench: Bench) -> None:
    before: dict[str, Any] = {
        "ImageId": image(bench),
        "InstanceType": "t3.small",
        "SubnetId": subnet(bench, vpc(bench)),
        "DisableApiTermination": True,
    }
    made = bench.id("AWS::EC2::Instance", **before)
    after = {**before, "InstanceType": "t3.large"}
    bench.change("AWS::EC2::Instance", made, before, after)
    assert (bench.read("AWS::EC2::Instance", made) or {})["InstanceType"] == "t3.large"
    assert code(bench, "AWS::EC2::Instance", made) == "OperationNotPermitted"
    bench.change("AWS::EC2::Instance", made, after, {**after, "DisableApiTermination": False})
    bench.delete("AWS::EC2::Instance", made)
    bench.delete("AWS::EC2::Subnet", before["SubnetId"])


def test_a_volume_grows_and_does_not_shrink_and_is_kept_as_a_snapshot(bench: Bench) -> None:
    before = {"AvailabilityZone": f"{REGION}a", "Size": 10}
    made = bench.id("AWS::EC2::Volume", **before)
    bench.change("AWS::EC2::Volume", made, before, {**before, "Size": 20})
    assert (bench.read("AWS::EC2::Volume", made) or {})["Size"] == 20
    with pytest.raises(ResourceError, match="smaller"):
        bench.change("AWS::EC2::Volume", made, {**before, "Size": 20}, before)
    handler: Any = HANDLERS["AWS::EC2::Volume"]
    handler.snapshot(bench.context(), made, before)
    assert bench.read("AWS::EC2::Volume", made) is None
    kept = bench.client("ec2").describe_snapshots(Filters=[{"Name": "volume-id", "Values": [made]}])["Snapshots"]
    assert len(kept) == 1


def test_tags_of_stack_and_resource_follow_both(bench: Bench) -> None:
    before = {"CidrBlock": "10.0.0.0/16", "Tags": TAGS}
    made = bench.make("AWS::EC2::VPC", bench.context(installation="one"), **before).physical_id

    def live() -> dict[str, str]:
        found = bench.client("ec2").describe_vpcs(VpcIds=[made])["Vpcs"][0]["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found}

    own = {key: value for key, value in live().items() if key.startswith("aws:cloudformation:")}
    assert live() == {"team": "data", "installation": "one", **own}
    context = replace(bench.context(), tags={**own, "cost": "x"}, tags_before={**own, "installation": "one"})
    HANDLERS["AWS::EC2::VPC"].update(context, made, before, {"CidrBlock": "10.0.0.0/16"})
    assert live() == {"cost": "x", **own}


def test_a_key_that_ec2_makes_lies_in_the_parameter_store_until_the_pair_goes(bench: Bench) -> None:
    made = bench.make("AWS::EC2::KeyPair", KeyName="ssh")
    name = f"/ec2/keypair/{made.attributes['KeyPairId']}"
    stored = bench.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert (stored["Type"], stored["Value"][:10]) == ("SecureString", "-----BEGIN")
    bench.delete("AWS::EC2::KeyPair", "ssh")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        bench.client("ssm").get_parameter(Name=name)


def test_a_flow_log_goes_before_its_network(bench: Bench) -> None:
    given = flow_log(bench)
    made = bench.id("AWS::EC2::FlowLog", **given)
    bench.delete("AWS::EC2::FlowLog", made)
    bench.delete("AWS::EC2::VPC", given["ResourceId"])


def test_drift_is_seen_in_what_somebody_else_changed(bench: Bench) -> None:
    made = bench.id("AWS::EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True)
    bench.client("ec2").modify_vpc_attribute(VpcId=made, EnableDnsHostnames={"Value": False})
    assert (bench.read("AWS::EC2::VPC", made) or {})["EnableDnsHostnames"] is False
