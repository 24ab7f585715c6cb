"""How commands are made and found.

A group is a table of names, and only the command that was asked for is loaded: `csoc --help` and a slip of the pen are
answered before Git and charts are. A test compares the sentences of the tables with those of the commands.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from csoc.cli.output import json_option, print_json, write

CONTEXT = {"max_content_width": 110}


@dataclass(frozen=True, slots=True)
class Listed:
    """A command in a group's table: where it is ("module:name"), and what it does in one sentence."""

    where: str
    summary: str

    def load(self) -> click.Command:
        """The command itself."""
        module, _, name = self.where.partition(":")
        found = getattr(importlib.import_module(module), name)
        assert isinstance(found, click.Command)  # noqa: S101 - a mistake in a table
        return found


def example(*lines: str) -> str:
    """The epilogue of a command's --help: one example a line."""
    return "\b\nExamples:\n" + "\n".join(f"  $ {line}" for line in lines)


def command(
    name: str, *examples: str, cls: type[Command] | None = None
) -> Callable[[Callable[..., Any]], click.Command]:
    """Makes a function a command of csoc: with --json, and with examples of calls. cls: for one that is typed otherwise
    than the others."""

    def make(function: Callable[..., Any]) -> click.Command:
        made = click.command(name, cls=cls or Command, epilog=example(*examples))(function)
        return json_option(made)  # behind the command's own options

    return make


class _Helping(click.Command):
    """Prints its help as everything else is printed, and knows -h in every context: click keeps the option that the
    first context asked for."""

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return ["-h", "--help"]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option


def _show_help(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001
    if value and not context.resilient_parsing:
        write(f"{context.get_help()}\n")
        context.exit()


class Command(_Helping):
    """A command that takes no option twice: the one that would win silently may not be the one that was meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            _, _, given = self.make_parser(ctx).parse_args(list(args))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise
        for option in self.params:
            once = isinstance(option, click.Option) and not option.multiple and not option.is_flag
            if once and given.count(option) > 1:
                raise click.UsageError(f"{max(option.opts, key=len)} is given more than once", ctx)
        return super().parse_args(ctx, args)


class CommandGroup(_Helping, click.Group):
    """Commands by a table, in its order. Without a command it says which there are, as text or JSON."""

    def __init__(self, name: str, table: Mapping[str, Listed], *, help: str, examples: Sequence[str]) -> None:  # noqa: A002 - click's name
        super().__init__(
            name,
            help=help,
            epilog=example(*examples),
            invoke_without_command=True,
            no_args_is_help=False,
            callback=_without_command,
        )
        self.table = table
        json_option(self)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        listed = self.table.get(cmd_name)
        return listed.load() if listed is not None else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.table and not args[0].startswith("-"):
            raise unknown_command(args[0], self.table, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.summary) for name, listed in self.table.items()])


class WrongUsageError(click.UsageError):
    """What was typed wrongly, and what to type instead."""

    def __init__(self, cause: str, fix: str, context: click.Context | None = None) -> None:
        super().__init__(cause, context)
        self.fix = fix


def unknown_command(word: str, table: Mapping[str, Listed], context: click.Context) -> WrongUsageError:
    """A word that is no command, with the nearest ones."""
    near = difflib.get_close_matches(word, list(table), n=3)
    names = " or ".join(f"`{context.command_path} {name}`" for name in near)
    lists = "lists all" if table else "says what it takes"
    fix = f"Did you mean {names}?" if near else f"`{context.command_path} --help` {lists}"
    return WrongUsageError(f"There is no command {word}", fix, context)


@click.pass_context
def _without_command(context: click.Context, as_json: bool) -> None:
    if context.invoked_subcommand is not None:
        if as_json:
            behind = f"{context.command_path} {context.invoked_subcommand} ... --json"
            raise WrongUsageError("--json goes behind the command", f"Write {behind}", context)
    elif as_json:
        print_json(help_json(context))
    else:
        write(f"{context.get_help()}\n")


def help_json(context: click.Context) -> dict[str, Any]:
    """A command's help, for programs."""
    asked = context.command
    made: dict[str, Any] = {
        "command": context.command_path,
        "usage": " ".join([context.command_path, *asked.collect_usage_pieces(context)]),
        "help": asked.get_short_help_str(1_000) if isinstance(asked, CommandGroup) else asked.help,
    }
    if isinstance(asked, CommandGroup):
        made["commands"] = [{"name": name, "help": listed.summary} for name, listed in asked.table.items()]
    else:
        made["options"] = [
            {"names": option.opts, "help": option.help} for option in asked.params if isinstance(option, click.Option)
        ]
    return made
