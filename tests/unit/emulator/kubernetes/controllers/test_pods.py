"""Pods become ready, or say why not in the words of the real kubelet and scheduler."""

from __future__ import annotations

import pytest

from csoc.emulator.kubernetes.controllers.causes import Cause, Kind
from csoc.emulator.kubernetes.controllers.kubelet import reconsider
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from tests.unit.emulator.kubernetes.controllers.living import (
    Living,
    Object,
    condition,
    config_map,
    container,
    is_ready,
    pod,
    secret,
    waiting,
    workload,
)

MOUNT: Object = {"name": "v", "mountPath": "/v"}
CPU: Object = {"resources": {"requests": {"cpu": "3"}}}


def test_a_pod_takes_time_to_become_ready() -> None:
    living = Living()
    living.add(pod("web"))
    living.wait(0.2)
    assert living.pod()["status"]["phase"] == "Pending"
    living.wait(0.5)
    assert waiting(living.pod())[0] == "ContainerCreating"
    living.wait(10)
    assert is_ready(living.pod())
    assert living.pod()["status"]["phase"] == "Running"
    assert {"Scheduled", "Pulling", "Pulled", "Created", "Started"} <= {one["reason"] for one in living.all("Event")}


def test_a_pod_with_a_readiness_probe_is_running_before_it_is_ready() -> None:
    living = Living()
    living.add(pod("web", container(readinessProbe={"httpGet": {"port": 80}, "initialDelaySeconds": 20})))
    living.wait(10)
    assert living.pod()["status"]["phase"] == "Running"
    assert not is_ready(living.pod())
    assert condition(living.pod(), "Ready")["message"] == "containers with unready status: [main]"
    living.wait(20)
    assert is_ready(living.pod())


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"envFrom": [{"secretRef": {"name": "s"}}]}, 'secret "s" not found'),
        ({"envFrom": [{"configMapRef": {"name": "m"}}]}, 'configmap "m" not found'),
        (
            {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "there", "key": "none"}}}]},
            "couldn't find key none in Secret a/there",
        ),
        (
            {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "mapped", "key": "none"}}}]},
            "couldn't find key none in ConfigMap a/mapped",
        ),
    ],
)
def test_what_the_environment_names_and_is_not_there_is_a_config_error(extra: Object, message: str) -> None:
    living = Living()
    living.add(secret("there", k="v"), config_map("mapped", k="v"), pod("web", container(**extra)))
    living.wait()
    assert waiting(living.pod()) == ("CreateContainerConfigError", message)
    assert f"Error: {message}" in living.events("Failed")


def test_an_optional_secret_that_is_missing_stops_nothing() -> None:
    living = Living()
    living.add(pod("web", container(envFrom=[{"secretRef": {"name": "s", "optional": True}}])))
    living.wait()
    assert is_ready(living.pod())


def test_a_pod_starts_soon_after_the_secret_that_it_waited_for_is_made() -> None:
    living = Living()
    living.add(pod("web", container(envFrom=[{"secretRef": {"name": "s"}}])))
    living.wait(1_000)
    living.add(secret("s", k="v"))
    living.wait(5)
    assert is_ready(living.pod())


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"secret": {"secretName": "s"}}, 'MountVolume.SetUp failed for volume "v" : secret "s" not found'),
        ({"configMap": {"name": "m"}}, 'MountVolume.SetUp failed for volume "v" : configmap "m" not found'),
        (
            {"secret": {"secretName": "there", "items": [{"key": "none", "path": "p"}]}},
            'MountVolume.SetUp failed for volume "v" : references non-existent secret key: none',
        ),
        (
            {"projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "m"}}]}},
            'MountVolume.SetUp failed for volume "v" : [secret "s" not found, configmap "m" not found]',
        ),
    ],
)
def test_a_volume_that_cannot_be_mounted_is_told_and_the_pod_waits(volume: Object, message: str) -> None:
    living = Living()
    living.add(secret("there", k="v"), pod("web", container(volumeMounts=[MOUNT]), volumes=[{"name": "v"} | volume]))
    living.wait()
    assert waiting(living.pod())[0] == "ContainerCreating"
    assert message in living.events("FailedMount")


def test_a_pod_waits_for_no_volume_that_none_of_its_containers_mounts() -> None:
    living = Living()
    living.add(pod("web", volumes=[{"name": "v", "configMap": {"name": "m"}}]))
    living.wait()
    assert is_ready(living.pod())
    assert not living.events("FailedMount")


def test_a_pod_waits_for_a_volume_that_only_a_container_of_its_beginning_mounts() -> None:
    living = Living()
    first = container("first", volumeMounts=[MOUNT])
    living.add(pod("web", initContainers=[first], volumes=[{"name": "v", "configMap": {"name": "m"}}]))
    living.wait()
    assert 'MountVolume.SetUp failed for volume "v" : configmap "m" not found' in living.events("FailedMount")


