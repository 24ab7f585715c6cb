"""A real Gitea for the tests: starting it, and the few things that tests prepare in it.

Adapters are tested against what they will meet: a Git host that enforces branch protection, answers conflicts in its
own way and sends webhooks. The server runs on a picked port of 127.0.0.1 with SQLite in a temporary folder and is up
in about two seconds. What is here prepares a situation (users, repositories, first commits, protection); what csoc
does in that situation goes through csoc's own adapter, never through these helpers.
"""

from __future__ import annotations

import configparser
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from testbed.servers import process as server_process

START_SECONDS = 60
STOP_SECONDS = 10
VISIBLE_SECONDS = 20
PORT_ATTEMPTS = 3


class GiteaError(Exception):
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
        answer = self.client.post(
            f"{self.url}/api/v1/users/{name}/tokens", json={"name": "test", "scopes": ["all"]}, auth=(name, password)
        )
        if answer.status_code != 201:
            raise GiteaError(f"no token for {name}: {answer.status_code} {answer.text[:500]}")
        return GiteaUser(name, email, password, answer.json()["sha1"])

    def create_repository(self, owner: str | None = None, *, private: bool = False) -> GiteaRepository:
        """A new, empty repository with a name of its own. owner: an organisation; a new one if None is given."""
        if owner is None:
            owner = f"org-{secrets.token_hex(3)}"
            self.api("POST", "/orgs", {"username": owner, "visibility": "public"})
        name = f"fleet-{secrets.token_hex(3)}"
        self.api("POST", f"/orgs/{owner}/repos", {"name": name, "private": private, "default_branch": "main"})
        return GiteaRepository(self, owner, name)


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
            time.sleep(0.02)
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


@contextmanager
def running_gitea(program: Path, data: Path) -> Iterator[Gitea]:
    """A server from a folder of built programs (see testbed/), with its files in the folder data; stopped at the end.

    Raises GiteaError with the end of the server's log if it does not come up.
    """
    for attempt in range(PORT_ATTEMPTS):
        port = _free_port()
        folder = data / f"gitea-{attempt}"
        process = _start(program, folder, port)
        try:
            with httpx.Client(timeout=30, trust_env=False) as client:
                if _is_up(process, f"http://127.0.0.1:{port}", client):
                    admin = _create_admin(program, folder)
                    yield Gitea(f"http://127.0.0.1:{port}", admin, process.pid, folder / "gitea.log", client)
                    return
        finally:
            _stop(process)
    log = (folder / "gitea.log").read_text(encoding="utf-8", errors="replace")
    raise GiteaError("Gitea does not start:\n" + "\n".join(log.splitlines()[-20:]))


def _start(program: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    _write_settings(folder, program, port)
    command: list[str | Path] = [program / "gitea", "web", "--config", folder / "app.ini"]
    # It dies with the test process, so that a run that is killed leaves no server behind.
    return server_process.start("gitea", command, folder, environment=_environment(folder)).process


def _write_settings(folder: Path, program: Path, port: int) -> None:
    """Settings for tests: nothing is sent or fetched elsewhere, nothing is indexed, hashing passwords costs nothing."""
    url = f"http://127.0.0.1:{port}/"
    settings: dict[str, dict[str, str]] = {
        "database": {"DB_TYPE": "sqlite3", "PATH": str(folder / "gitea.db"), "SQLITE_TIMEOUT": "5000"},
        "server": {
            "HTTP_ADDR": "127.0.0.1",
            "HTTP_PORT": str(port),
            "ROOT_URL": url,
            "LOCAL_ROOT_URL": url,
            "APP_DATA_PATH": str(folder / "data"),
            "STATIC_ROOT_PATH": str(program),
            "DISABLE_SSH": "true",
            "LFS_START_SERVER": "false",
            "OFFLINE_MODE": "true",
            "GRACEFUL_HAMMER_TIME": "2s",
            "ALLOW_GRACEFUL_RESTARTS": "false",
        },
        "repository": {"ROOT": str(folder / "repositories"), "DEFAULT_BRANCH": "main"},
        "repository.signing": {"SIGNING_KEY": "none"},
        "security": {
            "INSTALL_LOCK": "true",
            "SECRET_KEY": secrets.token_hex(32),
            "PASSWORD_HASH_ALGO": "pbkdf2$1$50",
            "PASSWORD_CHECK_PWN": "false",
        },
        "webhook": {"ALLOWED_HOST_LIST": "loopback", "DELIVER_TIMEOUT": "5"},
        "migrations": {"ALLOW_LOCALNETWORKS": "true"},
        "indexer": {"ISSUE_INDEXER_TYPE": "db", "REPO_INDEXER_ENABLED": "false"},
        "mailer": {"ENABLED": "false"},
        "service": {"DISABLE_REGISTRATION": "true"},
        "picture": {"DISABLE_GRAVATAR": "true"},
        "actions": {"ENABLED": "false"},
        "packages": {"ENABLED": "false"},
        "federation": {"ENABLED": "false"},
        "session": {"PROVIDER": "memory"},
        "log": {"MODE": "console", "LEVEL": "Info"},
        **{f"cron.{task}": {"ENABLED": "false"} for task in ("update_checker", "update_mirrors", "check_repo_stats")},
    }
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_dict(settings)
    with (folder / "app.ini").open("w", encoding="utf-8") as handle:
        # Above every section: Gitea refuses to run as root unless told so, and a container's only user often is root.
        handle.write("RUN_MODE = prod\nI_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\n\n")
        parser.write(handle)


def _environment(folder: Path) -> dict[str, str]:
    """Git run by Gitea must not meet the settings of whoever runs the tests."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GITEA_WORK_DIR": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "USER": os.environ.get("USER", ""),
    }


def _is_up(process: subprocess.Popen[bytes], url: str, client: httpx.Client) -> bool:
    """Waits until the server answers that it is well; False if it ended, for another's port or another reason."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.TransportError):
            if client.get(f"{url}/api/healthz", timeout=5).status_code == 200:
                return process.poll() is None  # and it is not another server that had the port first
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    return False


def _create_admin(program: Path, folder: Path) -> GiteaUser:
    name, email, password = "root-of-tests", "root-of-tests@example.org", secrets.token_urlsafe(12)
    command = [str(program / "gitea"), "admin", "user", "create", "--config", str(folder / "app.ini"), "--admin"]
    command += ["--username", name, "--email", email, "--password", password, "--must-change-password=false"]
    command += ["--access-token", "--access-token-name", "tests", "--access-token-scopes", "all"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    words = [line.rsplit(" ", 1)[-1] for line in done.stdout.splitlines() if line.startswith("Access token")]
    if done.returncode != 0 or len(words) != 1:
        raise GiteaError(f"no administrator: {done.stdout}{done.stderr}")
    return GiteaUser(name, email, password, words[0])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def remove_data(folder: Path) -> None:
    """Removes a stopped server's files; Git's objects are read-only and need no more than that."""
    shutil.rmtree(folder, ignore_errors=True)
