"""Servers of the testbed that come ready from Maven Central: fetched, checked and prepared once a machine.

Maven is what finds the registry, or the mirror that the user's settings name. What it brings is compared with a digest
that is pinned here, then unpacked into the testbed's cache (`testbed.cache`).

Only the standard library is used: this runs before, or without, the project's own environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import cache as caches
from testbed import debian
from testbed.cache import BuildError, Say

FETCHER = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


@dataclass(frozen=True, slots=True)
class Distribution:
    """A server as a zip in a Maven repository, whose one top folder becomes <name> in the cache.

    sha256: of the zip. prepare: a command in the unpacked folder, run once. disk_bytes: what it takes while it is made.
    """

    name: str
    group: str
    artifact: str
    version: str
    sha256: str
    prepare: tuple[str, ...]
    disk_bytes: int


DISTRIBUTIONS = {
    distribution.name: distribution
    for distribution in (
        Distribution(
            "keycloak",
            "org.keycloak",
            "keycloak-quarkus-dist",
            "26.4.5",
            "72f73642a2c36de797d51b4b2b342d4a49f6e5832af10aa470cd123627bd80b3",
            # What a start would otherwise do each time: half a minute.
            prepare=("bin/kc.sh", "build", "--db=dev-mem", "--health-enabled=true"),
            disk_bytes=1_000_000_000,
        ),
    )
}


def digest(distribution: Distribution) -> str:
    """12 hex digits that change with what is fetched and how it is prepared."""
    return hashlib.sha256(json.dumps(asdict(distribution)).encode()).hexdigest()[:12]


def find(distribution: Distribution, cache: Path | None = None) -> Path | None:
    """The folder that holds the distribution's, or None."""
    folder = (cache or caches.cache_folder()) / f"{distribution.name}-{digest(distribution)}"
    return folder if (folder / distribution.name).is_dir() else None


def why_not(distribution: Distribution) -> str | None:
    """Why it cannot be had here, or None if it can be tried."""
    lacking = debian.why_not(distribution.name)
    if lacking is not None:
        return f"{lacking[0]} (Debian: {lacking[1]})"
    return caches.too_little_space([caches.cache_folder()], distribution.disk_bytes)


def ensure(distribution: Distribution, say: Say, cache: Path | None = None) -> Path:
    """The folder that holds the distribution's, fetched if need be. Raises BuildError if it cannot be had."""
    return caches.ensured(
        distribution.name,
        cache,
        lambda there: find(distribution, there),
        lambda: why_not(distribution),
        lambda there: _make(distribution, there, say),
        say,
    )


def _make(distribution: Distribution, cache: Path, say: Say) -> Path:
    target = cache / f"{distribution.name}-{digest(distribution)}"
    coordinates = f"{distribution.group}:{distribution.artifact}:{distribution.version}:zip"
    say(f"fetching {coordinates} from Maven Central (once)")
    started = time.monotonic()
    with caches.filling(distribution.name, target) as scratch:
        fetched = scratch / "fetched"
        command = ["mvn", "-q", "-B", f"-Dmaven.repo.local={fetched / 'repository'}", FETCHER]
        command += [f"-Dartifact={coordinates}", f"-DoutputDirectory={fetched}"]
        caches.run(command, name=distribution.name, folder=scratch, environment=_environment(), say=say)
        archive = fetched / f"{distribution.artifact}-{distribution.version}.zip"
        found = _sha256(archive)
        if found != distribution.sha256:
            raise BuildError(f"{coordinates} has the SHA-256 {found}, not {distribution.sha256}")
        _unpack(archive, scratch / "unpacked")
        (top,) = (scratch / "unpacked").iterdir()
        top.rename(scratch / distribution.name)
        (scratch / "unpacked").rmdir()
        caches.remove(fetched)
        folder = scratch / distribution.name
        prepare = [str(folder / distribution.prepare[0]), *distribution.prepare[1:]]
        caches.run(prepare, name=distribution.name, folder=folder, environment=_environment(), say=say)
    say(f"have {distribution.name} after {time.monotonic() - started:.0f} s")
    return target


def _environment() -> dict[str, str]:
    """The user's, with a Java that is new enough."""
    return os.environ | {"JAVA_HOME": str(debian.path_of("java").resolve().parent.parent)}


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def _unpack(archive: Path, target: Path) -> None:
    """Unpacks with the permissions that the archive gives, which zipfile itself forgets."""
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            path = opened.extract(member, target)
            mode = (member.external_attr >> 16) & 0o777
            if mode:
                Path(path).chmod(mode | 0o600)
