"""EC2: what moto drops of networks is kept, and what belongs to a deleted thing goes with it.

Sources: Amazon EC2 API Reference (ModifySubnetAttribute, CreateNetworkAclEntry, AuthorizeSecurityGroupIngress,
CreateVpcEndpoint, DeleteNatGateway, CreateNatGateway with its failure codes), Amazon VPC User Guide, "Troubleshoot NAT
gateways" (a public one in a VPC without internet gateway fails).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends

from csoc.emulator.cloud.calls import Answer, Call
from csoc.emulator.cloud.corrections import aws_images
from csoc.emulator.cloud.corrections.correction import Correction
from csoc.emulator.cloud.corrections.ec2_dependencies import REFUSALS


def ec2() -> Correction:
    """What is put right in EC2."""
    return Correction(
        "ec2",
        before={**REFUSALS, "DescribeSnapshots": _snapshots_of_images},
        after={
            "AuthorizeSecurityGroupEgress": _described_rules,
            "AuthorizeSecurityGroupIngress": _described_rules,
            "CreateFlowLogs": _flow_logs,
            "CreateNatGateway": _nat_needs_a_gateway,
            "CreateNetworkAclEntry": _icmp,
            "CreateVpcEndpoint": _endpoint,
            "DeleteNatGateway": _nat_lets_go,
            "DeleteSubnet": _subnet_leaves,
            "DeleteVpc": _vpc_leaves,
            "DescribeLaunchTemplateVersions": _versions,
            "DescribeManagedPrefixLists": _living_prefix_lists,
            "ModifySubnetAttribute": _subnet_attribute,
            "ModifyVpcEndpoint": _endpoint,
            "ReplaceNetworkAclEntry": _icmp,
            "SearchTransitGatewayRoutes": _attachments,
            "TerminateInstances": _instance_leaves,
        },
    )


def backend(call: Call) -> EC2Backend:
    """moto's EC2 of the caller's account and region."""
    return ec2_backends[call.account][call.region]


def _snapshots_of_images(call: Call) -> Answer | None:
    aws_images.ensure(call.account, call.region)
    return None


def _peers(permission: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The peers of a permission in the order in which moto makes rules of them."""
    for name in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds"):
        yield from permission.get(name) or ()


def _described_rules(call: Call, answer: dict[str, Any]) -> Answer:
    """moto keeps descriptions of IPv4 ranges only."""
    peers = [peer for permission in call.parameters.get("IpPermissions") or () for peer in _peers(permission)]
    rules = answer.get("SecurityGroupRules") or []
    if len(peers) != len(rules):
        return answer
    group = backend(call).get_security_group_from_id(call.parameters.get("GroupId", ""))
    for peer, told in zip(peers, rules, strict=True):
        kept = group.get_rule(told["SecurityGroupRuleId"]) if group is not None else None
        if kept is not None and peer.get("Description"):
            kept.ip_range = {**kept.ip_range, "Description": peer["Description"]}
            told["Description"] = peer["Description"]
    return answer


def _icmp(call: Call, answer: dict[str, Any]) -> Answer:
    given = call.parameters.get("IcmpTypeCode")
    acl = backend(call).network_acls.get(call.parameters["NetworkAclId"])
    if given and acl is not None:
        for entry in acl.network_acl_entries:
            egress = str(entry.egress).lower() == str(call.parameters["Egress"]).lower()
            if egress and int(entry.rule_number) == int(call.parameters["RuleNumber"]):
                entry.icmp_code, entry.icmp_type = given.get("Code"), given.get("Type")
    return answer


def _subnet_attribute(call: Call, answer: dict[str, Any]) -> Answer:
    subnet: Any = backend(call).get_subnet(call.parameters["SubnetId"])
    options = subnet.private_dns_name_options_on_launch
    if "EnableDns64" in call.parameters:
        subnet.enable_dns64 = call.parameters["EnableDns64"]["Value"]
    if "PrivateDnsHostnameTypeOnLaunch" in call.parameters:
        options["HostnameType"] = call.parameters["PrivateDnsHostnameTypeOnLaunch"]
    for name in ("EnableResourceNameDnsARecord", "EnableResourceNameDnsAAAARecord"):
        if f"{name}OnLaunch" in call.parameters:
            options[name] = call.parameters[f"{name}OnLaunch"]["Value"]
    return answer


def _flow_logs(call: Call, answer: dict[str, Any]) -> Answer:
    for name in answer.get("FlowLogIds") or ():
        kept: Any = backend(call).flow_logs[name]
        if call.parameters.get("DestinationOptions"):
            kept.destination_options = call.parameters["DestinationOptions"]
    return answer


