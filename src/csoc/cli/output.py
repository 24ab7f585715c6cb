"""How commands print: text for people, JSON for programs, errors for both.

Everything goes through one function, so that a reader who went away, a full disk and a terminal that knows no colours
are met in one place. Text from outside is cleaned (`csoc.cli.escaping`) before it gets there.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO, TypeVar

import click
from rich.text import Text

from csoc.cli.escaping import clean, json_text
from csoc.cli.tables import Cell, clean_text, list_lines, table_lines, wrap
from csoc.errors import ConflictError, CsocError, Kind, UnavailableError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_OF: dict[Kind, int] = {
    Kind.REJECTED: 1,
    Kind.DENIED: 3,
    Kind.NOT_FOUND: 4,
    Kind.CONFLICT: 5,
    Kind.UNAVAILABLE: 6,
}

STYLE_OF_SEVERITY = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}

# What every command says first about a repository without environments, and what next.
NONE_FOUND = "No Gen3 environment was found here."
BEGIN = "`csoc fleet init DIR` begins a new fleet."
WHAT_INSTEAD = f"`csoc fleet show` lists what was found instead. {BEGIN}"

_USUAL_WIDTH = 80
_NARROWEST = 20
_DULL_TERMINALS = ("", "dumb", "unknown")

F = TypeVar("F", bound=Callable[..., Any] | click.Command)


class OutputClosedError(Exception):
    """Who read our output went away ("csoc ... | head"): there is nothing more to do, and nobody to tell."""


def json_option(command: F) -> F:
    """--json, on every command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


# Where it goes


def console_width(*, error: bool = False) -> int | None:
    """Columns of characters that standard output (or standard error) has; None where it is not a terminal, so that no
    line is broken for a program."""
    stream = sys.stderr if error else sys.stdout
    if stream is None or not stream.isatty():
        return None
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated) > 0:
        return max(int(stated), _NARROWEST)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH, _NARROWEST)
    except OSError:
        return _USUAL_WIDTH


def write(text: str, *, error: bool = False) -> None:
    """Sends text off. Raises OutputClosedError if nobody reads standard output any more, UnavailableError if it cannot
    be written; a standard error that nobody reads is no reason to stop."""
    stream = sys.stderr if error else sys.stdout
    name = "Standard error" if error else "Standard output"
    if stream is None:
        if error:
            return
        raise UnavailableError(f"{name} is closed", fix="Send it to a file, or to /dev/null")
    try:
        stream.write(_encodable(text, stream))
        stream.flush()
    except OSError as failure:
        _let_go(stream)
        if error:
            return
        if isinstance(failure, BrokenPipeError):
            raise OutputClosedError from failure
        raise UnavailableError(f"{name} cannot be written: {failure.strerror}") from failure


