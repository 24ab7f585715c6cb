"""One of two commons in a cluster is destroyed: the other does not notice, and what was kept is listed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pygit2
import pytest

from csoc.adapters.cdk.synthesizer import ChildSynthesizer
from csoc.cli import main
from csoc.cli.demo import story
from csoc.cli.demo.scene import RESEARCH, ZONE, scene
from csoc.cli.plan.session import open_applying
from csoc.clusters.hostnames import Answered
from csoc.emulator.effects import FaultRule
from csoc.errors import NotFoundError
from csoc.gen3.launch.answerfiles import parse_answers
from csoc.operations.runs import Run, RunState
from csoc.usecases.launching import Request, begin, prepare
from tests.functional.command import Ran
from tests.functional.commons_seen import Seen, differences

STAYS, GOES = "reef", "kelp"
PLACE, INGRESS = "github:example/fleet", "revproxy-alb"
_NO_ROOM = "No capacity in this region"
_GIVEN = {"fence-config": {"client-id": "portal", "client-secret": "of-nobody"}}


@dataclass
class World(Seen):
    """Launches and destroys, as the commands do. failed, resumed: the run of a launch that was in trouble at first, and
    how it went on by what the run said."""

    failed: Any = None
    resumed: Ran = field(default_factory=lambda: Ran(1, "", ""))

    def request(self, commons: str, cluster: str) -> Request:
        text = story.answers_text(self.stage).replace("services: [standard]", "services: [minimal, manifestservice]")
        text = text.replace(f"{story.COMMONS}.{ZONE}", f"{commons}.{ZONE}")
        text = text.replace(f"commons: {story.COMMONS}", f"commons: {commons}")
        text = text.replace("cluster: new", f"cluster: {cluster}")
        return Request(str(self.stage.fleet), parse_answers(text.encode()), auto_approve=True)

    def launch(self, commons: str, cluster: str) -> None:
        request = self.request(commons, cluster)
        for run in begin(self.ports, self.runs, request, prepare(self.ports, request)).runs:
            self.end(run)

    def launch_in_trouble(self, commons: str, cluster: str) -> Any:
        """A launch whose resources cannot be made at first. Gives the run as it failed."""
        faults = self.stage.cloud.faults
        name = faults.add(FaultRule("resource", resource="BucketPolicyManifest*", action="create", reason=_NO_ROOM))
        request = self.request(commons, cluster)
        [run] = begin(self.ports, self.runs, request, prepare(self.ports, request)).runs
        story.execute_and_tell(self.runs, run.id, lambda text, style: None)
        faults.remove(name)
        return self.csoc("runs", "show", run.id, "--json").data

    def end(self, run: Run) -> Run:
        story.execute_and_tell(self.runs, run.id, lambda text, style: None)
        ended = self.runs.runs.get(run.id)
        assert ended.state is RunState.SUCCEEDED, [(one.name, one.cause) for one in ended.steps if one.cause]
        return ended

    def csoc(self, *words: str) -> Ran:
        """A command beside this one, at the same records."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main.run(words)
        return Ran(code, out.getvalue(), err.getvalue())

    def write(self, path: Path, content: bytes) -> None:
        """A commit by somebody."""
        path.write_bytes(content)
        repository = pygit2.Repository(str(self.stage.fleet))
        repository.index.read()
        repository.index.add(str(path.relative_to(self.stage.fleet)))
        repository.index.write()
        by = pygit2.Signature("Bea", "bea@example.org")
        head = [repository.head.target]
        repository.create_commit("HEAD", by, by, f"Touch {path.name}", repository.index.write_tree(), head)

    def deployed(self, environment: str) -> set[str]:
        """What Argo CD says that it deployed, "Deployment fence-deployment"."""
        body = self.found(self.cluster(environment), environment, "argoproj.io", "applications", "argocd")
        return {f"{one['kind']} {one['name']}" for one in body["status"]["resources"]}

    def newest(self) -> Run:
        return self.runs.runs.newest(limit=1)[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, templates_process: ChildSynthesizer) -> Iterator[World]:
    real = ChildSynthesizer._ask
    with pytest.MonkeyPatch.context() as patched, scene(tmp_path_factory.mktemp("destroying")) as stage:
        # Both launches are made here, where the fixture of every single test does not reach.
        patched.setattr(ChildSynthesizer, "_ask", lambda _, document: real(templates_process, document))
        told = story.Told()
        story.found_fleet(stage, lambda text, style: None)
        story.link_account(stage, lambda text, style: None, told, "research", RESEARCH)
        with open_applying(lambda _: _GIVEN) as (ports, runs):
            made = World(stage, ports, runs)
            made.launch(STAYS, "new")
            made.failed = made.launch_in_trouble(GOES, STAYS)
            made.resumed = made.csoc("runs", "resume", made.failed["id"])
            assert made.resumed.code == 0, made.resumed.out + made.resumed.err
            yield made


