"""Port: what an account still holds of an owner, asked of the account itself.

A plan says what will be kept; this says what is there. The account finds things by their tags, so what was never tagged
is not among them, and a service may name something for a while that is gone already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from csoc.provisioning.plans import LayerPlan


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that is there. type: "s3 bucket". layer: of the owner, "" where no tag says so. kept_by: which policy
    keeps it, in words; "" where csoc knows of none."""

    arn: str
    type: str
    name: str
    layer: str = ""
    kept_by: str = ""

    def __str__(self) -> str:
        why = f", {self.kept_by}" if self.kept_by else ", and no policy of its stack keeps it"
        return f"{self.name} ({self.type}{why})"


class Leftovers(Protocol):
    """See the module."""

    def of_owner(self, uid: str) -> Sequence[Left]:
        """What has the tag csoc:owner with that uid, by name. Raises DeniedError, UnavailableError."""
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
    "Retain": "kept by its deletion policy Retain",
    "RetainExceptOnCreate": "kept by its deletion policy RetainExceptOnCreate",
    "Snapshot": "its deletion policy Snapshot leaves a snapshot of it",
}


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
            one = replace(one, layer=one.layer or match[0], kept_by=match[2])
        elif one.type == "rds cluster-snapshot":
            one = replace(one, kept_by=_POLICIES["Snapshot"])
        result.append(one)
    for layer, change, policy in kept:
        if change.physical_id not in seen and not policy.startswith("its deletion policy Snapshot"):
            said = f"{policy}; the account's list of tags does not name it"
            result.append(Left("", change.type, change.physical_id, layer, said))
    return tuple(result)


def validation_records(
    layers: Iterable[LayerPlan], resources: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> Iterator[Left]:
    """The records in hosted zones that validated the certificates which a plan deletes: CloudFormation makes them and
    deletes none, and no tag names them. layers, resources: as `explained`."""
    gone = [(one.layer, change) for one in layers for change in one.changes if change.type == _CERTIFICATE]
    for layer, change in gone:
        properties = resources.get(layer, {}).get(change.logical_id, {}).get("Properties", {})
        for option in properties.get("DomainValidationOptions") or ():
            zone, domain = option.get("HostedZoneId"), option.get("DomainName")
            if isinstance(zone, str) and isinstance(domain, str):
                why = "CloudFormation made it to validate the certificate, and deletes none; delete it in Route 53"
                yield Left("", f"CNAME record in the hosted zone {zone}", f"_….{domain}", layer, why)


def _policy(resource: Mapping[str, Any]) -> str:
    return _POLICIES.get(str(resource.get("DeletionPolicy")), "kept by its stack's deletion policy")


def _is_same(one: Left, physical_id: str) -> bool:
    return physical_id in (one.arn, one.name) or one.arn.endswith((f"/{physical_id}", f":{physical_id}"))
