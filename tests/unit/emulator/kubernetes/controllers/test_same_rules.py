"""Controllers and clients meet the same API server: what it makes of their pods and deletions does not differ."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from csoc.emulator.kubernetes.objects.allocation import quality
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.parts import stamp
from tests.unit.emulator.kubernetes.controllers.living import Living, container, workload

Object = dict[str, Any]

_NODES_TAINT = "node.kubernetes.io/unreachable"
_GIVEN = {
    "plain": {},
    "tolerates every taint": {"tolerations": [{"operator": "Exists"}]},
    "tolerates another effect": {"tolerations": [{"key": _NODES_TAINT, "operator": "Exists", "effect": "NoSchedule"}]},
    "account by its old name": {"serviceAccount": "default"},
    "with volumes": {"volumes": [{"name": "v"}, {"name": "s", "secret": {"secretName": "s"}}]},
    "with an init container": {"initContainers": [container("first", image="registry.example/first")]},
}


def client_made(living: Living, pod: Object) -> Object:
    """The same pod, as a client posts it: from the template that the pod was made of."""
    type_ = living.objects.types.resource("", "v1", "pods")
    assert type_ is not None
    template = living.all("ReplicaSet")[0]["spec"]["template"]
    name = pod["metadata"]["name"]
    body = copy.deepcopy(template)
    body["metadata"] |= {"name": "posted-" + name[-5:], "ownerReferences": pod["metadata"]["ownerReferences"]}
    body["metadata"]["generateName"] = pod["metadata"]["generateName"]
    return living.objects.create(type_, "a", body, Options(manager="kube-controller-manager"))


@pytest.mark.parametrize("pods", _GIVEN.values(), ids=_GIVEN)
def test_a_deployments_pod_is_as_the_same_pod_that_a_client_posts(pods: Object) -> None:
    living = Living(nodes=[])
    probed = container(
        readinessProbe={"httpGet": {"port": 80}},
        ports=[{"containerPort": 80}],
        resources={"limits": {"cpu": "100m", "memory": "1Gi"}},
    )
    living.add(workload("Deployment", "web", probed, pods=pods))
    living.wait(10)
    by_controller = living.pod("web-")
    by_client = client_made(living, by_controller)
    assert _without_name(by_controller) == _without_name(by_client)
    assert by_controller["metadata"].keys() == by_client["metadata"].keys()
    assert {"managedFields", "uid", "creationTimestamp", "generation"} <= by_controller["metadata"].keys()
    assert (by_controller["spec"]["priority"], by_controller["spec"]["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    [mine], [theirs] = by_controller["metadata"]["managedFields"], by_client["metadata"]["managedFields"]
    assert (mine["manager"], mine["operation"]) == ("kube-controller-manager", "Update")
    assert mine["fieldsV1"] == theirs["fieldsV1"]
    assert by_controller["status"]["qosClass"] == by_client["status"]["qosClass"]


def _without_name(pod: Object) -> Object:
    """The specification; a volume of a token has the pod's name in it."""
    spec: Object = copy.deepcopy(pod["spec"])
    tokens = [one for one in spec["volumes"] if one["name"].startswith("kube-api-access-")]
    assert len(tokens) == 1
    for mount in (
        mount
        for part in ("containers", "initContainers")
        for one in spec.get(part, ())
        for mount in one["volumeMounts"]
    ):
        mount["name"] = "token" if mount["name"] == tokens[0]["name"] else mount["name"]
    tokens[0]["name"] = "token"
    return spec


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_a_pod_with_a_toleration_of_every_taint_gets_no_other_by_default(kind: str) -> None:
    living = Living()
    living.add(workload(kind, "web", pods={"tolerations": [{"operator": "Exists"}]}))
    living.wait(10)
    found = [one for one in living.all("Pod")[0]["spec"]["tolerations"] if "tolerationSeconds" in one]
    assert found == []


