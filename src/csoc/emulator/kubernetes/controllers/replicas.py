"""Pods from templates: what ReplicaSets, StatefulSets, DaemonSets and Jobs have in common.

Source: Kubernetes 1.34, pkg/controller/controller_utils.go.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects.parts import deleting, is_true, name_of, namespace_of, owned_by, owner_reference
from csoc.emulator.kubernetes.store import Key, Object


def pods_of(cluster: Cluster, owner: Mapping[str, Any]) -> list[Object]:
    """The pods that an object controls, in the order of their names."""
    uid = str(owner["metadata"].get("uid", "")).encode()
    found = []
    for _, text in cluster.store.texts("", "pods", namespace_of(owner))[0]:
        if uid in text and owned_by(pod := json.loads(text), owner):
            found.append(pod)
    return found


def active(pod: Mapping[str, Any]) -> bool:
    """Neither ended nor about to be deleted."""
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed") and not deleting(pod)


def ready(pod: Mapping[str, Any]) -> bool:
    return is_true(pod, "Ready") and not deleting(pod)


def pod_from(
    owner: Mapping[str, Any], template: Mapping[str, Any], *, name: str = "", labels: Mapping[str, str] | None = None
) -> Object:
    """A pod of a template, controlled by the owner, without what the API server adds to every pod. name: "" lets one
    be made up from the owner's."""
    given = copy.deepcopy(dict(template.get("metadata") or {}))
    metadata: Object = {"namespace": namespace_of(owner), "ownerReferences": [owner_reference(owner)]}
    metadata |= {"name": name} if name else {"generateName": f"{name_of(owner)}-"}
    metadata["labels"] = dict(given.get("labels") or {}) | dict(labels or {})
    for part in ("annotations", "finalizers"):
        if given.get(part):
            metadata[part] = given[part]
    spec = copy.deepcopy(dict(template.get("spec") or {}))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def create_pod(cluster: Cluster, owner: Mapping[str, Any], pod: Object, component: str) -> str:
    """Makes the pod and tells so; gives "" or why the API server refused it, as without the service account."""
    try:
        made = cluster.create_pod(pod)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            cluster.event(owner, "FailedCreate", f"Error creating: {error.message}", component, warning=True)
        return error.message
    cluster.event(owner, "SuccessfulCreate", f"Created pod: {name_of(made)}", component)
    return ""


def delete_pod(cluster: Cluster, owner: Mapping[str, Any], pod: Mapping[str, Any], component: str) -> None:
    """Asks for a pod's deletion and tells so."""
    cluster.delete(Key("", "pods", namespace_of(pod), name_of(pod)))
    cluster.event(owner, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}", component)


def worst_first(pod: Mapping[str, Any]) -> tuple[bool, bool, bool, int, str]:
    """The order in which pods are given up: not scheduled, pending, not ready, restarted more often, younger."""
    status = pod.get("status") or {}
    restarts = sum(int(one.get("restartCount", 0)) for one in status.get("containerStatuses") or ())
    scheduled = bool((pod.get("spec") or {}).get("nodeName"))
    pending = status.get("phase", "Pending") == "Pending"
    return (scheduled, not pending, ready(pod), -restarts, _reversed(pod["metadata"].get("creationTimestamp", "")))


def _reversed(text: str) -> str:
    """Sorts later times first."""
    return "".join(chr(0x10FFF - ord(character)) for character in text)