def test_a_first_creation_that_cannot_be_taken_back_whole_is_begun_anew_by_resuming(world: World) -> None:
    [step] = [one for one in world.failed["steps"] if one["state"] == "failed"]
    assert step["name"] == "apply resources"
    assert _NO_ROOM in step["cause"]
    assert "What was made before could not all be taken back (BucketAccessLogs" in step["fix"]
    assert step["fix"].endswith(f"begins anew: csoc runs resume {world.failed['id']}")
    uid = world.owner(f"environment/{GOES}-dev").uid
    logs = [name for name in world.buckets(uid) if "accesslogs" in name]
    assert len(logs) == 2, "one that was kept, and one of the stack that there is"
    assert [name for name in logs if f"stays in the account: {name}" in world.resumed.out]
    assert world.answers(f"{GOES}.{ZONE}") is Answered.YES


@pytest.fixture(scope="module")
def shown(world: World) -> Any:
    """The plan that destroys one of the two, as programs get it."""
    ran = world.csoc("destroy", f"{GOES}-dev", "--json")
    assert ran.code == 0, ran.err
    return ran.data


def test_the_plan_begins_with_all_that_argo_cd_deployed_and_with_what_it_is_in(world: World, shown: Any) -> None:
    gen3 = shown["layers"][0]
    assert (gen3["layer"], gen3["kind"]) == ("gen3", "rendered")
    frames = {f"Application {GOES}-dev", f"Namespace {GOES}-dev", f"AppProject {GOES}-dev"}
    deployed = world.deployed(f"{GOES}-dev")
    assert f"Ingress {INGRESS}" in deployed
    assert {one["logicalId"] for one in gen3["changes"]} == deployed | frames
    assert {(one["action"], one["kept"]) for one in gen3["changes"]} == {("remove", False)}
    assert shown["layers"][1]["layer"] == "edge", "the layers follow, last one first"


def test_an_approval_is_of_what_goes_out_of_the_cluster_too(world: World, shown: Any) -> None:
    plan = world.ports.plans.get(shown["id"])
    gen3 = plan.layer("gen3")
    less = replace(gen3, changes=gen3.changes[1:])
    assert replace(plan, layers=(less, *plan.layers[1:])).digest != plan.digest == shown["digest"]


def test_people_are_shown_each_object_and_what_is_kept_and_asked_to_type_what_they_gave(
    world: World, shown: Any
) -> None:
    said = world.csoc("plan", "--show", shown["id"]).out
    assert f"gen3: {len(shown['layers'][0]['changes'])} to remove" in said
    assert "  - Deployment fence-deployment (apps/v1): remove\n" in said
    assert f"This goes first, out of the cluster {STAYS}. With its Ingress goes the load balancer" in said
    [database] = [line for line in said.splitlines() if "(AWS::RDS::DBCluster)" in line]
    assert database.startswith("  = Database ")
    assert database.endswith(": kept in the account")
    given = ("--layer", "edge", "--where", PLACE, "--pull-request")
    assert f"To do it: csoc destroy {GOES}-dev --yes {GOES}-dev {' '.join(given)}\n" in world.csoc(
        "destroy", f"{GOES}-dev", *given
    ).out  # fmt: skip


def test_gen3_goes_only_with_all_layers(world: World) -> None:
    ran = world.csoc("destroy", f"{GOES}-dev", "--layer", "gen3")
    assert (ran.code, ran.out) == (1, "")
    assert "Gen3 goes out of its cluster only with all layers" in ran.err
    assert f"fix: Look at all of it: csoc destroy {GOES}-dev" in ran.err
    some = world.csoc("destroy", f"{GOES}-dev", "--layer", "edge", "--json").data
    assert [one["layer"] for one in some["layers"]] == ["edge"]


