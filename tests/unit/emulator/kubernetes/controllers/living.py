"""A cluster that lives on a stepped timeline, and short words for what is put into it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from csoc.emulator.kubernetes.controllers.causes import Causes
from csoc.emulator.kubernetes.controllers.cluster import Cluster, Controller
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.controllers.settings import Settings
from csoc.emulator.kubernetes.controllers.table import attach, hearing
from csoc.emulator.kubernetes.objects.parts import key_of
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.store import Key, Store
from csoc.emulator.timeline import SteppedTimeline

Object = dict[str, Any]
START = datetime(2026, 1, 1, tzinfo=UTC)


class Living:
    """A cluster with a namespace "a" and two nodes, unless told otherwise. timeline: instead of a stepped one."""

    def __init__(
        self,
        *controllers: Controller,
        nodes: Sequence[Node] = (Node("n1"), Node("n2")),
        name: str = "c",
        timeline: Any = None,
        **settings: Any,
    ) -> None:
        numbers = itertools.count(1)
        self.causes = Causes()
        given = Settings(causes=self.causes, uid=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}")
        self.timeline = timeline or SteppedTimeline(START)
        self.store = Store()
        self.cluster: Cluster = attach(
            name, self.store, replace(given, **settings), self.timeline, hearing(*controllers)
        )
        self.objects = Objects(self.store, self.timeline.now)
        set_nodes(self.cluster, nodes)
        self.add(namespace("default"), namespace("a"))
        self.wait(1)

    def wait(self, seconds: float = 30) -> None:
        self.timeline.advance(seconds)

    def add(self, *bodies: Object) -> None:
        """Creates objects as a client does."""
        for body in bodies:
            type_ = self.objects.types.kind(body["apiVersion"], body["kind"])
            assert type_ is not None, f"{body['kind']} is not served"
            self.objects.create(type_, body["metadata"].get("namespace", ""), body)

    def get(self, kind: str, name: str, namespace: str = "a") -> Object:
        found = self.find(kind, name, namespace)
        assert found is not None, f"there is no {kind} {namespace}/{name}"
        return found

    def find(self, kind: str, name: str, namespace: str = "a") -> Object | None:
        type_ = next(one for one in self.objects.types if one.kind == kind)
        return self.store.get(Key(type_.group, type_.plural, namespace if type_.namespaced else "", name))

    def all(self, kind: str, namespace: str = "a") -> list[Object]:
        type_ = next(one for one in self.objects.types if one.kind == kind)
        return self.cluster.list(type_.group, type_.plural, namespace if type_.namespaced else "")

    def change(self, kind: str, name: str, namespace: str = "a", **spec: Any) -> None:
        """Changes members of the specification, as a client does."""
        type_ = next(one for one in self.objects.types if one.kind == kind)
        body = self.get(kind, name, namespace)
        body["spec"] |= spec
        self.objects.update(type_, namespace, name, body)

    def annotate(self, kind: str, name: str, namespace: str = "a", **annotations: str) -> None:
        body = self.get(kind, name, namespace)
        given = {key.replace("__", "/").replace("_", "-"): value for key, value in annotations.items()}
        body["metadata"]["annotations"] = (body["metadata"].get("annotations") or {}) | given
        type_ = next(one for one in self.objects.types if one.kind == kind)
        self.store.put(key_of(type_.group, type_.plural, body), body)

    def delete(self, kind: str, name: str, namespace: str = "a", propagation: str = "Background") -> None:
        type_ = next(one for one in self.objects.types if one.kind == kind)
        self.cluster.delete(Key(type_.group, type_.plural, namespace if type_.namespaced else "", name), propagation)

    def pod(self, part: str = "", namespace: str = "a") -> Object:
        """The only pod whose name has that part."""
        found = [one for one in self.all("Pod", namespace) if part in one["metadata"]["name"]]
        assert len(found) == 1, [one["metadata"]["name"] for one in found]
        return found[0]

    def events(self, reason: str = "", namespace: str = "a") -> list[str]:
        """Messages of events with a reason, in the order of their names."""
        return [one["message"] for one in self.all("Event", namespace) if reason in ("", one["reason"])]

    def versions(self) -> dict[tuple[str, str, str, str], str]:
        """The version of every object but events: two such answers differ if something was written between them."""
        return {
            (group, resource, key.namespace, key.name): str((self.store.get(key) or {})["metadata"]["resourceVersion"])
            for group, resource in self.store.resources()
            if resource != "events"
            for key, _ in self.store.texts(group, resource)[0]
        }


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def secret(name: str, namespace: str = "a", **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "stringData": data,
    }


def config_map(name: str, namespace: str = "a", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def container(name: str = "main", image: str = "registry.example/app:1", **more: Any) -> Object:
    return {"name": name, "image": image} | more


def pod(name: str, *containers: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a", "labels": {"app": name}},
        "spec": {"containers": list(containers) or [container()]} | spec,
    }


def workload(kind: str, name: str, *containers: Object, pods: Mapping[str, Any] | None = None, **spec: Any) -> Object:
    """A Deployment, StatefulSet or DaemonSet whose pods have the label app=<name>. pods: of the pod's specification."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": list(containers) or [container()]} | dict(pods or {}),
    }
    body: Object = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "a"},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template} | spec,
    }
    if kind == "StatefulSet":
        body["spec"].setdefault("serviceName", name)
    return body


def job(name: str, *containers: Object, **spec: Any) -> Object:
    template = {"spec": {"containers": list(containers) or [container()], "restartPolicy": "Never"}}
    metadata = {"name": name, "namespace": "a"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template} | spec}


def waiting(body: Object, name: str = "main") -> tuple[str, str]:
    """(reason, message) of a container that waits."""
    found = next(one for one in body["status"]["containerStatuses"] if one["name"] == name)
    state = found["state"]["waiting"]
    return state["reason"], state.get("message", "")


def is_ready(body: Object) -> bool:
    return any(
        one["type"] == "Ready" and one["status"] == "True" for one in body.get("status", {}).get("conditions", ())
    )


def condition(body: Object, kind: str) -> Object:
    return next((one for one in body.get("status", {}).get("conditions", ()) if one["type"] == kind), {})
