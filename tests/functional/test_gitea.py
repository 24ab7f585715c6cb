"""A change on a real Git host, from the command line to the merge, and everything that can come in between."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from csoc.adapters.githost.webhook import receive
from csoc.fleet.githost import EventKind
from csoc.usecases.change.propose import propose_change
from testbed.servers.gitea import Gitea, GiteaRepository, GiteaUser
from tests.functional.command import Command, Ran

pytestmark = pytest.mark.gitea

PROD = "harbor/coral.example.org/values.yaml"
STAGING = "harbor/staging.coral.example.org/values.yaml"
FERN = "meadow/fern.example.org/values.yaml"
"""FERN's tag of fence is 2026.06, as PROD's; STAGING's is 2026.02."""
HANGING_SECONDS = 120
"""What comes, comes in a moment, or after many on a busy machine; what does not come at all ends the test."""


DEMO_URL = b"https://git.example.org/tidewater/gitops.git"


def demo_files(url: str = "") -> dict[str, bytes]:
    """The fleet that csoc brings along, as if it had always stood at the address."""
    top = Path(str(files("csoc").joinpath("cli", "demo_fleet")))
    found = {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}
    return {path: content.replace(DEMO_URL, f"{url}.git".encode()) for path, content in found.items()}


@pytest.fixture
def people(gitea: Gitea, gitea_repository: GiteaRepository) -> tuple[GiteaUser, GiteaUser, GiteaUser]:
    """maker, who runs csoc, and two who own parts of the fleet."""
    found = gitea.create_user("maker"), gitea.create_user("harbour"), gitea.create_user("meadow")
    for person in found:
        gitea_repository.add_collaborator(person)
    return found


@pytest.fixture
def fleet(gitea_repository: GiteaRepository) -> GiteaRepository:
    gitea_repository.push(dict(demo_files(gitea_repository.url)))
    return gitea_repository


@pytest.fixture
def csoc(
    gitea: Gitea, fleet: GiteaRepository, people: tuple[GiteaUser, GiteaUser, GiteaUser], tmp_path: Path
) -> Command:
    return command(gitea.url, fleet, people[0], tmp_path)


def command(host: str, fleet: GiteaRepository, person: GiteaUser, folder: Path) -> Command:
    settings = (
        f'[[git_hosts]]\nurl = "{host}"\nkind = "gitea"\ntoken_env = "HOST_TOKEN"\n'
        f'[[credentials]]\nurl_prefix = "{host}"\nkind = "token"\ntoken_env = "HOST_TOKEN"\n'
    )
    variables = {"HOST_TOKEN": person.token, "CSOC_FLEET": fleet.url}
    return Command(folder / f"home-{person.name}", folder / "work", settings, variables)


def set_tag(csoc: Command, tag: str, *more: str, names: tuple[str, ...] = ("coral-prod",)) -> Ran:
    return csoc("fleet", "set", *names, f"fence.image.tag={tag}", *more)


def pull(csoc: Command, tag: str = "2026.07", names: tuple[str, ...] = ("coral-prod",)) -> int:
    """A pull request for a tag; its number."""
    done = set_tag(csoc, tag, "--pull-request", "--json", names=names)
    assert done.code == 0, done.err + done.out
    (outcome,) = done.data["outcomes"]
    return int(outcome["number"])


def approve(fleet: GiteaRepository, number: int, person: GiteaUser) -> None:
    head = fleet.api("GET", f"/pulls/{number}")["head"]["sha"]
    fleet.api(
        "POST",
        f"/pulls/{number}/reviews",
        {"event": "APPROVED", "body": "Read it.", "commit_id": head},
        token=person.token,
    )


def branches(fleet: GiteaRepository) -> set[str]:
    return {branch["name"] for branch in fleet.api("GET", "/branches")}


