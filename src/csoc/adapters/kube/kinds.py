"""Which kinds of objects a cluster serves, and where their objects stand in its API.

What was found once is kept: kinds come with what is installed, and go as rarely.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from csoc.clusters.client import Discovered, Object, Resource
from csoc.errors import NotFoundError, RejectedError, UnavailableError
from csoc.fleet.shapes import items, mapping, mappings, text

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
_JSON = "application/json"


class Kinds:
    """The kinds of one cluster. read: gets a path and the kind of content that is accepted. name: what errors call the
    cluster. See csoc.clusters.client.ClusterClient."""

    def __init__(self, read: Callable[[str, str], Object], name: str) -> None:
        self._read = read
        self._name = name
        self._known: dict[tuple[str, str], Resource] = {}
        self._lock = threading.Lock()

    def discover(self) -> Discovered:
        """All of them, asked anew."""
        resources: list[Resource] = []
        missing: list[str] = []
        for path in ("/api", "/apis"):
            answer = self._read(path, _AGGREGATED)
            if answer.get("kind") != "APIGroupDiscoveryList":
                raise UnavailableError(
                    "The cluster does not tell all its resources in one answer",
                    place=f"{self._name} {path}",
                    fix="Use Kubernetes 1.27 or later",
                )
            for group in mappings(answer.get("items")):
                for version in mappings(group.get("versions")):
                    named = text(mapping(group.get("metadata")).get("name"))
                    if version.get("freshness") == "Stale":
                        missing.append(f"{named}/{version.get('version')}")
                    resources += _resources(named, version)
        if not resources:
            raise UnavailableError("The cluster tells no resources", place=self._name)
        with self._lock:
            for resource in reversed(resources):
                self._known[resource.api_version, resource.kind] = resource
        return Discovered(tuple(resources), tuple(missing))

    def resource(self, api_version: str, kind: str) -> Resource:
        """One of them. Raises NotFoundError."""
        with self._lock:
            known = self._known.get((api_version, kind))
        if known is not None:
            return known
        group, _, version = api_version.rpartition("/")
        path = f"/apis/{segment(group)}/{segment(version)}" if group else f"/api/{segment(version)}"
        try:
            listed = mappings(self._read(path, _JSON).get("resources"))
        except NotFoundError:
            listed = []
        for item in listed:
            plural = text(item.get("name"))
            if item.get("kind") == kind and plural and "/" not in plural:
                found = Resource(group, version, kind, plural, bool(item.get("namespaced")), _verbs(item))
                with self._lock:
                    self._known[api_version, kind] = found
                return found
        raise NotFoundError(
            f"The cluster does not know {kind} of {api_version}",
            place=self._name,
            fix="Install what brings it (a CustomResourceDefinition), or use a version that it serves",
        )

    def resource_of(self, body: Object) -> Resource:
        """That of an object. Raises RejectedError: it names none."""
        version, kind = body.get("apiVersion"), body.get("kind")
        if not isinstance(version, str) or not isinstance(kind, str):
            raise RejectedError("The object names no apiVersion and kind", place=self._name)
        return self.resource(version, kind)

    def path_of(self, body: Object) -> str:
        """Where an object stands. Raises RejectedError: it has no name."""
        name = text(mapping(body.get("metadata")).get("name"))
        if not name:
            raise RejectedError("The object has no name", place=self._name)
        return self.path(self.resource_of(body), namespace_of(body), name)

    def path(self, resource: Resource, namespace: str = "", name: str = "") -> str:
        """Where objects of a kind stand, or the one of that name. Raises RejectedError: it needs a namespace."""
        path = f"/apis/{segment(resource.group)}" if resource.group else "/api"
        path += f"/{segment(resource.version)}"
        if namespace and resource.namespaced:
            path += f"/namespaces/{segment(namespace)}"
        elif resource.namespaced and name:
            raise RejectedError(f"{resource.kind} {name} needs a namespace", place=self._name)
        path += f"/{segment(resource.plural)}"
        return f"{path}/{segment(name)}" if name else path


def segment(name: str) -> str:
    """One segment of a path. "." and ".." would lead elsewhere."""
    if name in (".", "..") or not name:
        raise RejectedError(f"{name!r} is no name that a cluster knows")
    return quote(name, safe="")


def namespace_of(body: Object) -> str:
    """The namespace that an object names, "" for none."""
    return text(mapping(body.get("metadata")).get("namespace"))


def _resources(group: str, version: Mapping[str, Any]) -> list[Resource]:
    return [
        Resource(
            group,
            text(version.get("version")),
            text(mapping(item.get("responseKind")).get("kind")),
            text(item.get("resource")),
            item.get("scope") == "Namespaced",
            _verbs(item),
        )
        for item in mappings(version.get("resources"))
    ]


def _verbs(item: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(verb for verb in items(item.get("verbs")) if isinstance(verb, str))
