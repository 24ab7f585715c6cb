"""`csoc demo`: adopts and checks a fleet that csoc brings along, without a network, a cluster or an account."""

from __future__ import annotations

import importlib.resources
import shutil
import tempfile
from pathlib import Path

import click

from csoc.cli.check import print_report
from csoc.cli.fleet import print_overview
from csoc.cli.output import example, json_option, print_json, say
from csoc.cli.session import opened
from csoc.errors import ConflictError
from csoc.gen3.findings import to_json
from csoc.usecases.show import overview, overview_json
from csoc.usecases.verdict import CheckRequest, check_fleet


@click.command(epilog=example("csoc demo", "csoc demo --into /tmp/tidewater"))
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Copy the fleet here, to play with it.")
@json_option
def demo(into: Path | None, as_json: bool) -> None:
    """Adopt and check an invented fleet with a handful of instructive faults."""
    packed = importlib.resources.files("csoc").joinpath("cli", "demo_fleet")
    with importlib.resources.as_file(packed) as source, tempfile.TemporaryDirectory(prefix="csoc-demo-") as scratch:
        folder = into if into is not None else Path(scratch, "tidewater")
        if folder.exists() and any(folder.iterdir()):
            raise ConflictError("The folder is not empty", place=str(folder), fix="Name a new or an empty one")
        shutil.copytree(source, folder, dirs_exist_ok=True)
        with opened(str(folder)) as (ports, loaded):
            verdict = check_fleet(ports, loaded, CheckRequest())
        page = overview(loaded, verdict.outcome)
        if as_json:
            print_json({**overview_json(page), "results": [to_json(item) for item in verdict.findings]})
            return
        say("An invented fleet, as somebody might keep it in Git: two clusters, two commons.\n", "bold")
        print_overview(page)
        say("\nWhat is wrong in it:\n", "bold")
        print_report(verdict)
    _print_next(into)


def _print_next(into: Path | None) -> None:
    where = str(into) if into is not None else "DIR"
    say("\nTry it yourself:" if into is not None else "\nTry it yourself, on a copy (csoc demo --into DIR):", "bold")
    for command in (
        f"csoc fleet show --fleet {where}",
        f"csoc fleet compare coral-staging coral-prod --fleet {where}",
        f"csoc fleet where metadata-g3auto --fleet {where}",
        f"csoc fleet set coral-prod --rename fence.replicas=replicaCount --fleet {where}",
    ):
        say(f"  $ {command}")
    say("On your own repository: csoc fleet adopt <its URL or folder>. Nothing changes without --write.")