def _endpoint(call: Call, answer: dict[str, Any]) -> Answer:
    """Options of endpoints, and their interfaces, which are where the subnets are."""
    known = backend(call)
    made = answer.get("VpcEndpoint") or {}
    endpoint: Any = known.vpc_end_points.get(made.get("VpcEndpointId") or call.parameters.get("VpcEndpointId", ""))
    if endpoint is None:
        return answer
    if "PrivateDnsEnabled" in call.parameters:
        endpoint.private_dns_enabled = call.parameters["PrivateDnsEnabled"]
    if "IpAddressType" in call.parameters:
        endpoint.ip_address_type = call.parameters["IpAddressType"]
    if "DnsOptions" in call.parameters:
        given = call.parameters["DnsOptions"]
        endpoint.dns_options = {**getattr(endpoint, "dns_options", {}), **given}
    if call.parameters.get("ResetPolicy"):
        endpoint.policy_document = type(endpoint).DEFAULT_POLICY
    if str(endpoint.vpc_endpoint_type).lower() == "interface":
        _interfaces(known, endpoint)
    return answer


def _interfaces(known: EC2Backend, endpoint: Any) -> None:
    there = {known.enis[name].subnet.id: name for name in endpoint.network_interface_ids if name in known.enis}
    for subnet, name in there.items():
        if subnet not in (endpoint.subnet_ids or []):
            known.enis.pop(name)
            endpoint.network_interface_ids.remove(name)
    for subnet in endpoint.subnet_ids or []:
        if subnet not in there:
            made = known.create_network_interface(subnet, [])
            endpoint.network_interface_ids.append(made.id)


def _nat_needs_a_gateway(call: Call, answer: dict[str, Any]) -> Answer:
    told = answer["NatGateway"]
    nat: Any = backend(call).nat_gateways[told["NatGatewayId"]]
    gateways: Any = backend(call).internet_gateways.values()
    attached = {gateway.vpc.id for gateway in gateways if gateway.vpc}
    if nat.connectivity_type == "private" or nat.vpc_id in attached:
        return answer
    nat.state, nat.failure_code = "failed", "Gateway.NotAttached"
    nat.failure_message = f"Network {nat.vpc_id} has no Internet gateway attached"
    _let_go(call, nat)
    return {"NatGateway": {**told, "State": "pending"}}


def _nat_lets_go(call: Call, answer: dict[str, Any]) -> Answer:
    _let_go(call, backend(call).nat_gateways[call.parameters["NatGatewayId"]])
    return answer


def _let_go(call: Call, nat: Any) -> None:
    """Gives back the address and the interface of a NAT gateway."""
    known = backend(call)
    for address in known.addresses:
        if address.network_interface_id == nat._eni.id:
            known.disassociate_address(address=address.public_ip)
    known.enis.pop(nat._eni.id, None)


def _subnet_leaves(call: Call, answer: dict[str, Any]) -> Answer:
    known, subnet = backend(call), call.parameters["SubnetId"]
    acls: Any = known.network_acls.values()
    for acl in acls:
        acl._associations = {
            name: association for name, association in acl._associations.items() if association.subnet_id != subnet
        }
    for table in known.route_tables.values():
        table._associations = {name: other for name, other in table._associations.items() if other != subnet}
    return answer


def _vpc_leaves(call: Call, answer: dict[str, Any]) -> Answer:
    known, vpc = backend(call), call.parameters["VpcId"]
    for name in [name for name, acl in known.network_acls.items() if acl.vpc_id == vpc]:
        del known.network_acls[name]
    return answer


def _instance_leaves(call: Call, answer: dict[str, Any]) -> Answer:
    """An address outlives the instance that it was associated with."""
    known = backend(call)
    for told in answer.get("TerminatingInstances") or ():
        for address in [one for one in known.addresses if one.instance_id == told["InstanceId"]]:
            known.disassociate_address(address=address.public_ip)
    return answer


def _living_prefix_lists(_: Call, answer: dict[str, Any]) -> Answer:
    lists = [one for one in answer.get("PrefixLists") or () if not one.get("State", "").startswith("delete")]
    return {**answer, "PrefixLists": lists}


def _versions(_: Call, answer: dict[str, Any]) -> Answer:
    """moto tells the tags of the template as tags of what it launches."""
    for version in answer.get("LaunchTemplateVersions") or ():
        data = version["LaunchTemplateData"]
        tags = [one for one in data.get("TagSpecifications") or () if one.get("ResourceType") != "launch-template"]
        data.pop("TagSpecifications", None)
        if tags:
            data["TagSpecifications"] = tags
    return answer


def _attachments(call: Call, answer: dict[str, Any]) -> Answer:
    table: Any = backend(call).transit_gateways_route_tables.get(call.parameters["TransitGatewayRouteTableId"])
    for route in answer.get("Routes") or ():
        kept = table.routes.get(route["DestinationCidrBlock"], {}).get("transitGatewayAttachments")
        if kept:
            route["TransitGatewayAttachments"] = [
                {
                    "ResourceId": kept["resourceId"],
                    "TransitGatewayAttachmentId": kept["transitGatewayAttachmentId"],
                    "ResourceType": kept["resourceType"],
                }
            ]
    return answer
