"""How well an object is, by the rules built into gitops-engine, and then by those that Argo CD ships as Lua.

Source: gitops-engine pkg/health/health*.go, one function here for one file there; the rules of Argo CD are in
`customhealth`, and win where there are both, as there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes.argocd.marks import HOOK_FINALIZER
from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.objects.parts import condition, deleting, is_true, name_of

HEALTHY, PROGRESSING, DEGRADED, SUSPENDED, MISSING, UNKNOWN = (
    "Healthy",
    "Progressing",
    "Degraded",
    "Suspended",
    "Missing",
    "Unknown",
)
_ORDER = (HEALTHY, SUSPENDED, PROGRESSING, MISSING, DEGRADED, UNKNOWN)
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """status: Healthy, Progressing, ... message: why."""

    status: str
    message: str = ""


Rule = Callable[[Body], Health | None]


def is_worse(current: str, new: str) -> bool:
    """Whether the new status counts for the whole (health.go, healthOrder)."""
    return _ORDER.index(new) > _ORDER.index(current)


def health_of(body: Body, custom: Mapping[tuple[str, str], Rule]) -> Health | None:
    """None for an object of which nobody says how it is."""
    if deleting(body) and HOOK_FINALIZER not in (body["metadata"].get("finalizers") or ()):
        return Health(PROGRESSING, "Pending deletion")
    kind = (group_of(body), str(body["kind"]))
    if kind in custom:
        found = custom[kind](body)
        if found is not None:
            return found
    rule = _BUILT_IN.get(kind)
    return rule(body) if rule is not None else None


def has_rule(kind: tuple[str, str], custom: Mapping[tuple[str, str], Rule]) -> bool:
    return kind in custom or kind in _BUILT_IN


def _spec(body: Body) -> Body:
    return body.get("spec") or {}


def _status(body: Body) -> Body:
    return body.get("status") or {}


def _unobserved(body: Body) -> bool:
    return int(body["metadata"].get("generation", 0)) > int(_status(body).get("observedGeneration", 0))


def _deployment(body: Body) -> Health:
    if _spec(body).get("paused"):
        return Health(SUSPENDED, "Deployment is paused")
    if _unobserved(body):
        text = "Waiting for rollout to finish: observed deployment generation less than desired generation"
        return Health(PROGRESSING, text)
    if condition(body, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return Health(DEGRADED, f'Deployment "{name_of(body)}" exceeded its progress deadline')
    status = _status(body)
    updated, wanted = int(status.get("updatedReplicas", 0)), _spec(body).get("replicas")
    total, available = int(status.get("replicas", 0)), int(status.get("availableReplicas", 0))
    if wanted is not None and updated < int(wanted):
        done = f"{updated} out of {wanted} new replicas have been updated..."
    elif total > updated:
        done = f"{total - updated} old replicas are pending termination..."
    elif available < updated:
        done = f"{available} of {updated} updated replicas are available..."
    else:
        return Health(HEALTHY)
    return Health(PROGRESSING, f"Waiting for rollout to finish: {done}")


def _stateful_set(body: Body) -> Health:
    spec, status = _spec(body), _status(body)
    if not status.get("observedGeneration") or _unobserved(body):
        return Health(PROGRESSING, "Waiting for statefulset spec update to be observed...")
    wanted, ready = spec.get("replicas"), int(status.get("readyReplicas", 0))
    updated = int(status.get("updatedReplicas", 0))
    if wanted is not None and ready < int(wanted):
        return Health(PROGRESSING, f"Waiting for {int(wanted) - ready} pods to be ready...")
    strategy = spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "RollingUpdate" and rolling is not None:
        if wanted is not None and rolling.get("partition") is not None:
            renewed = int(wanted) - int(rolling["partition"])
            if updated < renewed:
                done = f"{updated} out of {renewed} new pods have been updated..."
                return Health(PROGRESSING, f"Waiting for partitioned roll out to finish: {done}")
        return Health(HEALTHY, f"partitioned roll out complete: {updated} new pods have been updated...")
    if strategy.get("type") == "OnDelete":
        return Health(HEALTHY, f"statefulset has {ready} ready pods")
    revision = status.get("updateRevision", "")
    if revision != status.get("currentRevision", ""):
        text = f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}..."
        return Health(PROGRESSING, text)
    current = int(status.get("currentReplicas", 0))
    return Health(HEALTHY, f"statefulset rolling update complete {current} pods at revision {revision}...")


def _daemon_set(body: Body) -> Health:
    status = _status(body)
    if _unobserved(body):
        text = "Waiting for rollout to finish: observed daemon set generation less than desired generation"
        return Health(PROGRESSING, text)
    updated, wanted = int(status.get("updatedNumberScheduled", 0)), int(status.get("desiredNumberScheduled", 0))
    available = int(status.get("numberAvailable", 0))
    if (_spec(body).get("updateStrategy") or {}).get("type") == "OnDelete":
        return Health(HEALTHY, f"daemon set {updated} out of {wanted} new pods have been updated")
    waiting = f'Waiting for daemon set "{name_of(body)}" rollout to finish'
    if updated < wanted:
        return Health(PROGRESSING, f"{waiting}: {updated} out of {wanted} new pods have been updated...")
    if available < wanted:
        return Health(PROGRESSING, f"{waiting}: {available} of {wanted} updated pods are available...")
    return Health(HEALTHY)


def _replica_set(body: Body) -> Health:
    if _unobserved(body):
        text = "Waiting for rollout to finish: observed replica set generation less than desired generation"
        return Health(PROGRESSING, text)
    failure = condition(body, "ReplicaFailure")
    if failure.get("status") == "True":
        return Health(DEGRADED, str(failure.get("message", "")))
    wanted, available = _spec(body).get("replicas"), int(_status(body).get("availableReplicas", 0))
    if wanted is not None and available < int(wanted):
        done = f"{available} out of {wanted} new replicas are available..."
        return Health(PROGRESSING, f"Waiting for rollout to finish: {done}")
    return Health(HEALTHY)


def _pod(body: Body) -> Health:
    status, policy = _status(body), _spec(body).get("restartPolicy", "Always")
    containers = status.get("containerStatuses") or ()
    if policy == "Always":
        bad = []
        for one in containers:
            waiting = (one.get("state") or {}).get("waiting") or {}
            reason = str(waiting.get("reason", ""))
            if reason.startswith("Err") or reason.endswith(("Error", "BackOff")):
                bad.append(str(waiting.get("message", "")))
        if bad:
            return Health(DEGRADED, ", ".join(bad))
    phase, message = status.get("phase"), str(status.get("message", ""))
    if phase == "Failed":
        return Health(DEGRADED, message or _first_failure(status))
    if phase == "Succeeded":
        return Health(HEALTHY, message)
    if phase == "Pending":
        return Health(PROGRESSING, message)
    if phase != "Running":
        return Health(UNKNOWN, message)
    if policy == "Always":
        if is_true(body, "Ready"):
            return Health(HEALTHY, message)
        if any((one.get("lastState") or {}).get("terminated") for one in containers):
            return Health(DEGRADED, message)
    return Health(PROGRESSING, message)


def _first_failure(status: Body) -> str:
    for one in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        ended = (one.get("state") or {}).get("terminated")
        if ended is None:
            continue
        if ended.get("message"):
            return str(ended["message"])
        if ended.get("reason") == "OOMKilled":
            return "OOMKilled"
        if ended.get("exitCode"):
            return f'container "{one["name"]}" failed with exit code {ended["exitCode"]}'
    return ""


def _job(body: Body) -> Health:
    failed = complete = suspended = False
    fail_message = message = ""
    for one in _status(body).get("conditions") or ():
        if one.get("type") == "Failed":
            failed = complete = True
            fail_message = str(one.get("message", ""))
        elif one.get("type") in ("Complete", "Suspended"):
            complete = True
            message = str(one.get("message", ""))
            suspended = suspended or (one["type"] == "Suspended" and one.get("status") == "True")
    if not complete:
        return Health(PROGRESSING, message)
    if failed:
        return Health(DEGRADED, fail_message)
    return Health(SUSPENDED, fail_message) if suspended else Health(HEALTHY, message)


def _service(body: Body) -> Health:
    waits = _spec(body).get("type") == "LoadBalancer" and not _addresses(body)
    return Health(PROGRESSING if waits else HEALTHY)


def _ingress(body: Body) -> Health:
    return Health(HEALTHY if _addresses(body) else PROGRESSING)


def _addresses(body: Body) -> bool:
    return bool((_status(body).get("loadBalancer") or {}).get("ingress"))


def _claim(body: Body) -> Health:
    found = {"Lost": DEGRADED, "Pending": PROGRESSING, "Bound": HEALTHY}
    return Health(found.get(str(_status(body).get("phase")), UNKNOWN))


_SICK = {
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    ("ScalingActive", "FailedGetResourceMetric"),
    ("ScalingActive", "InvalidSelector"),
}


def _scaler(body: Body) -> Health:
    conditions = _status(body).get("conditions") or ()
    if str(body["apiVersion"]).endswith("/v1"):
        text = (body["metadata"].get("annotations") or {}).get("autoscaling.alpha.kubernetes.io/conditions")
        conditions = json.loads(text) if text else ()
    for one in conditions:
        if (one.get("type"), one.get("reason")) in _SICK:
            return Health(DEGRADED, str(one.get("message", "")))
        if one.get("type") in ("AbleToScale", "ScalingLimited") and one.get("status") == "True":
            return Health(HEALTHY, str(one.get("message", "")))
    return Health(PROGRESSING, "Waiting to Autoscale")


def _api_service(body: Body) -> Health:
    found = condition(body, "Available")
    if not found:
        return Health(PROGRESSING, "Waiting to be processed")
    text = f"{found.get('reason', '')}: {found.get('message', '')}"
    return Health(HEALTHY if found.get("status") == "True" else PROGRESSING, text)


def _workflow(body: Body) -> Health:
    phase, message = str(_status(body).get("phase", "")), str(_status(body).get("message", ""))
    if phase in ("", "Pending", "Running"):
        return Health(PROGRESSING, message)
    if phase == "Succeeded":
        return Health(HEALTHY, message)
    return Health(DEGRADED if phase in ("Failed", "Error") else UNKNOWN, message)


_BUILT_IN: Mapping[tuple[str, str], Rule] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("extensions", "Ingress"): _ingress,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("argoproj.io", "Workflow"): _workflow,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("", "Service"): _service,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("batch", "Job"): _job,
    ("autoscaling", "HorizontalPodAutoscaler"): _scaler,
}
