"""A production environment that nobody here wrote ends the same on the simulated cluster as on the real one.

Both fetch it from the same private repository with a credential that may only read. What differs nevertheless is in
docs/emulator.md, with the reason; of that only the names that controllers make up are taken out here.
"""

from __future__ import annotations

import re
import secrets
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csoc.clusters.applications import API, KIND, NAMESPACE, ApplicationReading
from csoc.clusters.client import Applying, Where
from csoc.emulator.kubernetes.argocd import marks
from testbed.binaries import MANIFESTS
from testbed.servers.cluster import Cluster, definitions
from tests.contract.argocd_cases import Asking
from tests.contract.argocd_worlds import ArgoWorld, RealArgo, SimulatedArgo
from tests.contract.cluster_worlds import SimulatedWorld, simulated_world

pytestmark = [pytest.mark.kubernetes, pytest.mark.gitea, pytest.mark.real]

VALUES = "brhprod/brh.data-commons.org/values/values.yaml"
CHART = "helm/gen3"
RESOURCES = 172
SECONDS = 240.0
# What a controller appends to the names of what it makes: the hash of a template, a random end, both.
MADE_UP = re.compile(r"(-[a-z0-9]{8,10})?-[a-z0-9]{5}$|-[a-z0-9]{8,10}$")
# What a CronJob starts is named after its minute. Some of the environment's start every five, and whether one does
# meanwhile is the clock's matter.
BY_THE_CLOCK = re.compile(r"-\d{8}(-[a-z0-9]{5})?$")
Outcome = dict[str, Any]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedWorld]:
    # Slow enough that what never becomes ready does not exceed its 600 s meanwhile, as it does not on the real one.
    with simulated_world(tmp_path_factory.mktemp("cache"), speed=3) as made:
        yield made


@pytest.fixture
def outcomes(real: Path, simulated: SimulatedWorld, request: pytest.FixtureRequest) -> tuple[Outcome, Outcome]:
    """What becomes of the environment on the real cluster and on the simulated one."""
    cluster: Cluster = request.getfixturevalue("cluster")
    cluster.apply_definitions("external-secrets")
    for body in definitions(Path(cluster.address["programs"]) / MANIFESTS / "external-secrets"):
        simulated.admin.apply(body, Applying(force=True))
    gitea = request.getfixturevalue("gitea")
    expected = outcome(RealArgo(request.getfixturevalue("delivery"), gitea), real)
    return expected, outcome(SimulatedArgo(simulated, gitea), real)


def files(real: Path) -> dict[str, str | bytes | None]:
    """The chart and the environment's values, in one repository."""
    found: dict[str, str | bytes | None] = {VALUES: (real / "gitops-ctds" / VALUES).read_bytes()}
    with tarfile.open(next(real.glob("gen3-chart-*.tgz"))) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                found[f"{CHART}/{member.name.partition('/')[2]}"] = content.read()
    return found


def create(world: ArgoWorld, commit: str) -> str:
    """The environment as an Application pinned to a commit, as csoc pins what it gates; its name. One that follows a
    branch with values by `$ref` is rendered apart by a look and by a sync, and what the chart makes up is another each
    time: whether it is in sync is then a matter of who looked last."""
    name = f"contract-{secrets.token_hex(4)}"
    helm = {"releaseName": "gen3-brhprod", "valueFiles": [f"$values/{VALUES}"]}
    body = {
        "apiVersion": API,
        "kind": KIND,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"testbed": world.project}},
        "spec": {
            "project": world.project,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": world.namespace},
            "sources": [
                {"repoURL": world.url, "targetRevision": commit, "path": CHART, "helm": helm},
                {"repoURL": world.url, "targetRevision": commit, "ref": "values"},
            ],
            "syncPolicy": {"automated": {"selfHeal": True}},
        },
    }
    world.client.create(body)
    return name


def is_synced(reading: ApplicationReading) -> bool:
    operation = reading.operation
    return reading.sync == "Synced" and operation is not None and operation.phase == "Succeeded"


def first_operation(world: ArgoWorld, name: str) -> Outcome:
    """The state of the sync that brings the environment, whatever has to be healed later: kinds that come to the
    cluster let Argo CD render anew."""
    where = Where(NAMESPACE, fields={"metadata.name": name})
    for change in world.client.watch(API, KIND, "0", where, seconds=SECONDS):
        state: Outcome = change.object.get("status", {}).get("operationState", {})
        if state.get("phase") in ("Succeeded", "Failed", "Error"):
            return state
    raise TimeoutError(f"the environment is not synced after {SECONDS:.0f} s")


