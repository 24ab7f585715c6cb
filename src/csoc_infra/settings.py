"""Settings of layers: frozen dataclasses, read by one strict reader, so that no layer has a reader of its own.

Unknown keys, missing keys and wrong types are refused with their path. A field without a default must be given.
Types: str, int, float, bool, Literal, another dataclass, tuple[T, ...], Mapping[str, T], T | None.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar

from csoc_infra.mistakes import MistakeError, join, shown

T = TypeVar("T")

_TEXT_LENGTH = 4_096
_ITEMS = 1_000


def setting(*, default: Any = dataclasses.MISSING, check: Callable[[Any], None] | None = None) -> Any:
    """A field of settings. check: raises ValueError, with what is wanted, for a value of the right type that cannot
    be. default: an empty mapping may be written as {}, and is a new one each time."""
    made: dict[str, Any] = {"metadata": {"check": check}}
    if default == {} and isinstance(default, dict):
        return dataclasses.field(default_factory=dict, **made)
    return dataclasses.field(**made) if default is dataclasses.MISSING else dataclasses.field(default=default, **made)


def read(kind: type[T], value: Any, path: str) -> T:
    """Settings from parsed JSON. A dataclass may say in __post_init__, by MistakeError with a path below itself, what
    its fields cannot be together. Raises MistakeError."""
    if not isinstance(value, Mapping):
        raise MistakeError(path, f"an object is wanted, not {_called(value)}")
    hints = _hints(typing.cast("Any", kind))
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in value:
        if key not in fields:
            raise MistakeError(join(path, _key(key)), "there is no such setting", f"There are {', '.join(fields)}")
    given: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value:
            given[name] = _checked(field, _value(hints[name], value[name], join(path, name)), join(path, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise MistakeError(join(path, name), "is missing", "Write it; it has no default")
    try:
        return kind(**given)
    except MistakeError as mistake:
        raise mistake.below(path) from None


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def _checked(field: dataclasses.Field[Any], value: Any, path: str) -> Any:
    check = field.metadata.get("check")
    if check is not None and value is not None:
        try:
            check(value)
        except ValueError as error:
            raise MistakeError(path, str(error)) from None
    return value


def _value(kind: Any, value: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _value(next(one for one in arguments if one is not type(None)), value, path)
    if origin is Literal:
        if type(value) not in {type(one) for one in arguments} or value not in arguments:
            raise MistakeError(path, f"one of {', '.join(map(str, arguments))} is wanted")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise MistakeError(path, f"a list is wanted, not {_called(value)}")
        _limited(value, path)
        return tuple(_value(arguments[0], item, f"{path}[{number}]") for number, item in enumerate(value))
    if origin is not None:
        if not isinstance(value, Mapping):
            raise MistakeError(path, f"an object is wanted, not {_called(value)}")
        _limited(value, path)
        return types.MappingProxyType(
            {text(key, path): _value(arguments[1], item, join(path, _key(key))) for key, item in value.items()}
        )
    if dataclasses.is_dataclass(kind):
        return read(typing.cast("type[Any]", kind), value, path)
    return _scalar(kind, value, path)


def _scalar(kind: Any, value: Any, path: str) -> Any:
    if kind is str:
        return text(value, path)
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    raise MistakeError(path, f"{names.get(kind, kind)} is wanted, not {_called(value)}")


def text(value: Any, path: str) -> str:
    """A text that can stand in a template: no control characters, of bounded length. Raises MistakeError."""
    if not isinstance(value, str):
        raise MistakeError(path, f"a text is wanted, not {_called(value)}")
    if len(value) > _TEXT_LENGTH:
        raise MistakeError(path, f"the text is longer than {_TEXT_LENGTH:,} characters")
    if any(not char.isprintable() for char in value):
        raise MistakeError(path, "the text has characters that cannot be printed")
    return value


def _limited(value: list[Any] | Mapping[str, Any], path: str) -> None:
    if len(value) > _ITEMS:
        raise MistakeError(path, f"there are more than {_ITEMS:,} items")


def _key(key: Any) -> str:
    name = str(key)
    return name if name.isascii() and name.isprintable() and 0 < len(name) <= 60 else shown(name)


def _called(value: Any) -> str:
    """A value's kind in words; never the value itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}.get(
        type(value), "something else"
    )
