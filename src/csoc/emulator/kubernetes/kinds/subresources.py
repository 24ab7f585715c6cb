"""Which part of an object a request may change, and when that counts as a new generation.

Sources: the strategies in Kubernetes, pkg/registry/*/*/strategy.go, and apiextensions-apiserver,
pkg/registry/customresource.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds.types import ResourceType

Object = dict[str, Any]

# Built-in kinds that count generations, by group.
_COUNTED = {
    "": ("pods", "podtemplates", "replicationcontrollers"),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
    "batch": ("cronjobs", "jobs"),
    "networking.k8s.io": ("ingressclasses", "ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
    "autoscaling": (),
    "apiextensions.k8s.io": ("customresourcedefinitions",),
    "admissionregistration.k8s.io": (
        *("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
        *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
    ),
    "flowcontrol.apiserver.k8s.io": ("flowschemas", "prioritylevelconfigurations"),
    "resource.k8s.io": ("deviceclasses", "resourceslices"),
}
_NOT_SPEC = ("apiVersion", "kind", "metadata", "status")
# Status that a plain create or update may set as well, since these kinds have no status subresource of that meaning.
_STATUS_AT_CREATE: Mapping[tuple[str, str], Any] = {
    ("", "pods"): {"phase": "Pending"},
    ("", "namespaces"): {"phase": "Active"},
    ("", "persistentvolumeclaims"): {"phase": "Pending"},
    ("", "persistentvolumes"): {"phase": "Pending"},
}
_SPEC_OF_POD_PARTS = {
    "ephemeralcontainers": ("ephemeralContainers",),
    "resize": ("containers", "initContainers", "resources"),
}


def has_generation(type_: ResourceType) -> bool:
    return type_.custom is not None or type_.plural in _COUNTED.get(type_.group, ())


def spec_differs(type_: ResourceType, live: Object, new: Object) -> bool:
    """Whether an update is a new generation: everything but metadata and status counts. Custom resources without a
    status subresource count their status too."""
    skipped = _NOT_SPEC if type_.custom is None or "status" in type_.subresources else _NOT_SPEC[:3]
    names = (live.keys() | new.keys()) - set(skipped)
    return any(live.get(name) != new.get(name) for name in names)


def for_create(type_: ResourceType, new: Object) -> None:
    """Takes away what a new object may not say of itself."""
    if "status" not in type_.subresources:
        return
    if (type_.group, type_.plural) == ("", "nodes"):
        return  # kubelets register with their status
    new.pop("status", None)
    initial = _STATUS_AT_CREATE.get((type_.group, type_.plural))
    if initial is not None:
        new["status"] = copy.deepcopy(initial)


def for_update(type_: ResourceType, subresource: str, live: Object, sent: Object) -> Object:
    """The object that an update asks for: what the subresource is not about stays as it is."""
    if subresource == "scale":
        return sent
    if subresource in _SPEC_OF_POD_PARTS:
        made = copy.deepcopy(live)
        for name in _SPEC_OF_POD_PARTS[subresource]:
            if name in sent.get("spec", {}):
                made["spec"][name] = sent["spec"][name]
        return _with_versions(made, sent)
    if subresource == "approval":
        made = copy.deepcopy(live)
        conditions = sent.get("status", {}).get("conditions")
        if conditions is not None:
            made.setdefault("status", {})["conditions"] = conditions
        return _with_versions(made, sent)
    if subresource == "finalize":
        made = copy.deepcopy(live)
        made["spec"] = sent.get("spec", {})
        return _with_versions(made, sent)
    if subresource == "status":
        return _status_of(type_, live, sent)
    if "status" in type_.subresources:
        made = dict(sent)
        made.pop("status", None)
        return {**made, "status": live["status"]} if "status" in live else made
    return sent


def _status_of(type_: ResourceType, live: Object, sent: Object) -> Object:
    made = {name: value for name, value in live.items() if name != "status"}
    if "status" in sent:
        made["status"] = sent["status"]
    if type_.custom is None:
        # Labels, annotations and finalizers of built-in kinds may go along with their status.
        kept = dict(live["metadata"])
        for name in ("labels", "annotations", "finalizers"):
            if name in sent["metadata"]:
                kept[name] = sent["metadata"][name]
        made["metadata"] = kept
    return _with_versions(copy.deepcopy(made), sent)


def _with_versions(made: Object, sent: Object) -> Object:
    if sent["metadata"].get("managedFields") is None:
        made["metadata"].pop("managedFields", None)
    else:
        made["metadata"]["managedFields"] = sent["metadata"]["managedFields"]
    return made


def scale_of(type_: ResourceType, body: Object) -> Object:
    """The Scale of an object."""
    metadata = body["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    if type_.custom is not None and type_.custom.scale is not None:
        paths = type_.custom.scale
        replicas = _at(body, paths["specReplicasPath"])
        found = _at(body, paths["statusReplicasPath"]) or 0
        selector = _at(body, paths["labelSelectorPath"]) or "" if paths.get("labelSelectorPath") else ""
        if replicas is None:
            why = f"the spec replicas field {paths['specReplicasPath']!r} does not exist"
            raise errors.ApiError(500, "InternalError", f"Internal error occurred: {why}")
    else:
        replicas = body.get("spec", {}).get("replicas", 1)
        found = body.get("status", {}).get("replicas", 0)
        selector = selector_text(body.get("spec", {}).get("selector") or {})
    status = {"replicas": found} | ({"selector": selector} if selector else {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def scaled(type_: ResourceType, live: Object, before: Object, sent: Any) -> Object:
    """The object with the replicas that a Scale asks for. Raises ApiError."""
    if not isinstance(sent, dict) or sent.get("kind", "Scale") != "Scale":
        raise errors.bad_request("expected a Scale of autoscaling/v1")
    metadata = sent.get("metadata") or {}
    if metadata.get("name", before["metadata"]["name"]) != before["metadata"]["name"]:
        raise errors.bad_request("the name of the object does not match the name on the URL")
    replicas = (sent.get("spec") or {}).get("replicas", 0)
    if isinstance(replicas, bool) or not isinstance(replicas, int) or replicas < 0:
        why = f"Invalid value: {replicas}: must be greater than or equal to 0"
        causes = [{"field": "spec.replicas", "message": why, "reason": "FieldValueInvalid"}]
        raise errors.invalid("Scale", "autoscaling", before["metadata"]["name"], causes)
    made = copy.deepcopy(live)
    made["metadata"].pop("managedFields", None)
    if metadata.get("resourceVersion"):
        made["metadata"]["resourceVersion"] = metadata["resourceVersion"]
    path = ".spec.replicas"
    if type_.custom is not None and type_.custom.scale is not None:
        path = type_.custom.scale["specReplicasPath"]
    node = made
    *parts, last = path.strip(".").split(".")
    for part in parts:
        node = node.setdefault(part, {})
    node[last] = replicas
    return made


def _at(body: Object, path: str) -> Any:
    value: Any = body
    for part in path.strip(".").split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def selector_text(selector: Mapping[str, Any]) -> str:
    """A selector (or a map of labels) as one line."""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    words = {"In": "in", "NotIn": "notin"}
    for row in selector.get("matchExpressions") or ():
        if row["operator"] in words:
            terms.append(f"{row['key']} {words[row['operator']]} ({','.join(sorted(row.get('values') or ()))})")
        else:
            terms.append(("!" if row["operator"] == "DoesNotExist" else "") + row["key"])
    return ",".join(sorted(terms))
