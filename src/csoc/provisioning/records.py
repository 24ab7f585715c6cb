"""Records that somebody must make before a stack goes on: those that show to whom a certificate's domain belongs.

Where the template names no hosted zone, CloudFormation says in an event of the certificate which record is missing, and
waits for it, silently and for days. Events are hostile: only what has the shape of a record is taken from them.

Source: AWS::CertificateManager::Certificate, "DNS validation", CloudFormation template reference.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.fleet.shapes import mapping, mappings
from csoc.provisioning.stacks import StackEvent

_CERTIFICATE = "AWS::CertificateManager::Certificate"
_NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}"
_RECORD = re.compile(rf"\{{Name: ?({_NAME}), ?Type: ?([A-Z]{{1,10}}), ?Value: ?({_NAME})\}}")


@dataclass(frozen=True, slots=True)
class Record:
    """A record of DNS. name, value: without the dot at their end."""

    name: str
    type: str
    value: str

    def __str__(self) -> str:
        return f"{self.name} {self.type} {self.value}"


def validated_by_hand(resources: Mapping[str, Any]) -> frozenset[str]:
    """Logical ids of certificates for which CloudFormation makes no record itself. resources: of a template."""
    return frozenset(
        logical_id
        for logical_id, resource in resources.items()
        if mapping(resource).get("Type") == _CERTIFICATE and not _has_zone(mapping(mapping(resource).get("Properties")))
    )


def _has_zone(properties: Mapping[str, Any]) -> bool:
    return any("HostedZoneId" in one for one in mappings(properties.get("DomainValidationOptions")))


def records_waited_for(events: Sequence[StackEvent], certificates: Collection[str]) -> tuple[Record, ...]:
    """The records that are named for certificates which are not done. events: of one operation, oldest first."""
    found: dict[str, list[Record]] = {}
    for event in events:
        if event.logical_id not in certificates:
            continue
        if not event.status.endswith("_IN_PROGRESS"):
            found.pop(event.logical_id, None)
            continue
        named = [
            Record(name.rstrip("."), kind, value.rstrip(".")) for name, kind, value in _RECORD.findall(event.reason)
        ]
        if named:
            found[event.logical_id] = named
    return tuple(dict.fromkeys(record for records in found.values() for record in records))
