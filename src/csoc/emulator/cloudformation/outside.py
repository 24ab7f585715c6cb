"""What templates take from an account: SSM parameters, secrets, and whether what a parameter names exists.

Everything is read in the name of whoever runs the stack, so that what they may not read fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.cloudformation.template.model import TemplateError, text_of

SERVICE = "cloudformation.amazonaws.com"
_ZONES = "abc"


class Acting(Protocol):
    """Clients that call services in somebody's name; see cloud.inside."""

    def client(self, service: str, region: str) -> Any: ...

    def act_as(self, identity: Identity, service: str) -> None: ...


class Outside:
    """Values that templates take from other services, read in the name of whoever runs the stack."""

    def __init__(self, inside: Acting) -> None:
        self._inside = inside

    def zones(self, region: str) -> tuple[str, ...]:
        """Availability zones of a region, in order."""
        return tuple(f"{region}{letter}" for letter in _ZONES)

    def ssm_parameter(self, identity: Identity, region: str, name: str) -> str:
        """The value behind a parameter of an SSM type. Raises TemplateError if there is none or it may not be read."""
        try:
            return self._ssm(identity, region, name)
        except KeyError:
            raise TemplateError(f"Unable to fetch parameters [{name}] from parameter store for this account.") from None

    def resolved(self, identity: Identity, region: str, service: str, reference: str) -> str:
        """The value behind a dynamic reference. Raises TemplateError."""
        if service in ("ssm", "ssm-secure"):
            try:
                return self._ssm(identity, region, reference, decrypt=service == "ssm-secure")
            except KeyError:
                raise TemplateError(f"Parameters: [{service}:{reference}] cannot be found.") from None
        if service == "secretsmanager":
            return self._secret(identity, region, reference)
        raise TemplateError(f"Template error: unknown service {service} in a dynamic reference")

    def exists(self, identity: Identity, region: str, kind: str, value: str) -> bool:
        """True if the account has what a value of an AWS-specific parameter type names."""
        if kind == "AWS::EC2::AvailabilityZone::Name":
            return value in self.zones(region)
        if kind == "AWS::SSM::Parameter::Name":
            try:
                self._ssm(identity, region, value)
            except KeyError:
                return False
            return True
        if kind not in _LISTS:
            return True
        return any(_LISTS[kind].name_of(found) == value for found in self._found(identity, region, kind))

    def all_of(self, identity: Identity, region: str, kind: str) -> list[str]:
        """All values of an AWS-specific parameter type that the account has. Raises TemplateError for other types."""
        if kind == "AWS::EC2::AvailabilityZone::Name":
            return list(self.zones(region))
        if kind not in _LISTS:
            raise TemplateError(f"Template error: {kind} is not a type that Fn::RefAll and Fn::ValueOfAll know")
        return [str(_LISTS[kind].name_of(found)) for found in self._found(identity, region, kind)]

    def attribute_of(self, identity: Identity, region: str, kind: str, value: str, attribute: str) -> str:
        """An attribute of what a value names ("VpcId", "Tags.team"). Raises TemplateError if there is none."""
        for found in self._found(identity, region, kind) if kind in _LISTS else ():
            if _LISTS[kind].name_of(found) != value:
                continue
            if attribute.startswith("Tags."):
                tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}
                return str(tags.get(attribute.removeprefix("Tags."), ""))
            if attribute in found:
                return text_of(found[attribute])
        raise TemplateError(f"Template error: {value} of type {kind} has no attribute {attribute} for Fn::ValueOf")

    def _found(self, identity: Identity, region: str, kind: str) -> list[Mapping[str, Any]]:
        listing = _LISTS[kind]
        self._inside.act_as(identity, SERVICE)
        try:
            return list(listing.ask(self._inside.client(listing.service, region)))
        except (ClientError, BotoCoreError) as error:
            raise TemplateError(f"Parameter validation failed: {error}") from None

    def _ssm(self, identity: Identity, region: str, name: str, decrypt: bool = False) -> str:
        """Raises KeyError if the parameter does not exist, TemplateError if it cannot be read."""
        self._inside.act_as(identity, SERVICE)
        try:
            found = self._inside.client("ssm", region).get_parameter(Name=name, WithDecryption=decrypt)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ParameterNotFound", "ParameterVersionNotFound"):
                raise KeyError(name) from None
            raise TemplateError(str(error)) from None
        except BotoCoreError as error:
            raise TemplateError(str(error)) from None
        return str(found["Parameter"]["Value"])

    def _secret(self, identity: Identity, region: str, reference: str) -> str:
        """id:SecretString:key:stage:version, of which only the id has to be there."""
        match = re.fullmatch(
            r"(?P<id>arn:[^:]*:secretsmanager:[^:]*:[0-9]*:secret:[^:]+|[^:]+)"
            r"(:SecretString(:(?P<key>[^:]*))?(:(?P<stage>[^:]*))?(:(?P<version>[^:]*))?)?",
            reference,
        )
        if match is None:
            raise TemplateError(f"Template error: the dynamic reference to {reference} is malformed")
        named = {"SecretId": match["id"]}
        named |= {"VersionStage": match["stage"]} if match["stage"] else {}
        named |= {"VersionId": match["version"]} if match["version"] else {}
        self._inside.act_as(identity, SERVICE)
        try:
            text = str(self._inside.client("secretsmanager", region).get_secret_value(**named)["SecretString"])
        except (ClientError, BotoCoreError) as error:
            raise TemplateError(str(error)) from None
        if not match["key"]:
            return text
        try:
            return text_of(json.loads(text)[match["key"]])
        except (ValueError, KeyError, TypeError):
            raise TemplateError(
                f"Could not find a value associated with JSONKey in SecretString ({match['id']})"
            ) from None


class _Listing:
    """How a service tells what there is of a parameter type."""

    def __init__(self, service: str, method: str, member: str, name: str, **asked: Any) -> None:
        self.service = service
        self._method = method
        self._member = member
        self._name = name
        self._asked = asked

    def ask(self, client: Any) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        if client.can_paginate(self._method):
            for page in client.get_paginator(self._method).paginate(**self._asked):
                found += page[self._member]
        else:
            found += getattr(client, self._method)(**self._asked)[self._member]
        if self._member == "Reservations":
            return [instance for reservation in found for instance in reservation["Instances"]]
        return found

    @property
    def name_of(self) -> Callable[[Mapping[str, Any]], Any]:
        return lambda found: str(found.get(self._name, "")).removeprefix("/hostedzone/")


_LISTS: Mapping[str, _Listing] = {
    "AWS::EC2::Image::Id": _Listing("ec2", "describe_images", "Images", "ImageId"),
    "AWS::EC2::Instance::Id": _Listing("ec2", "describe_instances", "Reservations", "InstanceId"),
    "AWS::EC2::KeyPair::KeyName": _Listing("ec2", "describe_key_pairs", "KeyPairs", "KeyName"),
    "AWS::EC2::SecurityGroup::GroupName": _Listing("ec2", "describe_security_groups", "SecurityGroups", "GroupName"),
    "AWS::EC2::SecurityGroup::Id": _Listing("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    "AWS::EC2::Subnet::Id": _Listing("ec2", "describe_subnets", "Subnets", "SubnetId"),
    "AWS::EC2::Volume::Id": _Listing("ec2", "describe_volumes", "Volumes", "VolumeId"),
    "AWS::EC2::VPC::Id": _Listing("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    "AWS::Route53::HostedZone::Id": _Listing("route53", "list_hosted_zones", "HostedZones", "Id"),
}
