"""`csoc destroy`: takes an owner's layers away, as a plan that is shown first, with the name typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import click

from csoc.accounts.workflows import parse_workflow
from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import EXIT_FAILED, count, print_json, progress, say
from csoc.cli.plan.session import open_applying, planned_options
from csoc.cli.plan.show import plan_json, print_plan
from csoc.cli.runs.following import execute_and_follow
from csoc.cli.runs.session import run_json
from csoc.cli.session import committed_fleet_option
from csoc.errors import RejectedError
from csoc.operations.runs import HERE, Step
from csoc.provisioning.plans import Purpose
from csoc.usecases import runs as run_cases
from csoc.usecases.planning.approving import StoredApprovals, approve
from csoc.usecases.planning.fleets import open_fleet
from csoc.usecases.planning.making import Wanted, make_plan
from csoc.usecases.planning.owners import find_owner
from csoc.usecases.planning.runs_of_plans import run_of


@command("destroy", "csoc destroy heart-dev", "csoc destroy heart-dev --yes heart-dev")
@click.argument("owner", type=ONE_LINE)
@planned_options
@click.option("--yes", "typed", type=ONE_LINE, metavar="NAME", help="The owner's name, typed: destroy it now.")
@click.option(
    "--where", type=ONE_LINE, metavar="PLACE",
    help="With --yes: begin the run and leave it to a workflow: github:OWNER/REPO.",
)  # fmt: skip
@click.option("--pull-request", is_flag=True, help="What the run takes out of Git goes through pull requests.")
@committed_fleet_option
def destroy_command(
    owner: str,
    layers: tuple[str, ...],
    unlocks: tuple[str, ...],
    typed: str | None,
    where: str | None,
    pull_request: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> int:
    """Take the layers of a cluster or an environment away.

    Without --yes it only shows what would be removed and what stays: databases, buckets, keys and secrets stay unless
    their documents say otherwise. It is refused while something else lives from the owner. Where a stage wants a second
    person, the plan waits for that approval. Of an environment, Gen3 goes out of its cluster first: the plan shows it
    object by object, as the layer gen3. Its documents go out of Git last, so that its name is free. In the end the
    account is asked what is left.
    """
    place = parse_workflow(where).where if where is not None else HERE
    with open_applying() as (ports, runs):
        progress(f"reading {source}")
        fleet = open_fleet(ports, source, revision)
        found = find_owner(fleet.documents, owner)
        if typed is not None and typed != found.name:
            raise RejectedError(
                f"What was typed is not the name of {found.shown}", place="--yes", fix=f"Type --yes {found.name}"
            )
        progress("asking CloudFormation")
        plan = make_plan(ports, fleet, Wanted(owner, Purpose.DESTROY, layers or None, unlocks))
        if typed is None or plan.blocking or plan.is_empty:
            lacking = StoredApprovals(ports).standing(plan.id).why
            if as_json:
                print_json(plan_json(plan, lacking))
            else:
                print_plan(plan, lacking, whole=True)
                if typed is None and not plan.blocking and not plan.is_empty:
                    options = _options(layers, unlocks, where, pull_request=pull_request, revision=revision)
                    say(" ".join([f"To do it: csoc destroy {owner} --yes {found.name}", *options]))
            return EXIT_FAILED if plan.blocking else 0
        if not plan.second_person and plan.people == 1:
            approve(ports, plan.id)
        run = run_cases.begin(runs, run_of(ports, plan, found, source, pull_request=pull_request, where=place))
        if place != HERE:
            if as_json:
                print_json(run_json(run))
            else:
                say(f"Run {run.id} is queued: csoc runs watch {run.id}")
                say(f"In that workflow: csoc worker --where {place} --only {run.id}")
            return 0
        if not as_json:
            say(f"Run {run.id} destroys {run.owner_name}. From elsewhere: csoc runs watch {run.id}")
        code = execute_and_follow(runs, run.id, as_json=as_json)
        if not as_json:
            _print_left(run_cases.look(runs, run.id).run.steps)
        return code


def _options(
    layers: Sequence[str], unlocks: Sequence[str], where: str | None, *, pull_request: bool, revision: str | None
) -> Iterator[str]:
    """What was given beside the owner, so that what is typed next does what was shown and no more."""
    for name, values in (("layer", layers), ("unlock", unlocks), ("where", (where,)), ("revision", (revision,))):
        for value in values:
            if value is not None:
                yield f"--{name} {shlex.quote(value)}"
    if pull_request:
        yield "--pull-request"


def _print_left(steps: Sequence[Step]) -> None:
    results = {step.kind: step.result for step in steps}
    in_cluster = results.get("remove gen3", {}).get("kept") or []
    if in_cluster:
        say("What stays in the cluster:", "bold")
        for name in in_cluster:
            say(f"  {name}")
    if "left" not in results.get("list left", {}):
        return
    left = len(results["list left"]["left"])
    things = f"{count(left, 'thing')} {'is' if left == 1 else 'are'} left in the account, each told above"
    say(f"{things} as still there." if left else "Nothing is left in the account.", "bold")
