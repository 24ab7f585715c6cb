"""Sets of characters as ranges, so that a class of thousands of members is asked as fast as one of two."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from csoc.fleet.linearregex.tree import Predicate

Range = tuple[str, str]
"""From the first character to the last, both in it."""

_DIGIT = ("0", "9")
_UPPER = ("A", "Z")
_LOWER = ("a", "z")

PERL: dict[str, tuple[Range, ...]] = {
    "d": (_DIGIT,),
    "w": (_DIGIT, _UPPER, _LOWER, ("_", "_")),
    "s": (("\t", "\n"), ("\f", "\r"), (" ", " ")),
}
"""What stands behind a backslash; the capital letter means all other characters."""

COMMON: dict[str, tuple[Range, ...]] = {
    "alpha": (_UPPER, _LOWER),
    "digit": (_DIGIT,),
    "alnum": (_DIGIT, _UPPER, _LOWER),
    "upper": (_UPPER,),
    "lower": (_LOWER,),
    "space": (("\t", "\r"), (" ", " ")),
    "word": PERL["w"],
    "xdigit": (_DIGIT, ("A", "F"), ("a", "f")),
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
}
"""Classes of POSIX by name, those that patterns for paths use."""

POSIX: dict[str, tuple[Range, ...]] = COMMON | {
    "ascii": (("\0", "\x7f"),),
    "blank": (("\t", "\t"), (" ", " ")),
    "cntrl": (("\0", "\x1f"), ("\x7f", "\x7f")),
    "graph": (("!", "~"),),
    "print": ((" ", "~"),),
}
"""All that RE2 knows."""

_PARTS = {"L": "lmotu", "M": "cen", "N": "dlo", "P": "cdefios", "S": "ckmo", "Z": "lps", "C": "cfos"}
CATEGORIES = frozenset(letter + part for letter, parts in _PARTS.items() for part in ("", *parts))
"""The general categories of Unicode that RE2 knows."""


@dataclass(frozen=True, slots=True)
class Named:
    """A class that has a name. opposite: all characters that are not in it."""

    ranges: tuple[Range, ...] = ()
    categories: frozenset[str] = frozenset()
    opposite: bool = False


def within(ranges: Iterable[Range]) -> Predicate:
    """Whether a character is in one of them."""
    merged = _merged(ranges)
    if len(merged) == 1:
        low, high = merged[0]
        return low.__eq__ if low == high else lambda char: low <= char <= high
    lows, highs = [low for low, _ in merged], [high for _, high in merged]

    def accepts(char: str) -> bool:
        at = bisect_right(lows, char) - 1
        return at >= 0 and char <= highs[at]

    return accepts


def accepting(ranges: Collection[Range], categories: Collection[str]) -> Predicate:
    """Whether a character is in one of the ranges, or in one of the general categories ("Lu", or "L" for all of it)."""
    if not categories:
        return within(ranges)
    wanted = frozenset(name for each in categories for name in CATEGORIES if name.startswith(each))
    in_ranges = within(ranges)
    return lambda char: unicodedata.category(char) in wanted or in_ranges(char)


def negated(accepts: Predicate) -> Predicate:
    return lambda char: not accepts(char)


def any_of(choices: Collection[Predicate]) -> Predicate:
    fixed = tuple(choices)
    if len(fixed) == 1:
        return fixed[0]
    return lambda char: any(accepts(char) for accepts in fixed)


def whatever_its_case(accepts: Predicate) -> Predicate:
    """Whether a character is accepted, or one that differs in its case only."""
    return lambda char: accepts(char) or any(map(accepts, _cases().get(_folded(char), ())))


def _merged(ranges: Iterable[Range]) -> list[Range]:
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and ord(low) <= ord(found[-1][1]) + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def _folded(char: str) -> str:
    """One for all cases of a character: Unicode's simple case folding. Python has the full one, which may be longer."""
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1:
            return folded
    return char


@cache
def _cases() -> dict[str, str]:
    """By what they fold to, all characters that have more than one case."""
    found: dict[str, str] = {}
    for char in map(chr, range(0x1F000)):  # no letters with cases lie beyond
        folded = _folded(char)
        if folded != char:
            found[folded] = found.get(folded, folded) + char
    return found
