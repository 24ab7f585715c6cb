"""Deployments: a ReplicaSet for each template, scaled so that enough pods serve while the new ones come.

Source: Kubernetes 1.34, pkg/controller/deployment/{deployment_controller,rolling,recreate,sync,progress}.go and
util/deployment_util.go. Seconds of `progressDeadlineSeconds` are counted from the last progress by the timeline.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, its_controller, itself
from csoc.emulator.kubernetes.controllers.replicas import pods_of
from csoc.emulator.kubernetes.kinds.defaults import pod_spec
from csoc.emulator.kubernetes.objects.parts import (
    condition,
    deleting,
    digest,
    key_of,
    name_of,
    namespace_of,
    owned_by,
    owner_reference,
    scaled,
    uid_of,
    with_condition,
    without_condition,
)
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "deployment-controller"
_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_WANTED = "deployment.kubernetes.io/desired-replicas"
_MOST = "deployment.kubernetes.io/max-replicas"


def reconcile(cluster: Cluster, key: Key) -> None:
    """One Deployment: its ReplicaSets, one step nearer to where they should be, and its status."""
    body = cluster.store.get(key)
    if body is None:
        return
    sets = _sets(cluster, body)
    if deleting(body):
        _tell(cluster, body, sets)
        return
    if body["spec"].get("paused"):
        _scale_all(cluster, body, sets)
        _tell(cluster, body, _sets(cluster, body))
        return
    new, sets = _newest(cluster, body, sets)
    old = [one for one in sets if uid_of(one) != uid_of(new)]
    if (body["spec"].get("strategy") or {}).get("type") == "Recreate":
        _recreate(cluster, body, new, old)
    else:
        _roll(cluster, body, new, old)
    fresh = cluster.store.get(key)
    if fresh is not None:
        sets = _sets(cluster, fresh)
        _forget_old(cluster, fresh, sets, new)
        _tell(cluster, fresh, sets)


def wanted(body: Mapping[str, object]) -> int:
    """spec.replicas with its default."""
    spec = body["spec"]
    assert isinstance(spec, Mapping)  # noqa: S101 - the API server checked it
    return int(spec.get("replicas", 1))


def limits(body: Object) -> tuple[int, int]:
    """(maxUnavailable, maxSurge) as numbers of pods; not both 0 (ResolveFenceposts)."""
    strategy = body["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", "25%"), wanted(body), up=True)
    unavailable = scaled(rolling.get("maxUnavailable", "25%"), wanted(body), up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return min(unavailable, wanted(body)), surge


def _sets(cluster: Cluster, body: Object) -> list[Object]:
    found = [one for one in cluster.list("apps", "replicasets", namespace_of(body)) if owned_by(one, body)]
    return sorted(found, key=lambda one: (_revision(one), name_of(one)))


def _revision(replicaset: Object) -> int:
    return int((replicaset["metadata"].get("annotations") or {}).get(_REVISION, 0))


def _template_of(body: Object) -> Object:
    """The template as it is compared: with defaults, without the hash."""
    template = copy.deepcopy(body["spec"].get("template") or {})
    metadata = template.setdefault("metadata", {}) or {}
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != _HASH}
    kept = {"labels": labels, "annotations": metadata.get("annotations") or {}}
    spec = template.get("spec") or {}
    pod_spec(spec)
    return {"metadata": kept, "spec": spec}


def _newest(cluster: Cluster, body: Object, sets: list[Object]) -> tuple[Object, list[Object]]:
    """The ReplicaSet of the current template, made if it is not there."""
    template = _template_of(body)
    revision = max((_revision(one) for one in sets), default=0)
    found = next((one for one in sets if _template_of(one) == template), None)
    if found is not None:
        others = max((_revision(one) for one in sets if one is not found), default=0)
        number = _revision(found) if _revision(found) > others else others + 1
        _annotate(cluster, found, body, number)
    else:
        number = revision + 1
        found = _make(cluster, body, template, number)
        sets = [*sets, found]
    fresh = cluster.store.get(key_of("apps", "deployments", body))
    if fresh is not None and (fresh["metadata"].get("annotations") or {}).get(_REVISION) != str(number):
        fresh["metadata"]["annotations"] = (fresh["metadata"].get("annotations") or {}) | {_REVISION: str(number)}
        cluster.save("apps", "deployments", fresh)
    return found, [found if uid_of(one) == uid_of(found) else one for one in sets]


def _annotate(cluster: Cluster, replicaset: Object, body: Object, number: int) -> None:
    before = dict(replicaset["metadata"].get("annotations") or {})
    after = before | _annotations(body, number)
    if before != after:
        replicaset["metadata"]["annotations"] = after
        replicaset["metadata"]["resourceVersion"] = cluster.save("apps", "replicasets", replicaset)["metadata"][
            "resourceVersion"
        ]


def _annotations(body: Object, number: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in (body["metadata"].get("annotations") or {}).items()
        if name not in (_REVISION, "kubectl.kubernetes.io/last-applied-configuration", _WANTED, _MOST)
        and not name.startswith("argocd.argoproj.io/")
    }
    most = wanted(body) + limits(body)[1]
    return kept | {_REVISION: str(number), _WANTED: str(wanted(body)), _MOST: str(most)}


def _make(cluster: Cluster, body: Object, template: Object, number: int) -> Object:
    name = digest(template)
    labels = template["metadata"]["labels"] | {_HASH: name}
    selector = copy.deepcopy(body["spec"].get("selector") or {})
    selector["matchLabels"] = (selector.get("matchLabels") or {}) | {_HASH: name}
    replicas = _new_replicas(body, 0, sum(int(one["spec"].get("replicas", 0)) for one in _sets(cluster, body)))
    made: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(body)[:240]}-{name}",
            "namespace": namespace_of(body),
            "labels": labels,
            "annotations": _annotations(body, number),
            "ownerReferences": [owner_reference(body)],
        },
        "spec": {
            "replicas": replicas,
            "selector": selector,
            "template": {
                "metadata": {"labels": labels, **_kept_annotations(template)},
                "spec": copy.deepcopy(template["spec"]),
            },
        },
        "status": {"replicas": 0},
    }
    made = cluster.create("apps", "replicasets", made)
    if replicas:
        _told_scaling(cluster, body, made, 0, replicas)
    return made


def _kept_annotations(template: Object) -> Object:
    found = template["metadata"].get("annotations")
    return {"annotations": found} if found else {}


def _new_replicas(body: Object, current: int, total: int) -> int:
    """How many pods the new ReplicaSet may have now (NewRSNewReplicas)."""
    if (body["spec"].get("strategy") or {}).get("type") == "Recreate":
        return wanted(body) if total == current else current
    most = wanted(body) + limits(body)[1]
    if total >= most:
        return current
    return current + min(most - total, max(wanted(body) - current, 0))


def _set_replicas(cluster: Cluster, body: Object, replicaset: Object, number: int) -> None:
    before = int(replicaset["spec"].get("replicas", 0))
    if before == number:
        return
    was = {"spec": dict(replicaset["spec"])}
    replicaset["spec"] = replicaset["spec"] | {"replicas": number}
    saved = cluster.save("apps", "replicasets", replicaset, of=was)
    replicaset["metadata"] = saved["metadata"]
    _told_scaling(cluster, body, replicaset, before, number)


def _told_scaling(cluster: Cluster, body: Object, replicaset: Object, before: int, number: int) -> None:
    way = "up" if number > before else "down"
    message = f"Scaled {way} replica set {name_of(replicaset)} from {before} to {number}"
    cluster.event(body, "ScalingReplicaSet", message, _COMPONENT)


def _replicas(replicaset: Object) -> int:
    return int(replicaset["spec"].get("replicas", 0))


def _available(replicaset: Object) -> int:
    return int((replicaset.get("status") or {}).get("availableReplicas", 0))


def _roll(cluster: Cluster, body: Object, new: Object, old: Sequence[Object]) -> None:
    """One step of a rolling update: the new one up as far as the surge allows, then the old ones down as far as enough
    pods are available."""
    total = _replicas(new) + sum(map(_replicas, old))
    if _replicas(new) > wanted(body):
        _set_replicas(cluster, body, new, wanted(body))
    elif _replicas(new) < wanted(body):
        number = _new_replicas(body, _replicas(new), total)
        if number != _replicas(new):
            _set_replicas(cluster, body, new, number)
            return
    if not any(map(_replicas, old)):
        return
    least = wanted(body) - limits(body)[0]
    unavailable_new = _replicas(new) - _available(new)
    may_go = total - least - unavailable_new
    for one in old:  # those that serve nobody go first (cleanupUnhealthyReplicas)
        unhealthy = min(max(may_go, 0), _replicas(one) - _available(one))
        if unhealthy > 0:
            _set_replicas(cluster, body, one, _replicas(one) - unhealthy)
            may_go -= unhealthy
    surplus = sum(map(_available, [new, *old])) - least
    for one in old:
        going = min(max(surplus, 0), _replicas(one), max(may_go, 0))
        if going > 0:
            _set_replicas(cluster, body, one, _replicas(one) - going)
            surplus, may_go = surplus - going, may_go - going


def _recreate(cluster: Cluster, body: Object, new: Object, old: Sequence[Object]) -> None:
    for one in old:
        _set_replicas(cluster, body, one, 0)
    if any(pods_of(cluster, one) for one in old):
        return
    _set_replicas(cluster, body, new, wanted(body))


def _scale_all(cluster: Cluster, body: Object, sets: Sequence[Object]) -> None:
    """A paused Deployment still follows its number of replicas, on the ReplicaSet that is active."""
    running = [one for one in sets if _replicas(one)]
    if len(running) == 1:
        _set_replicas(cluster, body, running[0], wanted(body))


def _forget_old(cluster: Cluster, body: Object, sets: Sequence[Object], new: Object) -> None:
    limit = int(body["spec"].get("revisionHistoryLimit", 10))
    idle = [
        one
        for one in sets
        if uid_of(one) != uid_of(new)
        and not _replicas(one)
        and not (one.get("status") or {}).get("replicas")
        and not deleting(one)
    ]
    if not _complete(body, sets, new):
        return
    for one in idle[: max(len(idle) - limit, 0)]:
        cluster.delete(key_of("apps", "replicasets", one))


def _complete(body: Object, sets: Sequence[Object], new: Object) -> bool:
    current = next((one for one in sets if uid_of(one) == uid_of(new)), new)
    total = sum(int((one.get("status") or {}).get("replicas", 0)) for one in sets)
    updated = int((current.get("status") or {}).get("replicas", 0))
    return updated == wanted(body) == total and _available(current) == wanted(body)


def _tell(cluster: Cluster, body: Object, sets: list[Object]) -> None:
    template = _template_of(body)
    new = next((one for one in sets if _template_of(one) == template), None)

    def count(field: str, among: Sequence[Object]) -> int:
        return sum(int((one.get("status") or {}).get(field, 0)) for one in among)

    updated = [new] if new is not None else []
    status: Object = {
        "observedGeneration": body["metadata"].get("generation", 1),
        "replicas": count("replicas", sets),
        "updatedReplicas": count("replicas", updated),
        "readyReplicas": count("readyReplicas", sets),
        "availableReplicas": count("availableReplicas", sets),
        "unavailableReplicas": max(sum(map(_replicas, sets)) - count("availableReplicas", sets), 0),
    }
    old = body.get("status") or {}
    conditions = _conditions(cluster, body, sets, new, status)
    status = {name: value for name, value in status.items() if value}
    status["conditions"] = conditions
    if old.get("collisionCount"):
        status["collisionCount"] = old["collisionCount"]
    cluster.save_status("apps", "deployments", body, status)


def _conditions(
    cluster: Cluster, body: Object, sets: Sequence[Object], new: Object | None, status: Object
) -> list[Object]:
    now = cluster.stamp()
    found = list((body.get("status") or {}).get("conditions") or [])
    enough = status["availableReplicas"] >= wanted(body) - limits(body)[0]
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    text = f"Deployment {'has' if enough else 'does not have'} minimum availability."
    found = with_condition(found, "Available", enough, reason, text, now, updated=True)
    failures = [condition(one, "ReplicaFailure") for one in sets if condition(one, "ReplicaFailure")]
    if failures:
        why = failures[0]
        found = with_condition(
            found, "ReplicaFailure", True, str(why["reason"]), str(why["message"]), now, updated=True
        )
    else:
        found = without_condition(found, "ReplicaFailure")
    return _progress(cluster, body, sets, new, status, found)


def _progress(
    cluster: Cluster,
    body: Object,
    sets: Sequence[Object],
    new: Object | None,
    status: Object,
    found: list[Object],
) -> list[Object]:
    """The condition Progressing, with the deadline that runs from the last progress."""
    now = cluster.stamp()
    deadline = ("deadline", uid_of(body))
    before = condition(body, "Progressing")
    if body["spec"].get("paused"):
        cluster.cancel(deadline)
        return with_condition(
            found, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now, updated=True
        )
    if new is not None and _complete(body, sets, new):
        cluster.cancel(deadline)
        text = f'ReplicaSet "{name_of(new)}" has successfully progressed.'
        return with_condition(found, "Progressing", True, "NewReplicaSetAvailable", text, now, updated=True)
    was = body.get("status") or {}
    moved = (
        status["updatedReplicas"] > was.get("updatedReplicas", 0)
        or status["replicas"] - status["updatedReplicas"] < was.get("replicas", 0) - was.get("updatedReplicas", 0)
        or status["readyReplicas"] > was.get("readyReplicas", 0)
        or status["availableReplicas"] > was.get("availableReplicas", 0)
    )
    of = name_of(new) if new is not None else name_of(body)
    started = was.get("observedGeneration") != status["observedGeneration"] and not _exceeded_for(before, of)
    if moved or started or not before:
        cluster.cancel(deadline)
        reason = "ReplicaSetUpdated" if moved or before else "NewReplicaSetCreated"
        verb = "is progressing." if moved or before else None
        text = f'ReplicaSet "{of}" {verb}' if verb else f'Created new replica set "{of}"'
        found = with_condition(found, "Progressing", True, reason, text, now, updated=True)
        _wait(cluster, body, deadline, of)
    elif before.get("reason") != "ProgressDeadlineExceeded" and not cluster.waits(deadline):
        _wait(cluster, body, deadline, of)
    return found


def _exceeded_for(before: Mapping[str, object], name: str) -> bool:
    return before.get("reason") == "ProgressDeadlineExceeded" and f'"{name}"' in str(before.get("message"))


def _wait(cluster: Cluster, body: Object, name: tuple[str, str], of: str) -> None:
    seconds = float(body["spec"].get("progressDeadlineSeconds", 600))
    key = key_of("apps", "deployments", body)
    cluster.deadline(name, seconds, lambda: _exceeded(cluster, key, name[1], of))


def _exceeded(cluster: Cluster, key: Key, uid: str, of: str) -> None:
    body = cluster.store.get(key)
    if body is None or uid_of(body) != uid:
        return
    status = dict(body.get("status") or {})
    text = f'ReplicaSet "{of}" has timed out progressing.'
    status["conditions"] = with_condition(
        status.get("conditions") or [],
        "Progressing",
        False,
        "ProgressDeadlineExceeded",
        text,
        cluster.stamp(),
        updated=True,
    )
    cluster.save_status("apps", "deployments", body, status)


def _recreated(cluster: Cluster, change: Change) -> Iterable[Key]:
    """The last pod of an old ReplicaSet is gone: a Deployment that recreates has waited for that."""
    if not change.gone:
        return ()
    sets = its_controller("apps", "replicasets", "ReplicaSet")(cluster, change)
    found = [cluster.store.get(key) for key in sets]
    owners = [(one["metadata"].get("ownerReferences") or [{}])[0].get("name", "") for one in found if one is not None]
    return [Key("apps", "deployments", change.key.namespace, name) for name in owners if name]


CONTROLLER = Controller(
    "deployments",
    reconcile,
    {
        ("apps", "deployments"): itself,
        ("apps", "replicasets"): its_controller("apps", "deployments", "Deployment"),
        ("", "pods"): _recreated,
    },
)
