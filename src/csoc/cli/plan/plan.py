"""`csoc plan`: what would be done to an owner's layers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import EXIT_FAILED, print_json, progress, say
from csoc.cli.plan.session import open_provisioning, planned_options
from csoc.cli.plan.show import plan_json, print_plan
from csoc.cli.session import fleet_option
from csoc.errors import UnavailableError


@command(
    "plan",
    "csoc plan research",
    "csoc plan environment/heart-prod --layer database",
    "csoc plan research --export research.json",
    "csoc plan heart-prod --unlock resources/Uploads",
)
@click.argument("owner", type=ONE_LINE)
@planned_options
@click.option(
    "--export", "export", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the document that templates are made from (python -m csoc_infra FILE OUTDIR), and plan nothing.",
)  # fmt: skip
@click.option("--whole", is_flag=True, help="Show every addition with its name.")
@fleet_option
def plan(
    owner: str,
    layers: tuple[str, ...],
    unlocks: tuple[str, ...],
    export: Path | None,
    whole: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> int:
    """Show what would be done to the layers of a cluster or an environment.

    Nothing is changed: CloudFormation makes change sets and says what they would do. What cannot be known before
    something else exists is shown as a preview. The plan is stored; csoc approve and csoc apply take its id. Ends with
    1 if a policy blocks it.
    """
    from csoc.usecases.planning.approving import StoredApprovals
    from csoc.usecases.planning.making import Wanted, infrastructure_of, make_plan, open_fleet

    with open_provisioning() as ports:
        progress(f"reading {source}")
        fleet = open_fleet(ports, source, revision)
        if export is not None:
            found = infrastructure_of(ports, fleet, owner, task="export")
            _write(export, json.dumps(found.document, indent=1, sort_keys=True) + "\n")
            say(f"Written to {export}. Templates from it: python -m csoc_infra {export} OUTDIR")
            return 0
        progress("asking CloudFormation")
        made = make_plan(ports, fleet, Wanted(owner, layers=layers or None, unlocks=unlocks))
        missing = StoredApprovals(ports).standing(made.id).why
    if as_json:
        print_json(plan_json(made, missing))
    else:
        print_plan(made, missing, whole=whole)
    return EXIT_FAILED if made.blocking else 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"The file cannot be written: {error.strerror}", place=str(path)) from error
