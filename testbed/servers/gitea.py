"""A real Git host, Gitea, and the few things that tests prepare in it; `gitea_server` starts it.

Adapters are tested against what they will meet: a Git host that enforces branch protection, answers conflicts in its
own way and sends webhooks. What is here prepares a situation (users, repositories, first commits, protection); what
csoc does in that situation goes through csoc's own adapter, never through these helpers.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from testbed.servers.process import ServerError

VISIBLE_SECONDS = 60
LOOK_AGAIN_SECONDS = 0.02


class GiteaError(ServerError):
    """The server did not start, or refused what a test prepared; the text holds its own words."""


@dataclass(frozen=True, slots=True)
class GiteaUser:
    """A person of the test's Gitea. The token may do everything that the person may."""

    name: str
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True)
class Gitea:
    """A running server. url has no slash at the end; admin may do everything; log is the server's own."""

    url: str
    admin: GiteaUser
    process_id: int
    log: Path
    client: httpx.Client = field(repr=False)

    def api(
        self, method: str, path: str, body: object = None, *, token: str | None = None, expect: Sequence[int] = ()
    ) -> Any:
        """The answer of one request to /api/v1 as JSON (None if empty), as the administrator unless a token is given.

        Raises GiteaError on a status of 400 or more, unless it is expected (then the answer's JSON is returned).
        """
        answer = self.client.request(
            method,
            f"{self.url}/api/v1{path}",
            json=body,
            headers={"Authorization": f"token {token or self.admin.token}"},
        )
        if answer.status_code >= 400 and answer.status_code not in expect:
            raise GiteaError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def create_user(self, prefix: str = "user") -> GiteaUser:
        """A new person with a name of its own that starts with the prefix, and a token."""
        name = f"{prefix}-{secrets.token_hex(3)}"
        email = f"{name}@example.org"
        password = secrets.token_urlsafe(12)
        self.api(
            "POST",
            "/admin/users",
            {"username": name, "email": email, "password": password, "must_change_password": False},
        )
        return GiteaUser(name, email, password, self._token(name, password, "all"))

    def create_token(self, user: GiteaUser, *scopes: str) -> str:
        """A further token of a person's, for these scopes alone ("read:repository")."""
        return self._token(user.name, user.password, *scopes)

    def create_repository(self, owner: str | None = None, *, private: bool = False) -> GiteaRepository:
        """A new, empty repository with a name of its own. owner: an organisation; a new one if None is given."""
        if owner is None:
            owner = f"org-{secrets.token_hex(3)}"
            self.api("POST", "/orgs", {"username": owner, "visibility": "public"})
        name = f"fleet-{secrets.token_hex(3)}"
        self.api("POST", f"/orgs/{owner}/repos", {"name": name, "private": private, "default_branch": "main"})
        return GiteaRepository(self, owner, name)

    def _token(self, name: str, password: str, *scopes: str) -> str:
        asked = {"name": f"test-{secrets.token_hex(3)}", "scopes": list(scopes)}
        answer = self.client.post(f"{self.url}/api/v1/users/{name}/tokens", json=asked, auth=(name, password))
        if answer.status_code != 201:
            raise GiteaError(f"no token for {name}: {answer.status_code} {answer.text[:500]}")
        return str(answer.json()["sha1"])


