"""Price tables are written anew from AWS's price list, and never lose a price to it.

The documents have the form that AWS describes for them (offer code, publication date, products by SKU with attributes,
terms by SKU and offer term with price dimensions), with what real ones are known for: prefixes of usage types, tiers
that begin free, the same machine sold in other ways.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from csoc.costs.prices.catalogue import CATALOGUE, Item
from csoc.costs.prices.tables import parse, price_table
from scripts import renew_prices

_SYDNEY = "ap-southeast-2"
_MACHINE = {
    "instanceType": "m6i.xlarge",
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}


class List:
    """A price list on the network."""

    def __init__(self, region: str = _SYDNEY) -> None:
        self.region = region
        self.asked: list[str] = []
        self._offers: dict[str, dict[str, Any]] = {}
        for item in CATALOGUE.values():
            self._offers.setdefault(item.offer, self._empty(item.offer))

    def add(self, offer: str, usage: str, *tiers: tuple[str, str], family: str = "", **attributes: str) -> None:
        """A product. tiers: where each begins, and its price."""
        document = self._offers[offer]
        sku = f"SKU{len(document['products'])}"
        document["products"][sku] = {
            "sku": sku,
            "productFamily": family,
            "attributes": {
                "servicecode": offer,
                "location": "Asia Pacific (Sydney)",
                "regionCode": self.region,
                "usagetype": usage,
                **attributes,
            },
        }
        document["terms"]["OnDemand"][sku] = {
            f"{sku}.JRTCKXETXF": {
                "offerTermCode": "JRTCKXETXF",
                "sku": sku,
                "effectiveDate": "2026-10-01T00:00:00Z",
                "priceDimensions": {
                    f"{sku}.JRTCKXETXF.{number}": {
                        "rateCode": f"{sku}.JRTCKXETXF.{number}",
                        "beginRange": begin,
                        "endRange": "Inf",
                        "unit": "Hrs",
                        "pricePerUnit": {"USD": usd},
                        "appliesTo": [],
                    }
                    for number, (begin, usd) in enumerate(tiers)
                },
                "termAttributes": {},
            }
        }

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        offer = url.split("/aws/")[1].split("/")[0]
        return json.dumps(self._offers[offer]).encode()

    @staticmethod
    def _empty(offer: str) -> dict[str, Any]:
        return {
            "formatVersion": "v1.0",
            "disclaimer": "This pricing list is for informational purposes only.",
            "offerCode": offer,
            "version": "20261001000000",
            "publicationDate": "2026-10-01T12:00:00Z",
            "products": {},
            "terms": {"OnDemand": {}},
        }


def _price(name: str, listed: List) -> Mapping[str, str] | None:
    return renew_prices.renew(listed.region, listed.fetch).prices.get(name)


def test_a_price_has_the_date_of_the_list_and_says_that_it_is_from_there() -> None:
    listed = List()
    listed.add("AmazonEC2", "APS2-NatGateway-Hours", ("0", "0.0590000000"), family="NAT Gateway")
    assert _price("nat.hour", listed) == {"usd": "0.059", "as_of": "2026-10-01", "origin": "price list"}


def test_a_machine_is_the_one_on_demand_and_not_what_else_is_sold_of_it() -> None:
    listed = List()
    listed.add("AmazonEC2", "APS2-BoxUsage:m6i.xlarge", ("0", "0.24"), family="Compute Instance", **_MACHINE)
    listed.add(
        "AmazonEC2",
        "APS2-UnusedBox:m6i.xlarge",
        ("0", "0.25"),
        **{**_MACHINE, "capacitystatus": "UnusedCapacityReservation"},
    )
    listed.add("AmazonEC2", "APS2-DedicatedUsage:m6i.xlarge", ("0", "0.26"), **{**_MACHINE, "tenancy": "Dedicated"})
    listed.add("AmazonEC2", "APS2-BoxUsage:m6i.xlarge", ("0", "0.42"), **{**_MACHINE, "operatingSystem": "Windows"})
    listed.add("AmazonEC2", "APS2-Reservation:m6i.xlarge", ("0", "0.27"), **_MACHINE)
    found = _price("ec2.m6i.xlarge", listed)
    assert found is not None
    assert found["usd"] == "0.24"


def test_a_tier_that_is_free_is_not_the_price() -> None:
    listed = List()
    listed.add(
        "AWSQueueService", "APS2-Requests-Tier1", ("0", "0"), ("1000000", "0.0000004000"), ("100000000000", "0.0000003")
    )
    found = _price("sqs.requests", listed)
    assert found is not None
    assert found["usd"] == "0.4"  # a million requests


def test_the_first_tier_counts_wherever_it_stands() -> None:
    listed = List()
    listed.add("AmazonS3", "APS2-TimedStorage-ByteHrs", ("512000", "0.023"), ("0", "0.025"), ("51200", "0.024"))
    found = _price("s3.storage", listed)
    assert found is not None
    assert found["usd"] == "0.025"


@pytest.mark.parametrize("usage", ["LoadBalancerUsage", "USE1-LoadBalancerUsage", "us-east-1-LoadBalancerUsage"])
def test_a_usage_type_is_found_with_and_without_the_prefix_of_its_region(usage: str) -> None:
    listed = List("us-east-1")
    listed.add("AWSELB", usage, ("0", "0.0225"), family="Load Balancer-Application")
    listed.add("AWSELB", "TS-LoadBalancerUsage", ("0", "0.0054"), family="Load Balancer-Application")
    listed.add("AWSELB", "USE1-TS-LoadBalancerUsage", ("0", "0.0054"), family="Load Balancer-Application")
    listed.add("AWSELB", usage, ("0", "0.021"), family="Load Balancer-Network")
    found = _price("alb.hour", listed)
    assert found is not None
    assert found["usd"] == "0.0225"


def test_what_the_list_has_by_the_hour_is_asked_by_the_month_where_people_know_it_so() -> None:
    listed = List()
    listed.add("AWSSystemsManager", "APS2-PS-Advanced-Param-Tier1", ("0", "0.0000684932"))
    found = _price("ssm.advanced", listed)
    assert found is not None
    assert found["usd"] == "0.05"


def test_a_machine_of_search_is_its_hours_and_not_what_else_is_asked_for_it() -> None:
    listed = List()
    listed.add("AmazonES", "APS2-ESInstance:t3.small", ("0", "0.056"), instanceType="t3.small.search")
    listed.add("AmazonES", "APS2-ES:ExtendedSupport:t3.small", ("0", "0.0065"), instanceType="t3.small.search")
    found = _price("search.t3.small", listed)
    assert found is not None
    assert found["usd"] == "0.056"


def test_data_to_the_internet_is_not_data_to_somewhere_else_of_the_same_usage_type() -> None:
    listed = List()
    kinds = (("AWS Outbound", "0.114"), ("InterRegion Outbound", "0.098"))
    for kind, usd in kinds:
        listed.add("AWSDataTransfer", "APS2-DataTransfer-Out-Bytes", ("0", usd), transferType=kind)
    found = _price("transfer.internet", listed)
    assert found is not None
    assert found["usd"] == "0.114"


def test_a_document_in_the_form_that_aws_sends_is_read() -> None:
    """Written by us in the form of the fragment of AWS's list that lyft/awspricing tests with, tests/data/ec2_offer.py:
    reserved terms beside those on demand, an upfront fee without a range, ten digits after the point; and terms of a
    product that the document does not have."""
    sku, other = "4C7N4APU9GEUZ6H6", "99YE2YK9UR5Q8V2X"

    def term(code: str, *dimensions: Mapping[str, Any]) -> dict[str, Any]:
        rated = {f"{sku}.{code}.{number}": one for number, one in enumerate(dimensions)}
        return {f"{sku}.{code}": {"offerTermCode": code, "sku": sku, "priceDimensions": rated, "termAttributes": {}}}

    hourly = {"unit": "Hrs", "beginRange": "0", "endRange": "Inf", "appliesTo": []}
    upfront = {"unit": "Quantity", "pricePerUnit": {"USD": "263"}, "appliesTo": []}
    attributes = {
        "servicecode": "AmazonEC2", "location": "US East (N. Virginia)", "locationType": "AWS Region",
        "usagetype": "BoxUsage:m6i.xlarge", "operation": "RunInstances", **_MACHINE,
    }  # fmt: skip
    document = {
        "formatVersion": "v1.0",
        "offerCode": "AmazonEC2",
        "version": "20261001000000",
        "publicationDate": "2026-10-01T12:00:00Z",
        "products": {sku: {"sku": sku, "productFamily": "Compute Instance", "attributes": attributes}},
        "terms": {
            "OnDemand": {
                sku: term("JRTCKXETXF", {**hourly, "pricePerUnit": {"USD": "0.1920000000"}}),
                other: term("JRTCKXETXF", {**hourly, "pricePerUnit": {"USD": "0.5000000000"}}),
            },
            "Reserved": {sku: term("HU7G6KETJZ", upfront, {**hourly, "pricePerUnit": {"USD": "0.0300000000"}})},
        },
        "attributesList": {},
    }
    amount, place = renew_prices.price_of(CATALOGUE["ec2.m6i.xlarge"], document, "us-east-1")
    assert (str(amount.normalize()), place) == ("0.192", "US East (N. Virginia)")


def test_a_product_of_another_region_in_the_same_document_is_not_ours() -> None:
    listed = List()
    listed.add("AmazonVPC", "APS2-VpcEndpoint-Hours", ("0", "0.013"))
    listed.add("AmazonVPC", "APS3-VpcEndpoint-Hours", ("0", "0.011"), regionCode="ap-south-1")
    found = _price("endpoint.hour", listed)
    assert found is not None
    assert found["usd"] == "0.013"


def test_a_price_that_two_products_contradict_is_named_and_not_guessed() -> None:
    listed = List()
    listed.add("AmazonEKS", "APS2-AmazonEKS-Hours:perCluster", ("0", "0.10"))
    listed.add("AmazonEKS", "APS2-AmazonEKS-Hours:perCluster", ("0", "0.11"))
    renewed = renew_prices.renew(_SYDNEY, listed.fetch)
    assert "eks.hour" not in renewed.prices
    assert renewed.missing["eks.hour"] == "2 products of AmazonEKS fit, with different prices"
    listed = List()
    listed.add("AmazonEKS", "APS2-AmazonEKS-Hours:perCluster", ("0", "0.10"))
    listed.add("AmazonEKS", "APS2-AmazonEKS-Hours:perCluster", ("0", "0.10"))
    assert "eks.hour" in renew_prices.renew(_SYDNEY, listed.fetch).prices


def test_every_offer_is_asked_for_once_and_for_the_region_except_what_is_everywhere_the_same() -> None:
    listed = List()
    renew_prices.renew(_SYDNEY, listed.fetch)
    assert len(listed.asked) == len({item.offer for item in CATALOGUE.values()}) == len(set(listed.asked))
    prefix = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
    assert f"{prefix}/AmazonEC2/current/ap-southeast-2/index.json" in listed.asked
    assert f"{prefix}/AmazonRoute53/current/index.json" in listed.asked


def _everything(listed: List) -> None:
    """A product for each price of the catalogue, all of them a dollar for one of its units."""
    for item in CATALOGUE.values():
        kind = item.attributes.get("instanceType", "")
        machine = "ESInstance" if item.offer == "AmazonES" else "BoxUsage"
        usage = f"APS2-{item.usage}" if item.usage else f"APS2-{machine}:{kind}"
        rest = {name: value for name, value in item.attributes.items() if name != "productFamily"}
        listed.add(item.offer, usage, ("0", str(1 / item.per)), family=item.attributes.get("productFamily", ""), **rest)


def test_a_new_region_gets_a_whole_table_that_estimates_can_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = List()
    _everything(listed)
    assert renew_prices.main([_SYDNEY], listed.fetch, tmp_path) == 0
    table = parse((tmp_path / f"{_SYDNEY}.json").read_text(encoding="utf-8"))
    assert set(table.prices) == set(CATALOGUE)
    assert {str(price.usd) for price in table.prices.values()} == {"1"}
    assert table.place == "Asia Pacific (Sydney)"
    assert "entered by hand" not in table.source
    assert f"{len(CATALOGUE)} of {len(CATALOGUE)} from the price list" in capsys.readouterr().out


def test_a_price_that_the_list_lacks_stays_as_it_was_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{_SYDNEY}.json"
    path.write_text((renew_prices.FOLDER / f"{_SYDNEY}.json").read_text(encoding="utf-8"), encoding="utf-8")
    listed = List()
    listed.add("AmazonEC2", "APS2-NatGateway-Hours", ("0", "0.06"))
    assert renew_prices.main([_SYDNEY], listed.fetch, tmp_path) == 1
    table, before = parse(path.read_text(encoding="utf-8")), price_table(_SYDNEY)
    assert str(table.prices["nat.hour"].usd) == "0.06"
    assert {name for name in before.prices if before.prices[name] != table.prices[name]} == {"nat.hour"}
    assert "eks.hour stays as it was: no product of AmazonEKS fits" in capsys.readouterr().out


def test_writing_a_table_anew_changes_nothing_but_the_prices(tmp_path: Path) -> None:
    """So that a change of prices is read line by line."""
    path = renew_prices.FOLDER / f"{_SYDNEY}.json"
    text = path.read_text(encoding="utf-8")
    assert renew_prices.merged(_SYDNEY, renew_prices.Renewed({}, {}, ""), json.loads(text)) == text


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"{}", b'{"offerCode": "AmazonS3", "publicationDate": "x"}'])
def test_what_is_no_price_list_changes_no_table(
    body: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert renew_prices.main([_SYDNEY], lambda url: body, tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    assert "stays as it is" in capsys.readouterr().out


def test_a_network_that_fails_changes_no_table(tmp_path: Path) -> None:
    def fetch(url: str) -> bytes:
        raise OSError("no route")

    assert renew_prices.main([_SYDNEY], fetch, tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("region", ["../../etc", "Sydney", "ap-southeast-2/../x", ""])
def test_a_word_that_is_no_region_is_refused_before_anything_is_asked(region: str, tmp_path: Path) -> None:
    listed = List()
    assert renew_prices.main([region], listed.fetch, tmp_path) == 2
    assert listed.asked == []


def test_no_two_prices_of_the_catalogue_are_the_same_product() -> None:
    def product(item: Item) -> tuple[str, str, frozenset[tuple[str, str]]]:
        return item.offer, item.usage, frozenset(item.attributes.items())

    assert len({product(item) for item in CATALOGUE.values()}) == len(CATALOGUE)
