"""Nodes, as node groups bring them: made, changed and taken away from outside the cluster.

Source for capacity and labels: the Amazon EKS documentation (choosing an instance type; max pods), and Kubernetes 1.34
pkg/apis/core/v1/well_known_labels.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.services import address
from csoc.emulator.kubernetes.objects.parts import deleting, name_of, with_condition
from csoc.emulator.kubernetes.store import Key, Object


@dataclass(frozen=True, slots=True)
class Node:
    """One node that is wanted. capacity: "cpu", "memory", "pods", "ephemeral-storage" as quantities; what is left for
    pods is the same unless `allocatable` says otherwise. address: "" for one that follows from the name. version: of
    the kubelet, "" for the cluster's."""

    name: str
    capacity: Mapping[str, str] = field(
        default_factory=lambda: {"cpu": "4", "memory": "16Gi", "pods": "58", "ephemeral-storage": "80Gi"}
    )
    allocatable: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, str]] = ()
    provider_id: str = ""
    zone: str = ""
    instance_type: str = "m5.xlarge"
    address: str = ""
    version: str = ""


def set_nodes(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Makes the cluster's nodes these, and no others. Pods of a node that goes are deleted with it."""
    wanted = {node.name: node for node in nodes}
    for body in cluster.list("", "nodes"):
        if name_of(body) not in wanted:
            _remove(cluster, name_of(body))
    for node in nodes:
        before = cluster.get("", "nodes", "", node.name)
        made = _node(cluster, node, before)
        if before is None:
            created = cluster.create("", "nodes", made)
            text = f"Node {node.name} event: Registered Node {node.name} in Controller"
            cluster.event(created, "RegisteredNode", text, "node-controller")
        else:
            cluster.save("", "nodes", made, of=before)


def _remove(cluster: Cluster, name: str) -> None:
    for pod in cluster.list("", "pods"):
        if pod["spec"].get("nodeName") == name and not deleting(pod):
            cluster.delete(Key("", "pods", pod["metadata"]["namespace"], name_of(pod)), grace_seconds=0)
    cluster.delete(Key("", "nodes", "", name))


def _node(cluster: Cluster, node: Node, before: Object | None) -> Object:
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node.name,
        "node.kubernetes.io/instance-type": node.instance_type,
    }
    if node.zone:
        labels |= {"topology.kubernetes.io/zone": node.zone, "topology.kubernetes.io/region": node.zone[:-1]}
    body: Object = (
        before if before is not None else {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}}
    )
    body = body | {"metadata": dict(body["metadata"])}
    body["metadata"]["labels"] = labels | dict(node.labels)
    spec: Object = {}
    if node.provider_id:
        spec["providerID"] = node.provider_id
    if node.taints:
        spec["taints"] = [dict(taint) for taint in node.taints]
    if (body.get("spec") or {}).get("unschedulable"):
        spec["unschedulable"] = True
        spec["taints"] = [*spec.get("taints", ()), {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    body["spec"] = spec
    body["status"] = _status(cluster, node, body.get("status") or {})
    return body


def _status(cluster: Cluster, node: Node, before: Object) -> Object:
    now = cluster.stamp()
    conditions = list(before.get("conditions") or [])
    for kind, reason, message in (
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ):
        conditions = with_condition(conditions, kind, False, reason, message, now)
    conditions = with_condition(conditions, "Ready", True, "KubeletReady", "kubelet is posting ready status", now)
    inside = node.address or address(cluster, "node", node.name)
    return {
        "capacity": dict(node.capacity),
        "allocatable": dict(node.capacity) | dict(node.allocatable),
        "conditions": conditions,
        "addresses": [{"type": "InternalIP", "address": inside}, {"type": "Hostname", "address": node.name}],
        "nodeInfo": {
            "architecture": "amd64",
            "operatingSystem": "linux",
            "kubeletVersion": node.version or f"v{cluster.settings.version}.0",
            "containerRuntimeVersion": "containerd://2.1.4",
            "osImage": "Amazon Linux 2023",
            "kernelVersion": "6.12.40-64.114.amzn2023.x86_64",
            "kubeProxyVersion": "",
            "bootID": "",
            "machineID": "",
            "systemUUID": "",
        },
    }
