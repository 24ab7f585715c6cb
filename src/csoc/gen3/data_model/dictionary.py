"""The data dictionary of a commons: which nodes there are, what they hold, and how they are linked.

A dictionary is published as one JSON file, schema.json, whose keys are the names of the YAML files that it was made of
("case.yaml", "_definitions.yaml") and whose values are what stood in them. Nodes borrow most of their properties from
"_definitions.yaml" and their descriptions from "_terms.yaml" by "$ref", so nothing can be said of a node before its
references are followed. Anybody may publish such a file: its size, its depth and its references are bounded here.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from csoc.errors import RejectedError

SIZE_BYTES = 12_000_000
_ELEMENTS = 1_500_000  # values in the file; the largest real dictionary has a tenth of it
_NODES = 2_000
_PROPERTIES = 20_000  # of one node
_REFERENCES = 30  # how many references may follow one another
_STEPS = 400_000  # of following references, for the whole dictionary
_LINK_DEPTH = 20
_BESIDE = frozenset({"_definitions.yaml", "_terms.yaml", "_settings.yaml", "metaschema.yaml"})


@dataclass(frozen=True, slots=True)
class Link:
    """From a node to another. name: as the node calls it; backref: as the other one calls the way back. multiplicity:
    "one_to_one", "many_to_one", ..., or "" if the dictionary does not say."""

    name: str
    target: str
    backref: str
    multiplicity: str


@dataclass(frozen=True, slots=True)
class Node:
    """One kind of record. properties: name to the JSON types that a value may have ("string", "integer", ...; empty if
    the dictionary does not say); links are not among them."""

    name: str
    category: str
    properties: Mapping[str, frozenset[str]]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A whole dictionary. digest: sha256 of what it was read from, as 64 hex digits. note: why this is an old copy, and
    of when, or ""; note_fix: what to do about that."""

    nodes: Mapping[str, Node]
    digest: str = ""
    note: str = ""
    note_fix: str = ""
    _edges: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def edge(self, node: str, name: str) -> str | None:
        """The node that one gets to from a node by a link's name, or by the backref of a link that points to it."""
        return self._edges.get(node, {}).get(name)

    def edges(self, node: str) -> Mapping[str, str]:
        """All links from a node and to it, by their name there, with the node at the other end."""
        return self._edges.get(node, {})

    def has(self, node: str, name: str) -> bool:
        """True if the node has that property. Every record has an id."""
        found = self.nodes.get(node)
        return found is not None and (name == "id" or name in found.properties)

    def types(self, node: str, name: str) -> frozenset[str]:
        """The JSON types of a property; empty if they are not known."""
        found = self.nodes.get(node)
        return found.properties.get(name, frozenset()) if found is not None else frozenset()

    def in_category(self, category: str) -> tuple[str, ...]:
        """The nodes of a category, in the dictionary's order."""
        return tuple(node.name for node in self.nodes.values() if node.category == category)

    def noted(self, note: str, fix: str = "") -> Dictionary:
        """The same as an old copy."""
        return replace(self, note=note, note_fix=fix)


