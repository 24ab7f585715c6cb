"""What of a component a cluster has, and whose it is. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from csoc.clusters.bootstrap.objects import PIN, is_ours
from csoc.clusters.client import ClusterClient, Object, Where
from csoc.clusters.platform import Component
from csoc.errors import NotFoundError
from csoc.fleet.shapes import mapping, mappings, text

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_TAG = re.compile(r":v?([0-9]+\.[0-9]+\.[0-9]+)")


class Presence(StrEnum):
    """What is there."""

    ABSENT = "absent"
    OURS = "ours"
    HALF = "ours, half done"
    OTHER_PIN = "ours, at another pin"
    FOREIGN = "somebody else's"


@dataclass(frozen=True, slots=True)
class Found:
    """One component in a cluster. namespace: where it is. version: of the program, as its images say; "" if nobody can
    tell. pin: what csoc installed last. not_ready: workloads of it that are not. unserved: kinds that the cluster does
    not know. sees_all: it may act in every namespace; None if that could not be found out. further: namespaces besides
    its own from which it takes Applications."""

    presence: Presence
    namespace: str
    version: str = ""
    pin: str = ""
    not_ready: tuple[str, ...] = ()
    unserved: tuple[str, ...] = ()
    sees_all: bool | None = None
    further: tuple[str, ...] = ()


def look(client: ClusterClient, component: Component, pin: str, installation: str) -> Found:
    """What is there. pin: what should be. Raises DeniedError, UnavailableError."""
    space = _get(client, "v1", "Namespace", component.namespace)
    there_are = list(workloads(client, component))
    foreign = [one for one in there_are if not is_ours(one, installation)]
    unserved = tuple(_unserved(client, component))
    if space is not None and is_ours(space, installation):
        there = text(mapping(mapping(space.get("metadata")).get("annotations")).get(PIN))
        presence = Presence.OURS if there == pin else Presence.OTHER_PIN if there else Presence.HALF
        return Found(presence, component.namespace, _version(there_are), there, _not_ready(there_are), unserved)
    if foreign:
        found = foreign_of(client, component, foreign)
        return replace(found, sees_all=_sees_all(client, found.namespace), further=_further(client, found.namespace))
    if space is not None and _get(client, "v1", "ConfigMap", "argocd-cm", component.namespace) is not None:
        # Its programs may run elsewhere, as a hub's do.
        return Found(
            Presence.FOREIGN, component.namespace, unserved=unserved, further=_further(client, component.namespace)
        )
    return Found(Presence.ABSENT, component.namespace, unserved=unserved)


def foreign_of(client: ClusterClient, component: Component, theirs: Sequence[Object]) -> Found:
    """What somebody else's workloads tell of a component."""
    namespace = text(mapping(theirs[0].get("metadata")).get("namespace"))
    lacking = tuple(_unserved(client, component))
    return Found(Presence.FOREIGN, namespace, _version(theirs), "", _not_ready(theirs), lacking)


def workloads(client: ClusterClient, component: Component) -> Iterator[Object]:
    """Of a component, wherever they are and whoever made them."""
    for kind in _WORKLOADS:
        yield from client.list_all("apps/v1", kind, Where(labels=component.labels))[0]


def version_of(client: ClusterClient, component: Component) -> str:
    """Of what runs of a component, whoever made it; "" if nobody can tell."""
    return _version(list(workloads(client, component)))


def _get(client: ClusterClient, api_version: str, kind: str, name: str, namespace: str = "") -> Object | None:
    try:
        return client.get(api_version, kind, name, namespace)
    except NotFoundError:
        return None


def _unserved(client: ClusterClient, component: Component) -> Iterator[str]:
    for api_version, kind in component.serves:
        try:
            client.resource(api_version, kind)
        except NotFoundError:
            yield f"{kind} of {api_version}"


def _version(bodies: Sequence[Object]) -> str:
    for body in bodies:
        for container in mappings(_at(body, "spec", "template", "spec").get("containers")):
            found = _TAG.search(text(container.get("image")))
            if found:
                return found[1]
    return ""


def _not_ready(bodies: Sequence[Object]) -> tuple[str, ...]:
    return tuple(text(mapping(one.get("metadata")).get("name")) for one in bodies if _ready(one) < _wanted(one))


def _wanted(body: Object) -> int:
    if body.get("kind") == "DaemonSet":
        return _number(_at(body, "status").get("desiredNumberScheduled"), 0)
    return _number(_at(body, "spec").get("replicas"), 1)


def _ready(body: Object) -> int:
    status = _at(body, "status")
    return _number(status.get("numberReady" if body.get("kind") == "DaemonSet" else "readyReplicas"), 0)


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _sees_all(client: ClusterClient, namespace: str) -> bool:
    """Whether its controller is bound to a role for the whole cluster."""
    for body in client.list_all("rbac.authorization.k8s.io/v1", "ClusterRoleBinding")[0]:
        for subject in mappings(body.get("subjects")):
            if subject.get("namespace") == namespace and "application-controller" in text(subject.get("name")):
                return True
    return False


def _further(client: ClusterClient, namespace: str) -> tuple[str, ...]:
    """Source: Argo CD, "Applications in any namespace"."""
    found = _get(client, "v1", "ConfigMap", "argocd-cmd-params-cm", namespace)
    named = text(mapping((found or {}).get("data")).get("application.namespaces"))
    return tuple(one.strip() for one in named.split(",") if one.strip())


def _at(body: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for step in path:
        body = mapping(body.get(step))
    return body
