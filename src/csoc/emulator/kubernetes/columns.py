"""The columns of built-in kinds. Source: Kubernetes, pkg/printers/internalversion/printers.go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes import subresources
from csoc.emulator.kubernetes.types import ResourceType

Object = dict[str, Any]
Cell = Callable[[Object, datetime], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. priority: 1 and more are shown with -o wide only."""

    name: str
    cell: Cell
    type: str = "string"
    priority: int = 0
    format: str = ""
    description: str = ""

    def definition(self) -> Object:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


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


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def _field(path: str, default: Any = "") -> Cell:
    def cell(body: Object, now: datetime) -> Any:  # noqa: ARG001 - every cell is given the time
        value = _at(body, path)
        return default if value is None else value

    return cell


def _plain(function: Callable[[Object], Any]) -> Cell:
    def cell(body: Object, now: datetime) -> Any:  # noqa: ARG001 - every cell is given the time
        return function(body)

    return cell


def _since(path: str, default: str = "<unknown>") -> Cell:
    def cell(body: Object, now: datetime) -> str:
        value = _at(body, path)
        return age(value, now) if isinstance(value, str) else default

    return cell


def _count(path: str) -> Cell:
    return _plain(lambda body: len(_at(body, path) or ()))


NAME = Column("Name", _field("metadata.name"), "string", 0, "name")
AGE = Column("Age", _since("metadata.creationTimestamp"))


def of(type_: ResourceType) -> Sequence[Column]:
    """The columns of a built-in kind."""
    return _COLUMNS.get((type_.group, type_.plural), (NAME, _CREATED))


_CREATED = Column("Created At", _field("metadata.creationTimestamp"), "date")


def row_conditions(type_: ResourceType, body: Object) -> list[Object]:
    """Rows of what has run to its end are marked as such."""
    phase = _at(body, "status.phase")
    if (type_.group, type_.plural) != ("", "pods") or phase not in ("Succeeded", "Failed"):
        return []
    told = f"The pod has {'completed successfully' if phase == 'Succeeded' else 'failed'}."
    return [{"type": "Completed", "status": "True", "reason": phase, "message": told}]


# Pods


def _containers(body: Object) -> list[Object]:
    return _at(body, "status.containerStatuses") or []