def nearest(name: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    """The known name that looks most like this one, or ""."""
    if len(name) > 100:
        return ""
    return next(iter(difflib.get_close_matches(name, list(known)[:5_000], n=1, cutoff=0.85)), "")


def parse(content: bytes, *, place: str = "") -> Dictionary:
    """A published schema.json. Raises RejectedError if it is none, or too large; place goes into the message."""
    data = _load(content, place)
    files = {name: schema for name, schema in data.items() if isinstance(schema, Mapping)}
    reading = _Reading(files, place)
    nodes: dict[str, Node] = {}
    for name, schema in files.items():
        if name in _BESIDE:
            continue
        node = reading.node(name, schema)
        if node is not None:
            nodes[node.name] = node
        if len(nodes) > _NODES:
            raise RejectedError(f"The dictionary has more than {_NODES:,} nodes", place=place)
    if not nodes:
        raise RejectedError(
            "This is no data dictionary: nothing in it has an id, properties and links",
            place=place,
            fix="global.dictionaryUrl must name a published schema.json",
        )
    return Dictionary(nodes, hashlib.sha256(content).hexdigest(), _edges=_edges(nodes))


def _load(content: bytes, place: str) -> Mapping[str, Any]:
    fix = "global.dictionaryUrl must name a published schema.json"
    if len(content) > SIZE_BYTES:
        raise RejectedError(f"The dictionary has more than {SIZE_BYTES:,} bytes", place=place)
    if content.count(b",") + content.count(b"[") + content.count(b"{") > _ELEMENTS:
        raise RejectedError(f"The dictionary holds more than {_ELEMENTS:,} values", place=place)
    try:
        data = json.loads(content)
    except RecursionError:
        raise RejectedError("The dictionary is nested too deeply", place=place) from None
    except ValueError:
        raise RejectedError("The dictionary is not JSON", place=place, fix=fix) from None
    if not isinstance(data, dict):
        raise RejectedError("The dictionary is not a mapping of files", place=place, fix=fix)
    return data


class _Reading:
    """Reads nodes, following references. steps: how much following is left for the whole dictionary."""

    def __init__(self, files: Mapping[str, Mapping[str, Any]], place: str) -> None:
        self._files = files
        self._place = place
        self._steps = _STEPS

    def node(self, file: str, schema: Mapping[str, Any]) -> Node | None:
        """The node that a file describes, or None if it describes something else."""
        name = schema.get("id")
        if not isinstance(name, str) or not name or not isinstance(schema.get("properties"), Mapping):
            return None
        links = tuple(_links(schema.get("links"), _LINK_DEPTH))
        linked = {link.name for link in links}
        properties: dict[str, frozenset[str]] = {}
        for key, (value, where) in self._merged(schema["properties"], file).items():
            if key not in linked:
                properties[key] = self._types(value, where, _REFERENCES)
            if len(properties) > _PROPERTIES:
                raise RejectedError(f"The node {name[:80]} has more than {_PROPERTIES:,} properties", place=self._place)
        category = schema.get("category")
        return Node(name, category if isinstance(category, str) else "", properties, links)

    def _merged(self, block: Mapping[str, Any], file: str, depth: int = _REFERENCES) -> dict[str, tuple[Any, str]]:
        """A mapping with what its references stand for put in, each value with the file that it is in; its own keys
        win."""
        merged: dict[str, tuple[Any, str]] = {}
        for key, value in block.items():
            if key.startswith("$ref"):
                found, where = self._referred(value, file)
                if depth > 0 and isinstance(found, Mapping):
                    merged = {**self._merged(found, where, depth - 1), **merged}
            else:
                merged[key] = (value, file)
        self._spend(len(merged))
        return merged

    def _referred(self, reference: Any, file: str) -> tuple[Any, str]:
        """What "_definitions.yaml#/a/b" stands for, and the file that it is in; None if there is no such thing."""
        self._spend(1)
        if not isinstance(reference, str):
            return None, file
        base, _, pointer = reference.partition("#")
        where = base or file
        found: Any = self._files.get(where)
        for part in pointer.split("/"):
            if not part:
                continue
            step = part.replace("~1", "/").replace("~0", "~")
            found = found.get(step) if isinstance(found, Mapping) else None
        return found, where

    def _types(self, value: Any, file: str, depth: int) -> frozenset[str]:
        """The JSON types that a property's schema allows."""
        self._spend(1)
        if not isinstance(value, Mapping) or depth <= 0:
            return frozenset()
        types: set[str] = set()
        stated = value.get("type")
        types.update(item for item in (stated if isinstance(stated, list) else [stated]) if isinstance(item, str))
        if "enum" in value and not types:
            types.add("string")
        for key, part in value.items():
            if key.startswith("$ref"):
                found, where = self._referred(part, file)
                types |= self._types(found, where, depth - 1)
            elif key in ("oneOf", "anyOf") and isinstance(part, list):
                for item in part:
                    types |= self._types(item, file, depth - 1)
        return frozenset(types)

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise RejectedError("The dictionary's references lead too far", place=self._place)


def _links(entries: Any, depth: int) -> Iterator[Link]:
    """Links, those of subgroups included."""
    if not isinstance(entries, list) or depth <= 0:
        return
    for entry in entries:
        if not isinstance(entry, Mapping):
            continue
        if "subgroup" in entry:
            yield from _links(entry["subgroup"], depth - 1)
            continue
        name, target, backref = entry.get("name"), entry.get("target_type"), entry.get("backref")
        multiplicity = entry.get("multiplicity")
        if isinstance(name, str) and isinstance(target, str) and name and target:
            yield Link(
                name,
                target,
                backref if isinstance(backref, str) else "",
                multiplicity if isinstance(multiplicity, str) else "",
            )


def _edges(nodes: Mapping[str, Node]) -> dict[str, dict[str, str]]:
    edges: dict[str, dict[str, str]] = {name: {} for name in nodes}
    for node in nodes.values():
        for link in node.links:
            if link.target not in nodes:
                continue
            edges[node.name].setdefault(link.name, link.target)
            if link.backref:
                edges[link.target].setdefault(link.backref, node.name)
    return edges
