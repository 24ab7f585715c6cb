"""ReplicaSets: as many pods as wanted. `minReadySeconds` is not waited for: what is ready is available.

Source: Kubernetes 1.34, pkg/controller/replicaset/replica_set.go and replica_set_utils.go.
"""

from __future__ import annotations

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, all_of, its_controller, itself
from csoc.emulator.kubernetes.controllers.replicas import (
    active,
    create_pod,
    delete_pod,
    pod_from,
    pods_of,
    ready,
    worst_first,
)
from csoc.emulator.kubernetes.objects.parts import deleting, is_true, labels_of, with_condition, without_condition
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "replicaset-controller"
_GROUP, _RESOURCE = "apps", "replicasets"


def reconcile(cluster: Cluster, key: Key) -> None:
    """One ReplicaSet: pods made or given up, and its status."""
    body = cluster.store.get(key)
    if body is None:
        return
    pods = [pod for pod in pods_of(cluster, body) if active(pod)]
    wanted = int(body["spec"].get("replicas", 1))
    failure = ""
    if not deleting(body):
        template = body["spec"].get("template") or {}
        for _ in range(wanted - len(pods)):
            failure = create_pod(cluster, body, pod_from(body, template), _COMPONENT)
            if failure:
                break
        for pod in sorted(pods, key=worst_first)[: max(len(pods) - wanted, 0)]:
            delete_pod(cluster, body, pod, _COMPONENT)
    _tell(cluster, key, failure)


def _tell(cluster: Cluster, key: Key, failure: str) -> None:
    body = cluster.store.get(key)
    if body is None:
        return
    pods = [pod for pod in pods_of(cluster, body) if active(pod)]
    labels = labels_of({"metadata": _metadata(body)})
    status: Object = {
        "observedGeneration": body["metadata"].get("generation", 1),
        "replicas": len(pods),
        "fullyLabeledReplicas": sum(labels.items() <= dict(labels_of(pod)).items() for pod in pods),
        "readyReplicas": sum(ready(pod) for pod in pods),
        "availableReplicas": sum(ready(pod) for pod in pods),
    }
    before = (body.get("status") or {}).get("conditions") or []
    if failure:
        conditions = with_condition(before, "ReplicaFailure", True, "FailedCreate", failure, cluster.stamp())
    else:
        conditions = without_condition(before, "ReplicaFailure")
    status = {name: value for name, value in status.items() if value or name in ("replicas", "observedGeneration")}
    if conditions:
        status["conditions"] = conditions
    cluster.save_status(_GROUP, _RESOURCE, body, status)


def _metadata(body: Object) -> Object:
    found: Object = (body["spec"].get("template") or {}).get("metadata") or {}
    return found


def _failed_ones(cluster: Cluster, change: Change) -> list[Key]:
    """A service account came: whoever could not make pods for want of it tries again."""
    return [
        key
        for key in all_of(_GROUP, _RESOURCE)(cluster, change)
        if is_true(cluster.store.get(key) or {}, "ReplicaFailure")
    ]


CONTROLLER = Controller(
    "replicasets",
    reconcile,
    {
        (_GROUP, _RESOURCE): itself,
        ("", "pods"): its_controller(_GROUP, _RESOURCE, "ReplicaSet"),
        ("", "serviceaccounts"): _failed_ones,
    },
)
