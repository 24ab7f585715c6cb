"""Objects between the version that they are kept in and the one that is asked for.

Custom resources change their apiVersion only (conversion None). Built-in ones with two versions or two groups are
HorizontalPodAutoscalers and Events. Sources: Kubernetes, pkg/apis/autoscaling/v1/conversion.go,
pkg/apis/events/v1/conversion.go.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from csoc.emulator.kubernetes.kinds.types import ResourceType

Object = dict[str, Any]
_KEPT_METRICS = "autoscaling.alpha.kubernetes.io/metrics"

_EVENT_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_EVENT_NAMES_BACK = {new: old for old, new in _EVENT_NAMES.items()}


def served(type_: ResourceType, kept: Object) -> Object:
    """A kept object in the version that the type is of."""
    if kept.get("apiVersion") == type_.api_version:
        return kept
    found = {**kept, "apiVersion": type_.api_version, "kind": type_.kind}
    if type_.group == "events.k8s.io":
        return _renamed(found, _EVENT_NAMES)
    if (type_.group, type_.version, type_.plural) == ("autoscaling", "v1", "horizontalpodautoscalers"):
        return _scaler_v1(found)
    return found


def kept(type_: ResourceType, body: Object) -> Object:
    """An object as the store has it."""
    if type_.group == "events.k8s.io":
        return _renamed({**body, "apiVersion": "v1"}, _EVENT_NAMES_BACK)
    if (type_.group, type_.version, type_.plural) == ("autoscaling", "v1", "horizontalpodautoscalers"):
        return _scaler_v2(body)
    if type_.version == type_.storage_version:
        return body
    return {**body, "apiVersion": f"{type_.group}/{type_.storage_version}"}


def _renamed(body: Object, names: dict[str, str]) -> Object:
    return {names.get(name, name): value for name, value in body.items()}


def _scaler_v1(body: Object) -> Object:
    made = copy.deepcopy(body)
    spec = made.get("spec", {})
    others = []
    for metric in spec.pop("metrics", None) or ():
        target = metric.get("resource", {}).get("target", {})
        if metric.get("resource", {}).get("name") == "cpu" and target.get("type") == "Utilization":
            spec["targetCPUUtilizationPercentage"] = target["averageUtilization"]
        else:
            others.append(metric)
    annotations = {**made["metadata"].get("annotations", {})}
    if others:
        annotations[_KEPT_METRICS] = json.dumps(others, separators=(",", ":"))
    behaviour = spec.pop("behavior", None)
    if behaviour:
        annotations["autoscaling.alpha.kubernetes.io/behavior"] = json.dumps(behaviour, separators=(",", ":"))
    if annotations:
        made["metadata"]["annotations"] = annotations
    status = made.get("status", {})
    for metric in status.pop("currentMetrics", None) or ():
        current = metric.get("resource", {}).get("current", {})
        if metric.get("resource", {}).get("name") == "cpu" and "averageUtilization" in current:
            status["currentCPUUtilizationPercentage"] = current["averageUtilization"]
    conditions = status.pop("conditions", None)
    if conditions:
        annotations["autoscaling.alpha.kubernetes.io/conditions"] = json.dumps(conditions, separators=(",", ":"))
        made["metadata"]["annotations"] = annotations
    return made


def _scaler_v2(body: Object) -> Object:
    made = {**copy.deepcopy(body), "apiVersion": "autoscaling/v2"}
    spec, annotations = made.get("spec", {}), made["metadata"].get("annotations", {})
    metrics = json.loads(annotations.pop(_KEPT_METRICS, "[]"))
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None:
        target = {"type": "Utilization", "averageUtilization": percent}
        metrics.insert(0, {"type": "Resource", "resource": {"name": "cpu", "target": target}})
    if metrics:
        spec["metrics"] = metrics
    for part, place in (("behavior", spec), ("conditions", made.setdefault("status", {}))):
        text = annotations.pop(f"autoscaling.alpha.kubernetes.io/{part}", "")
        if text:
            place[part] = json.loads(text)
    current = made["status"].pop("currentCPUUtilizationPercentage", None)
    if current is not None:
        value = {"averageUtilization": current, "averageValue": "0"}
        made["status"]["currentMetrics"] = [{"type": "Resource", "resource": {"name": "cpu", "current": value}}]
    if not annotations:
        made["metadata"].pop("annotations", None)
    return made
