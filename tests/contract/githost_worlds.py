"""Hosts for the contract suite of `fleet.githost`: what tests prepare there by other means than the port.

Each world holds one new repository with a first commit on main (README.md, values.yaml), and these people: maker and
approver (may write), reader (may read).
"""

from __future__ import annotations

import contextlib
import functools
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Protocol

from csoc.adapters.githost.client import HostClient
from csoc.adapters.githost.gitea import GiteaHost
from csoc.adapters.githost.github import HEADERS, GitHubHost
from csoc.errors import DeniedError
from csoc.fleet.githost import CheckState, GitHost, HostedRepository, hosted_repository
from csoc.testing.githost import MemoryHost
from csoc.testing.repositories import MemoryRepository
from testbed.servers.gitea import Gitea, GiteaError, GiteaRepository, GiteaUser
from tests.contract.github_server import GitHubServer, serving

VALUES = "replicas: 1\ntag: 2026.01\nhostname: one.example.org\n"


class World(Protocol):
    """One repository at a host, with what tests prepare there by other means than the port."""

    @property
    def organisation(self) -> str: ...

    def host(self, person: str) -> GitHost:
        """The port as maker, approver or reader; with a credential of nobody for "impostor"."""

    def account(self, person: str) -> str:
        """A person's account name."""

    def push(self, branch: str, files: dict[str, str], *, person: str = "maker") -> str:
        """Commits on a branch, from main if it is new. Raises DeniedError if the host refuses."""

    def read(self, path: str) -> str:
        """A file on main."""

    def protect(self, *, approvals: int = 0, checks: tuple[str, ...] = ()) -> None:
        """Protects main: nobody pushes, merges need approvals and checks."""

    def report(self, commit: str, name: str, state: CheckState) -> None:
        """What a CI system says about a commit."""

    def comments(self, number: int) -> list[tuple[str, str]]:
        """Author and text of each comment."""

    def hooks(self) -> list[str]:
        """Addresses of the webhooks."""

    def lost(self) -> GitHost:
        """The port on a repository that does not exist."""

    def down(self) -> GitHost:
        """The port on a host that does not answer."""


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class MemoryWorld:
    organisation: str = "acme"
    clock: Iterator[datetime] = field(
        default_factory=lambda: (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(10_000))
    )

    def __post_init__(self) -> None:
        url = f"https://git.example.org/{self.organisation}/fleet"
        self.memory = MemoryHost(url, MemoryRepository("git.example.org/acme/fleet"), {"maker", "approver"}, {"reader"})
        self.push("main", {"README.md": "A fleet.\n", "values.yaml": VALUES})

    def host(self, person: str) -> GitHost:
        return self.memory.as_user(person)

    def account(self, person: str) -> str:
        return person

    def push(self, branch: str, files: dict[str, str], *, person: str = "maker") -> str:
        git = self.memory.git
        if branch in git.protected:
            raise DeniedError(git.protected[branch])
        parents = [git.branches[branch if branch in git.branches else "main"]] if git.branches else []
        content = {path: text.encode() for path, text in files.items()}
        return git.write(branch, content, author=f"{person} <>", at=next(self.clock), parents=parents)

    def read(self, path: str) -> str:
        git = self.memory.git
        return git.blobs[git.commits[git.branches["main"]].entries[path].blob].decode()

    def protect(self, *, approvals: int = 0, checks: tuple[str, ...] = ()) -> None:
        self.memory.protect("main", approvals=approvals, checks=checks)

    def report(self, commit: str, name: str, state: CheckState) -> None:
        self.memory.report_check(commit, name, state)

    def comments(self, number: int) -> list[tuple[str, str]]:
        return self.memory.comments.get(number, [])

    def hooks(self) -> list[str]:
        return list(self.memory.webhooks)

    def lost(self) -> GitHost:
        gone = MemoryHost(self.memory.url, MemoryRepository("gone"), {"maker"}, exists=False)
        return gone.as_user("maker")

    def down(self) -> GitHost:
        return MemoryHost(self.memory.url, self.memory.git, {"maker"}, down=True).as_user("maker")


