"""YAML as Helm and Argo CD read it, with the place of every node, within limits.

Go's YAML parsers decide what a Gen3 value means: `on` is a boolean, `2025.10` a number, a date is text, the last of two
equal keys wins. Reading the same file with other rules would show a fleet that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import yaml

from csoc.fleet.values import Path
from csoc.fleet.yaml import yamlnodes
from csoc.fleet.yaml.yamlbuild import Builder, Limits, YamlError

__all__ = [
    "Limits",
    "Nodes",
    "YamlDocument",
    "YamlError",
    "decode",
    "documents_of",
    "every_document",
    "parse",
    "values_document",
]


class Nodes:
    """The documents of one file with their positions, composed in order as they are asked for and shared by all of
    them: composing a file anew for each of its documents would take time with the square of their number."""

    def __init__(self, source: Callable[[], bytes]) -> None:
        self._source = source
        self._rest: Iterator[yamlnodes.Node] | None = None
        self._roots: list[yamlnodes.Node] = []

    def root(self, index: int) -> yamlnodes.Node:
        """The root of the document with that index."""
        if self._rest is None:
            content = self._source()
            self._rest = yamlnodes.compose_each(decode(content, len(content)))
        while len(self._roots) <= index:
            self._roots.append(next(self._rest))
        return self._roots[index]


class YamlDocument:
    """One document of a file. Positions are worked out on first use, since most documents never need them.

    index: which document of the file, from 0, empty ones counted. line: where its content starts, from 1. data: what
    Helm sees; anchored nodes are shared between their places, so treat it as read-only.
    """

    __slots__ = ("_source", "data", "index", "line")

    def __init__(self, index: int, line: int, data: Any, source: Callable[[], bytes] | Nodes) -> None:
        """source gives the bytes of the whole file again; it is called when a position is first asked for. Documents of
        one file share `Nodes`."""
        self.index = index
        self.line = line
        self.data = data
        self._source: Callable[[], bytes] | Nodes | yamlnodes.Node = source

    def position(self, path: Path) -> tuple[int, int] | None:
        """Line and column (from 1) of the key (or the list item) at the path; None if the document has no such path.

        Follows aliases and merge keys to where a key is written. The empty path gives the document's first node.
        """
        return yamlnodes.position(self._root(), path)

    def text_line(self, path: Path) -> int:
        """The line (from 1) of the file where the text of a literal block begins; 0 if the value is none."""
        return yamlnodes.text_line(self._root(), path)

    def duplicates(self) -> list[tuple[Path, int]]:
        """Keys that stand twice in one mapping, with the line of the later one (which wins)."""
        return yamlnodes.duplicates(self._root())

    def _root(self) -> yamlnodes.Node:
        if isinstance(self._source, Nodes):
            self._source = self._source.root(self.index)
        elif not isinstance(self._source, yamlnodes.Node):
            content = self._source()
            self._source = yamlnodes.compose(decode(content, len(content)), self.index)
        return self._source


def parse(content: bytes, limits: Limits | None = None) -> tuple[YamlDocument, ...]:
    """Every document of a file; empty documents are left out. Raises YamlError."""
    return _read(content, limits or Limits(), first_only=False)


def values_document(content: bytes, limits: Limits | None = None) -> YamlDocument:
    """The file as `helm -f` reads it: its first document, {} where that is empty. What follows is not even looked at.
    Raises YamlError, also where the document is a list or a single value."""
    documents = _read(content, limits or Limits(), first_only=True)
    if not documents:
        return YamlDocument(0, 1, {}, lambda: b"{}")
    first = documents[0]
    if not isinstance(first.data, dict):
        found = "a list" if isinstance(first.data, list) else "a single value"
        raise YamlError(f"values must be a mapping of keys, and this file holds {found}", line=first.line, column=1)
    return first


def every_document(text: str) -> dict[int, Any]:
    """The data of every document by its index, null for the empty ones. Raises YamlError."""
    builder = _build(text, Limits(), first_only=False)
    data = dict.fromkeys(range(builder.count))
    return {**data, **{index: value for index, _, value in builder.documents}}


def decode(content: bytes, size_bytes: int = 10_000_000) -> str:
    """The text of a file without a byte order mark. Raises YamlError for what is too large, or not UTF-8 text."""
    if len(content) > size_bytes:
        raise YamlError(f"the file has {len(content)} bytes, more than the {size_bytes} that csoc reads as YAML")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise YamlError("the file is UTF-16 text, and only UTF-8 is read", line=1, fix="Save it as UTF-8")
    if b"\0" in content:
        raise YamlError("the file is binary, not YAML text", line=content.count(b"\n", 0, content.index(b"\0")) + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlError("the file is not UTF-8 text", line=line, fix="Save it as UTF-8") from None


def _read(content: bytes, limits: Limits, *, first_only: bool) -> tuple[YamlDocument, ...]:
    builder = _build(decode(content, limits.size_bytes), limits, first_only=first_only)
    return documents_of(builder.documents, lambda: content)


def documents_of(parts: Sequence[tuple[int, int, Any]], source: Callable[[], bytes]) -> tuple[YamlDocument, ...]:
    """Documents of one file from (index, line, data); source gives the file's bytes again."""
    shared = Nodes(source) if len(parts) > 1 else source
    return tuple(YamlDocument(index, line, data, shared) for index, line, data in parts)


