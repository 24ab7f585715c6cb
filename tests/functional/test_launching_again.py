"""Launches asked for again, changed, given up, or held up: what is said is what can be typed, and nothing is taken for
another's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from tests.functional.command import Ran
from tests.functional.test_launch_answers import Launching

_TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
_USERS = "users:\n  ada@example.org: {}\nauthz:\n  resources: [{name: open}]\n"
_LOOKS = 600


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


@pytest.fixture(scope="module")
def launching(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Launching:
    return Launching(emulator, tmp_path_factory.mktemp("again"))


def csoc(launching: Launching, *words: str, code: int = 0) -> Ran:
    ran = launching.world.csoc(*words)
    assert ran.code == code, ran.err + ran.out
    return ran


def runs_of(launching: Launching, name: str) -> list[dict[str, Any]]:
    """Runs of the commons' cluster and environment that are not over, newest first."""
    found = csoc(launching, "runs", "list", "--json").data["runs"]
    ours = (f"cluster {name}", f"environment {name}-dev")
    return [one for one in found if one["ownerName"] in ours and one["state"] in ("queued", "waiting", "running")]


def give_up(launching: Launching, name: str) -> None:
    for run in runs_of(launching, name):
        csoc(launching, "runs", "cancel", run["id"])


@pytest.fixture(scope="module")
def reef(launching: Launching) -> Launching:
    """With the commons reef launched, whose runs wait."""
    (launching.world.csoc.home / "people").mkdir()
    (launching.world.csoc.home / "people" / "user.yaml").write_text(_USERS)
    ran = launching.launch(_reef(launching))
    assert ran.code == 0, ran.err
    return launching


def _reef(launching: Launching, **changed: str) -> str:
    said = {
        "commons": "reef",
        "title": "Reef Data Commons",
        "hostname": "reef.example.org",
        "size": "small",
        "services": "[standard]",
        "users": "people/user.yaml",
        "network": "{cidr: 10.20.0.0/16}",
        "signIn": "{provider: google, clientId: reef-portal}",
        **changed,
    }
    return "".join(f"{key}: {value}\n" for key, value in said.items()) + launching.chart


