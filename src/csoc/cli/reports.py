"""Where the report of a check goes: a terminal, standard output, a file; in which format."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.text import Text

from csoc.cli.escaping import json_text
from csoc.cli.formats import github, jsonreport, junit, sarif, text
from csoc.cli.mending import Mended
from csoc.cli.output import print_lines, say, write
from csoc.errors import DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.usecases.checking.verdict import Verdict

FORMATS: dict[str, Callable[[Verdict, Mended], str]] = {
    "text": lambda verdict, _: "".join(f"{line.text}\n" for line in text.report(verdict)),
    "json": lambda verdict, mended: f"{json_text(jsonreport.report(verdict, mended), indent=2)}\n",
    "sarif": lambda verdict, _: f"{json_text(sarif.report(verdict), indent=2, ascii_only=True)}\n",
    "junit": lambda verdict, _: junit.report(verdict),
    "github": lambda verdict, _: github.report(verdict),
}


def show_report(verdict: Verdict, mended: Mended, form: str, output: Path | None) -> None:
    """Prints the report, or writes it to a file and says so (but for JSON, whose readers expect nothing else)."""
    if output is not None:
        _write_file(output, FORMATS[form](verdict, mended))
        if form != "json":
            counts = ", ".join(f"{number} {level.name.lower()}" for level, number in verdict.counts.items() if number)
            say(f"{output}: {counts or 'no findings'}", error=True)
    elif form == "text":
        print_report(verdict)
    else:
        write(FORMATS[form](verdict, mended))


def print_report(verdict: Verdict) -> None:
    """A verdict for people, on standard output."""
    _print(text.report(verdict))


def print_worst(verdict: Verdict, most: int) -> None:
    """How many findings there are and the worst of them, where the rest would bury what stands above."""
    _print(text.worst(verdict, most))


def _print(report: Sequence[text.Line]) -> None:
    lines = []
    for line in report:
        shown = Text(line.text, style="" if line.styled else line.style)
        if line.styled:
            shown.stylize(line.style, 0, line.styled)
        lines.append(shown)
    print_lines(lines)


def _write_file(path: Path, content: str) -> None:
    """The whole file or none of it."""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".csoc-", delete=False) as file:
            file.write(content)
        present = os.umask(0o077)
        os.umask(present)
        Path(file.name).chmod(0o666 & ~present)
        Path(file.name).replace(path)
    except PermissionError as error:
        raise DeniedError("The file may not be written", place=str(path)) from error
    except FileNotFoundError as error:
        raise NotFoundError("There is no such folder", place=str(path.parent), fix="Make it first") from error
    except IsADirectoryError as error:
        raise RejectedError("This is a folder", place=str(path), fix="Name a file") from error
    except OSError as error:
        raise UnavailableError(f"The file cannot be written: {error.strerror}", place=str(path)) from error
