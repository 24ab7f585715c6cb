"""DaemonSets: one pod on each node that it may run on.

Source: Kubernetes 1.34, pkg/controller/daemon/{daemon_controller,update}.go. Rolling updates replace one pod after the
other (`maxUnavailable` counts, `maxSurge` does not).
"""

from __future__ import annotations

from csoc.emulator.kubernetes.controllers.cluster import Cluster, Controller, all_of, its_controller, itself
from csoc.emulator.kubernetes.controllers.fitting import allowed_on
from csoc.emulator.kubernetes.controllers.replicas import create_pod, delete_pod, pod_from, pods_of, ready
from csoc.emulator.kubernetes.objects.parts import deleting, digest, labels_of, name_of, scaled
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "daemonset-controller"
_REVISION = "controller-revision-hash"
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


def reconcile(cluster: Cluster, key: Key) -> None:
    """One DaemonSet: pods made, given up and renewed, and its status."""
    body = cluster.store.get(key)
    if body is None:
        return
    revision = digest(body["spec"].get("template") or {})
    if not deleting(body):
        _step(cluster, body, revision)
    _tell(cluster, key, revision)


def _template(body: Object) -> Object:
    found: Object = pod_from(body, body["spec"].get("template") or {})
    always = [{"key": name, "operator": "Exists", "effect": effect} for name, effect in _TOLERATED]
    # The template's tolerations stay, but for those that differ from its own in the time only.
    tolerations = [
        one
        for one in found["spec"].get("tolerations") or ()
        if {name: value for name, value in one.items() if name != "tolerationSeconds"} not in always
    ]
    tolerations += always
    found["spec"]["tolerations"] = tolerations
    return found


def _nodes(cluster: Cluster, body: Object) -> list[str]:
    pod = _template(body)
    return [name_of(node) for node in cluster.list("", "nodes") if allowed_on(pod, node)]


def _by_node(cluster: Cluster, body: Object) -> dict[str, Object]:
    return {str(pod["spec"].get("nodeName", "")): pod for pod in pods_of(cluster, body)}


def _step(cluster: Cluster, body: Object, revision: str) -> None:
    wanted, pods = _nodes(cluster, body), _by_node(cluster, body)
    for node, pod in pods.items():
        if node not in wanted and not deleting(pod):
            delete_pod(cluster, body, pod, _COMPONENT)
        elif (pod.get("status") or {}).get("phase") == "Failed" and not deleting(pod):
            shown = f"{pod['metadata']['namespace']}/{name_of(pod)}"
            text = f"Found failed daemon pod {shown} on node {node}, will try to kill it"
            cluster.event(body, "FailedDaemonPod", text, _COMPONENT, warning=True)
            delete_pod(cluster, body, pod, _COMPONENT)
    for node in wanted:
        if node not in pods:
            pod = _template(body)
            pod["metadata"]["labels"] |= {_REVISION: revision, "pod-template-generation": _generation(body)}
            pod["spec"]["nodeName"] = node
            create_pod(cluster, body, pod, _COMPONENT)
    strategy = body["spec"].get("updateStrategy") or {}
    if strategy.get("type") != "OnDelete":
        most = scaled((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(wanted), up=True)
        there = _by_node(cluster, body)
        missing = sum(node not in there for node in wanted)
        _renew(cluster, body, there, revision, max(most, 1) - missing)


def _generation(body: Object) -> str:
    return str(body["metadata"].get("generation", 1))


def _renew(cluster: Cluster, body: Object, pods: dict[str, Object], revision: str, most: int) -> None:
    may_go = most - sum(not ready(pod) for pod in pods.values() if labels_of(pod).get(_REVISION) == revision)
    for pod in sorted(pods.values(), key=lambda one: (ready(one), name_of(one))):
        if labels_of(pod).get(_REVISION) == revision:
            continue
        if deleting(pod):
            may_go -= 1
        elif may_go > 0:
            delete_pod(cluster, body, pod, _COMPONENT)
            may_go -= 1


def _tell(cluster: Cluster, key: Key, revision: str) -> None:
    body = cluster.store.get(key)
    if body is None:
        return
    wanted = _nodes(cluster, body)
    pods = _by_node(cluster, body)
    there = [pods[node] for node in wanted if node in pods]
    status: Object = {
        "observedGeneration": body["metadata"].get("generation", 1),
        "currentNumberScheduled": len(there),
        "desiredNumberScheduled": len(wanted),
        "numberMisscheduled": sum(node not in wanted for node in pods),
        "numberReady": sum(map(ready, there)),
    }
    counted = {
        "updatedNumberScheduled": sum(labels_of(pod).get(_REVISION) == revision for pod in there),
        "numberAvailable": sum(map(ready, there)),
        "numberUnavailable": len(wanted) - sum(map(ready, there)),
    }
    status |= {name: number for name, number in counted.items() if number}
    cluster.save_status("apps", "daemonsets", body, status)


CONTROLLER = Controller(
    "daemonsets",
    reconcile,
    {
        ("apps", "daemonsets"): itself,
        ("", "pods"): its_controller("apps", "daemonsets", "DaemonSet"),
        ("", "nodes"): all_of("apps", "daemonsets"),
    },
)
