"""Servers of the testbed that Debian packages: what each needs on the machine, where it is, and what is missing.

These are found, never built; `scripts.machine` installs them where that is allowed. Debian keeps some programs outside
of everybody's PATH, so they are looked for where its packages put them too.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
OLDEST_JAVA = 17


@dataclass(frozen=True, slots=True)
class Command:
    """A command, the Debian package that brings it, the parts of the suites that need it, and where else it may lie.

    elsewhere: patterns below /; of several matches the one with the highest number is taken. to_make: it is not needed
    any more once what the testbed makes for the part is there.
    """

    name: str
    package: str
    parts: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    to_make: bool = False


COMMANDS = (
    Command("git", "git", ("gitea", "kubernetes")),
    Command("etcd", "etcd-server", ("kubernetes",)),
    Command("redis-server", "redis-server", ("kubernetes",)),
    Command("openssl", "openssl", ("kubernetes",)),
    Command("java", "default-jre-headless", ("keycloak",), ("usr/lib/jvm/*/bin/java",)),
    Command("mvn", "maven", ("keycloak",), to_make=True),
    Command("postgres", "postgresql", ("postgres",), ("usr/lib/postgresql/*/bin/postgres",)),
    Command("initdb", "postgresql", ("postgres",), ("usr/lib/postgresql/*/bin/initdb",)),
    Command("psql", "postgresql-client", ("postgres",)),
    # Debian has two squids; only this one can look into TLS, which is what the proxies do.
    Command("squid", "squid-openssl", ("squid",), ("usr/sbin/squid",)),
    Command("nft", "nftables", ("squid",), ("usr/sbin/nft",)),
    Command("ip", "iproute2", ("squid",), ("usr/sbin/ip", "sbin/ip")),
)


def needed_by(part: str, *, made: bool = False) -> list[Command]:
    """The commands that a part of the suites needs on the machine; made: what the testbed makes for it is there."""
    return [command for command in COMMANDS if part in command.parts and not (made and command.to_make)]


def find(command: Command) -> Path | None:
    """Where the command is, or None. A Java that is too old is none."""
    named = shutil.which(command.name)
    places = [Path(named)] if named else []
    for pattern in command.elsewhere:
        places += sorted(ROOT.glob(pattern), key=_numbers, reverse=True)
    if command.name == "java":
        places = [place for place in places if java_version(place) >= OLDEST_JAVA]
    return next(iter(places), None)


def path_of(name: str) -> Path:
    """Where a command of the table is. It must be there."""
    found = find(next(command for command in COMMANDS if command.name == name))
    if found is None:
        raise FileNotFoundError(f"{name} is missing")
    return found


def missing(commands: Iterable[Command]) -> list[Command]:
    """Those of the commands that are not there."""
    return [command for command in commands if find(command) is None]


def why_not(part: str, *, made: bool = False) -> tuple[str, str] | None:
    """What the part lacks on this machine and what would bring it, or None. made: as for needed_by."""
    lacking = missing(needed_by(part, made=made))
    if not lacking:
        return None
    packages = " ".join(dict.fromkeys(command.package for command in lacking))
    names = " and ".join(_described(command) for command in lacking)
    return f"{names} missing", f"apt-get install {packages}"


def java_version(java: Path) -> int:
    """The Java's major version, 0 if it does not say one."""
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


def _described(command: Command) -> str:
    return f"Java >= {OLDEST_JAVA}" if command.name == "java" else command.name


def _numbers(path: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(path)))