def outcome(world: ArgoWorld, real: Path) -> Outcome:
    """What becomes of the environment in a world, once every workload that can get ready is."""
    commit = world.push(files(real))
    world.grant()
    name = create(world, commit)
    operation = first_operation(world, name)
    where = Where(world.namespace)
    settle(world, where)
    # With what came of it all: the tree that the real one keeps is made at each look.
    applications = Asking(world)
    applications.refresh(name)
    last = applications.wait_for(name, lambda one: is_synced(one) and not one.is_refreshing, SECONDS)
    status = world.client.get(API, KIND, name, NAMESPACE)["status"]
    pods, _ = world.client.list_all("v1", "Pod", where)
    pending = [
        pod
        for pod in pods
        if pod["status"].get("phase") == "Pending" and not BY_THE_CLOCK.search(pod["metadata"]["name"])
    ]
    by_the_clock = {
        image
        for one in world.client.list_all("batch/v1", "CronJob", where)[0]
        for image in marks.images_of({"kind": "CronJob", **one})
    }

    def plain(text: str) -> str:
        return text.replace(world.namespace, "<namespace>")

    return {
        "sync": last.sync,
        "health": last.health,
        "conditions": sorted({kind for kind, _ in last.conditions}),
        "operation": (operation["phase"], operation["message"]),
        "resources": sorted(
            (one.group, one.kind, plain(one.namespace), plain(one.name), one.sync, one.health, one.needs_pruning)
            for one in last.resources
        ),
        "results": sorted(
            (one.get("group", ""), one["kind"], plain(one["name"]), one["status"], one.get("hookPhase", ""))
            for one in operation["syncResult"]["resources"]
        ),
        "healths": Counter(
            (one.group, one.kind, without_end(one.kind, plain(one.name)), one.status, plain(one.message))
            for one in world.seen(name)
            if one.status and one.kind != "CronJob" and not BY_THE_CLOCK.search(one.name)
        ),
        "images": sorted(set(status["summary"]["images"]) - by_the_clock),
        "addresses": status["summary"]["externalURLs"],
        "source types": status["sourceTypes"],
        "deployments": sorted(
            (one["metadata"]["name"], one["spec"]["replicas"], one["status"].get("readyReplicas", 0))
            for one in world.client.list_all("apps/v1", "Deployment", where)[0]
        ),
        "pending": Counter(
            (MADE_UP.sub("", pod["metadata"]["name"]), pod["status"]["conditions"][0]["message"]) for pod in pending
        ),
    }


def without_end(kind: str, name: str) -> str:
    return MADE_UP.sub("", name) if kind in ("Pod", "ReplicaSet") else name


def settle(world: ArgoWorld, where: Where) -> None:
    """Waits until every Deployment is ready that does not wait for nodes in three zones, which no cluster here has, and
    every Job is over."""

    def are_ready() -> bool:
        found, _ = world.client.list_all("apps/v1", "Deployment", where)
        return all(
            one["status"].get("readyReplicas", 0) == one["spec"]["replicas"]
            for one in found
            if not one["metadata"]["name"].startswith("hot-node-")
        )

    def are_over() -> bool:
        found, _ = world.client.list_all("batch/v1", "Job", where)
        return all(one["status"].get("succeeded") for one in found if not BY_THE_CLOCK.search(one["metadata"]["name"]))

    for api_version, kind, is_so in (("apps/v1", "Deployment", are_ready), ("batch/v1", "Job", are_over)):
        for change in world.client.watch(api_version, kind, "0", where, seconds=SECONDS):
            if change.type != "BOOKMARK" and is_so():
                break
        assert is_so(), f"{kind}s are not done after {SECONDS:.0f} s"


def test_a_production_environment_ends_in_the_same_sync_health_and_workloads(
    outcomes: tuple[Outcome, Outcome],
) -> None:
    expected, found = outcomes
    # What the real one says is something that tells: else two empty outcomes would be equal too.
    assert (expected["sync"], expected["health"]) == ("Synced", "Progressing")
    assert expected["operation"][0] == "Succeeded"
    assert len(expected["resources"]) == RESOURCES
    assert len(expected["deployments"]) == 20
    for part in expected:
        assert found[part] == expected[part], part
