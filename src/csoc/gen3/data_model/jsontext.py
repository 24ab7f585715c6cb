"""JSON with the place of every value, for configuration that stands as a text inside other files.

The portal's configuration is JSON of a thousand lines inside a YAML value. Whoever must mend it needs the line, and
Python's parser only tells one where it fails. What browsers accept decides: NaN is refused, the last of two equal keys
wins.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from csoc.fleet.values import Path

SIZE = 4_000_000  # characters
_ELEMENTS = 400_000
_DEPTH = 60  # below that, a value's place is that of what holds it

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')

_WORDS = (
    ("Expecting ',' delimiter", "a comma is missing, or a text is not quoted"),
    (
        "Expecting property name enclosed in double quotes",
        "a key in double quotes is expected here (a comma too many?)",
    ),
    ("Illegal trailing comma", "there is a comma too many"),
    ("Expecting ':' delimiter", "a colon is missing after a key"),
    ("Expecting value", "a value is expected here (a comma too many, or a comment, which JSON does not have?)"),
    ("Unterminated string", "a text is not closed"),
    ("Invalid control character", "a line break or a tab stands inside a text: write \\n or \\t"),
    ("Invalid \\", "a backslash begins no escape that JSON knows: double it"),
    ("Extra data", "the configuration ends here, and more follows"),
)


class JsonError(ValueError):
    """Text that is not JSON. cause: in words for a user, without any of the text. line and column count from 1."""

    def __init__(self, cause: str, line: int = 1, column: int = 1) -> None:
        super().__init__(cause)
        self.cause = cause
        self.line = line
        self.column = column


@dataclass(frozen=True)
class JsonText:
    """A parsed text. data: its value."""

    text: str
    data: Any

    def line(self, path: Path) -> int:
        """The line (from 1) of the key or the list item at a path, or of its nearest ancestor that there is."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._scanned[0]:
                return self._scanned[0][path[:length]]
        return 1

    @property
    def duplicates(self) -> list[tuple[Path, int]]:
        """Keys that stand twice in one mapping, with the line of the later one, which wins."""
        return self._scanned[1]

    @cached_property
    def _scanned(self) -> tuple[dict[Path, int], list[tuple[Path, int]]]:
        return _scan(self.text)


def parse(text: str) -> JsonText:
    """Raises JsonError."""
    if len(text) > SIZE or text.count(",") + text.count("[") + text.count("{") > _ELEMENTS:
        raise JsonError("the text is larger than any real configuration, so csoc does not read it")
    try:
        data = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        words = next((words for sign, words in _WORDS if error.msg.startswith(sign)), "this is not JSON")
        raise JsonError(words, error.lineno, error.colno) from None
    except RecursionError:
        raise JsonError("the values are nested too deeply") from None
    except ValueError as error:  # a number of a million digits, or one of those that only Python knows
        raise JsonError(str(error) if str(error) in _CONSTANTS else "a number has too many digits") from None
    return JsonText(text, data)


_CONSTANTS = tuple(f"{name} is no value in JSON" for name in ("NaN", "Infinity", "-Infinity"))


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no value in JSON")


def _scan(text: str) -> tuple[dict[Path, int], list[tuple[Path, int]]]:
    """Lines by path, and keys that stand twice; the text is known to be JSON."""
    lines: dict[Path, int] = {}
    twice: list[tuple[Path, int]] = []
    path: list[str | int] = []  # of the value that is read now
    kinds: list[str] = []  # "{" or "[" for each open value
    seen: list[set[str]] = []
    key_next = False
    line = position = 0
    for match in _TOKEN.finditer(text):
        sign = match[0]
        line += text.count("\n", position, match.start())
        position = match.start()
        if sign in "{[":
            _item(path, kinds, lines, line)
            kinds.append(sign)
            seen.append(set())
            path.append(0 if sign == "[" else "")
            key_next = sign == "{"
        elif sign in "}]":
            kinds.pop()
            seen.pop()
            path.pop()
            key_next = False
        elif sign == ",":
            if kinds[-1] == "[":
                path[-1] = int(path[-1]) + 1
            else:
                key_next = True
        elif sign == ":":
            key_next = False
        elif key_next:
            key = json.loads(sign)
            path[-1] = key
            place = tuple(path[:_DEPTH])
            if key in seen[-1]:
                twice.append((place, line + 1))
            seen[-1].add(key)
            if len(path) <= _DEPTH:
                lines[place] = line + 1
        else:
            _item(path, kinds, lines, line)
    return lines, twice


def _item(path: list[str | int], kinds: list[str], lines: dict[Path, int], line: int) -> None:
    """Remembers where a list item begins; a mapping's value stands where its key does."""
    if kinds and kinds[-1] == "[" and len(path) <= _DEPTH:
        lines[tuple(path)] = line + 1