@dataclass
class GitHubWorld(MemoryWorld):
    server: GitHubServer = field(default_factory=lambda: GitHubServer(MemoryHost("", MemoryRepository("")), "", ""))
    waits: list[float] = field(default_factory=list)

    def adapter(self, person: str, name: str = "fleet", url: str = "") -> GitHost:
        client = HostClient(
            url or self.server.url, lambda: person, scheme="Bearer", headers=HEADERS, wait=self.waits.append
        )
        return GitHubHost(HostedRepository("https://github.com", self.organisation, name), client)

    def host(self, person: str) -> GitHost:
        return self.adapter(person)

    def lost(self) -> GitHost:
        return self.adapter("maker", "none")

    def down(self) -> GitHost:
        return self.adapter("maker", url=f"http://127.0.0.1:{unused_port()}")


@dataclass
class GiteaWorld:
    repository: GiteaRepository
    people: dict[str, GiteaUser]

    @property
    def organisation(self) -> str:
        return self.repository.owner

    def adapter(self, token: str, name: str = "", url: str = "") -> GitHost:
        repository = hosted_repository(self.repository.url)
        if name:
            repository = HostedRepository(repository.base, repository.owner, name)
        return GiteaHost(repository, HostClient(f"{url or self.repository.gitea.url}/api/v1", lambda: token))

    def host(self, person: str) -> GitHost:
        return self.adapter("0" * 40 if person == "impostor" else self.people[person].token)

    def account(self, person: str) -> str:
        return self.people[person].name

    def push(self, branch: str, files: dict[str, str], *, person: str = "maker") -> str:
        try:
            return self.repository.push(files, branch=branch, base="main", user=self.people[person])
        except GiteaError as error:
            raise DeniedError(str(error)) from error

    def read(self, path: str) -> str:
        return self.repository.read(path).decode()

    def protect(self, *, approvals: int = 0, checks: tuple[str, ...] = ()) -> None:
        self.repository.protect(
            "main", approvals=approvals, enable_status_check=bool(checks), status_check_contexts=list(checks)
        )

    def report(self, commit: str, name: str, state: CheckState) -> None:
        words = {CheckState.PASSED: "success", CheckState.FAILED: "failure", CheckState.PENDING: "pending"}
        self.repository.api("POST", f"/statuses/{commit}", {"context": name, "state": words[state]})

    def comments(self, number: int) -> list[tuple[str, str]]:
        listed = self.repository.api("GET", f"/issues/{number}/comments")
        return [(comment["user"]["login"], comment["body"]) for comment in listed]

    def hooks(self) -> list[str]:
        return [hook["config"]["url"] for hook in self.repository.api("GET", "/hooks")]

    def lost(self) -> GitHost:
        return self.adapter(self.people["maker"].token, name="none")

    def down(self) -> GitHost:
        return self.adapter(self.people["maker"].token, url=f"http://127.0.0.1:{unused_port()}")


@functools.cache
def gitea_people(url: str, create: Callable[[str], GiteaUser]) -> dict[str, GiteaUser]:
    """The three people, once for a server: making them takes longer than a test."""
    return {name: create(name) for name in ("maker", "approver", "reader")}


def gitea_world(gitea: Gitea) -> GiteaWorld:
    repository = gitea.create_repository()
    repository.push({"README.md": "A fleet.\n", "values.yaml": VALUES})
    people = gitea_people(gitea.url, gitea.create_user)
    for name, person in people.items():
        repository.add_collaborator(person, "read" if name == "reader" else "write")
    return GiteaWorld(repository, people)


@contextlib.contextmanager
def github_world() -> Iterator[GitHubWorld]:
    made = GitHubWorld()
    made.server = GitHubServer(made.memory, made.organisation, "fleet", admins={"approver"})
    with serving(made.server):
        yield made


class Deliveries:
    """An HTTP server that keeps what it is sent."""

    def __init__(self) -> None:
        received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.put((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.received = received
        self.server = HTTPServer(("127.0.0.1", 0), Receiver)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
