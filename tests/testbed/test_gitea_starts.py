"""The testbed's Gitea does what tests of the Git host rely on. What fails here is the testbed, not csoc."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from testbed.servers.gitea import Gitea, GiteaError, GiteaRepository

pytestmark = pytest.mark.gitea


def test_a_server_is_up_and_its_administrator_may_ask_for_anything(gitea: Gitea) -> None:
    assert gitea.api("GET", "/version")["version"].startswith("1.25")
    assert gitea.api("GET", "/user")["is_admin"] is True


def test_it_serves_pages_too_because_its_templates_are_found(gitea: Gitea, gitea_repository: GiteaRepository) -> None:
    answer = gitea.client.get(gitea_repository.url)
    assert answer.status_code == 200
    assert "A fleet." in answer.text


def test_every_test_gets_a_repository_of_its_own(gitea: Gitea, gitea_repository: GiteaRepository) -> None:
    other = gitea.create_repository()
    assert other.url != gitea_repository.url
    assert gitea_repository.read("README.md") == b"A fleet.\n"


def test_pushing_adds_changes_and_removes_files_in_one_commit(gitea_repository: GiteaRepository) -> None:
    gitea_repository.push({"a.yaml": "a: 1\n", "deep/b.yaml": b"b: 2\n"})
    commit = gitea_repository.push({"a.yaml": "a: 2\n", "README.md": None})
    assert gitea_repository.head() == commit
    assert gitea_repository.read("a.yaml") == b"a: 2\n"
    assert gitea_repository.read("deep/b.yaml") == b"b: 2\n"
    with pytest.raises(GiteaError, match="404"):
        gitea_repository.read("README.md")


def test_a_new_branch_starts_at_its_base(gitea_repository: GiteaRepository) -> None:
    gitea_repository.push({"a.yaml": "a: 1\n"}, branch="topic", base="main")
    assert gitea_repository.read("README.md", "topic") == b"A fleet.\n"
    with pytest.raises(GiteaError, match="404"):
        gitea_repository.read("a.yaml", "main")


def test_a_protected_branch_refuses_pushes_even_by_the_administrator(gitea_repository: GiteaRepository) -> None:
    gitea_repository.protect("main")
    before = gitea_repository.head()
    with pytest.raises(GiteaError, match="protected branch"):
        gitea_repository.push({"a.yaml": "a: 1\n"})
    assert gitea_repository.head() == before


def test_a_merge_needs_the_approval_of_another_person(gitea: Gitea, gitea_repository: GiteaRepository) -> None:
    maker, approver = gitea.create_user("maker"), gitea.create_user("approver")
    for person in (maker, approver):
        gitea_repository.add_collaborator(person)
    gitea_repository.protect("main", approvals=1)
    head = gitea_repository.push({"a.yaml": "a: 1\n"}, branch="topic", base="main", user=maker)
    made = gitea_repository.api(
        "POST", "/pulls", {"title": "Change a", "head": "topic", "base": "main"}, token=maker.token
    )
    merge = {"Do": "merge", "head_commit_id": head}
    number = made["number"]

    refused = gitea_repository.api("POST", f"/pulls/{number}/merge", merge, token=maker.token, expect=(405,))
    assert "approvals" in refused["message"]
    review = {"event": "APPROVED", "body": "", "commit_id": head}
    gitea_repository.api("POST", f"/pulls/{number}/reviews", review, token=approver.token)
    gitea_repository.api("POST", f"/pulls/{number}/merge", merge, token=maker.token)

    assert gitea_repository.read("a.yaml") == b"a: 1\n"


def test_a_user_without_rights_cannot_push(gitea: Gitea, gitea_repository: GiteaRepository) -> None:
    stranger = gitea.create_user("stranger")
    with pytest.raises(GiteaError, match="git push"):
        gitea_repository.push({"a.yaml": "a: 1\n"}, user=stranger)


def test_a_private_repository_is_hidden_from_who_is_not_asked_in(gitea: Gitea) -> None:
    repository = gitea.create_repository(private=True)
    assert httpx.get(repository.url, trust_env=False).status_code == 404


def test_a_webhook_reaches_this_machine_signed(
    gitea_repository: GiteaRepository, receiver: tuple[str, queue.Queue[tuple[dict[str, str], bytes]]]
) -> None:
    url, received = receiver
    gitea_repository.add_webhook(url, secret="known to both")
    commit = gitea_repository.push({"a.yaml": "a: 1\n"})

    headers, body = received.get(timeout=20)

    assert headers["X-Gitea-Event"] == "push"
    assert json.loads(body)["after"] == commit
    assert headers["X-Gitea-Signature"] == hmac.new(b"known to both", body, hashlib.sha256).hexdigest()


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
