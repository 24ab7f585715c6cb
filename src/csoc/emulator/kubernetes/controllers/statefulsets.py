"""StatefulSets: pods with names of their own, in order, each with its claims.

Source: Kubernetes 1.34, pkg/controller/statefulset/{stateful_set_control,stateful_set_utils}.go.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence

from csoc.emulator.kubernetes.controllers.cluster import Cluster, Controller, its_controller, itself
from csoc.emulator.kubernetes.controllers.replicas import create_pod, delete_pod, pod_from, pods_of, ready
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects.allocation import CLAIM_PROTECTION
from csoc.emulator.kubernetes.objects.parts import (
    deleting,
    digest,
    labels_of,
    name_of,
    namespace_of,
    owned_by,
    owner_reference,
)
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "statefulset-controller"
_REVISION = "controller-revision-hash"
_ORDINAL = re.compile(r"-(\d+)$")


def reconcile(cluster: Cluster, key: Key) -> None:
    """One StatefulSet, one step nearer: pods come in order, go in reverse order, and are renewed from the last."""
    body = cluster.store.get(key)
    if body is None:
        return
    revision = f"{name_of(body)}-{digest(_template(body))}"
    if not deleting(body):
        _keep_revision(cluster, body, revision)
        _step(cluster, body, revision)
    _tell(cluster, key, revision)


def _template(body: Object) -> Object:
    found: Object = body["spec"].get("template") or {}
    return found


def ordinal(pod: Object) -> int:
    """The number at the end of the pod's name; -1 if it has none."""
    found = _ORDINAL.search(name_of(pod))
    return int(found.group(1)) if found else -1


def _pods(cluster: Cluster, body: Object) -> list[Object]:
    return sorted(pods_of(cluster, body), key=ordinal)


def _wanted(body: Object) -> int:
    return int(body["spec"].get("replicas", 1))


def _first(body: Object) -> int:
    return int((body["spec"].get("ordinals") or {}).get("start", 0))


def _step(cluster: Cluster, body: Object, revision: str) -> None:
    pods = {ordinal(pod): pod for pod in _pods(cluster, body)}
    numbers = range(_first(body), _first(body) + _wanted(body))
    parallel = body["spec"].get("podManagementPolicy") == "Parallel"
    if _filled(cluster, body, pods, numbers, revision) or parallel:
        too_many = [pods[number] for number in sorted(pods, reverse=True) if number not in numbers]
        for pod in too_many if parallel else too_many[:1]:
            if not deleting(pod):
                delete_pod(cluster, body, pod, _COMPONENT)
        if not too_many:
            _renew(cluster, body, pods, revision)


