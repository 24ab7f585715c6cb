"""`csoc worker`: executes the runs of everybody, until it is ended."""

from __future__ import annotations

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.escaping import json_text
from csoc.cli.output import say, write
from csoc.cli.runs.following import leave
from csoc.cli.runs.session import open_executing
from csoc.operations.runs import HERE
from csoc.usecases import runs as usecase


@command("worker", "csoc worker")
@click.option(
    "--where",
    type=ONE_LINE,
    default=HERE,
    show_default=True,
    help="Only runs that are to be executed there: the address of a workflow, from inside of it.",
)
def worker_command(where: str, as_json: bool) -> None:
    """Execute runs: those that are queued, and those whose executor is gone.

    Any number of workers can share one database. Ctrl-C or SIGTERM ends this one: steps that run are given time to
    end, and what is left goes on in another one. It can also be killed: what it worked on is taken over within half a
    minute.
    """
    with open_executing() as ports:
        executor = usecase.worker(ports, where=where)
        if as_json:
            write(f"{json_text({'worker': executor.id, 'where': where})}\n")
        else:
            say(f"Worker {executor.id} takes runs. Ctrl-C ends it.")
        try:
            executor.serve()
        except KeyboardInterrupt:
            say(f"No step begins any more; those that run are given {usecase.GRACE_SECONDS:g} s to end.", error=True)
        finally:
            leave(executor.close(usecase.GRACE_SECONDS))
