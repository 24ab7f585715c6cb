"""Builds data from a YAML parser's events, counting as it goes, so that a hostile file is refused while it is read.

Depth, nodes and text are counted as if every alias were written out, and an alias itself only costs a reference: a
"billion laughs" file is refused after its first kilobytes. Go's decoder has its own rule against excessive aliasing;
it is followed to the letter, since a file that Helm refuses must not look well here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml
from yaml._yaml import CParser

from csoc.errors import RejectedError
from csoc.fleet.yaml import yamlscalars


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before it is refused."""

    size_bytes: int = 10_000_000
    depth: int = 100
    nodes: int = 2_000_000  # after aliases are expanded
    documents: int = 1_000
    text_characters: int = 50_000_000  # of all scalars, after aliases are expanded


class YamlError(RejectedError):
    """A file that is not YAML, or over the limits. line and column count from 1 (0: unknown)."""

    def __init__(self, cause: str, *, line: int = 0, column: int = 0, fix: str = "") -> None:
        super().__init__(cause, place=f"line {line}" if line else "", fix=fix)
        self.line = line
        self.column = column


class _Anchored:
    """What an anchor names, and what it costs when an alias repeats it. cost 0: it is not finished yet."""

    __slots__ = ("characters", "cost", "data", "is_scalar")

    def __init__(self, *, is_scalar: bool, data: Any = None, cost: int = 0, characters: int = 0) -> None:
        self.is_scalar = is_scalar
        self.data = data
        self.cost = cost
        self.characters = characters


class _Frame:
    """A collection that is being built. key: the key whose value comes next, None if a key (or an item) comes next.

    merging: the value of a merge key comes next. decoded and characters: the counts when the collection began.
    """

    __slots__ = ("anchored", "characters", "data", "decoded", "flow", "is_mapping", "key", "merging")

    def __init__(self, data: Any, anchored: _Anchored | None, decoded: int, characters: int, *, flow: bool) -> None:
        self.data = data
        self.flow = flow
        self.is_mapping = type(data) is dict
        self.key: str | None = None
        self.merging = False
        self.anchored = anchored
        self.decoded = decoded
        self.characters = characters