def _filled(cluster: Cluster, body: Object, pods: dict[int, Object], numbers: range, revision: str) -> bool:
    """Makes what is missing, in order unless all may come at once. Gives whether nothing is on its way any more."""
    parallel = body["spec"].get("podManagementPolicy") == "Parallel"
    done = True
    for number in numbers:
        pod = pods.get(number)
        if pod is None:
            _create(cluster, body, number, _revision_for(body, number, revision))
            done = False
        elif (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
            if not deleting(pod):
                delete_pod(cluster, body, pod, _COMPONENT)
            done = False
        elif deleting(pod) or (not ready(pod) and not _to_be_renewed(body, pod, number, revision)):
            done = False
        if not done and not parallel:
            return False
    return done


def _partition(body: Object) -> int:
    rolling = (body["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return int(rolling.get("partition", 0))


def _revision_for(body: Object, number: int, revision: str) -> str:
    """Below the partition a new pod is of the revision that was current."""
    current = str((body.get("status") or {}).get("currentRevision") or revision)
    return current if number < _partition(body) else revision


def _to_be_renewed(body: Object, pod: Object, number: int, revision: str) -> bool:
    """Whether a pod that is not ready may be replaced all the same. A rolling update stops at such a pod, unless it is
    the very one that the update would replace; that one never becomes ready by waiting."""
    rolling = (body["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
    return rolling and labels_of(pod).get(_REVISION) != _revision_for(body, number, revision) and not deleting(pod)


def _renew(cluster: Cluster, body: Object, pods: dict[int, Object], revision: str) -> None:
    """The pod with the highest number that is of an old revision goes; the next one only after it is ready again."""
    if (body["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        return
    for number in sorted(pods, reverse=True):
        if number < _partition(body):
            return
        pod = pods[number]
        if labels_of(pod).get(_REVISION) != revision:
            if not deleting(pod):
                delete_pod(cluster, body, pod, _COMPONENT)
            return
        if not ready(pod):
            return


def _create(cluster: Cluster, body: Object, number: int, revision: str) -> None:
    name = f"{name_of(body)}-{number}"
    labels = {
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(number),
        _REVISION: revision,
    }
    pod = pod_from(body, _template_of(cluster, body, revision), name=name, labels=labels)
    pod["spec"]["hostname"] = name
    if body["spec"].get("serviceName"):
        pod["spec"]["subdomain"] = body["spec"]["serviceName"]
    volumes = list(pod["spec"].get("volumes") or [])
    for claim in body["spec"].get("volumeClaimTemplates") or ():
        claimed = f"{name_of(claim)}-{name}"
        _claim(cluster, body, claim, claimed)
        volumes = [one for one in volumes if one.get("name") != name_of(claim)]
        volumes.append({"name": name_of(claim), "persistentVolumeClaim": {"claimName": claimed}})
    if volumes:
        pod["spec"]["volumes"] = volumes
    create_pod(cluster, body, pod, _COMPONENT)


def _claim(cluster: Cluster, body: Object, template: Object, name: str) -> None:
    """A claim outlives its pod; it is made once. It is garbage only where the retention policy says so."""
    claim: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": namespace_of(body),
            "labels": dict(labels_of(template)) | dict((body["spec"].get("selector") or {}).get("matchLabels") or {}),
            "finalizers": [CLAIM_PROTECTION],
        },
        "spec": copy.deepcopy(template.get("spec") or {}),
        "status": {"phase": "Pending"},
    }
    policy = body["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    if policy.get("whenDeleted") == "Delete":
        claim["metadata"]["ownerReferences"] = [owner_reference(body)]
    try:
        cluster.create("", "persistentvolumeclaims", claim)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        return
    message = f"create Claim {name} Pod {name_of(body)}-{name.rsplit('-', 1)[1]} in StatefulSet {name_of(body)} success"
    cluster.event(body, "SuccessfulCreate", message, _COMPONENT)


def _keep_revision(cluster: Cluster, body: Object, revision: str) -> None:
    if cluster.get("apps", "controllerrevisions", namespace_of(body), revision) is not None:
        return
    kept = cluster.list("apps", "controllerrevisions", namespace_of(body))
    own = [one for one in kept if owned_by(one, body)]
    made: Object = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": revision,
            "namespace": namespace_of(body),
            "labels": dict(labels_of({"metadata": _template(body).get("metadata") or {}})),
            "ownerReferences": [owner_reference(body)],
        },
        "data": {"spec": {"template": copy.deepcopy(_template(body))}},
        "revision": len(own) + 1,
    }
    cluster.create("apps", "controllerrevisions", made)


def _template_of(cluster: Cluster, body: Object, revision: str) -> Object:
    kept = cluster.get("apps", "controllerrevisions", namespace_of(body), revision)
    found: Object = _template(body) if kept is None else kept["data"]["spec"]["template"]
    return found


def _tell(cluster: Cluster, key: Key, revision: str) -> None:
    body = cluster.store.get(key)
    if body is None:
        return
    pods = [pod for pod in _pods(cluster, body) if not deleting(pod)]
    before = str((body.get("status") or {}).get("currentRevision") or revision)

    def of(wanted: str) -> int:
        return sum(labels_of(pod).get(_REVISION) == wanted for pod in pods)

    current = revision if _all_new(body, pods, revision) else before
    status: Object = {
        "observedGeneration": body["metadata"].get("generation", 1),
        "replicas": len(pods),
        "readyReplicas": sum(map(ready, pods)),
        "availableReplicas": sum(map(ready, pods)),
        "currentReplicas": of(current),
        "updatedReplicas": of(revision),
        "currentRevision": current,
        "updateRevision": revision,
        "collisionCount": 0,
    }
    for name in ("readyReplicas", "currentReplicas", "updatedReplicas"):
        if not status[name]:
            del status[name]
    cluster.save_status("apps", "statefulsets", body, status)


def _all_new(body: Object, pods: Sequence[Object], revision: str) -> bool:
    return len(pods) == _wanted(body) and all(labels_of(pod).get(_REVISION) == revision and ready(pod) for pod in pods)


CONTROLLER = Controller(
    "statefulsets",
    reconcile,
    {
        ("apps", "statefulsets"): itself,
        ("", "pods"): its_controller("apps", "statefulsets", "StatefulSet"),
    },
)
