"""Price tables: what they say of themselves, and what there is none of."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from csoc.costs.prices.catalogue import CATALOGUE, PAGES
from csoc.costs.prices.tables import BY_HAND, COMPARED, PRICE_LIST, UNSURE, parse, price_table, regions
from csoc.errors import NotFoundError
from csoc.provisioning import sizes
from tests.unit.costs.sized import SIZES


@pytest.mark.parametrize("region", regions())
def test_every_amount_has_a_date_and_says_where_it_comes_from(region: str) -> None:
    table = price_table(region)
    assert table.region == region
    for price in table.prices.values():
        assert price.usd > 0
        assert date(2024, 1, 1) < price.as_of < date(2030, 1, 1)
        assert price.origin in (BY_HAND, COMPARED, UNSURE, PRICE_LIST)


@pytest.mark.parametrize("region", regions())
def test_machines_of_one_family_cost_by_their_size(region: str) -> None:
    """AWS asks for an xlarge twice what it asks for a large, but for what it rounds; a slip of a digit shows here."""
    prices = price_table(region).prices
    for name, price in prices.items():
        if name.startswith("ec2.") and name.endswith(".large"):
            twice = prices.get(name.replace(".large", ".xlarge"))
            assert twice is not None
            assert abs(twice.usd - 2 * price.usd) <= Decimal("0.0001"), name


@pytest.mark.parametrize("region", regions())
def test_every_machine_that_a_size_names_has_a_price(region: str) -> None:
    prices = price_table(region).prices
    for size in SIZES:
        pools = sizes.settings("cluster", size, given={"link_role": "x"})["pools"]
        egress = sizes.settings("egress", size, given={"allowed": []})["instance_type"]
        search = sizes.settings("database", size)["search"]
        machines = {kind for pool in pools for kind in pool["instance_types"]} | {egress}
        domains = {search["node_type"], search["main_node_type"]} - {""}
        wanted = {f"ec2.{kind}" for kind in machines} | {f"search.{kind.removesuffix('.search')}" for kind in domains}
        assert wanted - set(prices) == set()


def test_a_region_without_a_table_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(NotFoundError) as caught:
        price_table("eu-north-1")
    assert "eu-north-1" in caught.value.cause
    assert all(region in caught.value.fix for region in regions())


@pytest.mark.parametrize("region", ["", "../secrets", "ap-southeast-2.json", "a\n" * 200])
def test_a_name_that_is_no_region_reads_no_file(region: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        price_table(region)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def _file(**origins: str) -> str:
    prices = {
        name.replace("_", "."): {"usd": "0.5", "as_of": day, "origin": origin}
        for name, (origin, _, day) in ((name, one.partition(" on ")) for name, one in origins.items())
    }
    return json.dumps({"region": "xx-test-1", "place": "Test", "currency": "USD", "prices": prices})


def test_a_table_says_from_when_it_is_and_how_far_to_trust_it() -> None:
    whole = parse(_file(nat_hour="price list on 2026-10-01", nat_gb="price list on 2026-10-01"))
    assert whole.source == "AWS's prices on demand in xx-test-1 (Test) of 2026-10-01, in USD without tax"
    mixed = parse(_file(nat_hour="price list on 2026-10-01", nat_gb="by hand on 2025-06-30"))
    assert "of 2025-06-30 to 2026-10-01" in mixed.source
    assert mixed.source.endswith("1 of 2 entered by hand and not compared with AWS's price list since")
    compared = parse(_file(nat_hour="compared on 2026-07-20", nat_gb="unsure on 2025-06-30"))
    assert compared.source.endswith("1 of 2 entered by hand and not compared with AWS's price list since")
    assert "; all entered by hand" in parse(_file(nat_hour="unsure on 2025-06-30")).source


def test_a_table_with_a_price_that_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        parse(_file(nothing_known="by hand on 2025-06-30"))


def test_every_price_has_a_page_where_people_read_it() -> None:
    for item in CATALOGUE.values():
        assert PAGES[item.offer].startswith("https://aws.amazon.com/")
        assert item.usage or item.attributes
        assert item.per >= 1


def test_an_amount_is_exact() -> None:
    assert price_table("ap-southeast-2").prices["s3.get"].usd == Decimal("0.00044")
