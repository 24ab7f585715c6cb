"""One of two commons in a cluster is destroyed: the other does not notice, and what was kept is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from csoc.cli.demo import story
from csoc.cli.demo.scene import RESEARCH, ZONE, scene
from csoc.cli.plan.session import open_applying
from csoc.clusters.hostnames import Answered
from csoc.errors import NotFoundError
from csoc.gen3.launch.answerfiles import parse_answers
from csoc.operations.runs import Run, RunState
from csoc.provisioning.plans import Purpose
from csoc.usecases import runs as run_cases
from csoc.usecases.launching import Request, begin, prepare
from csoc.usecases.planning.applying import run_of
from csoc.usecases.planning.approving import approve
from csoc.usecases.planning.making import Wanted, make_plan, open_fleet
from csoc.usecases.planning.owners import find_owner
from tests.functional.commons_seen import Seen, differences

STAYS, GOES = "reef", "kelp"
_GIVEN = {"fence-config": {"client-id": "portal", "client-secret": "of-nobody"}}


@dataclass
class World(Seen):
    """Launches and destroys, as the commands do."""

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

    def end(self, run: Run) -> Run:
        story.execute_and_tell(self.runs, run.id, lambda text, style: None)
        ended = self.runs.runs.get(run.id)
        assert ended.state is RunState.SUCCEEDED, [(one.name, one.cause, one.waits_for) for one in ended.steps]
        return ended

    def destroy(self, name: str) -> Run:
        fleet = open_fleet(self.ports, str(self.stage.fleet))
        plan = make_plan(self.ports, fleet, Wanted(name, Purpose.DESTROY))
        approve(self.ports, plan.id)
        run = run_of(self.ports, plan, find_owner(fleet.documents, name), str(self.stage.fleet))
        return self.end(run_cases.begin(self.runs, run))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with scene(tmp_path_factory.mktemp("destroying")) as stage:
        told = story.Told()
        story.found_fleet(stage, lambda text, style: None)
        story.link_account(stage, lambda text, style: None, told, "research", RESEARCH)
        with open_applying(lambda _: _GIVEN) as (ports, runs):
            made = World(stage, ports, runs)
            made.launch(STAYS, "new")
            made.launch(GOES, STAYS)
            yield made


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

    run = world.destroy(f"environment/{GOES}-dev")

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

    there = world.tagged(goes)
    assert there
    assert set(there) <= set(was["tagged"])
    assert set(there) <= {one["arn"] for one in left}, "all that the account has is listed"
    secrets = [one for one in left if one["type"] == "secretsmanager secret"]
    kept = {*was["secrets"], f"csoc-{goes}-database-master"}
    assert {one["name"].rpartition("-")[0] for one in secrets} == kept
    assert {one["keptBy"] for one in secrets} == {"kept by its deletion policy RetainExceptOnCreate"}
    assert {one["keptBy"] for one in left} - {""} == {one["keptBy"] for one in left}, "each says what keeps it"
    assert not [one for one in left if stays in json.dumps(one)]
