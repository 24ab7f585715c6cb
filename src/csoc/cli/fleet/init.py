"""`csoc fleet init`: the repository of a new fleet."""

from __future__ import annotations

from pathlib import Path

import click

from csoc.cli.arguments import FOLDER, ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import print_json, say
from csoc.cli.session import open_ports
from csoc.usecases.init import init_fleet


@command("init", "csoc fleet init my-fleet", "csoc fleet init . --stage dev --stage prod")
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--name", type=ONE_LINE, metavar="NAME", help="Name of the fleet (default: the folder's).")
@click.option(
    "--stage",
    "stages",
    type=ONE_LINE,
    multiple=True,
    metavar="STAGE",
    help="A stage, in order of promotion; give several.",
)
def init(folder: str, name: str | None, stages: tuple[str, ...], as_json: bool) -> None:
    """Write the repository of a new fleet into DIR. Nothing that exists is overwritten but csoc's own schemas."""
    with open_ports() as ports:
        given = {"stages": stages} if stages else {}
        made = init_fleet(ports, Path(folder), name=name or "", **given)
    if as_json:
        print_json({"folder": folder, "files": list(made.files), "renewed": list(made.renewed)})
        return
    for path in made.files:
        say(f"  {path}{' (renewed)' if path in made.renewed else ''}")
    say()
    if made.renewed and "fleet.yaml" not in made.files:
        say("Only the schemas for editors were of another version of csoc; nothing else was touched.")
        return
    say(f"A fleet's repository is in {folder}. Next: look at fleet.yaml, then commit it.")
