"""What somebody may do to a launch behind csoc's back, and what csoc says to it; and where a secret never is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygit2
import pytest

import csoc
from csoc import bootstrap
from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from tests.functional.accounts.conftest import World
from tests.functional.command import Ran

CHART = Path(csoc.__file__).parent / "cli" / "demo_fleet" / "charts" / "gen3"
CANARY = "canary-7c1f9e0b5d-of-the-client"
FIELDS = ("--from-env", "client-secret=REEF_CLIENT_SECRET")
DATABASE = {
    "DatabaseEndpoint": "database.example.org",
    "DatabasePort": "5432",
    "SearchEndpoint": "search.example.org",
}
ANSWERS = """commons: reef
title: Reef Data Commons
stage: dev
account: research
hostname: reef.example.org
signIn: {provider: google, clientId: reef-portal, clientSecret: {env: REEF_CLIENT_SECRET}}
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


@pytest.fixture
def world(emulator: Emulator, tmp_path: Path) -> World:
    return World(emulator, tmp_path)


@pytest.fixture(scope="module")
def linked(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A fleet whose account is linked, for tests that leave the link alone. folder: with everything that csoc wrote."""
    made = World(emulator, tmp_path_factory.mktemp("linked"))
    made.linked("research")
    return made


def answers(world: World, text: str = ANSWERS) -> Path:
    path = world.csoc.home / "answers.yaml"
    path.write_text(text)
    return path


def launch(world: World, text: str = ANSWERS, *more: str) -> Ran:
    charts, commit = mirror(world)
    world.csoc.variables |= {"REEF_CLIENT_SECRET": CANARY, "CSOC_PLATFORM_MIRROR": charts.as_uri()}
    chart = f"chart: {{repoURL: '{charts.as_uri()}', path: gen3, version: {commit}}}\n"
    return world.csoc("launch", "--answers", answers(world, text + chart), *more)


def mirror(world: World) -> tuple[Path, str]:
    """A repository with the chart on this machine, and its commit: a launch renders what it plans."""
    folder = world.csoc.home.parent / "charts"
    if not folder.exists():
        shutil.copytree(CHART, folder / "gen3")
        bootstrap.found_repository(folder, "Charts", name="Ada", email="ada@example.org")
    return folder, str(pygit2.Repository(str(folder)).head.target)


def documents(world: World) -> set[str]:
    return {path.parent.name for path in world.csoc.folder.glob("c*/**/*.yaml")}


def test_a_changed_external_id_is_noticed_before_anything_is_planned(world: World) -> None:
    owner = world.linked("research")
    begun = world.link("research", owner)
    world.make(owner, begun, ExternalId=begun["externalId"][:-30] + "b" * 30)
    ran = launch(world, ANSWERS, "--auto-approve")
    assert ran.code == 3, ran.err + ran.out
    assert "fix: csoc account verify research" in ran.err, ran.err
    world.csoc("account", "verify", "research")
    ran = launch(world)
    assert (ran.code, "The account research is broken, so nothing can be launched in it" in ran.err) == (3, True)


def _anybody(body: dict[str, Any]) -> None:
    for name in ("ObserverRole", "ProvisionerRole"):
        body["Resources"][name]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}


def _escalating(body: dict[str, Any]) -> None:
    allowed = [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]
    more = {"PolicyName": "more", "PolicyDocument": {"Version": "2012-10-17", "Statement": allowed}}
    body["Resources"]["ExecutionRole"]["Properties"].setdefault("Policies", []).append(more)
    document = body["Resources"]["ExecutionIdentitiesPolicy"]["Properties"]["PolicyDocument"]
    document["Statement"] = [one for one in document["Statement"] if one["Sid"] != "NeverWithoutTheBoundary"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [(_anybody, "It trusts anybody"), (_escalating, "so a stack could make an administrator")],
)
def test_nothing_is_launched_through_a_link_that_lets_in_too_much(world: World, change: Any, sentence: str) -> None:
    owner = world.owner()
    world.make(owner, world.link("research", owner), change)
    verified = world.csoc("account", "verify", "research")
    assert (verified.code, sentence in verified.out) == (1, True)
    assert "fix: Update the link's stack" in verified.out
    before = documents(world)
    ran = launch(world)
    assert ran.code == 3
    assert "The account research is trust weakened, so nothing can be launched in it" in ran.err
    assert "fix: csoc account verify research" in ran.err
    assert documents(world) == before


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (f"signIn: {{provider: google, clientSecret: {CANARY}}}", "signIn.clientSecret"),
        (f"signIn: {{provider: google, clientSecret: {{value: {CANARY}}}}}", "signIn.clientSecret"),
        ("title: AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "title"),
    ],
)
def test_a_secret_in_an_answer_is_refused_and_never_repeated(linked: World, line: str, place: str) -> None:
    kept = [one for one in ANSWERS.splitlines() if one.partition(":")[0] != line.partition(":")[0]]
    ran = launch(linked, "\n".join([*kept, line, ""]))
    assert ran.code == 1
    assert place in ran.err
    assert "fix: " in ran.err
    assert CANARY not in ran.err + ran.out
    assert "wJalrXUtnFEMI" not in ran.err + ran.out


def test_a_value_that_breaks_a_rule_blocks_the_plan_and_nothing_runs(linked: World) -> None:
    before = documents(linked)
    ran = launch(linked, ANSWERS.replace("reef", "open") + "apiAccess: [0.0.0.0/0]\n", "--auto-approve")
    assert ran.code == 1
    assert "apiAccess: item 0: that is most of the internet" in ran.err
    assert "fix: Correct it in the answers. Nothing was written to Git" in ran.err
    assert documents(linked) == before
    assert linked.csoc("runs", "list", "--json").data["runs"] == []


def test_nobody_approves_for_others_by_launching(linked: World) -> None:
    fleet = linked.csoc.folder / "fleet.yaml"
    fleet.write_text(fleet.read_text().rstrip() + "\n  approvals: {prod: {secondPerson: true}}\n")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *who, "commit", "-qam", "Two people"], cwd=linked.csoc.folder, check=True)
    before = documents(linked)
    ran = launch(linked, ANSWERS.replace("stage: dev", "stage: prod"), "--auto-approve")
    assert ran.code == 3
    assert "so the one who launches cannot approve for them" in ran.err
    assert "fix: Launch without --auto-approve" in ran.err
    assert "Nothing was written to Git" in ran.err
    assert documents(linked) == before
    assert linked.csoc("runs", "list", "--json").data["runs"] == []


def test_a_secret_given_by_a_variable_is_found_nowhere(world: World, tmp_path: Path) -> None:
    owner = world.linked("research")
    outputs: list[Ran] = []

    def csoc(*words: str | Path) -> Ran:
        outputs.append(world.csoc(*words))
        return outputs[-1]

    outputs.append(launch(world, ANSWERS, "--auto-approve"))
    assert outputs[-1].code == 0, outputs[-1].err
    for run in csoc("runs", "list", "--json").data["runs"]:
        world.done(csoc("runs", "cancel", run["id"]))
        csoc("runs", "show", run["id"], "--log")
    plan = world.done(csoc("plan", "reef-dev", "--layer", "credentials", "--json")).data
    world.done(csoc("approve", plan["id"]))
    # The client's secret is put together with the database's logins, so somebody has to say where a database is.
    topic = {"Type": "AWS::SNS::Topic"}
    outputs_of_database = {name: {"Value": value} for name, value in DATABASE.items()}
    body = {"Resources": {"Topic": topic}, "Outputs": outputs_of_database}
    owner.make_stack(f"csoc-{plan['owner']}-database", json.dumps(body), {}, lambda: time.sleep(0.05))
    applying = subprocess.Popen(
        [str(Path(sys.executable).with_name("csoc")), "apply", plan["id"]],
        env={**os.environ, **world.csoc.environment},
        cwd=world.csoc.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        # Each look takes time from the process that is looked at.
        for _ in range(120):
            run = csoc("runs", "list", "--limit", "1", "--json").data["runs"][0]
            if run["plan"] == plan["id"] and run["state"] == "waiting":
                break
            assert applying.poll() is None
            time.sleep(0.5)
        put = csoc("secret", "put", "reef-dev", "fence-config", *FIELDS, "--json")
        world.done(put)
    finally:
        applying.terminate()
        said, _ = applying.communicate(timeout=60)
    assert CANARY not in said
    kept = owner.client("secretsmanager")
    values = [kept.get_secret_value(SecretId=name)["SecretString"] for name in put.data["put"]]
    assert any(CANARY in value for value in values), "it got where it belongs"
    csoc("plan", "reef-dev", "--layer", "credentials", "--whole")
    csoc("plan", "reef-dev", "--export", world.csoc.home / "export.json")
    csoc("fleet", "show", "--json")
    csoc("check", "--json")
    for ran in outputs:
        assert CANARY not in ran.out + ran.err
    searched = 0
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file():
            searched += 1
            assert CANARY.encode() not in path.read_bytes(), path
    assert searched > 20
    assert list((tmp_path / "data").glob("*.db*")) or list((tmp_path / "data").glob("*.sqlite*"))
