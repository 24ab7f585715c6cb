"""Whether a pod may and can run on a node, and the scheduler's words if not.

Source: Kubernetes 1.34, pkg/scheduler/framework/plugins/{noderesources/fit,tainttoleration,nodeaffinity,nodename,
nodeunschedulable,nodeports,interpodaffinity,volumebinding}, pkg/scheduler/framework/types.go (FitError). Of affinity
between pods only the required rules are followed; spread constraints are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes.objects.parts import labels_of, name_of, namespace_of, quantity
from csoc.emulator.kubernetes.objects.selectors import selects
from csoc.emulator.kubernetes.store import Object

_SHOWN = {"cpu": "cpu", "memory": "memory", "ephemeral-storage": "ephemeral-storage"}


@dataclass(slots=True)
class Room:
    """What is taken on a node."""

    used: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    pods: int = 0
    host_ports: set[tuple[str, int]] = field(default_factory=set)
    running: list[Object] = field(default_factory=list)


def requests_of(pod: Mapping[str, Any]) -> dict[str, float]:
    """What a pod asks for: the sum of its containers and sidecars, or an init container that asks for more."""
    spec = pod["spec"]
    total: defaultdict[str, float] = defaultdict(float)
    for container in [*spec.get("containers", ()), *_sidecars(spec)]:
        for name, amount in _requests(container).items():
            total[name] += amount
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") != "Always":
            for name, amount in _requests(container).items():
                total[name] = max(total[name], amount)
    for name, amount in (spec.get("overhead") or {}).items():
        total[name] += quantity(amount)
    return dict(total)


def _sidecars(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]


def _requests(container: Mapping[str, Any]) -> dict[str, float]:
    resources = container.get("resources") or {}
    asked = dict(resources.get("limits") or {}) | dict(resources.get("requests") or {})
    return {name: quantity(amount) for name, amount in asked.items()}


def rooms(nodes: Sequence[Object], pods: Sequence[Object]) -> dict[str, Room]:
    """What is taken on each node by the pods that run there."""
    found = {name_of(node): Room() for node in nodes}
    for pod in pods:
        room = found.get(str(pod["spec"].get("nodeName", "")))
        if room is not None and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            take(room, pod)
    return found


def take(room: Room, pod: Object) -> None:
    """Counts a pod as running there."""
    for name, amount in requests_of(pod).items():
        room.used[name] += amount
    room.pods += 1
    room.host_ports |= _host_ports(pod)
    room.running.append(pod)


def _host_ports(pod: Mapping[str, Any]) -> set[tuple[str, int]]:
    return {
        (str(port.get("protocol", "TCP")), int(port["hostPort"]))
        for container in pod["spec"].get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    }


def untolerated(pod: Mapping[str, Any], node: Mapping[str, Any], effects: Sequence[str]) -> Mapping[str, Any] | None:
    """The first taint of these effects that the pod does not tolerate."""
    tolerations = pod["spec"].get("tolerations") or ()
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint.get("effect") in effects and not any(_tolerates(one, taint) for one in tolerations):
            found: Mapping[str, Any] = taint
            return found
    return None


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def matches_node(pod: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether the node selector and the required node affinity of a pod allow the node."""
    spec, labels = pod["spec"], labels_of(node)
    if any(labels.get(name) != value for name, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term(term, node) for term in required.get("nodeSelectorTerms") or ())


