"""The fleet that csoc brings along: adopted and checked, without a network, a cluster or an account."""

from __future__ import annotations

import importlib.resources
import shlex
import shutil
from pathlib import Path
from typing import Any

from csoc.cli.fleet.show import print_overview
from csoc.cli.output import say
from csoc.cli.reports import print_worst
from csoc.cli.session import opened
from csoc.errors import ConflictError, DeniedError, RejectedError, UnavailableError
from csoc.gen3.findings import to_json
from csoc.usecases.checking.verdict import CheckRequest, Verdict, check_fleet
from csoc.usecases.show import Overview, overview, overview_json

_ANOTHER = "Name a new or an empty one"
_WORST = 3


def adopt(folder: Path) -> tuple[Overview, Verdict]:
    """Copies the fleet into a folder (new or empty), reads and checks it."""
    packed = importlib.resources.files("csoc").joinpath("cli", "demo_fleet")
    with importlib.resources.as_file(packed) as source:
        copy(source, folder)
    with opened(str(folder)) as (ports, loaded):
        verdict = check_fleet(ports, loaded, CheckRequest())
    return overview(loaded, verdict.outcome), verdict


def adopted_json(page: Overview, verdict: Verdict) -> dict[str, Any]:
    """For programs."""
    return {**overview_json(page), "results": [to_json(item) for item in verdict.findings]}


def print_adopted(page: Overview, verdict: Verdict, folder: Path) -> None:
    """For people. folder: where the copy is."""
    say("An invented fleet, as somebody might keep it in Git: two clusters, two commons.", "bold")
    say()
    print_overview(page)
    say()
    say("What is wrong in it, the worst first:", "bold")
    print_worst(verdict, _WORST)
    if len(verdict.findings) > _WORST:
        say()
        say(f"All of them: csoc check {shlex.quote(str(folder))}", "bold")


def print_next(into: str | None) -> None:
    """What to try with it. into: where the copy is, None for none that stays."""
    where = shlex.quote(into) if into is not None else "DIR"
    say()
    say("Try it yourself:" if into is not None else "Try it yourself, on a copy (csoc demo --into DIR):", "bold")
    for line in (
        f"csoc fleet show --fleet {where}",
        f"csoc fleet compare coral-staging coral-prod --fleet {where}",
        f"csoc fleet where metadata-g3auto --fleet {where}",
        f"csoc fleet set coral-prod --rename fence.replicas=replicaCount --fleet {where}",
    ):
        say(f"  $ {line}")
    say("On your own repository: csoc fleet adopt <its URL or folder>. Nothing changes without --write.")


def copy(source: Path, folder: Path) -> None:
    """Copies a folder's files. Raises ConflictError if there is something already, RejectedError, DeniedError,
    UnavailableError."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise ConflictError("The folder is not empty", place=str(folder), fix=_ANOTHER)
        shutil.copytree(source, folder, dirs_exist_ok=True)
    except NotADirectoryError as error:
        raise RejectedError("This is a file, not a folder", place=str(folder), fix=_ANOTHER) from error
    except PermissionError as error:
        raise DeniedError("The folder may not be written", place=str(folder), fix=_ANOTHER) from error
    except (OSError, shutil.Error) as error:
        reason = error.strerror or "not all files could be copied"
        raise UnavailableError(f"The folder cannot be written: {reason}", place=str(folder), fix=_ANOTHER) from error
