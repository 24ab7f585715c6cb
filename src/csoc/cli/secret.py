"""`csoc secret put`: gives what only a person has, from the terminal into the account and nowhere else."""

from __future__ import annotations

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import CommandGroup, Listed, command
from csoc.cli.output import print_json, progress, say
from csoc.cli.plan.session import open_provisioning
from csoc.cli.session import fleet_option
from csoc.usecases.planning.asking import asked_of, put_asked
from csoc.usecases.planning.making import open_fleet

secret = CommandGroup(
    "secret",
    {"put": Listed("csoc.cli.secret:put_command", "Give what only a person has, for a secret of an environment.")},
    help="Secrets of environments: csoc puts them, and reads none.",
    examples=("csoc secret put heart-prod fence-config",),
)


@command("put", "csoc secret put heart-prod fence-config")
@click.argument("environment", type=ONE_LINE)
@click.argument("name", type=ONE_LINE)
@fleet_option
def put_command(
    environment: str,
    name: str,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> None:
    """Give what only a person has, for a secret of an environment.

    It is asked for without being shown, goes to the account's Secrets Manager, and is kept nowhere else. A run that
    waits for it goes on by itself.
    """
    with open_provisioning() as ports:
        progress(f"reading {source}")
        fleet = open_fleet(ports, source, revision)
        wanted = asked_of(fleet, environment, name)
        given = {one.name: click.prompt(one.what[0].upper() + one.what[1:], hide_input=True) for one in wanted}
        put = put_asked(ports, fleet, environment, name, {key: str(value) for key, value in given.items()})
    if as_json:
        print_json({"put": list(put)})
    else:
        say(f"Put {', '.join(put)}")
