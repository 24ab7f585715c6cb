"""Services: an address for each, and EndpointSlices with the pods that serve it.

Source: Kubernetes 1.34, pkg/controller/endpointslice/reconciler.go, staging/src/k8s.io/endpointslice. One slice a
Service; a hundred addresses at most, as there. A Service of type LoadBalancer is given a host name after a while, as a
load balancer controller of the cloud does; so is an Ingress, if anybody serves its class: one that the settings name,
or one of which there is an IngressClass. An Ingress without a class is taken for one of the default class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, all_of, itself
from csoc.emulator.kubernetes.controllers.replicas import ready
from csoc.emulator.kubernetes.objects.parts import (
    annotations_of,
    deleting,
    digest,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from csoc.emulator.kubernetes.store import Key, Object

_MOST = 100
_NETWORKING = "networking.k8s.io"
_CLASS = "kubernetes.io/ingress.class"


def address(cluster: Cluster, kind: str, name: str) -> str:
    """An address out of a private range, always the same for the same name."""
    data = hashlib.sha256(f"{cluster.name}/{kind}/{name}".encode()).digest()
    first = "10.100" if kind == "service" else "10.0"
    return f"{first}.{data[0]}.{1 + data[1] % 254}"


def _of_pod(cluster: Cluster, change: Change) -> Iterable[Key]:
    """The Services that select a pod, by its labels before or after."""
    found = []
    labels = [labels_of(change.object), labels_of(change.before) if change.before else {}]
    for service in cluster.list("", "services", change.key.namespace):
        selector = (service.get("spec") or {}).get("selector")
        if selector and any(selector.items() <= dict(one).items() for one in labels):
            found.append(key_of("", "services", service))
    return found


def reconcile(cluster: Cluster, key: Key) -> None:
    """One Service: its address and its endpoints."""
    service = cluster.store.get(key)
    if service is None or deleting(service):
        return
    spec = service["spec"]
    if not spec.get("clusterIP") and spec.get("type") != "ExternalName":
        spec["clusterIP"] = address(cluster, "service", f"{key.namespace}/{key.name}")
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        service = cluster.save("", "services", service)
    if spec.get("type") == "LoadBalancer":
        _balance(cluster, "", "services", service)
    if spec.get("selector"):
        _slice(cluster, service)


def reconcile_ingress(cluster: Cluster, key: Key) -> None:
    """One Ingress: a host name of a load balancer, if somebody serves its class."""
    ingress = cluster.store.get(key)
    if ingress is not None and not deleting(ingress) and _has_controller(cluster, ingress):
        _balance(cluster, _NETWORKING, "ingresses", ingress)


def _has_controller(cluster: Cluster, ingress: Object) -> bool:
    """Whether somebody serves the class of an Ingress, which stands in its specification, or in an annotation as it
    did before there were classes (Kubernetes, pkg/apis/networking/types.go, IngressSpec)."""
    named = (ingress.get("spec") or {}).get("ingressClassName") or annotations_of(ingress).get(_CLASS)
    if not named or named in cluster.settings.ingress_classes:
        return True
    return cluster.store.get(Key(_NETWORKING, "ingressclasses", "", str(named))) is not None


def _balance(cluster: Cluster, group: str, resource: str, body: Object) -> None:
    if ((body.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
        return
    key, uid = key_of(group, resource, body), uid_of(body)

    def give() -> None:
        fresh = cluster.store.get(key)
        if fresh is None or uid_of(fresh) != uid:
            return
        if resource == "ingresses" and not _has_controller(cluster, fresh):
            return
        host = f"k8s-{key.namespace[:8]}-{key.name[:8]}-{digest([cluster.name, uid])}".lower()
        host = f"{host}.elb.{cluster.settings.region}.amazonaws.com"
        status = (fresh.get("status") or {}) | {"loadBalancer": {"ingress": [{"hostname": host}]}}
        cluster.save_status(group, resource, fresh, status)
        reason = "EnsuredLoadBalancer" if resource == "services" else "SuccessfullyReconciled"
        message = "Ensured load balancer" if resource == "services" else "Successfully reconciled"
        cluster.event(fresh, reason, message, "service-controller" if resource == "services" else "ingress")

    cluster.later(("balancer", uid), cluster.settings.timing.load_balancer, give)


def _slice(cluster: Cluster, service: Object) -> None:
    namespace, name = namespace_of(service), name_of(service)
    selector = service["spec"]["selector"]
    pods = [
        pod
        for pod in cluster.list("", "pods", namespace)
        if selector.items() <= dict(labels_of(pod)).items()
        and (pod.get("status") or {}).get("podIP")
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]
    ports = _ports(service, pods)
    endpoints = [_endpoint(pod, service) for pod in sorted(pods, key=name_of)[:_MOST]]
    key = Key("discovery.k8s.io", "endpointslices", namespace, f"{name}-{digest([name, namespace], 5)}")
    kept = cluster.store.get(key)
    labels = dict(labels_of(service)) | {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": name,
    }
    metadata: Object = {"name": key.name, "namespace": namespace, "generateName": f"{name}-", "labels": labels}
    metadata["ownerReferences"] = [owner_reference(service)]
    body: Object = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    }
    if kept is None:
        cluster.create("discovery.k8s.io", "endpointslices", body)
        return
    changed = any(kept.get(part) != body[part] for part in ("endpoints", "ports"))
    if changed or labels_of(kept) != labels:
        body["metadata"] = kept["metadata"] | {"labels": labels}
        body["metadata"]["generation"] = int(kept["metadata"].get("generation", 1)) + 1
        cluster.save("discovery.k8s.io", "endpointslices", body)


def _ports(service: Object, pods: list[Object]) -> list[Object]:
    """The ports of the Service as those of its pods; names of container ports are resolved."""
    found = []
    for port in service["spec"].get("ports") or ():
        target = port.get("targetPort", port["port"])
        number = target if isinstance(target, int) else _named(pods, str(target))
        if number is not None:
            entry = {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
            found.append(entry | ({"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {}))
    return found


def _named(pods: list[Object], name: str) -> int | None:
    if name.isdecimal():
        return int(name)
    for pod in pods:
        for container in pod["spec"].get("containers") or ():
            for port in container.get("ports") or ():
                if port.get("name") == name:
                    return int(port["containerPort"])
    return None


def _endpoint(pod: Mapping[str, Any], service: Object) -> Object:
    serves = ready(pod) or bool(service["spec"].get("publishNotReadyAddresses"))
    found: Object = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": serves, "serving": serves or ready(pod), "terminating": deleting(pod)},
        "targetRef": {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)},
    }
    if pod["spec"].get("nodeName"):
        found["nodeName"] = pod["spec"]["nodeName"]
    if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == name_of(service):
        found["hostname"] = pod["spec"]["hostname"]
    return found


CONTROLLER = Controller("services", reconcile, {("", "services"): itself, ("", "pods"): _of_pod})
INGRESSES = Controller(
    "ingresses",
    reconcile_ingress,
    {(_NETWORKING, "ingresses"): itself, (_NETWORKING, "ingressclasses"): all_of(_NETWORKING, "ingresses")},
)
