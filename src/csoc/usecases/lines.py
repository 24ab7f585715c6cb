"""Values and objects as lines that a person can compare: one setting a line, texts line by line, JSON spread out.

A portal's configuration is one text of thousands of characters; two of them beside each other tell nothing, the four
lines in which they differ tell all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.yaml import yamlscalars

_LONG = 120
_DEPTH = 100


def lines_of(value: Any) -> list[str]:
    """A value as lines in the manner of YAML, keys sorted. Meant for reading: it is not always YAML."""
    return list(_lines(value, "", 0))


def text_lines(text: str) -> list[str]:
    """A text as lines; one that holds a JSON object or list is laid out with sorted keys."""
    data = _json(text)
    if data is None:
        return text.splitlines()
    return json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True).splitlines()


def is_long(value: Any) -> bool:
    """True for texts of several lines, and for those that no line of a table can hold."""
    return isinstance(value, str) and ("\n" in value.strip() or len(value) > _LONG)


def _json(text: str) -> Any:
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, (dict, list)) else None


def _lines(value: Any, indent: str, depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        yield f"{indent}..."
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _entry(f"{indent}{key}:", value[key], indent, depth)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _entry(f"{indent}-", item, indent, depth)
    else:
        yield f"{indent}{_scalar(value)}"


def _entry(head: str, value: Any, indent: str, depth: int) -> Iterator[str]:
    if isinstance(value, (Mapping, list, tuple)) and value:
        yield head
        yield from _lines(value, f"{indent}  ", depth + 1)
    elif isinstance(value, str) and is_long(value):
        yield f"{head} |"
        for line in text_lines(value):
            yield f"{indent}  {line}"
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    if isinstance(value, str):
        return value if value and yamlscalars.reads_as_text(value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, default=str)
