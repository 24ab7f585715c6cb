"""Jobs: pods that end, as often as wanted, as often again as allowed.

Source: Kubernetes 1.34, pkg/controller/job/job_controller.go, backoff_utils.go; pkg/controller/ttlafterfinished.
Indexed completions and pod failure policies are left out: such a Job gets a warning event that says so, and its pods
are counted as those of others.
"""

from __future__ import annotations

from csoc.emulator.kubernetes.controllers.cluster import Cluster, Controller, its_controller, itself
from csoc.emulator.kubernetes.controllers.replicas import active, create_pod, delete_pod, pod_from, pods_of, ready
from csoc.emulator.kubernetes.objects.parts import condition, deleting, is_true, key_of, uid_of, with_condition
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "job-controller"


def reconcile(cluster: Cluster, key: Key) -> None:
    """One Job: pods made, counted, and the Job ended if they say so."""
    body = cluster.store.get(key)
    if body is None or deleting(body):
        return
    if is_true(body, "Complete") or is_true(body, "Failed"):
        _remove_later(cluster, body)
        return
    unheard = [name for name in ("podFailurePolicy", "successPolicy") if body["spec"].get(name)]
    if unheard or body["spec"].get("completionMode") == "Indexed":
        what = ", ".join(unheard) or "completionMode Indexed"
        cluster.event(body, "Unsupported", f"{what}: not followed by this simulated cluster", _COMPONENT, warning=True)
    if body["spec"].get("suspend"):
        _suspend(cluster, body)
        return
    _run(cluster, body)


def _counted(pods: list[Object]) -> tuple[list[Object], int, int]:
    """(running pods, how many succeeded, how many failed)."""
    phases = [(pod.get("status") or {}).get("phase") for pod in pods]
    return [pod for pod in pods if active(pod)], phases.count("Succeeded"), phases.count("Failed")


def _restarts(pods: list[Object]) -> int:
    return sum(
        int(one.get("restartCount", 0))
        for pod in pods
        for one in (pod.get("status") or {}).get("containerStatuses") or ()
    )


def _run(cluster: Cluster, body: Object) -> None:
    pods = pods_of(cluster, body)
    running, succeeded, failed = _counted(pods)
    status = dict(body.get("status") or {})
    if not status.get("startTime"):
        status["startTime"] = cluster.stamp()
        _deadline(cluster, body)
    if condition(body, "Suspended"):
        text = "Job resumed"
        status["conditions"] = with_condition(
            status.get("conditions") or [], "Suspended", False, "JobResumed", text, cluster.stamp()
        )
    limit = int(body["spec"].get("backoffLimit", 6))
    wanted = int(body["spec"].get("completions") or body["spec"].get("parallelism") or 1)
    on_failure = _policy(body) == "OnFailure"
    if failed > limit or (on_failure and running and _restarts(running) > limit):
        text = "Job has reached the specified backoff limit"
        _end(cluster, body, status, pods, "Failed", "BackoffLimitExceeded", text)
        return
    if succeeded >= wanted:
        text = "Reached expected number of succeeded pods"
        _end(cluster, body, status, pods, "Complete", "CompletionsReached", text)
        return
    together = min(int(body["spec"].get("parallelism", 1)), wanted - succeeded)
    for _ in range(together - len(running)):
        if failed and not _may_try_again(cluster, body, failed):
            break
        create_pod(cluster, body, _pod(body), _COMPONENT)
    for pod in running[max(together, 0) :]:
        delete_pod(cluster, body, pod, _COMPONENT)
    running = [pod for pod in pods_of(cluster, body) if active(pod)]
    _save(cluster, body, status, running, succeeded, failed)


def _policy(body: Object) -> str:
    spec = (body["spec"].get("template") or {}).get("spec") or {}
    return str(spec.get("restartPolicy", "Never"))


def _pod(body: Object) -> Object:
    labels = {"batch.kubernetes.io/controller-uid": uid_of(body), "batch.kubernetes.io/job-name": _name(body)}
    labels |= {"controller-uid": uid_of(body), "job-name": _name(body)}
    return pod_from(body, body["spec"].get("template") or {}, labels=labels)


