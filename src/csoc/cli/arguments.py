"""Kinds of arguments: what can be no path, URL, revision or name is refused where it was typed.

An empty argument is most often a variable of a script that was never set; taken as "not given" it would be obeyed as
something that nobody asked for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

LONGEST = 4_096
LONGEST_NAME_BYTES = 255
STANDARD = "-"
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/\\:@\s]+@[^/\\:\s]+:")


class OneLine(click.ParamType[str]):
    """Text that is there, on one line, of a bounded length."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself, or a usage error."""
        text = str(value)
        if not text.strip():
            self.fail("it is empty", param, ctx)
        if len(text) > LONGEST:
            self.fail(f"it has {len(text)} characters; more than {LONGEST} are not taken", param, ctx)
        if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
            self.fail(f"there is a line break or another control character in {text!r}", param, ctx)
        return _utf8(self, text, param, ctx)


class Source(OneLine):
    """A folder or a URL."""

    name = "source"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself, or a usage error."""
        text = super().convert(value, param, ctx)
        if text == STANDARD:
            self.fail("csoc reads nothing from standard input: name a folder or a URL", param, ctx)
        if not URL.match(text):
            _check_names(self, text, param, ctx)
        return text


class Folder(OneLine):
    """A folder to be made or filled on this machine."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The path as text, or a usage error."""
        text = super().convert(value, param, ctx)
        if text == STANDARD:
            self.fail("standard output is no folder", param, ctx)
        _check_names(self, text, param, ctx)
        return text


class Output(OneLine):
    """A file to be written, or "-" for standard output."""

    name = "output"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The path as text, or a usage error."""
        text = super().convert(value, param, ctx)
        _check_names(self, text, param, ctx)
        return text


class Word(click.ParamType[str]):
    """Text that is there and can be written to a file; it may have several lines."""

    name = "word"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself, or a usage error."""
        text = str(value)
        if not text.strip():
            self.fail("one of them is empty", param, ctx)
        if "\0" in text:
            self.fail(f"there is a NUL in {text!r}", param, ctx)
        return _utf8(self, text, param, ctx)


def _utf8(kind: click.ParamType[str], text: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        kind.fail(f"{text!r} is not UTF-8", param, ctx)
    return text


def _check_names(kind: OneLine, text: str, param: click.Parameter | None, ctx: click.Context | None) -> None:
    longest = max((len(part.encode()) for part in Path(text).parts), default=0)
    if longest > LONGEST_NAME_BYTES:
        kind.fail(f"a name in it has {longest} bytes; file systems end at {LONGEST_NAME_BYTES}", param, ctx)


ONE_LINE = OneLine()
SOURCE = Source()
FOLDER = Folder()
OUTPUT = Output()
WORD = Word()
