"""Edits to YAML as splices at the byte span of a node: every byte outside stays.

Loading and dumping, even with a round-trip library, rewrites most real files (measured: 68 of 89), and a reviewer who
sees a thousand changed lines reviews none of them.

Whether a splice is right is not argued but checked: the result is read again, and its data must be the old data with
the edit and nothing else. That also catches what a splice cannot see, such as an anchor that other places repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.values import Path
from csoc.fleet.yaml import yamlnodes, yamlscalars, yamlstyle, yamltext
from csoc.fleet.yaml.yamlnodes import Node
from csoc.fleet.yaml.yamlsplice import NotEditableError, Splice, Splicer

_ACTIONS = ("set", "remove", "rename", "append")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of one document.

    action: "set" (replaces the value, or adds the key and the mappings above it), "remove" (the key or the list item),
    "rename" (the key; value is the new one), "append" (to the list at the path).
    """

    path: Path
    action: str
    value: Any = None
    document: int = 0


def apply(content: bytes, edits: Sequence[Edit]) -> bytes:
    """The file after the edits, in order. The document's data is then what the edit says, and nothing else changed.

    Raises RejectedError, naming the path and the line, for a path that cannot be edited safely: through an alias, a
    merge key, a scalar, in a template, a document that is not there, or a file that does not parse.
    """
    mark = content.startswith(_BOM.encode())
    for edit in edits:
        try:
            text = _apply(yamltext.decode(content), edit)
        except yamltext.YamlError as error:
            raise RejectedError(
                f"{_named(edit)} cannot be edited, since the file is not YAML that Helm reads: {error.cause}",
                place=error.place,
                fix=error.fix,
            ) from None
        content = (_BOM * mark + text).encode()
    return content


def _apply(text: str, edit: Edit) -> str:
    before = _documents(text)
    if edit.document not in before and not (edit.document == 0 and not before):
        raise RejectedError(f"there is no document {edit.document} in the file", place=_named(edit))
    root = yamlnodes.compose(text, edit.document) if before else None
    try:
        wanted = _edited(before.get(edit.document), edit)
        candidates = _candidates(text, root, edit)
        for start, end, written in candidates:
            after = text[:start] + written + text[end:]
            if _is_right(after, {**before, edit.document: wanted}):
                return after
        raise NotEditableError(
            "the edit would change something else too: an anchor that is used elsewhere, a merge key, or a key that "
            "stands twice",
            _line(root, edit.path),
        )
    except NotEditableError as error:
        place = f"line {error.line}" if error.line else ""
        fix = "Make this change by hand"
        raise RejectedError(f"{_named(edit)} cannot be edited: {error.cause}", place=place, fix=fix) from None


def _candidates(text: str, root: Node | None, edit: Edit) -> Iterator[Splice]:
    """Splices to try, the most natural first. Nothing is tried twice."""
    style = yamlstyle.detect(text, root)
    seen = set()
    for attempt in (style, style.without_blocks()):
        splice = _splice(text, root, edit, attempt)
        if splice not in seen:
            seen.add(splice)
            yield splice


def _splice(text: str, root: Node | None, edit: Edit, style: yamlstyle.Style) -> Splice:
    if root is None:
        return _first_lines(text, edit, style)
    splicer = Splicer(text, root, style)
    if edit.action == "set":
        return splicer.set(edit.path, edit.value)
    if edit.action == "append":
        return splicer.append(edit.path, edit.value)
    if edit.action == "rename":
        return splicer.rename(edit.path, edit.value)
    return splicer.remove(edit.path)


def _first_lines(text: str, edit: Edit, style: yamlstyle.Style) -> Splice:
    """The first content of a file that holds comments at most."""
    if edit.action != "set" or not edit.path:
        raise NotEditableError("the file is empty", 0)
    value = edit.value
    for step in reversed(edit.path):
        value = {step: value}
    before = style.newline if text and text[-1] not in "\r\n" else ""
    return len(text), len(text), before + "".join(line + style.newline for line in style.block(value, 0))


def _edited(data: Any, edit: Edit) -> Any:
    """The data that the edit asks for. Raises NotEditableError where the edit makes no sense for the data."""
    if edit.action not in _ACTIONS:
        raise NotEditableError(f"there is no action {edit.action}", 0)
    if not edit.path and edit.action != "append":
        raise NotEditableError("the whole document is never replaced", 0)
    if edit.action == "rename" and not isinstance(edit.value, str):
        raise NotEditableError("a key is always text", 0)
    value = _as_read(edit.value)
    return _changed(data, edit.path, edit.action, value)


def _changed(data: Any, path: Path, action: str, value: Any) -> Any:
    if not path:
        if action == "append":
            if data is not None and not isinstance(data, list):
                raise NotEditableError("what stands there is no list", 0)
            return [*(data or []), value]
        return value
    step, rest = path[0], path[1:]
    if isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
        if not rest and action == "remove":
            return data[:step] + data[step + 1 :]
        if not rest and action == "rename":
            raise NotEditableError("a list item has no key", 0)
        return [*data[:step], _changed(data[step], rest, action, value), *data[step + 1 :]]
    if isinstance(step, str) and (data is None or isinstance(data, Mapping)):
        return _changed_mapping(dict(data or {}), step, rest, action, value)
    raise NotEditableError("there is no such place", 0)


def _changed_mapping(data: dict[str, Any], step: str, rest: Path, action: str, value: Any) -> dict[str, Any]:
    if action == "set" or (step in data and (rest or action == "append")):
        return {**data, step: _changed(data.get(step), rest, action, value)}
    if rest or step not in data:
        raise NotEditableError("there is no such key", 0)
    if action == "remove":
        return {key: item for key, item in data.items() if key != step}
    if value in data:
        raise NotEditableError("the new key exists already", 0)
    return {value if key == step else key: item for key, item in data.items()}


def _as_read(value: Any) -> Any:
    """A new value as Helm will read it. Raises NotEditableError for what YAML or Helm cannot hold."""
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) and _is_unicode(key) for key in value):
            raise NotEditableError("every key must be text", 0)
        return {key: _as_read(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_read(item) for item in value]
    if isinstance(value, str) and not _is_unicode(value):
        raise NotEditableError("the value holds half characters, which a file cannot hold", 0)
    if value is not None and not isinstance(value, (str, int, float)):
        raise NotEditableError("a value must be text, a number, true or false, null, a list or a mapping", 0)
    try:
        return yamlscalars.as_value(value)
    except yamlscalars.ScalarError as error:
        raise NotEditableError(str(error), 0) from None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_right(text: str, wanted: Mapping[int, Any]) -> bool:
    try:
        after = _documents(text)
    except yamltext.YamlError:
        return False
    return after.keys() == wanted.keys() and all(_same(after[index], data) for index, data in wanted.items())


def _same(one: Any, other: Any) -> bool:
    """Equal, where true is not one and order of keys does not count."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _documents(text: str) -> dict[int, Any]:
    """The data of every document, the empty ones (null) included."""
    return yamltext.every_document(text)


def _line(root: Node | None, path: Path) -> int:
    """The line of the deepest part of the path that is written; 0 for none."""
    for length in range(len(path), -1, -1):
        found = yamlnodes.position(root, path[:length]) if root is not None else None
        if found:
            return found[0]
    return 0


def _named(edit: Edit) -> str:
    return ".".join(str(step) for step in edit.path) or "the document"
