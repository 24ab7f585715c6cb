"""`csoc worker`: executes the runs of everybody, until it is ended."""

from __future__ import annotations

from functools import partial

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.escaping import json_text
from csoc.cli.output import print_error, say, write
from csoc.cli.runs.following import execute_and_follow, leave
from csoc.cli.runs.session import open_executing
from csoc.operations.runs import HERE
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
    minute. With --only it ends with 0 if the run succeeded, with 6 if csoc could not find something out, else with 1.
    """
    with open_executing() as ports:
        if only is not None:
            usecase.check_only(ports, only, where)
            return execute_and_follow(ports, only, as_json=as_json)
        executor = usecase.worker(ports, where=where, tell=partial(print_error, as_json=as_json))
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
    return 0
