"""Tables, as kubectl prints them: the server decides on the columns.

Sources: Kubernetes, pkg/printers/internalversion/printers.go; apiextensions-apiserver,
pkg/registry/customresource/tableconvertor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from csoc.emulator.kubernetes.access.requests import Query
from csoc.emulator.kubernetes.api import columns
from csoc.emulator.kubernetes.api.cells import age
from csoc.emulator.kubernetes.api.columns import Column
from csoc.emulator.kubernetes.api.jsonpaths import first
from csoc.emulator.kubernetes.api.partial import partial
from csoc.emulator.kubernetes.kinds.types import ResourceType

Object = dict[str, Any]


def table(
    type_: ResourceType, bodies: Sequence[Object], metadata: Object, query: Query, now: datetime | None = None
) -> Object:
    """A Table of objects."""
    moment = now or datetime.now(UTC)
    shown = _custom(type_) if type_.custom is not None else columns.of(type_)
    include = query.text("includeObject") or "Metadata"
    rows = []
    for body in bodies:
        row: Object = {"cells": [column.cell(body, moment) for column in shown]}
        conditions = columns.row_conditions(type_, body)
        if conditions:
            row["conditions"] = conditions
        if include == "Metadata":
            row["object"] = partial(body)
        else:
            row["object"] = body if include == "Object" else None
        rows.append(row)
    definitions = [column.definition() for column in shown]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _custom(type_: ResourceType) -> list[Column]:
    """Name, what the definition says, or else the age."""
    custom = type_.custom
    assert custom is not None  # noqa: S101 - tells the type checker
    own = [
        Column(
            told["name"],
            _cell(told["jsonPath"], told.get("type", "string")),
            told.get("type", "string"),
            told.get("priority", 0),
            told.get("format", ""),
            told.get("description", ""),
        )
        for told in custom.columns
    ]
    return [columns.NAME, *(own or [columns.AGE])]


def _cell(path: str, kind: str) -> Callable[[Object, datetime], Any]:
    def cell(body: Object, now: datetime) -> Any:
        value = first(path, body)
        if value is None:
            return None
        if kind == "date":
            return age(str(value), now)
        if kind == "string" and not isinstance(value, str):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return value

    return cell
