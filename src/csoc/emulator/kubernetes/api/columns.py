"""The columns of built-in kinds. Source: Kubernetes, pkg/printers/internalversion/printers.go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes.api import cells
from csoc.emulator.kubernetes.api.cells import Cell
from csoc.emulator.kubernetes.kinds import subresources
from csoc.emulator.kubernetes.kinds.types import ResourceType

Object = dict[str, Any]


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


NAME = Column("Name", cells.field("metadata.name"), "string", 0, "name")
AGE = Column("Age", cells.since("metadata.creationTimestamp"))


def of(type_: ResourceType) -> Sequence[Column]:
    """The columns of a built-in kind."""
    return _COLUMNS.get((type_.group, type_.plural), (NAME, _CREATED))


_CREATED = Column("Created At", cells.field("metadata.creationTimestamp"), "date")


def row_conditions(type_: ResourceType, body: Object) -> list[Object]:
    """Rows of what has run to its end are marked as such."""
    phase = cells.at(body, "status.phase")
    if (type_.group, type_.plural) != ("", "pods") or phase not in ("Succeeded", "Failed"):
        return []
    told = f"The pod has {'completed successfully' if phase == 'Succeeded' else 'failed'}."
    return [{"type": "Completed", "status": "True", "reason": phase, "message": told}]


_SELECTOR = Column("Selector", cells.plain(cells.selector), "string", 1)
_CONTAINERS = Column("Containers", cells.template("name"), "string", 1)
_IMAGES = Column("Images", cells.template("image"), "string", 1)


_REPLICA_COLUMNS = (
    NAME,
    Column("Desired", cells.field("spec.replicas", 0), "integer"),
    Column("Current", cells.field("status.replicas", 0), "integer"),
    Column("Ready", cells.field("status.readyReplicas", 0), "integer"),
    AGE,
    _CONTAINERS,
    _IMAGES,
    _SELECTOR,
)
_COLUMNS: Mapping[tuple[str, str], Sequence[Column]] = {
    ("", "pods"): (
        NAME,
        Column("Ready", cells.plain(cells.pod_ready)),
        Column("Status", cells.plain(cells.pod_status)),
        Column("Restarts", cells.restarts),
        AGE,
        Column("IP", cells.or_none("status.podIP"), "string", 1),
        Column("Node", cells.or_none("spec.nodeName"), "string", 1),
        Column("Nominated Node", cells.or_none("status.nominatedNodeName"), "string", 1),
        Column("Readiness Gates", cells.plain(cells.gates), "string", 1),
    ),
    ("apps", "deployments"): (
        NAME,
        Column(
            "Ready",
            cells.plain(
                lambda body: f"{cells.at(body, 'status.readyReplicas') or 0}/{cells.at(body, 'spec.replicas') or 0}"
            ),
        ),
        Column("Up-to-date", cells.field("status.updatedReplicas", 0), "integer"),
        Column("Available", cells.field("status.availableReplicas", 0), "integer"),
        AGE,
        _CONTAINERS,
        _IMAGES,
        _SELECTOR,
    ),
    ("apps", "statefulsets"): (
        NAME,
        Column(
            "Ready",
            cells.plain(
                lambda body: f"{cells.at(body, 'status.readyReplicas') or 0}/{cells.at(body, 'spec.replicas') or 0}"
            ),
        ),
        AGE,
        _CONTAINERS,
        _IMAGES,
    ),
    ("apps", "daemonsets"): (
        NAME,
        Column("Desired", cells.field("status.desiredNumberScheduled", 0), "integer"),
        Column("Current", cells.field("status.currentNumberScheduled", 0), "integer"),
        Column("Ready", cells.field("status.numberReady", 0), "integer"),
        Column("Up-to-date", cells.field("status.updatedNumberScheduled", 0), "integer"),
        Column("Available", cells.field("status.numberAvailable", 0), "integer"),
        Column(
            "Node Selector",
            cells.plain(
                lambda body: (
                    subresources.selector_text(cells.at(body, "spec.template.spec.nodeSelector") or {}) or "<none>"
                )
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
            cells.plain(
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
        Column("Revision", cells.field("revision", 0), "integer"),
        AGE,
    ),
    ("batch", "jobs"): (
        NAME,
        Column("Status", cells.plain(cells.job_status)),
        Column("Completions", cells.plain(cells.completions)),
        Column("Duration", cells.job_duration),
        AGE,
        _CONTAINERS,
        _IMAGES,
        _SELECTOR,
    ),
    ("batch", "cronjobs"): (
        NAME,
        Column("Schedule", cells.field("spec.schedule")),
        Column("Timezone", cells.field("spec.timeZone", "<none>")),
        Column("Suspend", cells.yes_or_no("spec.suspend"), "boolean"),
        Column("Active", cells.count("status.active"), "integer"),
        Column("Last Schedule", cells.since("status.lastScheduleTime", "<none>")),
        AGE,
        Column("Containers", cells.template("name", "spec.jobTemplate.spec.template.spec.containers"), "string", 1),
        Column("Images", cells.template("image", "spec.jobTemplate.spec.template.spec.containers"), "string", 1),
        Column("Selector", cells.field("spec.jobTemplate.spec.selector", "<none>"), "string", 1),
    ),
    ("", "services"): (
        NAME,
        Column("Type", cells.field("spec.type")),
        Column("Cluster-IP", cells.or_none("spec.clusterIP")),
        Column("External-IP", cells.plain(cells.external)),
        Column("Port(s)", cells.plain(cells.ports)),
        AGE,
        Column("Selector", cells.plain(cells.service_selector), "string", 1),
    ),
    ("", "endpoints"): (NAME, Column("Endpoints", cells.plain(cells.endpoints)), AGE),
    ("discovery.k8s.io", "endpointslices"): (
        NAME,
        Column("AddressType", cells.field("addressType")),
        Column("Ports", cells.plain(cells.slice_ports)),
        Column("Endpoints", cells.plain(cells.slice_addresses)),
        AGE,
    ),
    ("", "nodes"): (
        NAME,
        Column("Status", cells.plain(cells.node_status)),
        Column("Roles", cells.plain(cells.node_roles)),
        AGE,
        Column("Version", cells.field("status.nodeInfo.kubeletVersion")),
        Column("Internal-IP", cells.address("InternalIP"), "string", 1),
        Column("External-IP", cells.address("ExternalIP"), "string", 1),
        Column("OS-Image", cells.field("status.nodeInfo.osImage", "<unknown>"), "string", 1),
        Column("Kernel-Version", cells.field("status.nodeInfo.kernelVersion", "<unknown>"), "string", 1),
        Column("Container-Runtime", cells.field("status.nodeInfo.containerRuntimeVersion", "<unknown>"), "string", 1),
    ),
    ("", "namespaces"): (NAME, Column("Status", cells.field("status.phase")), AGE),
    ("", "secrets"): (NAME, Column("Type", cells.field("type")), Column("Data", cells.count("data"), "integer"), AGE),
    ("", "configmaps"): (
        NAME,
        Column(
            "Data", cells.plain(lambda body: len(body.get("data") or ()) + len(body.get("binaryData") or ())), "integer"
        ),
        AGE,
    ),
    ("", "serviceaccounts"): (NAME, Column("Secrets", cells.count("secrets"), "integer"), AGE),
    ("", "events"): (
        Column("Last Seen", cells.event_seen(first=False)),
        Column("Type", cells.field("type")),
        Column("Reason", cells.field("reason")),
        Column("Object", cells.plain(cells.event_object)),
        Column(
            "Subobject",
            cells.plain(lambda body: (body.get("involvedObject") or body.get("regarding") or {}).get("fieldPath", "")),
            "string",
            1,
        ),
        Column("Source", cells.plain(cells.event_source), "string", 1),
        Column("Message", cells.plain(lambda body: (body.get("message") or body.get("note") or "").strip())),
        Column("First Seen", cells.event_seen(first=True), "string", 1),
        Column("Count", cells.plain(lambda body: body.get("count") or body.get("deprecatedCount") or 1), "integer", 1),
        Column("Name", cells.field("metadata.name"), "string", 1, "name"),
    ),
    ("", "persistentvolumeclaims"): (
        NAME,
        Column(
            "Status",
            cells.plain(
                lambda body: (
                    "Terminating" if "deletionTimestamp" in body["metadata"] else cells.at(body, "status.phase") or ""
                )
            ),
        ),
        Column("Volume", cells.field("spec.volumeName")),
        Column("Capacity", cells.field("status.capacity.storage")),
        Column(
            "Access Modes", cells.plain(lambda body: cells.modes(body) if cells.at(body, "spec.volumeName") else "")
        ),
        Column("StorageClass", cells.field("spec.storageClassName")),
        Column("VolumeAttributesClass", cells.field("spec.volumeAttributesClassName", "<unset>")),
        AGE,
        Column("VolumeMode", cells.field("spec.volumeMode", "<unset>"), "string", 1),
    ),
    ("", "persistentvolumes"): (
        NAME,
        Column("Capacity", cells.field("spec.capacity.storage")),
        Column("Access Modes", cells.plain(cells.modes)),
        Column("Reclaim Policy", cells.field("spec.persistentVolumeReclaimPolicy")),
        Column(
            "Status",
            cells.plain(
                lambda body: (
                    "Terminating" if "deletionTimestamp" in body["metadata"] else cells.at(body, "status.phase") or ""
                )
            ),
        ),
        Column("Claim", cells.plain(cells.claim)),
        Column("StorageClass", cells.field("spec.storageClassName")),
        Column("VolumeAttributesClass", cells.field("spec.volumeAttributesClassName", "<unset>")),
        Column("Reason", cells.field("status.reason")),
        AGE,
        Column("VolumeMode", cells.field("spec.volumeMode", "<unset>"), "string", 1),
    ),
    ("storage.k8s.io", "storageclasses"): (
        NAME,
        Column("Provisioner", cells.field("provisioner")),
        Column("ReclaimPolicy", cells.field("reclaimPolicy", "Delete")),
        Column("VolumeBindingMode", cells.field("volumeBindingMode", "Immediate")),
        Column(
            "AllowVolumeExpansion", cells.plain(lambda body: "true" if body.get("allowVolumeExpansion") else "false")
        ),
        AGE,
    ),
    ("networking.k8s.io", "ingresses"): (
        NAME,
        Column("Class", cells.field("spec.ingressClassName", "<none>")),
        Column("Hosts", cells.plain(cells.hosts)),
        Column("Address", cells.plain(cells.balancer)),
        Column("Ports", cells.plain(lambda body: "80, 443" if cells.at(body, "spec.tls") else "80")),
        AGE,
    ),
    ("networking.k8s.io", "ingressclasses"): (
        NAME,
        Column("Controller", cells.field("spec.controller")),
        Column(
            "Parameters",
            cells.plain(
                lambda body: (
                    "<none>"
                    if not cells.at(body, "spec.parameters")
                    else f"{cells.at(body, 'spec.parameters.kind')}/{cells.at(body, 'spec.parameters.name')}"
                )
            ),
        ),
        AGE,
    ),
    ("networking.k8s.io", "networkpolicies"): (
        NAME,
        Column(
            "Pod-Selector",
            cells.plain(
                lambda body: (
                    subresources.selector_text({"matchLabels": {}, **(cells.at(body, "spec.podSelector") or {})})
                    or "<none>"
                )
            ),
        ),
        AGE,
    ),
    ("autoscaling", "horizontalpodautoscalers"): (
        NAME,
        Column(
            "Reference",
            cells.plain(
                lambda body: (
                    f"{cells.at(body, 'spec.scaleTargetRef.kind')}/{cells.at(body, 'spec.scaleTargetRef.name')}"
                )
            ),
        ),
        Column("Targets", cells.plain(cells.targets)),
        Column("MinPods", cells.plain(lambda body: str(cells.at(body, "spec.minReplicas") or "<unset>"))),
        Column("MaxPods", cells.field("spec.maxReplicas", 0), "integer"),
        Column("Replicas", cells.field("status.currentReplicas", 0), "integer"),
        AGE,
    ),
    ("policy", "poddisruptionbudgets"): (
        NAME,
        Column(
            "Min Available",
            cells.plain(
                lambda body: str(
                    cells.at(body, "spec.minAvailable") if cells.at(body, "spec.minAvailable") is not None else "N/A"
                )
            ),
        ),
        Column(
            "Max Unavailable",
            cells.plain(
                lambda body: str(
                    cells.at(body, "spec.maxUnavailable")
                    if cells.at(body, "spec.maxUnavailable") is not None
                    else "N/A"
                )
            ),
        ),
        Column("Allowed Disruptions", cells.field("status.disruptionsAllowed", 0), "integer"),
        AGE,
    ),
    ("rbac.authorization.k8s.io", "roles"): (NAME, _CREATED),
    ("rbac.authorization.k8s.io", "clusterroles"): (NAME, _CREATED),
    ("rbac.authorization.k8s.io", "rolebindings"): (
        NAME,
        Column("Role", cells.plain(cells.role)),
        AGE,
        Column("Users", cells.subjects("User"), "string", 1),
        Column("Groups", cells.subjects("Group"), "string", 1),
        Column("ServiceAccounts", cells.subjects("ServiceAccount"), "string", 1),
    ),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): (
        NAME,
        Column("Role", cells.plain(cells.role)),
        AGE,
        Column("Users", cells.subjects("User"), "string", 1),
        Column("Groups", cells.subjects("Group"), "string", 1),
        Column("ServiceAccounts", cells.subjects("ServiceAccount"), "string", 1),
    ),
    ("apiextensions.k8s.io", "customresourcedefinitions"): (NAME, _CREATED),
    ("coordination.k8s.io", "leases"): (NAME, Column("Holder", cells.field("spec.holderIdentity")), AGE),
    ("scheduling.k8s.io", "priorityclasses"): (
        NAME,
        Column("Value", cells.field("value", 0), "integer"),
        Column("Global-Default", cells.plain(lambda body: bool(body.get("globalDefault"))), "boolean"),
        AGE,
        Column("PreemptionPolicy", cells.field("preemptionPolicy", "PreemptLowerPriority"), "string", 1),
    ),
    ("", "resourcequotas"): (NAME, AGE),
    ("", "limitranges"): (NAME, _CREATED),
}
_COLUMNS = {**_COLUMNS, ("events.k8s.io", "events"): _COLUMNS["", "events"]}
