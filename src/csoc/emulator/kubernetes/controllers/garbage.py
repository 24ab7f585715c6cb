"""What goes with its owner: dependents deleted in the background or first, or left as orphans.

Source: Kubernetes 1.34, pkg/controller/garbagecollector/garbagecollector.go (attemptToDeleteItem,
processDeletingDependentsItem, orphanDependents).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller
from csoc.emulator.kubernetes.kinds.lookup import owner_key
from csoc.emulator.kubernetes.objects.deleting import FOREGROUND, ORPHAN
from csoc.emulator.kubernetes.store import Key, Object

_NO_OWNERS = frozenset({"events", "endpointslices", "leases", "endpoints"})
"""Resources that own nothing, so that their ends are not looked after."""


def _wakes(cluster: Cluster, change: Change) -> Iterable[Key]:
    """What may have become garbage: everything that names an object that is gone or going, and what names owners and
    is new."""
    if change.key.resource in _NO_OWNERS:
        return ()
    if change.gone:
        gone = change.object["metadata"].get("uid", "")
        owners = [_waiting(cluster, owner, change.key.namespace) for owner in _owners(change.object)]
        return [key for key, _ in _dependents(cluster, gone)] + [key for key in owners if key is not None]
    text = change.object["metadata"]
    if text.get("deletionTimestamp") or (text.get("ownerReferences") and change.type == "ADDED"):
        return (change.key,)
    return ()


def reconcile(cluster: Cluster, key: Key) -> None:
    """One object that may be garbage, or that goes and takes others with it."""
    body = cluster.store.get(key)
    if body is None:
        return
    finalizers = body["metadata"].get("finalizers") or ()
    if body["metadata"].get("deletionTimestamp") and FOREGROUND in finalizers:
        _dependents_first(cluster, key, body)
    elif body["metadata"].get("deletionTimestamp") and ORPHAN in finalizers:
        _orphan(cluster, key, body)
    elif _owners(body):
        _with_its_owners(cluster, key, body)


def _owners(body: Object) -> list[dict[str, Any]]:
    return list(body["metadata"].get("ownerReferences") or ())


def _dependents(cluster: Cluster, uid: str) -> Iterator[tuple[Key, Object]]:
    """Objects that name the uid as an owner's. The text is searched first, since few of thousands do."""
    wanted = uid.encode()
    if not wanted:
        return
    for group, resource in cluster.store.resources():
        if resource in _NO_OWNERS:
            continue
        for key, text in cluster.store.texts(group, resource)[0]:
            if wanted in text:
                body = cluster.store.get(key)
                if body is not None and any(owner.get("uid") == uid for owner in _owners(body)):
                    yield key, body


def _waiting(cluster: Cluster, owner: dict[str, Any], namespace: str) -> Key | None:
    """Where an owner is that waits for its dependents to go; None if it does not."""
    key = owner_key(cluster.store, owner, namespace)
    found = None if key is None else cluster.store.get(key)
    return key if found is not None and FOREGROUND in (found["metadata"].get("finalizers") or ()) else None


def _without(cluster: Cluster, key: Key, body: Object, finalizer: str) -> None:
    left = [one for one in body["metadata"].get("finalizers") or () if one != finalizer]
    body["metadata"].pop("finalizers", None)
    if left:
        body["metadata"]["finalizers"] = left
    cluster.save(key.group, key.resource, body)


def _dependents_first(cluster: Cluster, key: Key, body: Object) -> None:
    uid = body["metadata"]["uid"]
    blocking = False
    for dependent, found in list(_dependents(cluster, uid)):
        blocks = any(one.get("uid") == uid and one.get("blockOwnerDeletion") for one in _owners(found))
        blocking = blocking or blocks
        if not found["metadata"].get("deletionTimestamp"):
            has_own = next(_dependents(cluster, found["metadata"]["uid"]), None) is not None
            cluster.delete(dependent, "Foreground" if has_own else "Background")
    if not blocking or not any(
        owner.get("uid") == uid and owner.get("blockOwnerDeletion")
        for _, found in _dependents(cluster, uid)
        for owner in _owners(found)
    ):
        fresh = cluster.store.get(key)
        if fresh is not None:
            _without(cluster, key, fresh, FOREGROUND)


def _orphan(cluster: Cluster, key: Key, body: Object) -> None:
    uid = body["metadata"]["uid"]
    for dependent, found in list(_dependents(cluster, uid)):
        _drop_owners(cluster, dependent, found, {uid})
    _without(cluster, key, body, ORPHAN)


def _drop_owners(cluster: Cluster, key: Key, body: Object, uids: set[str]) -> None:
    left = [owner for owner in _owners(body) if owner.get("uid") not in uids]
    body["metadata"].pop("ownerReferences", None)
    if left:
        body["metadata"]["ownerReferences"] = left
    cluster.save(key.group, key.resource, body)


def _with_its_owners(cluster: Cluster, key: Key, body: Object) -> None:
    """Garbage if every owner is gone; with one left, the names of the gone ones are taken off."""
    gone: set[str] = set()
    for owner in _owners(body):
        place = owner_key(cluster.store, owner, key.namespace)
        found = None if place is None else cluster.store.get(place)
        if found is None or found["metadata"].get("uid") != owner.get("uid"):
            gone.add(str(owner.get("uid")))
    if not gone:
        return
    if len(gone) == len({owner.get("uid") for owner in _owners(body)}):
        if not body["metadata"].get("deletionTimestamp"):
            cluster.delete(key)
    else:
        _drop_owners(cluster, key, body, gone)


CONTROLLER = Controller("garbage", reconcile, {}, every=_wakes)
