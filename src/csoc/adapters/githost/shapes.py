"""Fields of a host's JSON with their types checked: an answer of another shape is an error, not a surprise later."""

from __future__ import annotations

from typing import Any

from csoc.errors import UnavailableError


def mapping(data: Any, *keys: str) -> dict[str, Any]:
    """The object at data[key][key]...; empty if it is absent or null on the way. Raises UnavailableError."""
    for key in keys:
        data = mapping(data).get(key)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise _unexpected(".".join(keys) or "answer", "an object")
    return data


def text(data: Any, *keys: str) -> str:
    """The string at the keys; empty if it is absent or null. Raises UnavailableError."""
    value = mapping(data, *keys[:-1]).get(keys[-1])
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _unexpected(".".join(keys), "a text")
    return value


def number(data: Any, *keys: str) -> int:
    """The whole number at the keys. Raises UnavailableError if there is none."""
    value = mapping(data, *keys[:-1]).get(keys[-1])
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unexpected(".".join(keys), "a number")
    return value


def flag(data: Any, *keys: str) -> bool | None:
    """True, False or None (absent or null) at the keys. Raises UnavailableError."""
    value = mapping(data, *keys[:-1]).get(keys[-1])
    if value is not None and not isinstance(value, bool):
        raise _unexpected(".".join(keys), "true or false")
    return value


def sequence(data: Any, *keys: str) -> list[Any]:
    """The list at the keys; empty if it is absent or null. Raises UnavailableError."""
    value = mapping(data, *keys[:-1]).get(keys[-1]) if keys else data
    if value is None:
        return []
    if not isinstance(value, list):
        raise _unexpected(".".join(keys) or "answer", "a list")
    return value


def _unexpected(where: str, expected: str) -> UnavailableError:
    return UnavailableError(
        f"the host's answer is not as its interface promises: {where} is not {expected}",
        fix="Check the host's kind and API address in csoc's settings",
    )
