"""`csoc runs resume` and `csoc runs cancel`."""

from __future__ import annotations

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import print_json, say
from csoc.cli.runs.following import WHOLE, execute_and_follow
from csoc.cli.runs.session import open_executing, open_runs, run_json
from csoc.operations.runs import HERE, Run, RunState
from csoc.usecases import runs as usecase


@command("resume", "csoc runs resume k3x9q1m2za", "csoc runs resume k3x9q1m2za --queue")
@click.argument("run_id", metavar="RUN", type=ONE_LINE)
@click.option("--queue", "only_queue", is_flag=True, help="Leave it to a worker, and do not stay.")
@click.option(
    "--skip", type=ONE_LINE, multiple=True, metavar="LAYER/RESOURCE",
    help="Leave this as it is where a rollback could not put it back; several times.",
)  # fmt: skip
@WHOLE
def resume_command(run_id: str, only_queue: bool, skip: tuple[str, ...], whole: bool, as_json: bool) -> int:
    """Go on with a run that failed, could not find something out or was cancelled, at the step that did not succeed;
    have one that waits look at once; work on one that was left alone. A stack whose update could not be put back is put
    back first.

    Works on the run in this process if no worker does, and shows it until it ends: a line for each step that is over,
    then each line as it comes.
    """
    if not only_queue:
        with open_executing() as ports:
            run = usecase.resume(ports.runs, run_id, by=ports.person().name, now=ports.clock(), skip=skip)
            if run.where == HERE:
                return execute_and_follow(ports, run_id, as_json=as_json, whole=whole)
        _tell(run, f"It is for {run.where} to go on", as_json=as_json)
        return 0
    with open_runs() as ports:
        run = usecase.resume(ports.runs, run_id, by=ports.person().name, now=ports.clock(), skip=skip)
    _tell(run, f"It is {run.state}; csoc runs watch {run_id} shows it", as_json=as_json)
    return 0


@command("cancel", "csoc runs cancel k3x9q1m2za")
@click.argument("run_id", metavar="RUN", type=ONE_LINE)
def cancel_command(run_id: str, as_json: bool) -> None:
    """End a run before its next step. A step that runs, and a stack that is being changed, is followed to its end."""
    with open_runs() as ports:
        run = usecase.cancel(ports.runs, run_id, by=ports.person().name, now=ports.clock())
        seen = usecase.look(ports, run_id)
    if run.state is RunState.CANCELLED:
        _tell(run, "It is cancelled", as_json=as_json)
    elif seen.is_left_alone:
        nobody = f"csoc worker or csoc runs resume {run_id} brings that to its end"
        _tell(run, f"It is cancelled once its running step has ended. Nobody works on it: {nobody}", as_json=as_json)
    else:
        after = f"csoc runs watch {run_id} shows when"
        _tell(run, f"It is cancelled once its running step has ended; {after}", as_json=as_json)


def _tell(run: Run, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(run_json(run))
    else:
        say(f"{text}.")
