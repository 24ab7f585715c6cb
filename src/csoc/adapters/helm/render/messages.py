"""What goes to the child and what it says of a failure, in forms that are safe to pass on.

Helm's messages quote what they stumbled on, which may be a password, and run over many lines. A reader needs the
template, the line and the reason, on one line, without secrets.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from csoc.fleet import masking
from csoc.fleet.charts import RenderFailure

_LENGTH = 1_200
_PLACE = re.compile(r"([\w.@+-]+(?:/[\w.@+ -]+)*/templates/[\w.@+/ -]+?):(\d+)(?::\d+)?")
_FILE = re.compile(r"[\w.@+-]+(?:/[\w.@+-]+)*/templates/[\w.@+/-]+[\w]")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.){120,})"')
_SHORTEST_SECRET = 6  # a shorter one is a part of too many words


class TooLargeError(Exception):
    """Values over the limit. The text is for people."""


def values_text(values: Mapping[str, Any], limit_bytes: int) -> str:
    """The values as JSON. Raises TooLargeError, also for values nested too deep or within themselves."""
    _measure(values, limit_bytes)
    try:
        text = json.dumps(values, default=_plain, separators=(",", ":"))
    except (RecursionError, ValueError):
        raise TooLargeError("The values are nested too deep.") from None
    if len(text) > limit_bytes:
        raise TooLargeError(f"The values are larger than {limit_bytes:,} bytes.")
    return text


def failure(answer: Sequence[str], values: Mapping[str, Any]) -> RenderFailure:
    """A failure from the child's answer, which is the kind and Helm's own words: where it was, and the words on one
    line, with secrets of the values masked."""
    kind, text = answer
    place = _PLACE.search(text)
    named = place or _FILE.search(text)
    template = (place[1] if place else named[0]) if named else ""
    line = int(place[2]) if place else 0
    clean = _QUOTED.sub('"…"', " ".join(text.split()))
    clean = masking.mask_text(_without_secrets(clean, values))
    if len(clean) > _LENGTH:
        clean = f"{clean[: _LENGTH // 2]} … {clean[-_LENGTH // 2 :]}"
    return RenderFailure(kind, clean, template, line)


def _measure(values: Any, limit_bytes: int) -> None:
    """Adds up what the values would take, so that a bomb of shared parts is found before it is written out."""
    size, stack = 0, [values]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            size += sum(len(key) if isinstance(key, str) else 8 for key in value) + 4 * len(value)
            stack.extend(value.values())
        elif isinstance(value, (list, tuple)):
            size += 2 * len(value)
            stack.extend(value)
        else:
            size += len(value) if isinstance(value, str) else 4
        if size > limit_bytes:
            raise TooLargeError(f"The values are larger than {limit_bytes:,} bytes.")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _without_secrets(text: str, values: Mapping[str, Any]) -> str:
    """The one place where messages meet the values that they may quote."""
    for secret in _secrets(values):
        text = text.replace(secret, masking.MASK)
    return text


def _secrets(values: Mapping[str, Any]) -> list[str]:
    """What is hidden of the values, in the spellings that a message may have: its lines, in one line, quoted, and in
    base64. Longest first, so that none is masked in half."""
    found = set()
    for text in masking.hidden_texts(values):
        plain = {text, text.strip(), " ".join(text.split()), *(line.strip() for line in text.splitlines())}
        for spelled in plain:
            found |= {spelled, json.dumps(spelled)[1:-1], json.dumps(spelled, ensure_ascii=False)[1:-1]}
            if len(spelled) >= _SHORTEST_SECRET:
                found.add(base64.b64encode(spelled.encode(errors="replace")).decode())
        found |= {base64.b64encode(text.encode(errors="replace")).decode()}
    return sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)
