"""`csoc worker`: executes the runs of everybody, until it is ended."""

from __future__ import annotations

from functools import partial

import click
from rich.text import Text

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.escaping import json_text
from csoc.cli.output import print_error, print_line, say, write
from csoc.cli.runs.following import execute_and_follow, leave
from csoc.cli.runs.session import STYLES, iso, open_executing
from csoc.operations.runs import HERE, Lease, Run, RunState, Step
from csoc.usecases import runs as usecase


@command(
    "worker",
    "csoc worker",
    "csoc worker --where github:example/fleet",
    "csoc worker --where github:example/fleet --only k3x9q1m2za",
)
@click.option(
    "--where",
    type=ONE_LINE,
    default=HERE,
    show_default=True,
    help="Only runs that are to be executed there: github:OWNER/REPO, from inside of a workflow of that repository.",
)
@click.option("--only", type=ONE_LINE, metavar="RUN", help="Execute this run, show it, and end as it ends.")
def worker_command(where: str, only: str | None, as_json: bool) -> int:
    """Execute runs: those that are queued, and those whose executor is gone.

    Any number of workers can share one database. Ctrl-C or SIGTERM ends this one: steps that run are given time to
    end, and what is left goes on in another one. It can also be killed: what it worked on is taken over within half a
    minute. It prints what it does: a line for each run and each step that begins, waits or is over; csoc runs watch
    shows all of one run. With --only it ends with 0 if the run succeeded, with 6 if csoc could not find something out,
    else with 1.
    """
    with open_executing() as ports:
        if only is not None:
            usecase.check_only(ports, only, where)
            return execute_and_follow(ports, only, as_json=as_json)
        watched = partial(_tell_of, as_json=as_json)
        executor = usecase.worker(ports, where=where, tell=partial(print_error, as_json=as_json), watched=watched)
        if as_json:
            write(f"{json_text({'worker': executor.id, 'where': where})}\n")
        else:
            say(f"Worker {executor.id} takes runs. Ctrl-C ends it.")
        for run, lease in usecase.held_elsewhere(ports, where, executor):
            _tell_held(run, lease, as_json=as_json)
        try:
            executor.serve()
        except KeyboardInterrupt:
            say(f"No step begins any more; those that run are given {usecase.GRACE_SECONDS:g} s to end.", error=True)
        finally:
            leave(executor.close(usecase.GRACE_SECONDS))
    return 0


def _tell_held(run: Run, lease: Lease, *, as_json: bool) -> None:
    if as_json:
        held = {"run": run.id, "executor": lease.executor, "until": iso(lease.until)}
        write(f"{json_text({'held': held})}\n")
        return
    until = f"{lease.until:%H:%M:%S} UTC"
    say(f"{run.id} is held by another worker until {until}; it is taken over then if that one does not go on", "dim")


def _tell_of(run: Run, step: Step | None, *, as_json: bool) -> None:
    if as_json:
        told = {"run": run.id, "state": str(run.state), "step": step.name if step else None}
        of_step = {"stepState": str(step.state), "waitsFor": step.waits_for, "fix": step.fix} if step else {}
        write(f"{json_text({**told, **of_step})}\n")
        return
    state = step.state if step is not None else run.state
    what = f"{step.name}: {_of_step(step)}" if step is not None else _of_run(run)
    line = Text.assemble(f"{run.id}  ", (f"{run.kind} {run.owner_name}: ", "bold"), (what, STYLES.get(state, "")))
    print_line(line)
    if step is not None and step.fix and step.state is not RunState.RUNNING:
        say(f"  fix: {step.fix}")


def _of_run(run: Run) -> str:
    if run.state in (RunState.QUEUED, RunState.RUNNING, RunState.WAITING):
        return "goes on" if any(step.started_at for step in run.steps) else "begins"
    return str(run.state)


def _of_step(step: Step) -> str:
    if step.state is RunState.WAITING:
        return f"waits for {step.waits_for}"
    if step.state is RunState.RUNNING:
        return "begins" if step.attempts == 1 else f"attempt {step.attempts}"
    return f"{step.state}{f': {step.cause}' if step.cause else ''}"
