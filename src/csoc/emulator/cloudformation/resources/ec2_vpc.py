"""VPCs, their subnets and address ranges, and their gateways to the internet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.ec2_type import Ec2, switch
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import at_path, is_true, unless_gone


class Vpc(Ec2):
    """AWS::EC2::VPC. From dedicated tenancy only the way to default needs no replacement."""

    type_name = "AWS::EC2::VPC"
    kind = "vpc"
    create_call, id_path = "create_vpc", "Vpc.VpcId"
    takes = ("CidrBlock", "InstanceTenancy")
    changes = (
        switch("modify_vpc_attribute", "VpcId", "EnableDnsSupport"),
        switch("modify_vpc_attribute", "VpcId", "EnableDnsHostnames"),
    )
    defaults = {"EnableDnsSupport": True, "EnableDnsHostnames": False, "InstanceTenancy": "default"}
    attributes = {
        "VpcId": "",
        "CidrBlock": "CidrBlock",
        "CidrBlockAssociations": "CidrBlockAssociationSet",
        "DefaultNetworkAcl": "",
        "DefaultSecurityGroup": "",
        "Ipv6CidrBlocks": "Ipv6CidrBlockAssociationSet",
    }
    described = Describe("describe_vpcs", "VpcIds", "Vpcs.0")
    delete_call, delete_member = "delete_vpc", "VpcId"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if "InstanceTenancy" not in left or after.get("InstanceTenancy", "default") != "default":
            return set()
        client.modify_vpc_tenancy(VpcId=physical_id, InstanceTenancy="default")
        return {"InstanceTenancy"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        switches = {"EnableDnsSupport": "enableDnsSupport", "EnableDnsHostnames": "enableDnsHostnames"}
        return {
            name: client.describe_vpc_attribute(VpcId=physical_id, Attribute=attribute)[name]["Value"]
            for name, attribute in switches.items()
        }

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        of_vpc = {"Name": "vpc-id", "Values": [physical_id]}
        groups = client.describe_security_groups(Filters=[of_vpc, {"Name": "group-name", "Values": ["default"]}])
        lists = client.describe_network_acls(Filters=[of_vpc, {"Name": "default", "Values": ["true"]}])
        associated = found.get("CidrBlockAssociationSet", [])
        return {
            "DefaultSecurityGroup": at_path(groups, "SecurityGroups.0.GroupId"),
            "DefaultNetworkAcl": at_path(lists, "NetworkAcls.0.NetworkAclId"),
            "CidrBlockAssociations": [one["AssociationId"] for one in associated],
            "Ipv6CidrBlocks": [one["Ipv6CidrBlock"] for one in found.get("Ipv6CidrBlockAssociationSet", [])],
        }


class VpcCidrBlock(Ec2):
    """AWS::EC2::VPCCidrBlock."""

    type_name = "AWS::EC2::VPCCidrBlock"
    takes = ("AmazonProvidedIpv6CidrBlock", "CidrBlock", "VpcId")
    tags = ""
    create_call, id_path = "associate_vpc_cidr_block", ""
    attributes = {"Id": "AssociationId", "IpSource": "", "Ipv6AddressAttribute": ""}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {name: properties[name] for name in self.takes if name in properties}
        if "AmazonProvidedIpv6CidrBlock" in given:
            given["AmazonProvidedIpv6CidrBlock"] = is_true(given["AmazonProvidedIpv6CidrBlock"])
        answer = client.associate_vpc_cidr_block(**given)
        found = answer.get("CidrBlockAssociation") or answer["Ipv6CidrBlockAssociation"]
        return f"{found['AssociationId']}|{properties['VpcId']}"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        association, _, vpc = physical_id.partition("|")
        found = at_path(unless_gone(lambda: client.describe_vpcs(VpcIds=[vpc])), "Vpcs.0") or {}
        for one in (*found.get("CidrBlockAssociationSet", ()), *found.get("Ipv6CidrBlockAssociationSet", ())):
            if one["AssociationId"] == association:
                state = one.get("CidrBlockState") or one.get("Ipv6CidrBlockState") or {}
                return {**one, "VpcId": vpc} if state.get("State", "associated") == "associated" else None
        return None

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"AmazonProvidedIpv6CidrBlock": True} if "Ipv6CidrBlock" in found else {}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        if "Ipv6CidrBlock" in found:
            return {"IpSource": "amazon", "Ipv6AddressAttribute": "public"}
        return {"IpSource": "none", "Ipv6AddressAttribute": ""}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        association = physical_id.partition("|")[0]
        unless_gone(lambda: client.disassociate_vpc_cidr_block(AssociationId=association))

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return physical_id.partition("|")[0]


def _name_option(name: str, member: str) -> Change:
    def make(physical_id: str, wanted: Properties) -> Mapping[str, Any]:
        options = wanted.get("PrivateDnsNameOptionsOnLaunch") or {}
        value = options.get(name)
        shaped = (value or "ip-name") if name == "HostnameType" else {"Value": value or False}
        return {"SubnetId": physical_id, member: shaped}

    return Change(("PrivateDnsNameOptionsOnLaunch",), "modify_subnet_attribute", make, at_creation=True)


class Subnet(Ec2):
    """AWS::EC2::Subnet."""

    type_name = "AWS::EC2::Subnet"
    kind = "subnet"
    create_call, id_path = "create_subnet", "Subnet.SubnetId"
    takes = ("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv6CidrBlock", "Ipv6Native", "VpcId")
    afterwards = ("PrivateDnsNameOptionsOnLaunch",)
    changes = (
        switch("modify_subnet_attribute", "SubnetId", "MapPublicIpOnLaunch"),
        switch("modify_subnet_attribute", "SubnetId", "AssignIpv6AddressOnCreation"),
        switch("modify_subnet_attribute", "SubnetId", "EnableDns64"),
    )
    _options = (
        _name_option("HostnameType", "PrivateDnsHostnameTypeOnLaunch"),
        _name_option("EnableResourceNameDnsARecord", "EnableResourceNameDnsARecordOnLaunch"),
        _name_option("EnableResourceNameDnsAAAARecord", "EnableResourceNameDnsAAAARecordOnLaunch"),
    )
    defaults = {"MapPublicIpOnLaunch": False, "AssignIpv6AddressOnCreation": False, "EnableDns64": False}
    attributes = {
        "SubnetId": "",
        "AvailabilityZone": "AvailabilityZone",
        "AvailabilityZoneId": "AvailabilityZoneId",
        "BlockPublicAccessStates.InternetGatewayBlockMode": "",
        "CidrBlock": "CidrBlock",
        "Ipv6CidrBlocks": "",
        "NetworkAclAssociationId": "",
        "VpcId": "VpcId",
    }
    described = Describe("describe_subnets", "SubnetIds", "Subnets.0")
    read_as = {"Ipv6CidrBlock": "Ipv6CidrBlockAssociationSet.0.Ipv6CidrBlock"}
    delete_call, delete_member = "delete_subnet", "SubnetId"

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        for option in self._options:
            client.modify_subnet_attribute(**option.make(physical_id, after))

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        lists = client.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [physical_id]}])
        associations = at_path(lists, "NetworkAcls.0.Associations") or []
        mine = [one["NetworkAclAssociationId"] for one in associations if one["SubnetId"] == physical_id]
        return {
            "BlockPublicAccessStates.InternetGatewayBlockMode": "off",
            "Ipv6CidrBlocks": [one["Ipv6CidrBlock"] for one in found.get("Ipv6CidrBlockAssociationSet", [])],
            "NetworkAclAssociationId": mine[0] if mine else "",
        }


class InternetGateway(Ec2):
    """AWS::EC2::InternetGateway."""

    type_name = "AWS::EC2::InternetGateway"
    kind = "internet-gateway"
    create_call, id_path = "create_internet_gateway", "InternetGateway.InternetGatewayId"
    attributes = {"InternetGatewayId": ""}
    described = Describe("describe_internet_gateways", "InternetGatewayIds", "InternetGateways.0")
    delete_call, delete_member = "delete_internet_gateway", "InternetGatewayId"


class EgressOnlyInternetGateway(Ec2):
    """AWS::EC2::EgressOnlyInternetGateway."""

    type_name = "AWS::EC2::EgressOnlyInternetGateway"
    kind = "egress-only-internet-gateway"
    create_call = "create_egress_only_internet_gateway"
    id_path = "EgressOnlyInternetGateway.EgressOnlyInternetGatewayId"
    takes = ("VpcId",)
    attributes = {"Id": ""}
    described = Describe(
        "describe_egress_only_internet_gateways", "EgressOnlyInternetGatewayIds", "EgressOnlyInternetGateways.0"
    )
    read_as = {"VpcId": "Attachments.0.VpcId"}
    delete_call, delete_member = "delete_egress_only_internet_gateway", "EgressOnlyInternetGatewayId"


class VpcGatewayAttachment(Ec2):
    """AWS::EC2::VPCGatewayAttachment, of an internet gateway."""

    type_name = "AWS::EC2::VPCGatewayAttachment"
    also = ("InternetGatewayId", "VpcId")
    tags = ""
    attributes = {"AttachmentType": ""}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        if "InternetGatewayId" not in properties:
            raise ResourceError("Exactly one of InternetGatewayId and VpnGatewayId is needed", "InvalidRequest")
        client.attach_internet_gateway(InternetGatewayId=properties["InternetGatewayId"], VpcId=properties["VpcId"])
        return f"IGW|{properties['VpcId']}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self.remove(context, client, physical_id, before)
        self.make(context, client, after)
        return {"InternetGatewayId"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        vpc = physical_id.partition("|")[2]
        answer = client.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])
        gateway = at_path(answer, "InternetGateways.0.InternetGatewayId")
        return {"InternetGatewayId": gateway, "VpcId": vpc} if gateway else None

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"AttachmentType": "IGW"}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id)
        if found is not None:
            unless_gone(lambda: client.detach_internet_gateway(**found))


class DhcpOptions(Ec2):
    """AWS::EC2::DHCPOptions."""

    type_name = "AWS::EC2::DHCPOptions"
    kind, tagged_later = "dhcp-options", True
    create_call, id_path = "create_dhcp_options", "DhcpOptions.DhcpOptionsId"
    also = ("DomainName", "DomainNameServers", "NetbiosNameServers", "NetbiosNodeType", "NtpServers")
    attributes = {"DhcpOptionsId": ""}
    described = Describe("describe_dhcp_options", "DhcpOptionsIds", "DhcpOptions.0")
    delete_call, delete_member = "delete_dhcp_options", "DhcpOptionsId"
    _keys = {
        "DomainName": "domain-name",
        "DomainNameServers": "domain-name-servers",
        "NetbiosNameServers": "netbios-name-servers",
        "NetbiosNodeType": "netbios-node-type",
        "NtpServers": "ntp-servers",
    }

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = {key: properties[name] for name, key in self._keys.items() if name in properties}
        return {
            "DhcpConfigurations": [
                {"Key": key, "Values": value if isinstance(value, list) else [value]} for key, value in given.items()
            ]
        }

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        values = {one["Key"]: [value["Value"] for value in one["Values"]] for one in found["DhcpConfigurations"]}
        single = ("DomainName", "NetbiosNodeType")
        told: dict[str, Any] = {name: values[key] for name, key in self._keys.items() if key in values}
        for name in single:
            if name in told:
                told[name] = int(told[name][0]) if name == "NetbiosNodeType" else told[name][0]
        return told


class VpcDhcpOptionsAssociation(Ec2):
    """AWS::EC2::VPCDHCPOptionsAssociation."""

    type_name = "AWS::EC2::VPCDHCPOptionsAssociation"
    also = ("DhcpOptionsId", "VpcId")
    tags = ""

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        client.associate_dhcp_options(DhcpOptionsId=properties["DhcpOptionsId"], VpcId=properties["VpcId"])
        return f"{properties['DhcpOptionsId']}|{properties['VpcId']}"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        options, _, vpc = physical_id.partition("|")
        found: Mapping[str, Any] | None = at_path(unless_gone(lambda: client.describe_vpcs(VpcIds=[vpc])), "Vpcs.0")
        return found if found is not None and found.get("DhcpOptionsId") == options else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        client.associate_dhcp_options(DhcpOptionsId="default", VpcId=physical_id.partition("|")[2])
