"""What EKS puts into a cluster: nodes of its nodegroups, and what its addons are made of.

Of addons there are the workloads, as they stand in a namespace: their image, their labels and how many there are. What
they do is the simulated cluster's own.
Source: manifests of the addons as EKS installs them (names, labels, kinds); "Reserve resources" of amazon-eks-ami's
nodeadm; "Managed node groups" and "Taint nodes" of the Amazon EKS User Guide.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.cloud import moto_machines
from csoc.emulator.cloud.eks.facts import ADDONS, VERSIONS
from csoc.emulator.cloud.eks.records import Body, ClusterRecord
from csoc.emulator.kubernetes.controllers.nodes import Node

SELF_MANAGED = ("vpc-cni", "coredns", "kube-proxy")
"""What every cluster has from the beginning, unless it was asked for without."""

_REGISTRY = "602401143452.dkr.ecr"
_DEFAULT_TYPE = "t3.medium"
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
_RESERVED_BY_AWS = 4
"""The first addresses of a subnet, which nobody gets."""


def nodes_of(account: str, region: str, record: ClusterRecord) -> list[Node]:
    """The nodes that a cluster's nodegroups want. Those of a nodegroup that is only being made are not there yet."""
    found: list[Node] = []
    taken: set[str] = set()
    for name in sorted(record.nodegroups):
        body = record.nodegroups[name]
        if body["status"] != "CREATING":
            found += _nodes(account, region, body, taken)
    return found


def _nodes(account: str, region: str, body: Body, taken: set[str]) -> Iterator[Node]:
    machine = _machine(account, region, body)
    for number in range(int(body["scalingConfig"]["desiredSize"])):
        zone, cidr = moto_machines.subnet_of(account, region, body["subnets"][number % len(body["subnets"])])
        # Another release is another machine, so an update replaces the node.
        mark = hashlib.sha256(f"{body['nodegroupArn']}/{body['releaseVersion']}/{number}".encode()).digest()
        address = _address(cidr or "10.0.0.0/16", int.from_bytes(mark[:8], "big"), taken)
        domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
        yield Node(
            name=f"ip-{address.replace('.', '-')}.{domain}",
            capacity={
                "cpu": str(machine.cores), "memory": f"{machine.memory_mib}Mi", "pods": str(machine.pods),
                "ephemeral-storage": f"{body.get('diskSize') or 20}Gi",
            },
            allocatable=_allocatable(machine),
            labels={
                "eks.amazonaws.com/nodegroup": body["nodegroupName"],
                "eks.amazonaws.com/capacityType": body["capacityType"],
                **({"kubernetes.io/arch": "arm64"} if machine.arm else {}),
                **body["labels"],
            },
            taints=[_taint(one) for one in body["taints"]],
            provider_id=f"aws:///{zone}/i-0{mark.hex()[:16]}",
            zone=zone,
            instance_type=machine.name,
            address=address,
            version=f"v{VERSIONS[body['version']].patch}-eks-c39b1d0",
        )  # fmt: skip


def _machine(account: str, region: str, body: Body) -> moto_machines.Machine:
    launched = moto_machines.launched_type(account, region, body["launchTemplate"]) if "launchTemplate" in body else ""
    for name in (launched, *body["instanceTypes"], _DEFAULT_TYPE):
        found = moto_machines.machine(name)
        if found is not None:
            return found
    raise LookupError(f"EC2 has no instance type {_DEFAULT_TYPE}")


def _address(cidr: str, number: int, taken: set[str]) -> str:
    """An address out of a subnet, the same each time; the next free one if another node has it."""
    network = ipaddress.ip_network(cidr)
    room = network.num_addresses - _RESERVED_BY_AWS - 1
    for step in range(room):
        found = str(network[_RESERVED_BY_AWS + (number + step) % room])
        if found not in taken:
            taken.add(found)
            return found
    raise LookupError(f"the subnet {cidr} has no address left for a node")


def _allocatable(machine: moto_machines.Machine) -> dict[str, str]:
    """What is left for pods once the kubelet and the system have theirs."""
    cores = machine.cores
    reserved = 60 + 10 * (cores > 1) + 5 * max(0, min(cores, 4) - 2) + 5 * max(0, cores - 4) // 2
    return {
        "cpu": f"{cores * 1000 - reserved}m",
        "memory": f"{machine.memory_mib - 255 - 11 * machine.pods - 100}Mi",
    }


