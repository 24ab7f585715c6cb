"""Helm's `--set` syntax, which Argo CD hands `parameters` to.

A parameter changes the values that are already there: `a[0].b=x` edits one item of a list that a value file wrote. So
this writes into a copy of the merged values, as Helm's own parser (pkg/strvals/parser.go) does, with its limits and its
refusals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.values import Path

MAX_INDEX = 65536
MAX_NESTING = 30
_MAX_DEPTH = 100  # of lists in lists, which Helm does not limit
_MAX_NEW_ITEMS = 1_000_000  # that one text may add to lists
_INDEX = re.compile(r"[+-]?[0-9]{1,9}")
_INTEGER_MIN, _INTEGER_MAX = -(2**63), 2**63 - 1


class SetSyntaxError(RejectedError):
    """A `--set` text that Helm refuses."""


class _EndOfText(Exception):  # noqa: N818 - not an error: the text is read
    """Nothing is left to read. Carries what was read before."""

    def __init__(self, read: str) -> None:
        super().__init__()
        self.read = read


Convert = Callable[[str], Any]


def parse_into(
    text: str, values: dict[str, Any], *, force_string: bool = False, convert: Convert | None = None
) -> list[Path]:
    """Applies "name=value,name=value" to values in place; returns the paths that were written, in order.

    force_string keeps every value text (`--set-string`); convert replaces the typing of values (`--set-file` reads a
    file). values must be the caller's own copy: it is changed even if this raises.

    Raises SetSyntaxError for what Helm refuses: a key without a value, a name through something that is not a mapping
    or list, an index over 65536, more than 30 levels.
    """
    return _Parser(text, convert or (str if force_string else typed_value)).run(values)


def typed_value(text: str) -> Any:
    """A value as `--set` types it: true, false, null in any case, integers without a leading zero; all else is text."""
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if lowered == "null":
        return None
    if text == "0":
        return 0
    digits = text[1:] if text[:1] in ("+", "-") else text
    if text[:1] != "0" and digits.isascii() and digits.isdigit() and len(digits) <= 19:
        number = int(text)
        if _INTEGER_MIN <= number <= _INTEGER_MAX:
            return number
    return text


def escape_commas(value: str) -> str:
    """A parameter's value as Argo CD hands it to `--set`: commas escaped, unless it is a {list} or they are already."""
    if value.startswith("{") and value.endswith("}"):
        return value
    result, previous = [], ""
    for character in value:
        result.append("\\," if character == "," and previous != "\\" else character)
        previous = character
    return "".join(result)


class _Parser:
    def __init__(self, text: str, convert: Convert) -> None:
        self._text = text
        self._at = 0
        self._convert = convert
        self._written: list[Path] = []
        self._new_items = 0

    def run(self, values: dict[str, Any]) -> list[Path]:
        while self._at < len(self._text):
            self._key(values, (), 0)
        return self._written

    def _read_until(self, stops: str) -> tuple[str, str]:
        """The text up to a stop character (unescaped), and that character. Raises _EndOfText."""
        read: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character in stops:
                return "".join(read), character
            if character == "\\":
                if self._at >= len(self._text):
                    break
                character = self._text[self._at]
                self._at += 1
            read.append(character)
        raise _EndOfText("".join(read))

    def _key(self, values: dict[str, Any], path: Path, level: int) -> bool:
        """Reads one "name=value"; False if the text ended where a name or a value should begin."""
        try:
            key, stop = self._read_until("=[,.")
        except _EndOfText as end:
            if not end.read:
                return False
            raise SetSyntaxError(f'key "{end.read}" has no value') from None
        if stop == ",":
            raise SetSyntaxError(f'key "{key}" has no value (cannot end with ,)')
        if stop == "=":
            ended = self._at >= len(self._text)
            value = self._value()
            if key:
                values[key] = value
                self._written.append((*path, key))
            return not ended
        if stop == "[":
            existing = values.get(key, [])
            if key in values and not isinstance(existing, list):
                raise SetSyntaxError(f'"{key}" holds no list, so that an index does not fit')
            items, more = self._item(list(existing), self._index(), (*path, key), level)
            if key:
                values[key] = items
            return more
        return self._nested(values, key, path, level + 1)

    def _nested(self, values: dict[str, Any], key: str, path: Path, level: int) -> bool:
        if level > MAX_NESTING:
            raise SetSyntaxError(f"names have at most {MAX_NESTING} levels")
        inner = values.get(key, {})
        if not isinstance(inner, dict):
            raise SetSyntaxError(f'"{key}" holds no mapping, so that a name below it does not fit')
        more = self._key(inner, (*path, key), level)
        if more and not inner:
            raise SetSyntaxError(f'key map "{key}" has no value')
        if key and inner:
            values[key] = inner
        return more

    def _index(self) -> int:
        try:
            digits, _ = self._read_until("]")
        except _EndOfText:
            raise SetSyntaxError("error parsing index: no ]") from None
        if not _INDEX.fullmatch(digits):
            raise SetSyntaxError(f'error parsing index: "{digits}" is not a number')
        index = int(digits)
        if index < 0:
            raise SetSyntaxError(f"negative {index} index not allowed")
        if index > MAX_INDEX:
            raise SetSyntaxError(f"index of {index} is greater than maximum supported index of {MAX_INDEX}")
        return index

    def _item(self, items: list[Any], index: int, path: Path, level: int) -> tuple[list[Any], bool]:
        """Reads what follows an index; the list afterwards, and False if the text ended where something should follow
        (Helm then leaves the list as it was)."""
        if len(path) > _MAX_DEPTH:
            raise SetSyntaxError(f"names have at most {_MAX_DEPTH} steps")
        try:
            rest, stop = self._read_until("[.=")
        except _EndOfText as end:
            if not end.read:
                return items, False
            rest, stop = end.read, ""
        if rest:
            raise SetSyntaxError(f'unexpected data at end of array index: "{rest}"')
        here = (*path, index)
        if stop == "=":
            value = self._value()
            self._written.append(here)
            return self._with_item(items, index, value), True
        existing = items[index] if index < len(items) else None
        if stop == "[":
            if existing is not None and not isinstance(existing, list):
                raise SetSyntaxError(f'"{_name(here)}" holds no list, so that an index does not fit')
            inner_items, more = self._item(list(existing or []), self._index(), here, level)
            return (self._with_item(items, index, inner_items), True) if more else (items, False)
        inner = existing if isinstance(existing, dict) else {}
        if index < len(items):
            items[index] = inner
        more = self._key(inner, here, level)
        return (self._with_item(items, index, inner), True) if more else (items, False)

    def _with_item(self, items: list[Any], index: int, value: Any) -> list[Any]:
        missing = index + 1 - len(items)
        if missing > 0:
            self._new_items += missing
            if self._new_items > _MAX_NEW_ITEMS:
                raise SetSyntaxError(f"more than {_MAX_NEW_ITEMS} list items in one parameter")
            items.extend([None] * missing)
        items[index] = value
        return items

    def _value(self) -> Any:
        if self._text[self._at : self._at + 1] == "{":
            self._at += 1
            return self._list()
        try:
            value, _ = self._read_until(",")
        except _EndOfText as end:
            value = end.read
        return self._convert(value)

    def _list(self) -> list[Any]:
        items: list[Any] = []
        while True:
            try:
                value, stop = self._read_until(",}")
            except _EndOfText:
                raise SetSyntaxError("list must terminate with '}'") from None
            items.append(self._convert(value))
            if stop == "}":
                if self._text[self._at : self._at + 1] == ",":
                    self._at += 1
                return items


def _name(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