def test_a_daemon_sets_pod_keeps_the_tolerations_of_its_template_and_their_time() -> None:
    given = {"key": "example.org/slow", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    never = {"key": _NODES_TAINT, "operator": "Exists", "effect": "NoExecute"}
    living = Living()
    living.add(workload("DaemonSet", "web", pods={"tolerations": [given, never | {"tolerationSeconds": 5}]}))
    living.wait(10)
    tolerations = living.all("Pod")[0]["spec"]["tolerations"]
    assert given in tolerations
    assert [one for one in tolerations if one.get("key") == _NODES_TAINT] == [never]


def test_a_refused_pod_is_told_of_in_an_event_of_its_controller() -> None:
    living = Living()
    living.add(workload("Deployment", "web", pods={"serviceAccountName": "nobody"}))
    living.wait(1)
    assert any("error looking up service account a/nobody" in one for one in living.events("FailedCreate"))


def test_what_changes_new_pods_changes_those_of_controllers_and_of_clients() -> None:
    living = Living(nodes=[])
    for objects in (living.objects, living.cluster.objects):
        objects.admit_pod = lambda pod: pod["spec"].update(hostname="changed")
    living.add(workload("Deployment", "web"))
    living.wait(5)
    pod = living.pod("web-")
    assert pod["spec"]["hostname"] == client_made(living, pod)["spec"]["hostname"] == "changed"


@pytest.mark.parametrize("grace", [None, 5, 0])
def test_a_deleted_pod_goes_at_the_same_moment_whoever_deletes_it(grace: int | None) -> None:
    living = Living()
    living.add(workload("Deployment", "web", replicas=2))
    living.wait(60)
    first, second = (one["metadata"]["name"] for one in living.all("Pod"))
    type_ = living.objects.types.resource("", "v1", "pods")
    assert type_ is not None
    now = living.timeline.now()
    living.objects.delete(type_, "a", first, Options(grace_seconds=grace))
    living.cluster.delete(living.objects.key(type_, "a", second), grace_seconds=grace)
    by_client, by_controller = living.find("Pod", first), living.find("Pod", second)
    if grace == 0:
        assert by_client is by_controller is None
        return
    assert by_client is not None
    assert by_controller is not None
    seconds = 30 if grace is None else grace
    for pod in (by_client, by_controller):
        metadata = pod["metadata"]
        assert metadata["deletionGracePeriodSeconds"] == seconds
        assert metadata["deletionTimestamp"] == stamp(now + timedelta(seconds=seconds))
    assert by_client["metadata"]["generation"] == by_controller["metadata"]["generation"]


def test_a_pod_that_a_deployment_gives_up_has_its_grace_before_it() -> None:
    living = Living()
    living.add(workload("Deployment", "web"))
    living.wait(60)
    living.change("Deployment", "web", replicas=0)
    now = living.timeline.now()
    living.wait(0.5)
    metadata = living.pod("web-")["metadata"]
    assert metadata["deletionGracePeriodSeconds"] == 30
    assert metadata["deletionTimestamp"] >= stamp(now + timedelta(seconds=30))


def _asks(**resources: Object) -> Object:
    return {"name": "c", "resources": resources}


_BOTH, _SAME = {"cpu": "1", "memory": "1Gi"}, {"cpu": "1000m", "memory": "1024Mi"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [_asks()]}, "BestEffort"),
        ({"containers": [_asks(limits={"nvidia.com/gpu": "1"}, requests={"nvidia.com/gpu": "1"})]}, "BestEffort"),
        ({"containers": [_asks(requests={"cpu": "0"})]}, "BestEffort"),
        ({"containers": [_asks(limits=_BOTH, requests=_SAME)]}, "Guaranteed"),
        ({"containers": [_asks(limits=_BOTH | {"nvidia.com/gpu": "1"}, requests=_BOTH)]}, "Guaranteed"),
        ({"containers": [_asks(limits=_BOTH, requests=_BOTH | {"cpu": "500m"})]}, "Burstable"),
        ({"containers": [_asks(limits=_BOTH, requests=_BOTH)], "initContainers": [_asks()]}, "Burstable"),
        ({"containers": [_asks()], "resources": {"limits": _BOTH, "requests": _SAME}}, "Guaranteed"),
        ({"containers": [_asks(requests={"cpu": "many"})]}, "BestEffort"),
    ],
)
def test_the_class_of_service_follows_cpu_and_memory_only(spec: Object, expected: str) -> None:
    assert quality(spec) == expected
