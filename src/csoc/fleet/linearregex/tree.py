"""A regular expression as a tree: what the parser makes and the automaton is built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

Predicate = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Char:
    """One character that satisfies the predicate."""

    accepts: Predicate


@dataclass(frozen=True, slots=True)
class Cat:
    """Parts one after another; none is the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of the parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part, from least to most times (None: without end)."""

    part: Node
    least: int
    most: int | None


class Edge(Enum):
    """A place between two characters. LINE_: beside "\\n" too. WORD: a letter, digit or "_" of ASCII on one side only;
    NO_WORD: everywhere else."""

    BEGIN = auto()
    END = auto()
    LINE_BEGIN = auto()
    LINE_END = auto()
    WORD = auto()
    NO_WORD = auto()


Node = Char | Cat | Alt | Repeat | Edge

NO_NEWLINE = Char("\n".__ne__)
EVERY = Char(lambda _: True)


def literal(text: str) -> Cat:
    """Exactly this text."""
    return Cat(tuple(Char(char.__eq__) for char in text))
