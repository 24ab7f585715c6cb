"""Where packets go: route tables, NAT gateways, addresses, peering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.ec2_type import Ec2
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import at_path, call, unless_gone


class RouteTable(Ec2):
    """AWS::EC2::RouteTable."""

    type_name = "AWS::EC2::RouteTable"
    kind = "route-table"
    create_call, id_path = "create_route_table", "RouteTable.RouteTableId"
    takes = ("VpcId",)
    attributes = {"RouteTableId": ""}
    described = Describe("describe_route_tables", "RouteTableIds", "RouteTables.0")
    delete_call, delete_member = "delete_route_table", "RouteTableId"


_DESTINATIONS = {
    "DestinationCidrBlock": "DestinationCidrBlock",
    "DestinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "DestinationPrefixListId": "DestinationPrefixListId",
}
_TARGETS = (
    "EgressOnlyInternetGatewayId", "GatewayId", "InstanceId", "NatGatewayId", "NetworkInterfaceId", "TransitGatewayId",
    "VpcPeeringConnectionId",
)  # fmt: skip


class Route(Ec2):
    """AWS::EC2::Route."""

    type_name = "AWS::EC2::Route"
    takes = ("RouteTableId", *_DESTINATIONS, *_TARGETS)
    create_call, id_path = "create_route", ""
    tags = ""
    attributes = {"CidrBlock": ""}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        if sum(name in properties for name in _DESTINATIONS) != 1:
            raise ResourceError("A route needs exactly one destination", "InvalidRequest")
        if sum(name in properties for name in _TARGETS) != 1:
            raise ResourceError("A route needs exactly one target", "InvalidRequest")
        destination = next(properties[name] for name in _DESTINATIONS if name in properties)
        physical_id = f"{properties['RouteTableId']}|{destination}"
        if self.describe(client, physical_id) is not None:
            raise ResourceError(
                f"The route identified by {destination} already exists in {properties['RouteTableId']}", "AlreadyExists"
            )
        call(client, "create_route", self.parameters(context, properties))
        return physical_id

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        call(client, "replace_route", self.parameters(context, after))
        return set(_TARGETS)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        table, _, destination = physical_id.partition("|")
        answer = unless_gone(lambda: client.describe_route_tables(RouteTableIds=[table]))
        for route in at_path(answer, "RouteTables.0.Routes") or ():
            if destination in (route.get(name) for name in _DESTINATIONS):
                return {**route, "RouteTableId": table}
        return None

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"CidrBlock": physical_id.partition("|")[2]}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        table = physical_id.partition("|")[0]
        destination = {name: properties[name] for name in _DESTINATIONS if name in properties}
        unless_gone(lambda: client.delete_route(RouteTableId=table, **destination))


class SubnetRouteTableAssociation(Ec2):
    """AWS::EC2::SubnetRouteTableAssociation."""

    type_name = "AWS::EC2::SubnetRouteTableAssociation"
    create_call, id_path = "associate_route_table", "AssociationId"
    takes = ("RouteTableId", "SubnetId")
    tags = ""
    attributes = {"Id": ""}
    delete_call, delete_member = "disassociate_route_table", "AssociationId"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        asked = {"Name": "association.route-table-association-id", "Values": [physical_id]}
        for table in client.describe_route_tables(Filters=[asked])["RouteTables"]:
            for association in table.get("Associations", ()):
                if association["RouteTableAssociationId"] == physical_id:
                    found: Mapping[str, Any] = association
                    return found
        return None


class Eip(Ec2):
    """AWS::EC2::EIP. Ref gives the address."""

    type_name = "AWS::EC2::EIP"
    kind = "elastic-ip"
    create_call, id_path = "allocate_address", "PublicIp"
    takes = ("Domain",)
    afterwards = ("InstanceId",)
    attributes = {"PublicIp": "PublicIp", "AllocationId": "AllocationId"}
    described = Describe("describe_addresses", "PublicIps", "Addresses.0")

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        if "InstanceId" in before:
            self._disassociate(client, physical_id)
        if "InstanceId" in after:
            self._associate(client, physical_id, after["InstanceId"])

    def _associate(self, client: Any, physical_id: str, instance: str) -> None:
        found = self.describe(client, physical_id) or {}
        client.associate_address(AllocationId=found["AllocationId"], InstanceId=instance)

    def _disassociate(self, client: Any, physical_id: str) -> None:
        found = self.describe(client, physical_id) or {}
        if found.get("AssociationId"):
            unless_gone(lambda: client.disassociate_address(AssociationId=found["AssociationId"]))

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        found = self.describe(client, physical_id) or {}
        super().retag(client, found["AllocationId"], gone, wanted)

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        if "InstanceId" in properties:
            self._disassociate(client, physical_id)
        found = self.describe(client, physical_id)
        if found is not None:
            unless_gone(lambda: client.release_address(AllocationId=found["AllocationId"]))


class EipAssociation(Ec2):
    """AWS::EC2::EIPAssociation."""

    type_name = "AWS::EC2::EIPAssociation"
    create_call, id_path = "associate_address", "AssociationId"
    takes = ("AllocationId", "InstanceId", "NetworkInterfaceId")
    renamed = {"EIP": "PublicIp"}
    read_as = {"EIP": "PublicIp"}
    tags = ""
    attributes = {"Id": ""}
    delete_call, delete_member = "disassociate_address", "AssociationId"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        asked = {"Name": "association-id", "Values": [physical_id]}
        found: Mapping[str, Any] | None = at_path(client.describe_addresses(Filters=[asked]), "Addresses.0")
        return found


class NatGateway(Ec2):
    """AWS::EC2::NatGateway, zonal."""

    type_name = "AWS::EC2::NatGateway"
    kind = "natgateway"
    create_call, id_path = "create_nat_gateway", "NatGateway.NatGatewayId"
    takes = ("AllocationId", "ConnectivityType", "SubnetId")
    attributes = {
        "NatGatewayId": "",
        "EniId": "NatGatewayAddresses.0.NetworkInterfaceId",
    }
    described = Describe("describe_nat_gateways", "NatGatewayIds", "NatGateways.0")
    read_as = {"AllocationId": "NatGatewayAddresses.0.AllocationId"}
    delete_call, delete_member = "delete_nat_gateway", "NatGatewayId"

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id) or {}
        if found.get("State") == "failed":
            raise ResourceError(
                f"NatGateway {physical_id} is in state failed and hence failed to stabilize. Detailed failure message: "
                f"{found.get('FailureMessage')}",
                "NotStabilized",
            )

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = super().describe(client, physical_id)
        return found if found is not None and found["State"] not in ("deleted", "deleting") else None


class VpcPeeringConnection(Ec2):
    """AWS::EC2::VPCPeeringConnection. Within an account CloudFormation accepts it as well."""

    type_name = "AWS::EC2::VPCPeeringConnection"
    kind = "vpc-peering-connection"
    create_call, id_path = "create_vpc_peering_connection", "VpcPeeringConnection.VpcPeeringConnectionId"
    takes = ("PeerOwnerId", "PeerRegion", "PeerVpcId", "VpcId")
    attributes = {"Id": ""}
    described = Describe("describe_vpc_peering_connections", "VpcPeeringConnectionIds", "VpcPeeringConnections.0")
    read_as = {
        "PeerOwnerId": "AccepterVpcInfo.OwnerId",
        "PeerRegion": "AccepterVpcInfo.Region",
        "PeerVpcId": "AccepterVpcInfo.VpcId",
        "VpcId": "RequesterVpcInfo.VpcId",
    }
    delete_call, delete_member = "delete_vpc_peering_connection", "VpcPeeringConnectionId"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        if str(properties.get("PeerOwnerId", context.account)) != context.account:
            raise ResourceError("The emulator peers networks of one account only", "InvalidRequest")
        if properties.get("PeerRegion", context.region) != context.region:
            raise ResourceError("The emulator peers networks of one region only", "InvalidRequest")
        return super().parameters(context, properties)

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        client.accept_vpc_peering_connection(VpcPeeringConnectionId=physical_id)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = super().describe(client, physical_id)
        return found if found is not None and found["Status"]["Code"] not in ("deleted", "deleting") else None
