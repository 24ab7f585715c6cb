"""Where something stands. Every fact, finding and edit in csoc points to one of these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file as it was read.

    repository: canonical name of the repository (see `fleet.repositories`). commit: 40 hex digits of what was read.
    path: inside the repository, with "/". line and column count from 1; 0 means "the whole file".
    """

    repository: str
    commit: str
    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        path = one_line(self.path)
        return f"{path}:{self.line}" if self.line else path


def one_line(text: str) -> str:
    """Text from a repository as one line: a line end, a tab or another control character in it becomes visible, and
    what cannot be shown as well. Names of files and of Applications can hold them."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _visible(sign) for sign in text)


def _visible(sign: str) -> str:
    number = ord(sign)
    return {"\n": "\\n", "\t": "\\t"}.get(sign) or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")
