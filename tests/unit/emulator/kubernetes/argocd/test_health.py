"""Health by the rules of gitops-engine and Argo CD; each case is from the file that the module names."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.emulator.kubernetes.argocd.customhealth import RULES
from csoc.emulator.kubernetes.argocd.health import health_of, is_worse

Object = dict[str, Any]


def body(
    kind: str, spec: Object | None = None, status: Object | None = None, version: str = "apps/v1", **meta: Any
) -> Object:
    made: Object = {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "generation": 1} | meta}
    made |= {"spec": spec} if spec is not None else {}
    made |= {"status": status} if status is not None else {}
    return made


def conditions(*found: tuple[str, str], **more: Any) -> Object:
    return {"conditions": [{"type": kind, "status": status, "message": "m"} | more for kind, status in found]}


SEEN = {"observedGeneration": 1}
ESO = "external-secrets.io/v1"
CASES = [
    (body("Deployment", {"paused": True}), "Suspended"),
    (body("Deployment", {"replicas": 1}, {}), "Progressing"),
    (body("Deployment", {"replicas": 2}, SEEN | {"updatedReplicas": 1}), "Progressing"),
    (body("Deployment", {"replicas": 1}, SEEN | {"updatedReplicas": 1, "replicas": 2}), "Progressing"),
    (body("Deployment", {"replicas": 1}, SEEN | {"updatedReplicas": 1, "replicas": 1}), "Progressing"),
    (
        body("Deployment", {"replicas": 1}, SEEN | {"updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}),
        "Healthy",
    ),
    (
        body("Deployment", {}, SEEN | conditions(("Progressing", "False"), reason="ProgressDeadlineExceeded")),
        "Degraded",
    ),
    (body("StatefulSet", {"replicas": 1}, SEEN), "Progressing"),
    (
        body(
            "StatefulSet", {"replicas": 1}, SEEN | {"readyReplicas": 1, "updateRevision": "b", "currentRevision": "a"}
        ),
        "Progressing",
    ),
    (
        body(
            "StatefulSet", {"replicas": 1}, SEEN | {"readyReplicas": 1, "updateRevision": "a", "currentRevision": "a"}
        ),
        "Healthy",
    ),
    (body("DaemonSet", {}, SEEN | {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2}), "Progressing"),
    (body("DaemonSet", {}, SEEN), "Healthy"),
    (body("ReplicaSet", {"replicas": 1}, SEEN | conditions(("ReplicaFailure", "True"))), "Degraded"),
    (body("Job", {}, {}, "batch/v1"), "Progressing"),
    (body("Job", {}, conditions(("Complete", "True")), "batch/v1"), "Healthy"),
    (body("Job", {}, conditions(("Failed", "True")), "batch/v1"), "Degraded"),
    (body("Job", {}, conditions(("Suspended", "True")), "batch/v1"), "Suspended"),
    (body("Service", {"type": "ClusterIP"}, {}, "v1"), "Healthy"),
    (body("Service", {"type": "LoadBalancer"}, {}, "v1"), "Progressing"),
    (body("Ingress", {}, {}, "networking.k8s.io/v1"), "Progressing"),
    (body("Ingress", {}, {"loadBalancer": {"ingress": [{}]}}, "networking.k8s.io/v1"), "Healthy"),
    (body("PersistentVolumeClaim", {}, {"phase": "Pending"}, "v1"), "Progressing"),
    (body("PersistentVolumeClaim", {}, {"phase": "Lost"}, "v1"), "Degraded"),
    (body("Pod", {}, {"phase": "Succeeded"}, "v1"), "Healthy"),
    (
        body(
            "Pod",
            {"restartPolicy": "Always"},
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            "v1",
        ),
        "Degraded",
    ),
    (
        body(
            "HorizontalPodAutoscaler",
            {},
            {"conditions": [{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"}]},
            "autoscaling/v2",
        ),
        "Degraded",
    ),
    (body("HorizontalPodAutoscaler", {}, conditions(("AbleToScale", "True")), "autoscaling/v2"), "Healthy"),
    (body("HorizontalPodAutoscaler", {}, {}, "autoscaling/v2"), "Progressing"),
    (body("APIService", {}, conditions(("Available", "False")), "apiregistration.k8s.io/v1"), "Progressing"),
    (body("Workflow", {}, {"phase": "Failed"}, "argoproj.io/v1alpha1"), "Degraded"),
    (body("ExternalSecret", {}, {}, ESO), "Progressing"),
    (body("ExternalSecret", {}, conditions(("Ready", "False")), ESO), "Degraded"),
    (body("SecretStore", {}, conditions(("Ready", "True")), ESO), "Healthy"),
    (body("Certificate", {}, conditions(("Ready", "False"), ("Issuing", "True")), "cert-manager.io/v1"), "Progressing"),
    (body("CustomResourceDefinition", {}, {}, "apiextensions.k8s.io/v1"), "Progressing"),
    (
        body("CustomResourceDefinition", {}, conditions(("Established", "True")), "apiextensions.k8s.io/v1"),
        "Healthy",
    ),
    (
        body(
            "PodDisruptionBudget",
            {},
            conditions(("DisruptionAllowed", "False"), reason="InsufficientPods"),
            "policy/v1",
        ),
        "Healthy",
    ),
    (body("CronJob", {}, {}, "batch/v1"), "Healthy"),
    (
        body("CronJob", {}, {"lastScheduleTime": "2026-01-02", "lastSuccessfulTime": "2026-01-01"}, "batch/v1"),
        "Degraded",
    ),
    (body("Deployment", {}, {}, deletionTimestamp="2026-01-01T00:00:00Z"), "Progressing"),
]


@pytest.mark.parametrize(("found", "status"), CASES, ids=lambda one: one if isinstance(one, str) else one["kind"])
def test_health(found: Object, status: str) -> None:
    health = health_of(found, RULES)
    assert health is not None
    assert health.status == status


def test_objects_without_a_rule_have_no_health() -> None:
    assert health_of(body("ConfigMap", version="v1"), RULES) is None


def test_the_worst_counts() -> None:
    assert is_worse("Healthy", "Progressing")
    assert is_worse("Missing", "Degraded")
    assert not is_worse("Degraded", "Missing")


def ended(name: str = "main", **how: Any) -> Object:
    return {"name": name, "state": {"terminated": how}}


WELL: Object = {"exitCode": 0, "reason": "Completed"}
OOM: Object = {"exitCode": 137, "reason": "OOMKilled"}
ERROR: Object = {"exitCode": 3, "reason": "Error"}


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"containerStatuses": [ended(**OOM)]}, "OOMKilled"),
        ({"containerStatuses": [ended(**OOM, message="too much")]}, "too much"),
        ({"containerStatuses": [ended(**ERROR)]}, 'container "main" failed with exit code 3'),
        ({"containerStatuses": [ended(**WELL), ended("side", **ERROR)]}, 'container "side" failed with exit code 3'),
        (
            {"containerStatuses": [{"name": "main", "state": {"running": {}}}, ended("side", **OOM)]},
            "OOMKilled",
        ),
        (
            {
                "initContainerStatuses": [ended("first", **ERROR)],
                "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "PodInitializing"}}}],
            },
            'container "first" failed with exit code 3',
        ),
        (
            {
                "initContainerStatuses": [ended("first", **ERROR, message="no database")],
                "containerStatuses": [ended(**OOM)],
            },
            "no database",
        ),
        ({"initContainerStatuses": [ended("first", **WELL)], "containerStatuses": [ended(**OOM)]}, "OOMKilled"),
        (
            {"reason": "Evicted", "message": "low on memory", "containerStatuses": [ended(**ERROR, message="killed")]},
            "low on memory",
        ),
        ({}, ""),
    ],
    ids=[
        "killed for its memory",
        "the container's own words before the reason",
        "an exit code",
        "the first that did not end well",
        "one that runs on",
        "an init container",
        "an init container's words before what the others say",
        "an init container that ended well",
        "the pod's words before a container's",
        "nothing is said",
    ],
)
def test_a_failed_pod_says_why(status: Object, message: str) -> None:
    found = health_of(body("Pod", {}, {"phase": "Failed"} | status, "v1"), RULES)
    assert found is not None
    assert (found.status, found.message) == ("Degraded", message)


def waits(reason: str, message: str) -> Object:
    return {"name": "main", "state": {"waiting": {"reason": reason, "message": message}}}


@pytest.mark.parametrize(
    ("policy", "containers", "status", "message"),
    [
        ("Always", [waits("ErrImagePull", "no image")], "Degraded", "no image"),
        ("Always", [waits("CreateContainerConfigError", "no secret")], "Degraded", "no secret"),
        ("Always", [waits("CrashLoopBackOff", "one"), waits("ImagePullBackOff", "two")], "Degraded", "one, two"),
        ("Always", [waits("ContainerCreating", "soon")], "Progressing", "of the pod"),
        ("Never", [waits("ImagePullBackOff", "no image")], "Progressing", "of the pod"),
    ],
)
def test_a_waiting_container_degrades_a_pod_that_is_always_restarted(
    policy: str, containers: list[Object], status: str, message: str
) -> None:
    told = {"phase": "Pending", "message": "of the pod", "containerStatuses": containers}
    found = health_of(body("Pod", {"restartPolicy": policy}, told, "v1"), RULES)
    assert found is not None
    assert (found.status, found.message) == (status, message)


@pytest.mark.parametrize(
    ("policy", "more", "status"),
    [
        ("Always", {}, "Progressing"),
        (
            "Always",
            {"containerStatuses": [{"name": "main", "state": {}, "lastState": {"terminated": OOM}}]},
            "Degraded",
        ),
        ("Always", conditions(("Ready", "True")), "Healthy"),
        ("Never", conditions(("Ready", "True")), "Progressing"),
    ],
    ids=["never ended", "ended before", "ready", "to run to completion"],
)
def test_a_running_pod_is_judged_by_readiness_and_by_how_it_ended_before(
    policy: str, more: Object, status: str
) -> None:
    told = {"phase": "Running", "message": "of the pod"} | more
    found = health_of(body("Pod", {"restartPolicy": policy}, told, "v1"), RULES)
    assert found is not None
    assert (found.status, found.message) == (status, "of the pod")
