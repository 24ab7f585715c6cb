"""What goes wrong with a workload looks the same in Argo CD, whatever it goes wrong on.

On a simulated cluster the kubelet and the scheduler find by themselves what is wrong, or a rule says it. On the real
one the scheduler, the controllers and Argo CD are real, and no kubelet is there: what it would say of a Pod is written
by the test, word by word, and a simulated kubelet has to say the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from csoc.clusters.applications import Applications
from csoc.clusters.client import Where
from csoc.emulator.kubernetes.controllers.causes import Cause, Causes, Kind
from csoc.emulator.kubernetes.controllers.settings import Settings
from tests.contract.argocd_cases import CHART, SECONDS, Object, application
from tests.contract.argocd_worlds import PLAYED_POD, ArgoWorld, RealArgo, Seen, SimulatedArgo
from tests.contract.cluster_worlds import SimulatedWorld, simulated_world

ABSENT, PRESENT = "registry.example.org/absent:1", "registry.example.org/small:1"
EXIT_CODE = 3
NOT_FOUND = (
    f'rpc error: code = NotFound desc = failed to pull and unpack image "{ABSENT}": failed to resolve reference '
    f'"{ABSENT}": {ABSENT}: not found'
)
WAITING_FOR_REPLICAS = "Waiting for rollout to finish: 0 out of 1 new replicas are available..."
NO_NODE = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedWorld]:
    causes = Causes([Cause(Kind.READINESS, name="unready-*"), Cause(Kind.FAIL, name="broken-*", exit_code=EXIT_CODE)])
    settings = Settings(images=lambda image: image != ABSENT, causes=causes)
    with simulated_world(tmp_path_factory.mktemp("cache"), settings=settings) as made:
        yield made


@pytest.fixture(
    params=[
        pytest.param("simulated", marks=pytest.mark.gitea),
        pytest.param("real", marks=[pytest.mark.kubernetes, pytest.mark.gitea]),
    ]
)
def world(request: pytest.FixtureRequest) -> ArgoWorld:
    if request.param == "simulated":
        return SimulatedArgo(request.getfixturevalue("simulated"), request.getfixturevalue("gitea"))
    return RealArgo(request.getfixturevalue("delivery"), request.getfixturevalue("gitea"))


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a Pod. pod: of its specification. state, phase, started: what the kubelet says of it.
    health: Argo CD's of the Pod; told: what the health's message holds."""

    pod: Object
    state: Object
    health: str
    told: str = ""
    phase: str = "Pending"
    image: str = PRESENT
    container: Object = field(default_factory=dict)


