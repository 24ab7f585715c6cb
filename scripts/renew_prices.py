"""Writes csoc's price tables anew from AWS's public price list: `python -m scripts.renew_prices [REGION ...]`.

Without a region, those that there are tables for. Needs the network, no account. The list is a document a service and
region, described at https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file.html;
EC2's has some 300 megabytes and
wants a few gigabytes of memory. What each price is for and where it stands in the list is the catalogue's word.

A price that the list does not have, or has twice with different amounts, stays as it was and is named: a table never
loses a price to a change of somebody else's document. Then the exit code is 1.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from csoc.costs.prices.catalogue import CATALOGUE, Item
from csoc.costs.prices.tables import PRICE_LIST, regions

HOST = "https://pricing.us-east-1.amazonaws.com"
FOLDER = Path(__file__).resolve().parent.parent / "src" / "csoc" / "costs" / "prices"
_PATIENCE_SECONDS = 300
# Usage types begin with the region (APS2-, EU-, us-west-2-), except for some of us-east-1. Others begin with a kind of
# place that is none (TS-, Outposts-), and have other prices.
_PREFIX = re.compile(r"^(?:[A-Z]{2,4}\d|EU|[a-z]{2}(?:-[a-z]+)+-\d)-")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")

# What the same machine is sold as besides (reserved blocks of capacity, extended support) has other usage types.
_MACHINE_HOURS = {"AmazonEC2": "BoxUsage", "AmazonES": "ESInstance"}
# Amounts of the list have at most six significant digits; a multiple of one has no more to say.
_DIGITS = Context(prec=6)

Fetch = Callable[[str], bytes]
"""An address to what stands there."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """A region's prices from the list. missing: names with the reason why they are not there."""

    prices: Mapping[str, Mapping[str, str]]
    missing: Mapping[str, str]
    place: str


class NotInListError(Exception):
    """The list does not say what a price is."""


def address(offer: str, region: str, everywhere: bool = False) -> str:
    """Where an offer's prices of a region stand."""
    return f"{HOST}/offers/v1.0/aws/{offer}/current/{'' if everywhere else region + '/'}index.json"


def renew(region: str, fetch: Fetch) -> Renewed:
    """A region's prices. Raises what fetch raises, and ValueError for a document that is none."""
    prices: dict[str, Mapping[str, str]] = {}
    missing: dict[str, str] = {}
    place = region
    for offer, everywhere in dict.fromkeys((item.offer, item.everywhere) for item in CATALOGUE.values()):
        document = _document(fetch(address(offer, region, everywhere)), offer)
        as_of = str(document["publicationDate"])[:10]
        for item in (one for one in CATALOGUE.values() if (one.offer, one.everywhere) == (offer, everywhere)):
            try:
                amount, where = price_of(item, document, region)
            except NotInListError as error:
                missing[item.name] = str(error)
                continue
            prices[item.name] = {"usd": f"{amount.normalize():f}", "as_of": as_of, "origin": PRICE_LIST}
            place = where or place
    return Renewed(prices, missing, place)


def price_of(item: Item, document: Mapping[str, Any], region: str) -> tuple[Decimal, str]:
    """What the list asks for one of a price's units, and the region's name in it. Raises NotInListError."""
    found: dict[Decimal, str] = {}
    for sku, product in document["products"].items():
        attributes = {"productFamily": product.get("productFamily", ""), **product.get("attributes", {})}
        if _is(item, attributes, region):
            for amount in _amounts(document, sku):
                found[_DIGITS.multiply(amount, Decimal(item.per))] = str(attributes.get("location", ""))
    if not found:
        raise NotInListError(f"no product of {item.offer} fits")
    if len(found) > 1:
        raise NotInListError(f"{len(found)} products of {item.offer} fit, with different prices")
    return next(iter(found.items()))


def _is(item: Item, attributes: Mapping[str, Any], region: str) -> bool:
    usage = str(attributes.get("usagetype", ""))
    if item.usage and item.usage not in (usage, _PREFIX.sub("", usage)):
        return False
    if not item.everywhere and attributes.get("regionCode", region) != region:
        return False
    if not item.usage and _MACHINE_HOURS.get(item.offer, "") not in usage:
        return False
    return all(attributes.get(name) == value for name, value in item.attributes.items())


def _amounts(document: Mapping[str, Any], sku: str) -> Iterator[Decimal]:
    """The price on demand of a product: that of its first tier that costs something."""
    for term in document.get("terms", {}).get("OnDemand", {}).get(sku, {}).values():
        tiers = []
        for dimension in term.get("priceDimensions", {}).values():
            try:
                tier = Decimal(dimension["beginRange"]) if "beginRange" in dimension else Decimal(0)
                tiers.append((tier, Decimal(dimension["pricePerUnit"]["USD"])))
            except (KeyError, InvalidOperation):
                continue
        costing = [amount for _, amount in sorted(tiers) if amount > 0]
        if costing:
            yield costing[0]


def _document(body: bytes, offer: str) -> Mapping[str, Any]:
    document = json.loads(body)
    if not isinstance(document, dict) or document.get("offerCode") != offer or "publicationDate" not in document:
        raise ValueError(f"what AWS's price list sent for {offer} is no price list of it")
    return document


def merged(region: str, renewed: Renewed, before: Mapping[str, Any] | None) -> str:
    """A region's file. What the list did not have stays as it was before."""
    prices = dict(before["prices"]) if before else {}
    prices.update(renewed.prices)
    rows = [f"    {json.dumps(name)}: {json.dumps(prices[name])}" for name in CATALOGUE if name in prices]
    place = before["place"] if before else renewed.place
    head = f'  "region": {json.dumps(region)},\n  "place": {json.dumps(place)},\n  "currency": "USD",\n'
    return "{\n" + head + '  "prices": {\n' + ",\n".join(rows) + "\n  }\n}\n"


def _over_the_network(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=_PATIENCE_SECONDS) as answer:
        body: bytes = answer.read()
    return body


def main(arguments: list[str], fetch: Fetch = _over_the_network, folder: Path = FOLDER) -> int:
    """See the module."""
    left = 0
    for region in arguments or regions():
        if not _REGION.fullmatch(region):
            print(f"prices: {region!r} is no region; they are called like ap-southeast-2")
            return 2
        path = folder / f"{region}.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        try:
            renewed = renew(region, fetch)
        except (OSError, ValueError) as error:
            print(f"prices: {region} stays as it is: {error}")
            return 1
        path.write_text(merged(region, renewed, before), encoding="utf-8")
        print(f"prices: {region}: {len(renewed.prices)} of {len(CATALOGUE)} from the price list")
        for name, reason in renewed.missing.items():
            kept = before is not None and name in before["prices"]
            print(f"prices: {region}: {name} {'stays as it was' if kept else 'has no price'}: {reason}")
        left += len(renewed.missing)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
