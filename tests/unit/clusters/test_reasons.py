"""Why a service is not ready: each thing that keeps it is named in words, the worst first, and no secret is shown."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.clusters.following.reasons import Objects, reasons

Body = dict[str, Any]


def pod(name: str = "fence-1", app: str = "fence", **status: Any) -> Body:
    return {"metadata": {"name": name, "labels": {"app": app}}, "status": {"phase": "Pending", **status}}


def waiting(reason: str, message: str = "", **more: Any) -> Body:
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(containerStatuses=[{"name": "fence", "image": "quay.io/cdis/fence:9", "state": state, **more}])


def event(reason: str, message: str, of: str = "fence-1") -> Body:
    return {"reason": reason, "message": message, "type": "Warning", "involvedObject": {"name": of}}


def external(name: str = "fence-config", message: str = "could not get secret", status: str = "False") -> Body:
    return {
        "metadata": {"name": name},
        "spec": {"target": {"name": name}, "data": [{"remoteRef": {"key": f"csoc/u1/{name}"}}]},
        "status": {"conditions": [{"type": "Ready", "status": status, "reason": "Error", "message": message}]},
    }


def told(**found: Any) -> list[str]:
    return [str(one) for one in reasons(Objects(**found))]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (waiting("ImagePullBackOff", "not found"), "fence: the image quay.io/cdis/fence:9 cannot be had: not found"),
        (
            waiting("CreateContainerConfigError", 'secret "fence-jwt" not found'),
            "fence: there is no secret fence-jwt",
        ),
        (
            waiting("CreateContainerConfigError", "couldn't find key host in Secret heart/fence-db"),
            "fence: the secret fence-db has no key host",
        ),
        (
            waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
            "fence: it needs more memory than its limit",
        ),
        (
            waiting("CrashLoopBackOff", restartCount=4, lastState={"terminated": {"exitCode": 1, "reason": "Error"}}),
            "fence: it ends again and again (Error, code 1, 4 restarts)",
        ),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/2 nodes: Insufficient cpu."}]),
            "fence: no node takes it: 0/2 nodes: Insufficient cpu",
        ),
        (pod(phase="Failed", reason="Evicted", message="low on memory"), "fence: it was evicted: low on memory"),
    ],
)
def test_what_keeps_a_pod_is_named_with_what_to_do(body: Body, words: str) -> None:
    found = told(pods=[body])
    assert len(found) == 1
    assert found[0].startswith(words)
    assert found[0] != words, "and what to do"


def test_a_pod_that_is_ready_or_done_has_no_reason() -> None:
    ready = pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}])
    assert told(pods=[ready, pod(phase="Succeeded")]) == []


def test_a_pod_that_waits_for_a_secret_that_is_not_synced_comes_after_the_secret() -> None:
    mounting = event("FailedMount", 'MountVolume.SetUp failed: secret "fence-config" not found')
    found = told(pods=[pod()], events=[mounting], external_secrets=[external()])
    assert found[0].startswith("fence-config: the secret fence-config (from csoc/u1/fence-config) is not synced")
    assert found[1] == "fence: it waits for the secret fence-config, which is not synced"


def test_a_secret_that_nobody_looks_after_means_that_external_secrets_is_away() -> None:
    body = external()
    body["status"] = {}
    assert told(external_secrets=[body]) == [
        "fence-config: nobody has looked after the secret fence-config yet. "
        "External Secrets is not installed, or is not ready"
    ]


def test_a_store_that_cannot_be_used_is_said_once_and_first() -> None:
    store = {"metadata": {"name": "gen3"}, "status": {"conditions": [
        {"type": "Ready", "status": "False", "message": "AccessDenied"}]}}  # fmt: skip
    found = told(stores=[store], pods=[waiting("CrashLoopBackOff")])
    assert found[0].startswith("gen3: the secret store cannot be used: AccessDenied")


def test_a_failed_job_is_named_with_the_code_that_its_container_ended_with() -> None:
    job = {"metadata": {"name": "usersync"}, "status": {"conditions": [
        {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}  # fmt: skip
    ended = {"state": {"terminated": {"exitCode": 2, "message": "no user.yaml"}}}
    body = pod("usersync-1", phase="Failed", containerStatuses=[ended])
    body["metadata"]["labels"] = {"job-name": "usersync"}
    found = told(jobs=[job], pods=[body])
    assert found[0].startswith(
        "usersync: its job failed (BackoffLimitExceeded), its container ended with code 2: no user.yaml"
    )


def test_a_quota_and_a_volume_are_named() -> None:
    refused = event("FailedCreate", "pods is forbidden: exceeded quota: small", of="fence-7d9")
    claim = {"metadata": {"name": "data"}, "status": {"phase": "Pending"}}
    found = told(events=[refused, event("ProvisioningFailed", "no class gp9", of="data")], claims=[claim])
    assert [one.partition(":")[0] for one in found] == ["fence-7d9", "data"]
    assert "its volume is not made: no class gp9" in found[1]


def test_the_same_cause_of_many_pods_is_said_once() -> None:
    many = [pod(f"fence-{number}", conditions=[{"type": "PodScheduled", "status": "False", "message": "no room"}])
            for number in range(5)]  # fmt: skip
    assert len(told(pods=many)) == 1


def test_secrets_in_what_a_cluster_says_are_masked() -> None:
    said = "postgres://fence:hunter2secret@db.example.org/fence refused"
    found = told(pods=[waiting("CreateContainerError", said), waiting("ImagePullBackOff", said)])
    assert found
    assert "hunter2secret" not in " ".join(found)


@pytest.mark.parametrize("odd", [None, [], "x", {"status": "x"}, {"metadata": {"labels": []}, "status": {"a": 1}}])
def test_objects_of_another_shape_are_no_reason_and_no_crash(odd: Any) -> None:
    body = odd if isinstance(odd, dict) else {}
    told(pods=[body], jobs=[body], external_secrets=[body], stores=[body], events=[body], claims=[body])


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("workloads", {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]},
         "thing: its pods are not let in: exceeded quota"),
        ("workloads", {"conditions": [{"type": "Progressing", "status": "False", "message": "timed out"}]},
         "thing: it does not get on: timed out"),
        ("cron_jobs", {"lastScheduleTime": "2026-11-23T12:05:00Z", "lastSuccessfulTime": "2026-11-23T12:00:01Z"},
         "thing: its last execution did not end well"),
        ("autoscalers", {"conditions": [{"type": "ScalingActive", "status": "False", "message": "no metrics"}]},
         "thing: it cannot be scaled: no metrics"),
        ("ingresses", {}, "thing: it has no load balancer yet"),
    ],
)  # fmt: skip
def test_what_argo_cd_finds_degraded_though_all_pods_are_ready_is_named(kind: str, body: Body, words: str) -> None:
    [found] = told(**{kind: [{"metadata": {"name": "thing"}, "status": body}]})
    assert found.startswith(words)


def test_what_is_well_gives_no_reason() -> None:
    ended = {"lastScheduleTime": "2026-11-23T12:05:00Z", "lastSuccessfulTime": "2026-11-23T12:05:00Z"}
    running = {"lastScheduleTime": "2026-11-23T12:05:00Z", "active": [{}]}
    balanced = {"loadBalancer": {"ingress": [{"hostname": "h"}]}}
    assert told(cron_jobs=[{"status": ended}, {"status": running}], ingresses=[{"status": balanced}]) == []
