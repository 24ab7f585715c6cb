"""Route 53: a record is refused if it is there, and not if it was there once, as moto does; removing one by its
identifier leaves records of other names alone, which moto takes along; ids of hosted zones begin with Z, as all of
Route 53's do.

Source: Amazon Route 53 API Reference, ResourceRecordSet: an identifier is unique among records of one name and type;
ChangeResourceRecordSets: InvalidChangeBatch for a CREATE of what exists.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.route53 import models
from moto.route53.models import route53_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction


def _zone_id(*given: Any, **named: Any) -> str:
    return f"Z{_moto_zone_id(*given, **named)[:_ZONE_ID]}"


_ZONE_ID = 20
_moto_zone_id = models.create_route53_zone_id
models.create_route53_zone_id = _zone_id


def route53() -> Correction:
    """What is put right in Route 53."""
    others = threading.local()

    def look(call: Call) -> None:
        for change in call.parameters["ChangeBatch"]["Changes"]:
            if change["Action"] == "CREATE":
                _create(_zone(call), change["ResourceRecordSet"])
        removed = [
            change["ResourceRecordSet"]
            for change in call.parameters["ChangeBatch"]["Changes"]
            if change["Action"] == "DELETE" and "SetIdentifier" in change["ResourceRecordSet"]
        ]
        zone = _zone(call)
        others.kept = [
            record
            for record in (zone.rrsets if zone is not None else ())
            for one in removed
            if record.set_identifier == one["SetIdentifier"] and not _same(record, one)
        ]

    def put_back(call: Call, answer: dict[str, Any]) -> Answer:
        zone = _zone(call)
        for record in others.kept:
            if all(one is not record for one in zone.rrsets):
                zone.rrsets.append(record)
        return answer

    return Correction(
        "route53",
        before={"ChangeResourceRecordSets": look},
        after={"ChangeResourceRecordSets": put_back},
    )


def _zone(call: Call) -> Any:
    zones: Any = route53_backends[call.account]["aws"].zones
    return zones.get(str(call.parameters["HostedZoneId"]).removeprefix("/hostedzone/"))


def _create(zone: Any, wanted: Any) -> None:
    """Raises AwsError for a record that is there; forgets one that was there once."""
    if zone is None:
        return
    name, identifier = str(wanted["Name"]).rstrip("."), wanted.get("SetIdentifier")
    if any(_same(record, wanted) and record.set_identifier == identifier for record in zone.rrsets):
        raise AwsError(
            "InvalidChangeBatch",
            f"[Tried to create resource record set [name='{name}.', type='{wanted['Type']}'] but it already exists]",
        )
    zone.rr_changes[:] = [
        change
        for change in zone.rr_changes
        if change["Action"] != "CREATE"
        or (change["ResourceRecordSet"]["Name"], change["ResourceRecordSet"]["Type"]) != (name, wanted["Type"])
    ]


def _same(record: Any, removed: Any) -> bool:
    return bool(record.name.rstrip(".") == str(removed["Name"]).rstrip(".") and record.type == removed["Type"])
