"""What stands in the cells of a table, worked out of an object.

Source: Kubernetes, pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes.kinds import subresources

Object = dict[str, Any]
Cell = Callable[[Object, datetime], Any]


def age(text: str, now: datetime) -> str:
    """How long ago, as short as kubectl says it. Source: apimachinery, pkg/util/duration."""
    try:
        then = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return "<unknown>"
    return duration((now - then).total_seconds())


def duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m" + (f"{whole % 60}s" if whole % 60 else "")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h" + (f"{minutes % 60}m" if minutes % 60 else "")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d" + (f"{hours % 24}h" if hours % 24 else "")
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return f"{days // 365}y" + (f"{days % 365}d" if days % 365 else "")
    return f"{days // 365}y"


def at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def field(path: str, default: Any = "") -> Cell:
    def cell(body: Object, now: datetime) -> Any:  # noqa: ARG001 - every cell is given the time
        value = at(body, path)
        return default if value is None else value

    return cell


def plain(function: Callable[[Object], Any]) -> Cell:
    def cell(body: Object, now: datetime) -> Any:  # noqa: ARG001 - every cell is given the time
        return function(body)

    return cell


def since(path: str, default: str = "<unknown>") -> Cell:
    def cell(body: Object, now: datetime) -> str:
        value = at(body, path)
        return age(value, now) if isinstance(value, str) else default

    return cell


def count(path: str) -> Cell:
    return plain(lambda body: len(at(body, path) or ()))


# Pods


def containers(body: Object) -> list[Object]:
    return at(body, "status.containerStatuses") or []


def pod_ready(body: Object) -> str:
    specs = at(body, "spec.containers") or []
    sidecars = [one for one in at(body, "spec.initContainers") or () if one.get("restartPolicy") == "Always"]
    names = {one["name"] for one in sidecars}
    statuses = [
        *containers(body),
        *(one for one in at(body, "status.initContainerStatuses") or () if one["name"] in names),
    ]
    ready = sum(bool(one.get("ready")) for one in statuses)
    return f"{ready}/{len(specs) + len(sidecars)}"


def pod_status(body: Object) -> str:
    """The word that says how a pod is: its phase, or why its containers do not run."""
    status = body.get("status", {})
    reason = status.get("reason") or status.get("phase") or "Unknown"
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    initial = initializing(body)
    reason = initial or running(body, reason)
    if "deletionTimestamp" in body["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def initializing(body: Object) -> str:
    specs = {one["name"]: one for one in at(body, "spec.initContainers") or ()}
    for index, one in enumerate(at(body, "status.initContainerStatuses") or ()):
        state = one.get("state") or {}
        stopped, waiting = state.get("terminated"), state.get("waiting") or {}
        if stopped is not None and stopped.get("exitCode") == 0:
            continue
        if specs.get(one["name"], {}).get("restartPolicy") == "Always" and one.get("started"):
            continue
        if stopped is not None:
            return "Init:" + why_stopped(stopped)
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(specs)}"
    return ""


def why_stopped(stopped: Object) -> str:
    if stopped.get("reason"):
        return str(stopped["reason"])
    return f"Signal:{stopped['signal']}" if stopped.get("signal") else f"ExitCode:{stopped.get('exitCode', 0)}"


def running(body: Object, reason: str) -> str:
    running = False
    for one in reversed(containers(body)):
        state = one.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            reason = why_stopped(state["terminated"])
        elif one.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        ready = any(
            one.get("type") == "Ready" and one.get("status") == "True" for one in at(body, "status.conditions") or ()
        )
        reason = "Running" if ready else "NotReady"
    return reason


def restarts(body: Object, now: datetime) -> str:
    statuses = [*containers(body), *(at(body, "status.initContainerStatuses") or ())]
    total = sum(one.get("restartCount", 0) for one in statuses)
    ends = [at(one, "lastState.terminated.finishedAt") for one in statuses]
    last = max((one for one in ends if one), default="")
    return f"{total} ({age(last, now)} ago)" if total and last else str(total)


def gates(body: Object) -> str:
    gates = [one["conditionType"] for one in at(body, "spec.readinessGates") or ()]
    if not gates:
        return "<none>"
    met = {one["type"] for one in at(body, "status.conditions") or () if one.get("status") == "True"}
    return f"{sum(one in met for one in gates)}/{len(gates)}"


# Others


def or_none(path: str) -> Cell:
    return plain(lambda body: at(body, path) or "<none>")


def template(part: str, path: str = "spec.template.spec.containers") -> Cell:
    return plain(lambda body: ",".join(one.get(part, "") for one in at(body, path) or ()))


def selector(body: Object) -> str:
    return subresources.selector_text(at(body, "spec.selector") or {}) or "<none>"


def external(body: Object) -> str:
    spec = body.get("spec", {})
    own = spec.get("externalIPs") or []
    kind = spec.get("type", "ClusterIP")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind == "LoadBalancer":
        given = [one.get("ip") or one.get("hostname", "") for one in at(body, "status.loadBalancer.ingress") or ()]
        return ",".join([*given, *own]) or "<pending>"
    return ",".join(own) or "<none>"


def ports(body: Object) -> str:
    rows: list[str] = []
    for port in at(body, "spec.ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        rows.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(rows) or "<none>"


def service_selector(body: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((at(body, "spec.selector") or {}).items())) or "<none>"


def node_status(body: Object) -> str:
    ready = next((one for one in at(body, "status.conditions") or () if one.get("type") == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"]
    if at(body, "spec.unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def node_roles(body: Object) -> str:
    labels = body["metadata"].get("labels") or {}
    roles = {
        key.removeprefix("node-role.kubernetes.io/") for key in labels if key.startswith("node-role.kubernetes.io/")
    }
    roles |= {labels["kubernetes.io/role"]} if labels.get("kubernetes.io/role") else set()
    return ",".join(sorted(role for role in roles if role)) or "<none>"


def address(kind: str) -> Cell:
    def cell(body: Object) -> str:
        found = (one["address"] for one in at(body, "status.addresses") or () if one.get("type") == kind)
        return next(found, "<none>")

    return plain(cell)


def job_status(body: Object) -> str:
    conditions = {one["type"]: one.get("status") for one in at(body, "status.conditions") or ()}
    for kind in ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"):
        if conditions.get(kind) == "True":
            return kind if kind != "FailureTarget" else "FailureTarget"
    if "deletionTimestamp" in body["metadata"]:
        return "Terminating"
    return "Suspended" if conditions.get("Suspended") == "True" else "Running"


def completions(body: Object) -> str:
    done = at(body, "status.succeeded") or 0
    wanted = at(body, "spec.completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = at(body, "spec.parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def job_duration(body: Object, now: datetime) -> str:
    begun, ended = at(body, "status.startTime"), at(body, "status.completionTime")
    if not begun:
        return ""
    return age(begun, datetime.fromisoformat(ended.replace("Z", "+00:00")) if ended else now)


def event_object(body: Object) -> str:
    about = body.get("involvedObject") or body.get("regarding") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def event_seen(first: bool) -> Cell:
    def cell(body: Object, now: datetime) -> str:
        names = (
            ("firstTimestamp", "deprecatedFirstTimestamp") if first else ("lastTimestamp", "deprecatedLastTimestamp")
        )
        seen = [body.get(name) for name in names] + [at(body, "series.lastObservedTime") if not first else None]
        found = next((one for one in seen if one), body.get("eventTime"))
        return age(found, now) if found else "<unknown>"

    return cell


def event_source(body: Object) -> str:
    source = body.get("source") or body.get("deprecatedSource") or {}
    parts = [source.get("component") or body.get("reportingComponent", ""), source.get("host", "")]
    return ", ".join(part for part in parts if part)


def hosts(body: Object) -> str:
    found = [rule.get("host") or "*" for rule in at(body, "spec.rules") or ()]
    shown = list(dict.fromkeys(found))
    more = f" + {len(shown) - 3} more..." if len(shown) > 3 else ""
    return ",".join(shown[:3]) + more or "*"


def balancer(body: Object) -> str:
    found = at(body, "status.loadBalancer.ingress") or ()
    return ",".join(one.get("ip") or one.get("hostname", "") for one in found)


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def modes(body: Object) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in at(body, "spec.accessModes") or ())


def claim(body: Object) -> str:
    reference = at(body, "spec.claimRef")
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""


def subjects(kind: str) -> Cell:
    def cell(body: Object) -> str:
        found = [one for one in body.get("subjects") or () if one.get("kind") == kind]
        names = [
            f"{one.get('namespace', '')}/{one['name']}" if kind == "ServiceAccount" else one["name"] for one in found
        ]
        return ", ".join(names)

    return plain(cell)


def role(body: Object) -> str:
    reference = body.get("roleRef") or {}
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


def endpoints(body: Object) -> str:
    found: list[str] = []
    none: list[Object] = [{}]
    for subset in body.get("subsets") or ():
        for port in subset.get("ports") or none:
            end = f":{port['port']}" if port.get("port") else ""
            found += [f"{one['ip']}{end}" for one in subset.get("addresses") or ()]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or "<none>"


def slice_ports(body: Object) -> str:
    return ",".join(str(one.get("port", "*")) for one in body.get("ports") or ()) or "<unset>"


def slice_addresses(body: Object) -> str:
    found = [address for one in body.get("endpoints") or () for address in one.get("addresses") or ()]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or "<unset>"


def targets(body: Object) -> str:
    shown = []
    current = {at(one, "resource.name"): one for one in at(body, "status.currentMetrics") or ()}
    for metric in at(body, "spec.metrics") or ():
        name = at(metric, "resource.name")
        target = at(metric, "resource.target.averageUtilization")
        if name is None or target is None:
            shown.append(f"<unknown>/{metric.get('type', '')}")
            continue
        now = at(current.get(name, {}), "resource.current.averageUtilization")
        shown.append(f"{name}: {'<unknown>' if now is None else f'{now}%'}/{target}%")
    return ", ".join(shown) or "<none>"


def yes_or_no(path: str) -> Cell:
    return plain(lambda body: "True" if at(body, path) else "False")
