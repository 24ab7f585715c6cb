"""Lists: of one moment, in pages if wanted, with selectors.

A page after the first shows the objects as they were when the first was read. Nothing is kept for that: the store
undoes the changes since. Source: apiserver, pkg/storage/continue.go and pkg/registry/generic/registry/store.go.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.access.requests import Query
from csoc.emulator.kubernetes.kinds import conversion
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects import selectors
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.store import Key, text_of

Object = dict[str, Any]
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page. texts: the objects as JSON. continue_: for the next page, "" if this is the last. remaining: how many
    follow, None if that is not known (with selectors)."""

    texts: list[bytes]
    version: int
    continue_: str = ""
    remaining: int | None = None

    def metadata(self) -> Object:
        found: Object = {"resourceVersion": str(self.version)}
        if self.continue_:
            found["continue"] = self.continue_
        if self.remaining is not None:
            found["remainingItemCount"] = self.remaining
        return found


def listed(objects: Objects, type_: ResourceType, namespace: str, query: Query) -> Listed:
    """The page that a query asks for. Raises ApiError: BadRequest, Expired, Timeout."""
    limit = query.number("limit") or 0
    token = query.text("continue")
    version, after = _start(query, token, limit)
    matches = _matcher(type_, query)
    try:
        rows, at = objects.store.rows(*type_.place, namespace if type_.namespaced else "", version=version)
    except errors.ApiError as error:
        if error.reason != "Expired" or not token:
            raise
        fresh = _token(objects.store.version, after)
        raise _expired(fresh) from error
    rows = [row for row in rows if _place(row[0]) > after] if after else rows
    texts: list[bytes] = []
    served = _server(type_)
    for index, (_, kept) in enumerate(rows):
        if matches is None and limit and len(texts) == limit:
            return Listed(texts, at, _token(at, _place(rows[index - 1][0])), len(rows) - index)
        text = text_of(kept)
        if matches is not None and not matches(served(json.loads(text))):
            continue
        if limit and len(texts) == limit:
            return Listed(texts, at, _token(at, _place(rows[index - 1][0])))
        texts.append(_text(type_, text, served))
    return Listed(texts, at)


def _server(type_: ResourceType) -> Callable[[Object], Object]:
    return lambda body: conversion.served(type_, body)


def _text(type_: ResourceType, text: bytes, served: Callable[[Object], Object]) -> bytes:
    if type_.version == type_.storage_version and type_.group != "events.k8s.io":
        return text
    return json.dumps(served(json.loads(text)), separators=(",", ":"), ensure_ascii=False).encode()


def _matcher(type_: ResourceType, query: Query) -> selectors.Matches | None:
    labels = selectors.label_matcher(query.text("labelSelector"))
    fields = selectors.field_matcher(type_, query.text("fieldSelector"))
    if labels is None or fields is None:
        return labels or fields
    both = (labels, fields)
    return lambda body: all(one(body) for one in both)


matcher = _matcher


def _place(key: Key) -> tuple[str, str]:
    return key.namespace, key.name


def _start(query: Query, token: str, limit: int) -> tuple[int | None, tuple[str, str] | tuple[()]]:
    """The version to read at (None: the newest) and the place after which the page begins."""
    text, match = query.text("resourceVersion"), query.text("resourceVersionMatch")
    if token:
        if text not in ("", "0"):
            raise errors.bad_request("specifying resource version is not allowed when using continue")
        if match:
            raise errors.bad_request("resourceVersionMatch is forbidden for continue")
        version, place = _read_token(token)
        return (None if version < 0 else version), place
    if text and not text.isdigit():
        raise errors.bad_request(f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    if match not in ("", "Exact", "NotOlderThan"):
        causes = [
            {
                "field": "resourceVersionMatch",
                "message": f'Unsupported value: "{match}"',
                "reason": "FieldValueNotSupported",
            }
        ]
        raise errors.invalid("ListOptions", "meta.k8s.io", "", causes)
    if match and not text:
        causes = [
            {
                "field": "resourceVersionMatch",
                "message": "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
                "reason": "FieldValueForbidden",
            }
        ]
        raise errors.invalid("ListOptions", "meta.k8s.io", "", causes)
    if match == "Exact" and text == "0":
        why = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        causes = [{"field": "resourceVersionMatch", "message": why, "reason": "FieldValueForbidden"}]
        raise errors.invalid("ListOptions", "meta.k8s.io", "", causes)
    exact = match == "Exact" or (limit and not match and text not in ("", "0"))
    return (int(text) if exact else None), ()


def newest_is_too_old(objects: Objects, query: Query) -> None:
    """Raises ApiError Timeout if a version is asked for that does not exist yet."""
    text = query.text("resourceVersion")
    if text.isdigit() and int(text) > objects.store.version:
        why = f"Too large resource version: {text}, current: {objects.store.version}"
        details = {
            "retryAfterSeconds": 1,
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        }
        raise errors.ApiError(504, "Timeout", why, details)


def _token(version: int, place: tuple[str, str] | tuple[()]) -> str:
    told = {"v": "meta.k8s.io/v1", "rv": version, "start": list(place)}
    return base64.urlsafe_b64encode(json.dumps(told, separators=(",", ":")).encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        told = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, (namespace, name) = told["rv"], told["start"]
        if not isinstance(version, int) or not isinstance(namespace, str) or not isinstance(name, str):
            raise TypeError("the token holds something else")
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise errors.bad_request(f"invalid continue token: continue key is not valid: {error}") from error
    return version, (namespace, name)


def _expired(token: str) -> errors.ApiError:
    """410 with the token that goes on with what is there by now."""
    error = errors.expired(_EXPIRED)
    error.metadata = {"continue": token}
    return error


def pages(objects: Objects, type_: ResourceType, namespace: str, query: Query) -> Iterator[Object]:
    """All objects that a query selects, as dictionaries; for deletecollection."""
    whole = Query({name: values for name, values in query.values.items() if name not in ("limit", "continue")})
    for text in listed(objects, type_, namespace, whole).texts:
        yield json.loads(text)