def test_a_plan_is_not_applied_once_something_else_is_deployed(world: World, shown: Any) -> None:
    before = world.newest().id
    path = world.stage.fleet / "clusters" / STAYS / "applications" / f"{GOES}-dev.yaml"
    written = path.read_bytes()
    world.write(path, written + b"# touched\n")
    try:
        ran = world.csoc("apply", shown["id"], "--begin")
    finally:
        world.write(path, written)
    assert (ran.code, ran.out) == (5, "")
    assert f"The plan is stale: what is deployed of {GOES}-dev changed since it was made" in ran.err
    assert f"fix: Plan again: csoc destroy {GOES}-dev" in ran.err
    assert world.newest().id == before


def test_a_destruction_is_left_to_a_workflow_and_what_it_writes_to_pull_requests(world: World) -> None:
    for words in (("--where", "elsewhere"), ("--where", "elsewhere", "--yes", f"{GOES}-dev")):
        ran = world.csoc("destroy", f"{GOES}-dev", *words)
        assert (ran.code, ran.out, "elsewhere" in ran.err) == (1, "", True), ran
    told = ("--where", PLACE, "--pull-request", "--yes", f"{GOES}-dev")
    run = world.csoc("destroy", f"{GOES}-dev", *told, "--json").data
    assert (run["state"], run["where"]) == ("queued", PLACE)
    stored = world.runs.runs.get(run["id"])
    assert stored.arguments["pull_request"] is True
    assert [step.kind for step in stored.steps][:2] == ["wait for approval", "remove gen3"]
    assert [step.arguments for step in stored.steps][1] == {"plan": stored.plan}
    assert world.csoc("runs", "cancel", run["id"]).code == 0
    said = world.csoc("destroy", f"{GOES}-dev", *told).out
    begun = world.newest().id
    assert begun != run["id"]
    assert f"Run {begun} is queued: csoc runs watch {begun}\nIn that workflow: csoc worker --where {PLACE}" in said
    assert world.csoc("runs", "cancel", begun).code == 0
    assert world.is_in(world.cluster(f"{GOES}-dev"), f"{GOES}-dev"), "nothing was done"


def test_a_launch_of_what_is_healthy_begins_no_run(world: World) -> None:
    before = [run.id for run in world.runs.runs.newest(limit=10)]
    request = world.request(STAYS, "new")
    launched = begin(world.ports, world.runs, request, prepare(world.ports, request))
    assert launched.runs == ()
    assert [plan.is_empty for plan in launched.plans] == [True, True]
    assert [(one.owner.shown, one.is_well) for one in launched.standings] == [
        (f"cluster {STAYS}", True),
        (f"environment {STAYS}-dev", True),
    ]
    assert launched.is_healthy, launched.answer
    assert [run.id for run in world.runs.runs.newest(limit=10)] == before