def _name(body: Object) -> str:
    return str(body["metadata"]["name"])


def _may_try_again(cluster: Cluster, body: Object, failed: int) -> bool:
    """After a failure the next pod comes 10 s, 20 s, 40 s, ... later, 10 min at most (podBackoff)."""
    name = ("retries of a job", uid_of(body))
    if cluster.memory.get(name) == failed:
        return True
    waiting = ("retry", uid_of(body), failed)

    def try_again() -> None:
        cluster.memory[name] = failed
        cluster.wake("jobs", key_of("batch", "jobs", body))

    cluster.later(waiting, min(10.0 * 2 ** (failed - 1), 600.0), try_again)
    return False


def _save(cluster: Cluster, body: Object, status: Object, running: list[Object], succeeded: int, failed: int) -> None:
    numbers = {"active": len(running), "ready": sum(map(ready, running)), "succeeded": succeeded, "failed": failed}
    for name, number in numbers.items():
        status.pop(name, None)
        if number or name == "ready":
            status[name] = number
    status.setdefault("terminating", 0)
    status.setdefault("uncountedTerminatedPods", {})
    cluster.save_status("batch", "jobs", body, status)


def _end(
    cluster: Cluster, body: Object, status: Object, pods: list[Object], kind: str, reason: str, message: str
) -> None:
    """The Job is over: what still runs is stopped."""
    running, succeeded, failed = _counted(pods)
    for pod in running:
        delete_pod(cluster, body, pod, _COMPONENT)
    if kind == "Failed":
        failed += len(running)
    now = cluster.stamp()
    first = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
    conditions = with_condition(status.get("conditions") or [], first, True, reason, message, now)
    status["conditions"] = with_condition(conditions, kind, True, reason, message, now)
    if kind == "Complete":
        status["completionTime"] = now
    cluster.cancel(("deadline", uid_of(body)))
    cluster.memory.pop(("retries of a job", uid_of(body)), None)
    _save(cluster, body, status, [], succeeded, failed)
    if kind == "Complete":
        cluster.event(body, "Completed", "Job completed", _COMPONENT)
    else:
        cluster.event(body, reason, message, _COMPONENT, warning=True)


def _suspend(cluster: Cluster, body: Object) -> None:
    pods = pods_of(cluster, body)
    running, succeeded, failed = _counted(pods)
    for pod in running:
        delete_pod(cluster, body, pod, _COMPONENT)
    status = dict(body.get("status") or {})
    if not is_true(body, "Suspended"):
        cluster.event(body, "Suspended", "Job suspended", _COMPONENT)
    status["conditions"] = with_condition(
        status.get("conditions") or [], "Suspended", True, "JobSuspended", "Job suspended", cluster.stamp()
    )
    status.pop("startTime", None)
    cluster.cancel(("deadline", uid_of(body)))
    _save(cluster, body, status, [], succeeded, failed)


def _deadline(cluster: Cluster, body: Object) -> None:
    seconds = body["spec"].get("activeDeadlineSeconds")
    if seconds is not None:
        key, uid = key_of("batch", "jobs", body), uid_of(body)
        cluster.deadline(("deadline", uid), float(seconds), lambda: _too_late(cluster, key, uid))


def _too_late(cluster: Cluster, key: Key, uid: str) -> None:
    body = cluster.store.get(key)
    if body is None or uid_of(body) != uid or is_true(body, "Complete") or is_true(body, "Failed"):
        return
    text = "Job was active longer than specified deadline"
    status = dict(body.get("status") or {})
    _end(cluster, body, status, pods_of(cluster, body), "Failed", "DeadlineExceeded", text)


def _remove_later(cluster: Cluster, body: Object) -> None:
    seconds = body["spec"].get("ttlSecondsAfterFinished")
    if seconds is not None:
        key = key_of("batch", "jobs", body)
        name = ("ttl", uid_of(body))
        cluster.later(name, float(seconds), lambda: cluster.delete(key, "Foreground"))


CONTROLLER = Controller(
    "jobs",
    reconcile,
    {("batch", "jobs"): itself, ("", "pods"): its_controller("batch", "jobs", "Job")},
)