def test_a_mount_that_fails_is_tried_ever_more_rarely() -> None:
    living = Living()
    volumes = [{"name": "v", "secret": {"secretName": "s"}}]
    living.add(pod("web", container(volumeMounts=[MOUNT]), volumes=volumes))
    living.wait(600)
    [event] = [one for one in living.all("Event") if one["reason"] == "FailedMount"]
    assert 8 <= event["count"] <= 12


def test_an_image_that_no_registry_has_is_backed_off() -> None:
    living = Living(images=lambda image: "missing" not in image)
    living.add(pod("web", container(image="missing:1")))
    living.wait(4)
    reason, message = waiting(living.pod())
    assert reason == "ErrImagePull"
    assert message == (
        'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/missing:1": failed to '
        'resolve reference "docker.io/library/missing:1": docker.io/library/missing:1: not found'
    )
    living.wait(2)
    assert waiting(living.pod())[0] == "ImagePullBackOff"
    assert waiting(living.pod())[1].startswith('Back-off pulling image "missing:1": ErrImagePull: rpc error')
    living.wait(3_000)
    pulls = next(one for one in living.all("Event") if one["reason"] == "Pulling")
    assert 10 <= pulls["count"] <= 18  # 10 s, 20 s, ... 300 s


def test_a_pod_that_no_node_can_hold_says_what_each_lacks() -> None:
    living = Living(nodes=[Node("n1", {"cpu": "2", "memory": "8Gi"}), Node("n2", {"cpu": "2", "memory": "8Gi"})])
    living.add(pod("web", container(**CPU)))
    living.wait()
    scheduled = condition(living.pod(), "PodScheduled")
    assert (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")
    assert scheduled["message"] == (
        "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are "
        "available: 2 No preemption victims found for incoming pod."
    )
    assert living.events("FailedScheduling") == [scheduled["message"]]


def test_taints_and_selectors_keep_a_pod_away() -> None:
    taint = {"key": "dedicated", "value": "jupyter", "effect": "NoSchedule"}
    living = Living(nodes=[Node("n1", taints=[taint]), Node("n2")])
    living.add(pod("web", nodeSelector={"role": "workflow"}))
    living.wait()
    assert condition(living.pod(), "PodScheduled")["message"] == (
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint "
        "{dedicated: jupyter}. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not "
        "helpful for scheduling."
    )


def test_a_cluster_without_nodes_says_so() -> None:
    living = Living(nodes=())
    living.add(pod("web"))
    living.wait()
    assert condition(living.pod(), "PodScheduled")["message"] == "no nodes available to schedule pods"


def test_a_waiting_pod_is_placed_when_a_node_comes() -> None:
    living = Living(nodes=())
    living.add(pod("web"))
    living.wait(10_000)
    set_nodes(living.cluster, [Node("n1")])
    living.wait()
    assert is_ready(living.pod())


def test_room_is_shared_out_over_nodes() -> None:
    living = Living(nodes=[Node("n1"), Node("n2")])
    living.add(pod("one", container(**CPU)))
    living.wait(1)
    living.add(pod("two", container(**CPU)))
    living.wait()
    assert {one["spec"]["nodeName"] for one in living.all("Pod")} == {"n1", "n2"}


def test_pods_go_with_their_node() -> None:
    living = Living(nodes=[Node("n1")])
    living.add(workload("Deployment", "web"))
    living.wait()
    set_nodes(living.cluster, [Node("n9")])
    living.wait()
    assert living.pod()["spec"]["nodeName"] == "n9"


def test_init_containers_run_one_after_the_other_before_the_others() -> None:
    living = Living()
    init = [container("first"), container("second")]
    living.add(pod("web", initContainers=init))
    living.wait(5)
    assert [next(iter(one["state"])) for one in living.pod()["status"]["initContainerStatuses"]] == [
        "terminated",
        "waiting",
    ]
    assert waiting(living.pod())[0] == "PodInitializing"
    assert condition(living.pod(), "Initialized")["message"] == "containers with incomplete status: [second]"
    living.wait(20)
    assert is_ready(living.pod())


def test_a_sidecar_runs_beside_the_others() -> None:
    living = Living()
    living.add(pod("web", initContainers=[container("side", restartPolicy="Always"), container("once")]))
    living.wait()
    states = [next(iter(one["state"])) for one in living.pod()["status"]["initContainerStatuses"]]
    assert states == ["running", "terminated"]
    assert is_ready(living.pod())


def test_a_failing_init_container_keeps_the_pod_from_starting() -> None:
    living = Living()
    living.causes.add(Cause(Kind.CRASH, container="first"))
    living.add(pod("web", initContainers=[container("first")]))
    living.wait(100)
    [status] = living.pod()["status"]["initContainerStatuses"]
    assert status["restartCount"] >= 2
    assert living.pod()["status"]["phase"] == "Pending"


def test_a_crashing_container_is_restarted_ever_more_rarely() -> None:
    living = Living()
    living.causes.add(Cause(Kind.CRASH, name="web", exit_code=3))
    living.add(pod("web"))
    living.wait(8)
    [status] = living.pod()["status"]["containerStatuses"]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 3
    living.wait(5)
    reason, message = waiting(living.pod())
    assert reason == "CrashLoopBackOff"
    uid = living.pod()["metadata"]["uid"]
    assert message == f"back-off 10s restarting failed container=main pod=web_a({uid})"
    living.wait(3_600)
    count = living.pod()["status"]["containerStatuses"][0]["restartCount"]
    assert 12 <= count <= 17
    assert living.pod()["status"]["phase"] == "Running"


def test_a_cause_strikes_as_often_as_it_says() -> None:
    living = Living()
    living.causes.add(Cause(Kind.CRASH, times=2))
    living.add(pod("web"))
    living.wait(300)
    assert living.pod()["status"]["containerStatuses"][0]["restartCount"] == 2
    assert is_ready(living.pod())


def test_a_cause_matches_the_names_of_owners() -> None:
    living = Living()
    living.causes.add(Cause(Kind.CRASH, name="web"))
    living.add(workload("Deployment", "web"), workload("Deployment", "other"))
    living.wait()
    assert not is_ready(living.pod("web"))
    assert is_ready(living.pod("other"))


def test_too_much_memory_kills() -> None:
    living = Living()
    living.causes.add(Cause(Kind.OOM, times=1))
    living.add(pod("web"))
    living.wait(20)
    ended = living.pod()["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


def test_a_failing_readiness_probe_leaves_the_pod_running_and_unready() -> None:
    living = Living()
    living.causes.add(Cause(Kind.READINESS, message="HTTP probe failed with statuscode: 502"))
    living.add(pod("web"))
    living.wait(100)
    assert living.pod()["status"]["phase"] == "Running"
    assert not is_ready(living.pod())
    assert living.events("Unhealthy") == ["Readiness probe failed: HTTP probe failed with statuscode: 502"]


def test_a_rule_that_is_taken_away_lets_the_pod_recover() -> None:
    living = Living()
    cause = Cause(Kind.READINESS)
    living.causes.add(cause)
    living.add(pod("web"))
    living.wait(60)
    living.causes.remove(cause)
    reconsider(living.cluster)
    living.wait(60)
    assert is_ready(living.pod())


def test_a_failing_liveness_probe_restarts_the_container() -> None:
    living = Living()
    living.causes.add(Cause(Kind.LIVENESS, times=1))
    living.add(pod("web"))
    living.wait(100)
    assert living.pod()["status"]["containerStatuses"][0]["restartCount"] == 1
    assert "Container main failed liveness probe, will be restarted" in living.events("Killing")
    assert is_ready(living.pod())


def test_a_slow_start_takes_longer() -> None:
    living = Living()
    living.causes.add(Cause(Kind.SLOW, after_seconds=120))
    living.add(pod("web"))
    living.wait(60)
    assert not is_ready(living.pod())
    living.wait(100)
    assert is_ready(living.pod())


def test_an_evicted_pod_is_replaced_by_its_controller() -> None:
    living = Living()
    living.causes.add(Cause(Kind.EVICTED, name="web-*", after_seconds=60))
    living.add(workload("Deployment", "web"))
    living.wait(90)
    living.causes.clear()
    living.wait(90)
    phases = sorted(one["status"]["phase"] for one in living.all("Pod"))
    assert phases == ["Failed", "Running"]
    [failed] = [one for one in living.all("Pod") if one["status"]["phase"] == "Failed"]
    assert failed["status"]["reason"] == "Evicted"


def test_a_deleted_pod_ends_before_it_goes() -> None:
    living = Living()
    living.add(pod("web"))
    living.wait()
    living.delete("Pod", "web")
    assert living.pod()["metadata"]["deletionTimestamp"]
    living.wait(5)
    assert living.all("Pod") == []
    assert "Stopping container main" in living.events("Killing")


def test_kwoks_pods_are_ready_whatever_is_missing() -> None:
    living = Living(as_kwok=True, images=lambda _: False)
    living.add(pod("web", container(envFrom=[{"secretRef": {"name": "s"}}])))
    living.wait(1)
    assert is_ready(living.pod())


def test_a_cluster_at_rest_waits_for_nothing_but_the_end_of_its_events() -> None:
    living = Living(event_seconds=100)
    living.add(workload("Deployment", "web"), pod("single"))
    living.wait(500)
    assert not living.cluster.busy
    assert living.cluster.memory == {} or all(isinstance(value, dict) for value in living.cluster.memory.values())
    assert living.all("Event") == []
    living.timeline.run_until_idle()


def test_a_pod_has_its_nodes_address() -> None:
    living = Living(nodes=[Node("n1", address="10.7.0.5")])
    living.add(workload("Deployment", "web"), workload("Deployment", "agent", pods={"hostNetwork": True}))
    living.wait()
    told = {one["metadata"]["labels"]["app"]: one["status"] for one in living.all("Pod")}
    assert {one["hostIP"] for one in told.values()} == {"10.7.0.5"}
    assert (told["agent"]["podIP"], told["web"]["podIP"] != "10.7.0.5") == ("10.7.0.5", True)