def waiting(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


TROUBLES = {
    "an image that is not there": Trouble(
        {},
        waiting("ImagePullBackOff", f'Back-off pulling image "{ABSENT}": ErrImagePull: {NOT_FOUND}'),
        "Degraded",
        NOT_FOUND,
        image=ABSENT,
    ),
    "a Secret that its environment needs": Trouble(
        {},
        waiting("CreateContainerConfigError", 'secret "absent" not found'),
        "Degraded",
        'secret "absent" not found',
        container={"envFrom": [{"secretRef": {"name": "absent"}}]},
    ),
    "a Secret that it mounts": Trouble(
        {"volumes": [{"name": "absent", "secret": {"secretName": "absent"}}]},
        waiting("ContainerCreating"),
        "Progressing",
        container={"volumeMounts": [{"name": "absent", "mountPath": "/absent"}]},
    ),
    "a probe that fails": Trouble(
        {},
        {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        "Progressing",
        phase="Running",
        container={"readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}},
    ),
}


def said(trouble: Trouble) -> Object:
    """The Pod's status as the kubelet writes it."""
    running = "running" in trouble.state
    container = {"name": "main", "image": trouble.image, "imageID": "", "ready": False, "restartCount": 0}
    return {
        "phase": trouble.phase,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady"},
            {"type": "ContainersReady", "status": "False", "reason": "ContainersNotReady"},
        ],
        "containerStatuses": [{**container, "started": running, "state": trouble.state}],
    }


def manifest(body: Object) -> str:
    """A template that renders to this. JSON holds no two braces that open beside each other."""
    return json.dumps(body)


def pods(labels: Object, spec: Object) -> Object:
    """A template of Pods that no kwok plays, and that go at once, since no kubelet would end them."""
    return {
        "metadata": {"labels": labels, "annotations": PLAYED_POD},
        "spec": {"terminationGracePeriodSeconds": 0, **spec},
    }


def deployment(labels: Object, spec: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "small"},
        "spec": {
            "progressDeadlineSeconds": 5,
            "selector": {"matchLabels": labels},
            "template": pods(labels, spec),
        },
    }


def degraded(world: ArgoWorld, workload: Object, status: Object | None) -> list[Seen]:
    """How Argo CD finds each object of an Application with this workload, once it finds the whole Degraded.

    status: what the kubelet says of its Pod; None if no kubelet comes to see it."""
    world.push({**CHART, "chart/templates/workload.yaml": manifest(workload)})
    world.grant()
    name = application(world, automated={})
    if status is not None:
        world.play_kubelet(status)
    found = Applications(world.client).wait_for(name, lambda one: one.health == "Degraded", SECONDS)
    assert found.operation is not None
    assert (found.sync, found.operation.phase) == ("Synced", "Succeeded")
    return [one for one in world.seen(name) if one.status]


def by_kind(found: list[Seen]) -> dict[str, tuple[str, str]]:
    assert len({one.kind for one in found}) == len(found)
    return {one.kind: (one.status, one.message) for one in found}


def its_pod(world: ArgoWorld, is_so: Callable[[Object], bool]) -> Object:
    """The Pod of the namespace, once its status is so."""
    for change in world.client.watch("v1", "Pod", "0", Where(world.namespace), seconds=SECONDS):
        status: Object = change.object.get("status", {})
        if change.type != "BOOKMARK" and is_so(status):
            return status
    raise TimeoutError(f"the Pod's status never is as asked in {SECONDS:.0f} s")


def says(state: Object) -> Callable[[Object], bool]:
    """Whether a Pod's only container is in a state; times are its own."""

    def timeless(found: Object) -> Object:
        return {
            kind: {name: value for name, value in what.items() if name in ("reason", "message", "exitCode")}
            for kind, what in found.items()
        }

    def is_so(status: Object) -> bool:
        found = status.get("containerStatuses") or [{"state": {}}]
        return timeless(found[0]["state"]) == timeless(state)

    return is_so


@pytest.mark.parametrize("what", TROUBLES)
def test_a_workload_that_cannot_start_exceeds_its_deadline_and_its_pod_says_why(world: ArgoWorld, what: str) -> None:
    trouble = TROUBLES[what]
    container = {"name": "main", "image": trouble.image, **trouble.container}
    labels = {"app": "small"}
    workload = deployment(labels, {"containers": [container], **trouble.pod})
    if "readinessProbe" in container:
        workload["metadata"]["name"] = "unready-small"
    found = by_kind(degraded(world, workload, said(trouble)))
    name = workload["metadata"]["name"]
    assert found["Deployment"] == ("Degraded", f'Deployment "{name}" exceeded its progress deadline')
    assert found["ReplicaSet"] == ("Progressing", WAITING_FOR_REPLICAS)
    health, message = found["Pod"]
    assert health == trouble.health
    assert trouble.told in message
    assert bool(trouble.told) == bool(message)
    # An image that is not there is asked for again and again, and what is said goes to and fro.
    status = its_pod(world, says(trouble.state))
    assert status["phase"] == trouble.phase
    assert not status["containerStatuses"][0]["ready"]


def test_a_workload_that_fits_on_no_node_exceeds_its_deadline_and_the_scheduler_says_why(world: ArgoWorld) -> None:
    nowhere = {"containers": [{"name": "main", "image": PRESENT}], "nodeSelector": {"zone": "nowhere"}}
    found = by_kind(degraded(world, deployment({"app": "small"}, nowhere), None))
    assert found == {
        "Deployment": ("Degraded", 'Deployment "small" exceeded its progress deadline'),
        "ReplicaSet": ("Progressing", WAITING_FOR_REPLICAS),
        "Pod": ("Progressing", ""),
    }
    [scheduled] = its_pod(world, lambda status: bool(status.get("conditions")))["conditions"]
    assert (scheduled["type"], scheduled["status"], scheduled["reason"]) == ("PodScheduled", "False", "Unschedulable")
    assert scheduled["message"].startswith(NO_NODE)


def job(name: str, **spec: Any) -> Object:
    main = {"containers": [{"name": "main", "image": PRESENT}], "restartPolicy": "Never"}
    template = pods({"app": name}, main)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": template, **spec},
    }


def test_a_job_that_fails_degrades_the_application_and_its_pod_says_how_it_ended(world: ArgoWorld) -> None:
    times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}
    ended = {"terminated": {"exitCode": EXIT_CODE, "reason": "Error", **times}}
    trouble = Trouble({}, ended, "Degraded", phase="Failed")
    assert by_kind(degraded(world, job("broken-job"), said(trouble))) == {
        "Job": ("Degraded", "Job has reached the specified backoff limit"),
        "Pod": ("Degraded", f'container "main" failed with exit code {EXIT_CODE}'),
    }
    assert its_pod(world, says(ended))["phase"] == "Failed"


def test_a_job_that_takes_too_long_degrades_the_application(world: ArgoWorld) -> None:
    slow = job("slow-job", activeDeadlineSeconds=2)
    slow["spec"]["template"]["spec"]["nodeSelector"] = {"zone": "nowhere"}
    found = by_kind(degraded(world, slow, None))
    assert found == {"Job": ("Degraded", "Job was active longer than specified deadline")}
