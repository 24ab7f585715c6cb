"""`csoc help`: the same as --help, for who types it first."""

from __future__ import annotations

import click

from csoc.cli.commands import CommandGroup, command, help_json, unknown_command
from csoc.cli.output import print_json, write


@command("help", "csoc help", "csoc help fleet set")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_command(context: click.Context, words: tuple[str, ...], as_json: bool) -> None:
    """What a command does and takes."""
    asked = context.find_root()
    for word in words:
        group = asked.command
        found = group.get_command(asked, word) if isinstance(group, CommandGroup) else None
        if found is None:
            table = group.table if isinstance(group, CommandGroup) else {}
            raise unknown_command(word, table, asked)
        asked = click.Context(found, info_name=word, parent=asked)
    if as_json:
        print_json(help_json(asked))
    else:
        write(f"{asked.get_help()}\n")
