"""The page of the reference about prices: what csoc reckons with, where it is from, and what is assumed."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.costs.assumptions import ASSUMPTIONS
from csoc.costs.lines import plain
from csoc.costs.pricers.table import FREE, PRICERS
from csoc.costs.prices.catalogue import CATALOGUE, PAGES, Item
from csoc.costs.prices.tables import BY_HAND, COMPARED, PRICE_LIST, UNSURE, PriceTable, price_table, regions

_HEAD = """# Prices

What `csoc plan` and `csoc cost` reckon with. Estimates are made offline from the tables below, a resource at a time,
and every line says its formula. Prices are AWS's on demand, in USD, without tax, discounts, and free allowances of an
account. Not counted at all: support plans, what people run besides, and what an estimate names as unpriced.

`python -m scripts.renew_prices [REGION ...]` writes the tables anew from AWS's public price list, also for a region
that has none yet. It needs the network and no account.
"""


def reference_page() -> str:
    """docs/reference/prices.md."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    tables = [price_table(region) for region in regions()]
    yield _HEAD
    yield "## Tables\n"
    yield "| region | place | oldest amount | from the price list | compared | by hand | unsure |"
    yield "|---|---|---|---|---|---|---|"
    for table in tables:
        yield _about(table)
    yield (
        "\nCompared: written down by somebody, and the same as what other projects took from the price list "
        "(`costs.prices.tables`\nnames them). By hand: not compared with anything. Unsure (marked `?` below): "
        "concluded from other regions, and perhaps a\ntenth off.\n"
    )
    for offer in dict.fromkeys(item.offer for item in CATALOGUE.values()):
        yield f"## {offer}\n"
        yield f"People read these at <{PAGES[offer]}>.\n"
        yield "| name | what | USD per | " + " | ".join(regions()) + " |"
        yield "|---|---|---|" + "---|" * len(tables)
        for item in CATALOGUE.values():
            if item.offer == offer:
                yield _row(item, tables)
        yield ""
    yield "## What is assumed\n"
    yield "No template says how much traffic and data there will be. These are orders of magnitude, not measurements.\n"
    yield "| name | what | small | medium | large |"
    yield "|---|---|---|---|---|"
    for name, one in ASSUMPTIONS.items():
        yield f"| `{name}` | {one.what} | {one.small} | {one.medium} | {one.large} |"
    yield "\n## Types of resources\n"
    yield "A type in neither list is named as unpriced in every estimate that meets it.\n"
    yield "Priced: " + ", ".join(f"`{kind}`" for kind in PRICERS) + ".\n"
    yield "| costs nothing by itself | why |"
    yield "|---|---|"
    for kind, reason in FREE.items():
        yield f"| `{kind}` | {reason} |"
    yield ""


def _about(table: PriceTable) -> str:
    prices = table.prices.values()
    oldest = min(price.as_of for price in prices).isoformat()
    origins = (PRICE_LIST, COMPARED, BY_HAND, UNSURE)
    counts = " | ".join(str(sum(price.origin == origin for price in prices)) for origin in origins)
    return f"| {table.region} | {table.place} | {oldest} | {counts} |"


def _row(item: Item, tables: list[PriceTable]) -> str:
    return f"| `{item.name}` | {item.what} | {item.unit} | " + " | ".join(_cell(item, table) for table in tables) + " |"


def _cell(item: Item, table: PriceTable) -> str:
    price = table.prices.get(item.name)
    if price is None:
        return "none"
    return plain(price.usd) + ("?" if price.origin == UNSURE else "")
