"""How objects go: at once, after a grace, when their last finalizer is gone, with or without what they own.

Source: Kubernetes 1.34, staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go (Delete,
deletionFinalizersForGarbageCollection), pkg/registry/core/pod/strategy.go (CheckGracefulDelete).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.store import Key, Object, Store

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


def delete(
    store: Store, key: Key, now: str, *, propagation: str = "Background", grace_seconds: int | None = None
) -> Object | None:
    """Asks for the deletion of an object, and gives its last state; None if it is not there.

    propagation: Background, Foreground or Orphan. grace_seconds: None for the pod's own; other objects have none.
    """
    while True:
        body = store.get(key)
        if body is None:
            return None
        try:
            return _deleted(store, key, body, now, propagation, grace_seconds)
        except ApiError as error:
            if error.reason == "NotFound":
                return None
            if error.reason != "Conflict":
                raise


def _deleted(store: Store, key: Key, body: Object, now: str, propagation: str, grace_seconds: int | None) -> Object:
    metadata = body["metadata"]
    finalizers = [one for one in metadata.get("finalizers") or () if one not in (FOREGROUND, ORPHAN)]
    if propagation in ("Foreground", "Orphan"):
        finalizers.append(FOREGROUND if propagation == "Foreground" else ORPHAN)
    metadata.pop("finalizers", None)
    if finalizers:
        metadata["finalizers"] = finalizers
    grace = grace_of(key, body, grace_seconds)
    already = bool(metadata.get("deletionTimestamp"))
    if not already:
        metadata["deletionTimestamp"] = now
        metadata["generation"] = int(metadata.get("generation", 1)) + 1
    if not already or grace < int(metadata.get("deletionGracePeriodSeconds", 0)):
        metadata["deletionGracePeriodSeconds"] = grace
    if (key.group, key.resource) == ("", "namespaces"):
        body["status"] = (body.get("status") or {}) | {"phase": "Terminating"}
    if finished(body):
        return store.remove(key, expected=metadata["resourceVersion"])
    return store.put(key, body, expected=metadata["resourceVersion"])


def grace_of(key: Key, body: Mapping[str, Any], wanted: int | None = None) -> int:
    """How many seconds a pod is given to end; 0 for everything else, and for pods that run nowhere."""
    if (key.group, key.resource) != ("", "pods"):
        return 0
    spec = body.get("spec") or {}
    phase = (body.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    return int(spec.get("terminationGracePeriodSeconds", 30) if wanted is None else wanted)


def finished(body: Mapping[str, Any]) -> bool:
    """Whether an object that is being deleted may go: no finalizer, and no grace that a kubelet has to end."""
    metadata = body["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if body.get("kind") == "Namespace" and (body.get("spec") or {}).get("finalizers"):
        return False
    return not metadata.get("deletionGracePeriodSeconds")
