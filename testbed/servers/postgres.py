"""A PostgreSQL server of the tests' own, and a database for each test.

Debian's programs with files of their own: nothing of a server that the machine may run is touched. It runs without any
care for the disk, because what it keeps is thrown away.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed import debian
from testbed.servers import process
from testbed.servers.process import ServerError, User

ADMIN = "postgres"
READY_SECONDS = 60
UNPRIVILEGED = ("postgres", "nobody")
WITHOUT_CARE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}


def start(stack: contextlib.ExitStack, folder: Path, _settings: Mapping[str, Any]) -> dict[str, Any]:
    """The address of a new server: host, port, admin, password. Takes no settings. Raises ServerError."""
    (port,) = process.free_ports(1)
    password = secrets.token_urlsafe(16)
    data = folder / "data"
    data.mkdir(mode=0o700)
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    user = _unprivileged()
    if user is not None:
        folder.parent.chmod(0o711)  # so that another user reaches the files below
        for path in (data, secret):
            os.chown(path, user.user_id, user.group_id)
    _initialise(data, secret, user)
    secret.unlink()
    command: list[str | Path] = [debian.path_of("postgres"), "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", ""]
    for name, value in WITHOUT_CARE.items():
        command += ["-c", f"{name}={value}"]
    # SIGQUIT: the server ends its children at once, and needs no other care.
    server = process.start("postgres", command, folder, user=user, stop_signal=signal.SIGQUIT)
    stack.callback(server.stop)
    address = {"host": "127.0.0.1", "port": port, "admin": ADMIN, "password": password}
    server.wait_until(lambda: _is_ready(address), READY_SECONDS)
    return address


@dataclass(frozen=True)
class Database:
    """A database of one test, with an owner that reaches no other."""

    host: str
    port: int
    name: str
    owner: str
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """With the password in it."""
        return f"postgresql://{self.owner}:{self.password}@{self.host}:{self.port}/{self.name}"

    def query(self, statement: str) -> list[list[str]]:
        """What a statement gives, row by row, as text. Raises ServerError with what the server says."""
        return _query(self, statement)


@dataclass(frozen=True)
class Postgres:
    """A running server by its address."""

    address: dict[str, Any] = field(repr=False)

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """A new, empty database; dropped at the end with whoever still uses it."""
        admin = _admin(self.address)
        name = f"test_{secrets.token_hex(6)}"
        password = secrets.token_hex(12)
        admin.query(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        admin.query(f"CREATE DATABASE {name} OWNER {name}")
        admin.query(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        try:
            yield Database(admin.host, admin.port, name, name, password)
        finally:
            admin.query(f"DROP DATABASE {name} WITH (FORCE)")
            admin.query(f"DROP ROLE {name}")


def _admin(address: Mapping[str, Any]) -> Database:
    return Database(address["host"], address["port"], "postgres", address["admin"], address["password"])


def _unprivileged() -> User | None:
    """Who the server runs as if this is root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(name, entry.pw_uid, entry.pw_gid)
    raise ServerError(f"PostgreSQL does not run as root, and there is no user {' or '.join(UNPRIVILEGED)}")


def _initialise(data: Path, secret: Path, user: User | None) -> None:
    command = [str(debian.path_of("initdb")), "-D", str(data), "-U", ADMIN, f"--pwfile={secret}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    done = subprocess.run(
        command,
        cwd=data,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=READY_SECONDS,
        user=user.user_id if user else None,
        group=user.group_id if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode != 0:
        raise ServerError(f"initdb: {done.stdout}{done.stderr}")


def _is_ready(address: Mapping[str, Any]) -> bool:
    try:
        return _query(_admin(address), "SELECT 1") == [["1"]]
    except ServerError:
        return False


def _query(database: Database, statement: str) -> list[list[str]]:
    command = [
        shutil.which("psql") or str(debian.path_of("psql")),
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
    ]
    command += ["--field-separator=\t", "--set=ON_ERROR_STOP=1", f"--command={statement}"]
    environment = {
        "PATH": os.environ["PATH"],
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGUSER": database.owner,
        "PGPASSWORD": database.password,
        "PGDATABASE": database.name,
        "PGCONNECT_TIMEOUT": "10",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise ServerError(f"psql: {done.stderr.strip()}")
    return [line.split("\t") for line in done.stdout.splitlines()]
