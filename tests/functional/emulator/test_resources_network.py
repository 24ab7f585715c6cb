"""Resource types of EC2: all that a template says is kept and told again, and attributes are there."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.running import Emulator
from tests.functional.emulator.resources_support import REGION, Making, survives

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0HnAjKsl4B1hPcOJhFTIWkv+4Xv2SCMy7Q6Hq1n8mU somebody"
TAGS = [{"Key": "team", "Value": "data"}]
Build = Callable[[Making], Mapping[str, Any]]


@pytest.fixture
def making(emulator: Emulator, account: str) -> Making:
    return Making(emulator, account)


def vpc(making: Making, block: str = "10.0.0.0/16") -> str:
    return making.id("EC2::VPC", CidrBlock=block)


def subnet(making: Making, network: str, number: int = 1) -> str:
    return making.id(
        "EC2::Subnet", VpcId=network, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{'abc'[number % 3]}"
    )


def group(making: Making, network: str) -> str:
    return making.id("EC2::SecurityGroup", GroupDescription="g", VpcId=network)


def online(making: Making) -> tuple[str, str, str]:
    """A VPC with an internet gateway: ids of VPC, gateway, a subnet."""
    network, gateway = vpc(making), making.id("EC2::InternetGateway")
    making.make("EC2::VPCGatewayAttachment", VpcId=network, InternetGatewayId=gateway)
    return network, gateway, subnet(making, network)


def interface(making: Making) -> str:
    return making.id("EC2::NetworkInterface", SubnetId=subnet(making, vpc(making)))


def address(making: Making) -> Mapping[str, Any]:
    return making.make("EC2::EIP", Domain="vpc").attributes


def table(making: Making, network: str) -> str:
    return making.id("EC2::RouteTable", VpcId=network)


def image(making: Making) -> str:
    return str(making.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"])


def nat(making: Making) -> Mapping[str, Any]:
    return {
        "SubnetId": online(making)[2],
        "AllocationId": address(making)["AllocationId"],
        "ConnectivityType": "public",
        "Tags": TAGS,
    }


def interface_endpoint(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    return {
        "VpcId": network,
        "ServiceName": f"com.amazonaws.{REGION}.ecr.api",
        "VpcEndpointType": "Interface",
        "SubnetIds": [subnet(making, network), subnet(making, network, 2)],
        "SecurityGroupIds": [group(making, network)],
        "PrivateDnsEnabled": True,
        "IpAddressType": "ipv4",
        "DnsOptions": {"DnsRecordIpType": "ipv4"},
        "PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]},
        "Tags": TAGS,
    }


def gateway_endpoint(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    return {
        "VpcId": network,
        "ServiceName": f"com.amazonaws.{REGION}.s3",
        "VpcEndpointType": "Gateway",
        "RouteTableIds": [table(making, network)],
    }


def security_group(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    other = group(making, network)
    return {
        "GroupName": "web",
        "GroupDescription": "what the world reaches",
        "VpcId": network,
        "SecurityGroupIngress": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0", "Description": "all"},
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0"},
            {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "SourceSecurityGroupId": other},
        ],
        "SecurityGroupEgress": [{"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}],
        "Tags": TAGS,
    }


def transit(making: Making) -> tuple[str, str, str]:
    """Ids of a transit gateway, its route table, an attachment."""
    gateway, network = making.id("EC2::TransitGateway", Description="hub"), vpc(making)
    attached = making.id(
        "EC2::TransitGatewayAttachment",
        TransitGatewayId=gateway,
        VpcId=network,
        SubnetIds=[subnet(making, network)],
    )
    return gateway, making.id("EC2::TransitGatewayRouteTable", TransitGatewayId=gateway), attached


def attachment(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    return {
        "TransitGatewayId": making.id("EC2::TransitGateway"),
        "VpcId": network,
        "SubnetIds": [subnet(making, network)],
        "Options": {"DnsSupport": "enable", "Ipv6Support": "disable"},
        "Tags": TAGS,
    }


def between(making: Making) -> Mapping[str, Any]:
    _, routes, attached = transit(making)
    return {"TransitGatewayAttachmentId": attached, "TransitGatewayRouteTableId": routes}


def instance(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    iam = making.client("iam")
    iam.create_instance_profile(InstanceProfileName="proxy")
    making.make("EC2::KeyPair", KeyName="proxy")
    return {
        "ImageId": image(making),
        "InstanceType": "t3.small",
        "SubnetId": subnet(making, network),
        "AvailabilityZone": f"{REGION}b",
        "SecurityGroupIds": [group(making, network)],
        "PrivateIpAddress": "10.0.1.77",
        "KeyName": "proxy",
        "IamInstanceProfile": "proxy",
        "EbsOptimized": True,
        "DisableApiTermination": False,
        "InstanceInitiatedShutdownBehavior": "stop",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"},
        "Monitoring": True,
        "SourceDestCheck": False,
        "UserData": base64.b64encode(b"#!/bin/sh\ntrue\n").decode(),
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "Encrypted": True}}],
        "HibernationOptions": {"Configured": False},
        "Tags": TAGS,
    }


def from_template(making: Making) -> Mapping[str, Any]:
    data = {"ImageId": image(making), "InstanceType": "t3.small"}
    template = making.id("EC2::LaunchTemplate", LaunchTemplateName="lt", LaunchTemplateData=data)
    nics = [{"DeviceIndex": "0", "SubnetId": subnet(making, vpc(making))}]
    return {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "1"}, "NetworkInterfaces": nics}


def launch_template(making: Making) -> Mapping[str, Any]:
    return {
        "LaunchTemplateName": "nodes",
        "VersionDescription": "first",
        "LaunchTemplateData": {
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 80, "VolumeType": "gp3", "Encrypted": True}}
            ],
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "InstanceType": "m5.large",
            "UserData": base64.b64encode(b"x").decode(),
            "TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}],
        },
        "TagSpecifications": [{"ResourceType": "launch-template", "Tags": TAGS}],
    }


def flow_log(making: Making) -> Mapping[str, Any]:
    making.client("logs").create_log_group(logGroupName="flows")
    role = f"arn:aws:iam::{making.account}:role/flows"
    return {
        "ResourceId": vpc(making),
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "flows",
        "DeliverLogsPermissionArn": role,
        "MaxAggregationInterval": 60,
        "Tags": TAGS,
    }


def flow_log_to_bucket(making: Making) -> Mapping[str, Any]:
    bucket = f"flows-{making.account}"
    making.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return {
        "ResourceId": subnet(making, vpc(making)),
        "ResourceType": "Subnet",
        "TrafficType": "REJECT",
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{bucket}",
        "LogFormat": "${srcaddr} ${dstaddr}",
        "DestinationOptions": {"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": False},
    }


def route(target: Callable[[Making], Mapping[str, Any]], destination: Mapping[str, Any]) -> Build:
    return lambda making: {**target(making), **destination}


def to_gateway(making: Making) -> Mapping[str, Any]:
    network, gateway, _ = online(making)
    return {"RouteTableId": table(making, network), "GatewayId": gateway}


def to_nat(making: Making) -> Mapping[str, Any]:
    given = nat(making)
    network = making.client("ec2").describe_subnets(SubnetIds=[given["SubnetId"]])["Subnets"][0]["VpcId"]
    return {"RouteTableId": table(making, network), "NatGatewayId": making.id("EC2::NatGateway", **given)}


def to_egress_only(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    gateway = making.id("EC2::EgressOnlyInternetGateway", VpcId=network)
    return {"RouteTableId": table(making, network), "EgressOnlyInternetGatewayId": gateway}


def to_transit(making: Making) -> Mapping[str, Any]:
    gateway, _, attached = transit(making)
    found = making.client("ec2").describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[attached])
    network = found["TransitGatewayVpcAttachments"][0]["VpcId"]
    return {"RouteTableId": table(making, network), "TransitGatewayId": gateway}


def to_peer(making: Making) -> Mapping[str, Any]:
    network, other = vpc(making), vpc(making, "10.9.0.0/16")
    peering = making.id("EC2::VPCPeeringConnection", VpcId=network, PeerVpcId=other)
    return {"RouteTableId": table(making, network), "VpcPeeringConnectionId": peering}


def to_interface(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    nic = making.id("EC2::NetworkInterface", SubnetId=subnet(making, network))
    return {"RouteTableId": table(making, network), "NetworkInterfaceId": nic}


def to_instance(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    machine = making.id("EC2::Instance", ImageId=image(making), SubnetId=subnet(making, network))
    return {"RouteTableId": table(making, network), "InstanceId": machine}


def prefixes(making: Making) -> Mapping[str, Any]:
    return {
        "PrefixListName": "offices",
        "AddressFamily": "IPv4",
        "MaxEntries": 5,
        "Entries": [{"Cidr": "192.0.2.0/24", "Description": "one"}, {"Cidr": "198.51.100.0/24"}],
        "Tags": TAGS,
    }


def prefixed(making: Making) -> Mapping[str, Any]:
    given = to_gateway(making)
    return {**given, "DestinationPrefixListId": making.id("EC2::PrefixList", **prefixes(making))}


ALL, ALL6 = {"DestinationCidrBlock": "0.0.0.0/0"}, {"DestinationIpv6CidrBlock": "::/0"}
IPV6 = {"VpcId": "", "AmazonProvidedIpv6CidrBlock": True}


def six(making: Making) -> str:
    network = vpc(making)
    making.make("EC2::VPCCidrBlock", VpcId=network, AmazonProvidedIpv6CidrBlock=True)
    return network


def six_block(making: Making, network: str) -> str:
    found = making.client("ec2").describe_vpcs(VpcIds=[network])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    return str(found[0]["Ipv6CidrBlock"]).replace("/56", "/64")


def dual_subnet(making: Making) -> Mapping[str, Any]:
    network = six(making)
    return {
        "VpcId": network,
        "CidrBlock": "10.0.1.0/24",
        "AvailabilityZone": f"{REGION}c",
        "Ipv6CidrBlock": six_block(making, network),
        "Ipv6Native": False,
        "MapPublicIpOnLaunch": True,
        "AssignIpv6AddressOnCreation": True,
        "EnableDns64": True,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "resource-name",
            "EnableResourceNameDnsARecord": True,
            "EnableResourceNameDnsAAAARecord": True,
        },
        "Tags": TAGS,
    }


def zoned_subnet(making: Making) -> Mapping[str, Any]:
    zones = making.client("ec2").describe_availability_zones()["AvailabilityZones"]
    return {"VpcId": vpc(making), "CidrBlock": "10.0.1.0/24", "AvailabilityZoneId": zones[0]["ZoneId"]}


def rule(**peer: str) -> Build:
    def build(making: Making) -> Mapping[str, Any]:
        network = vpc(making)
        found: dict[str, Any] = {"GroupId": group(making, network), "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
        found["Description"] = "why"
        for name, value in peer.items():
            found[name] = {"group": lambda: group(making, network)}.get(value, lambda value=value: value)()
        if "prefixes" in found.values():
            name = next(name for name, value in found.items() if value == "prefixes")
            found[name] = making.id("EC2::PrefixList", **prefixes(making))
        if "account" in found.values():
            found["SourceSecurityGroupOwnerId"] = making.account
        return found

    return build


def acl_entry(making: Making) -> Mapping[str, Any]:
    return {
        "NetworkAclId": making.id("EC2::NetworkAcl", VpcId=vpc(making)),
        "RuleNumber": 100,
        "Protocol": 6,
        "RuleAction": "allow",
        "Egress": True,
        "CidrBlock": "0.0.0.0/0",
        "PortRange": {"From": 443, "To": 443},
    }


def acl_entry6(making: Making) -> Mapping[str, Any]:
    return {
        "NetworkAclId": making.id("EC2::NetworkAcl", VpcId=vpc(making)),
        "RuleNumber": 100,
        "Protocol": 58,
        "RuleAction": "deny",
        "Ipv6CidrBlock": "::/0",
        "Icmp": {"Code": -1, "Type": -1},
    }


def acl_of_subnet(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    return {"NetworkAclId": making.id("EC2::NetworkAcl", VpcId=network), "SubnetId": subnet(making, network)}


def nic(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    return {
        "SubnetId": subnet(making, network),
        "Description": "a door",
        "PrivateIpAddress": "10.0.1.9",
        "SecondaryPrivateIpAddressCount": 2,
        "GroupSet": [group(making, network)],
        "SourceDestCheck": False,
        "Tags": TAGS,
    }


def options(making: Making) -> Mapping[str, Any]:
    return {
        "DomainName": "example.org",
        "DomainNameServers": ["AmazonProvidedDNS"],
        "NetbiosNameServers": ["10.0.0.5"],
        "NetbiosNodeType": 2,
        "NtpServers": ["10.0.0.6"],
        "Tags": TAGS,
    }


def gateway_options(making: Making) -> Mapping[str, Any]:
    return {
        "Description": "hub",
        "AmazonSideAsn": 64513,
        "AutoAcceptSharedAttachments": "enable",
        "DefaultRouteTableAssociation": "disable",
        "DefaultRouteTablePropagation": "disable",
        "DnsSupport": "disable",
        "MulticastSupport": "enable",
        "TransitGatewayCidrBlocks": ["10.99.0.0/24"],
        "VpnEcmpSupport": "disable",
        "Tags": TAGS,
    }


def volume(making: Making) -> Mapping[str, Any]:
    key = making.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {
        "AvailabilityZone": f"{REGION}a",
        "Size": 10,
        "VolumeType": "io2",
        "Iops": 500,
        "Encrypted": True,
        "KmsKeyId": key,
        "MultiAttachEnabled": True,
        "Tags": TAGS,
    }


def volume_of_snapshot(making: Making) -> Mapping[str, Any]:
    client, zone = making.client("ec2"), f"{REGION}a"
    first = making.id("EC2::Volume", AvailabilityZone=zone, Size=5)
    snapshot = client.create_snapshot(VolumeId=first)["SnapshotId"]
    return {"AvailabilityZone": zone, "SnapshotId": snapshot, "Size": 5, "VolumeType": "gp3", "Throughput": 200}


def peering(making: Making) -> Mapping[str, Any]:
    return {
        "VpcId": vpc(making),
        "PeerVpcId": vpc(making, "10.8.0.0/16"),
        "PeerOwnerId": making.account,
        "PeerRegion": REGION,
        "Tags": TAGS,
    }


# Only meant for changes.
UNTRIED = {"EC2::TransitGatewayVpcAttachment": frozenset({"AddSubnetIds", "RemoveSubnetIds"})}
CASES: list[tuple[str, Build]] = [
    (
        "EC2::VPC",
        lambda m: {
            "CidrBlock": "10.0.0.0/16",
            "EnableDnsSupport": False,
            "EnableDnsHostnames": False,
            "InstanceTenancy": "dedicated",
            "Tags": TAGS,
        },
    ),
    ("EC2::VPC", lambda m: {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True, "EnableDnsHostnames": True}),
    ("EC2::VPCCidrBlock", lambda m: {"VpcId": vpc(m), "CidrBlock": "10.1.0.0/16"}),
    ("EC2::VPCCidrBlock", lambda m: {"VpcId": vpc(m), "AmazonProvidedIpv6CidrBlock": True}),
    ("EC2::Subnet", dual_subnet),
    ("EC2::Subnet", zoned_subnet),
    ("EC2::InternetGateway", lambda m: {"Tags": TAGS}),
    ("EC2::EgressOnlyInternetGateway", lambda m: {"VpcId": vpc(m), "Tags": TAGS}),
    ("EC2::VPCGatewayAttachment", lambda m: {"VpcId": vpc(m), "InternetGatewayId": m.id("EC2::InternetGateway")}),
    ("EC2::DHCPOptions", options),
    (
        "EC2::VPCDHCPOptionsAssociation",
        lambda m: {"VpcId": vpc(m), "DhcpOptionsId": m.id("EC2::DHCPOptions", DomainName="example.org")},
    ),
    ("EC2::RouteTable", lambda m: {"VpcId": vpc(m), "Tags": TAGS}),
    ("EC2::Route", route(to_gateway, ALL)),
    ("EC2::Route", route(to_nat, ALL)),
    ("EC2::Route", route(to_egress_only, ALL6)),
    ("EC2::Route", route(to_transit, ALL)),
    ("EC2::Route", route(to_peer, {"DestinationCidrBlock": "10.9.0.0/16"})),
    ("EC2::Route", route(to_interface, ALL)),
    ("EC2::Route", route(to_instance, ALL)),
    ("EC2::Route", prefixed),
    (
        "EC2::SubnetRouteTableAssociation",
        lambda m: (lambda n: {"SubnetId": subnet(m, n), "RouteTableId": table(m, n)})(vpc(m)),
    ),
    ("EC2::EIP", lambda m: {"Domain": "vpc", "Tags": TAGS}),
    (
        "EC2::EIP",
        lambda m: {
            "Domain": "vpc",
            "InstanceId": m.id("EC2::Instance", ImageId=image(m), SubnetId=online(m)[2]),
        },
    ),
    (
        "EC2::EIPAssociation",
        lambda m: {"AllocationId": address(m)["AllocationId"], "NetworkInterfaceId": interface(m)},
    ),
    (
        "EC2::EIPAssociation",
        lambda m: {
            "EIP": address(m)["PublicIp"],
            "InstanceId": m.id("EC2::Instance", ImageId=image(m), SubnetId=online(m)[2]),
        },
    ),
    ("EC2::NatGateway", nat),
    ("EC2::VPCPeeringConnection", peering),
    ("EC2::SecurityGroup", security_group),
    ("EC2::SecurityGroupIngress", rule(CidrIp="10.0.0.0/8")),
    ("EC2::SecurityGroupIngress", rule(CidrIpv6="::/0")),
    ("EC2::SecurityGroupIngress", rule(SourceSecurityGroupId="group", SourceSecurityGroupOwnerId="account")),
    ("EC2::SecurityGroupIngress", rule(SourcePrefixListId="prefixes")),
    ("EC2::SecurityGroupEgress", rule(CidrIp="10.0.0.0/8")),
    ("EC2::SecurityGroupEgress", rule(CidrIpv6="::/0")),
    ("EC2::SecurityGroupEgress", rule(DestinationSecurityGroupId="group")),
    ("EC2::SecurityGroupEgress", rule(DestinationPrefixListId="prefixes")),
    ("EC2::NetworkAcl", lambda m: {"VpcId": vpc(m), "Tags": TAGS}),
    ("EC2::NetworkAclEntry", acl_entry),
    ("EC2::NetworkAclEntry", acl_entry6),
    ("EC2::SubnetNetworkAclAssociation", acl_of_subnet),
    ("EC2::PrefixList", prefixes),
    ("EC2::VPCEndpoint", interface_endpoint),
    ("EC2::VPCEndpoint", gateway_endpoint),
    ("EC2::FlowLog", flow_log),
    ("EC2::FlowLog", flow_log_to_bucket),
    ("EC2::LaunchTemplate", launch_template),
    ("EC2::Instance", instance),
    ("EC2::Instance", from_template),
    ("EC2::Volume", volume),
    ("EC2::Volume", volume_of_snapshot),
    ("EC2::NetworkInterface", nic),
    ("EC2::KeyPair", lambda m: {"KeyName": "own", "PublicKeyMaterial": PUBLIC_KEY}),
    ("EC2::KeyPair", lambda m: {"KeyName": "k", "KeyType": "ed25519", "KeyFormat": "pem", "Tags": TAGS}),
    ("EC2::TransitGateway", gateway_options),
    ("EC2::TransitGatewayAttachment", attachment),
    ("EC2::TransitGatewayVpcAttachment", attachment),
    ("EC2::TransitGatewayRouteTable", lambda m: {"TransitGatewayId": m.id("EC2::TransitGateway"), "Tags": TAGS}),
    ("EC2::TransitGatewayRoute", lambda m: {**between(m), "DestinationCidrBlock": "10.5.0.0/16"}),
    (
        "EC2::TransitGatewayRoute",
        lambda m: {
            "TransitGatewayRouteTableId": transit(m)[1],
            "DestinationCidrBlock": "10.5.0.0/16",
            "Blackhole": True,
        },
    ),
    ("EC2::TransitGatewayRouteTableAssociation", between),
    ("EC2::TransitGatewayRouteTablePropagation", between),
]


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in CASES}))
def test_what_a_template_says_is_kept_and_told_and_what_is_deleted_is_gone(making: Making, kind: str) -> None:
    tried: set[str] = set()
    for number, (_, build) in enumerate(case for case in CASES if case[0] == kind):
        one = making.elsewhere(number)
        properties = build(one)
        survives(one, kind, properties)
        tried |= properties.keys()
    assert tried >= HANDLERS[f"AWS::{kind}"].supported - UNTRIED.get(kind, frozenset())  # type: ignore[attr-defined]
