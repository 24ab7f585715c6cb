"""Networks as they are changed and deleted: in place, with the reasons that AWS gives where it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.running import Emulator
from tests.functional.emulator.resources_support import REGION, Making
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


@pytest.fixture
def making(emulator: Emulator, account: str) -> Making:
    return Making(emulator, account)


def code(making: Making, kind: str, physical_id: str, **properties: Any) -> str:
    with pytest.raises(ClientError) as refused:
        making.delete(kind, physical_id, **properties)
    return str(refused.value.response["Error"]["Code"])


def test_a_vpc_with_a_subnet_is_not_deleted(making: Making) -> None:
    network = vpc(making)
    inside = subnet(making, network)
    assert code(making, "EC2::VPC", network) == "DependencyViolation"
    making.delete("EC2::Subnet", inside)
    making.delete("EC2::VPC", network)


def test_a_vpc_with_a_gateway_is_not_deleted(making: Making) -> None:
    network, _, first = online(making)
    making.delete("EC2::Subnet", first)
    assert code(making, "EC2::VPC", network) == "DependencyViolation"


def test_a_vpc_with_a_security_group_or_an_endpoint_is_not_deleted(making: Making) -> None:
    with_group, with_endpoint = vpc(making), vpc(making)
    group(making, with_group)
    making.make(
        "EC2::VPCEndpoint", VpcId=with_endpoint, ServiceName=f"com.amazonaws.{REGION}.s3", VpcEndpointType="Gateway"
    )
    assert code(making, "EC2::VPC", with_group) == "DependencyViolation"
    assert code(making, "EC2::VPC", with_endpoint) == "DependencyViolation"


def test_a_subnet_with_an_interface_is_not_deleted(making: Making) -> None:
    inside = subnet(making, vpc(making))
    nic = making.id("EC2::NetworkInterface", SubnetId=inside)
    assert code(making, "EC2::Subnet", inside) == "DependencyViolation"
    making.delete("EC2::NetworkInterface", nic)
    making.delete("EC2::Subnet", inside)


def test_a_security_group_that_is_worn_or_named_is_not_deleted(making: Making) -> None:
    network = vpc(making)
    worn, named, naming = group(making, network), group(making, network), group(making, network)
    making.make("EC2::NetworkInterface", SubnetId=subnet(making, network), GroupSet=[worn])
    making.make("EC2::SecurityGroupIngress", GroupId=naming, IpProtocol="-1", SourceSecurityGroupId=named)
    assert code(making, "EC2::SecurityGroup", worn) == "DependencyViolation"
    assert code(making, "EC2::SecurityGroup", named) == "DependencyViolation"
    making.delete("EC2::SecurityGroup", naming)
    making.delete("EC2::SecurityGroup", named)


def test_a_gateway_is_not_detached_while_addresses_go_through_it(making: Making) -> None:
    given = nat(making)
    made = making.id("EC2::NatGateway", **given)
    network = making.client("ec2").describe_subnets(SubnetIds=[given["SubnetId"]])["Subnets"][0]["VpcId"]
    with pytest.raises(ClientError, match="mapped public address"):
        making.delete("EC2::VPCGatewayAttachment", f"IGW|{network}")
    making.delete("EC2::NatGateway", made)
    making.delete("EC2::VPCGatewayAttachment", f"IGW|{network}")


def test_an_address_in_use_is_not_released(making: Making) -> None:
    given = nat(making)
    making.make("EC2::NatGateway", **given)
    used = making.client("ec2").describe_addresses(AllocationIds=[given["AllocationId"]])["Addresses"][0]["PublicIp"]
    assert code(making, "EC2::EIP", used) == "InvalidIPAddress.InUse"


def test_a_nat_gateway_in_a_network_without_internet_fails_and_leaves_nothing(making: Making) -> None:
    inside, eip = subnet(making, vpc(making)), address(making)
    with pytest.raises(ResourceError, match="no Internet gateway attached") as failed:
        making.make("EC2::NatGateway", SubnetId=inside, AllocationId=eip["AllocationId"])
    assert failed.value.code == "NotStabilized"
    making.delete("EC2::EIP", eip["PublicIp"])
    making.delete("EC2::Subnet", inside)


def test_a_route_to_a_gateway_of_another_network_is_refused(making: Making) -> None:
    _, gateway, _ = online(making)
    with pytest.raises(ClientError, match="belong to different networks"):
        making.make(
            "EC2::Route",
            RouteTableId=table(making, vpc(making)),
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=gateway,
        )


def test_a_route_that_is_there_is_not_made_twice(making: Making) -> None:
    network, gateway, _ = online(making)
    given = {"RouteTableId": table(making, network), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    making.make("EC2::Route", **given)
    with pytest.raises(ResourceError, match="already exists"):
        making.make("EC2::Route", **given)


def test_a_network_takes_one_gateway(making: Making) -> None:
    network, _, _ = online(making)
    with pytest.raises(ClientError, match="already has an internet gateway"):
        making.make("EC2::VPCGatewayAttachment", VpcId=network, InternetGatewayId=making.id("EC2::InternetGateway"))


def test_what_the_emulator_would_lose_is_refused_by_name(making: Making) -> None:
    with pytest.raises(ResourceError, match=r"does not keep Ipv4IpamPoolId of AWS::EC2::VPC"):
        making.make("EC2::VPC", CidrBlock="10.0.0.0/16", Ipv4IpamPoolId="ipam-1")


def test_a_wrong_rule_takes_its_group_with_it(making: Making) -> None:
    network = vpc(making)
    with pytest.raises(ResourceError, match="exactly one of CidrIp"):
        making.make(
            "EC2::SecurityGroup",
            GroupDescription="g",
            VpcId=network,
            SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}],
        )
    making.delete("EC2::VPC", network)


def test_rules_of_a_group_change_in_place(making: Making) -> None:
    network = vpc(making)
    one = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "10.0.0.0/8", "Description": "web"}
    two = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0"}
    base = {"GroupDescription": "g", "VpcId": network}
    before = {**base, "SecurityGroupIngress": [one], "SecurityGroupEgress": [two]}
    made = making.id("EC2::SecurityGroup", **before)
    after = {**base, "SecurityGroupIngress": [two, {**one, "Description": "other"}]}
    making.change("EC2::SecurityGroup", made, before, after)
    live = making.read("EC2::SecurityGroup", made) or {}
    assert sorted(rule.get("Description", "") for rule in live["SecurityGroupIngress"]) == ["", "other"]
    assert live["SecurityGroupEgress"] == [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]


def test_the_description_of_a_rule_changes_in_place(making: Making) -> None:
    before = {"GroupId": group(making, vpc(making)), "IpProtocol": "-1", "CidrIp": "10.0.0.0/8", "Description": "a"}
    made = making.id("EC2::SecurityGroupIngress", **before)
    making.change("EC2::SecurityGroupIngress", made, before, {**before, "Description": "b"})
    assert (making.read("EC2::SecurityGroupIngress", made) or {})["Description"] == "b"


def test_a_route_goes_elsewhere_in_place(making: Making) -> None:
    network, gateway, first = online(making)
    nic = making.id("EC2::NetworkInterface", SubnetId=first)
    base = {"RouteTableId": table(making, network), "DestinationCidrBlock": "0.0.0.0/0"}
    made = making.id("EC2::Route", **base, GatewayId=gateway)
    making.change("EC2::Route", made, {**base, "GatewayId": gateway}, {**base, "NetworkInterfaceId": nic})
    live = making.read("EC2::Route", made) or {}
    assert (live.get("GatewayId"), live["NetworkInterfaceId"]) == (None, nic)


def test_switches_of_a_subnet_turn_and_turn_back(making: Making) -> None:
    base = {"VpcId": vpc(making), "CidrBlock": "10.0.1.0/24"}
    made = making.id("EC2::Subnet", **base)
    making.change("EC2::Subnet", made, base, {**base, "MapPublicIpOnLaunch": True, "EnableDns64": "true"})
    live = making.read("EC2::Subnet", made) or {}
    assert (live["MapPublicIpOnLaunch"], live["EnableDns64"]) == (True, True)
    making.change("EC2::Subnet", made, {**base, "MapPublicIpOnLaunch": True, "EnableDns64": "true"}, base)
    live = making.read("EC2::Subnet", made) or {}
    assert (live["MapPublicIpOnLaunch"], live["EnableDns64"]) == (False, False)


def test_an_endpoint_moves_between_subnets_with_its_interfaces(making: Making) -> None:
    before = dict(interface_endpoint(making))
    made = making.make("EC2::VPCEndpoint", **before)
    assert len(made.attributes["NetworkInterfaceIds"]) == 2
    assert all(":" in entry for entry in made.attributes["DnsEntries"])
    after = {**before, "SubnetIds": before["SubnetIds"][:1], "PrivateDnsEnabled": False}
    del after["PolicyDocument"]
    changed = making.change("EC2::VPCEndpoint", made.physical_id, before, after)
    live = making.read("EC2::VPCEndpoint", made.physical_id) or {}
    assert len(changed.attributes["NetworkInterfaceIds"]) == 1
    assert (live["SubnetIds"], live["PrivateDnsEnabled"]) == (after["SubnetIds"], False)
    making.delete("EC2::Subnet", before["SubnetIds"][1])


def test_a_gateway_endpoint_does_not_take_subnets(making: Making) -> None:
    network = vpc(making)
    with pytest.raises(ResourceError, match="SubnetIds cannot be set for endpoints of type Gateway"):
        making.make(
            "EC2::VPCEndpoint",
            VpcId=network,
            ServiceName=f"com.amazonaws.{REGION}.s3",
            SubnetIds=[subnet(making, network)],
        )


def test_entries_of_a_prefix_list_change_in_place(making: Making) -> None:
    before = dict(prefixes(making))
    made = making.make("EC2::PrefixList", **before)
    after = {**before, "Entries": [{"Cidr": "203.0.113.0/24"}, before["Entries"][1]]}
    changed = making.change("EC2::PrefixList", made.physical_id, before, after)
    live = making.read("EC2::PrefixList", made.physical_id) or {}
    assert sorted(entry["Cidr"] for entry in live["Entries"]) == ["198.51.100.0/24", "203.0.113.0/24"]
    assert changed.attributes["Version"] > made.attributes["Version"]


def test_other_data_makes_a_new_version_of_a_launch_template(making: Making) -> None:
    before = {"LaunchTemplateData": {"InstanceType": "m5.large"}}
    made = making.make("EC2::LaunchTemplate", **before)
    changed = making.change(
        "EC2::LaunchTemplate", made.physical_id, before, {"LaunchTemplateData": {"InstanceType": "m6i.large"}}
    )
    assert (changed.attributes["DefaultVersionNumber"], changed.attributes["LatestVersionNumber"]) == ("1", "2")
    assert (making.read("EC2::LaunchTemplate", made.physical_id) or {})["LaunchTemplateData"] == {
        "InstanceType": "m6i.large"
    }


def test_an_instance_changes_its_type_and_is_not_deleted_while_protected(making: Making) -> None:
    before = {
        "ImageId": image(making),
        "InstanceType": "t3.small",
        "SubnetId": subnet(making, vpc(making)),
        "DisableApiTermination": True,
    }
    made = making.id("EC2::Instance", **before)
    after = {**before, "InstanceType": "t3.large"}
    making.change("EC2::Instance", made, before, after)
    assert (making.read("EC2::Instance", made) or {})["InstanceType"] == "t3.large"
    assert code(making, "EC2::Instance", made) == "OperationNotPermitted"
    making.change("EC2::Instance", made, after, {**after, "DisableApiTermination": False})
    making.delete("EC2::Instance", made)
    making.delete("EC2::Subnet", before["SubnetId"])


def test_a_volume_grows_and_does_not_shrink_and_is_kept_as_a_snapshot(making: Making) -> None:
    before = {"AvailabilityZone": f"{REGION}a", "Size": 10}
    made = making.id("EC2::Volume", **before)
    making.change("EC2::Volume", made, before, {**before, "Size": 20})
    assert (making.read("EC2::Volume", made) or {})["Size"] == 20
    with pytest.raises(ResourceError, match="smaller"):
        making.change("EC2::Volume", made, {**before, "Size": 20}, before)
    handler: Any = HANDLERS["AWS::EC2::Volume"]
    handler.snapshot(making.context(), made, before)
    assert making.read("EC2::Volume", made) is None
    kept = making.client("ec2").describe_snapshots(Filters=[{"Name": "volume-id", "Values": [made]}])["Snapshots"]
    assert len(kept) == 1


def test_tags_of_stack_and_resource_follow_both(making: Making) -> None:
    before = {"CidrBlock": "10.0.0.0/16", "Tags": TAGS}
    made = making.id("EC2::VPC", **before)

    def live() -> dict[str, str]:
        found = making.client("ec2").describe_vpcs(VpcIds=[made])["Vpcs"][0]["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found}

    assert live() == {"team": "data", "installation": "one", "aws:cloudformation:stack-name": "net"}
    own = {"aws:cloudformation:stack-name": "net"}
    context = replace(making.context(tags={**own, "cost": "x"}), tags_before={**own, "installation": "one"})
    HANDLERS["AWS::EC2::VPC"].update(context, made, before, {"CidrBlock": "10.0.0.0/16"})
    assert live() == {"cost": "x", "aws:cloudformation:stack-name": "net"}


def test_a_key_that_ec2_makes_lies_in_the_parameter_store_until_the_pair_goes(making: Making) -> None:
    made = making.make("EC2::KeyPair", KeyName="ssh")
    name = f"/ec2/keypair/{made.attributes['KeyPairId']}"
    stored = making.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert (stored["Type"], stored["Value"][:10]) == ("SecureString", "-----BEGIN")
    making.delete("EC2::KeyPair", "ssh")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        making.client("ssm").get_parameter(Name=name)


def test_a_flow_log_goes_before_its_network(making: Making) -> None:
    given = flow_log(making)
    made = making.id("EC2::FlowLog", **given)
    making.delete("EC2::FlowLog", made)
    making.delete("EC2::VPC", given["ResourceId"])


def test_drift_is_seen_in_what_somebody_else_changed(making: Making) -> None:
    made = making.id("EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True)
    making.client("ec2").modify_vpc_attribute(VpcId=made, EnableDnsHostnames={"Value": False})
    assert (making.read("EC2::VPC", made) or {})["EnableDnsHostnames"] is False
