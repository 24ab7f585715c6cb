"""Deletion: preconditions, finalizers, grace; the same for clients (`writing.Objects.delete`) and for controllers.

Source: Kubernetes 1.34, staging/src/k8s.io/apiserver, pkg/registry/generic/registry/store.go (Delete,
deletionFinalizersForGarbageCollection) and pkg/registry/rest/delete.go (BeforeDelete). What depends on a deleted
object, and the end of grace, are the controllers' work.
"""

from __future__ import annotations

import copy
from datetime import datetime

from csoc.emulator.kubernetes import errors, moments
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.store import Key, Object, Store

Place = tuple[str, str]
"""Group and resource that an object is kept under."""
FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_POLICIES = ("", "Orphan", "Background", "Foreground")
_NAMESPACES = ("", "namespaces")


def check_preconditions(type_: ResourceType, live: Object, uid: str, version: str) -> None:
    """Raises ApiError Conflict if the object is another one than the client meant."""
    metadata = live["metadata"]
    for what, wanted, found in (
        ("UID", uid, metadata["uid"]),
        ("ResourceVersion", version, metadata["resourceVersion"]),
    ):
        if wanted and wanted != found:
            why = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). "
            why += "The object might have been deleted and then recreated"
            raise errors.conflict(type_.kind, type_.group, metadata["name"], why)


def delete(
    store: Store, key: Key, now: datetime, *, propagation: str = "Background", grace_seconds: int | None = None
) -> Object | None:
    """Asks for a deletion in the name of a controller, and gives the last state; None if the object is not there.

    propagation: Background, Foreground or Orphan. grace_seconds: None for the pod's own; other objects have none.
    """
    while True:
        live = store.get(key)
        if live is None:
            return None
        version = live["metadata"]["resourceVersion"]
        kept = marked((key.group, key.resource), live, now, propagation, grace_seconds)
        try:
            return store.remove(key, expected=version) if kept is None else store.put(key, kept, expected=version)
        except errors.ApiError as error:
            if error.reason == "NotFound":
                return None
            if error.reason != "Conflict":
                raise


def marked(place: Place, live: Object, now: datetime, policy: str, grace: int | None) -> Object | None:
    """The object as it waits for its end; None if nothing keeps it. Raises ApiError Invalid for an unknown policy."""
    if policy not in _POLICIES:
        why = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        causes = [{"field": "propagationPolicy", "message": why, "reason": "FieldValueNotSupported"}]
        raise errors.invalid("DeleteOptions", "meta.k8s.io", "", causes)
    body = copy.deepcopy(live)
    metadata = body["metadata"]
    finalizers = list(metadata.get("finalizers") or ())
    if policy:
        finalizers = [one for one in finalizers if one not in (FOREGROUND, ORPHAN)]
    if policy == "Foreground":
        finalizers.append(FOREGROUND)
    if policy == "Orphan":
        finalizers.append(ORPHAN)
    seconds = _grace(place, live, grace)
    terminating = "deletionTimestamp" in metadata
    if terminating:
        # A later request can only shorten the wait.
        seconds = min(seconds, metadata.get("deletionGracePeriodSeconds", 0))
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    if not finalizers and not _lives_in_spec(place, body) and seconds == 0:
        return None
    if not terminating:
        metadata["generation"] = metadata.get("generation", 0) + 1 if "generation" in metadata else 1
        if place == _NAMESPACES:
            body["status"] = (body.get("status") or {}) | {"phase": "Terminating"}
    if not terminating or seconds != metadata.get("deletionGracePeriodSeconds"):
        metadata["deletionGracePeriodSeconds"] = seconds
        ends = moments.moved(now, seconds)
        metadata["deletionTimestamp"] = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    if not terminating and "generation" not in live["metadata"]:
        metadata.pop("generation", None)
    return body


def is_finished(place: Place, body: Object) -> bool:
    """Whether an object that waits for its end has nothing left that keeps it."""
    metadata = body["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers") or _lives_in_spec(place, body):
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def _lives_in_spec(place: Place, body: Object) -> bool:
    """Namespaces keep their finalizers in the spec."""
    return place == _NAMESPACES and bool((body.get("spec") or {}).get("finalizers"))


def _grace(place: Place, live: Object, asked: int | None) -> int:
    """Only pods have a grace. Source: pkg/registry/core/pod/strategy.go (CheckGracefulDelete)."""
    if place != ("", "pods"):
        return 0
    spec, status = live.get("spec") or {}, live.get("status") or {}
    seconds = asked if asked is not None else spec.get("terminationGracePeriodSeconds", 30)
    if not spec.get("nodeName") or status.get("phase") in ("Failed", "Succeeded"):
        return 0
    return max(int(seconds), 0)
