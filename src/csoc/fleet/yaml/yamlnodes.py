"""The nodes of a YAML file with their spans, for places and edits.

A tree of its own, because PyYAML's loses what an edit must know: which node is an alias, where an anchor stands, and
whether a collection is written in braces. Spans are offsets into the text, never line numbers, since YAML counts more
characters as line breaks than most tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import yaml
from yaml._yaml import CParser

from csoc.fleet.yaml import yamlscalars

Kind = Literal["scalar", "mapping", "sequence", "alias"]
Steps = tuple[str | int, ...]


class Node:
    """One node. start and end are offsets of characters in the text; line and column count from 0.

    start is where the node's anchor or tag begins, if it has one. end of a block collection is where its last item
    ends, without comments and empty lines. text: a scalar's value. style: "" (plain), "'", '"', "|" or ">".
    flow: written in braces or brackets. pairs: (key, value) of a mapping; items: of a sequence; target: of an alias.
    """

    __slots__ = (
        "anchor", "column", "end", "flow", "items", "kind", "line", "pairs", "plain",
        "start", "style", "table", "tag", "target", "text",
    )  # fmt: skip

    def __init__(self, kind: Kind, event: Any) -> None:
        mark = event.start_mark
        self.kind: Kind = kind
        self.start: int = mark.index
        self.line: int = mark.line
        self.column: int = mark.column
        self.end: int = event.end_mark.index
        self.anchor: str | None = event.anchor
        self.tag: str = ""
        self.text = ""
        self.style = ""
        self.plain = False
        self.flow = False
        self.pairs: list[tuple[Node, Node]] = []
        self.items: list[Node] = []
        self.target: Node | None = None
        self.table: dict[str, tuple[Node, Node]] | None = None

    @property
    def resolved(self) -> Node:
        """The node itself, or what an alias stands for."""
        return self.target or self

    @property
    def is_merge(self) -> bool:
        """Whether the node, as a key, is `<<`."""
        return self.kind == "scalar" and yamlscalars.is_merge(self.text, self.tag, self.plain)

    @property
    def key(self) -> str:
        """The node's text as a mapping's key."""
        node = self.resolved
        return yamlscalars.as_key(yamlscalars.resolve(node.text, node.tag, node.plain))


def compose_each(text: str, depth: int | None = None) -> Iterator[Node]:
    """The root node of each document in order, empty ones included; a document is composed when it is asked for.

    depth: for a text that `yamltext` has not accepted, the most that it may be nested; raises yaml.YAMLError beyond.
    """
    parser = CParser(text)
    while (event := parser.get_event()) is not None:
        if type(event) is yaml.DocumentStartEvent:
            yield _compose_document(parser, depth)


def compose(text: str, index: int) -> Node:
    """The root node of a document; index counts from 0, empty ones included. `yamltext` has accepted the text so far.

    Raises IndexError if there is no such document.
    """
    for number, root in enumerate(compose_each(text)):
        if number == index:
            return root
    raise IndexError(index)


def entries(mapping: Node) -> dict[str, tuple[Node, Node]]:
    """Each key of a mapping with the (key, value) that wins: merge keys followed, in Go's order."""
    if mapping.table is None:
        table: dict[str, tuple[Node, Node]] = {}
        for key, value in mapping.pairs:
            if not key.is_merge:
                table[key.key] = (key, value)
                continue
            sources = [value] if value.kind != "sequence" else list(reversed(value.items))
            for source in sources:
                table.update(entries(source.resolved))
        mapping.table = table
    return mapping.table


def position(root: Node, path: Steps) -> tuple[int, int] | None:
    """Line and column (from 1) of the key or list item at the path; None if there is none."""
    place = node = root
    for step in path:
        node = node.resolved
        if node.kind == "mapping" and isinstance(step, str):
            entry = entries(node).get(step)
            if entry is None:
                return None
            place, node = entry
        elif node.kind == "sequence" and isinstance(step, int) and 0 <= step < len(node.items):
            place = node = node.items[step]
        else:
            return None
    return place.line + 1, place.column + 1


def text_line(root: Node, path: Steps) -> int:
    """The line (from 1) where the text of a literal block begins; 0 if the value at the path is none."""
    node = root
    for step in path:
        node = node.resolved
        if node.kind == "mapping" and isinstance(step, str) and step in entries(node):
            node = entries(node)[step][1]
        elif node.kind == "sequence" and isinstance(step, int) and 0 <= step < len(node.items):
            node = node.items[step]
        else:
            return 0
    node = node.resolved
    # With an anchor or a tag the "|" may stand on a later line than the node begins on.
    plain = node.kind == "scalar" and node.style == "|" and not node.anchor and not node.tag
    return node.line + 2 if plain else 0


def duplicates(root: Node) -> list[tuple[Steps, int]]:
    """Keys that stand twice in one mapping, with the line (from 1) of each later one."""
    return list(_duplicates(root, ()))


def _duplicates(node: Node, path: Steps) -> Iterator[tuple[Steps, int]]:
    seen: set[str] = set()
    for key, value in node.pairs:
        if key.is_merge:
            continue
        name = key.key
        if name in seen:
            yield (*path, name), key.line + 1
        seen.add(name)
        yield from _duplicates(value, (*path, name))
    for index, item in enumerate(node.items):
        yield from _duplicates(item, (*path, index))


def _compose_document(parser: CParser, depth: int | None) -> Node:
    anchors: dict[str, Node] = {}
    stack: list[tuple[Node, list[Node]]] = []
    children: list[Node] = []
    while True:
        event = parser.get_event()
        kind = type(event)
        if kind is yaml.DocumentEndEvent:
            return children[0]
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            node, outer = stack.pop()
            _close(node, children, event)
            children = outer
            continue
        node = _open(event, anchors)
        children.append(node)
        if node.kind in ("mapping", "sequence"):
            stack.append((node, children))
            children = []
            if depth is not None and len(stack) > depth:
                raise yaml.YAMLError("nested too deep")


def _open(event: Any, anchors: dict[str, Node]) -> Node:
    if type(event) is yaml.AliasEvent:
        node = Node("alias", event)
        node.anchor = None
        node.target = anchors[str(event.anchor)]
        return node
    if type(event) is yaml.ScalarEvent:
        node = Node("scalar", event)
        node.text, node.style, node.plain = event.value, event.style or "", event.implicit[0]
        node.tag = event.tag or ""
    else:
        node = Node("mapping" if type(event) is yaml.MappingStartEvent else "sequence", event)
        node.flow = bool(event.flow_style)
        node.tag = event.tag or ""
    if node.anchor is not None:
        anchors[node.anchor] = node
    return node


def _close(node: Node, children: list[Node], event: Any) -> None:
    if node.kind == "mapping":
        node.pairs = list(zip(children[::2], children[1::2], strict=True))
    else:
        node.items = children
    if node.flow:
        node.end = event.end_mark.index
    elif children:
        node.end = max(children[-1].end, node.start)
