"""What an expression of a template may stand for: places in the values, and the few things that lead to them."""

from __future__ import annotations

from dataclasses import dataclass

Place = tuple[str, ...]

_MAX_ATOMS = 64


class TooMuchError(Exception):
    """The templates cost more steps than allowed."""


@dataclass(frozen=True, slots=True)
class Root:
    """What "." is at the top of a template of the chart whose values stand at `place`."""

    place: Place


@dataclass(frozen=True, slots=True)
class Ref:
    """A place in the values."""

    place: Place


@dataclass(frozen=True, slots=True)
class Text:
    """A constant string; pattern: a regular expression of what it may be, where parts are not known."""

    value: str
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Dict:
    """A dict made in the template; "*" holds entries whose key is not known."""

    entries: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list made in the template."""

    items: tuple[Value, ...]


Atom = Root | Ref | Text | Dict | Items
Value = frozenset[Atom]
NOTHING: Value = frozenset()


def bounded(value: Value) -> Value:
    """The value itself; TooMuchError if it could be too many things."""
    if len(value) > _MAX_ATOMS:
        raise TooMuchError
    return value
