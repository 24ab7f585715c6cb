"""Whether an object of a built-in kind is what its type says: unknown fields, wrong types, nulls.

The real server decodes into Go structs, which drops unknown fields, takes null for absent, and stops at a value of a
wrong type; in strict mode unknown and doubled fields are errors. Source: sigs.k8s.io/json.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds.schemas import ANY, LIST, MAP, SCALAR, Schema

_QUANTITY = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")

_ZEROS = {"string": "", "integer": 0, "number": 0, "boolean": False, "quantity": "0", "int-or-string": 0}
_SKIPPED = {ord("\n"): None, ord("\r"): None}
"""Go's decoder of base64 takes no notice of line breaks."""


class WrongTypeError(Exception):
    """A value that its field cannot hold; the text is as Go's decoder words it."""


def conform(schema: Schema, value: Any, unknown: list[str], path: str = "", place: str = "") -> Any:
    """The value with only what its type knows, and without what Go leaves out as zero.

    What was dropped is added to unknown ("spec.template.x").

    place: the field as Go's decoder names it in errors. Raises WrongTypeError.
    """
    if value is None or schema.kind == ANY:
        return value
    if schema.kind == MAP:
        return _map(schema, value, unknown, path, place)
    if schema.kind == LIST:
        if not isinstance(value, list):
            raise _wrong(value, place, f"[]{_go_name(schema.element)}")
        element = schema.element
        assert element is not None  # noqa: S101 - tells the type checker
        return [
            conform(element, _zero(element) if item is None else item, unknown, f"{path}[{index}]", place)
            for index, item in enumerate(value)
        ]
    if schema.kind == SCALAR:
        _scalar(schema.scalar, value, place)
    return value


def _zero(schema: Schema) -> Any:
    """What Go makes of null in a list: an empty struct, text or number."""
    if schema.kind == MAP:
        return {}
    return _ZEROS.get(schema.scalar) if schema.kind == SCALAR else None


def decoded(schema: Schema, data: Any, kind: str) -> dict[str, Any]:
    """What was sent instead of an object (options, questions), with what its type knows. Raises ApiError BadRequest."""
    try:
        made = conform(schema, data, [])
    except WrongTypeError as error:
        raise errors.bad_request(f"{kind} cannot be handled: {error}") from error
    if not isinstance(made, dict):
        raise errors.bad_request(f"the object provided is unrecognized (must be of type {kind})")
    return made


def _map(schema: Schema, value: Any, unknown: list[str], path: str, place: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(value, place, _go_name(schema))
    made = {}
    prefix = f"{path}." if path else ""
    for name, part in value.items():
        if not schema.knows(name):
            unknown.append(prefix + name)
        elif part is not None and (part or name not in schema.left_out):
            made[name] = conform(schema.child(name), part, unknown, prefix + name, _place(schema, place, name))
    return made


def _place(schema: Schema, place: str, name: str) -> str:
    """The innermost struct with the path from the outermost one; entries of maps are not told apart."""
    if name not in schema.fields:
        return place
    path = place.partition(".")[2]
    return f"{schema.name.rpartition('.')[2]}.{path}.{name}" if path else f"{schema.name.rpartition('.')[2]}.{name}"


def _go_name(schema: Schema | None) -> str:
    """A type as Go names it."""
    if schema is None:
        return "interface {}"
    if schema.kind == SCALAR:
        return {"integer": "int32", "boolean": "bool", "number": "float64", "quantity": "resource.Quantity"}.get(
            schema.scalar, "string"
        )
    if schema.name:
        package = schema.name.split(".")[-2] if schema.name.count(".") > 1 else "v1"
        return f"{package}.{schema.name.rpartition('.')[2]}"
    return f"map[string]{_go_name(schema.element)}" if schema.kind == MAP else f"[]{_go_name(schema.element)}"


def _scalar(kind: str, value: Any, path: str) -> None:
    if kind in ("string", "bytes", "time") and not isinstance(value, str):
        raise _wrong(value, path, "string" if kind != "time" else "Time")
    if kind == "integer" and (isinstance(value, bool) or not isinstance(value, int)):
        if isinstance(value, float) and value.is_integer():
            return
        raise _wrong(value, path, "int32")
    if kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _wrong(value, path, "float64")
    if kind == "boolean" and not isinstance(value, bool):
        raise _wrong(value, path, "bool")
    if kind == "int-or-string" and (isinstance(value, bool) or not isinstance(value, int | str)):
        raise _wrong(value, path, "IntOrString")
    if kind == "bytes":
        try:
            base64.b64decode(value.translate(_SKIPPED), validate=True)
        except (binascii.Error, ValueError) as error:
            raise WrongTypeError(f"illegal base64 data at input byte {_illegal(value)}") from error
    if kind == "time" and not _TIME.fullmatch(value):
        raise WrongTypeError(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse it in field {path}')
    if kind == "quantity":
        _quantity(value, path)


def _illegal(text: str) -> int:
    """Where base64 is wrong."""
    found = _BASE64.match(text)
    return found.end() if found and found.end() < len(text) else len(text)


def _quantity(value: Any, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _wrong(value, path, "Quantity")
    if isinstance(value, str) and not _QUANTITY.fullmatch(value):
        pattern = "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        raise WrongTypeError(f"quantities must match the regular expression {pattern} in field {path}")


def _wrong(value: Any, path: str, wanted: str) -> WrongTypeError:
    found = {str: "string", bool: "bool", list: "array", dict: "object"}.get(type(value), "number")
    return WrongTypeError(f"json: cannot unmarshal {found} into Go struct field {path} of type {wanted}")
