"""Port: what an account still holds of an owner, asked of the account itself.

A plan says what will be kept; this says what is there. The account finds things by their tags, so what was never tagged
is not among them, and a service may name something for a while that is gone already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from csoc.errors import DeniedError, NotFoundError
from csoc.provisioning.plans import LayerPlan


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that is there. type: "s3 bucket". layer: of the owner, "" where no tag says so. kept_by: why it is
    there, in words; "" where csoc does not know. owner: its uid, where more than one was asked for. resource: what its
    template calls it, where that is known."""

    arn: str
    type: str
    name: str
    layer: str = ""
    kept_by: str = ""
    owner: str = ""
    resource: str = ""

    def __str__(self) -> str:
        of = f", {self.resource} of the layer {self.layer}" if self.resource else ""
        return f"{self.name} ({self.type}{of}): {self.kept_by or 'no stack of csoc keeps it; look whose it is'}"


class Leftovers(Protocol):
    """See the module."""

    def of_owner(self, uid: str) -> Sequence[Left]:
        """What has the tag csoc:owner with that uid, by name. Raises DeniedError, UnavailableError."""
        ...

    def doors_in(self, vpc: str) -> Sequence[Left]:
        """Security groups in a network that have the tag csoc:owner, whosever they are, by name. Raises as
        `of_owner`."""
        ...

    def validation_records_in(self, zone: str, domain: str) -> Sequence[str]:
        """Names of the records in a hosted zone with which AWS validates certificates of a domain. Raises NotFoundError
        (there is no such zone), and as `of_owner`."""
        ...


class LeftoverPlaces(Protocol):
    """Leftovers in linked accounts, as one person's session for one task; arguments and errors are those of Places."""

    def leftovers_at(self, account: str, account_id: str, region: str, *, person: str, task: str) -> Leftovers: ...


def type_of(arn: str) -> tuple[str, str]:
    """Type and name, from an ARN: ("s3 bucket", "data"), ("rds cluster", "heart").

    Source: "Amazon Resource Names (ARNs)": arn:partition:service:region:account:type/id, type:id or id."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return "", arn
    service, rest = parts[2], parts[5]
    if service in _ONE_TYPE:
        return f"{service} {_ONE_TYPE[service]}", rest
    for separator in sorted(":/", key=lambda one: rest.find(one) if one in rest else len(rest)):
        kind, found, name = rest.partition(separator)
        if found:
            return f"{service} {kind}", name
    return service, rest


_ONE_TYPE: Mapping[str, str] = {"s3": "bucket", "sns": "topic", "sqs": "queue"}
"""Services whose ARNs hold no type."""

_CERTIFICATE = "AWS::CertificateManager::Certificate"
_POLICIES = {
    "Retain": "kept, as its template says",
    "RetainExceptOnCreate": "kept, as its template says",
    "Snapshot": "the last snapshot, which its template asks for",
}
_EARLIER = "an earlier stack of the layer {layer} left it, or it is being deleted"


def explained(
    found: Iterable[Left], layers: Iterable[LayerPlan], resources: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> tuple[Left, ...]:
    """What was found, each with the policy that keeps it, and what a plan keeps that the account's list does not name.
    layers: of the plan that destroyed them. resources: of their templates, by layer."""
    kept = [
        (layer.layer, change, _policy(resources.get(layer.layer, {}).get(change.logical_id, {})))
        for layer in layers
        for change in layer.changes
        if change.kept and change.physical_id
    ]
    named = sorted(found, key=lambda one: (one.layer, one.type, one.name))
    result: list[Left] = []
    seen: set[str] = set()
    for one in named:
        match = next((entry for entry in kept if _is_same(one, entry[1].physical_id)), None)
        if match is not None:
            seen.add(match[1].physical_id)
            one = replace(one, layer=one.layer or match[0], kept_by=match[2], resource=match[1].logical_id)
        elif one.type == "rds cluster-snapshot":
            one = replace(one, kept_by=_POLICIES["Snapshot"])
        elif one.layer:
            one = replace(one, kept_by=_EARLIER.format(layer=one.layer))
        result.append(one)
    for layer, change, policy in kept:
        if change.physical_id not in seen and policy != _POLICIES["Snapshot"]:
            seen.add(change.physical_id)
            said = f"{policy}; the account's list of tags does not name it"
            result.append(Left("", change.type, change.physical_id, layer, said, resource=change.logical_id))
    return tuple(result)


def validation_records(
    layers: Iterable[LayerPlan],
    resources: Mapping[str, Mapping[str, Mapping[str, Any]]],
    leftovers: Leftovers,
) -> Iterator[Left]:
    """The records in hosted zones that validated the certificates which a plan deletes: CloudFormation makes them and
    deletes none, and no tag names them. layers, resources: as `explained`. A zone that csoc
    may not look into has one by the form of its name."""
    gone = [(one.layer, change) for one in layers for change in one.changes if change.type == _CERTIFICATE]
    for layer, change in gone:
        properties = resources.get(layer, {}).get(change.logical_id, {}).get("Properties", {})
        for option in properties.get("DomainValidationOptions") or ():
            zone, domain = option.get("HostedZoneId"), option.get("DomainName")
            if isinstance(zone, str) and isinstance(domain, str):
                why = "CloudFormation made it to validate the certificate, and deletes none; delete it in Route 53"
                for name in _validated(leftovers, zone, domain):
                    yield Left("", f"CNAME record in the hosted zone {zone}", name, layer, why)


def _validated(leftovers: Leftovers, zone: str, domain: str) -> Sequence[str]:
    domain = domain.removeprefix("*.")
    try:
        return leftovers.validation_records_in(zone, domain)
    except (DeniedError, NotFoundError):
        return (f"_….{domain}",)


def _policy(resource: Mapping[str, Any]) -> str:
    return _POLICIES.get(str(resource.get("DeletionPolicy")), _POLICIES["Retain"])


def _is_same(one: Left, physical_id: str) -> bool:
    return physical_id in (one.arn, one.name) or one.arn.endswith((f"/{physical_id}", f":{physical_id}"))
