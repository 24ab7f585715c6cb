"""`csoc apply`: does what an approved plan shows, as a run that survives whatever happens to this terminal."""

from __future__ import annotations

import click

from csoc.accounts.workflows import parse_workflow
from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import print_json, progress, say
from csoc.cli.plan.session import open_applying
from csoc.cli.runs.following import execute_and_follow
from csoc.cli.runs.session import run_json
from csoc.cli.session import committed_fleet_option
from csoc.operations.runs import HERE
from csoc.usecases import runs as run_cases
from csoc.usecases.planning.fleets import open_fleet
from csoc.usecases.planning.runs_of_plans import check_fresh, check_no_run, has_nothing_to_do, run_of


@command(
    "apply",
    "csoc apply k3x9m2ab7q",
    "csoc apply k3x9m2ab7q --begin",
    "csoc apply k3x9m2ab7q --pull-request",
    "csoc apply k3x9m2ab7q --where github:example/fleet",
)
@click.argument("plan", type=ONE_LINE)
@click.option("--begin", "only_begin", is_flag=True, help="Begin the run and leave it to a worker.")
@click.option(
    "--where", type=ONE_LINE, metavar="PLACE",
    help="Begin the run and leave it to a workflow: github:OWNER/REPO.",
)  # fmt: skip
@click.option("--pull-request", is_flag=True, help="What the run writes into Git goes through pull requests.")
@committed_fleet_option
def apply_command(
    plan: str,
    only_begin: bool,
    where: str | None,
    pull_request: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> int:
    """Do what a plan shows.

    The run waits for the approvals that are missing. It is executed here, if no worker takes it first; another terminal
    watches with csoc runs watch. Ctrl-C, a crash or a reboot lose nothing: csoc runs resume goes on.
    """
    place = parse_workflow(where).where if where is not None else HERE
    with open_applying() as (ports, runs):
        progress("comparing the plan with the fleet")
        found = ports.plans.get(plan)
        check_no_run(ports, runs.runs, found)
        owner = check_fresh(ports, open_fleet(ports, source, revision), found)
        run = run_of(ports, found, owner, source, pull_request=pull_request, where=place)
        if has_nothing_to_do(runs.runs, found, run):
            if as_json:
                print_json({"run": None, "plan": plan, "empty": True})
            else:
                say(f"There is nothing to do, so no run was begun. How it stands: csoc status {owner.name}")
            return 0
        run_cases.begin(runs, run)
        if only_begin or place != HERE:
            if as_json:
                print_json(run_json(run))
            else:
                say(f"Run {run.id} is queued: csoc runs watch {run.id}")
                if place != HERE:
                    say(f"In that workflow: csoc worker --where {place} --only {run.id}")
            return 0
        if not as_json:
            say(f"Run {run.id} applies plan {plan} to {run.owner_name}. From elsewhere: csoc runs watch {run.id}")
        return execute_and_follow(runs, run.id, as_json=as_json)
