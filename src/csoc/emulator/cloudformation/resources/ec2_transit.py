"""Transit gateways: attachments of VPCs, and which routes they see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.ec2_type import Ec2
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import at_path, call, is_true, unless_gone

_OPTIONS = (
    "AmazonSideAsn", "AutoAcceptSharedAttachments", "DefaultRouteTableAssociation", "DefaultRouteTablePropagation",
    "DnsSupport", "MulticastSupport", "TransitGatewayCidrBlocks", "VpnEcmpSupport",
)  # fmt: skip
_GONE = ("deleted", "deleting")


def _living(found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return found if found is not None and found.get("State") not in _GONE else None


class TransitGateway(Ec2):
    """AWS::EC2::TransitGateway."""

    type_name = "AWS::EC2::TransitGateway"
    kind = "transit-gateway"
    create_call, id_path = "create_transit_gateway", "TransitGateway.TransitGatewayId"
    takes = ("Description",)
    also = _OPTIONS
    attributes = {"Id": "", "TransitGatewayArn": "TransitGatewayArn", "EncryptionSupportState": ""}
    described = Describe("describe_transit_gateways", "TransitGatewayIds", "TransitGateways.0")
    read_as = {name: f"Options.{name}" for name in _OPTIONS}
    delete_call, delete_member = "delete_transit_gateway", "TransitGatewayId"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        options = {name: properties[name] for name in _OPTIONS if name in properties}
        return super().parameters(context, properties) | ({"Options": options} if options else {})

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        given: dict[str, Any] = {name: after[name] for name in left & {*_OPTIONS, "Description"} if name in after}
        options = {name: given.pop(name) for name in list(given) if name != "Description"}
        blocks, old = options.pop("TransitGatewayCidrBlocks", None), before.get("TransitGatewayCidrBlocks") or []
        if blocks is not None:
            options["AddTransitGatewayCidrBlocks"] = [one for one in blocks if one not in old]
            options["RemoveTransitGatewayCidrBlocks"] = [one for one in old if one not in blocks]
        if given or options:
            options = {name: value for name, value in options.items() if value != []}
            asked = {"TransitGatewayId": physical_id, **given, **({"Options": options} if options else {})}
            call(client, "modify_transit_gateway", asked)
        return {name for name in left & {*_OPTIONS, "Description"} if name in after}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        return _living(super().describe(client, physical_id))

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"EncryptionSupportState": "disabled"}


class TransitGatewayAttachment(Ec2):
    """AWS::EC2::TransitGatewayAttachment: of a VPC."""

    type_name = "AWS::EC2::TransitGatewayAttachment"
    kind, tagged_later = "transit-gateway-attachment", True
    create_call = "create_transit_gateway_vpc_attachment"
    id_path = "TransitGatewayVpcAttachment.TransitGatewayAttachmentId"
    takes = ("Options", "SubnetIds", "TransitGatewayId", "VpcId")
    attributes = {"Id": ""}
    described = Describe(
        "describe_transit_gateway_vpc_attachments", "TransitGatewayAttachmentIds", "TransitGatewayVpcAttachments.0"
    )
    delete_call, delete_member = "delete_transit_gateway_vpc_attachment", "TransitGatewayAttachmentId"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        old, new = before.get("SubnetIds") or [], after.get("SubnetIds") or []
        given: dict[str, Any] = {
            "AddSubnetIds": [one for one in new if one not in old],
            "RemoveSubnetIds": [one for one in old if one not in new],
            "Options": after.get("Options") if "Options" in left else None,
        }
        given = {name: value for name, value in given.items() if value}
        if given:
            asked = {"TransitGatewayAttachmentId": physical_id, **given}
            call(client, "modify_transit_gateway_vpc_attachment", asked)
        return {"SubnetIds", *(("Options",) if "Options" in after else ())}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        return _living(super().describe(client, physical_id))


class TransitGatewayVpcAttachment(TransitGatewayAttachment):
    """AWS::EC2::TransitGatewayVpcAttachment."""

    type_name = "AWS::EC2::TransitGatewayVpcAttachment"
    also = ("AddSubnetIds", "RemoveSubnetIds")
    unread = ("AddSubnetIds", "RemoveSubnetIds")

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        given = {name: after[name] for name in ("AddSubnetIds", "RemoveSubnetIds", "Options") if after.get(name)}
        asked = {"TransitGatewayAttachmentId": physical_id, **given}
        call(client, "modify_transit_gateway_vpc_attachment", asked)
        return {"AddSubnetIds", "RemoveSubnetIds", *(("Options",) if "Options" in after else ())}


class TransitGatewayRouteTable(Ec2):
    """AWS::EC2::TransitGatewayRouteTable."""

    type_name = "AWS::EC2::TransitGatewayRouteTable"
    kind = "transit-gateway-route-table"
    create_call = "create_transit_gateway_route_table"
    id_path = "TransitGatewayRouteTable.TransitGatewayRouteTableId"
    takes = ("TransitGatewayId",)
    attributes = {"TransitGatewayRouteTableId": ""}
    described = Describe(
        "describe_transit_gateway_route_tables", "TransitGatewayRouteTableIds", "TransitGatewayRouteTables.0"
    )
    delete_call, delete_member = "delete_transit_gateway_route_table", "TransitGatewayRouteTableId"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        return _living(super().describe(client, physical_id))


class TransitGatewayRoute(Ec2):
    """AWS::EC2::TransitGatewayRoute."""

    type_name = "AWS::EC2::TransitGatewayRoute"
    takes = ("Blackhole", "DestinationCidrBlock", "TransitGatewayAttachmentId", "TransitGatewayRouteTableId")
    tags = ""

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        if is_true(properties.get("Blackhole", False)) == ("TransitGatewayAttachmentId" in properties):
            raise ResourceError("A route goes to an attachment or into a black hole", "InvalidRequest")
        call(client, "create_transit_gateway_route", self.parameters(context, properties))
        return f"{properties['TransitGatewayRouteTableId']}|{properties['DestinationCidrBlock']}"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        table, _, destination = physical_id.partition("|")
        asked = [{"Name": "state", "Values": ["active", "blackhole"]}]
        answer = unless_gone(
            lambda: client.search_transit_gateway_routes(TransitGatewayRouteTableId=table, Filters=asked)
        )
        for route in at_path(answer, "Routes") or ():
            if route["DestinationCidrBlock"] == destination:
                black = route["State"] == "blackhole"
                return {
                    **route,
                    "TransitGatewayRouteTableId": table,
                    "Blackhole": True if black else None,
                    "TransitGatewayAttachmentId": at_path(
                        route, "TransitGatewayAttachments.0.TransitGatewayAttachmentId"
                    ),
                }
        return None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        table, _, destination = physical_id.partition("|")
        unless_gone(
            lambda: client.delete_transit_gateway_route(
                TransitGatewayRouteTableId=table, DestinationCidrBlock=destination
            )
        )


class _Pair(Ec2):
    """A route table and an attachment that belong together."""

    also = ("TransitGatewayAttachmentId", "TransitGatewayRouteTableId")
    tags = ""
    on: str
    off: str
    listing: str
    answer: str

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        getattr(client, self.on)(**{name: properties[name] for name in self.also})
        return f"{properties['TransitGatewayRouteTableId']}|{properties['TransitGatewayAttachmentId']}"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        table, _, attachment = physical_id.partition("|")
        answer = unless_gone(lambda: getattr(client, self.listing)(TransitGatewayRouteTableId=table))
        for found in at_path(answer, self.answer) or ():
            if found.get("TransitGatewayAttachmentId") == attachment:
                return {"TransitGatewayRouteTableId": table, "TransitGatewayAttachmentId": attachment}
        return None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        table, _, attachment = physical_id.partition("|")
        method = getattr(client, self.off)
        unless_gone(lambda: method(TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment))


class TransitGatewayRouteTableAssociation(_Pair):
    """AWS::EC2::TransitGatewayRouteTableAssociation."""

    type_name = "AWS::EC2::TransitGatewayRouteTableAssociation"
    on, off = "associate_transit_gateway_route_table", "disassociate_transit_gateway_route_table"
    listing, answer = "get_transit_gateway_route_table_associations", "Associations"


class TransitGatewayRouteTablePropagation(_Pair):
    """AWS::EC2::TransitGatewayRouteTablePropagation."""

    type_name = "AWS::EC2::TransitGatewayRouteTablePropagation"
    on, off = "enable_transit_gateway_route_table_propagation", "disable_transit_gateway_route_table_propagation"
    listing, answer = "get_transit_gateway_route_table_propagations", "TransitGatewayRouteTablePropagations"
