"""Deployments, StatefulSets, DaemonSets, Jobs and CronJobs bring their pods where they should be."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.emulator.kubernetes.controllers.causes import Cause, Kind
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from tests.unit.emulator.kubernetes.controllers.living import (
    Living,
    condition,
    container,
    is_ready,
    job,
    secret,
    workload,
)

NEW = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [container(image="registry.example/app:2")]},
}


def images(living: Living) -> list[str]:
    return sorted(one["spec"]["containers"][0]["image"].rpartition(":")[2] for one in living.all("Pod"))


def test_a_deployment_becomes_available() -> None:
    living = Living()
    living.add(workload("Deployment", "web", replicas=3))
    living.wait()
    status = living.get("Deployment", "web")["status"]
    assert (status["replicas"], status["readyReplicas"], status["availableReplicas"]) == (3, 3, 3)
    assert condition(living.get("Deployment", "web"), "Available")["status"] == "True"
    assert condition(living.get("Deployment", "web"), "Progressing")["reason"] == "NewReplicaSetAvailable"


def test_a_rolling_update_never_has_fewer_pods_ready_than_allowed() -> None:
    living = Living()
    living.add(workload("Deployment", "web", replicas=4))
    living.wait(60)
    living.change("Deployment", "web", template=NEW)
    least, most = 4, 4
    for _ in range(200):
        living.wait(0.5)
        least = min(least, sum(map(is_ready, living.all("Pod"))))
        alive = [one for one in living.all("Pod") if not one["metadata"].get("deletionTimestamp")]
        most = max(most, len(alive))
    assert images(living) == ["2", "2", "2", "2"]
    assert least >= 3  # 25 % of 4 may be missing
    assert most <= 5
    assert living.get("Deployment", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_an_update_that_cannot_start_stops_with_the_old_pods_serving_and_exceeds_its_deadline() -> None:
    living = Living(images=lambda image: not image.endswith(":2"))
    living.add(workload("Deployment", "web", replicas=4, progressDeadlineSeconds=120))
    living.wait(60)
    living.change("Deployment", "web", template=NEW)
    living.wait(60)
    assert condition(living.get("Deployment", "web"), "Progressing")["reason"] == "ReplicaSetUpdated"
    living.wait(120)
    progressing = condition(living.get("Deployment", "web"), "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert progressing["message"].endswith("has timed out progressing.")
    assert sum(map(is_ready, living.all("Pod"))) >= 3


def test_a_deployment_that_is_rolled_back_uses_its_old_replica_set() -> None:
    living = Living()
    body = workload("Deployment", "web")
    living.add(body)
    living.wait()
    living.change("Deployment", "web", template=NEW)
    living.wait(60)
    living.change("Deployment", "web", template=body["spec"]["template"])
    living.wait(60)
    assert images(living) == ["1"]
    assert len(living.all("ReplicaSet")) == 2
    assert living.get("Deployment", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


def test_old_replica_sets_are_kept_up_to_the_limit() -> None:
    living = Living()
    living.add(workload("Deployment", "web", revisionHistoryLimit=1))
    living.wait()
    for number in range(2, 6):
        template = {**NEW, "spec": {"containers": [container(image=f"registry.example/app:{number}")]}}
        living.change("Deployment", "web", template=template)
        living.wait(60)
    assert len(living.all("ReplicaSet")) == 2


def test_recreate_ends_all_old_pods_before_the_new_ones_come() -> None:
    living = Living()
    living.add(workload("Deployment", "web", replicas=2, strategy={"type": "Recreate"}))
    living.wait()
    living.change("Deployment", "web", template=NEW)
    both = False
    for _ in range(100):
        living.wait(0.5)
        both = both or len(set(images(living))) == 2
    assert not both
    assert images(living) == ["2", "2"]


def test_a_paused_deployment_scales_but_does_not_roll() -> None:
    living = Living()
    living.add(workload("Deployment", "web"))
    living.wait()
    living.change("Deployment", "web", paused=True, replicas=2, template=NEW)
    living.wait()
    assert images(living) == ["1", "1"]
    assert condition(living.get("Deployment", "web"), "Progressing")["reason"] == "DeploymentPaused"


def test_pods_of_a_missing_service_account_are_refused_until_it_is_made() -> None:
    living = Living()
    living.add(workload("Deployment", "web", pods={"serviceAccountName": "robot"}))
    living.wait()
    failure = condition(living.get("Deployment", "web"), "ReplicaFailure")
    assert failure["reason"] == "FailedCreate"
    assert 'serviceaccount "robot" not found' in failure["message"]
    living.add({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "a"}})
    living.wait()
    assert is_ready(living.pod())
    assert not condition(living.get("Deployment", "web"), "ReplicaFailure")


def test_a_pod_that_somebody_deletes_is_made_anew() -> None:
    living = Living()
    living.add(workload("Deployment", "web"))
    living.wait()
    first = living.pod()["metadata"]["name"]
    living.delete("Pod", first)
    living.wait()
    assert living.pod()["metadata"]["name"] != first


def test_a_stateful_set_starts_one_pod_after_the_other_with_bound_claims() -> None:
    living = Living()
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    living.add(workload("StatefulSet", "db", replicas=2, volumeClaimTemplates=[claim]))
    living.wait(2)
    assert [one["metadata"]["name"] for one in living.all("Pod")] == ["db-0"]
    living.wait(30)
    assert [one["metadata"]["name"] for one in living.all("Pod")] == ["db-0", "db-1"]
    assert {one["metadata"]["name"]: one["status"]["phase"] for one in living.all("PersistentVolumeClaim")} == {
        "data-db-0": "Bound",
        "data-db-1": "Bound",
    }
    status = living.get("StatefulSet", "db")["status"]
    assert (status["readyReplicas"], status["currentRevision"]) == (2, status["updateRevision"])


def test_a_stateful_set_is_renewed_from_its_last_pod() -> None:
    living = Living()
    living.add(workload("StatefulSet", "web", replicas=2))
    living.wait()
    living.change("StatefulSet", "web", template=NEW)
    living.wait(4)
    by_name = {one["metadata"]["name"]: one["spec"]["containers"][0]["image"][-1] for one in living.all("Pod")}
    assert by_name == {"web-0": "1", "web-1": "2"}
    living.wait(30)
    assert images(living) == ["2", "2"]


def test_a_stateful_set_keeps_claims_when_it_shrinks() -> None:
    living = Living()
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    living.add(workload("StatefulSet", "db", replicas=2, volumeClaimTemplates=[claim]))
    living.wait()
    living.change("StatefulSet", "db", replicas=1)
    living.wait()
    assert len(living.all("Pod")) == 1
    assert len(living.all("PersistentVolumeClaim")) == 2


def test_a_claim_of_an_unknown_storage_class_keeps_the_pod_waiting() -> None:
    living = Living()
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "gp9",
        },
    }
    living.add(workload("StatefulSet", "db", volumeClaimTemplates=[claim]))
    living.wait()
    assert 'storageclass.storage.k8s.io "gp9" not found' in living.events("ProvisioningFailed")
    assert living.pod()["status"]["phase"] == "Pending"
    assert condition(living.pod(), "PodScheduled")["message"].endswith(
        "nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    )
    storage = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "gp9"}}
    living.add(storage | {"provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"})
    living.wait()
    assert is_ready(living.pod())


def test_a_claim_in_use_is_protected() -> None:
    living = Living()
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    living.add(workload("StatefulSet", "db", volumeClaimTemplates=[claim]))
    living.wait()
    living.delete("PersistentVolumeClaim", "data-db-0")
    living.wait()
    assert living.get("PersistentVolumeClaim", "data-db-0")["metadata"]["deletionTimestamp"]
    living.delete("StatefulSet", "db")
    living.wait()
    assert living.all("PersistentVolumeClaim") == []


def test_a_daemon_set_has_a_pod_on_each_node_that_it_tolerates() -> None:
    taint = {"key": "gpu", "effect": "NoSchedule"}
    living = Living(nodes=[Node("n1"), Node("n2"), Node("n3", taints=[taint])])
    living.add(workload("DaemonSet", "agent"))
    living.wait()
    assert {one["spec"]["nodeName"] for one in living.all("Pod")} == {"n1", "n2"}
    set_nodes(living.cluster, [Node("n1"), Node("n4")])
    living.wait()
    assert {one["spec"]["nodeName"] for one in living.all("Pod")} == {"n1", "n4"}
    status = living.get("DaemonSet", "agent")["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"]) == (2, 2)


def test_a_daemon_set_renews_its_pods_one_by_one() -> None:
    living = Living()
    living.add(workload("DaemonSet", "web"))
    living.wait()
    living.change("DaemonSet", "web", template=NEW)
    least = 2
    for _ in range(600):
        living.wait(0.05)
        least = min(least, sum(map(is_ready, living.all("Pod"))))
    assert least == 1
    assert images(living) == ["2", "2"]


def test_a_job_completes() -> None:
    living = Living()
    living.add(job("once", completions=2, parallelism=1))
    living.wait(60)
    body = living.get("Job", "once")
    assert body["status"]["succeeded"] == 2
    assert condition(body, "Complete")["message"] == "Reached expected number of succeeded pods"
    assert [one["status"]["phase"] for one in living.all("Pod")] == ["Succeeded", "Succeeded"]


def test_a_job_that_ended_well_leaves_in_a_secret_what_others_wait_for() -> None:
    living = Living()
    living.add(secret("fence-dbcreds", password="p"), job("fence-dbcreate"), job("wts-oidc-job"))
    living.wait(60)
    assert living.get("Secret", "fence-dbcreds")["data"].keys() == {"password", "dbcreated"}
    assert living.get("Secret", "wts-oidc-client")["data"].keys() == {"client_id", "client_secret"}


def test_a_failing_job_is_tried_again_until_its_limit() -> None:
    living = Living()
    living.causes.add(Cause(Kind.FAIL, name="db-init", exit_code=2, log=("password authentication failed",)))
    living.add(job("db-init", backoffLimit=2))
    living.wait(200)
    body = living.get("Job", "db-init")
    assert body["status"]["failed"] == 3
    failed = condition(body, "Failed")
    assert (failed["reason"], failed["message"]) == (
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
    )


def test_a_job_may_fail_once_and_complete() -> None:
    living = Living()
    cause = Cause(Kind.FAIL)
    living.causes.add(cause)
    living.add(job("once"))
    living.wait(9)
    living.causes.clear()
    living.wait(60)
    body = living.get("Job", "once")
    assert (body["status"]["failed"], body["status"]["succeeded"]) == (1, 1)


def test_a_job_that_takes_too_long_ends() -> None:
    living = Living()
    living.causes.add(Cause(Kind.CRASH, after_seconds=10_000))
    living.add(job("slow", activeDeadlineSeconds=30))
    living.wait(60)
    assert condition(living.get("Job", "slow"), "Failed")["reason"] == "DeadlineExceeded"
    assert living.all("Pod") == []


def test_a_job_goes_after_its_time_to_live() -> None:
    living = Living()
    living.add(job("once", ttlSecondsAfterFinished=60))
    living.wait(30)
    assert living.find("Job", "once")
    living.wait(90)
    assert living.find("Job", "once") is None
    assert living.all("Pod") == []


def test_a_cron_job_starts_a_job_at_its_times_and_forgets_old_ones() -> None:
    living = Living()
    template = {"spec": job("x")["spec"]}
    living.add(
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "sync", "namespace": "a"},
            "spec": {"schedule": "*/30 * * * *", "jobTemplate": template, "successfulJobsHistoryLimit": 2},
        }
    )
    living.wait(29 * 60)
    assert living.all("Job") == []
    living.wait(2 * 60)
    [first] = living.all("Job")
    assert first["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-01-01T00:30:00Z"
    living.wait(3 * 3600)
    assert len(living.all("Job")) == 2
    assert living.get("CronJob", "sync")["status"]["lastSuccessfulTime"].startswith("2026-01-01T03:30")


@pytest.mark.parametrize(("suspend", "count"), [(True, 0), (False, 1)])
def test_a_suspended_cron_job_starts_nothing(suspend: bool, count: int) -> None:
    living = Living()
    template = {"spec": job("x")["spec"]}
    spec = {"schedule": "0 * * * *", "jobTemplate": template, "suspend": suspend}
    metadata = {"name": "sync", "namespace": "a"}
    living.add({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec})
    living.wait(3_700)
    assert len(living.all("Job")) == count


def test_pods_follow_the_usage_that_is_set() -> None:
    requests = {"requests": {"cpu": "100m"}}
    living = Living(usage_percent=160)
    living.add(
        workload("Deployment", "web", container(resources=requests)),
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "a"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 1,
                "maxReplicas": 4,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                    }
                ],
            },
        },
    )
    living.wait(120)
    assert living.get("Deployment", "web")["spec"]["replicas"] == 4
    limited = condition(living.get("HorizontalPodAutoscaler", "web"), "ScalingLimited")
    assert (limited["status"], limited["reason"]) == ("True", "TooManyReplicas")


def test_an_autoscaler_without_metrics_says_so() -> None:
    living = Living(metrics=False)
    living.add(
        workload("Deployment", "web"),
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "a"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "maxReplicas": 4,
            },
        },
    )
    living.wait()
    active = condition(living.get("HorizontalPodAutoscaler", "web"), "ScalingActive")
    assert active["reason"] == "FailedGetResourceMetric"


def test_a_budget_counts_what_may_be_missing() -> None:
    living = Living()
    metadata = {"name": "web", "namespace": "a"}
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    living.add({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec})
    living.add(workload("Deployment", "web", replicas=2))
    living.wait()
    status = living.get("PodDisruptionBudget", "web")["status"]
    assert (status["currentHealthy"], status["desiredHealthy"], status["disruptionsAllowed"]) == (2, 1, 1)


def test_a_service_has_the_ready_pods_as_endpoints() -> None:
    living = Living()
    metadata = {"name": "web", "namespace": "a"}
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    living.add({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    living.add(workload("Deployment", "web", container(ports=[{"name": "http", "containerPort": 8080}]), replicas=2))
    living.wait()
    [found] = living.all("EndpointSlice")
    assert found["ports"][0]["port"] == 8080
    assert [one["conditions"]["ready"] for one in found["endpoints"]] == [True, True]
    living.change("Deployment", "web", replicas=1)
    living.wait()
    [found] = living.all("EndpointSlice")
    assert len(found["endpoints"]) == 1


def test_a_load_balancer_is_given_a_host_name_after_a_while() -> None:
    living = Living()
    metadata = {"name": "web", "namespace": "a"}
    spec = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    living.add({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    living.wait(10)
    assert not living.get("Service", "web")["status"]["loadBalancer"]
    living.wait(20)
    [found] = living.get("Service", "web")["status"]["loadBalancer"]["ingress"]
    assert found["hostname"].endswith(".elb.us-east-1.amazonaws.com")


def ingress(name: str, annotation: str = "", **spec: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "a"}
    if annotation:
        metadata["annotations"] = {"kubernetes.io/ingress.class": annotation}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    spec_of: dict[str, Any] = {"defaultBackend": backend, **spec}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec_of}


def has_address(living: Living, name: str) -> bool:
    status = living.get("Ingress", name).get("status") or {}
    return bool((status.get("loadBalancer") or {}).get("ingress"))


def ingress_class(name: str) -> dict[str, Any]:
    spec = {"controller": "example.org/controller"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name}, "spec": spec}


def test_an_ingress_of_a_class_that_is_served_has_an_address_and_one_of_nobodys_class_has_none() -> None:
    living = Living()
    living.add(ingress_class("mine"))
    living.add(ingress("none"), ingress("usual", ingressClassName="alb"), ingress("noted", "alb"))
    living.add(ingress("own", ingressClassName="mine"), ingress("own-noted", "mine"))
    living.add(ingress("nobodys", ingressClassName="elsewhere"), ingress("nobodys-noted", "elsewhere"))
    living.wait(3600)
    served = {name for name in ("none", "usual", "noted", "own", "own-noted") if has_address(living, name)}
    assert served == {"none", "usual", "noted", "own", "own-noted"}
    assert not has_address(living, "nobodys")
    assert not has_address(living, "nobodys-noted")


def test_an_ingress_has_an_address_once_its_class_is_served() -> None:
    living = Living()
    living.add(ingress("front", ingressClassName="late"))
    living.wait(60)
    assert not has_address(living, "front")
    living.add(ingress_class("late"))
    living.wait(30)
    assert has_address(living, "front")


def test_an_ingress_whose_class_goes_before_its_load_balancer_is_there_stays_without_an_address() -> None:
    living = Living()
    living.add(ingress_class("brief"), ingress("front", ingressClassName="brief"))
    living.wait(5)
    living.delete("IngressClass", "brief")
    living.wait(60)
    assert not has_address(living, "front")
