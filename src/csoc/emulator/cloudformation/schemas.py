"""What the resource schemas say: which change replaces, which properties a type has and needs.

cfn-lint ships the schemas that AWS publishes in the CloudFormation registry, for every region; they are read one type
at a time, since all of them take a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from csoc.emulator.cloudformation.template.model import text_of
from csoc.emulator.cloudformation.text_limits import broken_limits

_FOLDER = "data/schemas"
_DEEPEST = 12


class ListKind(Enum):
    """What the items of a list are: in an order that counts, in none, or attributes to which AWS adds others."""

    SEQUENCE = "sequence"
    SET = "set"
    ATTRIBUTES = "attributes"


class Schemas:
    """Schemas of one region's resource types."""

    def __init__(self, region: str = "us-east-1") -> None:
        self._by_type = _provider(region)

    def known(self, type_name: str) -> bool:
        """True if the region has the type at all."""
        return type_name in self._by_type

    def required_recreation(self, type_name: str, path: tuple[str, ...], before: Any = None, after: Any = None) -> str:
        """ "Always", "Conditionally" or "Never": whether a change at a path of properties replaces the resource.
        before, after: what stands at the path, to tell which of the properties below it change."""
        schema = self._schema(type_name)
        if any(_touched(pointer, path, before, after) for pointer in schema.get("createOnlyProperties", ())):
            return "Always"
        if any(_touched(pointer, path, before, after) for pointer in schema.get("conditionalCreateOnlyProperties", ())):
            return "Conditionally"
        return "Never"

    def taggable(self, type_name: str) -> bool:
        """True if resources of the type carry the tags of their stack."""
        schema = self._schema(type_name)
        tagging = schema.get("tagging", {})
        return bool(tagging.get("taggable", schema.get("taggable", "Tags" in schema.get("properties", {}))))

    def custom_name(self, type_name: str, properties: Mapping[str, Any]) -> str:
        """The name that the template itself gives to a resource, which no second one can have; "" if it gives none."""
        schema = self._schema(type_name)
        create_only = set(schema.get("createOnlyProperties", ()))
        names = [pointer for pointer in schema.get("primaryIdentifier", ()) if pointer in create_only]
        if len(names) != 1 or len(schema.get("primaryIdentifier", ())) != 1:
            return ""
        found = properties.get(names[0].split("/")[2])
        return found if isinstance(found, str) else ""

    def identifiers(self, type_name: str) -> tuple[str, ...]:
        """Names of the properties that identify a resource of the type."""
        pointers = self._schema(type_name).get("primaryIdentifier", ())
        return tuple("/".join(pointer.split("/")[2:]) for pointer in pointers)

    def untold(self, type_name: str) -> tuple[tuple[str, ...], ...]:
        """Paths of properties that cannot be compared with what is there: write-only and read-only ones."""
        schema = self._schema(type_name)
        pointers = (*schema.get("writeOnlyProperties", ()), *schema.get("readOnlyProperties", ()))
        return tuple(tuple(pointer.split("/")[2:]) for pointer in pointers)

    def list_kind(self, type_name: str, path: tuple[str, ...]) -> ListKind:
        """What the list at a path is. Lists that no schema describes are those of policies, whose order means
        nothing."""
        schema = self._schema(type_name)
        found = [schema]
        for part in path:
            found = [inner for one in found for inner in _members(schema, one, part)]
        lists = [one for one in found if "array" in _kinds(one)]
        if any(one.get("arrayType") == "AttributeList" for one in lists):
            return ListKind.ATTRIBUTES
        if not lists or path[-1] == "Tags" or not all(one.get("insertionOrder", True) for one in lists):
            return ListKind.SET
        return ListKind.SEQUENCE

    def problem(self, type_name: str, properties: Mapping[str, Any]) -> str:
        """What the schema says against resolved properties, "" if nothing: unknown and missing properties, values that
        it does not list, texts that are too long or look wrong. What alternatives say (anyOf and the like) is not
        looked at."""
        schema = self._schema(type_name)
        if not schema:
            return ""
        read_only = {
            pointer.split("/")[2] for pointer in schema.get("readOnlyProperties", ()) if pointer.count("/") == 2
        }
        for name in properties:
            if name in read_only and name not in _settable(schema):
                return f"Encountered unsupported property {name}"
        found = next(_problems(schema, schema, properties, "#", 0), "")
        return f"Properties validation failed for resource of type {type_name} with message: [{found}]" if found else ""

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


def _members(schema: Mapping[str, Any], part: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """What a part of a schema says of a property, or of the items of a list, behind references; of each alternative."""
    found = part.get("items") if name.isdecimal() and "items" in part else part.get("properties", {}).get(name)
    if isinstance(found, Mapping):
        yield from _alternatives(schema, found)


def _alternatives(schema: Mapping[str, Any], part: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth > _DEEPEST:
        return
    if "$ref" in part:
        part = schema.get("definitions", {}).get(str(part["$ref"]).rsplit("/", 1)[-1], {})
        yield from _alternatives(schema, part, depth + 1)
        return
    yield part
    for name in ("anyOf", "oneOf", "allOf"):
        for inner in part.get(name, ()):
            yield from _alternatives(schema, inner, depth + 1)


def _kinds(part: Mapping[str, Any]) -> Sequence[str]:
    kind = part.get("type", ())
    return [kind] if isinstance(kind, str) else kind


def changed_paths(before: Any, after: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths at which two sets of properties differ: members of maps, and items of lists that stay as long. Numbers and
    booleans are the same as their text."""
    if same(before, after):
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


def same(before: Any, after: Any) -> bool:
    """True if two values mean the same to CloudFormation, which keeps every scalar as a text."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() == after.keys() and all(same(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(same, before, after))
    if before is None or after is None or isinstance(before, (Mapping, list)) or isinstance(after, (Mapping, list)):
        return bool(before == after)
    return text_of(before) == text_of(after)


def _touched(pointer: str, path: tuple[str, ...], before: Any, after: Any) -> bool:
    """True if a change at a path changes what a JSON pointer of a schema ("/properties/A/*/B") means. The schemas name
    items of lists by "*" or not at all."""
    parts = [part for part in pointer.split("/")[2:] if part != "*"]
    names = [part for part in path if not part.isdecimal()]
    if not all(a == b for a, b in zip(parts, names, strict=False)):
        return False
    if len(names) >= len(parts):
        return True
    rest = parts[len(names) :]
    return not same(_below(before, rest), _below(after, rest))


def _below(value: Any, names: list[str]) -> Any:
    """What stands below a value at names, for each item of the lists on the way."""
    if isinstance(value, list):
        return [_below(item, names) for item in value]
    if not names or not isinstance(value, Mapping):
        return value if not names else None
    return _below(value.get(names[0]), names[1:])


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
    elif isinstance(value, (str, int, float)) and "string" in _kinds(part):
        yield from (f"{at}: {found}" for found in broken_limits(part, text_of(value)))


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


@lru_cache(maxsize=1)
def _folder() -> Path:
    """Where the schemas are. cfn-lint is looked for and not imported, since it would bring a whole computer algebra."""
    found = find_spec("cfnlint")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'cfnlint'", name="cfnlint")
    return Path(found.submodule_search_locations[0]) / _FOLDER


@lru_cache(maxsize=8)
def _provider(region: str) -> Mapping[str, str]:
    found: Mapping[str, str] = json.loads((_folder() / "providers" / f"{region}.json").read_bytes())
    return found


@lru_cache(maxsize=256)
def _resource(digest: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((_folder() / "resources" / f"{digest}.json").read_bytes())
    return found