def _term(term: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    fields = {"metadata.name": name_of(node)}
    expressions, by_field = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not by_field:
        return False
    return all(_node_expression(one, labels_of(node)) for one in expressions) and all(
        _node_expression(one, fields) for one in by_field
    )


def _node_expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    operator = one.get("operator")
    if operator in ("Gt", "Lt"):
        value = labels.get(one["key"], "")
        if not value.lstrip("-").isdecimal():
            return False
        bound = int(one["values"][0])
        return int(value) > bound if operator == "Gt" else int(value) < bound
    return selects({"matchExpressions": [one]}, labels)


def allowed_on(pod: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether a DaemonSet would put the pod there (nodeShouldRunDaemonPod): resources do not matter."""
    return matches_node(pod, node) and untolerated(pod, node, ("NoSchedule", "NoExecute")) is None


def reasons(
    pod: Object, node: Object, room: Room, everywhere: Mapping[str, Room], nodes: Sequence[Object]
) -> list[str]:
    """Why the pod does not fit a node, in the order in which the scheduler's filters ask; [] if it does."""
    if (node.get("spec") or {}).get("unschedulable") and not any(
        _tolerates(one, {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
        for one in pod["spec"].get("tolerations") or ()
    ):
        return ["node(s) were unschedulable"]
    taint = untolerated(pod, node, ("NoSchedule", "NoExecute"))
    if taint is not None:
        return [f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value', '')}}}"]
    if not matches_node(pod, node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    if _host_ports(pod) & room.host_ports:
        return ["node(s) didn't have free ports for the requested pod ports"]
    found = _short_of(pod, node, room)
    return found or _kept_apart(pod, node, everywhere, nodes)


def _short_of(pod: Object, node: Object, room: Room) -> list[str]:
    status = node.get("status") or {}
    allocatable = status.get("allocatable") or status.get("capacity") or {}
    found = ["Too many pods"] if room.pods + 1 > quantity(allocatable.get("pods", "110")) else []
    for name, amount in sorted(requests_of(pod).items()):
        if amount and room.used[name] + amount > quantity(allocatable.get(name, 0)) + 1e-9:
            found.append(f"Insufficient {_SHOWN.get(name, name)}")
    return found


def _kept_apart(pod: Object, node: Object, everywhere: Mapping[str, Room], nodes: Sequence[Object]) -> list[str]:
    affinity = pod["spec"].get("affinity") or {}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    for term in (affinity.get("podAntiAffinity") or {}).get(required) or ():
        if _meets(pod, term, node, everywhere, nodes):
            return ["node(s) didn't match pod anti-affinity rules"]
    for term in (affinity.get("podAffinity") or {}).get(required) or ():
        itself = selects(term.get("labelSelector"), labels_of(pod))
        anyone = any(_selected(pod, term, other) for room in everywhere.values() for other in room.running)
        if not _meets(pod, term, node, everywhere, nodes) and not (itself and not anyone):
            return ["node(s) didn't match pod affinity rules"]
    return []


def _selected(pod: Object, term: Mapping[str, Any], other: Object) -> bool:
    namespaces = term.get("namespaces") or [namespace_of(pod)]
    return namespace_of(other) in namespaces and selects(term.get("labelSelector"), labels_of(other))


def _meets(
    pod: Object, term: Mapping[str, Any], node: Object, everywhere: Mapping[str, Room], nodes: Sequence[Object]
) -> bool:
    """Whether a pod that the term selects runs in the node's topology domain."""
    key = str(term.get("topologyKey", ""))
    domain = labels_of(node).get(key)
    if domain is None:
        return False
    for other in nodes:
        if labels_of(other).get(key) == domain and any(
            _selected(pod, term, one) for one in everywhere[name_of(other)].running
        ):
            return True
    return False


def message(counted: Mapping[str, int], total: int) -> str:
    """ "0/3 nodes are available: 1 Insufficient cpu, 2 ... preemption: ..." (FitError.Error)."""
    if not total:
        return "no nodes available to schedule pods"
    parts = sorted(f"{number} {reason}" for reason, number in counted.items())
    helpless = sum(number for reason, number in counted.items() if not _helps(reason))
    preempted = sorted(
        f"{number} {text}"
        for number, text in (
            (min(helpless, total), "Preemption is not helpful for scheduling"),
            (total - min(helpless, total), "No preemption victims found for incoming pod"),
        )
        if number
    )
    # Before preemption a cluster of 1.34 looks for claims of devices, which no pod here has (dynamicresources.go).
    return (
        f"0/{total} nodes are available: {', '.join(parts)}. no new claims to deallocate, preemption: "
        f"0/{total} nodes are available: {', '.join(preempted)}."
    )


def _helps(reason: str) -> bool:
    return reason.startswith(("Insufficient", "Too many")) or "free ports" in reason or "anti-affinity" in reason
