"""Defaults of built-in kinds. Sources: Kubernetes, pkg/apis/*/v1/defaults.go."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.kubernetes.kinds.types import ResourceType

Object = dict[str, Any]
_MODE = 420
_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def fill(type_: ResourceType, new: Object) -> None:
    """Adds to an object what nobody said."""
    filler = _FILLERS.get((type_.group, type_.plural))
    if filler is not None:
        filler(new)


def _set(where: Object, **values: Any) -> None:
    for name, value in values.items():
        if where.get(name) in (None, ""):
            where[name] = value


def pod_spec(spec: Object) -> None:
    """Defaults of a pod's specification, in templates too."""
    _set(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    elif spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"]
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(part) or ():
            _container(container)
    for volume in spec.get("volumes") or ():
        _volume(volume)


def _container(container: Object) -> None:
    image = container.get("image", "")
    _set(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    _set(container, imagePullPolicy="Always" if _latest(image) else "IfNotPresent")
    _set(container, resources={})
    for port in container.get("ports") or ():
        _set(port, protocol="TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is not None:
            _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            _action(probe)
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _action(handler)
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            _set(reference, apiVersion="v1")
    limits = (container.get("resources") or {}).get("limits")
    if limits:
        requests = container["resources"].setdefault("requests", {})
        for name, value in limits.items():
            requests.setdefault(name, value)


def _latest(image: str) -> bool:
    name = image.rpartition("/")[2]
    return "@" not in name and (":" not in name or name.endswith(":latest"))


def _action(probe: Object) -> None:
    if probe.get("httpGet") is not None:
        _set(probe["httpGet"], path="/", scheme="HTTP")
    if probe.get("grpc") is not None:
        _set(probe["grpc"], service="")


def _volume(volume: Object) -> None:
    if len(volume) == 1:
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        source = volume.get(name)
        if source is not None:
            _set(source, defaultMode=_MODE)
            for item in source.get("items") or ():
                if item.get("fieldRef") is not None:
                    _set(item["fieldRef"], apiVersion="v1")
    for source in (volume.get("projected") or {}).get("sources") or ():
        if source.get("serviceAccountToken") is not None:
            _set(source["serviceAccountToken"], expirationSeconds=3600)
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            if item.get("fieldRef") is not None:
                _set(item["fieldRef"], apiVersion="v1")
    if volume.get("hostPath") is not None:
        _set(volume["hostPath"], type="")
    claim = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if claim is not None:
        _set(claim.setdefault("spec", {}), volumeMode="Filesystem")


def _pod(new: Object) -> None:
    spec = new["spec"]
    _set(spec, enableServiceLinks=True)
    pod_spec(spec)


def _template(spec: Object) -> None:
    pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))


def _deployment(new: Object) -> None:
    spec = new["spec"]
    _set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec.setdefault("strategy", {})
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
    _template(spec)


def _stateful_set(new: Object) -> None:
    spec = new["spec"]
    _set(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    _set(spec, persistentVolumeClaimRetentionPolicy={})
    _set(spec["persistentVolumeClaimRetentionPolicy"], whenDeleted="Retain", whenScaled="Retain")
    strategy = spec.setdefault("updateStrategy", {})
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], partition=0)
    _template(spec)
    _set(new.setdefault("status", {}), availableReplicas=0)
    for claim in spec.get("volumeClaimTemplates") or ():
        _set(claim, apiVersion="v1", kind="PersistentVolumeClaim")
        _set(claim.setdefault("spec", {}), volumeMode="Filesystem")
        claim["status"] = {"phase": "Pending"}


def _daemon_set(new: Object) -> None:
    spec = new["spec"]
    _set(spec, revisionHistoryLimit=10)
    strategy = spec.setdefault("updateStrategy", {})
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], maxUnavailable=1, maxSurge=0)
    annotations = new["metadata"].get("annotations") or {}
    new["metadata"]["annotations"] = {_TEMPLATE_GENERATION: "1", **annotations}
    _template(spec)


def _replica_set(new: Object) -> None:
    _set(new["spec"], replicas=1)
    _template(new["spec"])


