"""What the state of its containers means for a pod: phase and conditions.

Source: Kubernetes 1.34, pkg/kubelet/kubelet_pods.go (getPhase, generateAPIPodStatus), pkg/kubelet/status/generate.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from csoc.emulator.kubernetes.objects.allocation import quality
from csoc.emulator.kubernetes.objects.parts import with_condition
from csoc.emulator.kubernetes.store import Object


def statuses(pod: Mapping[str, Any], *, init: bool = False) -> list[Object]:
    """The status entries of the pod's containers, in the order of the specification."""
    found: list[Object] = (pod.get("status") or {}).get("initContainerStatuses" if init else "containerStatuses") or []
    return found


def state_of(status: Mapping[str, Any]) -> str:
    """waiting, running or terminated."""
    state = status.get("state") or {}
    return next(iter(state), "waiting")


def is_sidecar(container: Mapping[str, Any]) -> bool:
    return bool(container.get("restartPolicy") == "Always")


def initialised(pod: Mapping[str, Any]) -> bool:
    """Whether the init containers let the others start: ended well, or sidecars that have started."""
    by_name = {status["name"]: status for status in statuses(pod, init=True)}
    for container in pod["spec"].get("initContainers") or ():
        status = by_name.get(container["name"], {})
        if is_sidecar(container):
            if not status.get("started"):
                return False
        elif not _ended_well(status):
            return False
    return True


def _ended_well(status: Mapping[str, Any]) -> bool:
    ended = (status.get("state") or {}).get("terminated")
    return ended is not None and ended.get("exitCode") == 0


def phase_of(pod: Mapping[str, Any]) -> str:
    """Of a pod that has a node."""
    policy = pod["spec"].get("restartPolicy", "Always")
    main = statuses(pod)
    if not initialised(pod):
        failed = [
            status
            for status in statuses(pod, init=True)
            if state_of(status) == "terminated" and status["state"]["terminated"].get("exitCode") != 0
        ]
        return "Failed" if failed and policy == "Never" else "Pending"
    states = [state_of(status) for status in main]
    if not main or all(
        state == "waiting" and not status.get("lastState") for state, status in zip(states, main, strict=True)
    ):
        return "Pending"
    if "waiting" in states:
        never = any(
            state == "waiting" and not status.get("lastState") for state, status in zip(states, main, strict=True)
        )
        return "Pending" if never else "Running"
    if "running" in states:
        return "Running"
    if policy == "Always":
        return "Running"
    if all(map(_ended_well, main)):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def refresh(pod: Object, now: str) -> None:
    """Writes phase and conditions as the containers' states have it. A pod that has ended stays so."""
    status = pod["status"]
    if status.get("phase") not in ("Succeeded", "Failed"):
        status["phase"] = phase_of(pod)
    phase = status["phase"]
    conditions = status.get("conditions") or []
    sandbox = phase not in ("Succeeded", "Failed")
    conditions = with_condition(conditions, "PodReadyToStartContainers", sandbox, "", "", now)
    conditions = _initialised(pod, conditions, phase, now)
    names = [one["name"] for one in statuses(pod) if not one.get("ready")]
    names += _unready_sidecars(pod)
    if phase == "Succeeded":
        reason, text = "PodCompleted", ""
    elif phase == "Failed":
        reason, text = "PodFailed", ""
    else:
        reason, text = (
            ("ContainersNotReady", f"containers with unready status: [{' '.join(names)}]") if names else ("", "")
        )
    well = not names and phase == "Running"
    conditions = with_condition(conditions, "ContainersReady", well, reason, text, now)
    gates = _closed_gates(pod, conditions)
    if well and gates:
        conditions = with_condition(conditions, "Ready", False, "ReadinessGatesNotReady", gates, now)
    else:
        conditions = with_condition(conditions, "Ready", well, reason, text, now)
    order = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    status["conditions"] = sorted(conditions, key=lambda one: order.index(one["type"]) if one["type"] in order else 9)
    status["qosClass"] = status.get("qosClass") or quality(pod["spec"])


def _initialised(pod: Object, conditions: Sequence[Object], phase: str, now: str) -> list[Object]:
    if phase in ("Succeeded",):
        return with_condition(conditions, "Initialized", True, "PodCompleted", "", now)
    if initialised(pod):
        return with_condition(conditions, "Initialized", True, "", "", now)
    by_name = {status["name"]: status for status in statuses(pod, init=True)}
    incomplete = [
        container["name"]
        for container in pod["spec"].get("initContainers") or ()
        if not (
            by_name.get(container["name"], {}).get("started")
            if is_sidecar(container)
            else _ended_well(by_name.get(container["name"], {}))
        )
    ]
    text = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return with_condition(conditions, "Initialized", False, "ContainersNotInitialized", text, now)


def _unready_sidecars(pod: Object) -> list[str]:
    sidecars = {one["name"] for one in pod["spec"].get("initContainers") or () if is_sidecar(one)}
    return [one["name"] for one in statuses(pod, init=True) if one["name"] in sidecars and not one.get("ready")]


def _closed_gates(pod: Object, conditions: Sequence[Object]) -> str:
    found = {one["type"]: one for one in conditions}
    closed = []
    for gate in pod["spec"].get("readinessGates") or ():
        name = gate.get("conditionType", "")
        if name not in found:
            closed.append(f'corresponding condition of pod readiness gate "{name}" does not exist.')
        elif found[name].get("status") != "True":
            closed.append(f'the status of pod readiness gate "{name}" is not "True", but {found[name].get("status")}')
    return ", ".join(closed)
