"""From a cluster with nothing in it to a commons that is healthy: the steps that follow the layers, with real charts,
a fleet in Git and a simulated cluster whose Argo CD reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pygit2
import pytest

from csoc import bootstrap
from csoc.accounts.links import Link, LinkState
from csoc.adapters.kube.client import KubeClient
from csoc.clusters.access import EksReference
from csoc.clusters.hostnames import Answer, Answered
from csoc.config import loading
from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.controllers.settings import Settings as ClusterSettings
from csoc.emulator.kubernetes.living import LivingClusters
from csoc.emulator.platform_charts import chart_files, tags
from csoc.emulator.timeline import RunningTimeline
from csoc.errors import ConflictError, RejectedError
from csoc.fleet.documents.init import plan_init
from csoc.gen3.launch.documents import Launch
from csoc.operations.registry import STEPS
from csoc.operations.runs import Run, Step
from csoc.operations.services import Services
from csoc.operations.steps.base import Done, Waiting
from csoc.provisioning.places import Place
from csoc.provisioning.plans import Approval, LayerPlan, Plan, PlanKind, Purpose
from csoc.provisioning.stacks import Action
from csoc.testing.clusters import MemoryClusterAccess
from csoc.testing.links import MemoryLinks
from csoc.testing.plans import MemoryPlans
from csoc.testing.stacks import MemoryStacks
from csoc.usecases.cloud_ports import CloudPorts
from csoc.usecases.planning.approving import StoredApprovals
from csoc.usecases.planning.delivery import DocumentDelivery
from csoc.usecases.planning.fleets import open_fleet
from csoc.usecases.planning.infrastructure_read import gen3_of
from csoc.usecases.planning.owners import find_owner
from csoc.usecases.planning.runs_of_plans import CLUSTER_STEPS, environment_steps
from csoc.usecases.provisioning_ports import ProvisioningPorts
from tests.contract.bootstrapping import Waits
from tests.contract.cluster_worlds import SimulatedWorld
from tests.functional.small_fleet import Repository
from tests.unit.gen3.launch.launching import ACCOUNT, answers, counting_ids, launch, outputs_file

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PLAN = "plan-1"
_PRINCIPAL = f"arn:aws:iam::{ACCOUNT}:role/csoc"
LINK = Link(
    "research", ACCOUNT, "f1b2c3d4e5", "an-id", "aws", "ap-southeast-2", _PRINCIPAL, LinkState.VERIFIED, NOW
)  # fmt: skip
OUTPUTS = {
    "ClusterName": "csoc-u000000001",
    "VpcId": "vpc-1",
    "LoadBalancerControllerRoleArn": f"arn:aws:iam::{ACCOUNT}:role/lb",
    "ExternalDnsRoleArn": "-",
    "AutoscalerRoleArn": f"arn:aws:iam::{ACCOUNT}:role/scaler",
}
_LOOKS = 400
_WAIVERS = """apiVersion: csoc.gen3.org/v1alpha1
kind: Waivers
metadata: {name: known}
spec:
  waivers:"""


def gen3(image: str = "revproxy:1") -> dict[str, str]:
    """A chart as small as one can be whose commons is reached."""
    labels = {"app": "revproxy"}
    pod = {"containers": [{"name": "c", "image": image, "ports": [{"containerPort": 80}]}]}
    backend = {"service": {"name": "revproxy-service", "port": {"number": 80}}}
    objects: dict[str, dict[str, Any]] = {
        "deployment": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "revproxy"}, "spec": {
            "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}},
        "service": {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "revproxy-service"}, "spec": {
            "selector": labels, "ports": [{"port": 80}]}},
        "ingress": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "revproxy-alb"},
                    "spec": {"ingressClassName": "alb", "rules": [
                        {"host": "{{ .Values.global.hostname }}",
                         "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}},
    }  # fmt: skip
    chart = {"apiVersion": "v2", "name": "gen3", "version": "0.3.90"}
    return {
        "gen3/Chart.yaml": json.dumps(chart),
        **{f"gen3/templates/{name}.yaml": json.dumps(body) for name, body in objects.items()},
    }


class OnePlace:
    """An account in which none of the environment's layers is made yet."""

    def at(self, account: str, account_id: str, region: str, **_: str) -> Place:
        assert (account, account_id, region) == ("research", ACCOUNT, "ap-southeast-2")
        return Place(MemoryStacks("f1b2c3d4e5"), "f1b2c3d4e5", "arn:aws:iam::111122223333:role/execution")


