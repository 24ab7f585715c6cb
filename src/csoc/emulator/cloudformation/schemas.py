"""What the resource schemas say: which change replaces, which properties a type has and needs.

cfn-lint ships the schemas that AWS publishes in the CloudFormation registry, for every region; they are read one type
at a time, since all of them take a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

_FOLDER = "data/schemas"
_DEEPEST = 12


class Schemas:
    """Schemas of one region's resource types."""

    def __init__(self, region: str = "us-east-1") -> None:
        self._by_type = _provider(region)

    def known(self, type_name: str) -> bool:
        """True if the region has the type at all."""
        return type_name in self._by_type

    def required_recreation(self, type_name: str, path: tuple[str, ...]) -> str:
        """ "Always", "Conditionally" or "Never": whether a change at a path of properties replaces the resource."""
        schema = self._schema(type_name)
        if any(_covers(pointer, path) for pointer in schema.get("createOnlyProperties", ())):
            return "Always"
        if any(_covers(pointer, path) for pointer in schema.get("conditionalCreateOnlyProperties", ())):
            return "Conditionally"
        return "Never"

    def replaces(self, type_name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
        """True if going from one set of properties to the other makes a new resource."""
        changed = changed_paths(before, after)
        return any(self.required_recreation(type_name, path) == "Always" for path in changed)

    def problem(self, type_name: str, properties: Mapping[str, Any]) -> str:
        """What the schema says against resolved properties, "" if nothing: unknown and missing properties."""
        schema = self._schema(type_name)
        if not schema:
            return ""
        read_only = {
            pointer.split("/")[2] for pointer in schema.get("readOnlyProperties", ()) if pointer.count("/") == 2
        }
        for name in properties:
            if name in read_only and name not in _settable(schema):
                return (
                    f"Properties validation failed for resource with message: Encountered unsupported property {name}"
                )
        found = next(_problems(schema, schema, properties, "#", 0), "")
        return f"Properties validation failed for resource of type {type_name} with message: {found}" if found else ""

    def write_only(self, type_name: str) -> frozenset[str]:
        """Names of top-level properties that no service tells again."""
        pointers = self._schema(type_name).get("writeOnlyProperties", ())
        return frozenset(pointer.split("/")[2] for pointer in pointers if pointer.count("/") == 2)

    def definition(self, type_name: str) -> Mapping[str, Any]:
        """The schema of a type as AWS publishes it; empty if the region has none."""
        return self._schema(type_name)

    def _schema(self, type_name: str) -> Mapping[str, Any]:
        digest = self._by_type.get(type_name)
        return _resource(digest) if digest else {}


def changed_paths(before: Any, after: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths at which two sets of properties differ; lists are compared as a whole below their index."""
    if before == after:
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found: list[tuple[str, ...]] = []
        for key in sorted({*before, *after}):
            found += changed_paths(before.get(key), after.get(key), (*path, str(key)))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        found = []
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            found += changed_paths(old, new, (*path, str(number)))
        return found
    return [path]


def _covers(pointer: str, path: tuple[str, ...]) -> bool:
    """True if a JSON pointer of a schema ("/properties/A/*/B") and a path touch: one leads to or lies in the other."""
    return all(a in (b, "*") for a, b in zip(pointer.split("/")[2:], path, strict=False))


def _settable(schema: Mapping[str, Any]) -> set[str]:
    """Read-only properties that are required or may be written all the same, as the schema's own lists disagree."""
    return {*schema.get("required", ()), *(p.split("/")[2] for p in schema.get("writeOnlyProperties", ()))}


def _problems(schema: Mapping[str, Any], part: Mapping[str, Any], value: Any, at: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if "$ref" in part:
        part = schema.get("definitions", {}).get(str(part["$ref"]).rsplit("/", 1)[-1], {})
    if isinstance(value, Mapping) and "properties" in part:
        yield from _problems_of_object(schema, part, value, at, depth)
    elif isinstance(value, list) and isinstance(part.get("items"), Mapping):
        for number, inner in enumerate(value):
            yield from _problems(schema, part["items"], inner, f"{at}/{number}", depth + 1)
    elif isinstance(value, (list, Mapping)) and part.get("type") in ("string", "integer", "number", "boolean"):
        yield f"{at}: expected type: {part['type']}, found: {'JSONArray' if isinstance(value, list) else 'JSONObject'}"
    elif isinstance(value, str) and "enum" in part and value not in map(str, part["enum"]):
        yield f"{at}: {value} is not a valid enum value"


def _problems_of_object(
    schema: Mapping[str, Any], part: Mapping[str, Any], value: Mapping[str, Any], at: str, depth: int
) -> Iterator[str]:
    known = part["properties"]
    for name in part.get("required", ()):
        if name not in value:
            yield f"{at}: required key [{name}] not found"
    for name, inner in value.items():
        if name in known:
            yield from _problems(schema, known[name], inner, f"{at}/{name}", depth + 1)
        elif part.get("additionalProperties") is False and not part.get("patternProperties"):
            yield f"{at}: extraneous key [{name}] is not permitted"


@lru_cache(maxsize=8)
def _provider(region: str) -> Mapping[str, str]:
    found: Mapping[str, str] = json.loads(
        files("cfnlint").joinpath(_FOLDER, "providers", f"{region}.json").read_bytes()
    )
    return found


@lru_cache(maxsize=256)
def _resource(digest: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        files("cfnlint").joinpath(_FOLDER, "resources", f"{digest}.json").read_bytes()
    )
    return found
