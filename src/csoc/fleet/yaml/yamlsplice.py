"""Works out which characters of a YAML text an edit replaces, and with what.

Every function returns splices: (start, end, new text). They touch the value or the key that is meant, its own line
end, and nothing else; whether the result says what it should is checked by `yamledit` afterwards, by reading it again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from csoc.fleet.yaml import yamlnodes
from csoc.fleet.yaml.yamlnodes import Node
from csoc.fleet.yaml.yamlstyle import Style, Written, is_json

Splice = tuple[int, int, str]
Steps = tuple[str | int, ...]

_PROPERTIES = re.compile(r"(?:[&!]\S*(?:[ \t]+|(?=\s|\Z)))*")
_BLANKS = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_REST_OF_LINE = re.compile(r"[^\r\n]*")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*")
_BREAK = re.compile(r"\r\n|\r|\n")
_COMMENT_LINE = re.compile(r"([ ]*)#[^\r\n]*(?:\r\n|\r|\n|\Z)")


class NotEditableError(Exception):
    """Why a place cannot be edited, as a clause, with the line (from 1) where that is written."""

    def __init__(self, cause: str, line: int) -> None:
        super().__init__(cause)
        self.cause = cause
        self.line = line


@dataclass(slots=True)
class Place:
    """A node with what it hangs on: its mapping and key, or its list and index; neither for the root."""

    node: Node
    parent: Node | None = None
    key: Node | None = None
    index: int = 0
    in_flow: bool = False


class Splicer:
    """Edits for one text with one document's root node (None: the document is empty)."""

    def __init__(self, text: str, root: Node, style: Style) -> None:
        self._text = text
        self._root = root
        self._style = style

    def set(self, path: Steps, value: Any) -> Splice:
        """Replaces the value at the path, or adds what is missing of it."""
        place, rest = self._walk(path)
        for step in reversed(rest[1:] if rest and place.node.kind == "mapping" else rest):
            value = {step: value}
        if rest and place.node.kind == "mapping":
            return self._add(place, str(rest[0]), value)
        return self._replace(place, value)

    def append(self, path: Steps, value: Any) -> Splice:
        """Adds an item at the end of the list at the path."""
        place, rest = self._walk(path)
        node = place.node
        if rest:
            raise NotEditableError("there is no such list", node.line + 1)
        if node.kind == "scalar" and not node.text and node.plain:
            return self._replace(place, [value])
        if node.kind != "sequence":
            raise NotEditableError("what stands there is no list", node.line + 1)
        if not node.items:
            return self._replace(place, [value])
        if node.flow:
            return self._insert_in_flow(node, node.items[-1].end, node.items[-1].line, self._style.flow(value))
        dash = self._dash(node, len(node.items) - 1)
        last = node.items[-1]
        gap = 1
        if last.line == self._line_of(dash) and last.end > last.start:
            gap = last.column - self._column(dash) - 1
        inline, lines = self._style.below_dash(value, self._column(dash) + 1 + gap)
        first = f"{' ' * self._column(dash)}-{' ' * gap if inline else ''}{inline}"
        return self._insert_lines(node, self._column(dash), [first, *lines])

    def rename(self, path: Steps, name: str) -> Splice:
        """Replaces the key at the path."""
        place, rest = self._walk(path)
        if rest or place.key is None:
            raise NotEditableError("there is no such key", place.node.line + 1)
        key = place.key
        if key.kind != "scalar" or key.style in ("|", ">") or self._content(key) != key.start:
            raise NotEditableError("its key is an alias, or has an anchor or a tag", key.line + 1)
        style = self._style_for(place.parent)
        return key.start, key.end, style.key(name, like=key.style, flow=place.in_flow)

    def remove(self, path: Steps) -> Splice:
        """Removes the key or the list item at the path, its lines and its trailing comment."""
        place, rest = self._walk(path)
        if rest or place.parent is None:
            raise NotEditableError("there is no such key or item", place.node.line + 1)
        parent = place.parent
        count = len(parent.pairs) + len(parent.items)
        if count == 1:
            above, _ = self._walk(path[:-1])
            return self._replace(above, {} if parent.kind == "mapping" else [])
        return self._remove_in_flow(place, count) if parent.flow else self._remove_lines(place, count)

    # Finding the place.

    def _walk(self, path: Steps) -> tuple[Place, Steps]:
        """The deepest written node on the path, and the steps that are not written."""
        place = Place(self._root)
        for depth, step in enumerate(path):
            node = place.node
            if node.kind == "alias":
                raise NotEditableError("the path leads through an alias", node.line + 1)
            if node.kind == "mapping" and isinstance(step, str):
                pair = next(((k, v) for k, v in reversed(node.pairs) if not k.is_merge and k.key == step), None)
                if pair is None:
                    if step in yamlnodes.entries(node) and depth < len(path) - 1:
                        raise NotEditableError("the path leads through a merge key", node.line + 1)
                    return place, path[depth:]
                place = Place(pair[1], node, pair[0], in_flow=place.in_flow or node.flow)
            elif node.kind == "sequence" and isinstance(step, int):
                if not 0 <= step < len(node.items):
                    raise NotEditableError(f"the list has {len(node.items)} items", node.line + 1)
                place = Place(node.items[step], node, index=step, in_flow=place.in_flow or node.flow)
            elif node.kind == "scalar" and isinstance(step, str) and self._is_null(node):
                return place, path[depth:]
            else:
                raise NotEditableError(f"a {node.kind} stands in its way", node.line + 1)
        return place, ()

    @staticmethod
    def _is_null(node: Node) -> bool:
        return node.plain and not node.tag and node.text in ("", "~", "null", "Null", "NULL")

    # Replacing a value.

    def _replace(self, place: Place, value: Any) -> Splice:
        node, style = place.node, self._style_for(place.parent)
        start = self._content(node) if not node.tag else node.start
        is_collection = isinstance(value, (dict, list, tuple)) and bool(value)
        was_block = node.kind in ("mapping", "sequence") and not node.flow
        if place.in_flow or (place.parent is None and not was_block and node.end > node.start):
            return self._replace_inline(
                place, start, style.flow(value) if is_collection or place.in_flow else style.scalar(value)
            )
        if place.parent is None:
            return self._replace_root(node, value, was_block)
        inline, lines = self._write(place, value)
        if not lines and not was_block and node.style not in ("|", ">"):
            return self._replace_inline(place, start, inline)
        head = self._head(place)
        end, comment = self._extent(node, head)
        if place.key is None and is_collection:
            comment = ""  # it would stand between the dash and the first key
        text = (" " + inline if inline else "") + comment + "".join(style.newline + line for line in lines)
        return head, end, text

    def _replace_inline(self, place: Place, start: int, written: str) -> Splice:
        node = place.node
        if node.end > start:
            return start, node.end, written
        if node.end > node.start:  # an anchor or a tag, and nothing after it
            return node.end, node.end, " " + written
        start = len(self._text[:start].rstrip(" \t"))
        before = self._text[start - 1 : start]
        if place.key is not None and (before != ":" or start == place.key.end):
            return start, start, ": " + written
        return start, start, " " + written

    def _replace_root(self, node: Node, value: Any, was_block: bool) -> Splice:
        lines = self._style.block(value, 0) if value else [self._style.scalar(value)]
        if was_block:
            start = node.pairs[0][0].start if node.pairs else self._content(node)
            return start, self._end(node), self._style.newline.join(lines)
        return self._lines_at(node.start, lines)

    def _write(self, place: Place, value: Any) -> Written:
        """The new value, with the style of the scalar that it replaces."""
        node, style = place.node, self._style
        like = node.style if node.kind == "scalar" else ""
        if isinstance(value, str) and "\n" in value and like not in ("", "|", ">"):
            like = ""
        if place.key is not None:
            return style.below_key(value, place.key.column, like=like)
        parent = place.parent
        assert parent is not None  # noqa: S101 - the root never comes here
        return style.below_dash(value, self._column(self._dash(parent, place.index)) + 2, like=like)

    def _extent(self, node: Node, head: int) -> tuple[int, str]:
        """Where the old value's lines end, and the comment on its first line, with the blanks before it."""
        if node.kind == "scalar" and node.style in ("|", ">"):
            first = self._line_end(self._content(node))
            found = _COMMENT.search(self._text, self._content(node), first)
            return self._end(node), found[0] if found else ""
        is_block = node.kind in ("mapping", "sequence") and not node.flow
        if is_block:
            found = _COMMENT.match(self._text, head)
            return self._line_end(self._end(node)), found[0] if found else ""
        found = _COMMENT.match(self._text, node.end)
        return (found.end(), found[0]) if found else (node.end, "")

    # Adding.

    def _add(self, place: Place, key: str, value: Any) -> Splice:
        node = place.node
        style = self._style_for(node)
        if not node.pairs:
            return self._replace(place, {key: value})
        if node.flow:
            like = '"' if style.json else ""
            written = f"{style.key(key, like=like, flow=True)}: {style.flow(value)}"
            return self._insert_in_flow(
                node, max(node.pairs[-1][1].end, node.pairs[-1][0].end), node.pairs[-1][0].line, written
            )
        column = node.pairs[0][0].column
        inline, lines = style.below_key(value, column)
        first = f"{' ' * column}{style.key(key)}:{' ' if inline else ''}{inline}"
        if self._ends_open(node):
            position = self._above(node.pairs[-1][0])
            return position, position, "".join(line + style.newline for line in [first, *lines])
        return self._insert_lines(node, column, [first, *lines])

    def _ends_open(self, node: Node) -> bool:
        """Whether the file ends within a block of text that would gain a line break if anything followed it."""
        last = self._last(node)
        return last.style in ("|", ">") and last.end == len(self._text) and self._text[-1] not in "\r\n"

    def _above(self, key: Node) -> int:
        """The start of the key's line, or of the comment lines right above it."""
        position = self._line_start(key.start)
        if self._text[position : key.start].strip(" "):
            raise NotEditableError("the file ends without a line break, within a block of text", key.line + 1)
        while position:
            above = self._line_start(position - (2 if self._text[max(position - 2, 0) : position] == "\r\n" else 1))
            if not self._text[above:position].lstrip().startswith("#"):
                break
            position = above
        return position

    def _insert_in_flow(self, node: Node, end: int, line: int, written: str) -> Splice:
        """A new entry after the last one; on a line of its own where the last one has one."""
        line_start = self._text.rfind("\n", 0, end) + 1
        indent = self._text[line_start:end]
        indent = indent[: len(indent) - len(indent.lstrip(" \t"))]
        separator = ", " if line == node.line else "," + self._style.newline + indent
        return end, end, separator + written

    def _insert_lines(self, node: Node, column: int, lines: list[str]) -> Splice:
        """New lines after a block's last one, and after comments that are indented deeper than the block."""
        position = self._next_line(self._end(node))
        while (
            (found := _COMMENT_LINE.match(self._text, position)) and len(found[1]) > column and found.end() > position
        ):
            position = found.end()
        return self._lines_at(position, lines)

    def _lines_at(self, position: int, lines: list[str]) -> Splice:
        newline = self._style.newline
        written = newline.join(lines)
        if position and self._text[position - 1] not in "\r\n":
            return position, position, newline + written
        return position, position, written + newline

    # Removing.

    def _remove_in_flow(self, place: Place, count: int) -> Splice:
        spans = self._spans(place)
        index = self._index(place)
        if index + 1 < count:
            return spans[index][0], spans[index + 1][0], ""
        return spans[index - 1][1], spans[index][1], ""

    def _spans(self, place: Place) -> list[tuple[int, int]]:
        parent = place.parent
        assert parent is not None  # noqa: S101 - the root is never removed
        pairs = [(key.start, max(key.end, value.end)) for key, value in parent.pairs]
        return pairs or [(item.start, item.end) for item in parent.items]

    def _index(self, place: Place) -> int:
        parent = place.parent
        assert parent is not None  # noqa: S101 - the root is never removed
        if place.key is None:
            return place.index
        return next(index for index, (key, _) in enumerate(parent.pairs) if key is place.key)

    def _remove_lines(self, place: Place, count: int) -> Splice:
        parent, index = place.parent, self._index(place)
        assert parent is not None  # noqa: S101 - the root is never removed
        start = place.key.start if place.key is not None else self._dash(parent, index)
        if place.key is not None and self._text[self._line_start(start) : start].strip(" ") == "?":
            start = self._text.index("?", self._line_start(start))
        if self._text[self._line_start(start) : start].strip(" "):
            return self._remove_first_of_line(parent, index, count, start)
        start, end = self._line_start(start), self._next_line(self._end(place.node, place.key))
        if end == len(self._text) and start and self._text[end - 1] not in "\r\n":
            before = self._text[:start]
            start -= 2 if before.endswith("\r\n") else 1
        return start, end, ""

    def _remove_first_of_line(self, parent: Node, index: int, count: int, start: int) -> Splice:
        """The first entry after a dash: the next one takes its place on that line."""
        if index + 1 == count:
            raise NotEditableError("it does not begin its line", parent.line + 1)
        following = parent.pairs[index + 1][0].start if parent.pairs else self._dash(parent, index + 1)
        end = self._line_end(self._end(parent.pairs[index][1] if parent.pairs else parent.items[index]))
        if "#" in self._text[end:following]:
            raise NotEditableError("a comment stands between it and the next one on its line", parent.line + 1)
        return start, following, ""

    # Characters and lines.

    def _style_for(self, parent: Node | None) -> Style:
        if parent is not None and parent.flow and is_json(parent) and not self._style.json:
            return Style(self._style.newline, self._style.step, self._style.list_offset, '"', json=True)
        return self._style

    def _content(self, node: Node) -> int:
        """Where a node begins after its anchor and its tag."""
        if node.anchor is None and not node.tag:
            return node.start
        found = _PROPERTIES.match(self._text, node.start)
        end = min(found.end(), max(node.end, node.start)) if found else node.start
        if node.kind in ("mapping", "sequence") and not node.flow:
            end = _after_blanks(self._text, end)
        return end

    def _head(self, place: Place) -> int:
        """Just after the colon or the dash that the value belongs to."""
        if place.key is not None:
            colon = _after_blanks(self._text, place.key.end)
            if self._text[colon : colon + 1] != ":":
                raise NotEditableError("its key is not written in the common way", place.key.line + 1)
            return colon + 1
        assert place.parent is not None  # noqa: S101 - the root never comes here
        return self._dash(place.parent, place.index) + 1

    def _dash(self, sequence: Node, index: int) -> int:
        start = self._content(sequence) if index == 0 else _after_blanks(self._text, sequence.items[index - 1].end)
        if self._text[start : start + 1] != "-":
            raise NotEditableError("the list is not written in the common way", sequence.line + 1)
        return start

    def _end(self, node: Node, key: Node | None = None) -> int:
        """Where the last character of a node stands: for a block text without the empty lines that it does not keep."""
        last = self._last(node)
        end = last.end if key is None else max(last.end, key.end)
        if last.kind == "scalar" and last.style in ("|", ">"):
            content = self._content(last)
            header = self._text[content : self._line_end(content)]
            body = self._text[content : last.end]
            if "+" in header.split("#")[0]:
                return last.end - (2 if body.endswith("\r\n") else 1 if body.endswith(("\n", "\r")) else 0)
            return min(self._line_end(content + len(body.rstrip())), last.end)
        return end

    @staticmethod
    def _last(node: Node) -> Node:
        """The last node inside a block collection, or the node itself."""
        while not node.flow and (node.pairs or node.items):
            node = node.pairs[-1][1] if node.pairs else node.items[-1]
        return node

    def _line_start(self, offset: int) -> int:
        return max(self._text.rfind("\n", 0, offset), self._text.rfind("\r", 0, offset)) + 1

    def _line_end(self, offset: int) -> int:
        found = _REST_OF_LINE.match(self._text, offset)
        return found.end() if found else offset

    def _next_line(self, offset: int) -> int:
        end = self._line_end(offset)
        found = _BREAK.match(self._text, end)
        return found.end() if found else end

    def _column(self, offset: int) -> int:
        return offset - self._line_start(offset)

    def _line_of(self, offset: int) -> int:
        return len(_BREAK.findall(self._text, 0, offset))


def _after_blanks(text: str, offset: int) -> int:
    found = _BLANKS.match(text, offset)
    return found.end() if found else offset
