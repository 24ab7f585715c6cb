"""`csoc runs watch`, and the way in which every command shows a run that it began: line by line, until it ends."""

from __future__ import annotations

import os
import threading

import click
from rich.text import Text

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.escaping import json_text
from csoc.cli.output import EXIT_FAILED, EXIT_OF, print_line, say, write
from csoc.cli.runs.session import STYLES, line_json, open_runs, run_json, took
from csoc.errors import Kind
from csoc.operations.runs import HERE, Line, Run, RunState
from csoc.usecases import runs as usecase
from csoc.usecases.run_ports import RunPorts

_POLL_SECONDS = 0.5
_ALONE_LOOKS = 6
_LINE_STYLES = {"error": "red", "warning": "yellow", "progress": "dim"}


WHOLE = click.option("--whole", is_flag=True, help="Show all that it said before, line by line.")
"""Of commands that show a run which may have begun long ago."""


@command(
    "watch", "csoc runs watch k3x9q1m2za", "csoc runs watch k3x9q1m2za --whole", "csoc runs watch k3x9q1m2za --json"
)
@click.argument("run_id", metavar="RUN", type=ONE_LINE)
@WHOLE
def watch_command(run_id: str, whole: bool, as_json: bool) -> int:
    """What a run says, until it ends: a line for each step that is over, then each line as it comes.

    Ends with 0 if the run succeeded, with 6 if csoc could not find something out, else with 1. Ctrl-C ends the watching
    only. With --json each line is a document, those from before as well; the last one is the run.
    """
    with open_runs() as ports:
        try:
            return follow(ports, run_id, as_json=as_json, whole=whole)
        except KeyboardInterrupt:
            say_it_goes_on(run_id, as_json=as_json)
            return 0


def execute_and_follow(ports: RunPorts, run_id: str, *, as_json: bool, whole: bool = False) -> int:
    """Executes a run in this process, if no worker is quicker, and shows it. Gives the exit code of its end. whole:
    with all that it said before.

    Ctrl-C gives the step that runs time to end and leaves the rest to whoever executes runs; it ends the command, since
    a caller who has more to do would begin it. Raises KeyboardInterrupt then.
    """
    after = 0 if whole or as_json else _print_before(usecase.look(ports, run_id))
    executor = usecase.begin_executing(ports, run_id)
    try:
        return _follow(ports, run_id, after, as_json=as_json, is_executed_here=True)
    except KeyboardInterrupt:
        say_it_goes_on(run_id, as_json=as_json, is_executed_here=True)
        raise
    finally:
        leave(executor.close(usecase.GRACE_SECONDS))


def follow(ports: RunPorts, run_id: str, *, as_json: bool, whole: bool = False) -> int:
    """Shows a run until it ends. Gives the exit code of its end. whole: with all that it said before."""
    after = 0 if whole or as_json else _print_before(usecase.look(ports, run_id))
    return _follow(ports, run_id, after, as_json=as_json)


def _print_before(seen: usecase.Seen) -> int:
    """A line for each step that is over, and what it waits for. Gives the number of the last line that was said."""
    run = seen.run
    over = [step for step in run.steps if step.ended_at is not None]
    for step in over:
        print_line(
            Text.assemble(
                (f"{step.ended_at:%H:%M:%S}  ", "dim"),
                (f"{step.name}: ", "bold"),
                (str(step.state), STYLES.get(step.state, "")),
                (f" after {took(step.started_at, step.ended_at)}" if step.started_at else "", "dim"),
            )
        )
    if over and seen.lines:
        say(f"What it said: csoc runs watch {run.id} --whole", "dim")
    _print_state(run)
    # What the step said that runs now is no past yet.
    past = {step.number for step in over} if run.state is RunState.RUNNING else {step.number for step in run.steps}
    return max((line.number for line in seen.lines if line.step is None or line.step in past), default=0)


def _follow(ports: RunPorts, run_id: str, after: int, *, as_json: bool, is_executed_here: bool = False) -> int:
    never = threading.Event()
    alone = 0
    shown: Run | None = None
    told: str | None = None
    for seen in usecase.watch(ports, run_id, pause=lambda: never.wait(_POLL_SECONDS), after=after):
        for line in seen.lines:
            _print_line(seen.run, line, as_json=as_json)
        alone = alone + 1 if seen.is_left_alone else 0
        if alone == _ALONE_LOOKS and not is_executed_here and not as_json:
            say(f"Nobody works on it: csoc worker does, or csoc runs resume {run_id}", "yellow", error=True)
        waits = _waits_for(seen.run)
        if not as_json and shown is not None and waits not in ("", told) and not usecase.has_ended(seen.run):
            _print_state(seen.run)
        told = waits or told
        shown = seen.run
    assert shown is not None  # noqa: S101 - there is one look at least
    if as_json:
        write(f"{json_text({'run': run_json(shown)})}\n")
    else:
        _print_end(shown)
    return exit_code(shown)


def exit_code(run: Run) -> int:
    """What a command ends with whose run came to this end."""
    if run.state is RunState.SUCCEEDED:
        return 0
    return EXIT_OF[Kind.UNAVAILABLE] if run.state is RunState.ERRORED else EXIT_FAILED


def say_it_goes_on(run_id: str, *, as_json: bool, is_executed_here: bool = False) -> None:
    """What Ctrl-C did not do."""
    if as_json:
        return
    if is_executed_here:
        say(f"The step that runs is given {usecase.GRACE_SECONDS:g} s to end. The run is not cancelled:", "bold")
        say(f"  csoc runs resume {run_id} goes on with it; csoc runs cancel {run_id} gives it up")
    else:
        say("The run goes on.", "bold")
        say(f"  csoc runs watch {run_id} looks again; csoc runs cancel {run_id} gives it up")


def leave(has_ended: bool) -> None:
    """Ends the process at once if a step of a run did not end in its time: threads that are in a call cannot be ended
    otherwise, and a run survives that."""
    if not has_ended:
        say("A step did not end in time and goes on elsewhere, where its lease has run out.", "yellow", error=True)
        os._exit(EXIT_OF[Kind.UNAVAILABLE])


def _print_line(run: Run, line: Line, *, as_json: bool) -> None:
    if as_json:
        write(f"{json_text({'line': line_json(line)})}\n")
        return
    step = next((one.name for one in run.steps if one.number == line.step), "")
    print_line(
        Text.assemble(
            (f"{line.at:%H:%M:%S}  ", "dim"),
            (f"{step}: " if step else "", "bold"),
            (line.text, _LINE_STYLES.get(line.what, "")),
        )
    )


def _waits_for(run: Run) -> str:
    """What a run waits for, with whose step; "" while it does not. A look that finds the same is nothing new."""
    step = next((one for one in run.steps if one.waits_for), None)
    return f"{step.number} {step.waits_for}" if run.state is RunState.WAITING and step is not None else ""


def _print_state(run: Run) -> None:
    step = next((one for one in run.steps if one.waits_for), None)
    if run.state is RunState.WAITING and step is not None:
        say(f"{step.name} waits for {step.waits_for}", "yellow")
        if step.fix:
            say(f"  fix: {step.fix}")


def _print_end(run: Run) -> None:
    print_line(
        Text.assemble(f"{run.kind} {run.owner_name}: ", (str(run.state), STYLES.get(run.state, ""))),
    )
    for step in run.steps:
        if step.cause and step.state is not RunState.SUCCEEDED:
            say(f"  {step.name}: {step.cause}")
            if step.fix:
                say(f"  fix: {step.fix}")
    if run.where != HERE:
        say(f"  executed at {run.where}", "dim")
