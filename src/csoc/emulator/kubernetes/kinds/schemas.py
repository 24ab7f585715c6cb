"""Types of fields, as merging, defaulting and validation see them: of the built-in kinds, and of custom resources.

One form for both, so that server-side apply and patches need not know where a type comes from.
Sources: structured-merge-diff, schema/elements.go; kube-openapi, pkg/schemaconv (what OpenAPI means for merging).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from csoc.emulator.kubernetes.kinds import facts

SCALAR, MAP, LIST, ANY = "scalar", "map", "list", "any"
ATOMIC, SET, KEYED = "atomic", "set", "map"


class _Fields(Mapping[str, "Schema"]):
    """Fields of a definition; each becomes a Schema when it is first asked for, since definitions refer to each other
    in circles (JSONSchemaProps)."""

    __slots__ = ("_made", "_raw")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = {name: part for name, part in raw.items() if name not in ("!", "=", "^", "@", "~", "0")}
        self._made: dict[str, Schema] = {}

    def __getitem__(self, name: str) -> Schema:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = _built_in(self._raw[name])
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


@dataclass(slots=True)
class Schema:
    """A type. kind: SCALAR, MAP, LIST or ANY (whatever is there: maps merge, lists are replaced).

    scalar: "string", "integer", "number", "boolean", "bytes", "time", "quantity", "int-or-string".
    MAP: fields by name, and element for names that are none of them; atomic: replaced as a whole; open: unknown fields
    are kept. defaults: of fields. required: fields that must be there. values: structs
    that are always there, empty at least. left_out: fields that are absent when they are "", 0 or false.
    LIST: element; list_type: ATOMIC, SET or KEYED (by keys). patch_key: what strategic merge patch merges by, "" for
    lists of scalars, None: it replaces the list. retain_keys: a patch says which keys stay.
    """

    kind: str
    scalar: str = ""
    fields: Mapping[str, Schema] = field(default_factory=dict)
    element: Schema | None = None
    atomic: bool = False
    open: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    list_type: str = ATOMIC
    keys: tuple[str, ...] = ()
    patch_key: str | None = None
    retain_keys: bool = False
    name: str = ""

    def child(self, name: str) -> Schema:
        """The type of a map's entry."""
        found = self.fields.get(name)
        return found or self.element or UNKNOWN

    @property
    def associative(self) -> bool:
        return self.kind == LIST and self.list_type != ATOMIC

    def knows(self, name: str) -> bool:
        """Whether an entry of this name is allowed."""
        return self.kind == ANY or name in self.fields or self.element is not None or self.open


UNKNOWN = Schema(ANY)
_ZEROS: Mapping[str, Any] = {"integer": 0, "boolean": False, "string": ""}
_SCALARS = {
    "s": "string",
    "i": "integer",
    "n": "number",
    "b": "boolean",
    "y": "bytes",
    "t": "time",
    "q": "quantity",
    "x": "int-or-string",
}


def of_kind(group: str, version: str, kind: str) -> Schema:
    """The type of a built-in kind; UNKNOWN if it has none (LIST kinds, options)."""
    name = facts.definition_of_kind().get((group, version, kind))
    return definition(name) if name else UNKNOWN


@cache
def definition(name: str) -> Schema:
    """A built-in type by its short name ("core.v1.Pod")."""
    raw = facts.definitions()[name]
    if isinstance(raw, str):
        return _built_in(raw)
    return Schema(
        MAP,
        fields=_Fields(raw),
        atomic=bool(raw.get("!")),
        defaults=raw.get("=", {}),
        required=tuple(raw.get("^", ())),
        values=tuple(raw.get("~", ())),
        left_out=frozenset(raw.get("0", ())),
        name=name,
    )


def empty(schema: Schema) -> dict[str, Any]:
    """An object of which nothing is known yet, as Go has it: structs are there, required fields are null."""
    found: dict[str, Any] = {name: _ZEROS.get(schema.fields[name].scalar) for name in schema.required}
    return found | {name: empty(schema.fields[name]) for name in schema.values}


