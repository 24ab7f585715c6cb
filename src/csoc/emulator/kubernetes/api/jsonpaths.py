"""The JSON paths of printer columns: fields, indexes, filters on equality. Source: client-go, util/jsonpath."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

_STEP = re.compile(
    r"""\.(?P<field>(?:\\\.|[^.\[\]])+)
      | \[\s*(?P<index>-?\d+|\*)\s*\]
      | \[\s*'(?P<quoted>[^']*)'\s*\]
      | \[\?\(\s*@(?P<path>[^=!<>]+?)\s*(?P<op>==|!=)\s*(?P<value>"[^"]*"|'[^']*'|[^)]+?)\s*\)\]""",
    re.VERBOSE,
)


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[re.Match[str], ...] | None:
    """The steps of a path; None if it is one that is not understood."""
    text = path.strip().removeprefix("{").removesuffix("}")
    if text and text[0] not in ".[":
        text = "." + text
    found = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            return None
        found.append(match)
        at = match.end()
    return tuple(found)


def first(path: str, body: Any) -> Any:
    """The first value at a path; None if there is none."""
    found = every(path, body)
    return found[0] if found else None


def every(path: str, body: Any) -> list[Any]:
    """All values at a path."""
    steps = _steps(path)
    if steps is None:
        return []
    values = [body]
    for step in steps:
        values = [value for one in values for value in _next(step, one)]
    return values


def _next(step: re.Match[str], value: Any) -> list[Any]:
    name = step["field"] if step["field"] is not None else step["quoted"]
    if name is not None:
        name = name.replace("\\.", ".")
        return [value[name]] if isinstance(value, dict) and name in value else []
    if not isinstance(value, list):
        return []
    if step["index"] == "*":
        return value
    if step["index"] is not None:
        index = int(step["index"])
        return [value[index]] if -len(value) <= index < len(value) else []
    wanted = step["value"].strip("\"'")
    return [one for one in value if (_text(first(step["path"], one)) == wanted) is (step["op"] == "==")]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