def _encodable(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _let_go(stream: TextIO) -> None:
    """Lets what is still in the buffer go nowhere, or Python would complain when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _coloured(stream: TextIO | None) -> bool:
    """NO_COLOR (no-color.org) and terminals that say that they know nothing get no escape sequence, not even bold."""
    if stream is None or not stream.isatty() or os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("TERM", "").lower() not in _DULL_TERMINALS


def _send(lines: Iterable[Text], *, error: bool = False) -> None:
    """Lines whose text is clean."""
    if not _coloured(sys.stderr if error else sys.stdout):
        write("".join(f"{line.plain}\n" for line in lines), error=error)
        return
    from rich.console import Console

    terminal = Console(
        file=io.StringIO(), force_terminal=True, highlight=False, markup=False, emoji=False, width=_USUAL_WIDTH
    )
    with terminal.capture() as captured:
        for line in lines:
            terminal.print(line, soft_wrap=True)
    write(captured.get(), error=error)


# What people read


def say(text: str = "", style: str = "", *, error: bool = False) -> None:
    """A line for people; on a terminal it goes on in the next one, indented, if it is too long."""
    print_line(Text(text, style=style), error=error)


def print_line(line: Text, *, error: bool = False) -> None:
    """A line that may be coloured."""
    print_lines([line], error=error)


def print_lines(lines: Sequence[Text], *, error: bool = False) -> None:
    """Lines that may be coloured."""
    width = console_width(error=error)
    shown = [clean_text(line) for line in lines]
    if width is not None:
        shown = [part for line in shown for part in wrap(line, width, hanging=_hanging(line.plain, width))]
    _send(shown, error=error)


def _hanging(text: str, width: int) -> int:
    lead = len(text) - len(text.lstrip())
    return lead + 2 if (lead + 2) * 2 < width else 0


def progress(text: str) -> None:
    """A line about what is going on, on standard error, only for a person at a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        say(text, "dim", error=True)


def table(columns: Sequence[Cell], rows: Sequence[Sequence[Cell]], title: str = "") -> None:
    """A table that fits (see `csoc.cli.tables`); without rows its title alone."""
    if title:
        say(title, "italic")
    if not rows:
        return
    _send(table_lines(columns, rows, room=console_width(), rule=_rule()))
    say()


def rows_of_one_line(
    columns: Sequence[Cell], rows: Sequence[Sequence[Cell]], title: str = "", *, cut: int, least: int = 16
) -> None:
    """A list that grows (see `csoc.cli.tables.list_lines`): the best columns first, and --json has what is left out."""
    if title:
        say(title, "italic")
    if not rows:
        return
    lines, is_short = list_lines(columns, rows, cut=cut, least=least, room=console_width(), rule=_rule())
    _send(lines)
    if is_short:
        say("Cut to this width; --json has all of it.", "dim")
    say()


def _rule() -> str:
    encoding = (sys.stdout.encoding or "").lower() if sys.stdout is not None else ""
    return "─" if encoding.startswith("utf") else "-"


def print_diff(lines: Sequence[str], *, indent: str = "    ", most: int | None = None, error: bool = False) -> None:
    """Lines of a unified diff, at most that many. They are never broken, so that they stay those of the file."""
    shown = [Text(clean(f"{indent}{line}"), style=DIFF_STYLES.get(line[:1], "")) for line in lines[:most]]
    if shown:
        _send(shown, error=error)
    if most is not None and len(lines) > most:
        say(f"{indent}({count(len(lines) - most, 'more line')})", "dim", error=error)


def count(number: int, noun: str) -> str:
    """ "1 file", "2 files"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def severity_text(name: str) -> Text:
    """A severity with its colour."""
    return Text(name, style=STYLE_OF_SEVERITY.get(name, ""))


# What programs read


def print_json(data: Any) -> None:
    """One JSON document on standard output, with keys in the order in which they are made."""
    write(f"{json_text(data, indent=2)}\n")


def error_json(error: CsocError) -> dict[str, Any]:
    """An error for programs."""
    return complaint_json(error.kind.value, error.cause, error.place, with_commands(error.fix, error.commands))


def with_commands(fix: str, commands: str) -> str:
    """A fix for programs, with the lines to paste as they are."""
    return f"{fix}:\n{commands}" if commands else fix


def complaint_json(kind: str, cause: str, place: str = "", fix: str = "") -> dict[str, Any]:
    """What went wrong, for programs. kind: one of `Kind`, or "usage" or "interrupted"."""
    return {"error": {"kind": kind, "cause": cause, "place": place, "fix": fix}}


# What went wrong


def print_error(error: CsocError, *, as_json: bool) -> None:
    """An error on standard error, as text or JSON."""
    if as_json:
        write(f"{json_text(error_json(error))}\n", error=True)
        return
    cause, *more = _cause_lines(error)
    print_complaint(f"{error.place}: {cause}" if error.place else cause, more=more)
    say_fix(error.fix, error.commands, error=True)


def print_complaint(cause: str, fix: str = "", *, head: str = "csoc", more: Sequence[str] = ()) -> None:
    """What went wrong, on standard error, as text. more: lines that belong to the cause."""
    print_line(Text.assemble((f"{head}: ", "bold red"), clean(cause)), error=True)
    print_diff(more, indent="    ", error=True)
    say_fix(fix, error=True)


def say_fix(fix: str, commands: str = "", *, lead: str = "  ", error: bool = False) -> None:
    """What to do next. commands: lines to paste, printed as they are to be typed: each clean, none broken or indented,
    since a here-document ends only where its mark begins a line."""
    if fix:
        say(f"{lead}fix: {fix}{':' * bool(commands)}", error=error)
    if commands:
        _send([Text(clean(line)) for line in commands.rstrip("\n").split("\n")], error=error)


def say_error(before: str, error: CsocError, style: str = "red") -> None:
    """An error as a part of the answer, on standard output, behind a few words."""
    cause, *more = _cause_lines(error)
    say(f"{before}{error.place + ': ' if error.place else ''}{cause}", style)
    print_diff(more)
    say_fix(error.fix, error.commands)


def _cause_lines(error: CsocError) -> list[str]:
    """A conflict shows both sides, which are lines; the cause of anything else is a sentence."""
    return error.cause.strip("\n").split("\n") if isinstance(error, ConflictError) else [error.cause]