class Builder:
    """Builds every document of a stream: `documents` holds (index, line, data) of those that are not empty."""

    def __init__(self, text: str, limits: Limits, *, first_only: bool = False) -> None:
        """text: what the parser reads too. first_only: whatever follows the first document is not read at all."""
        self.documents: list[tuple[int, int, Any]] = []
        self._text = text
        self._has_slash_escape = "\\/" in text
        self._limits = limits
        self._first_only = first_only
        self._index = -1
        self._before = 0  # nodes of the documents before this one
        self._decoded = 0  # nodes of this document, aliases expanded
        self._aliased = 0  # of those, inside an alias
        self._characters = 0
        self._line = 0
        self._anchors: dict[str, _Anchored] = {}
        self._stack: list[_Frame] = []
        self._frame = _Frame([], None, 0, 0, flow=False)
        self._handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.SequenceStartEvent: self._start_sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._start_document,
            yaml.DocumentEndEvent: self._end_document,
        }

    @property
    def count(self) -> int:
        """How many documents were read, the empty ones included."""
        return self._index + 1

    def run(self) -> None:
        """Reads the text. Raises YamlError, and yaml.YAMLError for what the parser itself refuses."""
        handlers, next_event = self._handlers, CParser(self._text).get_event
        while (event := next_event()) is not None:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
                if self._first_only and handler == self._end_document:
                    return

    def _start_document(self, event: Any) -> None:
        self._index += 1
        if self._index >= self._limits.documents:
            raise _refused(f"the file has more than {self._limits.documents} documents", event)
        if event.version not in (None, (1, 1)):
            raise _refused("the file declares another version of YAML than 1.1, which Helm refuses", event)
        self._before += self._decoded
        self._decoded = self._aliased = self._line = 0
        self._anchors = {}
        self._stack = []
        self._frame = _Frame([], None, 0, 0, flow=False)

    def _end_document(self, _event: Any) -> None:
        data = self._frame.data[0]
        if data is not None:
            self.documents.append((self._index, self._line, data))

    def _scalar(self, event: Any) -> None:
        value, frame = event.value, self._frame
        tag, plain = event.tag or "", event.implicit[0]
        self._count(event, 1, len(value))
        if not self._line:
            self._line = event.start_mark.line + 1
        if event.style:
            if self._has_slash_escape and event.style == '"':
                self._refuse_slash_escape(event)
        elif frame.flow and "?" in value:
            raise _refused("a question mark in a text inside brackets, which Helm refuses", event, fix="Quote the text")
        try:
            scalar = yamlscalars.resolve(value, tag, plain)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(is_scalar=True, data=scalar, cost=1, characters=len(value))
            if frame.is_mapping and frame.key is None and not frame.merging:
                if yamlscalars.is_merge(value, tag, plain):
                    frame.merging = True
                else:
                    frame.key = yamlscalars.as_key(scalar)
                return
            scalar = yamlscalars.as_value(scalar)
        except yamlscalars.ScalarError as error:
            raise _refused(str(error), event) from None
        self._put(scalar, event)

    def _refuse_slash_escape(self, event: Any) -> None:
        written = self._text[event.start_mark.index : event.end_mark.index]
        if "/" in "".join(re.findall(r"\\(.)", written)):
            raise _refused("the escape '\\/', which Helm refuses", event, fix="Write the slash alone")

    def _start_mapping(self, event: Any) -> None:
        self._start({}, event)

    def _start_sequence(self, event: Any) -> None:
        self._start([], event)

    def _start(self, data: Any, event: Any) -> None:
        frame, stack = self._frame, self._stack
        if frame.is_mapping and frame.key is None and not frame.merging:
            raise _refused("a list or a mapping cannot be a key", event, fix=_BRACES)
        if len(stack) >= self._limits.depth:
            raise _refused(f"the file is nested more than {self._limits.depth} levels deep", event)
        if not self._line:
            self._line = event.start_mark.line + 1
        anchored = None
        if event.anchor is not None:
            anchored = self._anchors[event.anchor] = _Anchored(is_scalar=False, data=data)
        stack.append(frame)
        self._frame = _Frame(data, anchored, self._decoded, self._characters, flow=event.flow_style)
        self._count(event, 1, 0)

    def _end(self, event: Any) -> None:
        done = self._frame
        if done.anchored is not None:
            done.anchored.cost = self._decoded - done.decoded
            done.anchored.characters = self._characters - done.characters
        self._frame = self._stack.pop()
        self._put(done.data, event)

    def _alias(self, event: Any) -> None:
        anchored, frame = self._anchors.get(event.anchor), self._frame
        if anchored is None:
            raise _refused("an alias names an anchor that does not exist before it", event)
        if not anchored.cost:
            raise _refused("an anchor holds an alias to itself", event)
        self._aliased += anchored.cost
        self._count(event, 1 + anchored.cost, anchored.characters)
        if _is_excessive(self._aliased, self._decoded):
            raise _refused("nearly all of the document comes from aliases, which Helm refuses too", event)
        is_key = frame.is_mapping and frame.key is None and not frame.merging
        if not anchored.is_scalar:
            if is_key:
                raise _refused("a list or a mapping cannot be a key", event)
            self._put(anchored.data, event)
            return
        try:
            if is_key:
                frame.key = yamlscalars.as_key(anchored.data)
            else:
                self._put(yamlscalars.as_value(anchored.data), event)
        except yamlscalars.ScalarError as error:
            raise _refused(str(error), event) from None

    def _put(self, value: Any, event: Any) -> None:
        frame = self._frame
        if not frame.is_mapping:
            frame.data.append(value)
        elif frame.merging:
            frame.merging = False
            self._merge(value, event)
        else:
            frame.data[frame.key] = value
            frame.key = None

    def _merge(self, value: Any, event: Any) -> None:
        """Go's decoder merges where the merge key stands: it even replaces keys that are written before it."""
        items = reversed(value) if isinstance(value, list) and type(event) is not yaml.AliasEvent else [value]
        for item in items:
            if not isinstance(item, dict):
                raise _refused("a merge key needs a mapping, an alias of one, or a list of those", event)
            self._frame.data.update(item)

    def _count(self, event: Any, nodes: int, characters: int) -> None:
        limits = self._limits
        self._decoded += nodes
        self._characters += characters
        if self._before + self._decoded > limits.nodes:
            raise _refused(f"the file has more than {limits.nodes} values, counting aliases as written out", event)
        if self._characters > limits.text_characters:
            raise _refused(
                f"the file has more than {limits.text_characters} characters of text, counting aliases as written out",
                event,
            )


_BRACES = "Where {{ }} is meant for a template that runs later, put it in quotes"


def _refused(cause: str, event: Any, fix: str = "") -> YamlError:
    mark = event.start_mark
    return YamlError(cause, line=mark.line + 1, column=mark.column + 1, fix=fix)


def _is_excessive(aliased: int, decoded: int) -> bool:
    """The rule of allowedAliasRatio in decode.go of go.yaml.in/yaml/v2: 99 % up to 400,000 values, 10 % from
    4,000,000 on, and a straight line between them."""
    if aliased <= 100 or decoded <= 1000:
        return False
    low, high = 400_000, 4_000_000
    allowed = 0.99 - 0.89 * (min(max(decoded, low), high) - low) / (high - low)
    return aliased / decoded > allowed
