"""What an estimate is made of: lines, each with its formula, and amounts that lie between a lowest and a highest."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Range:
    """An amount that scaling decides. usual: what is expected, between low and high."""

    low: Decimal
    usual: Decimal
    high: Decimal

    def times(self, other: Range) -> Range:
        """Of two amounts that are not negative."""
        return Range(self.low * other.low, self.usual * other.usual, self.high * other.high)

    def plus(self, other: Range) -> Range:
        """The sum."""
        return Range(self.low + other.low, self.usual + other.usual, self.high + other.high)

    def in_cents(self) -> Range:
        """Rounded as a bill is."""
        return Range(*(one.quantize(_CENT, ROUND_HALF_UP) for one in (self.low, self.usual, self.high)))

    @property
    def is_fixed(self) -> bool:
        """True if nothing scales it."""
        return self.low == self.usual == self.high

    def __str__(self) -> str:
        if self.is_fixed:
            return plain(self.usual)
        return f"{plain(self.usual)} ({plain(self.low)} to {plain(self.high)})"


NOTHING = Range(Decimal(0), Decimal(0), Decimal(0))


def fixed(amount: Decimal | int | str) -> Range:
    """An amount that does not scale."""
    exact = Decimal(amount)
    return Range(exact, exact, exact)


def plain(amount: Decimal) -> str:
    """A number for people: no exponent, no zeros at its end, four decimals where it is not a price."""
    if amount == amount.to_integral_value():
        return f"{amount.to_integral_value():f}"
    return f"{amount.quantize(Decimal('0.0001')).normalize():f}" if amount >= 1 else f"{amount.normalize():f}"


class Kind(StrEnum):
    """What is known of a line's price."""

    PRICED = "priced"
    FREE = "free"
    UNPRICED = "unpriced"


@dataclass(frozen=True, slots=True)
class Line:
    """What one thing costs a month.

    resource: logical id, "" for what no template has. type: its type. quantity, unit, unit_usd: what is multiplied.
    usd: rounded to cents; zero for what is free or unpriced, and kind says which. words: the formula, or the reason.
    """

    resource: str
    type: str
    what: str
    kind: Kind
    words: str
    usd: Range = NOTHING
    quantity: Range = NOTHING
    unit: str = ""
    unit_usd: Range = NOTHING


def total(lines: tuple[Line, ...]) -> Range:
    """The sum of lines."""
    found = NOTHING
    for line in lines:
        found = found.plus(line.usd)
    return found
