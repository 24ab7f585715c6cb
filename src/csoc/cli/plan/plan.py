"""`csoc plan`: what would be done to an owner's layers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import EXIT_FAILED, print_json, progress, say
from csoc.cli.plan.session import open_provisioning, planned_options
from csoc.cli.plan.show import plan_json, print_plan
from csoc.cli.plan.stored import list_plans
from csoc.cli.session import committed_fleet_option
from csoc.errors import UnavailableError

if TYPE_CHECKING:
    from csoc.provisioning.plans import Plan
    from csoc.usecases.provisioning_ports import ProvisioningPorts


@command(
    "plan",
    "csoc plan research",
    "csoc plan environment/heart-prod --layer database",
    "csoc plan research --export research.json",
    "csoc plan heart-prod --unlock resources/Uploads",
    "csoc plan --list research",
    "csoc plan --show k3x9m2ab7q --whole",
)
@click.argument("owner", type=ONE_LINE, required=False)
@click.option("--list", "listing", is_flag=True, help="Show which plans there are, newest first; of OWNER, if given.")
@click.option("--show", "shown", type=ONE_LINE, metavar="PLAN", help="Show a plan that was made before.")
@planned_options
@click.option(
    "--export", "export", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the document that templates are made from (python -m csoc_infra FILE OUTDIR), and plan nothing.",
)  # fmt: skip
@click.option("--whole", is_flag=True, help="Show every addition with its name.")
@committed_fleet_option
def plan(
    owner: str | None,
    listing: bool,
    shown: str | None,
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
    1 if a policy blocks it. --list and --show read what is stored, and make no plan.
    """
    if listing + (shown is not None) + (owner is not None and not listing) != 1:
        raise click.UsageError("Give one of OWNER, --list and --show PLAN (--list takes an OWNER too)")
    if listing:
        list_plans(owner, as_json=as_json)
        return 0
    if shown is not None:
        _show(shown, whole=whole, as_json=as_json)
        return 0
    assert owner is not None  # noqa: S101 - the only one that is left
    from csoc.usecases.planning.fleets import open_fleet, uncommitted
    from csoc.usecases.planning.infrastructure_read import infrastructure_of
    from csoc.usecases.planning.making import Wanted, make_plan
    from csoc.usecases.planning.owners import find_owner

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
        found_owner = find_owner(fleet.documents, f"{made.owner_kind}/{made.owner_name}")
        left_out = uncommitted(ports.git, fleet, found_owner) if revision is None else ()
        _print(ports, made, whole=whole, as_json=as_json, left_out=left_out)
    return EXIT_FAILED if made.blocking else 0


def _show(plan_id: str, *, whole: bool, as_json: bool) -> None:
    from csoc import records

    with open_provisioning() as ports, records.runs() as runs:
        found = ports.plans.get(plan_id)
        has_run = any(run.plan == plan_id and not run.state.is_over for run in runs.runs.newest(owner=found.owner))
        _print(ports, found, whole=whole, has_run=has_run, as_json=as_json)


def _print(
    ports: ProvisioningPorts,
    made: Plan,
    *,
    whole: bool,
    as_json: bool,
    has_run: bool = False,
    left_out: Sequence[str] = (),
) -> None:
    from csoc.usecases.planning.approving import StoredApprovals

    missing = StoredApprovals(ports).standing(made.id).why
    if as_json:
        print_json({**plan_json(made, missing), "uncommitted": list(left_out)})
    else:
        for path in left_out:
            say(f"{path} has changes that are not committed; they are not looked at", "yellow")
        print_plan(made, missing, whole=whole, gets_run=has_run)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"The file cannot be written: {error.strerror}", place=str(path)) from error