def test_adopting_by_pull_request_adds_documents_and_nothing_else(fleet: GiteaRepository, csoc: Command) -> None:
    done = csoc("fleet", "adopt", fleet.url, "--write", "--pull-request", "--json")
    assert done.code == 0, done.err
    adoption = done.data["adoption"]
    number = int(adoption["pullRequest"].rpartition("/")[2])
    changed = fleet.api("GET", f"/pulls/{number}/files?limit=50")
    assert {item["filename"] for item in changed} == set(adoption["files"])
    assert all(item["filename"].startswith(".csoc/") and item["status"] == "added" for item in changed)
    again = csoc("fleet", "adopt", fleet.url, "--write", "--pull-request")
    assert f"Open already: {adoption['pullRequest']}" in again.out
    assert csoc("fleet", "changes", "--merge", str(number)).code == 0
    assert "nothing to add" in csoc("fleet", "adopt", fleet.url, "--write").out
    assert csoc("check", "--fail-on", "critical", "coral-prod").code == 0


def test_from_set_over_a_conflict_and_a_review_to_the_merge(
    fleet: GiteaRepository, csoc: Command, people: tuple[GiteaUser, GiteaUser, GiteaUser]
) -> None:
    _, harbour, _ = people
    fleet.push({"CODEOWNERS": f"harbor/.* @{harbour.name}\n"})
    fleet.protect("main", approvals=1)
    first, second = pull(csoc, "2026.07"), pull(csoc, "2026.08")
    asked = [user["login"] for user in fleet.api("GET", f"/pulls/{first}")["requested_reviewers"]]
    assert asked == [harbour.name]

    refused = csoc("fleet", "changes", "--merge", str(second))
    assert refused.code == 3
    assert "approval" in refused.err
    approve(fleet, second, harbour)
    assert csoc("fleet", "changes", "--merge", str(second)).code == 0
    assert b'tag: "2026.08"' in fleet.read(PROD)

    (left,) = csoc("fleet", "changes", "--json").data
    assert (left["number"], left["conflicts"]) == (first, [PROD])
    assert PROD in csoc("fleet", "changes").out
    approve(fleet, first, harbour)
    conflicting = csoc("fleet", "changes", "--merge", str(first))
    assert conflicting.code == 5
    assert PROD in conflicting.err

    made = csoc("fleet", "changes", "--rebuild", str(first), "--json")
    assert made.code == 0, made.err
    assert made.data["closed"]
    third = made.data["outcomes"][0]["number"]
    assert fleet.api("GET", f"/pulls/{first}")["state"] == "closed"
    comments = fleet.api("GET", f"/issues/{first}/comments")
    assert f"as #{third}." in comments[0]["body"]
    approve(fleet, third, harbour)
    assert csoc("fleet", "changes", "--merge", str(third)).code == 0
    old, new = (f'fence:\n  replicas: 3\n  image:\n    tag: "{tag}"'.encode() for tag in ("2026.06", "2026.07"))
    assert fleet.read(PROD) == demo_files()[PROD].replace(old, new)
    assert csoc("fleet", "changes", "--json").data == []
    assert branches(fleet) == {"main"}


def test_a_protected_branch_refuses_a_commit_and_the_way_out_is_said(fleet: GiteaRepository, csoc: Command) -> None:
    fleet.protect("main", approvals=1)
    head = fleet.head()
    done = set_tag(csoc, "2026.07", "--commit")
    assert done.code == 3
    assert "--pull-request" in done.out
    assert fleet.head() == head


