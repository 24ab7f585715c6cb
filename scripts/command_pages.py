"""The page about commands, made from the command line itself: every command with every option and its examples."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from csoc.cli.main import csoc

_HEAD = """\
# Commands

Generated from the command line by `make docs`; a test keeps it in step. `csoc COMMAND --help` says the same.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed, or findings |
| 2 | wrong usage |
| 3 | denied, by csoc's settings or by the other side |
| 4 | looked for, and not there |
| 5 | conflict: somebody changed the same thing |
| 6 | unavailable: could not be found out |
| 130 | interrupted |
| 141 | nobody reads what csoc prints any more (`csoc ... \\| head`) |

Every command takes `--json`, and then prints JSON on standard output and errors as JSON on standard error:
`{"error": {"kind", "cause", "place", "fix"}}`, where the kind is `usage`, `rejected`, `denied`, `not found`,
`conflict`, `unavailable` or `interrupted`. A group of commands (`csoc`, `csoc fleet`, `csoc rules`) with `--json` lists
its commands.

On a terminal, lines and tables are as wide as it is; elsewhere as wide as they need to be. Colours go to terminals
only, and to none if `NO_COLOR` is set or `TERM` is `dumb`. What a repository names is printed on one line, with line
breaks and characters that do not show as escapes (`\\n`, `\\x1b`, `\\u202e`).
"""


def pages() -> dict[str, bytes]:
    """Path below docs/reference to content."""
    parts = [_HEAD, *(_section(name, command) for name, command in commands())]
    return {"commands.md": "\n".join(parts).encode()}


# What every group has, and csoc itself: a group with other options than these does something by itself.
_OF_GROUPS = {"as_json", "version"}


def commands(group: click.Command = csoc, name: str = "csoc") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its full name, in the order of names; so may a group, without a command
    behind it."""
    if not isinstance(group, click.Group):
        yield name, group
        return
    if {option.name for option in group.params} - _OF_GROUPS:
        yield name, group
    context = click.Context(group)
    for part in sorted(group.list_commands(context)):
        command = group.get_command(context, part)
        assert command is not None, part
        yield from commands(command, f"{name} {part}")


def examples(command: click.Command) -> list[str]:
    """The command lines of its examples."""
    lines = (command.epilog or "").splitlines()
    return [line.strip().removeprefix("$ ") for line in lines if line.strip().startswith("$ ")]


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", inspect.cleandoc(command.help or "").replace("<", "&lt;"), f"```\n{usage}\n```"]
    rows = [_row(option, context) for option in command.params if isinstance(option, click.Option)]
    parts.append("\n".join(["| option | what it does |", "|---|---|", *rows]))
    parts.append("```\n" + "\n".join(examples(command)) + "\n```")
    return "\n\n".join(parts) + "\n"


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    names, text = record if record is not None else (", ".join(option.opts), option.help or "")
    names = names.replace("|", "\\|")  # or the cell would end there
    text = " ".join(text.split()).replace("<", "&lt;")
    return f"| `{names}` | {text} |"
