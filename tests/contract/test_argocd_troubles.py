"""What goes wrong with a workload looks the same in Argo CD, whatever it goes wrong on.

On a simulated cluster the kubelet and the scheduler find by themselves what is wrong, or a rule says it. On the real
one the scheduler, the controllers and Argo CD are real, and no kubelet is there: what it would say of a Pod is written
by the test, word by word, and a simulated kubelet has to say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from csoc.clusters.client import Where
from csoc.emulator.kubernetes.controllers.causes import Cause, Causes, Kind
from csoc.emulator.kubernetes.controllers.settings import Settings
from tests.contract.argocd_cases import CHART, SECONDS, Asking, Object, application
from tests.contract.argocd_worlds import PLAYED_POD, ArgoWorld, Seen

ABSENT, PRESENT = "registry.example.org/absent:1", "registry.example.org/small:1"
EXIT_CODE = 3
EVICTED = "The node was low on resource: ephemeral-storage."
NOT_FOUND = (
    f'rpc error: code = NotFound desc = failed to pull and unpack image "{ABSENT}": failed to resolve reference '
    f'"{ABSENT}": {ABSENT}: not found'
)
WAITING_FOR_REPLICAS = "Waiting for rollout to finish: 0 out of 1 new replicas are available..."
NO_NODE = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."


@pytest.fixture(scope="module")
def argo_cluster_settings() -> Settings:
    troubles = [*TROUBLES.values(), *JOB_TROUBLES.values()]
    causes = Causes([trouble.cause for trouble in troubles if trouble.cause is not None])
    return Settings(images=lambda image: image != ABSENT, causes=causes)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a Pod. pod, container, image: of its specification. state, before, phase: what the kubelet
    says of its container, of the container's last end, and of the Pod; whole: what else it says of the Pod.
    health: Argo CD's of the Pod; told: what the health's message holds.
    cause: the rule that makes it so on a simulated cluster, None where it follows from the specification. The workload
    has the cause's name."""

    pod: Object
    state: Object
    health: str
    told: str = ""
    phase: str = "Pending"
    image: str = PRESENT
    container: Object = field(default_factory=dict)
    before: Object = field(default_factory=dict)
    whole: Object = field(default_factory=dict)
    cause: Cause | None = None

    @property
    def name(self) -> str:
        return self.cause.name if self.cause is not None else "small"


