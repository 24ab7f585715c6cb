"""EC2 refuses to delete what something else still needs, and to connect what does not belong together; moto mostly
does not.

Sources: Amazon EC2 API Reference (DeleteVpc, DeleteSubnet, DeleteSecurityGroup, DetachInternetGateway, ReleaseAddress,
AttachInternetGateway, CreateRoute) and its "Error codes": DependencyViolation, CannotDelete, InvalidIPAddress.InUse,
Resource.AlreadyAssociated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends
from moto.elbv2.models import elbv2_backends

from csoc.emulator.cloud.calls import AwsError, Call
from csoc.emulator.cloud.corrections.correction import Before


def _known(call: Call) -> EC2Backend:
    return ec2_backends[call.account][call.region]


def _living_endpoints(known: EC2Backend, vpc: str) -> Iterator[Any]:
    for endpoint in known.vpc_end_points.values():
        if endpoint.vpc_id == vpc and endpoint.state != "deleted":
            yield endpoint


def _living_interfaces(known: EC2Backend) -> Iterator[Any]:
    """Interfaces, without those of instances that are terminated, which moto keeps."""
    nics: Any = known.enis.values()
    for nic in nics:
        if nic.instance is None or nic.instance._state.name != "terminated":
            yield nic


def _vpc_is_empty(call: Call) -> None:
    known, vpc = _known(call), call.parameters["VpcId"]
    groups = [group for group in known.groups.get(vpc, {}).values() if group.name != "default"]
    gateways = [gateway for gateway in known.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc]
    egress_only = [one for one in known.egress_only_internet_gateways.values() if one.vpc_id == vpc]
    acls = [acl for acl in known.network_acls.values() if acl.vpc_id == vpc and acl.default not in (True, "true")]
    if groups or gateways or egress_only or acls or any(_living_endpoints(known, vpc)):
        raise AwsError("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted.", 400)


def _subnet_is_empty(call: Call) -> None:
    subnet = call.parameters["SubnetId"]
    if any(nic.subnet.id == subnet for nic in _living_interfaces(_known(call))) or any(
        subnet in (one.id for one in balancer.subnets) for balancer in _balancers(call)
    ):
        raise AwsError("DependencyViolation", f"The subnet '{subnet}' has dependencies and cannot be deleted.", 400)


def _balancers(call: Call) -> list[Any]:
    return list(elbv2_backends[call.account][call.region].load_balancers.values())


def _group_is_unused(call: Call) -> None:
    known, group = _known(call), call.parameters.get("GroupId", "")
    found = known.get_security_group_from_id(group)
    if found is None:
        return
    if found.name == "default":
        raise AwsError(
            "CannotDelete", f'the specified group: "{group}" name: "default" cannot be deleted by a user', 400
        )
    others = [other for groups in known.groups.values() for other in groups.values() if other.id != group]
    named = any(
        rule.source_group.get("GroupId") == group
        for other in others
        for rule in (*other.ingress_rules, *other.egress_rules)
    )
    worn = any(group in (one.id for one in nic.group_set) for nic in _living_interfaces(known))
    at_endpoint = any(
        group in endpoint.security_group_ids
        for endpoint in known.vpc_end_points.values()
        if endpoint.state != "deleted"
    )
    if named or worn or at_endpoint or any(group in balancer.security_groups for balancer in _balancers(call)):
        raise AwsError("DependencyViolation", f"resource {group} has a dependent object", 400)


def _network_has_no_addresses(call: Call) -> None:
    known, vpc = _known(call), call.parameters["VpcId"]
    if any(address.eni is not None and address.eni.subnet.vpc_id == vpc for address in known.addresses):
        raise AwsError(
            "DependencyViolation",
            f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before "
            "detaching the gateway.",
            400,
        )


def _one_gateway(call: Call) -> None:
    vpc = call.parameters["VpcId"]
    if any(gateway.vpc and gateway.vpc.id == vpc for gateway in _known(call).internet_gateways.values()):
        raise AwsError("InvalidParameterValue", f"Network {vpc} already has an internet gateway attached", 400)


def _address_is_free(call: Call) -> None:
    for address in _known(call).addresses:
        wanted = (call.parameters.get("AllocationId"), call.parameters.get("PublicIp"))
        if wanted in ((address.allocation_id, None), (None, address.public_ip)) and address.association_id:
            raise AwsError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.", 400)


def _gateway_of_the_network(call: Call) -> None:
    known, name = _known(call), call.parameters.get("GatewayId", "")
    gateway = known.internet_gateways.get(name)
    table: Any = known.route_tables.get(call.parameters["RouteTableId"])
    if gateway is None or table is None:
        return
    if gateway.vpc is None or gateway.vpc.id != table.vpc_id:
        raise AwsError(
            "InvalidParameterValue",
            f"route table {table.id} and network gateway {name} belong to different networks",
            400,
        )


REFUSALS: Mapping[str, Before] = {
    "AttachInternetGateway": _one_gateway,
    "CreateRoute": _gateway_of_the_network,
    "DeleteSecurityGroup": _group_is_unused,
    "DeleteSubnet": _subnet_is_empty,
    "DeleteVpc": _vpc_is_empty,
    "DetachInternetGateway": _network_has_no_addresses,
    "ReleaseAddress": _address_is_free,
    "ReplaceRoute": _gateway_of_the_network,
}
