"""Where in the text of a YAML or JSON file secrets stand, to the character.

A line of YAML does not say what it holds: its key may stand above it, be written with escapes, come through an alias
or a merge, and the value may go on for many lines. So the nodes are judged, as `masking.mask_tree` judges data, and
every spelling of a node is hidden: also the first of two equal keys, which a parser forgets.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

import yaml

from csoc.fleet.masking.secretkeys import Steps
from csoc.fleet.yaml import yamlnodes, yamlscalars
from csoc.fleet.yaml.yamlnodes import Node

MASK = "***"
_DEPTH = 100  # as deep as csoc reads YAML at all; the parser's own time grows with the square of it
_VISITS_PER_CHARACTER = 4  # every node costs a character; what takes more follows aliases of aliases
_STEPS = 6  # of a path that are kept; a key is judged by its last four names
_COMMENT = re.compile(r"[ \t]+#[^\n]*")
_SHORTEST_WORD = 4


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A secret part of a text: from start to end, and what to write there."""

    start: int
    end: int
    mask: str = MASK


class Judges(Protocol):
    """Decides what is secret, for data and for nodes alike. Scalars are given as they are, collections as None."""

    def leaf(self, value: object, path: Steps) -> Sequence[Part]:
        """The secret parts of a scalar; for what is no text, any part means all of it."""

    def listed(self, values: Sequence[object]) -> Mapping[int, Sequence[Part]]:
        """Secret parts of a list's items that only show beside the items before them (arguments of a command)."""

    def entered(self, entries: Sequence[tuple[str, object]], path: Steps) -> Sequence[tuple[Steps, bool]]:
        """For each entry of a mapping the path to judge its value by, and whether that is the data of a Kubernetes
        Secret."""


@dataclass(slots=True)
class Secrets:
    """What was found in a text. words: the hidden texts, to be looked for elsewhere. manifest: whether a Kubernetes
    Secret is among it."""

    parts: list[Part] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    manifest: bool = False


def find(text: str, judges: Judges) -> Secrets | None:
    """The secrets of all documents; None for what is no YAML, or would take too long to follow."""
    try:
        roots = list(yamlnodes.compose_each(text, _DEPTH))
    except (yaml.YAMLError, KeyError):  # an alias without its anchor is a KeyError
        return None
    walk = _Walk(text, judges, text.lstrip()[:1] in ("{", "["))
    for root in roots:
        if not walk.run(root):
            return None
    return walk.found


