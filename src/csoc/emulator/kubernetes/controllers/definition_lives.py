"""CustomResourceDefinitions: names accepted, established; with their objects removed before they go.

Source: Kubernetes 1.34, staging/src/k8s.io/apiextensions-apiserver/pkg/controller/{status,establish,finalizer}.
"""

from __future__ import annotations

from collections.abc import Iterable

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, itself
from csoc.emulator.kubernetes.objects.definition_rules import CLEANUP
from csoc.emulator.kubernetes.objects.parts import deleting, name_of, uid_of, with_condition
from csoc.emulator.kubernetes.store import Key, Object

_GROUP, _RESOURCE = "apiextensions.k8s.io", "customresourcedefinitions"


def reconcile(cluster: Cluster, key: Key) -> None:
    """One definition."""
    body = cluster.store.get(key)
    if body is None:
        return
    if deleting(body):
        _empty(cluster, key, body)
        return
    names, spec = body["spec"]["names"], body["spec"]
    status = dict(body.get("status") or {})
    now = cluster.stamp()
    taken = _taken(cluster, body)
    conditions = status.get("conditions") or []
    if taken:
        conditions = with_condition(conditions, "NamesAccepted", False, "ListKindConflict", taken, now)
        conditions = with_condition(conditions, "Established", False, "NotAccepted", "not all names are accepted", now)
    else:
        text = "no conflicts found"
        conditions = with_condition(conditions, "NamesAccepted", True, "NoConflicts", text, now)
        text = "the initial names have been accepted"
        conditions = with_condition(conditions, "Established", True, "InitialNamesAccepted", text, now)
    accepted = dict(names)
    accepted.setdefault("singular", str(names["kind"]).lower())
    accepted.setdefault("listKind", f"{names['kind']}List")
    stored = [one["name"] for one in spec.get("versions") or () if one.get("storage")]
    kept = [*(status.get("storedVersions") or [])]
    status |= {"conditions": conditions, "acceptedNames": accepted}
    status["storedVersions"] = kept + [one for one in stored if one not in kept]
    cluster.save_status(_GROUP, _RESOURCE, body, status)


def _taken(cluster: Cluster, body: Object) -> str:
    for other in cluster.list(_GROUP, _RESOURCE):
        same = other["spec"]["group"] == body["spec"]["group"] and uid_of(other) < uid_of(body)
        if same and other["spec"]["names"]["kind"] == body["spec"]["names"]["kind"] and name_of(other) != name_of(body):
            return f'"{body["spec"]["names"]["kind"]}" is already in use'
    return ""


def _empty(cluster: Cluster, key: Key, body: Object) -> None:
    """Deletes its objects, then lets it go."""
    group, plural = body["spec"]["group"], body["spec"]["names"]["plural"]
    for found, _ in cluster.store.texts(group, plural)[0]:
        cluster.delete(found)
    if cluster.store.texts(group, plural)[0]:
        return  # the end of the last one wakes this again
    fresh = cluster.store.get(key)
    if fresh is None:
        return
    left = [one for one in fresh["metadata"].get("finalizers") or () if one != CLEANUP]
    if left != (fresh["metadata"].get("finalizers") or []):
        fresh["metadata"]["finalizers"] = left
        cluster.save(_GROUP, _RESOURCE, fresh)


def _emptied(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    """An object of a definition went: perhaps it was the last."""
    if change.gone and "." in change.key.group:
        return (Key(_GROUP, _RESOURCE, "", f"{change.key.resource}.{change.key.group}"),)
    return ()


CONTROLLER = Controller("definitions", reconcile, {(_GROUP, _RESOURCE): itself}, every=_emptied)