def _taint(asked: Mapping[str, Any]) -> dict[str, str]:
    found = {"key": str(asked.get("key", "")), "effect": _EFFECTS[str(asked.get("effect", ""))]}
    return found | ({"value": str(asked["value"])} if asked.get("value") else {})


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload of an addon. replicas: None for one on each node. labels: its pods'. account: its service
    account."""

    name: str
    labels: Mapping[str, str]
    account: str
    container: str
    image: str
    replicas: int | None = None
    requests: Mapping[str, str] = field(default_factory=dict)


def _driver(name: str, image: str) -> tuple[Workload, Workload]:
    labels = {"app.kubernetes.io/name": f"aws-{name}-csi-driver"}
    return (
        Workload(f"{name}-csi-node", {"app": f"{name}-csi-node", **labels}, f"{name}-csi-node-sa", f"{name}-plugin",
                 image),
        Workload(f"{name}-csi-controller", {"app": f"{name}-csi-controller", **labels}, f"{name}-csi-controller-sa",
                 f"{name}-plugin", image, 2),
    )  # fmt: skip


_WORKLOADS: Mapping[str, Sequence[Workload]] = {
    "vpc-cni": (
        Workload("aws-node", {"k8s-app": "aws-node", "app.kubernetes.io/name": "aws-node"}, "aws-node", "aws-node",
                 "amazon-k8s-cni", None, {"cpu": "25m"}),
    ),
    "kube-proxy": (
        Workload("kube-proxy", {"k8s-app": "kube-proxy"}, "kube-proxy", "kube-proxy", "eks/kube-proxy", None,
                 {"cpu": "100m"}),
    ),
    "coredns": (
        Workload("coredns", {"k8s-app": "kube-dns", "eks.amazonaws.com/component": "coredns"}, "coredns", "coredns",
                 "eks/coredns", 2, {"cpu": "100m", "memory": "70Mi"}),
    ),
    "eks-pod-identity-agent": (
        Workload("eks-pod-identity-agent", {"app.kubernetes.io/name": "eks-pod-identity-agent"}, "default",
                 "eks-pod-identity-agent", "eks/eks-pod-identity-agent"),
    ),
    "aws-ebs-csi-driver": _driver("ebs", "eks/aws-ebs-csi-driver"),
    "aws-efs-csi-driver": _driver("efs", "eks/aws-efs-csi-driver"),
    "metrics-server": (
        Workload("metrics-server", {"app.kubernetes.io/name": "metrics-server"}, "metrics-server", "metrics-server",
                 "eks/metrics-server", 2, {"cpu": "100m", "memory": "200Mi"}),
    ),
    "snapshot-controller": (
        Workload("snapshot-controller", {"app.kubernetes.io/name": "snapshot-controller"}, "snapshot-controller",
                 "snapshot-controller", "eks/snapshot-controller", 2),
    ),
}  # fmt: skip


def installed(record: ClusterRecord) -> dict[str, str]:
    """The addons whose workloads EKS looks after, with their versions."""
    return {name: str(body["addonVersion"]) for name, body in record.addons.items() if body["status"] != "CREATING"}


def default_version(name: str, kubernetes: str) -> str:
    """Of an addon that a cluster has from the beginning."""
    return ADDONS[name].for_cluster(kubernetes)[0]


def documents(name: str, version: str, region: str) -> list[Body]:
    """The objects of an addon."""
    found: list[Body] = []
    for one in _WORKLOADS[name]:
        place = {"namespace": ADDONS[name].namespace}
        if one.account != "default":
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": one.account, **place}}
            found.append(account)
        container: Body = {"name": one.container, "image": f"{_REGISTRY}.{region}.amazonaws.com/{one.image}:{version}"}
        if one.requests:
            container["resources"] = {"requests": dict(one.requests)}
        pod: Body = {
            "serviceAccountName": one.account,
            "priorityClassName": "system-node-critical" if one.replicas is None else "system-cluster-critical",
            "tolerations": [{"operator": "Exists"}] if one.replicas is None else [
                {"key": "CriticalAddonsOnly", "operator": "Exists"}
            ],
            "containers": [container],
        }  # fmt: skip
        spec: Body = {
            "selector": {"matchLabels": dict(one.labels)},
            "template": {"metadata": {"labels": dict(one.labels)}, "spec": pod},
        }
        if one.replicas is not None:
            spec["replicas"] = one.replicas
        kind = "DaemonSet" if one.replicas is None else "Deployment"
        metadata = {"name": one.name, **place, "labels": dict(one.labels)}
        found.append({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec})
    if name == "coredns":
        ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
        spec = {"selector": {"k8s-app": "kube-dns"}, "ports": ports}
        metadata = {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}
        found.append({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    return found
