"""Pods from templates: what ReplicaSets, StatefulSets, DaemonSets and Jobs have in common.

Source: Kubernetes 1.34, pkg/controller/controller_utils.go.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from csoc.emulator.kubernetes import admission
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.objects import (
    deleting,
    is_true,
    name_of,
    namespace_of,
    owned_by,
    owner_reference,
)
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.store import Key, Object


def pods_of(cluster: Cluster, owner: Mapping[str, Any]) -> list[Object]:
    """The pods that an object controls, in the order of their names."""
    uid = str(owner["metadata"].get("uid", "")).encode()
    found = []
    for key, text in cluster.store.texts("", "pods", namespace_of(owner))[0]:
        if uid in text and (pod := cluster.store.get(key)) is not None and owned_by(pod, owner):
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
    """A pod of a template, controlled by the owner. name: "" lets one be made up from the owner's."""
    given = copy.deepcopy(dict(template.get("metadata") or {}))
    metadata: Object = {"namespace": namespace_of(owner), "ownerReferences": [owner_reference(owner)]}
    metadata |= {"name": name} if name else {"generateName": f"{name_of(owner)}-"}
    metadata["labels"] = dict(given.get("labels") or {}) | dict(labels or {})
    for part in ("annotations", "finalizers"):
        if given.get(part):
            metadata[part] = given[part]
    spec = copy.deepcopy(dict(template.get("spec") or {}))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": with_pod_defaults(spec)}


def with_pod_defaults(spec: Object) -> Object:
    """The defaults of a pod's specification that the kubelet and the scheduler rely on.

    Source: pkg/apis/core/v1/defaults.go, plugin/pkg/admission/serviceaccount and defaulttolerationseconds.
    """
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("serviceAccountName", spec.get("serviceAccount", "default"))
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for container in [*spec.get("containers", ()), *spec.get("initContainers", ())]:
        tag = str(container.get("image", "")).rpartition("/")[2].partition("@")[0].partition(":")[2]
        pinned = tag not in ("", "latest") or "@" in str(container.get("image", ""))
        container.setdefault("imagePullPolicy", "IfNotPresent" if pinned else "Always")
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("resources", {})
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(one.get("key") == key for one in tolerations):
            toleration = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            tolerations.append(toleration)
    return spec


def create_pod(cluster: Cluster, owner: Mapping[str, Any], pod: Object, component: str) -> str:
    """Makes the pod and tells so; gives "" or why it was refused. The service account must exist."""
    try:
        admission.service_account(cluster.store, pod)
    except ApiError as error:
        cluster.event(owner, "FailedCreate", f"Error creating: {error.message}", component, warning=True)
        return error.message
    if cluster.settings.admit_pod is not None:
        cluster.settings.admit_pod(pod)
    try:
        made = cluster.create("", "pods", pod)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
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
