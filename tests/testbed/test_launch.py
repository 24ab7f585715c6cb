"""The launch on real servers, through csoc's commands: a cluster that somebody brought along, whose Argo CD pulls a
private repository with the credential that csoc put there, and the real chart; and a repository whose main branch takes
pull requests only.

The cloud is emulated; what no cluster of the testbed has is played (see `launching`).
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import from_kubeconfig_file
from csoc.cli.demo.scene import RESEARCH, ZONE
from csoc.clusters.bootstrap.acting import CREDENTIAL, ROOT
from csoc.clusters.client import Where
from csoc.emulator.edge.balancers import Cluster as Balanced
from csoc.errors import CsocError
from csoc.operations.runs import RunState
from testbed.servers.cluster import Cluster
from testbed.servers.gitea import Gitea
from tests.testbed.launching import (
    BALANCER,
    CANARY,
    Fleet,
    Seen,
    Site,
    controllers_played,
    existing_layers,
    install_platform,
    kubeconfig_with_the_rights_that_are_shown,
    open_site,
    until,
)

pytestmark = pytest.mark.gitea

API = "argoproj.io/v1alpha1"
CHART = "helm/gen3"
# Its change set is made first, and executed once.
MADE = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
# The record comes once the load balancer has an address.
PUBLISHED = [*MADE, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]


@pytest.fixture(scope="module")
def site(gitea: Gitea, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("launch"), gitea) as made:
        yield made


@pytest.fixture
def fleet(site: Site) -> Iterator[Fleet]:
    made = site.fleet()
    yield made
    made.close()


@pytest.fixture
def client(cluster: Cluster) -> Iterator[KubeClient]:
    """The real cluster, left without what csoc put beside its Argo CD."""
    cluster.apply_definitions("external-secrets")
    found = from_kubeconfig_file(cluster.kubeconfig, "real")
    yield found
    for kind in ("Application", "AppProject"):
        for name in (ROOT, "platform"):
            found.delete(API, kind, name, "argocd")
    found.delete("v1", "Secret", CREDENTIAL, "argocd")
    found.close()


@pytest.mark.kubernetes
@pytest.mark.real
def test_the_real_chart_is_launched_into_a_real_cluster_from_a_private_repository_until_https_answers(
    fleet: Fleet, client: KubeClient, cluster: Cluster, real: Path
) -> None:
    site, name = fleet.site, f"heart{secrets.token_hex(2)}"
    files: dict[str, str | bytes | None] = {}
    with tarfile.open(next(real.glob("gen3-chart-*.tgz"))) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                files[f"{CHART}/{member.name.partition('/')[2]}"] = content.read()
    # In a repository of its own: Argo CD takes no chart and values of one repository at two commits.
    charts = site.gitea.create_repository()
    version = charts.push(files)
    platform, environment = f"{name}-platform", f"{name}-dev"
    site.scene.cloud.clusters_elsewhere.append(Balanced("tide", Seen(client)))
    with contextlib.ExitStack() as held:
        kubeconfig = held.enter_context(
            kubeconfig_with_the_rights_that_are_shown(cluster, site.folder / "kubeconfig.json")
        )
        held.callback(_remove, client, environment, platform)
        install_platform(client, platform)
        fleet.run("cluster", "connect", "tide", "--kubeconfig", kubeconfig, "--account", "research")
        document = "clusters/tide/cluster.yaml"
        layers = existing_layers(site.scene.owners[RESEARCH])
        fleet.repository.push({document: fleet.repository.read(document) + layers.encode()}, message="What is there")

        answers = fleet.answers(name, "tide", {"repoURL": f"{charts.url}.git", "path": CHART, "version": version})
        process = fleet.csoc("launch", "--answers", answers, "--auto-approve", "--wait")
        until(lambda: _waits(fleet, process, "pods ready"), fleet.runs)
        with controllers_played(client, environment):
            code, said = fleet.ends(process)
        assert code == 0, said
        assert f"{environment} to be healthy: " in said, "what keeps it is said while the controllers are away"
        runs = fleet.runs()
        assert [(one.owner_name, one.state) for one in runs] == [
            ("cluster tide", RunState.SUCCEEDED),
            (f"environment {environment}", RunState.SUCCEEDED),
        ], said
        results = {step.name: step.result for run in runs for step in run.steps}
        assert results["bootstrap cluster"]["action"] == "use as it is"
        assert results["write platform"]["left"] == [
            "aws-load-balancer-controller", "cluster-autoscaler", "external-dns", "external-secrets", "metrics-server",
        ]  # fmt: skip
        assert results["wait for https"] == {"hostname": f"{name}.{ZONE}", "status": 200}
        assert results["follow gen3"]["address"] == BALANCER
        assert results["follow gen3"]["ready"] == results["follow gen3"]["total"] > 5

        credential = client.get("v1", "Secret", CREDENTIAL, "argocd")["data"]
        told = {key: base64.b64decode(value).decode() for key, value in credential.items()}
        assert (told["url"], told["username"], told["password"]) == (fleet.url, site.reader.name, site.pull_token)
        application = client.get(API, "Application", environment, "argocd")
        synced = application["status"]["sync"]
        assert (synced["status"], synced["revisions"]) == ("Synced", [version, results["write outputs"]["commit"]])
        assert [one["repoURL"] for one in application["spec"]["sources"]] == [f"{charts.url}.git", fleet.url]
        for deployment in client.list_all("apps/v1", "Deployment", Where(environment))[0]:
            assert deployment["status"].get("readyReplicas", 0) == deployment["spec"]["replicas"]
        for word in (CANARY, site.pull_token, site.maker.token):
            assert not any(word in one for one in site.said)


def _waits(fleet: Fleet, process: subprocess.Popen[bytes], what: str) -> bool:
    """Whether a run says that it waits for something. It is an error if the process ends before."""
    assert process.poll() is None, fleet.ends(process)
    return any(what in step.waits_for for run in fleet.runs() for step in run.steps)


def _remove(client: KubeClient, environment: str, *namespaces: str) -> None:
    for kind in ("Application", "AppProject"):
        with contextlib.suppress(CsocError):
            client.delete(API, kind, environment, "argocd")
    for namespace in (environment, *namespaces):
        with contextlib.suppress(CsocError):
            client.delete("v1", "Namespace", namespace)


def test_a_repository_that_takes_pull_requests_only_launches_by_merges_that_outlive_killed_processes(
    fleet: Fleet,
) -> None:
    name, scene = f"reef{secrets.token_hex(2)}", fleet.site.scene
    fleet.repository.protect("main")
    chart = {"repoURL": scene.charts.as_uri(), "path": "gen3", "version": scene.charts_commit}
    answers = fleet.answers(name, "new", chart)
    before = fleet.messages()

    def launch() -> tuple[str | Path, ...]:
        return ("launch", "--answers", answers, "--auto-approve", "--wait", "--pull-request")

    # The documents: nothing is planned before they are merged.
    killed = fleet.csoc(*launch())
    until(lambda: len(fleet.pulls()) == 1, fleet.pulls)
    fleet.kill(killed)
    assert fleet.runs() == []
    assert fleet.messages() == before
    process = fleet.csoc(*launch())
    documents = fleet.pulls()[0]
    assert documents["title"] == f"Launch {name}-dev"
    fleet.merge(documents["number"])

    # A worker is killed in the end as well, so a launch that is asked for again brings it to its end.
    for number, (title, successor) in enumerate(
        (
            (f"Platform of the cluster {name}", None),
            (f"Outputs of the layers of {name}-dev", ("worker",)),
            (f"Deploy {name}-dev", launch()),
        ),
        2,
    ):
        pull = _awaited(fleet, process, number)
        assert pull["title"] == title
        if successor is not None:
            looks = _looks(fleet, pull)
            fleet.kill(process)
            process = fleet.csoc(*successor)
            again = _awaited(fleet, process, number, looks)
            same = ("id", "number", "title", "state", "created_at")
            assert [again[key] for key in same] == [pull[key] for key in same], "the same change was proposed again"
        fleet.merge(pull["number"])

    code, said = fleet.ends(process)
    assert code == 0, said
    runs = fleet.runs()
    assert [one.state for one in runs] == [RunState.SUCCEEDED] * 2, runs
    pulls = fleet.pulls()
    assert [one["merged"] for one in pulls] == [True] * 4
    assert fleet.messages() == sorted([*before, *(one["title"] for one in pulls)])
    stacks = _stacks(fleet, [one.owner for one in runs])
    assert stacks.keys() == {"network", "cluster", "platform", "database", "credentials", "resources", "edge"}
    assert {layer: events for layer, events in stacks.items() if layer != "edge"} == dict.fromkeys(
        stacks.keys() - {"edge"}, MADE
    )
    assert stacks["edge"] == PUBLISHED
    assert not any(CANARY in one for one in fleet.site.said)


def _awaited(fleet: Fleet, process: subprocess.Popen[bytes], number: int, looks: int = 0) -> dict[str, Any]:
    """The pull request that a run waits for, the last of so many. looks: more processes than these came to it."""

    def is_waited_for() -> bool:
        assert process.poll() is None, fleet.ends(process)
        pulls = fleet.pulls()
        return len(pulls) >= number and _looks(fleet, pulls[-1]) > looks

    until(is_waited_for, lambda: (fleet.pulls(), fleet.runs()))
    pulls = fleet.pulls()
    assert len(pulls) == number
    return pulls[-1]


def _looks(fleet: Fleet, pull: Mapping[str, Any]) -> int:
    """How many processes came to the step that waits for a pull request; 0 if none waits for it."""
    steps = [step for run in fleet.runs() for step in run.steps]
    return sum(one.attempts for one in steps if one.state is RunState.WAITING and pull["html_url"] in one.waits_for)


def _stacks(fleet: Fleet, owners: list[str]) -> dict[str, list[str]]:
    """Of each stack of some owners, by layer, what happened to it as a whole."""
    cloud = fleet.site.scene.owners[RESEARCH].client("cloudformation")
    found = {}
    for stack in cloud.describe_stacks()["Stacks"]:
        name = stack["StackName"]
        if not any(f"-{owner}-" in name for owner in owners):
            continue
        pages = cloud.get_paginator("describe_stack_events").paginate(StackName=name)
        events = [one for page in pages for one in page["StackEvents"]]
        whole = [one["ResourceStatus"] for one in reversed(events) if one["PhysicalResourceId"] == stack["StackId"]]
        found[name.rpartition("-")[2]] = [one for one in whole if one != "REVIEW_IN_PROGRESS"]
    return found
