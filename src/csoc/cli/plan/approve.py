"""`csoc approve`: a yes to exactly what a plan showed."""

from __future__ import annotations

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import print_json, say
from csoc.cli.plan.session import open_applying
from csoc.cli.plan.show import plan_json, print_plan
from csoc.cli.runs.session import how_it_goes_on, who
from csoc.usecases import runs as run_cases


@command("approve", "csoc approve k3x9m2ab7q", "csoc approve k3x9m2ab7q --show")
@click.argument("plan", type=ONE_LINE)
@click.option("--show", "only_show", is_flag=True, help="Show the plan, and approve nothing.")
@click.option("--whole", is_flag=True, help="With --show: every addition with its name.")
def approve_command(plan: str, only_show: bool, whole: bool, as_json: bool) -> None:
    """Approve a plan, as the person who runs this.

    The approval is of what the plan shows and of nothing else: another plan needs another one. Where a stage wants a
    second person, neither the one who made the plan nor an author of its changes counts.
    """
    from csoc.usecases.planning.approving import StoredApprovals, approve

    with open_applying() as (ports, runs):
        if only_show:
            found, lacking = ports.plans.get(plan), StoredApprovals(ports).standing(plan).why
        else:
            done = approve(ports, plan)
            found, lacking = done.plan, done.missing
            woken = run_cases.wake(runs, found.owner, f"approved the plan {found.id}", plan=found.id)
    if as_json:
        print_json(plan_json(found, lacking))
    elif only_show:
        print_plan(found, lacking, whole=whole)
    else:
        say(f"Plan {found.id} for {found.owner_kind} {found.owner_name} is approved by {who(done.approval.by)}.")
        if lacking:
            say(f"It still needs {lacking}")
        else:
            say(f"Apply it: csoc apply {found.id}" if woken is None else f"{how_it_goes_on(woken)}.")