def test_a_list_of_users_beside_the_answers_is_in_the_values(reef: Launching) -> None:
    assert "ada@example.org: {}" in reef.git("show", "HEAD:commons/reef/reef-dev/values/40-users.yaml")


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("/etc/passwd", "expected the path of a file beside the answers or below, neither absolute nor with .."),
        ("../creds", "expected the path of a file beside the answers or below, neither absolute nor with .."),
        ("people/../../creds", "neither absolute nor with .."),
        ("link.yaml", "The file is not in the folder of the answers"),
        ("people", "It is no file"),
        ("passwd", "The list of users is not one mapping of keys"),
        ("values.yaml", "line 1: expected users or authz"),
        ("shape.yaml", "line 3: expected a list below authz.roles"),
        ("token.yaml", "The list of users goes into Git, and a secret is in it (not shown): line 2"),
        ("large.yaml", "The file is larger than 900,000 bytes"),
    ],
)
def test_no_other_file_of_this_machine_gets_into_git(launching: Launching, named: str, sentence: str) -> None:
    home = launching.world.csoc.home
    (home.parent / "creds").write_text(f"users: {{}}\ntoken: {_TOKEN}\n")
    (home / "people").mkdir(exist_ok=True)
    if not (home / "link.yaml").is_symlink():
        (home / "link.yaml").symlink_to("../creds")
    (home / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534:sync:/bin:/bin/sync\n")
    (home / "values.yaml").write_text("global: {dev: true}\n")
    (home / "shape.yaml").write_text("users: {}\nauthz:\n  roles: everything\n")
    (home / "token.yaml").write_text(f"users:\n  ada@example.org: {{tags: {{note: {_TOKEN}}}}}\n")
    (home / "large.yaml").write_text(f"users: {{}}\n{'# nobody else' * 80_000}\n")
    before = launching.traces()
    ran = launching.launch(f"commons: kelp\nusers: {named}\n")
    assert ran.code != 0
    assert sentence in ran.err
    assert _TOKEN not in ran.err + ran.out
    assert "root:x" not in ran.err + ran.out
    assert launching.traces() == before


@pytest.mark.parametrize(
    ("secret", "more"),
    [("{file: nowhere}", ()), ("{file: empty}", ()), ("{file: two}", ()), ("{env: NOT_SET}", ("--wait",))],
    ids=str,
)
def test_a_secret_that_cannot_be_had_is_said_before_anything_is_in_git(
    launching: Launching, secret: str, more: tuple[str, ...]
) -> None:
    (launching.world.csoc.home / "empty").write_text("\n")
    (launching.world.csoc.home / "two").write_text("one line\nand another\n")
    before = launching.traces()
    answers = f"commons: kelp\nsignIn: {{provider: google, clientSecret: {secret}}}\n{launching.chart}"
    ran = launching.launch(answers, *more)
    assert ran.code in (1, 4)
    assert "signIn.clientSecret" in ran.err
    assert "and another" not in ran.err
    assert launching.traces() == before


@pytest.mark.parametrize(
    ("changed", "sentence", "fix"),
    [
        ({"size": "large"}, "size is small in commons/reef/reef-dev/environment.yaml, and large in the answers",
         "edit spec.size in commons/reef/reef-dev/environment.yaml; edit spec.size in clusters/reef/cluster.yaml"),
        ({"services": "[minimal]"}, "services is [standard] in", "edit spec.services in"),
        ({"title": "Another"}, "title is Reef Data Commons in commons/reef/reef-dev/values/30-portal.yaml, and Another",
         "edit portal.gitops.json in"),
        ({"dictionary": "https://example.org/other.json"}, "and https://example.org/other.json in the answers",
         "csoc fleet set reef-dev global.dictionaryUrl=https://example.org/other.json"),
        ({"users": "other.yaml"}, "users is not what commons/reef/reef-dev/values/40-users.yaml says",
         "edit fence.USER_YAML in"),
        ({"network": "{cidr: 10.99.0.0/16}"}, "network.cidr is 10.20.0.0/16 in clusters/reef/cluster.yaml",
         "edit spec.network.cidr in"),
        ({"signIn": "{provider: google, clientId: another}"}, "signIn.clientId is reef-portal in", "spec.signIn"),
        ({"internal": "true"}, "internal is false in", "edit spec.edge.scheme in"),
    ],
)  # fmt: skip
def test_every_answer_that_changed_since_is_named_with_what_to_do(
    reef: Launching, changed: dict[str, str], sentence: str, fix: str
) -> None:
    (reef.world.csoc.home / "other.yaml").write_text(_USERS.replace("ada", "eve"))
    before, begun = reef.traces(), len(runs_of(reef, "reef"))
    ran = reef.launch(_reef(reef, **changed))
    assert ran.code == 5, ran.err
    assert sentence in ran.err
    assert f"take {next(iter(changed))}" in ran.err
    assert fix in ran.err.partition("fix: ")[2]
    assert ran.err.rstrip().endswith("csoc plan reef-dev")
    assert (reef.traces(), len(runs_of(reef, "reef"))) == (before, begun)


def test_what_to_type_next_is_every_approval_in_order_and_who_executes(reef: Launching) -> None:
    ran = reef.launch(_reef(reef))
    assert ran.code == 0, ran.err
    plans = {one["ownerName"]: one["plan"] for one in runs_of(reef, "reef")}
    said = ran.out.partition("Type next, in this order:")[2]
    typed = [line.strip().partition("  #")[0] for line in said.strip().splitlines()]
    assert typed == [
        f"csoc approve {plans['cluster reef']}",
        f"csoc approve {plans['environment reef-dev']}",
        f"csoc launch --answers {reef.world.csoc.home / 'answers.yaml'} --wait",
        "csoc worker",
    ]


def test_a_run_that_no_launch_began_is_neither_watched_nor_executed(reef: Launching) -> None:
    give_up(reef, "reef")
    plan = csoc(reef, "plan", "reef-dev", "--layer", "credentials", "--json").data["id"]
    run = csoc(reef, "apply", plan, "--begin", "--json").data["id"]
    ran = reef.launch(_reef(reef), "--wait", "--auto-approve")
    assert ran.code == 5, ran.err
    assert f"A run that no launch began is going on for environment reef-dev: {run}" in ran.err
    assert f"csoc runs cancel {run}" in ran.err
    assert csoc(reef, "runs", "show", run, "--json").data["state"] == "queued"
    assert [one["id"] for one in runs_of(reef, "reef")] == [run]
    csoc(reef, "runs", "cancel", run)


@pytest.fixture(scope="module")
def mud(launching: Launching) -> Launching:
    """With a launch of mud that was given up, and only the network of its cluster made."""
    ran = launching.launch(f"commons: mud\nhostname: mud.example.org\nservices: [minimal]\n{launching.chart}")
    assert ran.code == 0, ran.err
    assert "which record somebody must make so that AWS issues the certificate: when the layer edge is made" in ran.out
    give_up(launching, "mud")
    plan = csoc(launching, "plan", "cluster/mud", "--layer", "network", "--json").data["id"]
    csoc(launching, "approve", plan)
    csoc(launching, "apply", plan)
    return launching


def test_a_plan_with_nothing_to_do_gets_no_run_and_one_that_was_applied_is_not_to_be_applied(mud: Launching) -> None:
    applied = csoc(mud, "runs", "list", "--limit", "1", "--json").data["runs"][0]
    assert "was applied already" in csoc(mud, "approve", applied["plan"], code=5).err
    plan = csoc(mud, "plan", "cluster/mud", "--layer", "network", "--json").data
    assert plan["empty"]
    ran = csoc(mud, "apply", plan["id"])
    assert "There is nothing to do, so no run was begun. How it stands: csoc status mud" in ran.out
    assert csoc(mud, "runs", "list", "--limit", "1", "--json").data["runs"][0]["id"] == applied["id"]


def test_the_record_that_a_certificate_waits_for_is_named_wherever_one_looks(mud: Launching) -> None:
    ran = mud.launch(f"commons: silt\nhostname: silt.example.org\ncluster: mud\nservices: [minimal]\n{mud.chart}")
    assert ran.code == 0, ran.err
    give_up(mud, "silt")
    plan = csoc(mud, "plan", "silt-dev", "--layer", "edge", "--json").data["id"]
    csoc(mud, "approve", plan)
    run = csoc(mud, "apply", plan, "--begin", "--json").data["id"]
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("csoc")), "runs", "resume", run],
        env={**os.environ, **mud.world.csoc.environment},
        cwd=mud.world.csoc.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for _ in range(_LOOKS):
                shown = csoc(mud, "runs", "show", run, "--json").data
                if shown["state"] == "waiting" or process.poll() is not None:
                    break
                time.sleep(0.05)
            acm = mud.owner.client("acm")
            [arn] = [one["CertificateArn"] for one in acm.list_certificates()["CertificateSummaryList"]]
            [option] = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
            record = option["ResourceRecord"]
            name, value = record["Name"].rstrip("."), record["Value"].rstrip(".")
            for words in (("runs", "list"), ("runs", "show", run), ("status", "silt-dev")):
                said = re.sub(r"\s+", "", csoc(mud, *words).out)
                assert f"waitsfortherecordthatletsAWSissuethecertificate:{name}CNAME{value}" in said, words
            assert f"name {name}, type CNAME, value {value}" in csoc(mud, "runs", "show", run).out
        finally:
            process.terminate()
            process.wait(60)
    csoc(mud, "runs", "cancel", run)


def test_a_launch_that_was_given_up_can_be_destroyed_though_its_cluster_was_never_made(mud: Launching) -> None:
    shown = csoc(mud, "destroy", "cluster/mud", code=1).err
    assert "is used by mud-dev, silt-dev" in shown, "one that was only planned keeps it as one that has a stack"
    assert "fix: Destroy these first: csoc destroy environment/mud-dev; csoc destroy environment/silt-dev" in shown
    ran = csoc(mud, "destroy", "mud-dev", "--yes", "mud-dev")
    assert "The cluster was never made, so there is nothing to take Gen3 out of" in ran.out
    assert not [path for path in mud.git("ls-tree", "-r", "--name-only", "HEAD").split() if "mud-dev" in path]
