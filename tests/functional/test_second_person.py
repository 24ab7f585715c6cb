"""Who counts as a second person: people whom csoc's own cloud vouches for, and nobody who only has some session."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from csoc.accounts.cloud import Caller
from csoc.adapters.aws.accounts import AwsAccounts
from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from tests.functional.command import Command
from tests.functional.planned_fleet import Fleet


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


@pytest.fixture(scope="module")
def fleet(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A fleet whose stage prod wants a second person, with a cluster of that stage."""
    made = Fleet(emulator, tmp_path_factory.mktemp("second"))
    made.cluster("deep", "c5b2c3d4e5")
    made.environment("squid-prod", "e2b2c3d4e5", "deep", stage="prod")
    text = (made.folder / "fleet.yaml").read_text().rstrip()
    made.write("fleet.yaml", f"{text}\n  approvals: {{prod: {{secondPerson: true}}}}\n")
    return made


@pytest.fixture(scope="module")
def plan(fleet: Fleet) -> dict[str, Any]:
    """Made by Ada."""
    return fleet.plan("deep", "--layer", "network")


@contextmanager
def sts_that_says(arn: str) -> Iterator[str]:
    """The address of something that speaks like STS and calls everybody so."""
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{arn}</Arn><UserId>AROA:bea</UserId><Account>{arn.split(':')[4]}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    ).encode()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def refused(by: Command, plan: Mapping[str, Any], *sentences: str) -> None:
    ran = by("approve", plan["id"])
    assert (ran.code, ran.out) == (3, ""), ran.err + ran.out
    for sentence in (*sentences, "fix: "):
        assert sentence in ran.err, ran.err


def test_who_is_not_of_csocs_people_is_refused_with_what_would_help(fleet: Fleet, plan: dict[str, Any]) -> None:
    hub, stranger = fleet.world.hub, fleet.world.owner()
    elsewhere = f"the account {stranger.account} is none where csoc's people sign in"
    for variables in (stranger.hub("bea", "Engineer"), stranger.signed_in("bea")):
        refused(fleet.somebody(variables), plan, elsewhere, f"Sign in with single sign-on to {hub.account}")
    refused(fleet.somebody(hub.variables()), plan, "is no session of a role")
    refused(fleet.somebody(hub.hub("bea")), plan, "the role csoc-worker", "aws.people_roles")
    alike = "AWSReservedSSO_Fake_0123456789abcdef"
    refused(fleet.somebody(hub.hub("bea", alike)), plan, "only called like one")
    refused(fleet.nobody(), plan, "nobody vouches for")
    shown = fleet.world.done(fleet.csoc("approve", plan["id"], "--show"))
    assert "It needs 1 approval" in shown.out


def test_another_session_of_the_role_that_planned_is_one_person_unless_the_settings_say_what_pins_it(
    fleet: Fleet, plan: dict[str, Any]
) -> None:
    hub = fleet.world.hub
    role = f"arn:aws:iam::{hub.account}:role/csoc-worker"
    zoe = fleet.somebody(hub.hub("zoe"))
    zoe.variables["CSOC_AWS_PEOPLE_ROLES"] = role
    refused(zoe, plan, "another session of the role that made this plan", "aws.pinned_roles")
    pinned = Command(fleet.csoc.home, fleet.folder, variables=dict(zoe.variables))
    pinned.settings = f'[aws.pinned_roles]\n"{role}" = "its trust policy asks for sts:RoleSessionName"\n'
    again = fleet.plan("deep", "--layer", "network")
    done = fleet.world.done(pinned("approve", again["id"], "--json")).data
    assert done["missing"] == ""
    assert fleet.csoc("approve", again["id"], "--show", "--json").data["missing"], "each csoc counts by its settings"


def test_whom_another_sts_vouches_for_is_nobody(fleet: Fleet, plan: dict[str, Any]) -> None:
    hub = fleet.world.hub
    arn = f"arn:aws:sts::{hub.account}:assumed-role/AWSReservedSSO_Engineers_0123456789abcdef/bea"
    with sts_that_says(arn) as address:
        fake = fleet.somebody({**hub.hub("ada@example.org"), "AWS_ENDPOINT_URL_STS": address})
        refused(fake, plan, f"Who you are is asked of {address}", "no AWS_ENDPOINT_URL_STS")


def test_a_plan_is_made_by_whom_the_cloud_of_the_link_vouches_for(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = fleet.world.hub.account
    zoe = Caller(account, f"arn:aws:sts::{account}:assumed-role/csoc-worker/zoe", "role")
    monkeypatch.setattr(AwsAccounts, "proven_caller", lambda _self, _endpoint: zoe)
    ran = fleet.csoc("plan", "deep", "--layer", "network")
    assert (ran.code, "Nobody vouches for sts:arn:aws:sts::" in ran.err) == (3, True), ran.err
    assert "/ada@example.org, who makes this plan, and deep wants more than one person" in ran.err


def test_whoever_verifies_a_link_in_vain_makes_no_account_one_of_csocs(fleet: Fleet, plan: dict[str, Any]) -> None:
    stranger = fleet.world.owner()
    assert fleet.somebody(stranger.hub("bea", "Engineer"))("account", "verify", "research").code == 1
    try:
        refused(fleet.somebody(stranger.signed_in("bea")), plan, "is none where csoc's people sign in")
    finally:
        fleet.world.done(fleet.csoc("account", "verify", "research"))


def test_somebody_who_signed_in_is_the_second_person(fleet: Fleet, plan: dict[str, Any]) -> None:
    refused(fleet.person("ada@example.org"), plan, "ada@example.org made this plan")
    done = fleet.world.done(fleet.person("bea@example.org")("approve", plan["id"], "--json")).data
    assert done["missing"] == ""


def test_an_edited_plan_is_refused_and_named_and_locks_nobody(fleet: Fleet) -> None:
    made = fleet.plan("deep", "--layer", "network")
    _edit(Path(fleet.csoc.variables["CSOC_DATA_DIR"]) / "csoc.sqlite3", made["id"], made_by="sts:zoe")
    for words in (("approve", made["id"]), ("apply", made["id"])):
        ran = fleet.person("bea@example.org")(*words) if words[0] == "approve" else fleet.csoc(*words)
        assert (ran.code, f"The plan {made['id']} is not as it was stored" in ran.err) == (1, True), ran.err
        assert "fix: Make it anew with csoc plan" in ran.err
    assert f"The plan {made['id']} is not as it was stored" in fleet.csoc("status", "deep").out
    again = fleet.plan("deep", "--layer", "network")
    fleet.world.done(fleet.person("bea@example.org")("approve", again["id"]))


def _edit(file: Path, plan: str, **fields: Any) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        (content,) = connection.execute("SELECT content FROM plans WHERE id = ?", (plan,)).fetchone()
        changed = json.dumps({**json.loads(content), **fields}, sort_keys=True)
        connection.execute("UPDATE plans SET content = ? WHERE id = ?", (changed, plan))
