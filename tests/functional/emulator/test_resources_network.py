"""Resource types of EC2: all that a template says is kept and told again, and attributes are there."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.emulator.resource_cases import CHECKS, REGION, Bench, Build, Case, Properties

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0HnAjKsl4B1hPcOJhFTIWkv+4Xv2SCMy7Q6Hq1n8mU somebody"
TAGS = [{"Key": "team", "Value": "data"}]
OTHER_TAGS = [{"Key": "owner", "Value": "data"}]


def vpc(bench: Bench, block: str = "10.0.0.0/16") -> str:
    return bench.id("AWS::EC2::VPC", CidrBlock=block)


def subnet(bench: Bench, network: str, number: int = 1) -> str:
    return bench.id(
        "AWS::EC2::Subnet",
        VpcId=network,
        CidrBlock=f"10.0.{number}.0/24",
        AvailabilityZone=f"{REGION}{'abc'[number % 3]}",
    )


def group(bench: Bench, network: str) -> str:
    return bench.id("AWS::EC2::SecurityGroup", GroupDescription="g", VpcId=network)


def online(bench: Bench) -> tuple[str, str, str]:
    """A VPC with an internet gateway: ids of VPC, gateway, a subnet."""
    network, gateway = vpc(bench), bench.id("AWS::EC2::InternetGateway")
    bench.make("AWS::EC2::VPCGatewayAttachment", VpcId=network, InternetGatewayId=gateway)
    return network, gateway, subnet(bench, network)


def interface(bench: Bench) -> str:
    return bench.id("AWS::EC2::NetworkInterface", SubnetId=subnet(bench, vpc(bench)))


def address(bench: Bench) -> Properties:
    return dict(bench.make("AWS::EC2::EIP", Domain="vpc").attributes)


def table(bench: Bench, network: str) -> str:
    return bench.id("AWS::EC2::RouteTable", VpcId=network)


def image(bench: Bench) -> str:
    return str(bench.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"])


def nat(bench: Bench) -> Properties:
    return {
        "SubnetId": online(bench)[2],
        "AllocationId": address(bench)["AllocationId"],
        "ConnectivityType": "public",
        "Tags": TAGS,
    }


def interface_endpoint(bench: Bench) -> Properties:
    network = vpc(bench)
    return {
        "VpcId": network,
        "ServiceName": f"com.amazonaws.{REGION}.ecr.api",
        "VpcEndpointType": "Interface",
        "SubnetIds": [subnet(bench, network), subnet(bench, network, 2)],
        "SecurityGroupIds": [group(bench, network)],
        "PrivateDnsEnabled": True,
        "IpAddressType": "ipv4",
        "DnsOptions": {"DnsRecordIpType": "ipv4"},
        "PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]},
        "Tags": TAGS,
    }


def gateway_endpoint(bench: Bench) -> Properties:
    network = vpc(bench)
    return {
        "VpcId": network,
        "ServiceName": f"com.amazonaws.{REGION}.s3",
        "VpcEndpointType": "Gateway",
        "RouteTableIds": [table(bench, network)],
    }


def security_group(bench: Bench) -> Properties:
    network = vpc(bench)
    other = group(bench, network)
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


def transit(bench: Bench) -> tuple[str, str, str]:
    """Ids of a transit gateway, its route table, an attachment."""
    gateway, network = bench.id("AWS::EC2::TransitGateway", Description="hub"), vpc(bench)
    attached = bench.id(
        "AWS::EC2::TransitGatewayAttachment",
        TransitGatewayId=gateway,
        VpcId=network,
        SubnetIds=[subnet(bench, network)],
    )
    return gateway, bench.id("AWS::EC2::TransitGatewayRouteTable", TransitGatewayId=gateway), attached


def attachment(bench: Bench) -> Properties:
    network = vpc(bench)
    return {
        "TransitGatewayId": bench.id("AWS::EC2::TransitGateway"),
        "VpcId": network,
        "SubnetIds": [subnet(bench, network)],
        "Options": {"DnsSupport": "enable", "Ipv6Support": "disable"},
        "Tags": TAGS,
    }


def between(bench: Bench) -> Properties:
    _, routes, attached = transit(bench)
    return {"TransitGatewayAttachmentId": attached, "TransitGatewayRouteTableId": routes}


def instance(bench: Bench) -> Properties:
    network = vpc(bench)
    iam = bench.client("iam")
    iam.create_instance_profile(InstanceProfileName="proxy")
    bench.make("AWS::EC2::KeyPair", KeyName="proxy")
    return {
        "ImageId": image(bench),
        "InstanceType": "t3.small",
        "SubnetId": subnet(bench, network),
        "AvailabilityZone": f"{REGION}b",
        "SecurityGroupIds": [group(bench, network)],
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


def from_template(bench: Bench) -> Properties:
    data = {"ImageId": image(bench), "InstanceType": "t3.small"}
    template = bench.id("AWS::EC2::LaunchTemplate", LaunchTemplateName="lt", LaunchTemplateData=data)
    nics = [{"DeviceIndex": "0", "SubnetId": subnet(bench, vpc(bench))}]
    return {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "1"}, "NetworkInterfaces": nics}


def launch_template(bench: Bench) -> Properties:
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


def flow_log(bench: Bench) -> Properties:
    bench.client("logs").create_log_group(logGroupName="flows")
    role = f"arn:aws:iam::{bench.account}:role/flows"
    return {
        "ResourceId": vpc(bench),
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "flows",
        "DeliverLogsPermissionArn": role,
        "MaxAggregationInterval": 60,
        "Tags": TAGS,
    }


def flow_log_to_bucket(bench: Bench) -> Properties:
    bucket = f"flows-{bench.account}"
    bench.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return {
        "ResourceId": subnet(bench, vpc(bench)),
        "ResourceType": "Subnet",
        "TrafficType": "REJECT",
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{bucket}",
        "LogFormat": "${srcaddr} ${dstaddr}",
        "DestinationOptions": {"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": False},
    }


def route(target: Callable[[Bench], Properties], destination: Properties) -> Build:
    return lambda bench: {**target(bench), **destination}


def to_gateway(bench: Bench) -> Properties:
    network, gateway, _ = online(bench)
    return {"RouteTableId": table(bench, network), "GatewayId": gateway}


def to_nat(bench: Bench) -> Properties:
    given = nat(bench)
    network = bench.client("ec2").describe_subnets(SubnetIds=[given["SubnetId"]])["Subnets"][0]["VpcId"]
    return {"RouteTableId": table(bench, network), "NatGatewayId": bench.id("AWS::EC2::NatGateway", **given)}


def to_egress_only(bench: Bench) -> Properties:
    network = vpc(bench)
    gateway = bench.id("AWS::EC2::EgressOnlyInternetGateway", VpcId=network)
    return {"RouteTableId": table(bench, network), "EgressOnlyInternetGatewayId": gateway}


def to_transit(bench: Bench) -> Properties:
    gateway, _, attached = transit(bench)
    found = bench.client("ec2").describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[attached])
    network = found["TransitGatewayVpcAttachments"][0]["VpcId"]
    return {"RouteTableId": table(bench, network), "TransitGatewayId": gateway}


def to_peer(bench: Bench) -> Properties:
    network, other = vpc(bench), vpc(bench, "10.9.0.0/16")
    peering = bench.id("AWS::EC2::VPCPeeringConnection", VpcId=network, PeerVpcId=other)
    return {"RouteTableId": table(bench, network), "VpcPeeringConnectionId": peering}


def to_interface(bench: Bench) -> Properties:
    network = vpc(bench)
    nic = bench.id("AWS::EC2::NetworkInterface", SubnetId=subnet(bench, network))
    return {"RouteTableId": table(bench, network), "NetworkInterfaceId": nic}


def to_instance(bench: Bench) -> Properties:
    network = vpc(bench)
    machine = bench.id("AWS::EC2::Instance", ImageId=image(bench), SubnetId=subnet(bench, network))
    return {"RouteTableId": table(bench, network), "InstanceId": machine}


def prefixes(bench: Bench) -> Properties:
    return {
        "PrefixListName": "offices",
        "AddressFamily": "IPv4",
        "MaxEntries": 5,
        "Entries": [{"Cidr": "192.0.2.0/24", "Description": "one"}, {"Cidr": "198.51.100.0/24"}],
        "Tags": TAGS,
    }


def prefixed(bench: Bench) -> Properties:
    given = to_gateway(bench)
    return {**given, "DestinationPrefixListId": bench.id("AWS::EC2::PrefixList", **prefixes(bench))}


ALL, ALL6 = {"DestinationCidrBlock": "0.0.0.0/0"}, {"DestinationIpv6CidrBlock": "::/0"}
IPV6 = {"VpcId": "", "AmazonProvidedIpv6CidrBlock": True}


def six(bench: Bench) -> str:
    network = vpc(bench)
    bench.make("AWS::EC2::VPCCidrBlock", VpcId=network, AmazonProvidedIpv6CidrBlock=True)
    return network


def six_block(bench: Bench, network: str) -> str:
    found = bench.client("ec2").describe_vpcs(VpcIds=[network])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    return str(found[0]["Ipv6CidrBlock"]).replace("/56", "/64")


def dual_subnet(bench: Bench) -> Properties:
    network = six(bench)
    return {
        "VpcId": network,
        "CidrBlock": "10.0.1.0/24",
        "AvailabilityZone": f"{REGION}c",
        "Ipv6CidrBlock": six_block(bench, network),
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


def zoned_subnet(bench: Bench) -> Properties:
    zones = bench.client("ec2").describe_availability_zones()["AvailabilityZones"]
    return {"VpcId": vpc(bench), "CidrBlock": "10.0.1.0/24", "AvailabilityZoneId": zones[0]["ZoneId"]}


def rule(**peer: str) -> Build:
    def build(bench: Bench) -> Properties:
        network = vpc(bench)
        found: dict[str, Any] = {"GroupId": group(bench, network), "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
        found["Description"] = "why"
        for name, value in peer.items():
            found[name] = {"group": lambda: group(bench, network)}.get(value, lambda value=value: value)()
        if "prefixes" in found.values():
            name = next(name for name, value in found.items() if value == "prefixes")
            found[name] = bench.id("AWS::EC2::PrefixList", **prefixes(bench))
        if "account" in found.values():
            found["SourceSecurityGroupOwnerId"] = bench.account
        return found

    return build


def acl_entry(bench: Bench) -> Properties:
    return {
        "NetworkAclId": bench.id("AWS::EC2::NetworkAcl", VpcId=vpc(bench)),
        "RuleNumber": 100,
        "Protocol": 6,
        "RuleAction": "allow",
        "Egress": True,
        "CidrBlock": "0.0.0.0/0",
        "PortRange": {"From": 443, "To": 443},
    }


def acl_entry6(bench: Bench) -> Properties:
    return {
        "NetworkAclId": bench.id("AWS::EC2::NetworkAcl", VpcId=vpc(bench)),
        "RuleNumber": 100,
        "Protocol": 58,
        "RuleAction": "deny",
        "Ipv6CidrBlock": "::/0",
        "Icmp": {"Code": -1, "Type": -1},
    }


def acl_of_subnet(bench: Bench) -> Properties:
    network = vpc(bench)
    return {"NetworkAclId": bench.id("AWS::EC2::NetworkAcl", VpcId=network), "SubnetId": subnet(bench, network)}


def nic(bench: Bench) -> Properties:
    network = vpc(bench)
    return {
        "SubnetId": subnet(bench, network),
        "Description": "a door",
        "PrivateIpAddress": "10.0.1.9",
        "SecondaryPrivateIpAddressCount": 2,
        "GroupSet": [group(bench, network)],
        "SourceDestCheck": False,
        "Tags": TAGS,
    }


def options(bench: Bench) -> Properties:
    return {
        "DomainName": "example.org",
        "DomainNameServers": ["AmazonProvidedDNS"],
        "NetbiosNameServers": ["10.0.0.5"],
        "NetbiosNodeType": 2,
        "NtpServers": ["10.0.0.6"],
        "Tags": TAGS,
    }


def gateway_options(bench: Bench) -> Properties:
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


def volume(bench: Bench) -> Properties:
    key = bench.client("kms").create_key()["KeyMetadata"]["Arn"]
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


def volume_of_snapshot(bench: Bench) -> Properties:
    client, zone = bench.client("ec2"), f"{REGION}a"
    first = bench.id("AWS::EC2::Volume", AvailabilityZone=zone, Size=5)
    snapshot = client.create_snapshot(VolumeId=first)["SnapshotId"]
    return {"AvailabilityZone": zone, "SnapshotId": snapshot, "Size": 5, "VolumeType": "gp3", "Throughput": 200}


def peering(bench: Bench) -> Properties:
    return {
        "VpcId": vpc(bench),
        "PeerVpcId": vpc(bench, "10.8.0.0/16"),
        "PeerOwnerId": bench.account,
        "PeerRegion": REGION,
        "Tags": TAGS,
    }


# Only meant for changes.
UNTRIED = {"AWS::EC2::TransitGatewayVpcAttachment": frozenset({"AddSubnetIds", "RemoveSubnetIds"})}


def without(given: Properties, name: str) -> Properties:
    return {key: value for key, value in given.items() if key != name}


def retagged(bench: Bench, given: Properties) -> Properties:
    return {**given, "Tags": OTHER_TAGS}


def described(bench: Bench, given: Properties) -> Properties:
    return {**given, "Description": "why not"}


def turned(bench: Bench, given: Properties) -> Properties:
    switches = ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation", "EnableDns64")
    named = {"HostnameType": "ip-name", "EnableResourceNameDnsARecord": False, "EnableResourceNameDnsAAAARecord": False}
    return {**given, **dict.fromkeys(switches, False), "PrivateDnsNameOptionsOnLaunch": named, "Tags": OTHER_TAGS}


def nic_beside(bench: Bench, route_table: str) -> str:
    """A network interface in the network of a route table."""
    found = bench.client("ec2").describe_route_tables(RouteTableIds=[route_table])["RouteTables"][0]
    return bench.id("AWS::EC2::NetworkInterface", SubnetId=subnet(bench, found["VpcId"], 2))


CASES = (
    Case(
        "AWS::EC2::VPC",
        [
            lambda b: {
                "CidrBlock": "10.0.0.0/16",
                "EnableDnsSupport": False,
                "EnableDnsHostnames": False,
                "InstanceTenancy": "dedicated",
                "Tags": TAGS,
            },
            lambda b: {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True, "EnableDnsHostnames": True},
        ],
        lambda b, given: {**given, "EnableDnsSupport": True, "EnableDnsHostnames": True, "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::EC2::VPCCidrBlock",
        [
            lambda b: {"VpcId": vpc(b), "CidrBlock": "10.1.0.0/16"},
            lambda b: {"VpcId": vpc(b), "AmazonProvidedIpv6CidrBlock": True},
        ],
        without={"Ipv6AddressAttribute": "of blocks of IPv6"},
    ),
    Case(
        "AWS::EC2::Subnet",
        [dual_subnet, zoned_subnet],
        turned,
    ),
    Case(
        "AWS::EC2::InternetGateway",
        [lambda b: {"Tags": TAGS}],
        retagged,
    ),
    Case(
        "AWS::EC2::EgressOnlyInternetGateway",
        [lambda b: {"VpcId": vpc(b), "Tags": TAGS}],
        retagged,
    ),
    Case(
        "AWS::EC2::VPCGatewayAttachment",
        [lambda b: {"VpcId": vpc(b), "InternetGatewayId": b.id("AWS::EC2::InternetGateway")}],
        lambda b, given: {**given, "InternetGatewayId": b.id("AWS::EC2::InternetGateway")},
    ),
    Case(
        "AWS::EC2::DHCPOptions",
        [options],
        retagged,
    ),
    Case(
        "AWS::EC2::VPCDHCPOptionsAssociation",
        [lambda b: {"VpcId": vpc(b), "DhcpOptionsId": b.id("AWS::EC2::DHCPOptions", DomainName="example.org")}],
    ),
    Case(
        "AWS::EC2::RouteTable",
        [lambda b: {"VpcId": vpc(b), "Tags": TAGS}],
        retagged,
    ),
    Case(
        "AWS::EC2::Route",
        [
            route(to_gateway, ALL),
            route(to_nat, ALL),
            route(to_egress_only, ALL6),
            route(to_transit, ALL),
            route(to_peer, {"DestinationCidrBlock": "10.9.0.0/16"}),
            route(to_interface, ALL),
            route(to_instance, ALL),
            prefixed,
        ],
        lambda b, given: {**without(given, "GatewayId"), "NetworkInterfaceId": nic_beside(b, given["RouteTableId"])},
    ),
    Case(
        "AWS::EC2::SubnetRouteTableAssociation",
        [lambda b: (lambda n: {"SubnetId": subnet(b, n), "RouteTableId": table(b, n)})(vpc(b))],
    ),
    Case(
        "AWS::EC2::EIP",
        [
            lambda b: {"Domain": "vpc", "Tags": TAGS},
            lambda b: {
                "Domain": "vpc",
                "InstanceId": b.id("AWS::EC2::Instance", ImageId=image(b), SubnetId=online(b)[2]),
            },
        ],
        retagged,
    ),
    Case(
        "AWS::EC2::EIPAssociation",
        [
            lambda b: {"AllocationId": address(b)["AllocationId"], "NetworkInterfaceId": interface(b)},
            lambda b: {
                "EIP": address(b)["PublicIp"],
                "InstanceId": b.id("AWS::EC2::Instance", ImageId=image(b), SubnetId=online(b)[2]),
            },
        ],
    ),
    Case(
        "AWS::EC2::NatGateway",
        [nat],
        retagged,
        without={
            "AutoProvisionZones": "of regional gateways, which are refused",
            "AutoScalingIps": "of regional gateways, which are refused",
            "RouteTableId": "of regional gateways, which are refused",
        },
    ),
    Case(
        "AWS::EC2::VPCPeeringConnection",
        [peering],
        retagged,
    ),
    Case(
        "AWS::EC2::SecurityGroup",
        [security_group],
        lambda b, given: {
            **without(given, "SecurityGroupEgress"),
            "SecurityGroupIngress": given["SecurityGroupIngress"][:1],
        },
    ),
    Case(
        "AWS::EC2::SecurityGroupIngress",
        [
            rule(CidrIp="10.0.0.0/8"),
            rule(CidrIpv6="::/0"),
            rule(SourceSecurityGroupId="group", SourceSecurityGroupOwnerId="account"),
            rule(SourcePrefixListId="prefixes"),
        ],
        described,
    ),
    Case(
        "AWS::EC2::SecurityGroupEgress",
        [
            rule(CidrIp="10.0.0.0/8"),
            rule(CidrIpv6="::/0"),
            rule(DestinationSecurityGroupId="group"),
            rule(DestinationPrefixListId="prefixes"),
        ],
        described,
    ),
    Case(
        "AWS::EC2::NetworkAcl",
        [lambda b: {"VpcId": vpc(b), "Tags": TAGS}],
        retagged,
    ),
    Case(
        "AWS::EC2::NetworkAclEntry",
        [acl_entry, acl_entry6],
        lambda b, given: {**given, "RuleAction": "deny", "PortRange": {"From": 80, "To": 80}},
    ),
    Case(
        "AWS::EC2::SubnetNetworkAclAssociation",
        [acl_of_subnet],
    ),
    Case(
        "AWS::EC2::PrefixList",
        [prefixes],
        lambda b, given: {
            **given,
            "Entries": [{"Cidr": "203.0.113.0/24"}],
            "PrefixListName": "houses",
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::EC2::VPCEndpoint",
        [interface_endpoint, gateway_endpoint],
        lambda b, given: {**given, "SubnetIds": given["SubnetIds"][:1], "PrivateDnsEnabled": False, "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::EC2::FlowLog",
        [flow_log, flow_log_to_bucket],
        retagged,
    ),
    Case(
        "AWS::EC2::LaunchTemplate",
        [launch_template],
        lambda b, given: {**given, "LaunchTemplateData": {"InstanceType": "m6i.large"}, "VersionDescription": "second"},
        told=dict.fromkeys(
            ("LaunchTemplateData", "VersionDescription", "TagSpecifications"), "EC2 tells a version as a whole"
        ),
    ),
    Case(
        "AWS::EC2::Instance",
        [instance, from_template],
        lambda b, given: {**given, "InstanceType": "t3.large", "SourceDestCheck": True, "Tags": OTHER_TAGS},
        without={
            "State": "an object, which Fn::GetAtt does not give",
            "PublicDnsName": "its subnet gives no public address",
            "PublicIp": "its subnet gives no public address",
        },
    ),
    Case(
        "AWS::EC2::Volume",
        [volume, volume_of_snapshot],
        lambda b, given: {**given, "Size": 20, "Iops": 600, "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::EC2::NetworkInterface",
        [nic],
        lambda b, given: {**given, "Description": "a gate", "SourceDestCheck": True, "Tags": OTHER_TAGS},
        without={
            "PrimaryIpv6Address": "its subnet has no IPv6",
            "PublicIpDnsNameOptions": "moto has no names of public addresses",
        },
    ),
    Case(
        "AWS::EC2::KeyPair",
        [
            lambda b: {"KeyName": "own", "PublicKeyMaterial": PUBLIC_KEY},
            lambda b: {"KeyName": "k", "KeyType": "ed25519", "KeyFormat": "pem", "Tags": TAGS},
        ],
    ),
    Case(
        "AWS::EC2::TransitGateway",
        [gateway_options],
        lambda b, given: {**given, "Description": "wheel", "DnsSupport": "enable", "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::EC2::TransitGatewayAttachment",
        [attachment],
        lambda b, given: {**given, "Options": {"DnsSupport": "disable", "Ipv6Support": "disable"}, "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::EC2::TransitGatewayVpcAttachment",
        [attachment],
        lambda b, given: {**given, "Options": {"DnsSupport": "disable", "Ipv6Support": "disable"}, "Tags": OTHER_TAGS},
        untried={"AddSubnetIds": "of an update only", "RemoveSubnetIds": "of an update only"},
    ),
    Case(
        "AWS::EC2::TransitGatewayRouteTable",
        [lambda b: {"TransitGatewayId": b.id("AWS::EC2::TransitGateway"), "Tags": TAGS}],
        retagged,
    ),
    Case(
        "AWS::EC2::TransitGatewayRoute",
        [
            lambda b: {**between(b), "DestinationCidrBlock": "10.5.0.0/16"},
            lambda b: {
                "TransitGatewayRouteTableId": transit(b)[1],
                "DestinationCidrBlock": "10.5.0.0/16",
                "Blackhole": True,
            },
        ],
    ),
    Case(
        "AWS::EC2::TransitGatewayRouteTableAssociation",
        [between],
    ),
    Case(
        "AWS::EC2::TransitGatewayRouteTablePropagation",
        [between],
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_ec2(case: Case, check: Callable[[Case, Bench], None], bench: Bench) -> None:
    check(case, bench)
