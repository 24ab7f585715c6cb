"""From a kind to its resource: those that every cluster has, and those that CustomResourceDefinitions of it add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from csoc.emulator.kubernetes.kinds.types import Types, types_of
from csoc.emulator.kubernetes.store import Key, Object, Store


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


@lru_cache(maxsize=64)
def _by_kind(types: Types) -> Mapping[tuple[str, str], Found]:
    found: dict[tuple[str, str], Found] = {}
    for one in types:
        before = found.get((one.group, one.kind))
        if before is None:
            found[one.group, one.kind] = Found(one.group, one.plural, one.kind, one.namespaced, (one.version,))
        elif before.plural == one.plural:
            versions = (*before.versions, one.version)
            found[one.group, one.kind] = Found(one.group, one.plural, one.kind, one.namespaced, versions)
    return found


def resource_of(store: Store, group: str, kind: str) -> Found | None:
    """The resource of a kind in a cluster; None if nothing there serves it."""
    return _by_kind(types_of(store)).get((group, kind))


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
