"""From what a cluster or the network says to csoc's errors, in one place.

Source of reasons: Kubernetes, apimachinery/pkg/apis/meta/v1/types.go (StatusReason).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.clusters.client import ExpiredError
from csoc.errors import (
    ConflictError,
    CsocError,
    DeniedError,
    NotFoundError,
    RejectedError,
    UnavailableError,
)
from csoc.fleet.masking import mask_text
from csoc.fleet.shapes import mapping, mappings

_LONGEST = 2_000
# Server-side apply answers 500 to an object that does not fit the schema (apiserver, handlers/patch.go).
_NOT_TYPED = "failed to create typed patch object"


# What the API server says of a path below which it serves nothing, such as a group that is not installed.
_NO_SUCH_PATH = b"404 page not found"


def from_answer(status: int, body: bytes, place: str, *, retry_after: str = "") -> CsocError | ExpiredError:
    """The error for an answer that is none of success. body: a Status object, or whatever stood there instead.
    retry_after: the header of that name."""
    told = _status(body)
    message = mask_text(str(told.get("message") or body[:_LONGEST].decode("utf-8", "replace") or f"HTTP {status}"))
    message = " ".join(message.split())[:_LONGEST]
    reason = told.get("reason", "")
    if status == 410 or reason in ("Expired", "Gone"):
        return ExpiredError(message)
    if status == 401:
        return DeniedError(
            f"The cluster does not know who asks: {message}", place=place, fix="Renew or replace the credential"
        )
    if status == 403:
        return DeniedError(f"The cluster refuses this: {message}", place=place, fix="Give the identity this right")
    if status == 404 and not told and not body.startswith(_NO_SUCH_PATH):
        return UnavailableError(
            f"Something before the cluster answered, which says nothing about what is there: {message}",
            place=place,
            fix="Look at the address, and at the proxies and gateways on the way",
        )
    if status == 404:
        return NotFoundError(message, place=place)
    if status == 409:
        return ConflictError(_conflict(message, told), place=place, fix="Look at what is there now and decide anew")
    if status == 500 and message.startswith(_NOT_TYPED):
        return RejectedError(f"The cluster does not accept this: {message}", place=place)
    if status in (408, 429) or status >= 500:
        when = f"in {retry_after} s" if retry_after.isdecimal() and len(retry_after) < 7 else "in a moment"
        return UnavailableError(f"The cluster cannot answer now: {message}", place=place, fix=f"Try again {when}")
    if 300 <= status < 400:
        return UnavailableError(
            "The address sends elsewhere, and csoc takes its credential nowhere else",
            place=place,
            fix="Give the address of the API server itself",
        )
    return RejectedError(f"The cluster does not accept this: {message}", place=place)


def _conflict(message: str, told: Mapping[str, Any]) -> str:
    """With each field in conflict and who manages it, which the message only holds for one."""
    fields = [
        mask_text(f"{cause.get('field')} ({cause.get('message')})")[:_LONGEST]
        for cause in mappings(mapping(told.get("details")).get("causes"))
        if cause.get("reason") == "FieldManagerConflict"
    ]
    return f"{message} Fields: {'; '.join(fields[:20])}" if len(fields) > 1 else message


def _status(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) and found.get("kind") == "Status" else {}