def waiting(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def ended(exit_code: int, reason: str) -> Object:
    times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}
    return {"terminated": {"exitCode": exit_code, "reason": reason, **times}}


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
        cause=Cause(Kind.READINESS, name="unready"),
    ),
    "a container that crashes": Trouble(
        {},
        waiting("CrashLoopBackOff", "back-off 10s restarting failed container=main pod=a"),
        "Degraded",
        "restarting failed container=main",
        phase="Running",
        before=ended(EXIT_CODE, "Error"),
        cause=Cause(Kind.CRASH, name="crashing", exit_code=EXIT_CODE),
    ),
    "a container that takes too much memory": Trouble(
        {},
        waiting("CrashLoopBackOff", "back-off 10s restarting failed container=main pod=a"),
        "Degraded",
        "restarting failed container=main",
        phase="Running",
        before=ended(137, "OOMKilled"),
        cause=Cause(Kind.OOM, name="greedy"),
    ),
}
# A rule that evicts waits until the container runs: a job's begins after three seconds and takes five.
JOB_TROUBLES = {
    "an exit code": Trouble(
        {},
        ended(EXIT_CODE, "Error"),
        "Degraded",
        f'container "main" failed with exit code {EXIT_CODE}',
        phase="Failed",
        cause=Cause(Kind.FAIL, name="broken-job", exit_code=EXIT_CODE),
    ),
    "too much memory": Trouble(
        {}, ended(137, "OOMKilled"), "Degraded", "OOMKilled", phase="Failed", cause=Cause(Kind.OOM, name="greedy-job")
    ),
    "an eviction": Trouble(
        {},
        ended(137, "Error"),
        "Degraded",
        EVICTED,
        phase="Failed",
        whole={"reason": "Evicted", "message": EVICTED},
        cause=Cause(Kind.EVICTED, name="evicted-job", after_seconds=5, message=EVICTED),
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
        "containerStatuses": [{**container, "started": running, "state": trouble.state, "lastState": trouble.before}],
        **trouble.whole,
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


def degraded(argo: ArgoWorld, workload: Object, status: Object | None, pod_told: str = "") -> list[Seen]:
    """How Argo CD finds each object of an Application with this workload, once it finds the whole Degraded.

    status: what the kubelet says of its Pod; None if no kubelet comes to see it. pod_told: what the message of the
    Pod's health holds at some time; a container that is started again and again goes to and fro."""
    argo.push({**CHART, "chart/templates/workload.yaml": manifest(workload)})
    argo.grant()
    name, applications = application(argo, automated={}), Asking(argo)
    if status is not None:
        argo.play_kubelet(status)
    found = applications.wait_for(name, lambda one: one.health == "Degraded", SECONDS)
    assert found.operation is not None
    assert (found.sync, found.operation.phase) == ("Synced", "Succeeded")
    seen = argo.seen(name)
    if pod_told:
        for _ in argo.client.watch("v1", "Pod", "0", Where(argo.namespace), seconds=SECONDS):
            seen = argo.seen(name)
            if any(one.kind == "Pod" and pod_told in one.message for one in seen):
                break
    return [one for one in seen if one.status]


def by_kind(found: list[Seen]) -> dict[str, tuple[str, str]]:
    assert len({one.kind for one in found}) == len(found)
    return {one.kind: (one.status, one.message) for one in found}


def its_pod(argo: ArgoWorld, is_so: Callable[[Object], bool]) -> Object:
    """The Pod of the namespace, once its status is so."""
    for change in argo.client.watch("v1", "Pod", "0", Where(argo.namespace), seconds=SECONDS):
        status: Object = change.object.get("status", {})
        if change.type != "BOOKMARK" and is_so(status):
            return status
    raise TimeoutError(f"the Pod's status never is as asked in {SECONDS:.0f} s")


def says(trouble: Trouble) -> Callable[[Object], bool]:
    """Whether a Pod's only container is in the state that the trouble has, and ended before as it says. Times, the
    length of a back-off and the Pod's name are its own."""

    def timeless(found: Object) -> Object:
        return {
            kind: {
                name: re.sub(r"back-off \w+ (.*) pod=\S+", r"back-off \1", str(value))
                for name, value in what.items()
                if name in ("reason", "message", "exitCode")
            }
            for kind, what in found.items()
        }

    def is_so(status: Object) -> bool:
        found = (status.get("containerStatuses") or [{"state": {}}])[0]
        states = timeless(found["state"]), timeless(found.get("lastState", {}))
        return states == (timeless(trouble.state), timeless(trouble.before))

    return is_so


@pytest.mark.parametrize("what", TROUBLES)
def test_a_workload_that_cannot_start_exceeds_its_deadline_and_its_pod_says_why(argo: ArgoWorld, what: str) -> None:
    trouble = TROUBLES[what]
    container = {"name": "main", "image": trouble.image, **trouble.container}
    labels = {"app": "small"}
    workload = deployment(labels, {"containers": [container], **trouble.pod})
    workload["metadata"]["name"] = trouble.name
    found = by_kind(degraded(argo, workload, said(trouble), trouble.told))
    assert found["Deployment"] == ("Degraded", f'Deployment "{trouble.name}" exceeded its progress deadline')
    assert found["ReplicaSet"] == ("Progressing", WAITING_FOR_REPLICAS)
    health, message = found["Pod"]
    assert health == trouble.health
    assert trouble.told in message
    assert bool(trouble.told) == bool(message)
    # An image that is not there is asked for again and again, and what is said goes to and fro.
    status = its_pod(argo, says(trouble))
    assert status["phase"] == trouble.phase
    assert not status["containerStatuses"][0]["ready"]


def test_a_workload_that_fits_on_no_node_exceeds_its_deadline_and_the_scheduler_says_why(argo: ArgoWorld) -> None:
    nowhere = {"containers": [{"name": "main", "image": PRESENT}], "nodeSelector": {"zone": "nowhere"}}
    found = by_kind(degraded(argo, deployment({"app": "small"}, nowhere), None))
    assert found == {
        "Deployment": ("Degraded", 'Deployment "small" exceeded its progress deadline'),
        "ReplicaSet": ("Progressing", WAITING_FOR_REPLICAS),
        "Pod": ("Progressing", ""),
    }
    [scheduled] = its_pod(argo, lambda status: bool(status.get("conditions")))["conditions"]
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


@pytest.mark.parametrize("what", JOB_TROUBLES)
def test_a_job_that_fails_degrades_the_application_and_its_pod_says_how_it_ended(argo: ArgoWorld, what: str) -> None:
    trouble = JOB_TROUBLES[what]
    assert by_kind(degraded(argo, job(trouble.name), said(trouble), trouble.told)) == {
        "Job": ("Degraded", "Job has reached the specified backoff limit"),
        "Pod": (trouble.health, trouble.told),
    }
    status = its_pod(argo, says(trouble))
    assert status["phase"] == trouble.phase
    assert {name: status.get(name) for name in ("reason", "message") if name in status} == trouble.whole


def test_a_job_that_takes_too_long_degrades_the_application(argo: ArgoWorld) -> None:
    slow = job("slow-job", activeDeadlineSeconds=2)
    slow["spec"]["template"]["spec"]["nodeSelector"] = {"zone": "nowhere"}
    found = by_kind(degraded(argo, slow, None))
    assert found == {"Job": ("Degraded", "Job was active longer than specified deadline")}