def _build(text: str, limits: Limits, *, first_only: bool) -> Builder:
    builder = Builder(text, limits, first_only=first_only)
    try:
        builder.run()
    except yaml.YAMLError as error:
        raise _explained(error, text) from None
    return builder


_EXPLANATIONS = (
    ("cannot start any token", "a tab or a reserved character stands where a value or a key should begin"),
    (
        "mapping values are not allowed",
        "a key stands where none can be: check the indentation, or quote the text",
    ),
    (
        "could not find expected ':'",
        "a key without its colon, or a text of several lines that needs quotes",
    ),
    ("did not find expected key", "this line does not belong to the mapping above: check its indentation and quotes"),
    ("did not find expected '-' indicator", "this line does not belong to the list above: check its indentation"),
    ("block sequence entries are not allowed", "a list begins where none can: put it on the line below its key"),
    (
        "block collections are not allowed",
        "a list or a mapping begins where none can: put it on a new line",
    ),
    ("did not find expected ',' or", "a list or a mapping in brackets is not closed, or lacks a comma"),
    ("unexpected end of stream", "a quoted text is not closed before the end of the file"),
    ("unexpected document indicator", "a quoted text is not closed before the next document"),
    ("unknown escape character", "a backslash in double quotes begins no escape that YAML knows: use single quotes"),
    ("did not find expected <document start>", "text follows where a document has ended"),
    ("did not find expected hexdecimal number", "an escape in double quotes lacks its hexadecimal digits"),
    ("found undefined tag handle", "a tag with a prefix that is not declared: a value cannot begin with '!'"),
    ("control characters are not allowed", "the file holds control characters, which YAML forbids"),
    ("found a tab character", "a tab is used for indentation, and YAML allows spaces only"),
    ("invalid leading", "the file is not UTF-8 text"),
    ("did not find expected node content", "a value is missing before a comma or a bracket"),
)


def _explained(error: yaml.YAMLError, text: str) -> YamlError:
    """The parser's error in words for a user, without a word of the file's content."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "")
    cause = next((words for sign, words in _EXPLANATIONS if sign in problem), "the file is not valid YAML")
    fix = "It holds {{ }}: if it is a Helm template, it is YAML only once it is rendered" if "{{" in text else ""
    if mark is not None:
        return YamlError(cause, line=mark.line + 1, column=mark.column + 1, fix=fix)
    offset = getattr(error, "position", None)
    line = text.count("\n", 0, offset) + 1 if isinstance(offset, int) else 0
    return YamlError(cause, line=line, fix=fix)
