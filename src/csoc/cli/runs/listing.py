"""`csoc runs list` and `csoc runs show`: what runs there are, and the steps of one."""

from __future__ import annotations

import click
from rich.text import Text

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import count, print_json, print_line, rows_of_one_line, say, table
from csoc.cli.runs.session import STYLES, current_step, line_json, moment, open_runs, run_json, took, who
from csoc.cli.session import say_which_records
from csoc.cli.tables import Cell
from csoc.operations.runs import HERE, Run, RunState
from csoc.usecases import runs as usecase

_NOBODY = "nobody works on it: csoc worker does, or csoc runs resume {}"


@command("list", "csoc runs list", "csoc runs list --state waiting --state errored", "csoc runs list --limit 10 --json")
@click.option("--owner", type=ONE_LINE, metavar="UID", help="Only runs of this cluster or environment.")
@click.option(
    "--state",
    "states",
    type=click.Choice([str(state) for state in RunState]),
    multiple=True,
    help="Only in this state.",
)
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="At most so many.")
@click.option("--before", type=ONE_LINE, metavar="RUN", help="Those before this one: the next page.")
def list_command(owner: str | None, states: tuple[str, ...], limit: int, before: str | None, as_json: bool) -> None:
    """Runs, newest first, and what each of them is at."""
    with open_runs() as ports:
        found = ports.runs.newest(
            owner=owner or "", states=[RunState(state) for state in states], before=before or "", limit=limit + 1
        )
        now = ports.clock()
        leases = {run.id: ports.runs.lease(run.id, now) for run in found[:limit] if not usecase.has_ended(run)}
    shown, more = found[:limit], len(found) > limit
    if as_json:
        holders = {run_id: lease.executor for run_id, lease in leases.items() if lease is not None}
        rows = [run_json(run, executor=holders.get(run.id)) for run in shown]
        print_json({"runs": rows, "next": shown[-1].id if more else None})
        return
    if not shown:
        say("There are no runs." if not (owner or states or before) else "There are no such runs.")
        say_which_records()
        return
    alone = {run_id for run_id, lease in leases.items() if lease is None}
    rows_of_one_line(
        ["run", "state", "what", "by", "at", "began"],
        [_row(run, is_alone=run.id in alone and run.where == HERE) for run in shown],
        title=count(len(shown), "run"),
        cut=4,
        least=14,
    )
    lonely = [run.id for run in shown if run.id in alone and run.where == HERE]
    if lonely:
        which = lonely[0] if len(lonely) == 1 else f"{len(lonely)} of them"
        say(f"Nobody executes {which}: csoc worker does, or csoc runs resume {lonely[0]}", "yellow")
        if any(run.state is RunState.WAITING for run in shown if run.id in lonely):
            say("What such a run waits for is what its last look found; it may have been done since", "yellow")
    if more:
        say(f"There are more: csoc runs list --before {shown[-1].id}", "dim")


def _row(run: Run, *, is_alone: bool) -> list[Cell]:
    step = current_step(run)
    done = sum(one.state is RunState.SUCCEEDED for one in run.steps)
    at = f"{done}/{len(run.steps)}" + (f" {step.name}" if step is not None else "")
    if is_alone and step is not None and step.started_at is None:
        at = f"{done}/{len(run.steps)} not begun"
    if step is not None and step.waits_for:
        at += f": waits for {step.waits_for}"
    state = f"{run.state}{', cancelling' if run.is_cancelling and not run.state.is_over else ''}"
    if is_alone:
        state += ", no worker"
    return [
        run.id,
        Text(state, style=STYLES.get(run.state, "")),
        f"{run.kind} {run.owner_name}",
        who(run.by),
        at,
        moment(run.created_at),
    ]


@command("show", "csoc runs show k3x9q1m2za", "csoc runs show k3x9q1m2za --log")
@click.argument("run_id", metavar="RUN", type=ONE_LINE)
@click.option("--log", "with_log", is_flag=True, help="All that it said, too.")
def show_command(run_id: str, with_log: bool, as_json: bool) -> None:
    """The steps of a run: times, attempts, causes and fixes."""
    with open_runs() as ports:
        seen = usecase.look(ports, run_id)
        now = ports.clock()
    run = seen.run
    if as_json:
        data = run_json(run, executor=seen.lease.executor if seen.lease else None)
        print_json(data | ({"lines": [line_json(line) for line in seen.lines]} if with_log else {}))
        return
    print_line(
        Text.assemble((f"{run.kind} {run.owner_name}", "bold"), ": ", (str(run.state), STYLES.get(run.state, "")))
    )
    begun = f"  begun by {who(run.by)} at {moment(run.created_at)}"
    say(begun + (f", ended at {moment(run.ended_at)}" if run.ended_at else ""))
    if run.where != HERE:
        say(f"  executed at {run.where}")
    if run.is_cancelling and not run.state.is_over:
        say("  it is cancelled before its next step", "yellow")
    if seen.is_left_alone:
        say(f"  {_NOBODY.format(run.id)}", "yellow")
    say()
    rows: list[list[Cell]] = [
        [
            str(step.number),
            step.name,
            Text(_step_state(run, str(step.state)), style=STYLES.get(step.state, "")),
            str(step.attempts) if step.attempts else "",
            moment(step.started_at),
            took(step.started_at, step.ended_at or (now if step.started_at and not usecase.has_ended(run) else None)),
        ]
        for step in run.steps
    ]
    table(["", "step", "state", "attempts", "began", "took"], rows)
    for step in run.steps:
        if step.waits_for:
            found = ", as its last look found" if seen.is_of_before else ""
            say(f"{step.name} waits for {step.waits_for}{found}", "yellow")
        if step.cause:
            say(f"{step.name}: {step.cause}", "red" if step.state is not RunState.CANCELLED else "dim")
        if step.fix:
            say(f"  fix: {step.fix}")
    if seen.is_of_before and seen.done_for_it is not None:
        did = seen.done_for_it
        say(f"After that {did.text} ({moment(did.at)}): csoc runs resume {run.id} looks again", "yellow")
    if with_log:
        for line in seen.lines:
            say(f"{moment(line.at)}  {line.text}", "red" if line.what == "error" else "")


def _step_state(run: Run, state: str) -> str:
    return "not begun" if state == RunState.QUEUED and usecase.has_ended(run) else state