def test_each_set_of_owners_gets_a_pull_request_in_one_report(
    fleet: GiteaRepository, csoc: Command, people: tuple[GiteaUser, GiteaUser, GiteaUser]
) -> None:
    _, harbour, meadow = people
    fleet.push({"CODEOWNERS": f"harbor/.* @{harbour.name}\nmeadow/.* @{meadow.name}\n"})
    done = set_tag(csoc, "2026.07", "--pull-request", "--json", names=("prod",))
    assert done.code == 0, done.err
    assert [(outcome["owners"], outcome["files"]) for outcome in done.data["outcomes"]] == [
        ([f"@{harbour.name}"], [PROD]),
        ([f"@{meadow.name}"], [FERN]),
    ]
    for outcome, person in zip(done.data["outcomes"], (harbour, meadow), strict=True):
        made = fleet.api("GET", f"/pulls/{outcome['number']}")
        assert [user["login"] for user in made["requested_reviewers"]] == [person.name]
        assert "One of 2 parts" in made["body"]
    assert len(csoc("fleet", "changes", "--json").data) == 2


class Between:
    """Changes the repository between planning and committing, as another person would."""

    def __init__(self, fleet: GiteaRepository, changed: dict[str, str | bytes | None]) -> None:
        self._fleet, self._changed = fleet, changed

    def __enter__(self) -> None:
        def propose(*arguments: Any, **options: Any) -> object:
            self._fleet.push(self._changed, message="Meanwhile")
            return propose_change(*arguments, **options)

        self._patched = mock.patch("csoc.cli.fleet.set.propose_change", propose)
        self._patched.start()

    def __exit__(self, *_: object) -> None:
        self._patched.stop()


def test_a_value_closes_no_issue_and_calls_nobody_whatever_it_says(
    fleet: GiteaRepository, csoc: Command, people: tuple[GiteaUser, GiteaUser, GiteaUser]
) -> None:
    issue = fleet.api("POST", "/issues", {"title": "Stays open"})["number"]
    text = f"fixes #{issue} @{people[1].name} closes {fleet.url}/issues/{issue} ![x](https://evil.example.org/x)"
    done = csoc("fleet", "set", "coral-prod", f"fence.note={text}", "--text", "--pull-request", "--json")
    assert done.code == 0, done.err + done.out
    number = int(done.data["outcomes"][0]["number"])
    shown = fleet.api("GET", f"/pulls/{number}")
    page = fleet.gitea.client.post(
        f"{fleet.gitea.url}/api/v1/markup",
        json={"Text": shown["body"], "Mode": "comment", "Context": f"/{fleet.owner}/{fleet.name}"},
        headers={"Authorization": f"token {people[0].token}"},
    ).text
    assert "<code>" in page
    assert "<img" not in page
    assert "<a " not in page
    # Gitea notes each reference to an issue in its timeline.
    assert not fleet.api("GET", f"/issues/{issue}/timeline")
    assert csoc("fleet", "changes", "--merge", str(number)).code == 0
    assert fleet.api("GET", f"/issues/{issue}")["state"] == "open"
    assert text in fleet.read(PROD).decode()


def test_another_file_that_changes_meanwhile_is_no_matter(fleet: GiteaRepository, csoc: Command) -> None:
    with Between(fleet, {"notes.md": "mine\n"}):
        done = set_tag(csoc, "2026.07", "--commit")
    assert done.code == 0, done.out
    assert fleet.read("notes.md") == b"mine\n"
    assert b'tag: "2026.07"' in fleet.read(PROD)


def test_the_same_file_that_changes_meanwhile_is_a_conflict_with_both_sides(
    fleet: GiteaRepository, csoc: Command
) -> None:
    theirs = demo_files()[PROD].replace(b'"2026.06"', b'"2026.05"')
    with Between(fleet, {PROD: theirs}):
        done = set_tag(csoc, "2026.07", "--commit")
    assert done.code == 5
    assert '-    tag: "2026.06"' in done.out
    assert '+    tag: "2026.05"' in done.out
    assert fleet.read(PROD) == theirs


def test_a_wrong_token_is_refused_and_nothing_is_pushed(fleet: GiteaRepository, csoc: Command) -> None:
    csoc.variables["HOST_TOKEN"] = "0" * 40
    done = set_tag(csoc, "2026.07", "--pull-request")
    assert done.code == 3
    assert "0" * 40 not in done.out + done.err
    assert branches(fleet) == {"main"}


