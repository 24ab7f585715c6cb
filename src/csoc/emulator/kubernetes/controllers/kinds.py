"""From a kind to its resource: those that every cluster has, and those that CustomResourceDefinitions of it add."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes.store import Key, Object

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.store import Store


@dataclass(frozen=True, slots=True)
class Found:
    """The resource of a kind. versions: that are served, the preferred one first."""

    group: str
    plural: str
    kind: str
    namespaced: bool
    versions: tuple[str, ...]

    def key(self, namespace: str, name: str) -> Key:
        return Key(self.group, self.plural, namespace if self.namespaced else "", name)


@cache
def builtin() -> Mapping[tuple[str, str], Found]:
    """The resources of Kubernetes itself by (group, kind)."""
    text = files("csoc.emulator.kubernetes").joinpath("facts-1.34.json").read_text("utf-8")
    found: dict[tuple[str, str], Found] = {}
    for one in json.loads(text)["resources"]:
        group, kind = one["group"], one["kind"]
        if "get" not in one.get("verbs", ()):
            continue
        before = found[group, kind].versions if (group, kind) in found else ()
        found[group, kind] = Found(group, one["plural"], kind, one["namespaced"], (*before, one["version"]))
    return found


def resource_of(store: Store, group: str, kind: str) -> Found | None:
    """The resource of a kind in a cluster; None if nothing there serves it."""
    known = builtin().get((group, kind))
    if known is not None:
        return known
    for definition in store.objects("apiextensions.k8s.io", "customresourcedefinitions"):
        spec = definition["spec"]
        if spec["group"] == group and spec["names"]["kind"] == kind:
            return defined(definition)
    return None


def defined(definition: Mapping[str, Any]) -> Found:
    """The resource that a CustomResourceDefinition adds."""
    spec = definition["spec"]
    versions = sorted(
        (one for one in spec.get("versions") or () if one.get("served", True)), key=lambda one: not one.get("storage")
    )
    names = spec["names"]
    served = tuple(str(one["name"]) for one in versions)
    return Found(spec["group"], names["plural"], names["kind"], spec.get("scope") == "Namespaced", served)


def group_of(body: Mapping[str, Any]) -> str:
    """The API group of an object."""
    return str(body["apiVersion"]).rpartition("/")[0]


def owner_key(store: Store, owner: Mapping[str, Any], namespace: str) -> Key | None:
    """Where the object is that an ownerReference names."""
    found = resource_of(store, str(owner["apiVersion"]).rpartition("/")[0], str(owner["kind"]))
    return None if found is None else found.key(namespace, str(owner["name"]))


def owners(store: Store, body: Object) -> list[str]:
    """The names of an object and of everything that controls it, nearest first."""
    found = [str(body["metadata"]["name"])]
    namespace = str(body["metadata"].get("namespace", ""))
    current: Object | None = body
    while current is not None and len(found) < 8:
        owner = next((one for one in current["metadata"].get("ownerReferences") or () if one.get("controller")), None)
        if owner is None:
            break
        found.append(str(owner["name"]))
        key = owner_key(store, owner, namespace)
        current = None if key is None else store.get(key)
    return found
