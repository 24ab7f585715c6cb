"""The scheduler: pods that wait are given a node, or told why there is none.

Source: Kubernetes 1.34, pkg/scheduler/schedule_one.go (handleSchedulingFailure). Of the nodes that fit, the one with
the least taken is chosen (NodeResourcesFit, LeastAllocated).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller
from csoc.emulator.kubernetes.controllers.fitting import Room, message, reasons, rooms
from csoc.emulator.kubernetes.objects.parts import condition, deleting, name_of, quantity, with_condition
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "default-scheduler"


def _new(cluster: Cluster, change: Change) -> Iterable[Key]:
    """A pod without a node; or room that became free, for all that wait."""
    if change.gone or (change.object.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return _waiting(cluster)
    if not change.object["spec"].get("nodeName") and not _same(change):
        return (change.key,)
    return ()


def _same(change: Change) -> bool:
    """Only the status changed: nothing that the scheduler would see otherwise."""
    return bool(change.before) and change.before.get("spec") == change.object.get("spec")


def _freed(cluster: Cluster, change: Change) -> Iterable[Key]:
    before = change.before
    if before and before.get("spec") == change.object.get("spec"):
        parts = [(one.get("status") or {}).get("allocatable") for one in (before, change.object)]
        if parts[0] == parts[1] and before["metadata"].get("labels") == change.object["metadata"].get("labels"):
            return ()
    return _waiting(cluster)


def _claimed(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    return _waiting(cluster)


def _waiting(cluster: Cluster) -> list[Key]:
    found = []
    for key, text in cluster.store.texts("", "pods")[0]:
        if b'"Unschedulable"' in text or b'"nodeName"' not in text:
            pod = cluster.store.get(key)
            if pod is not None and not pod["spec"].get("nodeName"):
                found.append(key)
    return found


def reconcile(cluster: Cluster, key: Key) -> None:
    """One pod."""
    pod = cluster.store.get(key)
    if pod is None or pod["spec"].get("nodeName") or deleting(pod):
        return
    if pod["spec"].get("schedulerName", _COMPONENT) != _COMPONENT or pod["spec"].get("schedulingGates"):
        return
    nodes = cluster.list("", "nodes")
    missing = _missing_claim(cluster, pod)
    if missing:
        # The volume plugin ends the search before the one for claims of devices has begun, which then misses its state.
        _refuse(cluster, pod, f"0/{len(nodes)} nodes are available: {missing}. not found")
        return
    # Pods without a node take no room; to parse them too would cost more than all the rest when many come at once.
    placed = [json.loads(text) for _, text in cluster.store.texts("", "pods")[0] if b'"nodeName"' in text]
    taken = rooms(nodes, placed)
    fitting: list[tuple[float, str]] = []
    counted: Counter[str] = Counter()
    for node in nodes:
        why = reasons(pod, node, taken[name_of(node)], taken, nodes)
        counted.update(why)
        if not why:
            fitting.append((_share(node, taken[name_of(node)]), name_of(node)))
    if not fitting:
        _refuse(cluster, pod, message(counted, len(nodes)))
        return
    _assign(cluster, pod, min(fitting)[1])


def _share(node: Object, room: Room) -> float:
    """How much of a node is taken, for the choice among those that fit."""
    status = node.get("status") or {}
    allocatable = status.get("allocatable") or status.get("capacity") or {}
    shares = [room.used[name] / max(quantity(allocatable.get(name, 1)), 1e-9) for name in ("cpu", "memory")]
    return round(sum(shares) / 2 + room.pods / 1e4, 6)


def _missing_claim(cluster: Cluster, pod: Object) -> str:
    for volume in pod["spec"].get("volumes") or ():
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if not name:
            continue
        claim = cluster.get("", "persistentvolumeclaims", key_namespace(pod), name)
        if claim is None:
            return f'persistentvolumeclaim "{name}" not found'
        wanted = claim["spec"].get("storageClassName")
        unbound = (claim.get("status") or {}).get("phase") != "Bound"
        if unbound and wanted and cluster.get("storage.k8s.io", "storageclasses", "", wanted) is None:
            return "pod has unbound immediate PersistentVolumeClaims"
    return ""


def key_namespace(pod: Object) -> str:
    return str(pod["metadata"].get("namespace", ""))


def _refuse(cluster: Cluster, pod: Object, text: str) -> None:
    before = condition(pod, "PodScheduled")
    status = dict(pod.get("status") or {})
    status.setdefault("phase", "Pending")
    status["conditions"] = with_condition(
        status.get("conditions") or [], "PodScheduled", False, "Unschedulable", text, cluster.stamp()
    )
    cluster.save_status("", "pods", pod, status)
    if before.get("message") != text:
        cluster.event(pod, "FailedScheduling", text, _COMPONENT, warning=True)


def _assign(cluster: Cluster, pod: Object, node: str) -> None:
    pod["spec"]["nodeName"] = node
    status = dict(pod.get("status") or {})
    status.setdefault("phase", "Pending")
    kept = [one for one in status.get("conditions") or () if one.get("type") != "PodScheduled"]
    status["conditions"] = with_condition(kept, "PodScheduled", True, "", "", cluster.stamp())
    pod["status"] = status
    cluster.save("", "pods", pod)
    namespace = key_namespace(pod)
    cluster.event(pod, "Scheduled", f"Successfully assigned {namespace}/{name_of(pod)} to {node}", _COMPONENT)


CONTROLLER = Controller(
    "scheduler",
    reconcile,
    {
        ("", "pods"): _new,
        ("", "nodes"): _freed,
        ("", "persistentvolumeclaims"): _claimed,
        ("storage.k8s.io", "storageclasses"): _claimed,
    },
)
