"""EC2 refuses to make what names something that is not there; moto believes most names.

A stack that names a network of another region or a deleted group has to fail here as it would there.
Sources: Amazon EC2 API Reference (CreateSecurityGroup, CreateSubnet, CreateRoute, CreateNetworkInterface,
CreateVpcEndpoint, ReplaceNetworkAclAssociation, RunInstances) and its "Error codes": InvalidAMIID.Malformed,
InvalidVpcID.NotFound, InvalidGroup.NotFound, InvalidNatGatewayID.NotFound, InvalidParameterValue,
InvalidAssociationID.NotFound, InvalidNetworkAclID.NotFound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from csoc.emulator.cloud.calls import AwsError, Call
from csoc.emulator.cloud.corrections.correction import Before, Correction

_IMAGE = re.compile(r"ami-([0-9a-f]{8}|[0-9a-f]{17})")
_BY_PARAMETER = "resolve:ssm:"


def ec2_references() -> Correction:
    """What is refused since it names something that is not there."""
    return Correction("ec2", before=_REFUSALS)


def _known(call: Call) -> EC2Backend:
    return ec2_backends[call.account][call.region]


def _image_is_an_id(call: Call) -> None:
    """Whether there is such an image is not looked at: moto has a few of those that there are."""
    image = str(call.parameters.get("ImageId") or "")
    if image and not image.startswith(_BY_PARAMETER) and not _IMAGE.fullmatch(image):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{image}" (expecting "ami-...")', 400)


def _network_is_there(call: Call) -> None:
    vpc = call.parameters.get("VpcId")
    if vpc and vpc not in _known(call).vpcs:
        raise AwsError("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist", 400)


def _groups_are_there(call: Call, groups: Iterable[str]) -> None:
    known = _known(call)
    for group in groups:
        if known.get_security_group_from_id(group) is None:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{group}' does not exist", 400)


def _interface_has_groups(call: Call) -> None:
    _groups_are_there(call, call.parameters.get("Groups") or ())


def _endpoint_has_groups(call: Call) -> None:
    _groups_are_there(call, call.parameters.get("SecurityGroupIds") or call.parameters.get("AddSecurityGroupIds") or ())


def _zone_is_of_the_region(call: Call) -> None:
    there = RegionsAndZonesBackend.zones.get(call.region) or []
    for parameter, names in (
        ("AvailabilityZone", [zone.name for zone in there]),
        ("AvailabilityZoneId", [zone.zone_id for zone in there]),
    ):
        asked = call.parameters.get(parameter)
        if asked and asked not in names:
            raise AwsError(
                "InvalidParameterValue",
                f"Value ({asked}) for parameter {parameter[0].lower()}{parameter[1:]} is invalid. "
                f"Subnets can currently only be created in the following availability zones: {', '.join(names)}.",
                400,
            )


def _nat_gateway_is_there(call: Call) -> None:
    name = call.parameters.get("NatGatewayId")
    if name and name not in _known(call).nat_gateways:
        raise AwsError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{name}' does not exist", 400)


def _association_is_there(call: Call) -> None:
    known, name = _known(call), call.parameters["AssociationId"]
    if not any(name in acl._associations for acl in known.network_acls.values()):
        raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{name}' does not exist", 400)
    # moto looks for it once the old association is gone.
    wanted = call.parameters["NetworkAclId"]
    if wanted not in known.network_acls:
        raise AwsError("InvalidNetworkAclID.NotFound", f"The network acl ID '{wanted}' does not exist", 400)


_REFUSALS: Mapping[str, Before] = {
    "CreateNetworkInterface": _interface_has_groups,
    "CreateRoute": _nat_gateway_is_there,
    "CreateSecurityGroup": _network_is_there,
    "CreateSubnet": _zone_is_of_the_region,
    "CreateVpcEndpoint": _endpoint_has_groups,
    "ModifyVpcEndpoint": _endpoint_has_groups,
    "ReplaceNetworkAclAssociation": _association_is_there,
    "ReplaceRoute": _nat_gateway_is_there,
    "RunInstances": _image_is_an_id,
}
