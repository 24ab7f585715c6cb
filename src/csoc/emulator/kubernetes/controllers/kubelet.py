"""The kubelet of all nodes: pods that have a node run, become ready, end, and go.

The state of a pod is in its status alone. What happens next to it follows from that state, so nothing is lost when it
is looked at twice, or after the process was started anew; only counters of back-off are kept in memory, as
the real one's. With `Settings.as_kwok` pods run and are ready at once, as under kwok 0.7 (kustomize/stage/pod/fast).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from csoc.emulator.kubernetes.controllers.causes import Cause, Kind
from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller
from csoc.emulator.kubernetes.controllers.container_lives import (
    CONFIG_ERROR,
    CREATING,
    Place,
    Step,
    end,
    next_step,
    waiting,
)
from csoc.emulator.kubernetes.controllers.podstatus import initialised, is_sidecar, refresh, state_of, statuses
from csoc.emulator.kubernetes.controllers.references import failed_mounts, unbound_claims
from csoc.emulator.kubernetes.controllers.services import address
from csoc.emulator.kubernetes.kinds.lookup import owners
from csoc.emulator.kubernetes.objects.parts import controller_of, deleting, name_of, namespace_of, uid_of
from csoc.emulator.kubernetes.store import Key, Object
from csoc.emulator.timeline import Action

_MOUNT_SECONDS, _MOUNT_MOST = 2.0, 122.0


def _itself(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    return () if change.gone else (change.key,)


def _waiting(cluster: Cluster, change: Change) -> Iterable[Key]:
    """Something that pods of the namespace may wait for came or changed."""
    if change.gone:
        return ()
    marks = [f'"{reason}"'.encode() for reason in (CONFIG_ERROR, *CREATING)]
    texts = cluster.store.texts("", "pods", change.key.namespace)[0]
    return [key for key, text in texts if any(mark in text for mark in marks)]


def reconcile(cluster: Cluster, key: Key) -> None:
    """One pod: lets what comes next come when its time is there."""
    pod = cluster.store.get(key)
    if pod is None or not pod["spec"].get("nodeName"):
        return
    uid = uid_of(pod)
    if deleting(pod):
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 0))
        seconds = min(grace, cluster.settings.timing.stopping)
        if grace:
            cluster.later((uid, "stop"), seconds, lambda: _stop(cluster, key, uid))
        return
    if not (pod.get("status") or {}).get("startTime"):
        _admit(cluster, key, pod)
        return
    if pod["status"].get("phase") in ("Succeeded", "Failed"):
        return
    if cluster.settings.as_kwok:
        _as_kwok(cluster, key, pod)
        return
    _evict_later(cluster, key, pod)
    if _mounted(cluster, key, pod):
        for place, step in _steps(cluster, pod):
            init, container = place.init, place.name
            cluster.later(step.name, step.seconds, _taking(cluster, key, uid, init, container, step.name))


def _taking(cluster: Cluster, key: Key, uid: str, init: bool, container: str, name: Hashable) -> Action:
    return lambda: _take(cluster, key, uid, init, container, name)


def _places(cluster: Cluster, pod: Object) -> Iterator[Place]:
    names = tuple(owners(cluster.store, pod))
    for container in pod["spec"].get("initContainers") or ():
        yield Place(cluster, pod, container, names, init=True)
    for container in pod["spec"].get("containers") or ():
        yield Place(cluster, pod, container, names, init=False)


def _status(place: Place) -> Object | None:
    found = statuses(place.pod, init=place.init)
    return next((status for status in found if status["name"] == place.name), None)


def _steps(cluster: Cluster, pod: Object) -> Iterator[tuple[Place, Step]]:
    """What comes next for each container that may run now: init containers one after the other, then all others."""
    ready_for_main = initialised(pod)
    for place in _places(cluster, pod):
        status = _status(place)
        if status is None or (not place.init and not ready_for_main):
            continue
        step = next_step(place, status)
        if step is not None:
            yield place, step
        if place.init and not _passed(place, status):
            return


def _passed(place: Place, status: Object) -> bool:
    if is_sidecar(place.spec):
        return bool(status.get("started"))
    return state_of(status) == "terminated" and status["state"]["terminated"].get("exitCode") == 0


def _take(cluster: Cluster, key: Key, uid: str, init: bool, container: str, name: Hashable) -> None:
    """Takes a step whose time has come, if it is still the next one."""
    pod = cluster.store.get(key)
    if pod is None or uid_of(pod) != uid or deleting(pod) or pod["status"].get("phase") in ("Succeeded", "Failed"):
        return
    for place, step in _steps(cluster, pod):
        if (place.init, place.name, step.name) == (init, container, name):
            status = _status(place)
            assert status is not None  # noqa: S101 - steps are of containers with a status
            step.apply(pod, status)
            refresh(pod, cluster.stamp())
            cluster.save("", "pods", pod)
            cluster.wake("kubelet", key)
            return


def _host_address(cluster: Cluster, node: str) -> str:
    """The address that the node itself tells; nodes that somebody wrote by hand may tell none."""
    found = cluster.store.get(Key("", "nodes", "", node)) or {}
    told = (found.get("status") or {}).get("addresses") or ()
    inside = (str(one.get("address", "")) for one in told if one.get("type") == "InternalIP")
    return next(inside, "") or address(cluster, "node", node)


def _admit(cluster: Cluster, key: Key, pod: Object) -> None:
    spec, status = pod["spec"], dict(pod.get("status") or {})
    status["startTime"] = cluster.stamp()
    status["hostIP"] = _host_address(cluster, str(spec["nodeName"]))
    status["podIP"] = status["hostIP"] if spec.get("hostNetwork") else address(cluster, "pod", uid_of(pod))
    status["hostIPs"], status["podIPs"] = [{"ip": status["hostIP"]}], [{"ip": status["podIP"]}]
    first = spec.get("initContainers") or []
    if first:
        status["initContainerStatuses"] = [waiting(one, "PodInitializing") for one in first]
    reason = "PodInitializing" if first else "ContainerCreating"
    status["containerStatuses"] = [waiting(one, reason) for one in spec.get("containers") or ()]
    pod["status"] = status
    refresh(pod, cluster.stamp())
    cluster.save("", "pods", pod)
    cluster.wake("kubelet", key)


def _mounted(cluster: Cluster, key: Key, pod: Object) -> bool:
    """Whether all volumes are there, as far as that matters before the first container starts."""
    if any(state_of(one) != "waiting" or one.get("lastState") for one in [*statuses(pod), *statuses(pod, init=True)]):
        return True
    failed = list(failed_mounts(cluster, pod))
    remembered = (uid_of(pod), "mounts")
    if not failed:
        cluster.memory.pop(remembered, None)
        cluster.cancel((uid_of(pod), "mount"))
        return not unbound_claims(cluster, pod)
    if cluster.waits((uid_of(pod), "mount")):
        return False
    tries = cluster.memory.get(remembered, 0)
    cluster.memory[remembered] = tries + 1
    for volume, why in failed:
        text = f'MountVolume.SetUp failed for volume "{volume}" : {why}'
        cluster.event(pod, "FailedMount", text, "kubelet", warning=True)
    seconds = min(_MOUNT_SECONDS * 2**tries, _MOUNT_MOST)
    cluster.later((uid_of(pod), "mount"), seconds, lambda: cluster.wake("kubelet", key))
    return False


def _evict_later(cluster: Cluster, key: Key, pod: Object) -> None:
    names = owners(cluster.store, pod)

    def found() -> Cause | None:
        return cluster.settings.causes.of(cluster.name, namespace_of(pod), names, "", (Kind.EVICTED,))

    cause = found()
    if cause is None:
        return
    uid, text = uid_of(pod), cause.message or "The node was low on resource: memory."

    def evict() -> None:
        fresh = cluster.store.get(key)
        if fresh is None or uid_of(fresh) != uid or deleting(fresh) or found() != cause:
            return
        for place in _places(cluster, fresh):
            status = _status(place)
            if status is not None and state_of(status) == "running":
                end(place, status, 137, "Error")
                status["ready"] = False
        fresh["status"] |= {"phase": "Failed", "reason": "Evicted", "message": text}
        cluster.event(fresh, "Evicted", text, "kubelet", warning=True)
        refresh(fresh, cluster.stamp())
        cluster.save("", "pods", fresh)

    cluster.later((uid, "evict"), cause.after_seconds, evict)


def _stop(cluster: Cluster, key: Key, uid: str) -> None:
    """The grace is over, or nothing runs any more: the pod goes, unless a finalizer holds it."""
    pod = cluster.store.get(key)
    if pod is None or uid_of(pod) != uid:
        return
    for place in _places(cluster, pod):
        status = _status(place)
        if status is not None and state_of(status) == "running":
            place.event("Killing", f"Stopping container {place.name}")
            end(place, status, 0 if not place.restarts else 143, "Completed" if not place.restarts else "Error")
            status["ready"] = False
    if pod.get("status"):
        refresh(pod, cluster.stamp())
    pod["metadata"]["deletionGracePeriodSeconds"] = 0
    cluster.save("", "pods", pod)


def _as_kwok(cluster: Cluster, key: Key, pod: Object) -> None:
    now, uid = cluster.stamp(), uid_of(pod)
    running = {"running": {"startedAt": now}}
    for status in [*statuses(pod), *statuses(pod, init=True)]:
        if state_of(status) == "waiting":
            status |= {"state": running, "ready": True, "started": True}
    for status in statuses(pod, init=True):
        status["state"] = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
        status["started"] = status["started"] and any(
            is_sidecar(one) for one in pod["spec"]["initContainers"] if one["name"] == status["name"]
        )
    before = cluster.store.get(key)
    if before is not None and statuses(before) != statuses(pod):
        refresh(pod, now)
        cluster.save("", "pods", pod)
    owner = controller_of(pod)
    if owner is not None and owner.get("kind") == "Job":
        cluster.later((uid, "complete"), cluster.settings.timing.job, lambda: _complete(cluster, key, uid))


def _complete(cluster: Cluster, key: Key, uid: str) -> None:
    pod = cluster.store.get(key)
    if pod is None or uid_of(pod) != uid or deleting(pod):
        return
    for place in _places(cluster, pod):
        status = _status(place)
        if status is not None and state_of(status) == "running":
            end(place, status, 0, "Completed")
    pod["status"]["phase"] = "Succeeded"
    refresh(pod, cluster.stamp())
    cluster.save("", "pods", pod)


def reconsider(cluster: Cluster) -> None:
    """Looks at every pod again, after the rules of what goes wrong have changed."""
    for pod in cluster.list("", "pods"):
        cluster.wake("kubelet", Key("", "pods", namespace_of(pod), name_of(pod)))


CONTROLLER = Controller(
    "kubelet",
    reconcile,
    {
        ("", "pods"): _itself,
        ("", "secrets"): _waiting,
        ("", "configmaps"): _waiting,
        ("", "persistentvolumeclaims"): _waiting,
    },
)
