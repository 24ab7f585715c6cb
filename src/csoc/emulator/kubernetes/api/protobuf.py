"""Bodies that typed Go clients send: protobuf, read into the same objects that JSON would give.

kubectl creates reviews, tokens and what `kubectl create` makes in this form and does not fall back to JSON. Answers are
JSON, which these clients accept as well. Sources: apimachinery, pkg/runtime/serializer/protobuf; the encoding at
protobuf.dev.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from csoc.emulator.kubernetes import moments
from csoc.emulator.kubernetes.kinds import facts, schemas
from csoc.emulator.kubernetes.kinds.schemas import ANY, LIST, MAP, Schema

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 100


class ProtobufError(ValueError):
    """The bytes are no object in this encoding."""


def decode(content: bytes) -> dict[str, Any]:
    """The object of a body. Raises ProtobufError."""
    if not content.startswith(_MAGIC):
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    parts = dict(_fields(content[len(_MAGIC) :]))
    about = dict(_fields(_bytes(parts.get(1, b""))))
    api_version, kind = _text(about.get(1, b"")), _text(about.get(2, b""))
    group, _, version = api_version.rpartition("/")
    name = facts.definition_of_kind().get(
        (group, version, kind), "meta.DeleteOptions" if kind == "DeleteOptions" else ""
    )
    if name not in _numbers():
        raise ProtobufError(f"the emulator reads no protobuf of {kind} in {api_version}: send JSON")
    body = _message(schemas.definition(name), name, _bytes(parts.get(2, b"")), 0)
    return {**body, "apiVersion": api_version, "kind": kind}


@cache
def _numbers() -> dict[str, dict[int, str]]:
    """Names of fields by message and number; inlined messages begin with ">"."""
    found = {}
    for name, text in facts.all_facts()["numbers"].items():
        rows = (row.rpartition("=") for row in text.split())
        found[name] = {int(number): field for field, _, number in rows}
    return found


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(content, at)
            yield number, value
        elif wire == _BYTES:
            length, at = _varint(content, at)
            if at + length > len(content):
                raise ProtobufError("unexpected EOF")
            yield number, content[at : at + length]
            at += length
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
            if at + length > len(content):
                raise ProtobufError("unexpected EOF")
            yield number, content[at : at + length]
            at += length
        else:
            raise ProtobufError(f"illegal wireType {wire}")


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(content) or shift > 63:
            raise ProtobufError("unexpected EOF")
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("wrong wireType")
    return value


def _text(value: int | bytes) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise ProtobufError("a text is no UTF-8") from error


def _message(schema: Schema, name: str, content: bytes, depth: int) -> dict[str, Any]:
    """schema: of the object whose fields these are; name: of the message, another one if it is inlined."""
    if depth > _DEEPEST:
        raise ProtobufError(f"nested more than {_DEEPEST} levels deep")
    names = _numbers()[name]
    made: dict[str, Any] = {}
    for number, value in _fields(content):
        field = names.get(number, "")
        if field.startswith(">"):
            made.update(_message(schema, field[1:], _bytes(value), depth + 1))
        elif field in schema.fields:
            _add(made, field, schema.fields[field], value, depth)
    return {field: value for field, value in made.items() if not _is_zero(field, value)}


def _is_zero(field: str, value: Any) -> bool:
    """Go writes empty texts and structs that JSON leaves out."""
    return value in ("", {}, None) or (field == "creationTimestamp" and value == "1970-01-01T00:00:00Z")


def _add(made: dict[str, Any], field: str, schema: Schema, value: int | bytes, depth: int) -> None:
    if schema.kind == LIST:
        assert schema.element is not None  # noqa: S101 - lists have elements
        made.setdefault(field, []).append(_value(schema.element, value, depth))
    elif schema.kind == MAP and schema.element is not None and not schema.fields:
        entry = dict(_fields(_bytes(value)))
        key = _text(entry.get(1, b""))
        made.setdefault(field, {})[key] = _entry(schema.element, entry.get(2, b""), depth)
    else:
        made[field] = _value(schema, value, depth)


def _entry(schema: Schema, value: int | bytes, depth: int) -> Any:
    if schema.kind == LIST:  # a message that wraps a list, such as ExtraValue
        return [_text(one) for number, one in _fields(_bytes(value)) if number == 1]
    return _value(schema, value, depth)


def _value(schema: Schema, value: int | bytes, depth: int) -> Any:
    if schema.kind == ANY:
        return _any(_bytes(value))
    if schema.kind == MAP:
        return _message(schema, schema.name, _bytes(value), depth + 1)
    return _scalar(schema.scalar, value)


def _scalar(kind: str, value: int | bytes) -> Any:
    if kind == "integer":
        if not isinstance(value, int):
            raise ProtobufError("wrong wireType")
        return value - (1 << 64) if value >> 63 else value
    if kind == "boolean":
        return bool(value)
    if kind == "number":
        return struct.unpack("<d", _bytes(value))[0]
    if kind == "bytes":
        return base64.b64encode(_bytes(value)).decode()
    if kind == "time":
        parts = dict(_fields(_bytes(value)))
        seconds = parts.get(1, 0)
        moment = moments.moved(datetime.fromtimestamp(0, UTC), seconds if isinstance(seconds, int) else 0)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if kind == "quantity":
        return _text(dict(_fields(_bytes(value))).get(1, b""))
    if kind == "int-or-string":
        parts = dict(_fields(_bytes(value)))
        return _text(parts.get(3, b"")) if parts.get(1) else _scalar("integer", parts.get(2, 0))
    return _text(value)


def _any(content: bytes) -> Any:
    """RawExtension and the like hold JSON in their first field."""
    raw = _bytes(dict(_fields(content)).get(1, b""))
    try:
        return json.loads(raw) if raw else {}
    except ValueError as error:
        raise ProtobufError("a raw extension holds no JSON") from error