def _job_spec(spec: Object) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    _set(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    _set(spec, podReplacementPolicy="Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    if spec.get("manualSelector") is None:
        spec["manualSelector"] = False
    _template(spec)


def _job(new: Object) -> None:
    spec = new["spec"]
    _job_spec(spec)


def _cron_job(new: Object) -> None:
    spec = new["spec"]
    _set(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    job = spec.setdefault("jobTemplate", {}).setdefault("spec", {})
    _template(job)


def _secret(new: Object) -> None:
    _set(new, type="Opaque")
    text = new.pop("stringData", None)
    if text:
        data = dict(new.get("data") or {})
        for name, value in text.items():
            data[name] = base64.b64encode(value.encode()).decode()
        new["data"] = data


def _namespace(new: Object) -> None:
    metadata = new["metadata"]
    name = metadata.get("name", "")
    metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": name}
    _set(new.setdefault("status", {}), phase="Active")


def _volume_claim(new: Object) -> None:
    _set(new["spec"], volumeMode="Filesystem")
    _set(new.setdefault("status", {}), phase="Pending")


def _volume_of_cluster(new: Object) -> None:
    _set(new["spec"], volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    _set(new.setdefault("status", {}), phase="Pending")


def _storage_class(new: Object) -> None:
    _set(new, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _binding(new: Object) -> None:
    _set(new.setdefault("roleRef", {}), apiGroup="rbac.authorization.k8s.io")
    for subject in new.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            _set(subject, apiGroup="rbac.authorization.k8s.io")


def _role(new: Object) -> None:
    new.setdefault("rules", None)


def _network_policy(new: Object) -> None:
    spec = new["spec"]
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") is not None else [])]
    for part in ("ingress", "egress"):
        for rule in spec.get(part) or ():
            for port in rule.get("ports") or ():
                _set(port, protocol="TCP")


def _scaler(new: Object) -> None:
    spec = new["spec"]
    _set(spec, minReplicas=1)
    if new["apiVersion"].endswith("/v2") and not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _priority_class(new: Object) -> None:
    _set(new, preemptionPolicy="PreemptLowerPriority")


def _node(new: Object) -> None:
    status = new.setdefault("status", {})
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def _service(new: Object) -> None:
    spec = new["spec"]
    _set(spec, type="ClusterIP", sessionAffinity="None")
    kind = spec["type"]
    for port in spec.get("ports") or ():
        _set(port, protocol="TCP")
        if port.get("targetPort") in (None, "", 0):
            port["targetPort"] = port.get("port")
    if kind in ("NodePort", "LoadBalancer"):
        _set(spec, externalTrafficPolicy="Cluster")
    if kind == "LoadBalancer":
        _set(spec, allocateLoadBalancerNodePorts=True)
    if kind != "ExternalName":
        _set(spec, internalTrafficPolicy="Cluster")


_FILLERS: Mapping[tuple[str, str], Callable[[Object], None]] = {
    ("", "namespaces"): _namespace,
    ("", "nodes"): _node,
    ("", "persistentvolumeclaims"): _volume_claim,
    ("", "persistentvolumes"): _volume_of_cluster,
    ("", "pods"): _pod,
    ("", "podtemplates"): lambda new: pod_spec(new.setdefault("template", {}).setdefault("spec", {})),
    ("", "replicationcontrollers"): _replica_set,
    ("", "secrets"): _secret,
    ("", "services"): _service,
    ("apps", "daemonsets"): _daemon_set,
    ("apps", "deployments"): _deployment,
    ("apps", "replicasets"): _replica_set,
    ("apps", "statefulsets"): _stateful_set,
    ("autoscaling", "horizontalpodautoscalers"): _scaler,
    ("batch", "cronjobs"): _cron_job,
    ("batch", "jobs"): _job,
    ("networking.k8s.io", "networkpolicies"): _network_policy,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): _binding,
    ("rbac.authorization.k8s.io", "clusterroles"): _role,
    ("rbac.authorization.k8s.io", "rolebindings"): _binding,
    ("rbac.authorization.k8s.io", "roles"): _role,
    ("scheduling.k8s.io", "priorityclasses"): _priority_class,
    ("storage.k8s.io", "storageclasses"): _storage_class,
}