def with_values(schema: Schema, value: Any) -> Any:
    """The value with the structs that are always there, at every depth."""
    if schema.kind == LIST and isinstance(value, list) and schema.element is not None:
        if schema.element.kind == SCALAR:
            return value
        return [with_values(schema.element, item) for item in value]
    if schema.kind != MAP or not isinstance(value, dict):
        return value
    made = {name: with_values(schema.child(name), part) for name, part in value.items()}
    for name in schema.values:
        if made.get(name) is None:
            made[name] = with_values(schema.fields[name], {})
    for name in schema.required:
        zero = _ZEROS.get(schema.fields[name].scalar)
        if name not in made and zero is not None and name not in schema.left_out:
            made[name] = zero
    return made


def metadata() -> Schema:
    """The type of ObjectMeta."""
    return definition("meta.ObjectMeta")


def _built_in(part: Any) -> Schema:
    if isinstance(part, str):
        if part in ("o", "*"):
            return UNKNOWN
        if part.startswith("#"):
            found = definition(part[1:].removesuffix("!"))
            return _replaced_whole(found) if part.endswith("!") else found
        return Schema(SCALAR, scalar=_SCALARS[part])
    mark, element, *more = part
    if mark in ("{", "{!"):
        return Schema(MAP, element=_built_in(element), atomic=mark == "{!")
    told = more[0] if more else {}
    return Schema(
        LIST,
        element=_built_in(element),
        list_type={"s": SET, "m": KEYED}.get(told.get("t", ""), ATOMIC),
        keys=tuple(told.get("k", ())),
        patch_key=told.get("p"),
        retain_keys=bool(told.get("r")),
    )


def _replaced_whole(found: Schema) -> Schema:
    return replace(found, atomic=True)


def of_custom(raw: Mapping[str, Any] | None, *, root: bool = False) -> Schema:
    """The type that a structural schema of a CustomResourceDefinition describes. root: of a whole object, whose
    apiVersion, kind and metadata are the API's own."""
    if not raw:
        return Schema(MAP, fields=_own_fields(), element=None, open=True) if root else UNKNOWN
    if raw.get("x-kubernetes-int-or-string"):
        return Schema(SCALAR, scalar="int-or-string")
    kind = raw.get("type", "")
    if kind == "array":
        keys = tuple(raw.get("x-kubernetes-list-map-keys", ()))
        return Schema(
            LIST,
            element=of_custom(raw.get("items")),
            list_type={"set": SET, "map": KEYED}.get(raw.get("x-kubernetes-list-type", ""), ATOMIC),
            keys=keys,
        )
    if kind == "object" or "properties" in raw or "additionalProperties" in raw:
        return _custom_map(raw, root)
    if kind in ("string", "integer", "number", "boolean"):
        return Schema(SCALAR, scalar=kind)
    return UNKNOWN


def _custom_map(raw: Mapping[str, Any], root: bool) -> Schema:
    properties = raw.get("properties", {})
    fields = {name: of_custom(part) for name, part in properties.items()}
    keeps = bool(raw.get("x-kubernetes-preserve-unknown-fields"))
    if root:
        fields.update(_own_fields())
    elif raw.get("x-kubernetes-embedded-resource"):
        fields.setdefault("apiVersion", Schema(SCALAR, scalar="string"))
        fields.setdefault("kind", Schema(SCALAR, scalar="string"))
        fields.setdefault("metadata", UNKNOWN)
    additional = raw.get("additionalProperties")
    element = None
    if isinstance(additional, Mapping):
        element = of_custom(additional)
    elif additional is True:
        element = UNKNOWN
    if keeps and element is None:
        element = UNKNOWN
    return Schema(
        MAP,
        fields=fields,
        element=element,
        atomic=raw.get("x-kubernetes-map-type") == "atomic",
        open=keeps,
        defaults={name: part["default"] for name, part in properties.items() if "default" in part},
        required=tuple(raw.get("required", ())),
    )


def _own_fields() -> dict[str, Schema]:
    text = Schema(SCALAR, scalar="string")
    return {"apiVersion": text, "kind": text, "metadata": metadata()}