def _pod_ready(body: Object) -> str:
    specs = _at(body, "spec.containers") or []
    sidecars = [one for one in _at(body, "spec.initContainers") or () if one.get("restartPolicy") == "Always"]
    names = {one["name"] for one in sidecars}
    statuses = [
        *_containers(body),
        *(one for one in _at(body, "status.initContainerStatuses") or () if one["name"] in names),
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
    initial = _initializing(body)
    reason = initial or _running(body, reason)
    if "deletionTimestamp" in body["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def _initializing(body: Object) -> str:
    specs = {one["name"]: one for one in _at(body, "spec.initContainers") or ()}
    for index, one in enumerate(_at(body, "status.initContainerStatuses") or ()):
        state = one.get("state") or {}
        stopped, waiting = state.get("terminated"), state.get("waiting") or {}
        if stopped is not None and stopped.get("exitCode") == 0:
            continue
        if specs.get(one["name"], {}).get("restartPolicy") == "Always" and one.get("started"):
            continue
        if stopped is not None:
            return "Init:" + _stopped(stopped)
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(specs)}"
    return ""


def _stopped(stopped: Object) -> str:
    if stopped.get("reason"):
        return str(stopped["reason"])
    return f"Signal:{stopped['signal']}" if stopped.get("signal") else f"ExitCode:{stopped.get('exitCode', 0)}"


def _running(body: Object, reason: str) -> str:
    running = False
    for one in reversed(_containers(body)):
        state = one.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            reason = _stopped(state["terminated"])
        elif one.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        ready = any(
            one.get("type") == "Ready" and one.get("status") == "True" for one in _at(body, "status.conditions") or ()
        )
        reason = "Running" if ready else "NotReady"
    return reason


def _restarts(body: Object, now: datetime) -> str:
    statuses = [*_containers(body), *(_at(body, "status.initContainerStatuses") or ())]
    total = sum(one.get("restartCount", 0) for one in statuses)
    ends = [_at(one, "lastState.terminated.finishedAt") for one in statuses]
    last = max((one for one in ends if one), default="")
    return f"{total} ({age(last, now)} ago)" if total and last else str(total)


def _gates(body: Object) -> str:
    gates = [one["conditionType"] for one in _at(body, "spec.readinessGates") or ()]
    if not gates:
        return "<none>"
    met = {one["type"] for one in _at(body, "status.conditions") or () if one.get("status") == "True"}
    return f"{sum(one in met for one in gates)}/{len(gates)}"


# Others


def _or_none(path: str) -> Cell:
    return _plain(lambda body: _at(body, path) or "<none>")


def _template(part: str, path: str = "spec.template.spec.containers") -> Cell:
    return _plain(lambda body: ",".join(one.get(part, "") for one in _at(body, path) or ()))


def _selector(body: Object) -> str:
    return subresources.selector_text(_at(body, "spec.selector") or {}) or "<none>"


_SELECTOR = Column("Selector", _plain(_selector), "string", 1)
_CONTAINERS = Column("Containers", _template("name"), "string", 1)
_IMAGES = Column("Images", _template("image"), "string", 1)


def _external(body: Object) -> str:
    spec = body.get("spec", {})
    own = spec.get("externalIPs") or []
    kind = spec.get("type", "ClusterIP")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    if kind == "LoadBalancer":
        given = [one.get("ip") or one.get("hostname", "") for one in _at(body, "status.loadBalancer.ingress") or ()]
        return ",".join([*given, *own]) or "<pending>"
    return ",".join(own) or "<none>"


def _ports(body: Object) -> str:
    rows: list[str] = []
    for port in _at(body, "spec.ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        rows.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(rows) or "<none>"


def _service_selector(body: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((_at(body, "spec.selector") or {}).items())) or "<none>"


def _node_status(body: Object) -> str:
    ready = next((one for one in _at(body, "status.conditions") or () if one.get("type") == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"]
    if _at(body, "spec.unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node_roles(body: Object) -> str:
    labels = body["metadata"].get("labels") or {}
    roles = {
        key.removeprefix("node-role.kubernetes.io/") for key in labels if key.startswith("node-role.kubernetes.io/")
    }
    roles |= {labels["kubernetes.io/role"]} if labels.get("kubernetes.io/role") else set()
    return ",".join(sorted(role for role in roles if role)) or "<none>"


def _address(kind: str) -> Cell:
    def cell(body: Object) -> str:
        found = (one["address"] for one in _at(body, "status.addresses") or () if one.get("type") == kind)
        return next(found, "<none>")

    return _plain(cell)


def _job_status(body: Object) -> str:
    conditions = {one["type"]: one.get("status") for one in _at(body, "status.conditions") or ()}
    for kind in ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"):
        if conditions.get(kind) == "True":
            return kind if kind != "FailureTarget" else "FailureTarget"
    if "deletionTimestamp" in body["metadata"]:
        return "Terminating"
    return "Suspended" if conditions.get("Suspended") == "True" else "Running"


def _completions(body: Object) -> str:
    done = _at(body, "status.succeeded") or 0
    wanted = _at(body, "spec.completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = _at(body, "spec.parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _job_duration(body: Object, now: datetime) -> str:
    begun, ended = _at(body, "status.startTime"), _at(body, "status.completionTime")
    if not begun:
        return ""
    return age(begun, datetime.fromisoformat(ended.replace("Z", "+00:00")) if ended else now)


def _event_object(body: Object) -> str:
    about = body.get("involvedObject") or body.get("regarding") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _event_seen(first: bool) -> Cell:
    def cell(body: Object, now: datetime) -> str:
        names = (
            ("firstTimestamp", "deprecatedFirstTimestamp") if first else ("lastTimestamp", "deprecatedLastTimestamp")
        )
        seen = [body.get(name) for name in names] + [_at(body, "series.lastObservedTime") if not first else None]
        found = next((one for one in seen if one), body.get("eventTime"))
        return age(found, now) if found else "<unknown>"

    return cell


def _event_source(body: Object) -> str:
    source = body.get("source") or body.get("deprecatedSource") or {}
    parts = [source.get("component") or body.get("reportingComponent", ""), source.get("host", "")]
    return ", ".join(part for part in parts if part)


def _hosts(body: Object) -> str:
    found = [rule.get("host") or "*" for rule in _at(body, "spec.rules") or ()]
    shown = list(dict.fromkeys(found))
    more = f" + {len(shown) - 3} more..." if len(shown) > 3 else ""
    return ",".join(shown[:3]) + more or "*"


def _balancer(body: Object) -> str:
    found = _at(body, "status.loadBalancer.ingress") or ()
    return ",".join(one.get("ip") or one.get("hostname", "") for one in found)


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(body: Object) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in _at(body, "spec.accessModes") or ())


def _claim(body: Object) -> str:
    reference = _at(body, "spec.claimRef")
    return f"{reference.get('namespace', '')}/{reference.get('name', '')}" if reference else ""


def _subjects(kind: str) -> Cell:
    def cell(body: Object) -> str:
        found = [one for one in body.get("subjects") or () if one.get("kind") == kind]
        names = [
            f"{one.get('namespace', '')}/{one['name']}" if kind == "ServiceAccount" else one["name"] for one in found
        ]
        return ", ".join(names)

    return _plain(cell)


def _role(body: Object) -> str:
    reference = body.get("roleRef") or {}
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


def _endpoints(body: Object) -> str:
    found: list[str] = []
    none: list[Object] = [{}]
    for subset in body.get("subsets") or ():
        for port in subset.get("ports") or none:
            end = f":{port['port']}" if port.get("port") else ""
            found += [f"{one['ip']}{end}" for one in subset.get("addresses") or ()]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or "<none>"


def _slice_ports(body: Object) -> str:
    return ",".join(str(one.get("port", "*")) for one in body.get("ports") or ()) or "<unset>"


def _slice_addresses(body: Object) -> str:
    found = [address for one in body.get("endpoints") or () for address in one.get("addresses") or ()]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or "<unset>"


def _targets(body: Object) -> str:
    shown = []
    current = {_at(one, "resource.name"): one for one in _at(body, "status.currentMetrics") or ()}
    for metric in _at(body, "spec.metrics") or ():
        name = _at(metric, "resource.name")
        target = _at(metric, "resource.target.averageUtilization")
        if name is None or target is None:
            shown.append(f"<unknown>/{metric.get('type', '')}")
            continue
        now = _at(current.get(name, {}), "resource.current.averageUtilization")
        shown.append(f"{name}: {'<unknown>' if now is None else f'{now}%'}/{target}%")
    return ", ".join(shown) or "<none>"


def _bool(path: str) -> Cell:
    return _plain(lambda body: "True" if _at(body, path) else "False")


_REPLICA_COLUMNS = (
    NAME,
    Column("Desired", _field("spec.replicas", 0), "integer"),
    Column("Current", _field("status.replicas", 0), "integer"),
    Column("Ready", _field("status.readyReplicas", 0), "integer"),
    AGE,
    _CONTAINERS,
    _IMAGES,
    _SELECTOR,
)
_COLUMNS: Mapping[tuple[str, str], Sequence[Column]] = {
    ("", "pods"): (
        NAME,
        Column("Ready", _plain(_pod_ready)),
        Column("Status", _plain(pod_status)),
        Column("Restarts", _restarts),
        AGE,
        Column("IP", _or_none("status.podIP"), "string", 1),
        Column("Node", _or_none("spec.nodeName"), "string", 1),
        Column("Nominated Node", _or_none("status.nominatedNodeName"), "string", 1),
        Column("Readiness Gates", _plain(_gates), "string", 1),
    ),
    ("apps", "deployments"): (
        NAME,
        Column(
            "Ready", _plain(lambda body: f"{_at(body, 'status.readyReplicas') or 0}/{_at(body, 'spec.replicas') or 0}")
        ),
        Column("Up-to-date", _field("status.updatedReplicas", 0), "integer"),
        Column("Available", _field("status.availableReplicas", 0), "integer"),
        AGE,
        _CONTAINERS,
        _IMAGES,
        _SELECTOR,
    ),
    ("apps", "statefulsets"): (
        NAME,
        Column(
            "Ready", _plain(lambda body: f"{_at(body, 'status.readyReplicas') or 0}/{_at(body, 'spec.replicas') or 0}")
        ),
        AGE,
        _CONTAINERS,
        _IMAGES,
    ),
    ("apps", "daemonsets"): (
        NAME,
        Column("Desired", _field("status.desiredNumberScheduled", 0), "integer"),
        Column("Current", _field("status.currentNumberScheduled", 0), "integer"),
        Column("Ready", _field("status.numberReady", 0), "integer"),
        Column("Up-to-date", _field("status.updatedNumberScheduled", 0), "integer"),
        Column("Available", _field("status.numberAvailable", 0), "integer"),
        Column(
            "Node Selector",
            _plain(
                lambda body: subresources.selector_text(_at(body, "spec.template.spec.nodeSelector") or {}) or "<none>"
            ),
        ),
        AGE,
        _CONTAINERS,
        _IMAGES,
        _SELECTOR,
    ),
    ("apps", "replicasets"): _REPLICA_COLUMNS,
    ("", "replicationcontrollers"): _REPLICA_COLUMNS,
    ("apps", "controllerrevisions"): (
        NAME,
        Column(
            "Controller",
            _plain(
                lambda body: next(
                    (
                        f"{one['kind'].lower()}.{one['apiVersion'].partition('/')[0]}/{one['name']}"
                        for one in body["metadata"].get("ownerReferences") or ()
                        if one.get("controller")
                    ),
                    "<none>",
                )
            ),
        ),
        Column("Revision", _field("revision", 0), "integer"),
        AGE,
    ),
    ("batch", "jobs"): (
        NAME,
        Column("Status", _plain(_job_status)),
        Column("Completions", _plain(_completions)),
        Column("Duration", _job_duration),
        AGE,
        _CONTAINERS,
        _IMAGES,
        _SELECTOR,
    ),
    ("batch", "cronjobs"): (
        NAME,
        Column("Schedule", _field("spec.schedule")),
        Column("Timezone", _field("spec.timeZone", "<none>")),
        Column("Suspend", _bool("spec.suspend"), "boolean"),
        Column("Active", _count("status.active"), "integer"),
        Column("Last Schedule", _since("status.lastScheduleTime", "<none>")),
        AGE,
        Column("Containers", _template("name", "spec.jobTemplate.spec.template.spec.containers"), "string", 1),
        Column("Images", _template("image", "spec.jobTemplate.spec.template.spec.containers"), "string", 1),
        Column("Selector", _field("spec.jobTemplate.spec.selector", "<none>"), "string", 1),
    ),
    ("", "services"): (
        NAME,
        Column("Type", _field("spec.type")),
        Column("Cluster-IP", _or_none("spec.clusterIP")),
        Column("External-IP", _plain(_external)),
        Column("Port(s)", _plain(_ports)),
        AGE,
        Column("Selector", _plain(_service_selector), "string", 1),
    ),
    ("", "endpoints"): (NAME, Column("Endpoints", _plain(_endpoints)), AGE),
    ("discovery.k8s.io", "endpointslices"): (
        NAME,
        Column("AddressType", _field("addressType")),
        Column("Ports", _plain(_slice_ports)),
        Column("Endpoints", _plain(_slice_addresses)),
        AGE,
    ),
    ("", "nodes"): (
        NAME,
        Column("Status", _plain(_node_status)),
        Column("Roles", _plain(_node_roles)),
        AGE,
        Column("Version", _field("status.nodeInfo.kubeletVersion")),
        Column("Internal-IP", _address("InternalIP"), "string", 1),
        Column("External-IP", _address("ExternalIP"), "string", 1),
        Column("OS-Image", _field("status.nodeInfo.osImage", "<unknown>"), "string", 1),
        Column("Kernel-Version", _field("status.nodeInfo.kernelVersion", "<unknown>"), "string", 1),
        Column("Container-Runtime", _field("status.nodeInfo.containerRuntimeVersion", "<unknown>"), "string", 1),
    ),
    ("", "namespaces"): (NAME, Column("Status", _field("status.phase")), AGE),
    ("", "secrets"): (NAME, Column("Type", _field("type")), Column("Data", _count("data"), "integer"), AGE),
    ("", "configmaps"): (
        NAME,
        Column("Data", _plain(lambda body: len(body.get("data") or ()) + len(body.get("binaryData") or ())), "integer"),
        AGE,
    ),
    ("", "serviceaccounts"): (NAME, Column("Secrets", _count("secrets"), "integer"), AGE),
    ("", "events"): (
        Column("Last Seen", _event_seen(first=False)),
        Column("Type", _field("type")),
        Column("Reason", _field("reason")),
        Column("Object", _plain(_event_object)),
        Column(
            "Subobject",
            _plain(lambda body: (body.get("involvedObject") or body.get("regarding") or {}).get("fieldPath", "")),
            "string",
            1,
        ),
        Column("Source", _plain(_event_source), "string", 1),
        Column("Message", _plain(lambda body: (body.get("message") or body.get("note") or "").strip())),
        Column("First Seen", _event_seen(first=True), "string", 1),
        Column("Count", _plain(lambda body: body.get("count") or body.get("deprecatedCount") or 1), "integer", 1),
        Column("Name", _field("metadata.name"), "string", 1, "name"),
    ),
    ("", "persistentvolumeclaims"): (
        NAME,
        Column(
            "Status",
            _plain(
                lambda body: (
                    "Terminating" if "deletionTimestamp" in body["metadata"] else _at(body, "status.phase") or ""
                )
            ),
        ),
        Column("Volume", _field("spec.volumeName")),
        Column("Capacity", _field("status.capacity.storage")),
        Column("Access Modes", _plain(lambda body: _modes(body) if _at(body, "spec.volumeName") else "")),
        Column("StorageClass", _field("spec.storageClassName")),
        Column("VolumeAttributesClass", _field("spec.volumeAttributesClassName", "<unset>")),
        AGE,
        Column("VolumeMode", _field("spec.volumeMode", "<unset>"), "string", 1),
    ),
    ("", "persistentvolumes"): (
        NAME,
        Column("Capacity", _field("spec.capacity.storage")),
        Column("Access Modes", _plain(_modes)),
        Column("Reclaim Policy", _field("spec.persistentVolumeReclaimPolicy")),
        Column(
            "Status",
            _plain(
                lambda body: (
                    "Terminating" if "deletionTimestamp" in body["metadata"] else _at(body, "status.phase") or ""
                )
            ),
        ),
        Column("Claim", _plain(_claim)),
        Column("StorageClass", _field("spec.storageClassName")),
        Column("VolumeAttributesClass", _field("spec.volumeAttributesClassName", "<unset>")),
        Column("Reason", _field("status.reason")),
        AGE,
        Column("VolumeMode", _field("spec.volumeMode", "<unset>"), "string", 1),
    ),
    ("storage.k8s.io", "storageclasses"): (
        NAME,
        Column("Provisioner", _field("provisioner")),
        Column("ReclaimPolicy", _field("reclaimPolicy", "Delete")),
        Column("VolumeBindingMode", _field("volumeBindingMode", "Immediate")),
        Column("AllowVolumeExpansion", _plain(lambda body: "true" if body.get("allowVolumeExpansion") else "false")),
        AGE,
    ),
    ("networking.k8s.io", "ingresses"): (
        NAME,
        Column("Class", _field("spec.ingressClassName", "<none>")),
        Column("Hosts", _plain(_hosts)),
        Column("Address", _plain(_balancer)),
        Column("Ports", _plain(lambda body: "80, 443" if _at(body, "spec.tls") else "80")),
        AGE,
    ),
    ("networking.k8s.io", "ingressclasses"): (
        NAME,
        Column("Controller", _field("spec.controller")),
        Column(
            "Parameters",
            _plain(
                lambda body: (
                    "<none>"
                    if not _at(body, "spec.parameters")
                    else f"{_at(body, 'spec.parameters.kind')}/{_at(body, 'spec.parameters.name')}"
                )
            ),
        ),
        AGE,
    ),
    ("networking.k8s.io", "networkpolicies"): (
        NAME,
        Column(
            "Pod-Selector",
            _plain(
                lambda body: (
                    subresources.selector_text({"matchLabels": {}, **(_at(body, "spec.podSelector") or {})}) or "<none>"
                )
            ),
        ),
        AGE,
    ),
    ("autoscaling", "horizontalpodautoscalers"): (
        NAME,
        Column(
            "Reference",
            _plain(lambda body: f"{_at(body, 'spec.scaleTargetRef.kind')}/{_at(body, 'spec.scaleTargetRef.name')}"),
        ),
        Column("Targets", _plain(_targets)),
        Column("MinPods", _plain(lambda body: str(_at(body, "spec.minReplicas") or "<unset>"))),
        Column("MaxPods", _field("spec.maxReplicas", 0), "integer"),
        Column("Replicas", _field("status.currentReplicas", 0), "integer"),
        AGE,
    ),
    ("policy", "poddisruptionbudgets"): (
        NAME,
        Column(
            "Min Available",
            _plain(
                lambda body: str(
                    _at(body, "spec.minAvailable") if _at(body, "spec.minAvailable") is not None else "N/A"
                )
            ),
        ),
        Column(
            "Max Unavailable",
            _plain(
                lambda body: str(
                    _at(body, "spec.maxUnavailable") if _at(body, "spec.maxUnavailable") is not None else "N/A"
                )
            ),
        ),
        Column("Allowed Disruptions", _field("status.disruptionsAllowed", 0), "integer"),
        AGE,
    ),
    ("rbac.authorization.k8s.io", "roles"): (NAME, _CREATED),
    ("rbac.authorization.k8s.io", "clusterroles"): (NAME, _CREATED),
    ("rbac.authorization.k8s.io", "rolebindings"): (
        NAME,
        Column("Role", _plain(_role)),
        AGE,
        Column("Users", _subjects("User"), "string", 1),
        Column("Groups", _subjects("Group"), "string", 1),
        Column("ServiceAccounts", _subjects("ServiceAccount"), "string", 1),
    ),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): (
        NAME,
        Column("Role", _plain(_role)),
        AGE,
        Column("Users", _subjects("User"), "string", 1),
        Column("Groups", _subjects("Group"), "string", 1),
        Column("ServiceAccounts", _subjects("ServiceAccount"), "string", 1),
    ),
    ("apiextensions.k8s.io", "customresourcedefinitions"): (NAME, _CREATED),
    ("coordination.k8s.io", "leases"): (NAME, Column("Holder", _field("spec.holderIdentity")), AGE),
    ("scheduling.k8s.io", "priorityclasses"): (
        NAME,
        Column("Value", _field("value", 0), "integer"),
        Column("Global-Default", _plain(lambda body: bool(body.get("globalDefault"))), "boolean"),
        AGE,
        Column("PreemptionPolicy", _field("preemptionPolicy", "PreemptLowerPriority"), "string", 1),
    ),
    ("", "resourcequotas"): (NAME, AGE),
    ("", "limitranges"): (NAME, _CREATED),
}
_COLUMNS = {**_COLUMNS, ("events.k8s.io", "events"): _COLUMNS["", "events"]}
