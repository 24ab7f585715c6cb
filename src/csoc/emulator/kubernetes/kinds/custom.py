"""Custom resources by their structural schemas: pruning, defaulting, validation.

Source: apiextensions-apiserver, pkg/apiserver/schema (pruning, defaulting, listtype) and pkg/apiserver/validation.
Rules in CEL (x-kubernetes-validations) are not evaluated.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from csoc.emulator.kubernetes.kinds import patterns
from csoc.emulator.kubernetes.kinds.types import ResourceType

Object = dict[str, Any]
Raw = Mapping[str, Any]
Cause = dict[str, str]
_OWN = ("apiVersion", "kind", "metadata")
_NAMED = ("properties", "patternProperties", "definitions")
_NESTED = ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "not")


def pruned(type_: ResourceType, body: Object, unknown: list[str]) -> Object:
    """The object without fields that its schema does not name; those are added to unknown."""
    custom = type_.custom
    assert custom is not None  # noqa: S101 - tells the type checker
    if custom.preserves_unknown or not custom.schema:
        return body
    own = {name: body[name] for name in _OWN if name in body}
    rest = {name: value for name, value in body.items() if name not in _OWN}
    made: Object = _prune(custom.schema, rest, "", unknown)
    return own | made


def _prune(schema: Raw, value: Any, path: str, unknown: list[str]) -> Any:
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [_prune(items, item, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    keeps = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    made = {}
    for name, part in value.items():
        below = f"{path}.{name}" if path else name
        if name in properties:
            made[name] = _prune(properties[name], part, below, unknown)
        elif isinstance(additional, Mapping):
            made[name] = _prune(additional, part, below, unknown)
        elif additional is True or keeps or (embedded and name in _OWN):
            made[name] = part
        else:
            unknown.append(below)
    return made


def defaulted(type_: ResourceType, body: Object) -> Object:
    """The object with the defaults of its schema; null is replaced where the schema allows none."""
    custom = type_.custom
    assert custom is not None  # noqa: S101 - tells the type checker
    if not custom.schema:
        return body
    own = {name: body[name] for name in _OWN if name in body}
    rest = copy.deepcopy({name: value for name, value in body.items() if name not in _OWN})
    _default(custom.schema, rest)
    for name in _OWN:
        rest.pop(name, None)
    return own | rest


def _default(schema: Raw, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _default(schema.get("items") or {}, item)
        return
    if not isinstance(value, dict):
        return
    properties = schema.get("properties") or {}
    for name, part in properties.items():
        absent = name not in value or (value[name] is None and not part.get("nullable"))
        if absent and "default" in part:
            value[name] = copy.deepcopy(part["default"])
    additional = schema.get("additionalProperties")
    for name, part in value.items():
        below = properties.get(name)
        if below is None and isinstance(additional, Mapping):
            below = additional
        if below is not None:
            _default(below, part)


def problems(type_: ResourceType, body: Object) -> list[Cause]:
    """What the schema says against an object: field, message, reason."""
    custom = type_.custom
    assert custom is not None  # noqa: S101 - tells the type checker
    rest = {name: value for name, value in body.items() if name not in _OWN}
    schema = custom.schema
    if schema and schema.get("required"):
        schema = {**schema, "required": [name for name in schema["required"] if name not in _OWN]}
    return list(_problems(schema, rest, "")) if schema else []


def _cause(path: str, reason: str, message: str) -> Cause:
    return {"field": path or "<nil>", "reason": reason, "message": message}


def _problems(schema: Raw, value: Any, path: str) -> Iterator[Cause]:
    if value is None:
        if not schema.get("nullable") and (schema.get("type") or schema.get("properties")):
            kind = schema.get("type", "object")
            yield _invalid(path, value, f'{path} in body must be of type {kind}: "null"')
        return
    wrong = _wrong_type(schema, value)
    if wrong:
        yield _invalid(path, value, f'{path} in body must be of type {wrong}: "{_type_name(value)}"')
        return
    if "enum" in schema and value not in schema["enum"]:
        told = ", ".join(_shown(one) for one in schema["enum"])
        yield _cause(path, "FieldValueNotSupported", f"Unsupported value: {_shown(value)}: supported values: {told}")
    if isinstance(value, str):
        yield from _text_problems(schema, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_problems(schema, value, path)
    elif isinstance(value, list):
        yield from _list_problems(schema, value, path)
    elif isinstance(value, dict):
        yield from _map_problems(schema, value, path)
    yield from _combined(schema, value, path)


def _invalid(path: str, value: Any, why: str) -> Cause:
    return _cause(path, "FieldValueInvalid", f"Invalid value: {_shown(value)}: {why}")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return '"object"' if isinstance(value, dict) else '"array"'
    return "null" if value is None else json.dumps(value, ensure_ascii=False)


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _wrong_type(schema: Raw, value: Any) -> str:
    """The type that the value should be of, "" if it is right."""
    if schema.get("x-kubernetes-int-or-string"):
        return "" if isinstance(value, int | str) and not isinstance(value, bool) else "integer,string"
    kind = schema.get("type", "")
    found = _type_name(value)
    fits = not kind or kind == found or (kind == "number" and found == "integer")
    fits = fits or (kind == "integer" and isinstance(value, float) and value.is_integer())
    return "" if fits else kind


def _text_problems(schema: Raw, value: str, path: str) -> Iterator[Cause]:
    if len(value) < schema.get("minLength", 0):
        yield _invalid(path, value, f"{path} in body should be at least {schema['minLength']} chars long")
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        yield _cause(path, "FieldValueTooLong", f"Too long: may not be more than {schema['maxLength']} bytes")
    pattern = schema.get("pattern")
    why = _pattern_problem(pattern, value, path) if pattern else ""
    if why:
        yield _invalid(path, value, why)


def _pattern_problem(pattern: str, value: str, path: str) -> str:
    """Why the text does not match; "" if it does. A pattern that is none is refused with its definition."""
    try:
        return "" if _pattern(pattern).found_in(value) else f"{path} in body should match '{pattern}'"
    except patterns.PatternError as error:
        return f"{path} in body should match '{pattern}': {error}"


@lru_cache(maxsize=512)
def _pattern(text: str) -> patterns.Pattern:
    return patterns.Pattern(text)


def wrong_patterns(schema: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """The patterns of a schema that cannot be used: where, the pattern, and what is wrong with it."""
    if isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from wrong_patterns(part, f"{path}[{index}]")
    elif isinstance(schema, Mapping):
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            try:
                _pattern(pattern)
            except patterns.PatternError as error:
                yield f"{path}.pattern", pattern, str(error)
        for name, part in schema.items():
            if name in _NAMED and isinstance(part, Mapping):
                for key, below in part.items():
                    yield from wrong_patterns(below, f"{path}.{name}[{key}]")
            elif name in _NESTED:
                yield from wrong_patterns(part, f"{path}.{name}")


def _number_problems(schema: Raw, value: float, path: str) -> Iterator[Cause]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and (value < low or (schema.get("exclusiveMinimum") and value == low)):
        word = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        yield _invalid(path, value, f"{path} in body should be {word} {low}")
    if high is not None and (value > high or (schema.get("exclusiveMaximum") and value == high)):
        word = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        yield _invalid(path, value, f"{path} in body should be {word} {high}")


def _list_problems(schema: Raw, value: list[Any], path: str) -> Iterator[Cause]:
    if len(value) < schema.get("minItems", 0):
        yield _invalid(path, len(value), f"{path} in body should have at least {schema['minItems']} items")
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        yield _cause(path, "FieldValueTooMany", f"Too many: {len(value)}: must have at most {schema['maxItems']} items")
    for index, item in enumerate(value):
        yield from _problems(schema.get("items") or {}, item, f"{path}[{index}]")
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    seen: set[str] = set()
    for index, item in enumerate(value):
        if kind not in ("set", "map"):
            break
        mark = item if kind == "set" else {key: item.get(key) for key in keys} if isinstance(item, dict) else item
        text = json.dumps(mark, sort_keys=True)
        if text in seen:
            shown = json.dumps(mark, separators=(",", ":"), ensure_ascii=False)
            yield _cause(f"{path}[{index}]", "FieldValueDuplicate", f"Duplicate value: {shown}")
        seen.add(text)


def _map_problems(schema: Raw, value: dict[str, Any], path: str) -> Iterator[Cause]:
    prefix = f"{path}." if path else ""
    for name in schema.get("required") or ():
        if name not in value:
            yield _cause(prefix + name, "FieldValueRequired", "Required value")
    if len(value) < schema.get("minProperties", 0):
        yield _invalid(path, len(value), f"{path} in body should have at least {schema['minProperties']} properties")
    if "maxProperties" in schema and len(value) > schema["maxProperties"]:
        most = schema["maxProperties"]
        yield _cause(path, "FieldValueTooMany", f"Too many: {len(value)}: must have at most {most} items")
    properties = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    for name, part in value.items():
        if name in properties:
            yield from _problems(properties[name], part, prefix + name)
        elif isinstance(additional, Mapping):
            yield from _problems(additional, part, prefix + name)


def _combined(schema: Raw, value: Any, path: str) -> Iterator[Cause]:
    for part in schema.get("allOf") or ():
        yield from _problems(part, value, path)
    if schema.get("anyOf") and not any(_fits(part, value, path) for part in schema["anyOf"]):
        yield _invalid(path, value, f"{path} in body must validate at least one schema (anyOf)")
    if schema.get("oneOf") and sum(_fits(part, value, path) for part in schema["oneOf"]) != 1:
        yield _invalid(path, value, f"{path} in body must validate one and only one schema (oneOf)")
    if schema.get("not") and _fits(schema["not"], value, path):
        yield _invalid(path, value, f"{path} in body must not validate the schema (not)")


def _fits(schema: Raw, value: Any, path: str) -> bool:
    return next(_problems(schema, value, path), None) is None
