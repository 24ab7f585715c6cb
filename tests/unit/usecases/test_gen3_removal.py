"""What a plan says that goes out of a cluster: each object of what is deployed, what of it stays, and when a plan that
said so does not hold any more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from csoc.errors import RejectedError
from csoc.fleet.charts import ChartArchive, ChartRef, RenderedObject, Rendering, RenderRequest
from csoc.fleet.documents.init import plan_init
from csoc.gen3.launch import applications, versions
from csoc.gen3.launch.outputs import Place
from csoc.provisioning.plans import LayerPlan
from csoc.testing.charts import chart
from csoc.testing.fleets import HOME, PlainRenderer
from csoc.testing.fleets import World as Fleet
from csoc.usecases.planning.fleets import fleet_at
from csoc.usecases.planning.gen3_layer import Gen3Layer
from csoc.usecases.planning.gen3_removal import Gen3Removal
from csoc.usecases.planning.owners import find_owner
from tests.unit.gen3.launch.launching import ACCOUNT, answers, counting_ids, launch, outputs_file

_ACCOUNT = f"""apiVersion: csoc.gen3.org/v1alpha1
kind: Account
metadata: {{name: research, uid: a000000001}}
spec: {{provider: aws, id: "{ACCOUNT}", purpose: workload, regions: [ap-southeast-2]}}
"""
_CHART = ChartRef(versions.CHART_REPOSITORY, chart=versions.CHART_NAME, revision=versions.CHART_VERSION)
KEEP = {"helm.sh/resource-policy": "keep"}
NOT_DELETED = {"argocd.argoproj.io/sync-options": "Prune=false, Delete=false"}


def body(kind: str, name: str, api: str = "v1", **about: Any) -> Mapping[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **about}}


class Rendered(PlainRenderer):
    """Makes these objects of any values, or does not answer."""

    def __init__(self, *bodies: Mapping[str, Any]) -> None:
        self.bodies = bodies

    def render(self, request: RenderRequest) -> Rendering:
        return Rendering(objects=[RenderedObject("gen3/templates/one.yaml", one) for one in self.bodies])


class World:
    """A commons that was deployed."""

    def __init__(self, services: str = "minimal") -> None:
        made = launch(answers([services]), ids=counting_ids())
        self.application = made.application_path
        self.fleet = Fleet()
        files = {
            **plan_init("tide", ids=lambda: "f1b2c3d4e5"),
            **made.files,
            made.outputs_path: outputs_file(made),
            "accounts/research.yaml": _ACCOUNT.encode(),
        }
        self.fleet.write({path: content.decode() for path, content in files.items()})
        self.publish({"values.yaml": "global: {}\n"})
        self.rendered = Rendered(body("ConfigMap", "settings"), body("Ingress", "alb", "networking.k8s.io/v1"))
        deployed = applications.application_file(made.deployment(HOME, self.head))
        self.fleet.write({self.application: deployed.decode()})

    @property
    def head(self) -> str:
        return self.fleet.host.git.branches["main"]

    def publish(self, files: dict[str, str]) -> None:
        archive: ChartArchive = chart(files, name="gen3")
        self.fleet.charts.add(_CHART, archive)

    def write(self, content: str | None, path: str = "") -> None:
        self.fleet.write({path or self.application: content})

    def removal(self) -> Gen3Removal:
        ports = replace(self.fleet.ports(), renderer=self.rendered)
        fleet = fleet_at(ports, HOME)
        owner = find_owner(fleet.documents, "environment/heart-dev")
        place = Place(ACCOUNT, "ap-southeast-2")
        return Gen3Removal(Gen3Layer(ports, HOME, fleet.tree, fleet.documents, owner, place, "aws", {}))

    def plan(self) -> LayerPlan:
        return self.removal().plan()


@pytest.fixture
def world() -> World:
    return World()


def said(plan: LayerPlan) -> list[tuple[str, bool]]:
    return [(one.logical_id, one.kept) for one in plan.changes]


def test_every_object_of_what_is_deployed_goes_between_its_application_and_its_project(world: World) -> None:
    plan = world.plan()
    assert said(plan) == [
        ("Application heart-dev", False),
        ("ConfigMap settings", False),
        ("Ingress alb", False),
        ("Namespace heart-dev", False),
        ("AppProject heart-dev", False),
    ]
    assert {str(one.action) for one in plan.changes} == {"remove"}
    assert "With its Ingress goes the load balancer" in plan.note
    assert not plan.findings


@pytest.mark.parametrize("mark", [KEEP, NOT_DELETED])
def test_what_argo_cd_leaves_is_kept_and_so_is_the_namespace_that_holds_it(
    world: World, mark: Mapping[str, str]
) -> None:
    world.rendered.bodies = (body("Secret", "keys", annotations=mark), body("ConfigMap", "settings"))
    kept = dict(said(world.plan()))
    assert {name for name, is_kept in kept.items() if is_kept} == {"Secret keys", "Namespace heart-dev"}


def test_a_definition_is_kept_and_keeps_no_namespace(world: World) -> None:
    world.rendered.bodies = (
        body("CustomResourceDefinition", "things.example.org", "apiextensions.k8s.io/v1"),
        body("ClusterRole", "reader", "rbac.authorization.k8s.io/v1", annotations=KEEP),
    )
    kept = {name for name, is_kept in said(world.plan()) if is_kept}
    assert kept == {"CustomResourceDefinition things.example.org", "ClusterRole reader"}


def test_what_somebody_wrote_into_a_secret_is_in_no_plan(world: World) -> None:
    world.rendered.bodies = ({**body("Secret", "keys"), "stringData": {"password": "canary-of-nobody"}},)
    assert "canary" not in repr(world.plan())


def test_a_namespace_that_the_chart_brings_is_one_line(world: World) -> None:
    world.rendered.bodies = (body("Namespace", "heart-dev"),)
    assert [name for name, _ in said(world.plan())].count("Namespace heart-dev") == 1


def test_where_nothing_can_be_rendered_the_rest_goes_all_the_same_and_the_reason_is_said(world: World) -> None:
    world.fleet.charts = type(world.fleet.charts)()
    plan = world.plan()
    assert [name for name, _ in said(plan)] == [
        "Application heart-dev",
        "Namespace heart-dev",
        "AppProject heart-dev",
    ]
    [finding] = plan.findings
    assert not finding.blocks
    assert finding.cause.startswith("The objects that go are not all shown, since they could not be rendered: ")
    assert "destroy it all the same" in finding.fix


def test_without_an_application_in_git_nobody_claims_to_know_what_is_there(world: World) -> None:
    world.write(None)
    plan = world.plan()
    assert (plan.stack_state, len(plan.changes)) == ("absent", 3)
    assert "Git has no Application of it, so its objects cannot be named" in plan.note


def test_a_file_with_something_else_in_it_blocks_before_anybody_approves(world: World) -> None:
    theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs}\n"
    world.write(f"{world.fleet.read(world.application)}---\n{theirs}")
    [finding] = [one for one in world.plan().findings if one.blocks]
    assert finding.cause == "The file of the Application heart-dev holds ConfigMap theirs as well"
    assert world.application in finding.subject


def test_the_same_fleet_and_chart_make_no_plan_stale(world: World) -> None:
    assert world.removal().stale(world.plan()) == ""
    world.write("# of somebody else\n", "notes.md")
    assert world.removal().stale(world.plan()) == ""


def test_another_application_chart_or_object_makes_it_stale_and_each_is_told(world: World) -> None:
    shown = world.plan()
    world.rendered.bodies = (*world.rendered.bodies, body("Job", "migrate", "batch/v1"))
    assert world.removal().stale(shown) == "what goes out of the cluster"
    world.publish({"values.yaml": "global: {}\n", "templates/more.yaml": "# more\n"})
    assert world.removal().stale(shown) == "the chart that it was deployed from"
    world.write(f"{world.fleet.read(world.application)}# touched\n")
    assert world.removal().stale(shown) == "what is deployed"


def neighbour(world: World, namespace: str) -> None:
    """Another environment in the same cluster, with this namespace."""
    path = next(one for one in world.fleet.host.git.commits[world.head].entries if one.endswith("/environment.yaml"))
    text = world.fleet.read(path).replace("heart-dev", "lung-dev").replace("heart.example", "lung.example")
    text = re.sub(r"uid: \w+", "uid: z000000009", text)
    text = re.sub(r"namespace: [\w-]+", f"namespace: {namespace}", text)
    assert f"namespace: {namespace}" in text
    world.write(text, path.replace("heart-dev", "lung-dev"))


def test_a_namespace_that_another_environment_took_since_makes_it_stale_and_is_not_shown_again() -> None:
    world = World("workspaces")
    shown = world.plan()
    assert "Namespace jupyter-pods-heart-dev" in dict(said(shown))
    neighbour(world, "jupyter-pods-heart-dev")
    assert world.removal().stale(shown) == "which namespaces are its own"
    assert "Namespace jupyter-pods-heart-dev" not in dict(said(world.plan()))


def test_the_own_namespace_of_two_environments_is_destroyed_for_neither(world: World) -> None:
    neighbour(world, "heart-dev")
    with pytest.raises(RejectedError, match="has the namespace heart-dev, too"):
        world.plan()