def test_a_token_that_may_only_read_is_refused_and_nothing_is_pushed(
    gitea: Gitea, fleet: GiteaRepository, tmp_path: Path
) -> None:
    reader = gitea.create_user("reader")
    csoc = command(gitea.url, fleet, reader, tmp_path)
    done = set_tag(csoc, "2026.07", "--pull-request")
    assert done.code == 3
    assert branches(fleet) == {"main"}
    assert set_tag(csoc, "2026.07", "--commit").code == 3


def test_a_host_that_is_down_is_unavailable(fleet: GiteaRepository, csoc: Command) -> None:
    assert csoc("fleet", "show", "--no-check").code == 0
    host, _, _ = fleet.url.rpartition(":")
    csoc.variables["CSOC_FLEET"] = f"{host}:1/{fleet.owner}/{fleet.name}"
    csoc.settings = csoc.settings.replace(fleet.gitea.url, f"{host}:1")
    for arguments in (("fleet", "show"), ("fleet", "changes")):
        done = csoc(*arguments)
        assert done.code == 6, done.out + done.err
        assert "Traceback" not in done.err


def test_a_kill_between_push_and_pull_request_is_mended_by_the_same_command(
    fleet: GiteaRepository, csoc: Command, tmp_path: Path
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal\n"
        "from csoc.adapters.githost.gitea import GiteaHost\n"
        "from csoc.cli.main import run\n"
        "def killed(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
        "GiteaHost.open_pull_request = killed\n"
        "run(['fleet', 'set', 'coral-prod', 'fence.image.tag=2026.07', '--pull-request'])\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**csoc.environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd=csoc.folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    (left,) = branches(fleet) - {"main"}
    assert csoc("fleet", "changes", "--json").data == []

    number = pull(csoc, "2026.07")
    assert fleet.api("GET", f"/pulls/{number}")["head"]["ref"] == left
    assert branches(fleet) == {"main", left}
    assert csoc("fleet", "changes", "--merge", str(number)).code == 0
    assert b'tag: "2026.07"' in fleet.read(PROD)


def test_the_same_command_twice_is_one_pull_request(fleet: GiteaRepository, csoc: Command) -> None:
    number = pull(csoc)
    again = set_tag(csoc, "2026.07", "--pull-request")
    assert again.code == 0
    assert f"open already: {fleet.url}/pulls/{number}" in again.out
    assert csoc("fleet", "changes", "--close", str(number)).code == 0
    assert branches(fleet) == {"main"}
    assert pull(csoc) != number


def test_a_merge_reaches_a_webhook_signed_and_says_what_it_was(
    fleet: GiteaRepository, csoc: Command, receiver: tuple[str, queue.Queue[tuple[dict[str, str], bytes]]]
) -> None:
    url, received = receiver
    fleet.add_webhook(url, secret="known to both")
    number = pull(csoc)
    assert csoc("fleet", "changes", "--merge", str(number)).code == 0
    seen = []
    while True:  # until nothing comes any more
        headers, body = received.get(timeout=HANGING_SECONDS)
        event = receive("known to both", body, headers)
        if event is None:
            continue
        seen.append(event)
        # Earlier pushes to main may still be on their way when the webhook is added.
        if event.kind is EventKind.PUSH and event.branch == "main" and event.after == fleet.head():
            break
    assert seen[-1].branch == "main"
    assert seen[-1].repository.endswith(f"/{fleet.owner}/{fleet.name}")
    assert any(event.kind is EventKind.PULL_REQUEST and event.number == number for event in seen)


@pytest.fixture
def receiver() -> Iterator[tuple[str, queue.Queue[tuple[dict[str, str], bytes]]]]:
    """An HTTP server that keeps what it is sent: its URL, and a queue of (headers, body)."""
    received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", received
        server.shutdown()
        thread.join()
