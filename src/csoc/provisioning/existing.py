"""Layers that are there already: their outputs from a stack, from parameters or from plain values, read and never
changed.

Most who come to csoc have a network, and often a database. What another layer needs of it is read where it stands,
under whatever names its makers chose, so that nobody copies an id by hand; and csoc says when what stands there has
changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from csoc.errors import DeniedError, NotFoundError, RejectedError
from csoc.fleet.documents.infrastructure import LayerSource
from csoc.provisioning.layers import Layer
from csoc.provisioning.stacks import Drifted, Stacks

_SHAPES: Mapping[str, tuple[str, str]] = {
    "VpcId": (r"vpc-[0-9a-f]{8,17}", "a VPC's id (vpc-...)"),
    "VpcCidr": (r"[0-9.]{7,15}/[0-9]{1,2}", "a network such as 10.0.0.0/16"),
    "PublicSubnetIds": (r"subnet-[0-9a-f]{8,17}(,subnet-[0-9a-f]{8,17})*", "ids of subnets, joined by commas"),
    "PrivateSubnetIds": (r"subnet-[0-9a-f]{8,17}(,subnet-[0-9a-f]{8,17})*", "ids of subnets, joined by commas"),
    "IsolatedSubnetIds": (r"subnet-[0-9a-f]{8,17}(,subnet-[0-9a-f]{8,17})*", "ids of subnets, joined by commas"),
    "PrivateRouteTableIds": (r"rtb-[0-9a-f]{8,17}(,rtb-[0-9a-f]{8,17})*", "ids of route tables, joined by commas"),
    "WebAclArn": (r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/.+", "the ARN of a regional web ACL"),
    "ClusterArn": (r"arn:aws[a-z-]*:eks:[a-z0-9-]+:\d{12}:cluster/.+", "the ARN of an EKS cluster"),
    "ClusterEndpoint": (r"https://[A-Za-z0-9.:-]+", "the https address of an API server"),
    "ClusterSecurityGroupId": (r"sg-[0-9a-f]{8,17}", "a security group's id (sg-...)"),
    "OidcProviderArn": (r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/.+", "the ARN of an OIDC provider"),
    "OidcIssuer": (r"(https://)?[A-Za-z0-9./-]+", "the issuer of the cluster's tokens"),
    "DatabaseEndpoint": (r"[a-z0-9.-]+", "a host name"),
    "DatabasePort": (r"[0-9]{2,5}", "a port"),
    "DatabaseSecretArn": (r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+", "the ARN of a secret"),
    "DatabaseKeyArn": (r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/.+", "the ARN of a key"),
    "DatabaseSecurityGroupId": (r"sg-[0-9a-f]{8,17}", "a security group's id (sg-...)"),
    "SearchEndpoint": (r"[a-z0-9.-]*", "a host name, without https://"),
    "SearchDomainArn": (r"(arn:aws[a-z-]*:es:[a-z0-9-]+:\d{12}:domain/.+|-)?", "the ARN of a search domain"),
    "CertificateArn": (r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/.+", "the ARN of a certificate"),
}
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Existing:
    """A layer that is there. outputs: as the contract names them. missing: outputs of the contract that are not there,
    with where they were looked for. drifted: of its stack, if it is one that was asked for drift."""

    outputs: Mapping[str, str]
    missing: Mapping[str, str]
    drifted: tuple[Drifted, ...] = ()


def read_existing(layer: Layer, source: LayerSource, stacks: Stacks, *, look_for_drift: bool = False) -> Existing:
    """What stands there now. An output that is not there is named and is no error until somebody needs it.

    Raises RejectedError (an output is not of the kind that it must be, with what was expected), NotFoundError (the
    stack is not there), DeniedError, UnavailableError.
    """
    if source.stack is not None:
        try:
            state = stacks.find(source.stack)
        except DeniedError as error:
            raise _unreadable(f"the stack {source.stack}", f"layer {layer.name}", error) from error
        if state is None:
            raise NotFoundError(
                f"There is no stack {source.stack}, from which the layer {layer.name} is read",
                place=source.stack,
                fix="Correct its name in the document, or the account and region",
            )
        outputs, missing = _named(layer, source, state.outputs, f"the stack {source.stack}")
        drifted = tuple(stacks.drift(source.stack)) if look_for_drift else ()
        return Existing(outputs, missing, drifted)
    if source.parameters is not None:
        prefix = source.parameters.rstrip("/")
        found: dict[str, str] = {}
        for name, path in parameters_of(layer, source).items():
            try:
                found[name] = stacks.parameter(path)
            except NotFoundError:
                continue
            except DeniedError as error:
                raise _unreadable(f"the parameter {path}", f"layer {layer.name}", error) from error
        outputs, missing = _named(layer, source, found, f"the parameters below {prefix}/")
        return Existing(outputs, missing)
    outputs, missing = _named(layer, source, source.values, "the document's values")
    return Existing(outputs, missing)


def parameters_of(layer: Layer, source: LayerSource) -> dict[str, str]:
    """Paths of the parameters that a layer is read from, by the name that each has there."""
    prefix = (source.parameters or "").rstrip("/")
    wanted = [source.names.get(output.name, output.name) for output in layer.outputs] if prefix else []
    return {name: name if name.startswith("/") else f"{prefix}/{name}" for name in wanted}


def _unreadable(what: str, place: str, error: DeniedError) -> DeniedError:
    return DeniedError(
        f"The link's role cannot read {what}, from which the {place} is taken",
        place=error.place,
        fix="Update the link's stack as `csoc account link ACCOUNT` says: it asks for what documents name. Or paste "
        "the statement that `csoc account verify ACCOUNT` shows. Or write the outputs themselves under `from.values`",
    )


def changed_since(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Outputs that are not what they were when something was last made from them, in sentences."""
    return tuple(
        f"{name} was {before[name]} and is {now.get(name) or 'not there'}"
        for name in sorted(before)
        if now.get(name) != before[name]
    )


def _named(
    layer: Layer, source: LayerSource, found: Mapping[str, str], where: str
) -> tuple[dict[str, str], dict[str, str]]:
    unknown = sorted(set(source.names) - {output.name for output in layer.outputs})
    if unknown:
        known = ", ".join(output.name for output in layer.outputs)
        raise RejectedError(
            f"The layer {layer.name} has no output {unknown[0]}", place=where, fix=f"Its outputs are {known}"
        )
    outputs: dict[str, str] = {}
    missing: dict[str, str] = {}
    for output in layer.outputs:
        name = source.names.get(output.name, output.name)
        value = found.get(name)
        if value is None:
            missing[output.name] = f"{name} in {where}"
            continue
        outputs[output.name] = _checked(layer.name, output.name, value.strip(), where)
    return outputs, missing


def _checked(layer: str, output: str, value: str, where: str) -> str:
    pattern, expected = _SHAPES.get(output, (r"[^\x00-\x1f]+", "a text"))
    if len(value) > _LONGEST or not re.fullmatch(pattern, value):
        raise RejectedError(
            f"{output} of the layer {layer} is not {expected}",
            place=where,
            fix="Correct it, or say under names which output it is",
        )
    return value.removeprefix("https://") if output == "OidcIssuer" else value
