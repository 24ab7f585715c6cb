"""Plans by the command line: made, shown, approved by whom it takes, applied, refused once the world is another one."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pygit2
import pytest

from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from tests.functional.command import Command
from tests.functional.planned_fleet import GIVEN, THERE, Fleet


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


@pytest.fixture(scope="module")
def fleet(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return Fleet(emulator, tmp_path_factory.mktemp("plans"))


@pytest.fixture(scope="module")
def tidal(fleet: Fleet) -> str:
    """A cluster whose network is made. Tests may plan for it and change its document back."""
    path = fleet.cluster("tidal", "c1b2c3d4e5")
    first = fleet.plan("tidal", "--layer", "network")
    shown = {(change["action"], change["type"]) for change in first["layers"][0]["changes"]}
    assert {action for action, _ in shown} == {"add"}
    assert ("add", "AWS::EC2::VPC") in shown
    assert first["missing"].startswith("1 approval by anybody")
    fleet.apply(first)
    again = fleet.csoc("apply", first["id"])
    assert (again.code, "The plan was applied already" in again.err) == (5, True)
    assert "fix: Plan again: csoc plan tidal" in again.err
    return path


def test_what_is_applied_is_unchanged_and_stands_well(fleet: Fleet, tidal: str) -> None:
    ran = fleet.world.done(fleet.csoc("plan", "tidal", "--layer", "network"))
    assert "network: nothing to do" in ran.out
    assert "There is nothing to do." in ran.out
    status = fleet.world.done(fleet.csoc("status", "tidal", "--json")).data
    assert status["well"]
    assert {one["layer"]: one["state"] for one in status["layers"]} == {
        "network": "create complete",
        "cluster": "not made yet",
        "platform": "not made yet",
    }


def test_what_is_not_committed_is_not_planned_and_that_is_said(fleet: Fleet, tidal: str) -> None:
    file = fleet.folder / tidal
    committed = file.read_text()
    assert fleet.plan("tidal", "--layer", "network")["uncommitted"] == []
    file.write_text(committed.replace("size: small", "size: large"))
    (fleet.folder / "notes.txt").write_text("for nobody")
    try:
        ran = fleet.world.done(fleet.csoc("plan", "tidal", "--layer", "network"))
        assert f"{tidal} has changes that are not committed; they are not looked at" in ran.out
        assert "notes.txt" not in ran.out
        assert "There is nothing to do." in ran.out
        assert fleet.plan("tidal", "--layer", "network")["uncommitted"] == [tidal]
        assert fleet.plan("tidal", "--layer", "network", "--revision", "HEAD")["uncommitted"] == []
    finally:
        file.write_text(committed)
        (fleet.folder / "notes.txt").unlink()
    said = fleet.csoc("plan", "--help").out
    assert "what is not committed is not looked at" in " ".join(said.split())


def test_a_replacement_is_shown_with_what_was_and_what_would_be(fleet: Fleet, tidal: str) -> None:
    fleet.change(tidal, "size: small", "size: small\n  network: {cidr: 10.30.0.0/16}")
    try:
        ran = fleet.world.done(fleet.csoc("plan", "tidal", "--layer", "network"))
        assert "! Vpc (AWS::EC2::VPC) vpc-" in ran.out
        assert "Properties.CidrBlock: 10.20.0.0/16 -> 10.30.0.0/16  <- replaces it" in ran.out
        assert "KNOWN_AFTER_APPLY" not in ran.out
    finally:
        fleet.change(tidal, "\n  network: {cidr: 10.30.0.0/16}", "")


def test_a_plan_is_stale_once_the_documents_say_something_else(fleet: Fleet, tidal: str) -> None:
    plan = fleet.plan("tidal", "--layer", "network")
    fleet.change(tidal, "size: small", "size: medium")
    try:
        ran = fleet.csoc("apply", plan["id"])
        assert (ran.code, "The plan is stale" in ran.err) == (5, True)
        assert "fix: Plan again: csoc plan tidal" in ran.err
        larger = fleet.plan("tidal", "--layer", "network")["layers"][0]["cost"]
        assert larger["before"] == plan["layers"][0]["cost"]["after"], "what is deployed does not cost more by a plan"
        assert larger["after"] > larger["before"]
        told = json.loads(fleet.csoc("apply", plan["id"], "--json").err)["error"]
        assert (told["kind"], told["place"]) == ("conflict", f"plan {plan['id']}")
    finally:
        fleet.change(tidal, "size: medium", "size: small")


def test_what_somebody_changed_outside_is_told_and_waits_for_an_approval_of_its_own(fleet: Fleet) -> None:
    path = fleet.cluster("outer", "c2b2c3d4e5")
    fleet.apply(fleet.plan("outer", "--layer", "network"))
    settings = "  layers: [{name: network, provider: aws, settings: {flow_log_days: 90}}]\n"
    fleet.write(path, (fleet.folder / path).read_text() + settings)
    plan = fleet.plan("outer", "--layer", "network")
    changed = {change["logicalId"] for change in plan["layers"][0]["changes"]}
    assert changed == {"FlowLogGroup"}

    def loosen(template: dict[str, Any]) -> None:
        template["Resources"]["WebAclLogGroup"]["Properties"]["RetentionInDays"] = 1

    fleet.change_outside("csoc-c2b2c3d4e5-network", loosen)
    status = fleet.csoc("status", "outer")
    assert status.code == 1
    assert "somebody changed csoc-c2b2c3d4e5-network outside" in status.out
    assert "fix: csoc plan shows what csoc would make of it" in status.out
    fleet.world.done(fleet.csoc("approve", plan["id"]))
    applying = fleet.elsewhere("apply", plan["id"])
    try:
        waiting = _waiting(fleet, applying)
        more = f"{plan['id']}-network"
        assert f"the approval of plan {more}" in waiting["steps"][1]["waitsFor"]
        shown = fleet.world.done(fleet.csoc("plan", "--show", more)).out
        assert "WebAclLogGroup" in shown
        assert "Properties.RetentionInDays: 1 -> " in shown
        logs = {one["logGroupName"]: one.get("retentionInDays") for one in _log_groups(fleet)}
        assert 90 not in logs.values(), "nothing is done meanwhile"
        watching = fleet.elsewhere("runs", "watch", waiting["id"], "--whole")
        told = fleet.world.done(fleet.csoc("approve", more)).out
        assert f"The run {waiting['id']} goes on by itself" in told
        assert applying.wait(30) == 0, applying.stdout.read() if applying.stdout else ""
        seen, _ = watching.communicate(timeout=30)
        assert watching.returncode == 0
        assert "1 changes of network were not in the plan" in seen
        assert seen.rstrip().endswith("apply cluster outer: succeeded")
    finally:
        applying.kill()
        applying.communicate()
    assert 1 not in {one.get("retentionInDays") for one in _log_groups(fleet)}
    assert fleet.csoc("status", "outer").code == 0


def test_a_run_that_nobody_executes_is_named_to_whoever_applies_or_approves_its_plan(fleet: Fleet, tidal: str) -> None:
    plan = fleet.plan("tidal", "--layer", "platform")
    run = fleet.world.done(fleet.csoc("apply", plan["id"], "--begin", "--json")).data["id"]
    again = fleet.csoc("apply", plan["id"])
    assert again.code == 5
    assert f"The run {run} is there for this plan already, and is queued" in again.err
    assert f"fix: Approve it: csoc approve {plan['id']}; go on with it: csoc runs resume {run}" in again.err
    said = fleet.world.done(fleet.csoc("approve", plan["id"])).out
    assert f"Nobody executes the run {run}; go on with: csoc runs resume {run} (or csoc worker)" in said
    assert "csoc apply" not in said
    assert f"csoc approve {plan['id']}" not in fleet.csoc("apply", plan["id"]).err
    assert "csoc apply" not in fleet.world.done(fleet.csoc("plan", "--show", plan["id"])).out
    fleet.world.done(fleet.csoc("runs", "cancel", run))
    assert f"Apply it: csoc apply {plan['id']}" in fleet.world.done(fleet.csoc("approve", plan["id"])).out
    nothing = fleet.csoc("apply", "nosuch")
    assert "csoc plan --list shows them" in nothing.err


def _waiting(fleet: Fleet, applying: subprocess.Popen[str]) -> dict[str, Any]:
    """The run once it waits."""
    for _ in range(300):
        for run in fleet.csoc("runs", "list", "--state", "waiting", "--json").data["runs"]:
            found: dict[str, Any] = run
            return found
        assert applying.poll() is None, applying.stdout.read() if applying.stdout else ""
        time.sleep(0.1)
    raise AssertionError("the run does not wait")


def _log_groups(fleet: Fleet) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = fleet.owner.client("logs").describe_log_groups()["logGroups"]
    return found


def test_the_first_real_failure_of_a_stack_is_explained(fleet: Fleet) -> None:
    fleet.cluster("fallen", "c3b2c3d4e5")
    plan = fleet.plan("fallen", "--layer", "network")
    fleet.owner.client("ssm").put_parameter(Name="/csoc/c3b2c3d4e5/network/VpcId", Value="mine", Type="String")
    fleet.world.done(fleet.csoc("approve", plan["id"]))
    ran = fleet.csoc("apply", plan["id"])
    assert ran.code == 1
    assert "network failed at VpcIdParameter (AWS::SSM::Parameter)" in ran.out
    status = fleet.csoc("status", "fallen")
    assert status.code == 1
    assert "network failed at VpcIdParameter" in status.out
    assert "\n  fix: " in status.out
    told = fleet.csoc("status", "fallen", "--json").data
    assert (told["well"], told["layers"][0]["failure"]["resource"]) == (False, "VpcIdParameter")


def test_a_bucket_is_replaced_once_if_somebody_says_so(fleet: Fleet) -> None:
    fleet.cluster("there", "c4b2c3d4e5", THERE)
    path = fleet.environment("kelp-dev", "e1b2c3d4e5", "there", layer="resources")
    fleet.write(path, (fleet.folder / path).read_text() + GIVEN)
    first = fleet.plan("kelp-dev", "--layer", "resources")
    fleet.apply(first)
    client = fleet.owner.client("cloudformation")
    made = client.describe_stack_resources(StackName="csoc-e1b2c3d4e5-resources")["StackResources"]
    buckets = {
        one["LogicalResourceId"]: one["PhysicalResourceId"] for one in made if one["ResourceType"].endswith("Bucket")
    }
    bucket, name = next((key, one) for key, one in sorted(buckets.items()) if "upload" in one)
    other = name.replace("upload", "other")

    def rename(template: dict[str, Any]) -> None:
        text = json.dumps(template).replace(name, other)
        template.clear()
        template.update(json.loads(text))

    stack, unlock = "csoc-e1b2c3d4e5-resources", f"resources/{bucket}"
    for _ in range(2):
        fleet.change_outside(stack, rename)
        _delete_bucket(fleet, name)  # csoc's templates keep what they let go
        blocked = fleet.csoc("plan", "kelp-dev", "--layer", "resources")
        assert blocked.code == 1
        assert f"blocked: {unlock}: {other} (AWS::S3::Bucket) " in blocked.out
        assert "since Properties.BucketName changes" in blocked.out
        assert f"plan again with --unlock {unlock} if its data may be lost" in blocked.out
        assert "It cannot be approved as it is." in blocked.out
        refused = fleet.plan("kelp-dev", "--layer", "resources", code=1)["id"]
        for words in (("approve", refused), ("apply", refused)):
            ran = fleet.csoc(*words)
            assert (ran.code, "The plan is blocked" in ran.err) == (1, True)
            assert f"--unlock {unlock}" in ran.err
        fleet.apply(fleet.plan("kelp-dev", "--layer", "resources", "--unlock", unlock))
        made = client.describe_stack_resources(StackName=stack)["StackResources"]
        assert name in {one["PhysicalResourceId"] for one in made}
        _delete_bucket(fleet, other)
    ran = fleet.csoc("plan", "kelp-dev", "--layer", "resources", "--unlock", unlock)
    assert (ran.code, f"{unlock} is neither replaced nor removed by this plan" in ran.err) == (1, True)


def test_a_preview_that_wants_more_than_it_showed_waits_for_an_approval_of_its_own(fleet: Fleet) -> None:
    path = fleet.cluster("sluice", "c8b2c3d4e5")
    fleet.write(path, (fleet.folder / path).read_text() + "  network: {egress: proxy}\n")
    plan = fleet.plan("sluice", "--layer", "network", "--layer", "egress")
    assert [(one["layer"], one["kind"]) for one in plan["layers"]] == [("network", "exact"), ("egress", "preview")]
    assert "NetworkVpcId" in plan["layers"][1]["unknown"]
    installation = fleet.csoc("plan", "sluice", "--export", fleet.csoc.home / "export.json")
    assert installation.code == 0
    uid = json.loads((fleet.csoc.home / "export.json").read_text())["installation"]
    client = fleet.owner.client("cloudformation")
    client.create_stack(
        StackName="csoc-c8b2c3d4e5-egress",
        TemplateBody=json.dumps({"Resources": {"Mine": {"Type": "AWS::SNS::Topic"}}}),
        Tags=[{"Key": "csoc:installation", "Value": uid}],
    )
    fleet.world.done(fleet.csoc("approve", plan["id"]))
    applying = fleet.elsewhere("apply", plan["id"])
    try:
        waiting = _waiting(fleet, applying)
        more = f"{plan['id']}-egress"
        assert f"the approval of plan {more}" in waiting["steps"][2]["waitsFor"]
        assert waiting["steps"][2]["fix"] == f"csoc approve {more}"
        shown = fleet.world.done(fleet.csoc("approve", more, "--show")).out
        assert "- Mine (AWS::SNS::Topic)" in shown
        there = client.describe_stack_resources(StackName="csoc-c8b2c3d4e5-egress")["StackResources"]
        assert [one["LogicalResourceId"] for one in there] == ["Mine"], "nothing is done meanwhile"
        fleet.world.done(fleet.csoc("runs", "cancel", waiting["id"]))
        applying.wait(60)
    finally:
        applying.kill()
        applying.communicate()


def _delete_bucket(fleet: Fleet, name: str) -> None:
    fleet.owner.client("s3").delete_bucket(Bucket=name)


def test_a_second_person_is_somebody_who_is_proven_and_neither_planned_nor_wrote_it(fleet: Fleet) -> None:
    path = fleet.cluster("deep", "c5b2c3d4e5", by="carl@example.org")
    fleet.environment("squid-prod", "e2b2c3d4e5", "deep", stage="prod")
    rule = "\n  approvals: {prod: {secondPerson: true}}\n"
    fleet_yaml = (fleet.folder / "fleet.yaml").read_text()
    fleet.write("fleet.yaml", fleet_yaml.rstrip() + rule)
    try:
        plan = fleet.plan("deep", "--layer", "network")
        assert plan["missing"].startswith("1 approval by somebody who neither made the plan nor wrote its changes")
        assert plan["radius"] == ["environment squid-prod"]
        for who, why, what in (
            (fleet.csoc, "ada@example.org made this plan", "fix: Ask somebody else to run csoc approve"),
            (fleet.person("carl"), "carl wrote changes of this plan", "fix: Ask somebody else to run csoc approve"),
            (fleet.nobody(), "nobody vouches for", "fix: Sign in with a role or single sign-on"),
        ):
            ran = who("approve", plan["id"])
            assert (ran.code, why in ran.err, what in ran.err) == (3, True, True), ran.err
        told = fleet.person("carl")("approve", plan["id"], "--json")
        assert json.loads(told.err)["error"]["kind"] == "denied"
        done = fleet.world.done(fleet.person("bea@example.org")("approve", plan["id"]))
        assert "is approved by bea@example.org." in done.out
        fleet.world.done(fleet.csoc("apply", plan["id"]))
        # The rule is loosened together with a change that it would have held back.
        fleet.write("fleet.yaml", fleet_yaml)
        fleet.change(path, "size: small", "size: medium")
        loosened = fleet.plan("deep", "--layer", "network")
        assert loosened["secondPerson"]
        ran = fleet.csoc("approve", loosened["id"])
        assert (ran.code, "made this plan" in ran.err) == (3, True)
    finally:
        fleet.write("fleet.yaml", fleet_yaml)


def test_a_copied_folder_with_the_same_uid_is_refused(fleet: Fleet) -> None:
    fleet.cluster("first", "c6b2c3d4e5")
    copied = fleet.cluster("second", "c6b2c3d4e5")
    try:
        ran = fleet.csoc("plan", "second", "--layer", "network")
        assert ran.code == 1
        assert "cannot be planned" in ran.err or "c6b2c3d4e5" in ran.err, ran.err
        assert "fix: " in ran.err
    finally:
        fleet.remove(copied)


def test_a_stack_of_another_installation_is_left_alone(fleet: Fleet) -> None:
    fleet.cluster("foreign", "c7b2c3d4e5")
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    fleet.owner.make_stack("csoc-c7b2c3d4e5-network", json.dumps(body), {}, lambda: time.sleep(0.05))
    ran = fleet.csoc("plan", "foreign", "--layer", "network")
    assert ran.code == 5
    assert "The stack csoc-c7b2c3d4e5-network is not of this csoc: its tag csoc:installation is missing" in ran.err
    assert "fix: Plan with the csoc that made it; nothing was changed" in ran.err


def test_what_stands_in_the_work_tree_alone_is_neither_planned_nor_applied(fleet: Fleet, tidal: str) -> None:
    path = fleet.folder / "clusters/tidal/cluster.yaml"
    text = path.read_text()
    path.write_text(text.replace("size: small", "size: large"))
    try:
        plan = fleet.plan("tidal", "--layer", "network")
        assert plan["empty"]
        assert plan["commit"] == str(pygit2.Repository(str(fleet.folder)).head.target)
    finally:
        path.write_text(text)


def test_a_cluster_is_not_destroyed_under_its_environments_and_names_are_typed(fleet: Fleet, tidal: str) -> None:
    path = fleet.environment("crab-dev", "e3b2c3d4e5", "tidal")
    brought = fleet.environment("wrasse-dev", "e4b2c3d4e5", "tidal")
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    fleet.owner.make_stack("csoc-e3b2c3d4e5-credentials", json.dumps(body), {}, lambda: time.sleep(0.05))
    try:
        for words in (("destroy", "tidal"), ("destroy", "tidal", "--yes", "tidal")):
            ran = fleet.csoc(*words)
            assert (ran.code, "The cluster tidal is used by crab-dev, wrasse-dev" in ran.err) == (1, True)
            assert "fix: Destroy these first: csoc destroy environment/crab-dev. Nothing of these is csoc's" in ran.err
            assert f"so take their documents out of Git: {brought}" in ran.err
    finally:
        fleet.remove(path)
        fleet.remove(brought)
    ran = fleet.csoc("destroy", "tidal", "--yes", "tide")
    assert (ran.code, "What was typed is not the name of cluster tidal" in ran.err) == (1, True)
    assert "fix: Type --yes tidal" in ran.err
    shown = fleet.world.done(fleet.csoc("destroy", "tidal", "--layer", "network"))
    assert "This layer stays" not in shown.out
    assert "- Vpc (AWS::EC2::VPC) vpc-" in shown.out
    assert "To do it: csoc destroy tidal --yes tidal" in shown.out
    stacks = {one["StackName"] for one in fleet.owner.client("cloudformation").describe_stacks()["Stacks"]}
    assert "csoc-c1b2c3d4e5-network" in stacks


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("plan",), 2, "OWNER"),
        (("apply",), 2, "PLAN"),
        (("approve", "one", "two"), 2, "two"),
        (("plan", "tidal", "--layr", "network"), 2, "--layer"),
        (("plan", "tidal", "--layer", "resources"), 1, "There is no layer resources here"),
        (("plan", "tydal"), 4, "Did you mean tidal?"),
        (("apply", "nosuchplan"), 4, "nosuchplan"),
        (("approve", "nosuchplan"), 4, "nosuchplan"),
        (("destroy", "nothing"), 4, "There is no cluster or environment nothing"),
        (("status", "nothing"), 4, "There is no cluster or environment nothing"),
    ],
)
def test_wrong_words_end_with_the_code_of_their_kind(
    fleet: Fleet, tidal: str, words: tuple[str, ...], code: int, sentence: str
) -> None:
    for more in ((), ("--json",)):
        ran = fleet.csoc(*words, *more)
        assert (ran.code, ran.out) == (code, "")
        assert sentence in ran.err
    assert json.loads(ran.err)["error"]["cause"]


def test_a_cloud_that_does_not_answer_is_told_as_such(fleet: Fleet, tidal: str) -> None:
    away = Command(fleet.csoc.home, fleet.folder, variables=dict(fleet.csoc.variables))
    away.variables |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    ran = away("plan", "tidal", "--layer", "network")
    assert ran.code == 6, ran.err
    assert "fix: " in ran.err