class Up:
    """Every hostname answers."""

    def ask(self, hostname: str, path: str = "/") -> Answer:
        return Answer(Answered.YES, f"{hostname}{path} answers", 200)


@dataclass
class Stepping:
    """A run of steps, without an engine."""

    run: Run
    services: Services
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    step: Step = field(default_factory=lambda: Step(1, "", ""))
    _waits: Waits = field(default_factory=Waits)

    def clock(self) -> datetime:
        return datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def check(self) -> None:
        self._waits.check()

    def sleep(self, seconds: float) -> None:
        self._waits.sleep(seconds)

    def log(self, text: str, what: str = "event") -> None:
        self.said.append(f"{what}: {text}")

    def hide(self, *words: str) -> None:
        self.hidden += words

    def do(self, name: str, kind: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """One step to its end."""
        self.step = Step(1, name, kind, arguments)
        waits = Waits()
        for _ in range(_LOOKS):
            found = STEPS[kind].run(self)
            if isinstance(found, Done):
                self.results[name] = found.result
                return found.result
            assert isinstance(found, Waiting)
            self.said.append(f"waits for {found.what}")
            waits.sleep(0)
        raise AssertionError(self.said[-5:])


class World:
    """A fleet with one launch, a cluster with nothing in it, and charts."""

    def __init__(self, repository: Repository, ports: ProvisioningPorts, client: KubeClient, made: Launch) -> None:
        self.repository, self.folder = repository, repository.path
        self.ports, self.client, self.made = ports, client, made
        self.access = MemoryClusterAccess({"heart": client})
        self.services = Services(
            clusters=self.access,
            delivery=DocumentDelivery(ports),
            hostnames=Up(),
            plans=ports.plans,
            approvals=StoredApprovals(ports),
        )

    @property
    def head(self) -> str:
        return str(pygit2.Repository(str(self.folder)).head.target)

    def gen3(self) -> LayerPlan:
        """What a plan says of the environment's Gen3."""
        fleet = open_fleet(self.ports, str(self.folder))
        owner = find_owner(fleet.documents, "environment/heart-dev")
        return gen3_of(self.ports, fleet, owner, person="sts:ada", task="plan").plan()

    def plan(self) -> Plan:
        """A stored plan of it."""
        owner, gen3 = self.made.environment.metadata, self.gen3()
        made = Plan(
            id=PLAN, purpose=Purpose.APPLY, owner=owner.uid, owner_kind="environment", owner_name="heart-dev",
            account="research", account_id=ACCOUNT, region="ap-southeast-2", made_by="sts:ada", made_at=NOW,
            documents="", commit=self.head, layers=(gen3,),
        )  # fmt: skip
        self.ports.plans.put(made, {})
        return made

    def write(self, path: str, text: str) -> str:
        """Somebody's commit; its id."""
        self.repository.write({path: text})
        return self.repository.commit("By hand")

    def values_path(self) -> str:
        """A file of values that people edit."""
        return next(one.path for one in self.made.environment.spec.values if one.path != self.made.outputs_path)

    def run(self, owner: str) -> Stepping:
        arguments: dict[str, Any] = {"fleet": str(self.folder), "commit": self.head}
        if owner.startswith("environment"):
            arguments["environment"] = owner.partition(" ")[2]
        run = Run("run-1", "apply", "uid", owner, "sts:ada", datetime(2026, 11, 23, tzinfo=UTC), arguments=arguments)
        return Stepping(run, self.services, {"apply cluster": {"outputs": OUTPUTS}})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    charts = {path: data.decode() for path, data in chart_files().items()}
    mirror = Repository(tmp_path / "mirror", {**charts, **gen3()})
    for tag in tags():
        mirror.git.references.create(f"refs/tags/{tag}", mirror.git.head.target)
    chart = {"repoURL": f"file://{mirror.path}", "path": "gen3", "version": str(mirror.git.head.target)}
    made = launch(answers(["minimal"], chart=chart), ids=counting_ids())
    account = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Account\nmetadata: {name: research, uid: a000000001}\n"
    account += f'spec: {{provider: aws, id: "{ACCOUNT}", purpose: workload, regions: [ap-southeast-2]}}\n'
    content = {**plan_init("tide", ids=lambda: "f1b2c3d4e5"), **made.files, made.outputs_path: outputs_file(made)}
    fleet = tmp_path / "fleet"
    repository = Repository(
        fleet, {**{path: data.decode() for path, data in content.items()}, "accounts/research.yaml": account}
    )
    settings = loading.load(
        {
            "HOME": str(tmp_path), "CSOC_CACHE_DIR": str(tmp_path / "cache"), "CSOC_DATA_DIR": str(tmp_path / "data"),
            "CSOC_PLATFORM_MIRROR": f"file://{mirror.path}", "CSOC_PLATFORM_FLEET_URL": f"file://{fleet}",
            "CSOC_AUTHOR_NAME": "Ada", "CSOC_AUTHOR_EMAIL": "ada@example.org",
        }
    )  # fmt: skip
    timeline = RunningTimeline(speed=200)
    with bootstrap.ports(settings) as git, bootstrap.repository_server(settings, tmp_path) as manifests:
        clusters = LivingClusters(timeline, ClusterSettings(), manifests)
        with serving(clusters.all) as served:
            cluster = clusters.all.create("heart")
            set_nodes(clusters.living("heart"), [Node("node-1"), Node("node-2")])
            client = SimulatedWorld(cluster, served.certificate).admin
            links = MemoryLinks()
            links.put(LINK)
            cloud = CloudPorts(settings, lambda: NOW, counting_ids(), links, *[cast(Any, None)] * 2)
            ports = ProvisioningPorts(git, cloud, MemoryPlans(), cast(Any, OnePlace()), *[cast(Any, None)] * 2)
            ports = replace(ports, served=lambda: str(tmp_path))
            yield World(repository, ports, client, made)
        clusters.close()
    timeline.stop()


def launched(world: World) -> Stepping:
    run = world.run("cluster heart")
    for name, kind, arguments in CLUSTER_STEPS:
        run.do(name, kind, arguments)
    run = world.run("environment heart-dev")
    run.results["write outputs"] = {"commit": world.head}
    world.plan()
    for name, kind, arguments in environment_steps(PLAN, has_edge=False):
        run.do(name, kind, arguments)
    return run


def test_a_cluster_is_bootstrapped_and_a_commons_deployed_until_its_hostname_answers(world: World) -> None:
    run = launched(world)
    assert run.results["follow gen3"]["address"].endswith(".amazonaws.com")
    assert run.results["wait for https"] == {"hostname": "heart.example.org", "status": 200}
    found = {one["metadata"]["name"]: one for one in applications(world)}
    assert set(found) == {
        "csoc-root", "heart-dev", "platform-aws-load-balancer-controller", "platform-cluster-autoscaler",
        "platform-external-secrets", "platform-metrics-server",
    }  # fmt: skip
    pins = [source["targetRevision"] for source in found["heart-dev"]["spec"]["sources"]]
    assert pins[1] == run.results["deploy gen3"]["values"]
    account = world.client.get("v1", "ServiceAccount", "aws-load-balancer-controller", "kube-system")
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == OUTPUTS["LoadBalancerControllerRoleArn"]
    assert {person for _, person, _ in world.access.opened} == {"sts:ada"}


def test_done_again_nothing_is_committed_and_nothing_written(world: World) -> None:
    launched(world)
    head = world.head
    run = world.run("cluster heart")
    assert run.do("bootstrap cluster", "bootstrap cluster", {})["written"] == 0
    run.do("write platform", "write platform", {})
    run = world.run("environment heart-dev")
    run.results["write outputs"] = {"commit": pins(world)}
    run.do("deploy gen3", "deploy gen3", {"plan": PLAN})
    assert world.head == head


def test_what_keeps_gen3_from_being_healthy_is_said_while_it_is_waited_for(world: World) -> None:
    run = world.run("environment heart-dev")
    run.results["write outputs"] = {"commit": world.head}
    run.step = Step(1, "follow gen3", "follow gen3")
    found = STEPS["follow gen3"].run(run)
    assert isinstance(found, Waiting)
    assert found.what == "heart-dev to be healthy: Argo CD has no Application heart-dev yet"


def test_an_environment_whose_values_were_not_written_is_not_deployed(world: World) -> None:
    run = world.run("environment heart-dev")
    run.step = Step(1, "deploy gen3", "deploy gen3")
    with pytest.raises(RejectedError, match="Nobody says which commit of the values is deployed"):
        STEPS["deploy gen3"].run(run)


def deploying(world: World) -> Stepping:
    """An environment whose outputs are written, and whose plan is stored, at the step that deploys it."""
    run = world.run("environment heart-dev")
    run.results["write outputs"] = {"commit": world.head}
    run.step = Step(1, "deploy gen3", "deploy gen3", {"plan": PLAN})
    return run


def test_values_that_somebody_changed_after_the_approval_are_not_deployed(world: World) -> None:
    world.plan()
    path = world.values_path()
    text = (world.folder / path).read_text("utf-8")
    world.write(path, f"{text}\nportal:\n  image: {{tag: '9'}}\n")
    head = world.head
    with pytest.raises(ConflictError, match="are not those that were approved: somebody changed them since"):
        STEPS["deploy gen3"].run(deploying(world))
    assert world.head == head


def test_a_chart_that_is_another_one_by_the_same_version_is_not_deployed(world: World) -> None:
    plan = world.plan()
    shown = plan.layer("gen3")
    other = replace(shown, parameters={**shown.parameters, "chart": "gen3 0.3.90 (sha256 0123456789ab)"})
    world.ports.plans.put(replace(plan, id="other", layers=(other,)), {})
    run = deploying(world)
    run.step = Step(1, "deploy gen3", "deploy gen3", {"plan": "other"})
    with pytest.raises(ConflictError, match="The values or the chart of heart-dev are not those that were approved"):
        STEPS["deploy gen3"].run(run)


def test_a_plan_shows_what_deploying_changes_object_by_object(world: World) -> None:
    first = world.plan().layer("gen3")
    assert {(one.action, one.logical_id) for one in first.changes} == {
        (Action.ADD, name) for name in ("Deployment revproxy", "Service revproxy-service", "Ingress revproxy-alb")
    }
    run = deploying(world)
    assert isinstance(STEPS["deploy gen3"].run(run), Done)
    assert world.gen3().kind is PlanKind.PREVIEW  # the layers of the test are not made, and their outputs not known
    assert world.gen3().changes == ()

    path = world.values_path()
    text = (world.folder / path).read_text("utf-8")
    world.write(path, text.replace("heart.example.org", "other.example.org"))
    assert [(one.action, one.logical_id) for one in world.gen3().changes] == [(Action.MODIFY, "Ingress revproxy-alb")]
    changed = world.gen3().changes[0].properties
    assert [(one.path, one.before, one.after) for one in changed] == [
        ("/spec/rules/0/host", "heart.example.org", "other.example.org")
    ]


def test_the_chart_is_asked_for_anew_right_before_it_is_deployed(world: World) -> None:
    world.plan()
    asked: list[str] = []
    git = replace(world.ports.git, expire_charts=lambda: asked.append(world.head))
    world.services = replace(world.services, delivery=DocumentDelivery(replace(world.ports, git=git)))
    run = deploying(world)
    before = world.head
    assert isinstance(STEPS["deploy gen3"].run(run), Done)
    assert asked == [before]
    assert world.head != before


def test_a_value_that_breaks_a_rule_blocks_the_plan_until_it_is_waived(world: World) -> None:
    path = world.values_path()
    text = (world.folder / path).read_text("utf-8")
    world.write(path, f"{text}\nfence:\n  FENCE_CONFIG:\n    ENCRYPTION_KEY: canary7Hq2Zr9Kx4Lm8Wp3\n")
    layer = world.gen3()
    blocking = [one for one in layer.findings if one.blocks]
    assert blocking
    assert all(one.subject.startswith("gen3, ") and path in one.subject for one in blocking)
    assert "canary7Hq2" not in repr(layer)
    reasons = "reason: Tried out for a week, owner: ada, expires: '2027-01-01', environments: [heart-dev]"
    waived = [f"    - {{rule: {rule}, {reasons}}}" for rule in {one.policy for one in blocking}]
    waivers = "\n".join([_WAIVERS, *waived, ""])
    world.write("waivers/known.yaml", waivers)
    assert not [one for one in world.gen3().findings if one.blocks]


def test_what_cannot_be_rendered_blocks_the_plan_and_says_why(world: World) -> None:
    path = world.values_path()
    text = (world.folder / path).read_text("utf-8")
    world.write(path, f"{text}\nportal: [\n")
    blocking = [one for one in world.gen3().findings if one.blocks]
    assert [(one.policy, one.subject) for one in blocking] == [("rendered", "gen3")]
    assert blocking[0].fix


def test_what_the_cluster_would_get_beyond_the_plan_waits_for_an_approval_of_its_own(world: World) -> None:
    plan = world.plan()
    fewer = replace(plan.layer("gen3"), changes=plan.layer("gen3").changes[1:])
    world.ports.plans.put(replace(plan, id="less", layers=(fewer,)), {})
    run = deploying(world)
    run.step = Step(1, "deploy gen3", "deploy gen3", {"plan": "less"})
    head = world.head
    found = STEPS["deploy gen3"].run(run)
    assert isinstance(found, Waiting)
    assert world.head == head
    more = found.fix.removeprefix("csoc approve ")
    shown = world.ports.plans.get(more)
    assert len(shown.layer("gen3").changes) == len(plan.layer("gen3").changes)
    world.ports.plans.approve(Approval(more, shown.digest, "sts:ada", NOW))
    assert isinstance(STEPS["deploy gen3"].run(run), Done)


def test_the_cluster_of_an_environment_is_entered_by_its_eks_name(world: World) -> None:
    delivery = world.services.delivery
    assert delivery is not None
    found = delivery.reference(world.run("environment heart-dev").run, {})
    assert found == EksReference("heart", "research", ACCOUNT, "ap-southeast-2", "csoc-u000000001", is_own=True)


def applications(world: World) -> list[dict[str, Any]]:
    return world.client.list_all("argoproj.io/v1alpha1", "Application")[0]


def pins(world: World) -> str:
    found = next(one for one in applications(world) if one["metadata"]["name"] == "heart-dev")
    return str(found["spec"]["sources"][1]["targetRevision"])


def secrets_operator(version: str) -> dict[str, Any]:
    """An External Secrets that somebody else installed."""
    labels = {"app.kubernetes.io/name": "external-secrets"}
    image = f"ghcr.io/external-secrets/external-secrets:{version}"
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "external-secrets", "namespace": "default", "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }


def definitions(world: World) -> None:
    for path, content in chart_files().items():
        if path.startswith("external-secrets/templates") and "customresourcedefinition" in path:
            world.client.create(json.loads(content))


def test_somebody_elses_external_secrets_is_left_alone_and_not_brought_again(world: World) -> None:
    definitions(world)
    world.client.create(secrets_operator("v1.0.0"))
    before = world.client.get("apps/v1", "Deployment", "external-secrets", "default")["spec"]
    run = world.run("cluster heart")
    for name, kind, arguments in CLUSTER_STEPS:
        run.do(name, kind, arguments)
    assert run.results["write platform"]["left"] == ["external-secrets"]
    file = (world.folder / "clusters/heart/applications/platform.yaml").read_text("utf-8")
    assert "platform-metrics-server" in file
    assert "external-secrets" not in file
    assert world.client.get("apps/v1", "Deployment", "external-secrets", "default")["spec"] == before
    said = "External Secrets 1.0.0 in default is somebody else's: csoc leaves it as it is"
    assert f"event: {said}" in run.said


@pytest.mark.parametrize(
    ("version", "has_kinds", "why"),
    [
        ("v0.9.1", True, "Gen3 needs External Secrets 0.16.0 or later, below 3.0.0, and it is 0.9.1"),
        ("v1.0.0", False, "The cluster does not serve ExternalSecret of external-secrets.io/v1"),
    ],
)
def test_somebody_elses_external_secrets_that_does_not_fit_is_told_before_anything_is_written(
    world: World, version: str, has_kinds: bool, why: str
) -> None:
    if has_kinds:
        definitions(world)
    world.client.create(secrets_operator(version))
    head = world.head
    run = world.run("cluster heart")
    run.step = Step(1, "write platform", "write platform")
    with pytest.raises(RejectedError, match=why):
        STEPS["write platform"].run(run)
    assert world.head == head


def test_a_half_installed_platform_is_completed(world: World) -> None:
    launched(world)
    world.client.delete("apps/v1", "Deployment", "external-secrets", "external-secrets")
    world.client.delete("v1", "ServiceAccount", "aws-load-balancer-controller", "kube-system")
    waits = Waits()

    def is_back() -> bool:
        found = world.client.list_all("apps/v1", "Deployment")[0]
        accounts = world.client.list_all("v1", "ServiceAccount")[0]
        return "external-secrets" in {one["metadata"]["name"] for one in found} and (
            "aws-load-balancer-controller" in {one["metadata"]["name"] for one in accounts}
        )

    while not is_back():
        waits.sleep(0)
