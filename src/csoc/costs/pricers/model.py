"""What a pricer is given, and how it makes lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from csoc.costs.assumptions import Assumptions
from csoc.costs.lines import Kind, Line, Range, fixed
from csoc.costs.prices.tables import PriceTable, shown
from csoc.costs.template import Resource, Template

_WHOLE = Decimal(100)
_LONGEST = 200

Factor = tuple[Range, str]
"""An amount and its name in the plural: machines, hours, GB."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A resource, and what there is to price it with. today: decides what is in extended support."""

    resource: Resource
    template: Template
    table: PriceTable
    assumptions: Assumptions
    today: date

    def value(self, *path: str | int) -> Any:
        """See Template.value."""
        return self.template.value(self.resource.properties, *path)

    def number(self, *path: str | int) -> Decimal | None:
        """See Template.number."""
        return self.template.number(self.resource.properties, *path)

    def text(self, *path: str | int) -> str:
        """See Template.text."""
        return self.template.text(self.resource.properties, *path)

    def assumed(self, name: str) -> Range:
        """An assumption as an amount."""
        return fixed(self.assumptions[name])

    @property
    def hours(self) -> Factor:
        """The hours of a month."""
        return self.assumed("hours"), "hours"

    def between(self, low: Decimal, high: Decimal) -> Range:
        """What scales by itself: it stands where the assumption says."""
        high = max(low, high)
        share = self.assumptions["scaling_percent"] / _WHOLE
        return Range(low, low + (high - low) * share, high)

    def charge(self, what: str, price: str, *factors: Factor, share: Range | None = None) -> Line:
        """A line by a price of the table; unpriced if the table has none. share: of that price."""
        return self.charge_any(what, (price,), *factors, share=share)

    def charge_any(self, what: str, prices: Sequence[str], *factors: Factor, share: Range | None = None) -> Line:
        """As `charge`, where any of several prices may come to be asked, the first of them usually."""
        found = [self.table.prices.get(name) for name in prices]
        known = [price for price in found if price is not None]
        missing = [shown(name) for name, price in zip(prices, found, strict=True) if price is None]
        if missing or not known:
            return self.unpriced(what, f"the price table of {self.table.region} has no {', '.join(missing) or 'price'}")
        amounts = [price.usd for price in known]
        unit_usd = Range(min(amounts), amounts[0], max(amounts))
        quantity = fixed(1)
        for amount, _ in factors:
            quantity = quantity.times(amount)
        words = " x ".join([*(f"{amount} {name}" for amount, name in factors), f"{unit_usd} USD per {known[0].unit}"])
        usd = quantity.times(unit_usd)
        if share is not None:
            usd = usd.times(share)
            words += f" x {share} of that"
        return self._line(what, Kind.PRICED, words, usd.in_cents(), quantity, known[0].unit, unit_usd)

    def unpriced(self, what: str, because: str) -> Line:
        """A line for what the figures do not hold."""
        return self._line(what, Kind.UNPRICED, because)

    def free(self, what: str, because: str) -> Line:
        """A line for what costs nothing."""
        return self._line(what, Kind.FREE, because)

    def _line(self, what: str, kind: Kind, words: str, *amounts: Any) -> Line:
        name = shown(self.resource.id) if self.resource.id else ""
        return Line(
            name, shown(self.resource.type) if self.resource.type else "", shown(what, _LONGEST), kind, words, *amounts
        )


Pricer = Callable[[Seen], Iterator[Line]]
"""What a resource costs, line by line."""
