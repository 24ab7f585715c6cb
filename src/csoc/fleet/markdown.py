"""Text from repositories, put where a Git host would act on it: titles, texts and comments of pull requests, commits.

A path, a name or a value can be written so that a host calls people, closes issues, loads a picture from elsewhere (and
tells its owner who looked), hides a line, or skips the checks of a commit. So such text goes into Markdown as code, on
one line, with what hosts react to taken apart; and into commits, which are not Markdown, with the latter alone, since
hosts read references there as well, and copy the text of a pull request into the commit that merges it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SEPARATOR = "\u200b"
# After these, hosts begin a mention, a reference to an issue, a link or a word for machines ("[skip ci]").
_BREAKS = re.compile(
    r"(?<=@)(?=\w)|(?<=[#!])(?=\w)|(?<=:)(?=//)|(?<=\bgh-)(?=\d)|(?<=\bwww)(?=\.)|(?<=\[)(?=\w)|(?<=\*\*\*)(?=no_ci)",
    re.IGNORECASE,
)
_RUNS = re.compile(r"`+")
_MOST = 300


def plain(text: str, most: int = _MOST) -> str:
    """One line in which no host finds anyone to call or anything to do, for titles and commits. Doing it twice changes
    nothing. most: characters, the rest is left off with "…"."""
    line = " ".join("".join(_visible(char) for char in text).split())
    if len(line) > most:
        line = f"{line[: most - 1].rstrip()}…"
    return _BREAKS.sub(_SEPARATOR, line)


def code(text: str, most: int = _MOST) -> str:
    """The text as inline code, which holds no markup whatever stands in it; one line, as `plain`."""
    inner = plain(text, most)
    if not inner:
        return "(nothing)"
    fence = "`" * (1 + max((len(run) for run in _RUNS.findall(inner)), default=0))
    pad = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{fence}{pad}{inner}{pad}{fence}"


def block(line: str, language: str = "") -> str:
    """One line as a block of code, which no run of backticks in it can end."""
    fence = "`" * max(3, 1 + max((len(run) for run in _RUNS.findall(line)), default=0))
    return f"{fence}{language}\n{line}\n{fence}"


def taken_apart(text: str) -> list[str]:
    """The text in pieces, which no host reacts to as long as something stands between them."""
    return _BREAKS.split(text)


def at_most(lines: Iterable[str], room: int, what: str) -> list[str]:
    """The first lines that fit into so many characters, and a line that says how many were left off."""
    kept: list[str] = []
    left_off = 0
    for line in lines:
        room -= len(line) + 1
        if left_off or room < 0:
            left_off += 1
        else:
            kept.append(line)
    return [*kept, f"- and {left_off} more {what}, left off because of the length"] if left_off else kept


def _visible(char: str) -> str:
    """The character, a space for a control character, nothing for one that only steers what others look like."""
    category = unicodedata.category(char)
    if category in ("Cf", "Cs", "Co", "Cn"):
        return ""
    return " " if category in ("Cc", "Zl", "Zp", "Zs") else char
