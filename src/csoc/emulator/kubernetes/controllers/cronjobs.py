"""CronJobs: a Job at each of their times.

Source: Kubernetes 1.34, pkg/controller/cronjob/cronjob_controllerv2.go, utils.go. How long it is until the next time is
asked of the calendar once, and then waited for on the timeline.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from csoc.emulator.kubernetes.controllers.cluster import Cluster, Controller, its_controller, itself
from csoc.emulator.kubernetes.controllers.cron import ScheduleError, parse
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects.parts import (
    deleting,
    is_true,
    key_of,
    name_of,
    namespace_of,
    owned_by,
    owner_reference,
    stamp,
    uid_of,
)
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "cronjob-controller"
_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def reconcile(cluster: Cluster, key: Key) -> None:
    """One CronJob: its status, its history, and the wait for its next time."""
    body = cluster.store.get(key)
    if body is None or deleting(body):
        return
    jobs = _jobs(cluster, body)
    _tell(cluster, body, jobs)
    _forget(cluster, body, jobs)
    waiting = (uid_of(body), body["spec"].get("schedule"), body["spec"].get("timeZone"))
    if body["spec"].get("suspend") or not cluster.settings.cron_jobs:
        return
    moment = _next(cluster, body)
    if moment is not None:
        seconds = (moment - cluster.now()).total_seconds()
        cluster.later(("time", *waiting), seconds, lambda: _start(cluster, key, waiting, moment))


def _next(cluster: Cluster, body: Object) -> datetime | None:
    schedule = str(body["spec"].get("schedule", ""))
    zone_name = str(body["spec"].get("timeZone") or "UTC")
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError):
        text = f'invalid timeZone: "{zone_name}" - unknown time zone {zone_name}'
        cluster.event(body, "UnknownTimeZone", text, _COMPONENT, warning=True)
        return None
    try:
        found = parse(schedule).after(cluster.now().astimezone(zone))
    except ScheduleError as error:
        text = f'unparseable schedule: "{schedule}" : {error}'
        cluster.event(body, "UnparseableSchedule", text, _COMPONENT, warning=True)
        return None
    return None if found is None else found.astimezone(UTC)


def _jobs(cluster: Cluster, body: Object) -> list[Object]:
    return [one for one in cluster.list("batch", "jobs", namespace_of(body)) if owned_by(one, body)]


def _over(job: Object) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")


def _start(cluster: Cluster, key: Key, waiting: tuple[object, ...], moment: datetime) -> None:
    """A time has come: the Job is made, unless the CronJob was changed, suspended or forbids two at once."""
    body = cluster.store.get(key)
    if body is None or deleting(body) or body["spec"].get("suspend"):
        return
    if waiting != (uid_of(body), body["spec"].get("schedule"), body["spec"].get("timeZone")):
        return
    cluster.wake("cronjobs", key)
    running = [one for one in _jobs(cluster, body) if not _over(one)]
    policy = body["spec"].get("concurrencyPolicy", "Allow")
    if policy == "Forbid" and running:
        text = "Not starting job because prior execution is running and concurrency policy is Forbid"
        cluster.event(body, "JobAlreadyActive", text, _COMPONENT)
        return
    if policy == "Replace":
        for one in running:
            cluster.delete(key_of("batch", "jobs", one))
            cluster.event(body, "SuccessfulDelete", f"Deleted job {name_of(one)}", _COMPONENT)
    template = copy.deepcopy(body["spec"].get("jobTemplate") or {})
    metadata = template.get("metadata") or {}
    job: Object = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{name_of(body)}-{int(moment.timestamp()) // 60}",
            "namespace": namespace_of(body),
            "labels": metadata.get("labels") or {},
            "annotations": (metadata.get("annotations") or {}) | {_AT: stamp(moment)},
            "ownerReferences": [owner_reference(body)],
        },
        "spec": template.get("spec") or {},
    }
    try:
        made = cluster.create("batch", "jobs", job)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        return
    cluster.event(body, "SuccessfulCreate", f"Created job {name_of(made)}", _COMPONENT)
    # Where time runs faster, that moment is still to come for clocks, and its Job would seem to end before it began.
    status = dict(body.get("status") or {}) | {"lastScheduleTime": stamp(min(moment, cluster.now()))}
    cluster.save_status("batch", "cronjobs", body, status)


def _tell(cluster: Cluster, body: Object, jobs: list[Object]) -> None:
    status = dict(body.get("status") or {})
    was = {one["uid"]: one["name"] for one in status.pop("active", None) or ()}
    running = [one for one in jobs if not _over(one)]
    if running:
        status["active"] = [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": name_of(one),
                "namespace": namespace_of(one),
                "uid": uid_of(one),
            }
            for one in running
        ]
    for one in jobs:
        if _over(one) and uid_of(one) in was:
            end = "Complete" if is_true(one, "Complete") else "Failed"
            cluster.event(body, "SawCompletedJob", f"Saw completed job: {name_of(one)}, condition: {end}", _COMPONENT)
    times = [str((one.get("status") or {}).get("completionTime", "")) for one in jobs if is_true(one, "Complete")]
    last = max([*times, str(status.get("lastSuccessfulTime", ""))], default="")
    if last:
        status["lastSuccessfulTime"] = last
    cluster.save_status("batch", "cronjobs", body, status)


def _forget(cluster: Cluster, body: Object, jobs: list[Object]) -> None:
    for kind, field, limit in (("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)):
        ended = sorted(
            (one for one in jobs if is_true(one, kind) and not deleting(one)),
            key=lambda one: (str((one.get("status") or {}).get("startTime", "")), name_of(one)),
        )
        for one in ended[: max(len(ended) - int(body["spec"].get(field, limit)), 0)]:
            cluster.delete(key_of("batch", "jobs", one))
            cluster.event(body, "SuccessfulDelete", f"Deleted job {name_of(one)}", _COMPONENT)


CONTROLLER = Controller(
    "cronjobs",
    reconcile,
    {("batch", "cronjobs"): itself, ("batch", "jobs"): its_controller("batch", "cronjobs", "CronJob")},
)
