"""PodDisruptionBudgets: how many pods may be missing now.

Source: Kubernetes 1.34, pkg/controller/disruption/disruption.go (trySync, getExpectedPodCount, updatePdbStatus).
"""

from __future__ import annotations

from collections.abc import Iterable

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, itself
from csoc.emulator.kubernetes.controllers.replicas import ready
from csoc.emulator.kubernetes.kinds.lookup import owner_key
from csoc.emulator.kubernetes.objects.parts import (
    controller_of,
    deleting,
    key_of,
    labels_of,
    scaled,
    with_condition,
)
from csoc.emulator.kubernetes.objects.selectors import selects
from csoc.emulator.kubernetes.store import Key, Object

_GROUP, _RESOURCE = "policy", "poddisruptionbudgets"


def _of_pod(cluster: Cluster, change: Change) -> Iterable[Key]:
    return [
        key_of(_GROUP, _RESOURCE, body)
        for body in cluster.list(_GROUP, _RESOURCE, change.key.namespace)
        if selects((body.get("spec") or {}).get("selector"), labels_of(change.object))
    ]


def reconcile(cluster: Cluster, key: Key) -> None:
    """One budget."""
    body = cluster.store.get(key)
    if body is None or deleting(body):
        return
    spec = body.get("spec") or {}
    pods = [
        pod
        for pod in cluster.list("", "pods", key.namespace)
        if selects(spec.get("selector"), labels_of(pod))
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]
    healthy = sum(map(ready, pods))
    expected = _expected(cluster, pods)
    if spec.get("maxUnavailable") is not None:
        wanted = max(expected - scaled(spec["maxUnavailable"], expected, up=True), 0)
    else:
        least = spec.get("minAvailable", 1)
        if isinstance(least, int):
            expected = len(pods)
        wanted = scaled(least, expected, up=True)
    allowed = max(healthy - wanted, 0) if expected else 0
    if allowed:
        condition = ("DisruptionAllowed", True, "SufficientPods", "")
    else:
        condition = ("DisruptionAllowed", False, "InsufficientPods", "")
    status: Object = {
        "observedGeneration": body["metadata"].get("generation", 1),
        "currentHealthy": healthy,
        "desiredHealthy": wanted,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
    }
    kept = (body.get("status") or {}).get("conditions") or []
    status["conditions"] = with_condition(kept, *condition, cluster.stamp())
    for entry in status["conditions"]:
        entry.setdefault("message", "")
        entry["observedGeneration"] = status["observedGeneration"]
    cluster.save_status(_GROUP, _RESOURCE, body, status)
    if not pods:
        cluster.event(body, "NoPods", "No matching pods found", "controllermanager")


def _expected(cluster: Cluster, pods: list[Object]) -> int:
    """As many pods as their controllers want."""
    wanted: dict[str, int] = {}
    for pod in pods:
        owner = controller_of(pod)
        key = None if owner is None else owner_key(cluster.store, owner, pod["metadata"]["namespace"])
        found = None if key is None else cluster.store.get(key)
        if owner is not None and found is not None:
            above = controller_of(found)
            if above is not None:
                place = owner_key(cluster.store, above, pod["metadata"]["namespace"])
                upper = None if place is None else cluster.store.get(place)
                owner, found = (above, upper) if upper is not None else (owner, found)
            wanted[str(owner["uid"])] = int((found.get("spec") or {}).get("replicas", 1))
    return sum(wanted.values())


CONTROLLER = Controller(
    "budgets",
    reconcile,
    {(_GROUP, _RESOURCE): itself, ("", "pods"): _of_pod},
)
