"""Which resources a cluster knows: those that every cluster has, and those that its CustomResourceDefinitions add.

The built-in ones are facts of Kubernetes 1.34 (`kubectl api-resources`).
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from csoc.emulator.kubernetes.kinds import facts, schemas
from csoc.emulator.kubernetes.kinds.schemas import Schema
from csoc.emulator.kubernetes.store import Store, text_of

Object = dict[str, Any]
DEFINITIONS = ("apiextensions.k8s.io", "customresourcedefinitions")
_ORDINARY = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Subresource:
    """A subresource: the kind that it takes and gives, and its verbs."""

    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomVersion:
    """What a CustomResourceDefinition says of one version. schema: the structural schema, {} if there is none. scale:
    the paths of the scale subresource."""

    storage_version: str
    schema: Mapping[str, Any]
    columns: tuple[Mapping[str, Any], ...] = ()
    scale: Mapping[str, str] | None = None
    preserves_unknown: bool = False
    selectable_fields: tuple[str, ...] = ()
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource of the API. plural: as in paths. subresources: "status", "scale", "log", ... verbs: None for all
    that an ordinary resource has. parts: what its subresources take. custom: of a CustomResourceDefinition."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] | None = None
    singular: str = ""
    parts: Mapping[str, Subresource] = field(default_factory=dict, compare=False, hash=False)
    custom: CustomVersion | None = field(default=None, compare=False, hash=False)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """As messages name it: "deployments.apps"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def all_verbs(self) -> tuple[str, ...]:
        return _ORDINARY if self.verbs is None else self.verbs

    @property
    def storage_version(self) -> str:
        """The version that objects are kept in."""
        if self.custom is not None:
            return self.custom.storage_version
        return _KEPT_AS.get((self.group, self.plural), self.version)

    @property
    def place(self) -> tuple[str, str]:
        """Group and resource that the store keeps the objects under: events of both groups are the same ones."""
        return ("", "events") if self.plural == "events" else (self.group, self.plural)

    @property
    def schema(self) -> Schema:
        """The type of its objects."""
        if self.custom is None:
            return schemas.of_kind(self.group, self.version, self.kind)
        return _custom_schema(self)


# Built-in resources with several versions, and the one that is kept.
_KEPT_AS = {("autoscaling", "horizontalpodautoscalers"): "v2"}
_custom_schemas: OrderedDict[int, tuple[CustomVersion, Schema]] = OrderedDict()
_custom_lock = threading.Lock()
_MOST_COMPILED = 512


def _custom_schema(type_: ResourceType) -> Schema:
    """The compiled schema of a custom resource's version; the most used ones are kept."""
    custom = type_.custom
    assert custom is not None  # noqa: S101 - tells the type checker
    with _custom_lock:
        found = _custom_schemas.get(id(custom))
        if found is not None and found[0] is custom:
            _custom_schemas.move_to_end(id(custom))
            return found[1]
    made = schemas.of_custom(custom.schema, root=True)
    if custom.preserves_unknown:
        made.open, made.element = True, schemas.UNKNOWN
    with _custom_lock:
        _custom_schemas[id(custom)] = (custom, made)
        while len(_custom_schemas) > _MOST_COMPILED:
            _custom_schemas.popitem(last=False)
    return made


@cache
def built_in() -> tuple[ResourceType, ...]:
    """The resources of a plain cluster, in the order of discovery."""
    found = []
    for row in facts.all_facts()["resources"]:
        parts = {
            name: Subresource(group, version, kind, tuple(verbs))
            for name, (group, version, kind, verbs) in row.get("subresources", {}).items()
        }
        found.append(
            ResourceType(
                row["group"],
                row["version"],
                row["kind"],
                row["plural"],
                row["namespaced"],
                tuple(row.get("short_names", ())),
                tuple(parts),
                tuple(row.get("categories", ())),
                tuple(row["verbs"]),
                row["singular"],
                parts,
            )
        )
    return tuple(found)


def of_definition(definition: Mapping[str, Any]) -> list[ResourceType]:
    """The types that a CustomResourceDefinition adds, once its names are accepted: one for each served version."""
    spec, status = definition["spec"], definition.get("status", {})
    accepted = any(
        row.get("type") == "Established" and row.get("status") == "True" for row in status.get("conditions") or ()
    )
    if not accepted:
        return []
    names = status.get("acceptedNames") or spec["names"]
    storage = next((one["name"] for one in spec["versions"] if one.get("storage")), spec["versions"][0]["name"])
    return [_custom_type(spec, names, one, storage) for one in spec["versions"] if one.get("served")]


