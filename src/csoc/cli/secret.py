"""`csoc secret put`: gives what only a person has, from the terminal into the account and nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import Command, CommandGroup, Listed, WrongUsageError, command
from csoc.cli.output import print_json, progress, say
from csoc.cli.plan.session import open_applying
from csoc.cli.runs.session import how_it_goes_on
from csoc.cli.session import committed_fleet_option
from csoc.config import is_variable_name, read_secret_file
from csoc.errors import CsocError, NotFoundError
from csoc.gen3.launch.secrets import AskedField
from csoc.usecases import runs as run_cases
from csoc.usecases.planning.asking import asked_of, check_kept, put_asked
from csoc.usecases.planning.fleets import open_fleet
from csoc.usecases.planning.owners import find_owner

secret = CommandGroup(
    "secret",
    {"put": Listed("csoc.cli.secret:put_command", "Give what only a person has, for a secret of an environment.")},
    help="Secrets of environments: csoc puts them, and reads none.",
    examples=("csoc secret put heart-prod fence-config",),
)

_WHERE = "A secret is never typed here: put it into a file that only you can read, or leave options out to be asked"


class _PutCommand(Command):
    """Repeats nothing that was typed in a wrong place: it may be the secret."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.allow_extra_args = True  # so that they are refused here, and not by their names

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        again = f"`{ctx.command_path} --help` says what it takes. {_WHERE}"
        try:
            left = super().parse_args(ctx, args)
        except click.NoSuchOption:
            raise WrongUsageError("There is an option that this command does not have", again, ctx) from None
        except click.BadParameter as error:
            if error.param is None or isinstance(error, click.MissingParameter):
                raise
            name = error.param.get_error_hint(ctx)
            raise WrongUsageError(f"What stands for {name} is no single line of text", again, ctx) from None
        if left:
            raise WrongUsageError("There are more words than ENVIRONMENT and NAME", again, ctx)
        return left


@command(
    "put",
    "csoc secret put heart-prod fence-config",
    "csoc secret put heart-prod fence-config --from-env client-secret=CLIENT_SECRET",
    "csoc secret put heart-prod fence-config --from-file client-secret=/run/secrets/client",
    "csoc secret put heart-prod fence-config --renew",
    cls=_PutCommand,
)
@click.argument("environment", type=ONE_LINE)
@click.argument("name", type=ONE_LINE)
@click.option(
    "--from-env", "from_env", type=ONE_LINE, multiple=True, metavar="FIELD=NAME",
    help="Take a field from this variable; several times.",
)  # fmt: skip
@click.option(
    "--from-file", "from_file", type=ONE_LINE, multiple=True, metavar="FIELD=PATH",
    help="Take a field from this file; several times.",
)  # fmt: skip
@click.option(
    "--renew", is_flag=True,
    help="Put it although it has a value: what csoc generates in it is made anew, and what that encrypted is lost.",
)  # fmt: skip
@committed_fleet_option
def put_command(
    environment: str,
    name: str,
    from_env: tuple[str, ...],
    from_file: tuple[str, ...],
    renew: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> None:
    """Give what only a person has, for a secret of an environment.

    What no option tells is asked for without being shown. It goes to the account's Secrets Manager, and is kept nowhere
    else. A run that waits for it goes on by itself. csoc reads no secret, so it cannot change a part of one: a secret
    that has a value, and in it a key that data is encrypted with, is put again only with --renew.
    """
    with open_applying() as (ports, runs):
        progress(f"reading {source}")
        fleet = open_fleet(ports, source, revision)
        wanted = asked_of(fleet, environment, name)
        given = _told(name, wanted, from_env, from_file)
        if not renew:
            check_kept(ports, fleet, environment, name)
        given |= _asked([one for one in wanted if one.name not in given])
        put = put_asked(ports, fleet, environment, name, given, renew=renew)
        uid = find_owner(fleet.documents, f"environment/{environment}").uid
        woken = run_cases.wake(runs, uid, f"put the secret {name}", kind="put secrets")
    if as_json:
        print_json({"put": list(put), "run": woken.run.id if woken else None})
        return
    say(f"Put {', '.join(put)}")
    if woken is not None:
        say(f"{how_it_goes_on(woken)}.")


def _told(
    secret_name: str, wanted: Sequence[AskedField], from_env: Sequence[str], from_file: Sequence[str]
) -> dict[str, str]:
    """What options say where to find. No error repeats what was found there."""
    found: dict[str, str] = {}
    options = [("--from-env", one) for one in from_env] + [("--from-file", one) for one in from_file]
    for option, text in options:
        field, equals, place = text.partition("=")
        if not equals or not place:
            shape = "FIELD=NAME" if option == "--from-env" else "FIELD=PATH"
            raise WrongUsageError(f"{option} says no field and where it is", f"Write it as {option} {shape}")
        if field not in {one.name for one in wanted}:
            known = ", ".join(one.name for one in wanted)
            raise WrongUsageError(f"{secret_name} asks for no field of that name", f"Its fields: {known}")
        if field in found:
            raise WrongUsageError(f"{field} is told twice", "Give one option for each field")
        found[field] = _variable(place, field) if option == "--from-env" else _file(place, field)
    return found


def _variable(name: str, field: str) -> str:
    if not is_variable_name(name):
        raise WrongUsageError(
            f"--from-env {field}= is followed by no name of a variable (upper case letters, digits and _)",
            "Put the secret into a variable, and write the variable's name",
        )
    value = os.environ.get(name, "").strip()
    if not value:
        raise NotFoundError(
            "The variable that is named here is not set, or empty",
            place=f"--from-env {field}=",
            fix="Set it, or leave --from-env out to be asked",
        )
    return value


def _file(path: str, field: str) -> str:
    # What is no file may be the secret itself, typed in place of its path, so no error repeats it.
    is_there = os.path.exists(path)  # noqa: PTH110 - Path.exists raises for a name that is too long
    place = f"--from-file {field}={path if is_there else ''}"
    try:
        return read_secret_file(Path(path)).strip()
    except CsocError as error:
        error.place = place
        if not is_there:
            raise NotFoundError(
                "There is no file of the name that is given here",
                place=place,
                fix="Put the secret into a file that only you can read, and write the file's path",
            ) from None
        error.fix = "Name a text file that holds the secret and nothing else"
        raise


def _asked(wanted: Sequence[AskedField]) -> dict[str, str]:
    if wanted and not sys.stdin.isatty():
        fields = ", ".join(one.name for one in wanted)
        raise WrongUsageError(
            f"There is no terminal to ask at for {fields}", "Give --from-env FIELD=NAME or --from-file FIELD=PATH"
        )
    return {one.name: str(click.prompt(one.what[0].upper() + one.what[1:], hide_input=True)) for one in wanted}
