"""Somebody else's Application and workloads bear the name of an environment: neither its launch nor its destruction
touches them, and both say whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from csoc.adapters.cdk.synthesizer import ChildSynthesizer
from csoc.cli.demo import story
from csoc.cli.demo.scene import RESEARCH, scene
from csoc.cli.plan.session import open_applying
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.operations.runs import Run
from csoc.provisioning import names
from csoc.usecases.launching import begin, prepare
from tests.functional.test_destroying import World

GIVEN = {"fence-config": {"client-id": "portal", "client-secret": "of-nobody"}}
NAME, THEIRS = "moss-dev", "team-x"
MARK = "argocd.argoproj.io/tracking-id"
SOURCE = {"repoURL": "https://git.example.org/team-x", "path": "tool", "targetRevision": "main"}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
POD = {"metadata": {"labels": {"app": "theirs"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}


def made_by_team_x() -> list[dict[str, Any]]:
    """An Application of the environment's name, and what it deployed into a namespace of that team."""
    to = {"server": "https://kubernetes.default.svc", "namespace": THEIRS}
    about = {"namespace": THEIRS, "name": "theirs"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": THEIRS}},
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
         "metadata": {"name": THEIRS, "namespace": "argocd"},
         "spec": {"sourceRepos": ["*"], "destinations": [to]}},
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": NAME, "namespace": "argocd"},
         "spec": {"project": THEIRS, "source": SOURCE, "destination": to}},
        {"apiVersion": "v1", "kind": "ConfigMap",
         "metadata": {**about, "annotations": {MARK: f"{NAME}:/ConfigMap:{THEIRS}/theirs"}}, "data": {"a": "b"}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
         "metadata": {**about, "annotations": {MARK: f"{NAME}:/PersistentVolumeClaim:{THEIRS}/theirs"}}, "spec": CLAIM},
    ]  # fmt: skip


class Strangers:
    """A new cluster in which somebody was before the environment's Gen3 is deployed."""

    def __init__(self, world: World) -> None:
        self.world = world
        request = world.request("moss", "new")
        self.cluster_run, self.run = begin(world.ports, world.runs, request, prepare(world.ports, request)).runs
        world.end(self.cluster_run)

    @property
    def cluster(self) -> SimulatedCluster:
        name = names.eks_cluster(self.world.owner(f"environment/{NAME}").cluster.metadata.uid)
        endpoint = self.world.client("eks").describe_cluster(name=name)["cluster"]["endpoint"]
        found = self.world.stage.cloud.clusters.get(endpoint.rpartition("/")[2])
        assert found is not None
        return found

    def add(self, *bodies: Mapping[str, Any]) -> None:
        for body in bodies:
            kind = self.cluster.objects.types.kind(body["apiVersion"], body["kind"])
            assert kind is not None
            self.cluster.objects.create(kind, body["metadata"].get("namespace", ""), dict(body))

    def theirs(self) -> list[tuple[Any, ...]]:
        """What tells whether anybody touched what that team made."""
        store, world = self.cluster.store, self.world
        found = [
            world.found(store, NAME, "argoproj.io", "applications", "argocd"),
            world.found(store, "theirs", "", "configmaps", THEIRS),
            world.found(store, "theirs", "", "persistentvolumeclaims", THEIRS),
        ]
        about = [one["metadata"] for one in found]
        return [(found[0]["spec"], *((one["uid"], one.get("finalizers")) for one in about)),
                *((one.get("deletionTimestamp"),) for one in about)]  # fmt: skip

    def executed(self) -> Run:
        story.execute_and_tell(self.world.runs, self.run.id, lambda text, style: None)
        return self.world.runs.runs.get(self.run.id)


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory, templates_process: ChildSynthesizer) -> Iterator[Strangers]:
    real = ChildSynthesizer._ask
    with pytest.MonkeyPatch.context() as patched, scene(tmp_path_factory.mktemp("strangers")) as stage:
        patched.setattr(ChildSynthesizer, "_ask", lambda _, document: real(templates_process, document))
        story.found_fleet(stage, lambda text, style: None)
        story.link_account(stage, lambda text, style: None, story.Told(), "research", RESEARCH)
        with open_applying(lambda _: GIVEN) as (ports, runs):
            yield Strangers(World(stage, ports, runs))


def test_somebody_elses_application_and_workloads_survive_launch_and_destruction_of_an_environment_of_their_name(
    strangers: Strangers,
) -> None:
    strangers.add(*made_by_team_x())
    before = strangers.theirs()

    launched = strangers.executed()
    [failed] = [one for one in launched.steps if one.cause]
    assert (str(launched.state), failed.kind) == ("failed", "deploy gen3")
    assert f"The Application {NAME} in the cluster is not the environment's: somebody brought it" in failed.cause
    assert f"It belongs to the project {THEIRS} and deploys {SOURCE['repoURL']} into {THEIRS}" in failed.cause
    assert "launch the environment under another name" in failed.fix
    path = strangers.world.stage.fleet / "clusters" / "moss" / "applications" / f"{NAME}.yaml"
    assert not path.exists(), "nothing was delivered"
    assert strangers.theirs() == before

    ran = strangers.world.csoc("destroy", NAME, "--yes", NAME)
    destroyed = strangers.world.newest()
    [failed] = [one for one in destroyed.steps if one.cause]
    assert (ran.code != 0, str(destroyed.state), failed.kind) == (True, "failed", "remove gen3")
    assert f"It belongs to the project {THEIRS} and deploys {SOURCE['repoURL']} into {THEIRS}" in ran.out + ran.err
    assert "Nothing was taken away" in failed.fix
    assert strangers.theirs() == before
    assert strangers.world.stacks(strangers.world.owner(f"environment/{NAME}").uid), "nor any layer"


def test_a_namespace_with_somebody_elses_workloads_is_not_launched_into_and_says_what_is_there(
    strangers: Strangers,
) -> None:
    theirs = strangers.cluster.objects.types.kind("argoproj.io/v1alpha1", "Application")
    assert theirs is not None
    strangers.cluster.objects.delete(theirs, "argocd", NAME)
    about = {"name": "theirs", "namespace": NAME, "labels": {"app.kubernetes.io/instance": NAME}}
    selector = {"selector": {"matchLabels": {"app": "theirs"}}, "template": POD}
    strangers.add(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": selector},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": about, "spec": CLAIM},
    )
    ran = strangers.world.csoc("runs", "resume", strangers.run.id)
    said = f"The namespace {NAME} holds what is not this environment's: Deployment theirs, PersistentVolumeClaim theirs"
    assert ran.code != 0
    assert said in ran.out + ran.err
    found = strangers.world.found(strangers.cluster.store, "theirs", "apps", "deployments", NAME)
    assert "deletionTimestamp" not in found["metadata"]