def test_a_destroyed_environment_is_gone_and_the_other_one_in_its_cluster_is_untouched(world: World) -> None:
    stays, goes = world.owner(f"environment/{STAYS}-dev").uid, world.owner(f"environment/{GOES}-dev").uid
    before, was = world.whole(f"{STAYS}-dev"), world.whole(f"{GOES}-dev")
    assert not [part for found in (before, was) for part, things in found.items() if not things], "nothing to compare"
    assert (world.answers(f"{STAYS}.{ZONE}"), world.answers(f"{GOES}.{ZONE}")) == (Answered.YES, Answered.YES)

    said = world.csoc("destroy", f"{GOES}-dev", "--yes", f"{GOES}-dev")
    assert said.code == 0, said.err + said.out
    run = world.newest()

    assert not differences(before, world.whole(f"{STAYS}-dev"))
    assert world.answers(f"{STAYS}.{ZONE}") is Answered.YES
    assert world.answers(f"{GOES}.{ZONE}") is Answered.NO_ADDRESS
    # What validated the certificate stays in the zone, as CloudFormation leaves it.
    assert not [one for one in world.records() if f'"Name": "{GOES}.{ZONE}.' in one]
    assert world.is_in(world.cluster(f"{STAYS}-dev"), f"{GOES}-dev") == []
    client = world.stage.owners[RESEARCH].client
    names = [one["StackName"] for one in client("cloudformation").describe_stacks()["Stacks"]]
    assert not [one for one in names if goes in one]
    with pytest.raises(NotFoundError):
        world.owner(f"environment/{GOES}-dev")

    left = {step.kind: step.result for step in run.steps}["list left"]["left"]
    again = prepare(world.ports, world.request(GOES, STAYS))
    assert again.uid not in ("", goes), "the name is free, and what was kept is in nobody's way"

    told = said.out.replace("\n", " ")
    for one in left:
        of = f", {one['resource']} of the layer {one['layer']}" if one["resource"] else ""
        assert told.count(f"Still there: {one['name']} ({one['type']}{of}): {one['keptBy']}") == 1
    assert f"{len(left)} things are left in the account, each told above as still there." in said.out
    assert [one["resource"] for one in left if one["type"] == "kms key" and one["layer"] == "database"] == ["Key"]
    assert len([one for one in left if one["name"].startswith("_") and "…" not in one["name"]]) == 1

    there = world.tagged(goes)
    assert there
    assert set(there) <= set(was["tagged"])
    assert set(there) <= {one["arn"] for one in left}, "all that the account has is listed"
    secrets = [one for one in left if one["type"] == "secretsmanager secret"]
    kept = {*was["secrets"], f"csoc-{goes}-database-master"}
    assert {one["name"].rpartition("-")[0] for one in secrets} == kept
    assert {one["keptBy"] for one in secrets} == {"kept, as its template says"}
    assert {one["keptBy"] for one in left} - {""} == {one["keptBy"] for one in left}, "each says what keeps it"
    assert not [one for one in left if stays in json.dumps(one)]


def test_after_one_layer_went_nothing_of_the_others_is_left_and_what_it_left_is_in_the_next_plan(world: World) -> None:
    ran = world.csoc("destroy", f"{STAYS}-dev", "--layer", "resources", "--yes", f"{STAYS}-dev")
    assert ran.code == 0, ran.out + ran.err
    left = {step.kind: step.result for step in world.newest().steps}["list left"]["left"]
    assert {one["layer"] for one in left} == {"resources"}
    plan = world.csoc("plan", f"{STAYS}-dev", "--layer", "resources", "--json").data
    uid = world.owner(f"environment/{STAYS}-dev").uid
    bucket = f"csoc-{uid}-manifests-{RESEARCH}"
    [found] = [one for layer in plan["layers"] for one in layer["findings"] if bucket in one["cause"]]
    assert found["subject"].startswith("resources/BucketManifests")
    assert "while it is there this one cannot be made" in found["cause"]
    assert not plan["blocked"], "the account's list may name what is gone"


def test_the_network_of_a_destroyed_cluster_stays_with_the_databases_that_were_kept_in_it(world: World) -> None:
    kept = {name: world.owner(f"environment/{name}-dev").uid for name in (STAYS,)}
    refused = world.csoc("destroy", f"cluster/{STAYS}")
    assert f"The cluster {STAYS} is used by {GOES}-dev, {STAYS}-dev" in refused.err, "the first one is in Git alone"
    for name in (f"{GOES}-dev", f"{STAYS}-dev"):
        assert f"csoc destroy environment/{name}" in refused.err
        gone = world.csoc("destroy", f"environment/{name}", "--yes", name)
        assert gone.code == 0, gone.out + gone.err
    uid = world.owner(f"cluster/{STAYS}").uid
    plan = world.csoc("destroy", f"cluster/{STAYS}")
    assert plan.code == 0, plan.err
    said = " ".join(plan.out.split())
    assert "network: nothing to do This layer stays whole, with what it costs, because of what was kept" in said
    for commons in (STAYS, GOES):
        assert f"of {commons}-dev: csoc-" in said
    assert f"csoc-{kept[STAYS]}-database (rds cluster), csoc-{kept[STAYS]}-database (ec2 security-group sg-" in said
    ended = world.csoc("destroy", f"cluster/{STAYS}", "--yes", STAYS)
    assert ended.code == 0, ended.out + ended.err
    stacks = world.stage.owners[RESEARCH].client("cloudformation").describe_stacks()["Stacks"]
    assert [one["StackName"] for one in stacks if uid in one["StackName"]] == [f"csoc-{uid}-network"]
    assert f"Still there: csoc-{uid}-network (stack): This layer stays whole" in ended.out
