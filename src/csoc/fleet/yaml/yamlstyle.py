"""Writes values as YAML in the style of the file that they go into, so that a change reads as if its author made it.

Text is quoted wherever any YAML parser in use might read it as something else: Go's decides what runs, but people lint
the same file with Python's or JavaScript's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from csoc.fleet.yaml import yamlscalars
from csoc.fleet.yaml.yamlnodes import Node

Written = tuple[str, list[str]]  # what stands on the line of the key or the dash, and the lines below it

_PLAIN = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`]|[-?:](?=[^\s,\[\]{}])")
_NEVER_PLAIN = re.compile(
    r": |:$| #|[\t\r\n\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|^[ ]|[ ]$|^(?:---|\.\.\.)"
)
_NEVER_PLAIN_IN_FLOW = re.compile(r"[,\[\]{}?]|^[-?:]|:[,\[\]{}]")
_ELSEWHERE = re.compile(
    r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|<<$|=$|0o[0-7]+$"
)
_ESCAPED = re.compile(r"[\\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SHORT_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_NOT_IN_BLOCK = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written: line break, columns of a level, columns from a key to the dashes below it, the quote that
    it prefers, whether its keys and texts are always in double quotes (JSON), and whether text of several lines may be
    a block."""

    newline: str = "\n"
    step: int = 2
    list_offset: int = 2
    quote: str = '"'
    json: bool = False
    blocks: bool = True

    def without_blocks(self) -> Style:
        """The same, with every text on one line."""
        return replace(self, blocks=False)

    def text(self, value: str, *, like: str = "", flow: bool = False) -> str:
        """A text on one line. like: the style of the scalar that it replaces ("", "'", '"', "|" or ">")."""
        if self.json or not (_is_printable(value) and like != '"'):
            return like_double(value)
        if like != "'" and is_plain(value, flow=flow):
            return value
        wanted = like if like == "'" else self.quote
        if wanted == '"' and ('"' in value or "\\" in value) and "'" not in value:
            wanted = "'"
        return "'" + value.replace("'", "''") + "'" if wanted == "'" else like_double(value)

    def scalar(self, value: Any, *, like: str = "", flow: bool = False) -> str:
        """A scalar, or an empty list or mapping, on one line."""
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return repr(value)
        if isinstance(value, str):
            return self.text(value, like=like, flow=flow)
        return "{}" if isinstance(value, Mapping) else "[]"

    def key(self, key: str, *, like: str = "", flow: bool = False) -> str:
        """A key of a mapping."""
        return self.text(key, like=like, flow=flow)

    def flow(self, value: Any) -> str:
        """A value in braces and brackets, on one line."""
        if isinstance(value, Mapping) and value:
            pairs = (f"{self.key(key, flow=True)}: {self.flow(item)}" for key, item in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, (list, tuple)) and value:
            return "[" + ", ".join(self.flow(item) for item in value) + "]"
        return self.scalar(value, flow=True)

    def below_key(self, value: Any, column: int, *, like: str = "") -> Written:
        """A value for a key that stands at a column."""
        if isinstance(value, Mapping) and value:
            return "", self.block(value, column + self.step)
        if isinstance(value, (list, tuple)) and value:
            return "", self.block(value, column + self.list_offset)
        return self._leaf(value, column + self.step, like)

    def below_dash(self, value: Any, column: int, *, like: str = "") -> Written:
        """A value for an item of a list whose content starts at a column."""
        if isinstance(value, (Mapping, list, tuple)) and value:
            first, *rest = self.block(value, column)
            return first[column:], rest
        return self._leaf(value, column, like)

    def block(self, value: Any, column: int) -> list[str]:
        """A mapping or a list, not empty, as lines that start at a column."""
        return list(self._block(value, column))

    def _block(self, value: Mapping[str, Any] | Sequence[Any], column: int) -> Iterator[str]:
        indent = " " * column
        if isinstance(value, Mapping):
            for key, item in value.items():
                inline, lines = self.below_key(item, column)
                yield f"{indent}{self.key(key)}:{' ' if inline else ''}{inline}"
                yield from lines
            return
        for item in value:
            inline, lines = self.below_dash(item, column + 2)
            yield f"{indent}- {inline}"
            yield from lines

    def _leaf(self, value: Any, column: int, like: str) -> Written:
        if isinstance(value, str) and self.blocks and like not in ("'", '"') and _fits_block(value):
            return self._literal(value, column)
        return self.scalar(value, like=like), []

    def _literal(self, value: str, column: int) -> Written:
        body = value.rstrip("\n")
        header = "|" + (str(self.step) if body.startswith(" ") else "") + ("" if value.endswith("\n") else "-")
        return header, [" " * column + line if line else "" for line in body.split("\n")]


def like_double(value: str) -> str:
    """A text in double quotes, with the escapes that every parser knows."""
    return '"' + _ESCAPED.sub(_escape, value) + '"'


def is_plain(value: str, *, flow: bool) -> bool:
    """Whether a text needs no quotes: every parser reads it as that text."""
    if not _PLAIN.match(value) or _NEVER_PLAIN.search(value) or (flow and _NEVER_PLAIN_IN_FLOW.search(value)):
        return False
    return yamlscalars.reads_as_text(value) and not _ELSEWHERE.match(value)


def detect(text: str, root: Node | None) -> Style:
    """The style of a file, by what most of it does."""
    newline = "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"
    if root is None:
        return Style(newline)
    steps: Counter[int] = Counter()
    offsets: Counter[int] = Counter()
    quotes: Counter[str] = Counter()
    _survey(root, steps, offsets, quotes)
    step = steps.most_common(1)[0][0] if steps else 2
    offset = offsets.most_common(1)[0][0] if offsets else 2
    quote = "'" if quotes["'"] > quotes['"'] else '"'
    return Style(newline, step if step <= 9 else 2, offset, quote, json=is_json(root))


def is_json(node: Node) -> bool:
    """Whether a collection is written as JSON: in braces, with every key and text in double quotes."""
    if node.kind == "mapping" and node.flow and node.pairs:
        return all(key.style == '"' and (value.style == '"' or value.text != "" or value.kind != "scalar")
                   for key, value in node.pairs)  # fmt: skip
    return False


def _survey(node: Node, steps: Counter[int], offsets: Counter[int], quotes: Counter[str]) -> None:
    for key, value in node.pairs:
        if not node.flow and not value.flow and value.line > key.line:
            if value.kind == "mapping" and value.anchor is None and value.column > key.column:
                steps[value.column - key.column] += 1
            elif value.kind == "sequence" and value.anchor is None and value.column >= key.column:
                offsets[value.column - key.column] += 1
        _survey(value, steps, offsets, quotes)
    for item in node.items:
        _survey(item, steps, offsets, quotes)
    if node.style in ("'", '"'):
        quotes[node.style] += 1


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    return _SHORT_ESCAPES.get(char) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def _is_printable(value: str) -> bool:
    return _ESCAPED.search(value.replace("\\", "").replace('"', "")) is None


def _fits_block(value: str) -> bool:
    lines = value.split("\n")
    body = value[:-1] if value.endswith("\n") else value
    return (
        len(lines) > 1
        and body != ""
        and not body.endswith("\n")
        and lines[0].strip() != ""
        and lines[0].lstrip(" ")[:1] != "\t"
        and not _NOT_IN_BLOCK.search(value)
        and body.split("\n")[-1].strip() != ""
    )
