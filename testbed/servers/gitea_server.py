"""Gitea as a child process: its settings, its start, its administrator.

It runs on a picked port of 127.0.0.1 with SQLite in the folder that it is given, and is up in about two seconds; each
test process has its own. `gitea` is what tests do with it.
"""

from __future__ import annotations

import configparser
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

from testbed.servers import process
from testbed.servers.gitea import Gitea, GiteaError, GiteaUser
from testbed.servers.process import PortTakenError, Server

READY_SECONDS = 60
ADMIN_SECONDS = 60
REQUEST_SECONDS = 60
PORT_ATTEMPTS = 3


@contextmanager
def running(program: Path, data: Path) -> Iterator[Gitea]:
    """A server from a folder of built programs (see testbed/), with its files in the folder data; stopped at the end.

    Raises ServerError with the end of the server's log if it does not come up.
    """
    with ExitStack() as stack:
        url, folder, server = _start(stack, program, data)
        admin = _create_admin(program, folder)
        client = stack.enter_context(httpx.Client(timeout=REQUEST_SECONDS, trust_env=False))
        yield Gitea(url, admin, server.process.pid, server.log, client)


def _start(stack: ExitStack, program: Path, data: Path) -> tuple[str, Path, Server]:
    """The address, folder and process of a server that answers; on another port where somebody else was quicker."""
    for attempt in range(1, PORT_ATTEMPTS):
        with suppress(PortTakenError):
            return _started(stack, program, data / f"gitea-{attempt}")
    return _started(stack, program, data / f"gitea-{PORT_ATTEMPTS}")


def _started(stack: ExitStack, program: Path, folder: Path) -> tuple[str, Path, Server]:
    (port,) = process.free_ports(1)
    folder.mkdir(parents=True)
    _write_settings(folder, program, port)
    command: list[str | Path] = [program / "gitea", "web", "--config", folder / "app.ini"]
    # At this signal it ends the git commands that it runs.
    server = process.start("gitea", command, folder, environment=_environment(folder), stop_signal=signal.SIGTERM)
    stack.callback(server.stop)
    url = f"http://127.0.0.1:{port}"
    server.wait_until(lambda: process.answers(f"{url}/api/healthz"), READY_SECONDS)
    return url, folder, server


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
        timeout=ADMIN_SECONDS,
    )
    words = [line.rsplit(" ", 1)[-1] for line in done.stdout.splitlines() if line.startswith("Access token")]
    if done.returncode != 0 or len(words) != 1:
        raise GiteaError(f"no administrator: {done.stdout}{done.stderr}")
    return GiteaUser(name, email, password, words[0])
