"""What a template costs a month before anything exists: offline, line by line, with each formula in words.

Every resource leads to at least one line: priced, free with the reason, or named as unpriced with the reason. Nothing
is silently zero. Amounts that scaling decides have a lowest and a highest; the usual one stands where the assumptions
say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from csoc.costs import template as templates
from csoc.costs.assumptions import Assumptions
from csoc.costs.besides import besides
from csoc.costs.lines import Kind, Line, Range, total
from csoc.costs.pricers.model import Seen
from csoc.costs.pricers.table import FREE, PRICERS
from csoc.costs.prices.tables import PriceTable, shown

_KEPT = ("Retain", "RetainExceptOnCreate")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a template costs a month, in USD. source: whose prices and whose assumptions these are."""

    lines: tuple[Line, ...]
    source: str

    @property
    def usd(self) -> Range:
        """The sum of the lines."""
        return total(self.lines)

    def of(self, kind: Kind) -> tuple[Line, ...]:
        """Lines of a kind."""
        return tuple(line for line in self.lines if line.kind is kind)


@dataclass(frozen=True, slots=True)
class Basis:
    """What estimates are made with. today: decides which versions are in extended support."""

    table: PriceTable
    assumptions: Assumptions
    today: date

    @property
    def source(self) -> str:
        """In sentences."""
        changed = self.assumptions.changed
        besides_of_size = f" except {', '.join(changed)}" if changed else ""
        return f"{self.table.source}. Traffic, data and scaling as assumed for the size {self.assumptions.size}" + (
            besides_of_size
        )


def estimate(
    text: str, basis: Basis, *, layer: str = "", parameters: Mapping[str, str] = MappingProxyType({})
) -> Estimate:
    """What a layer's template costs. layer: adds what its template does not hold. parameters: known values, over the
    template's defaults. Raises RejectedError: the text is no template."""
    read = templates.read(text, parameters, basis.table.region)
    lines = [line for one in read.resources.values() for line in _lines(one, read, basis)]
    if layer:
        stands_for = templates.Resource("", "", {}, True, "")
        lines += besides(layer, Seen(stands_for, read, basis.table, basis.assumptions, basis.today))
    return Estimate(tuple(lines), basis.source)


def left_behind(
    before: str, after: str, basis: Basis, *, parameters: Mapping[str, str] = MappingProxyType({})
) -> Estimate:
    """What goes on to cost after a change: resources that a template no longer has ("" for none has any), and that stay
    because of their deletion policy. Raises RejectedError."""
    read = templates.read(before, parameters, basis.table.region)
    still = set(templates.read(after, parameters, basis.table.region).resources) if after else set()
    gone = [one for one in read.resources.values() if one.id not in still]
    lines = [line for one in gone if one.kept in _KEPT for line in _lines(one, read, basis)]
    for one in gone:
        if one.kept == "Snapshot":
            seen = Seen(one, read, basis.table, basis.assumptions, basis.today)
            lines.append(seen.unpriced("its last snapshot", "how large it will be is not known"))
    return Estimate(tuple(replace(line, what=f"{line.what}, which stays") for line in lines), basis.source)


def _lines(one: templates.Resource, read: templates.Template, basis: Basis) -> Iterator[Line]:
    seen = Seen(one, read, basis.table, basis.assumptions, basis.today)
    if one.there is False:
        yield seen.free(_short(one.type), "its condition does not hold, so it is not made")
        return
    if one.type in FREE:
        yield seen.free(_short(one.type), FREE[one.type])
        return
    pricer = PRICERS.get(one.type)
    if pricer is None:
        yield seen.unpriced(_short(one.type), f"csoc has no prices for resources of the type {shown(one.type)}")
        return
    for line in pricer(seen):
        yield line if one.there else _perhaps(line)


def _perhaps(line: Line) -> Line:
    """Of a resource whose condition nobody can judge before the stack exists."""
    usd = replace(line.usd, low=Decimal(0))
    return replace(line, usd=usd, words=f"{line.words}; only if its condition holds, which is not known yet")


def _short(kind: str) -> str:
    return kind.removeprefix("AWS::")
