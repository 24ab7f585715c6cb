"""Everything that the testbed builds or fetches, in one table: `testbed/build` and `make testbed` go through it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed import binaries, distributions, npm_packages
from testbed.cache import BuildError, Say


@dataclass(frozen=True, slots=True)
class Made:
    """One thing: its name and version, where it is (or None), why it cannot be had (or None), and having it made."""

    name: str
    version: str
    find: Callable[[], Path | None]
    why_not: Callable[[], str | None]
    ensure: Callable[[Say], Path]


def _program(program: binaries.Program) -> Made:
    return Made(
        program.name,
        binaries.pinned_version(program),
        lambda: binaries.find(program),
        lambda: binaries.why_not(program),
        lambda say: binaries.ensure(program, say),
    )


def _distribution(distribution: distributions.Distribution) -> Made:
    return Made(
        distribution.name,
        distribution.version,
        lambda: distributions.find(distribution),
        lambda: distributions.why_not(distribution),
        lambda say: distributions.ensure(distribution, say),
    )


def _package(package: npm_packages.Package) -> Made:
    return Made(
        package.name,
        package.version,
        lambda: npm_packages.find(package),
        lambda: npm_packages.why_not(package),
        lambda say: npm_packages.ensure(package, say),
    )


ALL: dict[str, Made] = {
    made.name: made
    for made in (
        *map(_program, binaries.PROGRAMS.values()),
        *map(_distribution, distributions.DISTRIBUTIONS.values()),
        *map(_package, npm_packages.PACKAGES.values()),
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command behind `testbed/build`. Exit codes: 0 done, 1 one or more programs cannot be had."""
    parser = argparse.ArgumentParser(prog="testbed/build", description="Build the testbed's programs, once a machine.")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(ALL)}; all if none is named")
    parser.add_argument("--where", action="store_true", help="build nothing; print the folders of what is built")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.programs) - set(ALL))
    if unknown:
        parser.error(f"no such program: {', '.join(unknown)}; there are {', '.join(ALL)}")
    missing = 0
    for name in options.programs or ALL:
        try:
            folder = ALL[name].find() if options.where else ALL[name].ensure(_say)
        except BuildError as error:
            _say(f"no {name}: {error}")
            folder = None
        if folder is not None:
            print(folder if options.where else f"testbed: {name} is in {folder}", flush=True)
        missing += folder is None
    return 1 if missing else 0


def _say(text: str) -> None:
    print(f"testbed: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
