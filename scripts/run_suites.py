"""`make test`: every check and every suite, with one summary at the end.

A failing check does not keep the suites from running, so that one run shows everything that is wrong. Servers for the
suites are built before pytest starts, because its parallel processes would build them against each other; what cannot
be had is said here and skipped there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scripts import machine
from testbed import binaries, catalogue, debian
from testbed.cache import BuildError

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
CODE = ("src", "tests", "scripts", "testbed")
SUITES = ("architecture", "benchmarks", "contract", "functional", "infra", "plugins", "testbed", "unit")
TYPED = ("scripts", "testbed", *(f"tests/{name}" for name in SUITES))
WORKERS = "2"
# A file stays in one process, so that what its tests share is made once. In their order: unit tests, of which there are
# many short files, come last and even the processes out.
SPREAD = ("-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")
SELECTED = "not benchmark and not soak"

CHECKS: dict[str, Sequence[str]] = {
    "ruff check": ("ruff", "check", *CODE),
    "ruff format": ("ruff", "format", "--check", *CODE),
    "mypy --strict": ("mypy",),
    "mypy --strict of the tooling": ("mypy", *TYPED),
    "import contract": ("lint-imports",),
}


def run_checks() -> dict[str, bool]:
    """Whether each check passed; what a failed one has to say is printed."""
    outcomes = {}
    for name, (command, *arguments) in CHECKS.items():
        started = time.monotonic()
        done = subprocess.run(
            [str(TOOLS / command), *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        outcomes[name] = done.returncode == 0
        say(f"{name}: {'passed' if outcomes[name] else 'FAILED'} ({time.monotonic() - started:.1f} s)")
        if not outcomes[name]:
            print(done.stdout, flush=True)
    return outcomes


def prepare_testbed() -> bool:
    """Builds what is not built. False if something cannot be had; that was said."""
    machine.prepare(list(binaries.PROGRAMS.values()), say)
    complete = not debian.missing(command for command in debian.COMMANDS if not command.to_make)
    for made in catalogue.ALL.values():
        try:
            say(f"{made.name}: {made.ensure(say)}")
        except BuildError as error:
            say(f"no {made.name}: {error}")
            complete = False
    return complete


def run_pytest(arguments: Sequence[str], checks: dict[str, bool]) -> int:
    """Runs the suites; pytest's exit code. Its last lines are the summary of the whole run."""
    told = ",".join(f"{name}={'passed' if passed else 'FAILED'}" for name, passed in checks.items())
    command = [str(TOOLS / "pytest"), *SPREAD, "-m", SELECTED, *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"CSOC_CHECKS": told}, check=False).returncode


def say(text: str) -> None:
    """One line of progress."""
    print(f"test: {text}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 all passed, 1 a check or a test failed, others as pytest's."""
    parser = argparse.ArgumentParser(
        prog="scripts.run_suites", description="Run all checks and suites.", allow_abbrev=False
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--only-checks", action="store_true", help="no suites")
    only.add_argument("--only-testbed", action="store_true", help="build the servers of the suites, run nothing")
    options, for_pytest = parser.parse_known_args(arguments)
    if options.only_testbed:
        return 0 if prepare_testbed() else 1
    checks = run_checks()
    failed = 0 if all(checks.values()) else 1
    if options.only_checks:
        return failed
    prepare_testbed()
    return run_pytest(for_pytest, checks) or failed


if __name__ == "__main__":
    sys.exit(main())
