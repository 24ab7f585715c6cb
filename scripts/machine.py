"""What the suites need from the machine itself, and getting it where that is allowed.

Real servers are built from source, which takes Go, and a C compiler for one of them; others are Debian's own. A
container's root may install Debian packages and does so, never without saying it; anybody else is told the command for
an administrator and which suites stay out until then. Nothing here fails a run: the suites know for themselves what is
missing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from testbed import binaries, debian, distributions

APT_TIMEOUT_SECONDS = 900
GO = "golang-go"
GO_PACKAGES = (GO, "golang-1.27-go", "golang-1.26-go", "golang-1.25-go")  # backports bring the versioned ones

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lack:
    """Something missing: what, the Debian packages that bring it, and the suites that are skipped without it."""

    what: str
    packages: tuple[str, ...]
    suites: tuple[str, ...]


def lacks(programs: Sequence[binaries.Program]) -> list[Lack]:
    """What is missing to build and run the programs; what is built already needs no compiler."""
    to_build = [program for program in programs if binaries.find(program) is None]
    found = []
    fetched = {name for name, wanted in distributions.DISTRIBUTIONS.items() if distributions.find(wanted) is not None}
    commands = [command for command in debian.COMMANDS if not (command.to_make and fetched.issuperset(command.parts))]
    found += [Lack(command.name, (command.package,), command.parts) for command in debian.missing(commands)]
    compiled = tuple(program.name for program in to_build if program.cgo)
    if compiled and not binaries.has_c_compiler():
        found.append(Lack("a C compiler", ("gcc", "libc6-dev"), compiled))
    oldest = max((binaries.wanted_go(program) for program in to_build), default=None)
    if oldest is not None and binaries.installed_go() is None:
        names = tuple(program.name for program in to_build)
        found.append(Lack(f"Go >= {'.'.join(map(str, oldest))}", (GO,), names))
    return found


def prepare(programs: Sequence[binaries.Program], say: Say) -> None:
    """Installs what is missing if this is root on Debian; else says what an administrator would install."""
    missing = lacks(programs)
    if not missing:
        return
    for lack in missing:
        say(f"{lack.what} is missing; these suites need it: {', '.join(lack.suites)}")
    if shutil.which("apt-get") is None:
        say("this is no Debian, so what is missing is not installed here")
    elif os.geteuid() != 0:
        packages = _packages(missing, say)
        if packages:
            say(f"an administrator would run: apt-get update && apt-get install -y {' '.join(packages)}")
    else:
        say("this is root on Debian, so it is installed: apt-get update")
        packages = _packages(missing, say) if _apt(["update"], say) else []
        if packages:
            say(f"apt-get install {' '.join(packages)}")
            _apt(["install", "--yes", "--no-install-recommends", *packages], say)


def _packages(missing: Sequence[Lack], say: Say) -> list[str]:
    wanted = [package for lack in missing for package in lack.packages]
    chosen = [_newest_go(say) if package == GO else package for package in wanted]
    return list(dict.fromkeys(package for package in chosen if package))


def _newest_go(say: Say) -> str | None:
    """The package with the newest Go that Debian offers, if that one can build the programs or fetch one that can."""
    wanted = max(binaries.wanted_go(program) for program in binaries.PROGRAMS.values())
    offered = {package: version for package in GO_PACKAGES if (version := _candidate(package)) is not None}
    if offered:
        package = max(offered, key=lambda name: offered[name])
        if offered[package] >= binaries.FIRST_SWITCHING_GO:
            return package
        best = f"Debian's newest is {'.'.join(map(str, offered[package]))}"
    else:
        best = "Debian has none here"
    say(f"Go >= {'.'.join(map(str, wanted))} is missing and {best}: https://go.dev/dl/ has it")
    return None


def _candidate(package: str) -> tuple[int, ...] | None:
    """The version that apt-get would install ((1, 24)), or None."""
    told = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Candidate: (?:\d+:)?(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else None


def _apt(arguments: Sequence[str], say: Say) -> bool:
    try:
        done = subprocess.run(
            ["apt-get", "-q", *arguments],
            # Run level 1: packages of servers do not start them; the suites start their own.
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=APT_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        say(f"apt-get {arguments[0]} took more than {APT_TIMEOUT_SECONDS} s; going on without")
        return False
    if done.returncode != 0:
        say(f"apt-get {arguments[0]} failed; going on without:")
        for line in done.stderr.splitlines()[-5:]:
            say(f"  {line}")
    return done.returncode == 0
