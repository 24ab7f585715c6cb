"""Namespaces: what each is given when it is made, and how it is emptied when it goes.

Source: Kubernetes 1.34, pkg/controller/serviceaccount/serviceaccounts_controller.go,
pkg/controller/certificates/rootcacertpublisher/publisher.go,
pkg/controller/namespace/deletion/namespaced_resources_deleter.go and status_condition_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, itself
from csoc.emulator.kubernetes.objects import admission
from csoc.emulator.kubernetes.objects.parts import deleting, with_condition
from csoc.emulator.kubernetes.store import Key, Object

_CERTIFICATE = """-----BEGIN CERTIFICATE-----
simulated: this cluster is reached over the endpoint that the service handed out
-----END CERTIFICATE-----
"""


def _of(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    return (Key("", "namespaces", "", change.key.namespace),)


def _of_new(cluster: Cluster, change: Change) -> Iterable[Key]:
    """A pod came: it mounts what its namespace was given, and a cluster's first namespaces were given nothing yet. Or
    it went, perhaps as the last."""
    return _of(cluster, change) if change.type != "MODIFIED" else ()


def _emptied(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    """Something in a namespace went: perhaps it was the last."""
    if change.gone and change.key.namespace:
        return (Key("", "namespaces", "", change.key.namespace),)
    return ()


def reconcile(cluster: Cluster, key: Key) -> None:
    """One namespace: given its default service account and root certificate, or emptied."""
    namespace = cluster.store.get(key)
    if namespace is None:
        return
    if deleting(namespace):
        _empty(cluster, namespace)
        return
    spec = namespace.get("spec") or {}
    if "finalizers" not in spec or (namespace.get("status") or {}).get("phase") != "Active":
        namespace["spec"] = spec | {"finalizers": spec.get("finalizers", ["kubernetes"])}
        namespace["status"] = (namespace.get("status") or {}) | {"phase": "Active"}
        labels = namespace["metadata"].get("labels") or {}
        namespace["metadata"]["labels"] = labels | {"kubernetes.io/metadata.name": key.name}
        cluster.save("", "namespaces", namespace)
    if cluster.get("", "serviceaccounts", key.name, "default") is None:
        admission.default_account(cluster.objects, key.name)
    if cluster.get("", "configmaps", key.name, "kube-root-ca.crt") is None:
        root: Object = {"apiVersion": "v1", "kind": "ConfigMap"}
        root["metadata"] = {"name": "kube-root-ca.crt", "namespace": key.name}
        root["metadata"]["annotations"] = {
            "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when "
            "using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
            "guaranteed across distributions of Kubernetes clusters."
        }
        cluster.create("", "configmaps", root | {"data": {"ca.crt": _CERTIFICATE}})


def _empty(cluster: Cluster, namespace: Object) -> None:
    """Deletes what is in it; when nothing is left, lets it go."""
    name = namespace["metadata"]["name"]
    for group, resource in cluster.store.resources():
        for key, _ in cluster.store.texts(group, resource, name)[0]:
            if key.namespace == name and resource != "events":
                cluster.delete(key, grace_seconds=0 if resource == "pods" else None)
    left: dict[str, int] = {}
    finalizers: dict[str, int] = {}
    for group, resource in cluster.store.resources():
        for body in cluster.list(group, resource, name):
            if body["metadata"].get("namespace") == name and resource != "events":
                full = f"{resource}.{group}" if group else resource
                left[full] = left.get(full, 0) + 1
                for finalizer in body["metadata"].get("finalizers") or ():
                    finalizers[finalizer] = finalizers.get(finalizer, 0) + 1
    if left:
        _tell_what_is_left(cluster, namespace, left, finalizers)
        return
    for key, _ in cluster.store.texts("", "events", name)[0]:
        cluster.store.remove(key)
    fresh = cluster.store.get(Key("", "namespaces", "", name))
    if fresh is not None:
        fresh["spec"] = (fresh.get("spec") or {}) | {"finalizers": []}
        cluster.save("", "namespaces", fresh)


def _tell_what_is_left(cluster: Cluster, namespace: Object, left: dict[str, int], finalizers: dict[str, int]) -> None:
    conditions = (namespace.get("status") or {}).get("conditions") or []
    counted = ", ".join(f"{full} has {count} resource instances" for full, count in sorted(left.items()))
    waited = ", ".join(f"{one} in {count} resource instances" for one, count in sorted(finalizers.items()))
    now = cluster.stamp()
    conditions = with_condition(
        conditions,
        "NamespaceContentRemaining",
        True,
        "SomeResourcesRemain",
        f"Some resources are remaining: {counted}",
        now,
    )
    if waited:
        message = f"Some content in the namespace has finalizers remaining: {waited}"
        conditions = with_condition(
            conditions, "NamespaceFinalizersRemaining", True, "SomeFinalizersRemain", message, now
        )
    status = (namespace.get("status") or {}) | {"phase": "Terminating", "conditions": conditions}
    cluster.save_status("", "namespaces", namespace, status)


CONTROLLER = Controller(
    "namespaces",
    reconcile,
    {("", "namespaces"): itself, ("", "serviceaccounts"): _of, ("", "pods"): _of_new},
    every=_emptied,
)
