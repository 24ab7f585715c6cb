"""Hides what looks secret before it can reach a reader: one place for pages, findings, errors and logs.

Masking errs on the side of hiding in values, and never hides names (of keys, secrets, files), since those are what a
reader acts on. What a key says and what a value looks like are judged together; `secretkeys` and `secrettext` hold
the two halves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from csoc.fleet.masking import secretkeys, secrettext
from csoc.fleet.masking.secretkeys import Steps, Suspicion
from csoc.fleet.yaml import yamlscalars

MASK = "***"
_WIDTH = 80
_SECRET_DATA = ("data", "stringData")
_IN_SECRET = "\0in a Secret"  # noqa: S105 - a step of a path that no file can hold


def masked(path: Steps, value: object) -> str:
    """A value for readers: one line of at most 80 characters, masked where key or content look secret."""
    text = ""
    for piece in _pieces(path, value, nested=False):
        text += piece
        if len(text) > 4 * _WIDTH:
            break
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1].rstrip() + "…"


def looks_secret(path: Steps, value: object) -> str | None:
    """Why the value at a path is a secret that should not be where it is, as a clause ("a private key"); None if it is
    none: a placeholder, a reference, a name, or nothing that looks secret. Collections give None; ask for each leaf.
    """
    level = secretkeys.suspicion(path)
    if isinstance(value, str):
        by_key = secrettext.reason_by_key(level, value)
        inside = next((reason for _, _, reason in secrettext.spans(value)), None)
        return inside or by_key
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "its key says that it is a secret" if is_number and level is Suspicion.STRONG else None


def mask_tree(data: Any, path: Steps = ()) -> Any:
    """The same shape with every secret replaced by MASK, also in Kubernetes Secrets and in lists of name and value.

    A text that only holds a secret somewhere inside keeps the rest of itself. Nothing of the argument is changed.
    """
    if isinstance(data, Mapping):
        return {key: mask_tree(value, step) for key, value, step in _children(data, path)}
    if isinstance(data, (list, tuple)):
        return [mask_tree(item, (*path, index)) for index, item in enumerate(data)]
    return _mask_leaf(data, path)


def mask_text(text: str) -> str:
    """A free text (an error, a message of Helm's) with the secrets inside it replaced by MASK."""
    found = sorted((start, end) for start, end, _ in secrettext.spans(text))
    pieces, position = [], 0
    for start, end in found:
        if end <= position:
            continue
        if start >= position:
            pieces += [text[position:start], MASK]
        position = end
    return "".join(pieces) + text[position:]


def _mask_leaf(value: Any, path: Steps) -> Any:
    if _is_secret_data(path) and value is not None:
        return MASK
    if isinstance(value, str):
        if secrettext.reason_by_key(secretkeys.suspicion(path), value):
            return MASK
        return mask_text(value)
    return MASK if looks_secret(path, value) else value


def _children(data: Mapping[Any, Any], path: Steps) -> Iterator[tuple[Any, Any, Steps]]:
    """Each entry with the path to judge it by: the value of {name: DB_PASSWORD, value: ...} is judged by that name,
    and everything in the data of a Kubernetes Secret is secret."""
    name = data.get("name", data.get("key"))
    named = isinstance(name, str) and "value" in data
    is_secret = data.get("kind") == "Secret" and any(key in data for key in _SECRET_DATA)
    for key, value in data.items():
        if named and key == "value":
            yield key, value, (*path, *str(name).split("."))
        elif is_secret and key in _SECRET_DATA:
            yield key, value, (*path, _IN_SECRET)
        else:
            yield key, value, (*path, key)


def _is_secret_data(path: Steps) -> bool:
    return _IN_SECRET in path


def _pieces(path: Steps, value: Any, *, nested: bool) -> Iterator[str]:
    """The value as short flow YAML, piece by piece, so that a long one is not written out."""
    if isinstance(value, Mapping):
        yield "{"
        for index, (key, item, step) in enumerate(_children(value, path)):
            yield f"{', ' if index else ''}{key}: "
            yield from _pieces(step, item, nested=True)
        yield "}"
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield "["
        for index, item in enumerate(value):
            yield ", " if index else ""
            yield from _pieces((*path, index), item, nested=True)
        yield "]"
    else:
        yield _leaf_text(_mask_leaf(value, path), nested=nested)


def _leaf_text(value: Any, *, nested: bool) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    text = str(value)
    if not text or not yamlscalars.reads_as_text(text) or (nested and any(sign in text for sign in ",{}[]")):
        return json.dumps(text, ensure_ascii=False)
    return text
