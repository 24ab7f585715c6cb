"""The entry point: the command tree, and the one place where errors become exit codes.

0 done, 1 failed or findings, 2 usage, 3 denied, 4 not found, 5 conflict, 6 unavailable, 130 interrupted, 141 nobody
reads what csoc prints (as the shell tells it of programs that SIGPIPE ends).
"""

from __future__ import annotations

import itertools
import os
import sys
import traceback
from collections.abc import Sequence

import click

from csoc import __version__
from csoc.cli.commands import CONTEXT, CommandGroup, Listed, WrongUsageError
from csoc.cli.escaping import json_text
from csoc.cli.output import (
    EXIT_FAILED,
    EXIT_OF,
    EXIT_USAGE,
    OutputClosedError,
    complaint_json,
    print_complaint,
    print_error,
    print_json,
    write,
)
from csoc.errors import CsocError, RejectedError

EXIT_INTERRUPTED = 130
EXIT_OUTPUT_CLOSED = 141

COMMANDS = {
    "demo": Listed("csoc.cli.demo.demo:demo", "Play the whole job on an emulated cloud."),
    "fleet": Listed("csoc.cli.fleet:fleet", "Make, adopt, look at and change a fleet."),
    "check": Listed(
        "csoc.cli.check:check", "Find what is wrong: in values, in what they render to, and between environments."
    ),
    "account": Listed(
        "csoc.cli.account:account", "Link AWS accounts, so that csoc may act in them, and watch that nobody else can."
    ),
    "cluster": Listed("csoc.cli.cluster:cluster", "Connect clusters that are there already, and look at all of them."),
    "launch": Listed(
        "csoc.cli.plan.launch:launch_command", "Launch a commons: its documents in Git, its plans, its runs."
    ),
    "plan": Listed("csoc.cli.plan.plan:plan", "Show what would be done to the layers of a cluster or an environment."),
    "cost": Listed("csoc.cli.cost:cost", "What a cluster or an environment costs, before it exists."),
    "approve": Listed("csoc.cli.plan.approve:approve_command", "Approve a plan, as the person who runs this."),
    "apply": Listed("csoc.cli.plan.apply:apply_command", "Do what a plan shows."),
    "status": Listed(
        "csoc.cli.plan.status:status_command", "Show how the layers of a cluster or an environment stand."
    ),
    "destroy": Listed("csoc.cli.plan.destroy:destroy_command", "Take the layers of a cluster or an environment away."),
    "secret": Listed("csoc.cli.secret:secret", "Secrets of environments: csoc puts them, and reads none."),
    "runs": Listed(
        "csoc.cli.runs:runs", "Work that survives crashes: look at it, watch it, go on with it, give it up."
    ),
    "worker": Listed(
        "csoc.cli.worker:worker_command", "Execute runs: those that are queued, and those whose executor is gone."
    ),
    "rules": Listed("csoc.cli.rules:rules", "What csoc check looks for."),
    "emulator": Listed(
        "csoc.cli.emulator:emulator", "Run a cloud with clusters to build against, or ask a running one."
    ),
    "help": Listed("csoc.cli.help:help_command", "What a command does and takes."),
}

csoc = CommandGroup(
    "csoc",
    COMMANDS,
    help="See, check and change a fleet of Gen3 data commons, from the Git repositories that describe it.",
    examples=("csoc demo", "csoc fleet adopt https://github.com/example/gitops", "csoc check ."),
)
csoc.context_settings = CONTEXT


def _show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001
    if not value or context.resilient_parsing:
        return
    if context.obj:
        print_json({"csoc": __version__})
    else:
        write(f"csoc {__version__}\n")
    context.exit()


csoc.params.append(
    click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
        help="Show the version and exit.",
    )
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code. Never shows a traceback for what a user can cause."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = _wants_json(given)
    try:
        return _run(given, as_json=as_json)
    except OutputClosedError:
        return EXIT_OUTPUT_CLOSED
    except CsocError as error:
        print_error(error, as_json=as_json)
        return EXIT_OF[error.kind]
    except Exception as error:  # noqa: BLE001 - the last line of defence: a defect of csoc, not of its user
        _print_defect(error, as_json=as_json)
        return EXIT_FAILED


def _run(given: list[str], *, as_json: bool) -> int:
    try:
        result = csoc.main(args=given, prog_name="csoc", standalone_mode=False, obj=as_json)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        _print_usage(error, as_json=as_json)
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        if as_json:
            write(f"{json_text(complaint_json('interrupted', 'csoc was interrupted'))}\n", error=True)
        else:
            write("csoc: interrupted\n", error=True)
        return EXIT_INTERRUPTED


def _wants_json(given: Sequence[str]) -> bool:
    """Whether errors are to be JSON. It is needed before anything is understood, since that may be what fails."""
    options = list(itertools.takewhile(lambda word: word != "--", given))
    return bool({"--json", "--format=json"} & set(options)) or ("--format", "json") in itertools.pairwise(options)


def _print_usage(error: click.ClickException, *, as_json: bool) -> None:
    """What was typed wrongly, and where to look."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    place = context.command_path if context is not None else "csoc"
    cause = " ".join(error.format_message().split()).rstrip(".")
    fix = error.fix if isinstance(error, WrongUsageError) else f"`{place} --help` says what it takes"
    if as_json:
        write(f"{json_text(complaint_json('usage', cause, place, fix))}\n", error=True)
    else:
        print_complaint(cause, fix, head=place)


def _print_defect(error: Exception, *, as_json: bool) -> None:
    """A defect: where it happened, without values; the whole traceback only if asked for."""
    if os.environ.get("CSOC_DEBUG"):
        traceback.print_exc()
        return
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"  # noqa: PTH119
    print_error(
        RejectedError(
            f"csoc made a mistake ({type(error).__name__} in {place})",
            fix="Please report it with the command that you typed; CSOC_DEBUG=1 shows the details.",
        ),
        as_json=as_json,
    )
