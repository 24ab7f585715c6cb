"""The entry point: the command tree, and the one place where errors become exit codes.

0 done, 1 failed or findings, 2 usage, 3 denied, 4 not found, 5 conflict, 6 unavailable, 130 interrupted.
"""

from __future__ import annotations

import itertools
import os
import sys
import traceback
from collections.abc import Sequence

import click

from csoc import __version__
from csoc.cli import change, check, demo, fleet, rules, see, watch
from csoc.cli.output import EXIT_FAILED, EXIT_OF, example, print_error
from csoc.errors import CsocError, RejectedError

EXIT_INTERRUPTED = 130


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=example("csoc fleet adopt https://github.com/example/gitops", "csoc check ."),
)
@click.version_option(__version__, prog_name="csoc")
def csoc() -> None:
    """See, check and change a fleet of Gen3 data commons, from the Git repositories that describe it."""


csoc.add_command(check.check)
csoc.add_command(fleet.fleet)
csoc.add_command(demo.demo)
csoc.add_command(rules.rules)
for _command in (
    see.matrix_command,
    see.compare_command,
    see.where_command,
    see.history_command,
    change.set_command,
    change.changes_command,
    watch.watch_command,
):
    fleet.fleet.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code. Never shows a traceback for what a user can cause."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given or "--format=json" in given or ("--format", "json") in itertools.pairwise(given)
    try:
        result = csoc.main(args=given, prog_name="csoc", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("csoc: interrupted", err=True)
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        click.echo("csoc: interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away ("csoc ... | head"); say nothing more to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except CsocError as error:
        print_error(error, as_json=as_json)
        return EXIT_OF[error.kind]
    except Exception as error:  # noqa: BLE001 - the last line of defence: a defect of csoc, not of its user
        _print_defect(error, as_json=as_json)
        return EXIT_FAILED


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
