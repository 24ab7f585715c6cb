"""What an estimate assumes can be seen and replaced, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from csoc.costs.assumptions import ASSUMPTIONS, assume
from csoc.costs.estimate import estimate
from csoc.errors import RejectedError
from tests.unit.costs.sized import SIZES, basis, texts


def test_more_is_assumed_of_a_larger_size() -> None:
    for one in ASSUMPTIONS.values():
        assert one.of("small") <= one.of("medium") <= one.of("large")


def test_a_month_has_730_hours_in_every_size() -> None:
    assert {assume(size)["hours"] for size in SIZES} == {Decimal(730)}


def test_a_replaced_assumption_counts_and_is_named_in_the_source() -> None:
    usual = estimate(texts("medium")["network"], basis())
    more = estimate(texts("medium")["network"], basis(nat_gb=1300))
    assert more.usd.usual - usual.usd.usual == Decimal("59.00")  # 1000 GB more at 0.059
    assert more.source.endswith("for the size medium except nat_gb")
    assert usual.source.endswith("for the size medium")


def test_scaling_stands_where_the_assumption_says() -> None:
    text = texts("medium")["cluster"]
    found = {percent: estimate(text, basis(scaling_percent=percent)).usd for percent in (0, 50, 100)}
    lowest = found[0]
    assert lowest.usual < found[50].usual < found[100].usual
    assert {one.low for one in found.values()} == {lowest.low}
    assert {one.high for one in found.values()} == {lowest.high}


def test_an_unknown_assumption_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(RejectedError) as caught:
        assume("small", {"nat_gbs": 1})
    assert caught.value.fix == "Did you mean nat_gb?"


@pytest.mark.parametrize("value", [-1, "NaN", "Infinity", "much", None, True, [1], 10**10, "1e99"])
def test_a_value_that_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(RejectedError) as caught:
        assume("small", {"nat_gb": value})
    assert "nat_gb" in caught.value.cause


def test_no_share_is_over_a_hundred_percent() -> None:
    with pytest.raises(RejectedError):
        assume("small", {"scaling_percent": 101})


def test_every_assumption_changes_what_something_costs() -> None:
    """One that changes nothing would be shown to people for nothing."""
    zone = json.dumps({"Resources": {"Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {}}}})
    found = [(layer, text) for size in SIZES for layer, text in texts(size, proxies=True).items()]
    found += [("network", texts("medium")["network"]), ("", zone)]
    usual = basis("large")
    before = [estimate(text, usual, layer=layer).usd for layer, text in found]
    for name, one in ASSUMPTIONS.items():
        changed = replace(usual, assumptions=assume("large", {name: one.of("large") / 2}))
        assert [estimate(text, changed, layer=layer).usd for layer, text in found] != before, name