def _custom_type(
    spec: Mapping[str, Any], names: Mapping[str, Any], version: Mapping[str, Any], storage: str
) -> ResourceType:
    group, kind = spec["group"], names["kind"]
    told = version.get("subresources") or {}
    parts = {}
    if "status" in told:
        parts["status"] = Subresource(group, version["name"], kind, ("get", "patch", "update"))
    if told.get("scale"):
        parts["scale"] = Subresource("autoscaling", "v1", "Scale", ("get", "patch", "update"))
    warning = ""
    if version.get("deprecated"):
        warning = version.get("deprecationWarning") or f"{group}/{version['name']} {kind} is deprecated"
    custom = CustomVersion(
        storage,
        (version.get("schema") or {}).get("openAPIV3Schema") or {},
        tuple(version.get("additionalPrinterColumns") or ()),
        told.get("scale"),
        bool(spec.get("preserveUnknownFields")),
        tuple(one["jsonPath"] for one in version.get("selectableFields") or ()),
        warning,
    )
    return ResourceType(
        group,
        version["name"],
        kind,
        names["plural"],
        spec.get("scope") == "Namespaced",
        tuple(names.get("shortNames") or ()),
        tuple(parts),
        tuple(names.get("categories") or ()),
        None,
        names.get("singular") or kind.lower(),
        parts,
        custom,
    )


class Types:
    """The resources of one cluster; immutable."""

    def __init__(self, types: Iterable[ResourceType]) -> None:
        self._types = tuple(types)
        self._by_plural = {(one.group, one.version, one.plural): one for one in self._types}
        self._by_kind: dict[tuple[str, str, str], ResourceType] = {}
        for one in self._types:
            self._by_kind.setdefault((one.group, one.version, one.kind), one)

    def __iter__(self) -> Iterator[ResourceType]:
        return iter(self._types)

    def resource(self, group: str, version: str, plural: str) -> ResourceType | None:
        """By what a path says."""
        return self._by_plural.get((group, version, plural))

    def kind(self, api_version: str, kind: str) -> ResourceType | None:
        """By what an object says."""
        group, _, version = api_version.rpartition("/")
        return self._by_kind.get((group, version, kind))

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Served versions of each group, the preferred one first, in the order of discovery."""
        found: dict[str, list[str]] = {}
        for one in facts.groups():
            group, _, version = one.rpartition("/")
            found.setdefault(group, []).append(version)
        own = {one.group for one in self._types if one.custom is not None}
        for group in sorted(own):
            versions = {one.version for one in self._types if one.group == group}
            found[group] = sorted(versions, key=_version_order)
        return found

    def of_group(self, group: str, version: str) -> list[ResourceType]:
        return [one for one in self._types if (one.group, one.version) == (group, version)]


def _version_order(name: str) -> tuple[int, int, int, str]:
    """v2 before v1 before v1beta2 before v1alpha1 before others.

    Source: apimachinery, pkg/version/helpers.go (CompareKubeAwareVersionStrings).
    """
    body = name.removeprefix("v")
    for rank, word in ((1, "beta"), (2, "alpha")):
        major, found, minor = body.partition(word)
        if found and major.isdigit() and (minor.isdigit() or not minor):
            return rank, -int(major), -int(minor or 0), ""
    return (0, -int(body), 0, "") if name.startswith("v") and body.isdigit() else (3, 0, 0, name)


_PLAIN = cache(lambda: Types(built_in()))
_known: OrderedDict[tuple[bytes, ...], Types] = OrderedDict()
_known_lock = threading.Lock()
_MOST_KNOWN = 64


def types_of(store: Store) -> Types:
    """The resources of a cluster, from the CustomResourceDefinitions in its store. Clusters with the same definitions
    share the answer."""
    kept = tuple(store.kept(*DEFINITIONS))
    if not kept:
        return _PLAIN()
    with _known_lock:
        found = _known.get(kept)
        if found is not None:
            _known.move_to_end(kept)
            return found
    custom = [one for text in kept for one in of_definition(json.loads(text_of(text)))]
    made = Types((*built_in(), *custom))
    with _known_lock:
        _known[kept] = made
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return made
