"""Endpoints of AWS services inside a VPC, and flow logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.ec2_type import Ec2
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import call, unless_gone

_MEMBERS = {"RouteTableIds": "RouteTableIds", "SubnetIds": "SubnetIds", "SecurityGroupIds": "SecurityGroupIds"}


class VpcEndpoint(Ec2):
    """AWS::EC2::VPCEndpoint, of type Gateway or Interface. A gateway is there at once, an interface is not."""

    type_name = "AWS::EC2::VPCEndpoint"
    kind = "vpc-endpoint"
    create_call, id_path = "create_vpc_endpoint", "VpcEndpoint.VpcEndpointId"
    takes = (
        "DnsOptions", "IpAddressType", "PolicyDocument", "PrivateDnsEnabled", "RouteTableIds", "SecurityGroupIds",
        "ServiceName", "SubnetIds", "VpcEndpointType", "VpcId",
    )  # fmt: skip
    attributes = {
        "Id": "",
        "CreationTimestamp": "CreationTimestamp",
        "DnsEntries": "",
        "NetworkInterfaceIds": "NetworkInterfaceIds",
    }
    described = Describe("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints.0")
    delete_call, delete_member = "delete_vpc_endpoints", "VpcEndpointIds"

    def check(self, properties: Properties) -> None:
        super().check(properties)
        kind = properties.get("VpcEndpointType", "Gateway")
        wrong = {
            "Gateway": ("SubnetIds", "SecurityGroupIds", "PrivateDnsEnabled", "DnsOptions"),
            "Interface": ("RouteTableIds",),
        }
        if kind not in wrong:
            raise ResourceError(f"The emulator has no VPC endpoints of type {kind}", "InvalidRequest")
        given = [name for name in wrong[kind] if properties.get(name)]
        if given:
            raise ResourceError(f"{given[0]} cannot be set for endpoints of type {kind}", "InvalidRequest")

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {"VpcEndpointType": "Gateway", **super().parameters(context, properties)}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        given: dict[str, Any] = {}
        for name in _MEMBERS.keys() & left:
            old, new = before.get(name) or [], after.get(name) or []
            given[f"Add{name}"] = [one for one in new if one not in old]
            given[f"Remove{name}"] = [one for one in old if one not in new]
        for name in left & {"PolicyDocument", "PrivateDnsEnabled", "DnsOptions", "IpAddressType"}:
            if name in after:
                given[name] = after[name]
            elif name == "PolicyDocument":
                given["ResetPolicy"] = True
            elif name == "PrivateDnsEnabled":
                given[name] = False
            else:
                return set()
        given = {name: value for name, value in given.items() if value != []}
        if given:
            call(client, "modify_vpc_endpoint", {"VpcEndpointId": physical_id, **given})
        return {*_MEMBERS, "PolicyDocument", "PrivateDnsEnabled", "DnsOptions", "IpAddressType"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = super().describe(client, physical_id)
        return found if found is not None and found["State"].lower() not in ("deleted", "deleting") else None

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"SecurityGroupIds": [group["GroupId"] for group in found.get("Groups", ())]}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "CreationTimestamp": str(found["CreationTimestamp"]),
            "DnsEntries": [f"{one['HostedZoneId']}:{one['DnsName']}" for one in found.get("DnsEntries", ())],
            "NetworkInterfaceIds": found.get("NetworkInterfaceIds", []),
        }

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_vpc_endpoints(VpcEndpointIds=[physical_id]))


class FlowLog(Ec2):
    """AWS::EC2::FlowLog."""

    type_name = "AWS::EC2::FlowLog"
    kind = "vpc-flow-log"
    create_call, id_path = "create_flow_logs", "FlowLogIds.0"
    takes = (
        "DeliverLogsPermissionArn", "DestinationOptions", "LogDestination", "LogDestinationType", "LogFormat",
        "LogGroupName", "MaxAggregationInterval", "ResourceType", "TrafficType",
    )  # fmt: skip
    also = ("ResourceId",)
    attributes = {"Id": ""}
    described = Describe("describe_flow_logs", "FlowLogIds", "FlowLogs.0")

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {**super().parameters(context, properties), "ResourceIds": [properties["ResourceId"]]}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {**self.parameters(context, properties), **self.tag_parameters(context, properties)}
        answer = call(client, self.create_call, given)
        for failed in answer.get("Unsuccessful", ()):
            raise ResourceError(failed["Error"]["Message"], "InvalidRequest")
        return str(answer["FlowLogIds"][0])

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        kinds = {"vpc-": "VPC", "subnet-": "Subnet", "eni-": "NetworkInterface"}
        kind = next((kind for start, kind in kinds.items() if found["ResourceId"].startswith(start)), "")
        return {"ResourceType": kind}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_flow_logs(FlowLogIds=[physical_id]))
