"""Which fields somebody owns: sets of paths, and their form on the wire (FieldsV1).

A path is a tuple of elements as FieldsV1 writes them: "f:name", 'k:{"name":"a"}', 'v:"x"'. Plain Python sets of such
tuples make union and difference what they are called. Source: structured-merge-diff, fieldpath/serialize.go and
serialize-pe.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from csoc.emulator.kubernetes.kinds.schemas import KEYED, LIST, MAP, Schema

Path = tuple[str, ...]
FieldSet = frozenset[Path]
EMPTY: FieldSet = frozenset()


def decoded(fields: Mapping[str, Any]) -> FieldSet:
    """The set that a fieldsV1 holds."""
    found: set[Path] = set()
    _decode(fields, (), found)
    return frozenset(found)


def _decode(fields: Mapping[str, Any], path: Path, found: set[Path]) -> None:
    for element, below in fields.items():
        if element == ".":
            found.add(path)
        elif not below:
            found.add((*path, element))
        else:
            _decode(below, (*path, element), found)


def encoded(paths: Iterable[Path]) -> dict[str, Any]:
    """The fieldsV1 of a set."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _without_lonely_dots(tree)


def _without_lonely_dots(tree: dict[str, Any]) -> dict[str, Any]:
    for element, below in tree.items():
        if element != ".":
            tree[element] = {} if list(below) == ["."] else _without_lonely_dots(below)
    return tree


def field(name: str) -> str:
    return f"f:{name}"


def item(schema: Schema, value: Any) -> str | None:
    """The element for an item of a set or keyed list; None if the item has no key."""
    if schema.list_type != KEYED:
        return f"v:{_json(value)}" if not isinstance(value, dict | list) and value is not None else None
    if not isinstance(value, dict):
        return None
    keys = {}
    for key in schema.keys:
        if key in value:
            keys[key] = value[key]
        elif schema.element is not None and key in schema.element.defaults:
            keys[key] = schema.element.defaults[key]
    return f"k:{_json(keys)}" if keys else None


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def named(paths: FieldSet, schema: Schema) -> FieldSet:
    """With the fields of structs on the way to each path as members (EnsureNamedFieldsAreMembers)."""
    found = set(paths)
    for path in paths:
        node: Schema | None = schema
        for index, element in enumerate(path[:-1]):
            if node is not None and node.kind == MAP and element.startswith("f:") and element[2:] in node.fields:
                found.add(path[: index + 1])
            node = _below(node, element)
    return frozenset(found)


def _below(schema: Schema | None, element: str) -> Schema | None:
    if schema is None:
        return None
    if schema.kind == MAP and element.startswith("f:"):
        return schema.child(element[2:])
    if schema.kind == LIST:
        return schema.element
    return None


def shown(path: Path) -> str:
    """A path as messages write it: .spec.containers[name="a"].image"""
    text = ""
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            keys = json.loads(rest)
            text += "[" + ",".join(f"{key}={_json(value)}" for key, value in sorted(keys.items())) + "]"
        elif kind == "v":
            text += f"[={rest}]"
        else:
            text += f"[{rest}]"
    return text