@dataclass(frozen=True)
class GiteaRepository:
    """One repository of the server, new for the test that asked."""

    gitea: Gitea
    owner: str
    name: str

    @property
    def url(self) -> str:
        """For people and for clones; the clone address may have .git behind it. Without a credential."""
        return f"{self.gitea.url}/{self.owner}/{self.name}"

    def api(
        self, method: str, path: str = "", body: object = None, *, token: str | None = None, expect: Sequence[int] = ()
    ) -> Any:
        """As `Gitea.api`, below this repository: api("GET", "/branches/main")."""
        return self.gitea.api(method, f"/repos/{self.owner}/{self.name}{path}", body, token=token, expect=expect)

    def push(
        self,
        files: Mapping[str, str | bytes | None],
        *,
        branch: str = "main",
        base: str | None = None,
        message: str = "Change",
        user: GiteaUser | None = None,
    ) -> str:
        """Commits files (None removes one) on top of a branch and pushes; the id of the commit.

        A branch that is not there starts at base, or empty. user: who pushes, the administrator unless given.
        Raises GiteaError if the server refuses the push.
        """
        pusher = user or self.gitea.admin
        with tempfile.TemporaryDirectory(prefix="csoc-push-") as folder:
            work = Path(folder)
            git = _Git(work, pusher)
            git("init", "-q", "-b", branch)
            git("remote", "add", "origin", f"{self.url}.git")
            there = git("ls-remote", "origin", f"refs/heads/{branch}")
            start = branch if there else base
            if start is not None:
                git("fetch", "-q", "--depth=1", "origin", start)
                git("reset", "-q", "--hard", "FETCH_HEAD")
            for path, content in files.items():
                if content is None:
                    (work / path).unlink()
                    continue
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                (work / path).write_bytes(content if isinstance(content, bytes) else content.encode())
            git("add", "-A", "--force")
            git("commit", "-q", "--allow-empty", "-m", message)
            git("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
            commit = git("rev-parse", "HEAD")
        self._wait_for(branch, commit)
        return commit

    def head(self, branch: str = "main") -> str:
        """The id of the branch's newest commit."""
        return str(self.api("GET", f"/branches/{branch}")["commit"]["id"])

    def read(self, path: str, revision: str = "main") -> bytes:
        """A file's bytes at a branch, tag or commit."""
        answer = self.gitea.client.get(
            f"{self.gitea.url}/api/v1/repos/{self.owner}/{self.name}/raw/{path}",
            params={"ref": revision},
            headers={"Authorization": f"token {self.gitea.admin.token}"},
        )
        if answer.status_code != 200:
            raise GiteaError(f"{path} at {revision}: {answer.status_code} {answer.text[:500]}")
        return answer.content

    def add_collaborator(self, user: GiteaUser, permission: str = "write") -> None:
        """Lets a person in: permission is read, write or admin."""
        self.api("PUT", f"/collaborators/{user.name}", {"permission": permission})

    def protect(self, branch: str = "main", *, approvals: int = 0, **settings: object) -> None:
        """Forbids pushes to a branch, administrators included, and asks for approvals before a merge.

        settings go to Gitea as they are (branch protection of its API), over what is said here.
        """
        body = {
            "rule_name": branch,
            "enable_push": False,
            "required_approvals": approvals,
            "block_admin_merge_override": True,
            **settings,
        }
        self.api("POST", "/branch_protections", body)

    def add_webhook(self, url: str, *, secret: str = "", events: Sequence[str] = ("push", "pull_request")) -> int:
        """Sends events to an address of this machine, signed with the secret. The webhook's number."""
        config = {"url": url, "content_type": "json", "secret": secret}
        answer = self.api("POST", "/hooks", {"type": "gitea", "config": config, "events": list(events), "active": True})
        return int(answer["id"])

    def _wait_for(self, branch: str, commit: str) -> None:
        """Gitea answers a push before its own tables know of it; a test must not depend on who is first."""
        deadline = time.monotonic() + VISIBLE_SECONDS
        while time.monotonic() < deadline:
            with suppress(GiteaError):  # an empty repository answers with an internal error meanwhile
                if self.head(branch) == commit:
                    return
            time.sleep(LOOK_AGAIN_SECONDS)
        raise GiteaError(f"{self.url} does not show {commit} on {branch}")


class _Git:
    """The git command in one folder, as one person, untouched by the settings of who runs the tests."""

    def __init__(self, folder: Path, user: GiteaUser) -> None:
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: token {user.token}",
            "GIT_AUTHOR_NAME": user.name,
            "GIT_AUTHOR_EMAIL": user.email,
            "GIT_COMMITTER_NAME": user.name,
            "GIT_COMMITTER_EMAIL": user.email,
            "LC_ALL": "C",
        }

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise GiteaError(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip()