@dataclass(slots=True)
class _Walk:
    text: str
    judges: Judges
    json: bool
    found: Secrets = field(default_factory=Secrets)
    _left: int = 0
    _seen: set[tuple[int, Steps]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._left = _VISITS_PER_CHARACTER * len(self.text) + 1_000

    def run(self, root: Node) -> bool:
        """False if there is too much to follow."""
        self._seen.clear()
        waiting: list[tuple[Node, Steps]] = [(root, ())]
        while waiting:
            node, path = waiting.pop()
            target = node.resolved
            if (id(target), path) in self._seen:
                continue
            self._seen.add((id(target), path))
            self._left -= 1
            if self._left < 0:
                return False
            if target.kind == "mapping":
                waiting += self._entries(target, path)
            elif target.kind == "sequence":
                self._list(target)
                waiting += [(item, path) for item in target.items]
            else:
                value = _value(target)
                self._hide(target, value, self.judges.leaf(value, path))
        return True

    def _entries(self, mapping: Node, path: Steps) -> Iterator[tuple[Node, Steps]]:
        pairs = list(self._pairs(mapping))
        plain = [
            (_key(key), _value(value.resolved) if value.resolved.kind == "scalar" else None) for key, value in pairs
        ]
        for (key, value), (step, of_secret) in zip(pairs, self.judges.entered(plain, path), strict=True):
            self.found.manifest |= of_secret
            yield value, step if len(step) <= _STEPS else (*step[:1], *step[1 - _STEPS :])
            target = value.resolved
            if target is value and target.kind == "scalar" and not mapping.flow:
                self._comment_between(key, target, step)

    def _pairs(self, mapping: Node) -> Iterator[tuple[Node, Node]]:
        """Entries, those that come by merge keys too, and all of equal keys."""
        waiting, seen = [mapping], {id(mapping)}
        while waiting and self._left > 0:
            for key, value in waiting.pop().pairs:
                self._left -= 1
                if not key.is_merge:
                    yield key, value
                    continue
                sources = value.resolved.items if value.resolved.kind == "sequence" else [value]
                for source in (item.resolved for item in sources):
                    if id(source) not in seen:
                        seen.add(id(source))
                        waiting.append(source)

    def _list(self, sequence: Node) -> None:
        scalars = [item.resolved for item in sequence.items]
        if len(scalars) < 2:
            return
        values = [_value(item) if item.kind == "scalar" else None for item in scalars]
        for index in self.judges.listed(values):
            self._hide_all(scalars[index])

    def _comment_between(self, key: Node, value: Node, path: Steps) -> None:
        between = self.text[key.end : value.start]
        if "#" in between and self.judges.leaf(_value(value), path):
            self.found.parts.append(Part(key.end + between.index("#"), value.start - 1))

    def _hide(self, node: Node, value: object, parts: Sequence[Part]) -> None:
        if not parts:
            return
        places = _places(self.text, node) if isinstance(value, str) and value == node.text else None
        if places is None or (parts[0].start, parts[0].end) == (0, len(node.text)):
            self._hide_all(node)
            return
        for part in parts:
            self.found.parts.append(Part(places.of(part.start), places.of(part.end), part.mask))
        self._remember(node.text[part.start : part.end] for part in parts)

    def _hide_all(self, node: Node) -> None:
        start, end, mask = node.start, node.end, MASK
        if node.style in ("'", '"') and not node.anchor and not node.tag:
            start, end = start + 1, end - 1
        elif node.style:
            end = start + len(self.text[start:end].rstrip())
        elif self.json:
            mask = f'"{MASK}"'
        self.found.parts.append(Part(start, end, mask))
        comment = _COMMENT.match(self.text, node.end)
        if comment:
            self.found.parts.append(Part(comment.start() + 1, comment.end(), f"# {MASK}"))
        self._remember([node.text])

    def _remember(self, texts: Iterable[str]) -> None:
        for text in texts:
            for line in text.splitlines():
                if len(line.strip()) >= _SHORTEST_WORD:
                    self.found.words.add(line.strip())


@dataclass(frozen=True, slots=True)
class _Places:
    """decoded: where each line of a scalar's text begins in it. raw: where the same lines begin in the file."""

    decoded: Sequence[int]
    raw: Sequence[int]

    def of(self, offset: int) -> int:
        """Where in the file the character of the text stands."""
        line = bisect_right(self.decoded, offset) - 1
        return self.raw[line] + offset - self.decoded[line]


def _places(text: str, node: Node) -> _Places | None:
    """None where the file spells the text otherwise: folded, or with escapes."""
    raw = text[node.start : node.end]
    if node.style != "|":
        found = raw.find(node.text) if "\n" not in raw else -1
        return _Places([0], [node.start + found]) if found >= 0 else None
    lines, written = node.text.split("\n"), raw.split("\n")[1:]
    starts = list(accumulate((len(line) + 1 for line in raw.split("\n")), initial=node.start))[1:]
    begins = []
    for index, line in enumerate(lines):
        # The last line is empty, and behind the block's end.
        full = written[index].rstrip("\r") if index < len(written) else ""
        if not full.endswith(line) or (line and index >= len(written)):
            return None
        begins.append(starts[min(index, len(starts) - 1)] + len(full) - len(line))
    return _Places(list(accumulate((len(line) + 1 for line in lines), initial=0))[:-1], begins)


def _key(key: Node) -> str:
    try:
        return key.key
    except yamlscalars.ScalarError:
        return key.resolved.text


def _value(node: Node) -> object:
    try:
        return yamlscalars.as_value(yamlscalars.resolve(node.text, node.tag, node.plain))
    except yamlscalars.ScalarError:
        return node.text
