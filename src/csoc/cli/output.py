"""How commands print: text for people, JSON for programs, and one place where errors become exit codes.

Text goes through rich with markup switched off, so that a name from a repository cannot colour or hide anything;
control characters in it are shown, not sent to the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from csoc.errors import CsocError, Kind

EXIT_FAILED = 1
EXIT_OF: dict[Kind, int] = {
    Kind.REJECTED: 1,
    Kind.DENIED: 3,
    Kind.NOT_FOUND: 4,
    Kind.CONFLICT: 5,
    Kind.UNAVAILABLE: 6,
}


_NAME_WIDTH = 32
_PIPE_WIDTH = 500

STYLE_OF_SEVERITY = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """--json, on every command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def example(*lines: str) -> str:
    """The epilogue of a command's --help: one example a line."""
    return "\b\nExamples:\n" + "\n".join(f"  $ {line}" for line in lines)


def clean(text: str) -> str:
    """Text from outside, safe for a terminal: control characters become visible."""
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)


def console(*, error: bool = False) -> Console:
    """A console for text; wide where the output is not a terminal, so that lines are not broken for a program."""
    stream = sys.stderr if error else sys.stdout
    terminal = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not terminal.is_terminal:
        return Console(file=stream, highlight=False, markup=False, emoji=False, width=_PIPE_WIDTH, no_color=True)
    return terminal


def print_json(data: Any) -> None:
    """One JSON document on standard output, with sorted keys left as they are made."""
    click.echo(json_text(data, indent=2))


def json_text(data: Any, *, indent: int | None = None) -> str:
    """JSON that can be written as UTF-8 and shown: halves of characters, which names of files can hold, and what a
    terminal would obey become escapes. JSON itself escapes only some of them."""
    text = json.dumps(data, indent=indent, ensure_ascii=False, default=str)
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def say(text: str = "", style: str = "") -> None:
    """A line for people, on standard output."""
    console().print(Text(clean(text), style=style), soft_wrap=True)


def progress(text: str) -> None:
    """A line about what is going on, on standard error, only for a person at a terminal."""
    if sys.stderr.isatty():
        console(error=True).print(Text(clean(text), style="dim"))


def table(columns: Sequence[str], rows: Sequence[Sequence[str | Text]], title: str = "") -> None:
    """A plain table; cells that are Text keep their style."""
    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for number, column in enumerate(columns):
        longest = max((len(str(row[number])) for row in rows), default=0)
        # The first column names what people copy, so it is kept whole as long as that leaves room for the others.
        made.add_column(column, overflow="fold", no_wrap=number == 0 and longest <= _NAME_WIDTH)
    for row in rows:
        made.add_row(*(_cell(cell) for cell in row))
    console().print(made)


def console_width() -> int:
    """Columns of characters that standard output has."""
    return console().width


_WIDEST_COLUMN = 28
_GAP = 3


def side_by_side(widths: Mapping[str, int], room: int) -> list[list[str]]:
    """Columns in groups that fit beside each other in a room of that many characters, in order; none is empty."""
    groups: list[list[str]] = []
    left = 0
    for name, width in widths.items():
        taken = min(width, _WIDEST_COLUMN) + _GAP
        if not groups or taken > left:
            groups.append([])
            left = room
        groups[-1].append(name)
        left -= taken
    return groups


def _cell(cell: str | Text) -> Text:
    """A cell without control characters. Coloured cells hold names from outside too."""
    if not isinstance(cell, Text):
        return Text(clean(cell))
    parts = cell.split("\n", allow_blank=True)
    if all(clean(part.plain) == part.plain for part in parts):
        return cell
    return Text(clean(cell.plain), style=cell.style)


def print_line(line: Text) -> None:
    """A line that is coloured already, on standard output; its text must be clean."""
    console().print(line, soft_wrap=True)


DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_diff(lines: Sequence[str], *, indent: str = "    ", most: int | None = None) -> None:
    """Lines of a unified diff, at most that many."""
    for line in lines[:most]:
        print_line(Text(clean(f"{indent}{line}"), style=DIFF_STYLES.get(line[:1], "")))
    if most is not None and len(lines) > most:
        say(f"{indent}({count(len(lines) - most, 'more line')})", "dim")


def count(number: int, noun: str) -> str:
    """ "1 file", "2 files"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def severity_text(name: str) -> Text:
    """A severity with its colour."""
    return Text(name, style=STYLE_OF_SEVERITY.get(name, ""))


def error_json(error: CsocError) -> dict[str, Any]:
    """An error for programs."""
    return {
        "error": {"kind": error.kind.value, "cause": error.cause, "place": error.place, "fix": error.fix},
    }


def print_error(error: CsocError, *, as_json: bool) -> None:
    """An error on standard error, as text or JSON."""
    if as_json:
        click.echo(json_text(error_json(error)), err=True)
        return
    terminal = console(error=True)
    head = Text("csoc: ", style="bold red")
    head.append(clean(f"{error.place}: {error.cause}" if error.place else error.cause), style="default")
    terminal.print(head, soft_wrap=True)
    if error.fix:
        terminal.print(Text(clean(f"  fix: {error.fix}")), soft_wrap=True)
