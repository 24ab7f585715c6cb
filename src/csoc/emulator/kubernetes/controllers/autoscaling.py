"""HorizontalPodAutoscalers: replicas by the usage that the cluster's setting says, with the real one's conditions.

Source: Kubernetes 1.34, pkg/controller/podautoscaler/horizontal.go, replica_calculator.go. The real one looks every
15 s; this one when it or its target changes, since usage here does not change by itself. Scaling policies and
stabilisation windows are not followed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, itself
from csoc.emulator.kubernetes.kinds.lookup import owner_key
from csoc.emulator.kubernetes.objects.parts import deleting, key_of, namespace_of, quantity, with_condition
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "horizontal-pod-autoscaler"
_GROUP, _RESOURCE = "autoscaling", "horizontalpodautoscalers"
_NO_METRICS = "the server could not find the requested resource (get pods.metrics.k8s.io)"


def _of_target(cluster: Cluster, change: Change) -> Iterable[Key]:
    found = []
    for body in cluster.list(_GROUP, _RESOURCE, change.key.namespace):
        target = body["spec"].get("scaleTargetRef") or {}
        if target.get("name") == change.key.name:
            found.append(key_of(_GROUP, _RESOURCE, body))
    return found


def reconcile(cluster: Cluster, key: Key) -> None:
    """One autoscaler."""
    body = cluster.store.get(key)
    if body is None or deleting(body):
        return
    reference = body["spec"]["scaleTargetRef"]
    place = owner_key(cluster.store, {"apiVersion": "apps/v1"} | reference, namespace_of(body))
    target = None if place is None else cluster.store.get(place)
    if place is None or target is None:
        kind = str(reference.get("kind", ""))
        missing = f'{kind.lower()}s.apps "{reference["name"]}" not found'
        text = f"the HPA controller was unable to get the target's current scale: {missing}"
        _save(cluster, body, [("AbleToScale", False, "FailedGetScale", text)], {})
        cluster.event(body, "FailedGetScale", text.partition(": ")[2], _COMPONENT, warning=True)
        return
    current = int((target.get("status") or {}).get("replicas", 0))
    wished = int((target.get("spec") or {}).get("replicas", 1))
    able = ("AbleToScale", True, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
    numbers = {"currentReplicas": current, "desiredReplicas": wished}
    if wished == 0:
        text = "scaling is disabled since the replica count of the target is zero"
        _save(cluster, body, [able, ("ScalingActive", False, "ScalingDisabled", text)], numbers)
        return
    if not cluster.settings.metrics:
        name = _first(body)
        text = (
            f"the HPA was unable to compute the replica count: failed to get {name} utilization: unable to get metrics "
            f"for resource {name}: unable to fetch metrics from resource metrics API: {_NO_METRICS}"
        )
        _save(cluster, body, [able, ("ScalingActive", False, "FailedGetResourceMetric", text)], numbers)
        cluster.event(body, "FailedGetResourceMetric", text.partition(": ")[2], _COMPONENT, warning=True)
        return
    _scale(cluster, body, place, target, numbers)


def _metrics(body: Object) -> list[Mapping[str, Any]]:
    """The metrics of an object of version 2, or what version 1 says instead."""
    if body["spec"].get("metrics"):
        return list(body["spec"]["metrics"])
    share = body["spec"].get("targetCPUUtilizationPercentage", 80)
    target = {"type": "Utilization", "averageUtilization": share}
    return [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _first(body: Object) -> str:
    for metric in _metrics(body):
        if metric.get("type") == "Resource":
            return str(metric["resource"]["name"])
    return "cpu"


def _usage(cluster: Cluster, target: Object, name: str) -> tuple[int, float] | None:
    """(percent of requests, amount) that each pod uses; None if a container requests nothing of it."""
    containers = ((target["spec"].get("template") or {}).get("spec") or {}).get("containers") or ()
    total = 0.0
    for container in containers:
        request = ((container.get("resources") or {}).get("requests") or {}).get(name)
        if request is None:
            return None
        total += quantity(request)
    percent = cluster.settings.usage_percent
    return percent, total * percent / 100


def _scale(cluster: Cluster, body: Object, place: Key, target: Object, numbers: dict[str, int]) -> None:
    current = max(numbers["currentReplicas"], 1)
    wanted, shown = 0, []
    for metric in _metrics(body):
        if metric.get("type") != "Resource":
            continue
        name, goal = str(metric["resource"]["name"]), metric["resource"].get("target") or {}
        usage = _usage(cluster, target, name)
        if usage is None:
            _missing_request(cluster, body, target, name, numbers)
            return
        percent, amount = usage
        entry: Object = {"averageValue": f"{round(amount * 1000)}m"}
        if goal.get("averageUtilization"):
            ratio = percent / int(goal["averageUtilization"])
            entry["averageUtilization"] = percent
        else:
            ratio = amount / max(quantity(goal.get("averageValue", "1")), 1e-9)
        close = abs(ratio - 1) <= 0.1
        wanted = max(wanted, current if close else math.ceil(current * ratio))
        shown.append({"type": "Resource", "resource": {"name": name, "current": entry}})
    least, most = int(body["spec"].get("minReplicas") or 1), int(body["spec"]["maxReplicas"])
    limited = ("ScalingLimited", False, "DesiredWithinRange", "the desired count is within the acceptable range")
    if wanted < least:
        limited = (
            "ScalingLimited",
            True,
            "TooFewReplicas",
            "the desired replica count is less than the minimum replica count",
        )
    elif wanted > most:
        limited = (
            "ScalingLimited",
            True,
            "TooManyReplicas",
            "the desired replica count is more than the maximum replica count",
        )
    wanted = min(max(wanted, least), most)
    name = _first(body)
    share = f"{name} resource utilization (percentage of request)"
    found = f"the HPA was able to successfully calculate a replica count from {share}"
    able = ("AbleToScale", True, "ReadyForNewScale", "recommended size matches current size")
    wished = int((target.get("spec") or {}).get("replicas", 1))
    if wanted != wished:
        able = (
            "AbleToScale",
            True,
            "SucceededRescale",
            f"the HPA controller was able to update the target scale to {wanted}",
        )
        was = {"spec": dict(target["spec"])}
        target["spec"] = target["spec"] | {"replicas": wanted}
        cluster.save(place.group, place.resource, target, of=was)
        reason = "All metrics below target" if wanted < wished else f"{share} above target"
        cluster.event(body, "SuccessfulRescale", f"New size: {wanted}; reason: {reason}", _COMPONENT)
    numbers["desiredReplicas"] = wanted
    active = ("ScalingActive", True, "ValidMetricFound", found)
    _save(cluster, body, [able, active, limited], numbers | {"currentMetrics": shown})


def _missing_request(cluster: Cluster, body: Object, target: Object, name: str, numbers: dict[str, int]) -> None:
    containers = ((target["spec"].get("template") or {}).get("spec") or {}).get("containers") or ()
    without = next(
        (str(one["name"]) for one in containers if name not in ((one.get("resources") or {}).get("requests") or {})), ""
    )
    text = (
        f"the HPA was unable to compute the replica count: failed to get {name} utilization: missing request for "
        f"{name} in container {without} of Pod {target['metadata']['name']}"
    )
    able = ("AbleToScale", True, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
    _save(cluster, body, [able, ("ScalingActive", False, "FailedGetResourceMetric", text)], numbers)
    cluster.event(body, "FailedGetResourceMetric", text.partition(": ")[2], _COMPONENT, warning=True)


def _save(
    cluster: Cluster, body: Object, conditions: list[tuple[str, bool, str, str]], numbers: Mapping[str, Any]
) -> None:
    status = {name: value for name, value in (body.get("status") or {}).items() if name != "currentMetrics"}
    status |= {"currentReplicas": 0, "desiredReplicas": 0} if not numbers else dict(numbers)
    kept = status.get("conditions") or []
    for kind, value, reason, message in conditions:
        kept = with_condition(kept, kind, value, reason, message, cluster.stamp())
    status["conditions"] = kept
    cluster.save_status(_GROUP, _RESOURCE, body, status)


CONTROLLER = Controller(
    "autoscalers",
    reconcile,
    {(_GROUP, _RESOURCE): itself, ("apps", "deployments"): _of_target, ("apps", "statefulsets"): _of_target},
)
