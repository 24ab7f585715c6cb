"""What the storage of built-in kinds gives to objects: addresses, ports, selectors, finalizers. Nobody owns that.

Sources: Kubernetes, pkg/registry/*/*/strategy.go (PrepareForCreate), pkg/registry/core/service/storage,
plugin/pkg/admission (defaulttolerationseconds, priority, storage/storageobjectinuseprotection).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects.parts import quantity

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
_SERVICES, _MOST_SERVICES = "10.100", 65_534
"""The range for services is EKS's usual one, 10.100.0.0/16."""
_FIRST_SERVICE = 11
"""10.100.0.1 is the API server's own and 10.100.0.10 the cluster's DNS."""


def prepare(objects: Objects, type_: ResourceType, new: Object, live: Object | None, warnings: list[str]) -> None:
    """Changes an object that is about to be kept."""
    place = (type_.group, type_.plural)
    if place == ("", "services"):
        _service(objects, new, live, warnings)
    elif live is not None:
        return
    elif place == ("", "pods"):
        _pod(new)
    elif place == ("", "namespaces"):
        _set(new.setdefault("spec", {}), finalizers=["kubernetes"])
    elif place == ("batch", "jobs"):
        _new_job(new)
    elif place == ("", "persistentvolumeclaims"):
        finalizers = new["metadata"].setdefault("finalizers", [])
        if CLAIM_PROTECTION not in finalizers:
            finalizers.append(CLAIM_PROTECTION)


def _set(where: Object, **values: Any) -> None:
    for name, value in values.items():
        if where.get(name) is None:
            where[name] = value


def _pod(new: Object) -> None:
    spec = new["spec"]
    if spec.get("priority") is None and not spec.get("priorityClassName"):
        spec["priority"] = 0
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(
            one.get("key") in (key, None, "") and one.get("effect") in ("NoExecute", None, "") for one in tolerations
        ):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    status = new.setdefault("status", {})
    _set(status, phase="Pending")
    _set(status, qosClass=quality(spec))


def quality(spec: Mapping[str, Any]) -> str:
    """The class of service by requests and limits of CPU and memory, the pod's own or those of its containers.

    Source: Kubernetes 1.34, pkg/apis/core/v1/helper/qos/qos.go (ComputePodQOS).
    """
    own = spec.get("resources") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    parts = [own] if own.get("requests") or own.get("limits") else [one.get("resources") or {} for one in containers]
    requests, limits = ([_counted(part.get(kind)) for part in parts] for kind in ("requests", "limits"))
    asked, allowed = _together(requests), _together(limits)
    if not asked and not allowed:
        return "BestEffort"
    return "Guaranteed" if asked == allowed and all(len(one) == 2 for one in limits) else "Burstable"


def _counted(amounts: Mapping[str, Any] | None) -> dict[str, float]:
    """What of it counts: more than nothing, of CPU and memory."""
    found = {name: _amount((amounts or {}).get(name, 0)) for name in ("cpu", "memory")}
    return {name: amount for name, amount in found.items() if amount > 0}


def _amount(written: Any) -> float:
    try:
        return quantity(written)
    except ValueError:
        return 0.0  # the validation that follows refuses it


def _together(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in parts:
        for name, amount in part.items():
            found[name] = round(found.get(name, 0.0) + amount, 6)
    return found


def _new_job(new: Object) -> None:
    """Source: pkg/registry/batch/job/strategy.go (generateSelector)."""
    spec, metadata = new["spec"], new["metadata"]
    if spec.get("manualSelector"):
        return
    own = {"controller-uid": metadata["uid"], "job-name": metadata["name"]}
    labels = spec.setdefault("template", {}).setdefault("metadata", {}).setdefault("labels", {})
    if not metadata.get("labels") or metadata["labels"] == labels:
        metadata["labels"] = labels  # the defaults of a Job are the labels of its template
    for name, value in own.items():
        labels[name] = labels[f"batch.kubernetes.io/{name}"] = value
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": metadata["uid"]}}


def _service(objects: Objects, new: Object, live: Object | None, warnings: list[str]) -> None:
    spec = new["spec"]
    kind = spec["type"]
    if spec.get("clusterIP") == "None" and live is None:
        warnings.append("spec.SessionAffinity is ignored for headless services")
    if kind in ("NodePort", "LoadBalancer"):
        for port in spec.get("ports") or ():
            if not port.get("nodePort"):
                kept = _kept_port(live, port)
                port["nodePort"] = kept or _free_port(objects, spec)
    if kind == "ExternalName":
        for name in ("clusterIP", "clusterIPs", "internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(name, None)
        return
    before = (live or {}).get("spec", {})
    if not spec.get("clusterIP"):
        spec["clusterIP"] = before.get("clusterIP") or _free_address(objects)
    spec["clusterIPs"] = [spec["clusterIP"]]
    _set(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")


def _kept_port(live: Object | None, port: Mapping[str, Any]) -> int:
    for one in (live or {}).get("spec", {}).get("ports") or ():
        if (one.get("port"), one.get("protocol")) == (port.get("port"), port.get("protocol")):
            return int(one.get("nodePort") or 0)
    return 0


def _free_address(objects: Objects) -> str:
    used = {body["spec"].get("clusterIP") for body in objects.store.objects("", "services")}
    for number in range(_FIRST_SERVICE, _MOST_SERVICES):
        address = f"{_SERVICES}.{number // 256}.{number % 256}"
        if address not in used:
            return address
    raise AssertionError("more services than addresses: the API refuses requests long before")


def _free_port(objects: Objects, spec: Object) -> int:
    used = {
        port.get("nodePort")
        for body in (*(one["spec"] for one in objects.store.objects("", "services")), spec)
        for port in body.get("ports") or ()
    }
    return next(port for port in range(30_000, 32_768) if port not in used)
