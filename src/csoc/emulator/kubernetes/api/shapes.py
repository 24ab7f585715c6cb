"""In which form a client wants its answer: the objects, a table of them, or only their metadata.

Source: apiserver, pkg/endpoints/handlers/negotiation and response.go.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.access.requests import Query
from csoc.emulator.kubernetes.api import tables
from csoc.emulator.kubernetes.api.lists import Listed
from csoc.emulator.kubernetes.api.partial import partial
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
_WHOLE, _TABLE, _METADATA = "", "Table", "PartialObjectMetadata"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is sent. kind: "" for the objects themselves, "Table" or "PartialObjectMetadata"."""

    kind: str = _WHOLE

    def one(self, objects: Objects, type_: ResourceType, body: Object, query: Query) -> Object:
        """One object."""
        if self.kind == _TABLE and body.get("kind") == type_.kind:
            return tables.table(
                type_, [body], {"resourceVersion": body["metadata"]["resourceVersion"]}, query, objects.now()
            )
        if self.kind == _METADATA:
            return partial(body)
        return body

    def many(self, objects: Objects, type_: ResourceType, page: Listed, query: Query) -> bytes:
        """A page of a list."""
        metadata = page.metadata()
        if self.kind == _TABLE:
            bodies = [json.loads(text) for text in page.texts]
            return _json(tables.table(type_, bodies, metadata, query, objects.now()))
        if self.kind == _METADATA:
            items = [partial(json.loads(text)) for text in page.texts]
            kind = "PartialObjectMetadataList"
            return _json({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items})
        head = {"kind": f"{type_.kind}List", "apiVersion": type_.api_version, "metadata": metadata}
        page_texts = [_without_type(text) for text in page.texts] if type_.custom is None else page.texts
        return _json(head)[:-2] + b',"items":[' + b",".join(page_texts) + b"]}\n"

    def watched(self, objects: Objects, type_: ResourceType, query: Query) -> Callable[[Object], Object]:
        """What a watch shows of an object; tables say their columns once."""
        if self.kind == _METADATA:
            return partial
        if self.kind != _TABLE:
            return lambda body: body
        first = [True]

        def show(body: Object) -> Object:
            if "annotations" in body["metadata"] and "uid" not in body["metadata"]:
                return tables.table(type_, [], {**body["metadata"]}, query, objects.now())
            found = tables.table(
                type_, [body], {"resourceVersion": body["metadata"]["resourceVersion"]}, query, objects.now()
            )
            if not first[0]:
                found["columnDefinitions"] = None
            first[0] = False
            return found

        return show


def _json(body: Object) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _without_type(text: bytes) -> bytes:
    """Items of built-in lists do not repeat their kind; kept objects begin with it or hold it somewhere."""
    body = json.loads(text)
    body.pop("kind", None)
    body.pop("apiVersion", None)
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def accepted(header: str) -> Accepted:
    """The first form of the Accept header that the emulator has. Raises ApiError NotAcceptable.

    protobuf is not offered; clients that ask for it name JSON as well and get that.
    """
    for part in header.split(",") if header.strip() else ["*/*"]:
        media, *parameters = (text.strip() for text in part.split(";"))
        told = dict(text.split("=", 1) for text in parameters if "=" in text)
        if media not in ("application/json", "*/*", "application/*"):
            continue
        kind = told.get("as", "")
        if kind in (_TABLE, "PartialObjectMetadata", "PartialObjectMetadataList"):
            if told.get("g") == "meta.k8s.io" and told.get("v") in ("v1", "v1beta1"):
                return Accepted(_TABLE if kind == _TABLE else _METADATA)
            continue
        if not kind:
            return Accepted()
    why = "only the following media types are accepted: application/json"
    raise errors.ApiError(406, "NotAcceptable", why, {})
