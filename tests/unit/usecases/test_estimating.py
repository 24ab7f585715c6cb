"""What a plan costs, before and after, and what its figures do not hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from csoc.errors import RejectedError
from csoc.provisioning.plans import Cost
from csoc.usecases.estimating import costs
from tests.unit.costs.sized import SYDNEY, parsed, texts

_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_costs = costs(lambda: _NOW)


def _summed(cost: Cost) -> float:
    return round(sum(line.usd_per_month or 0 for line in cost.lines), 2)


def test_a_new_layer_costs_nothing_before_and_its_lines_after() -> None:
    cost = _costs("network", "", texts("medium")["network"], SYDNEY)
    assert (cost.before, cost.after) == (0.0, 135.08)
    assert _summed(cost) == cost.after
    assert {line.layer for line in cost.lines} == {"network"}
    assert cost.unpriced == ()


def test_a_layer_that_stays_as_it_is_costs_the_same_before_and_after() -> None:
    for layer, text in texts("medium").items():
        cost = _costs(layer, text, text, SYDNEY)
        assert cost.before == cost.after


def test_a_change_costs_its_difference() -> None:
    before, after = texts("medium")["cluster"], parsed("medium", "cluster")
    after["Resources"]["PoolGeneral"]["Properties"]["ScalingConfig"].update(MinSize=4, MaxSize=9)
    cost = _costs("cluster", before, json.dumps(after), SYDNEY)
    # A machine more, all the time: 730 x 0.24, its disk 80 x 0.096, its metrics 7 x 0.30.
    assert round(cost.after - cost.before, 2) == round(175.20 + 7.68 + 2.10, 2)


def test_a_line_says_how_far_it_may_go() -> None:
    cost = _costs("cluster", "", texts("medium")["cluster"], SYDNEY)
    (nodes,) = (line for line in cost.lines if line.thing.startswith("PoolGeneral: nodes"))
    assert nodes.because.startswith("3.5 (3 to 8) nodes x 730 hours x 0.24")
    assert nodes.because.endswith(" = 473.04 to 1,471.68")


def test_what_has_no_price_is_named_with_its_reason() -> None:
    cost = _costs("cluster", "", texts("medium")["cluster"], SYDNEY)
    assert cost.unpriced == ("disks that workspaces and services ask for: nobody has asked for them yet",)


def test_a_layer_that_goes_still_costs_what_stays() -> None:
    text = texts("medium")["database"]
    cost = _costs("database", text, "", SYDNEY)
    # Its database, search domain, key, secret and logs all stay until somebody deletes them.
    assert (cost.before, cost.after) == (775.77, 775.77)
    assert all("which stays" in line.thing for line in cost.lines)
    assert _summed(cost) == cost.after


def test_a_layer_without_data_costs_nothing_when_it_has_gone() -> None:
    cost = _costs("platform", texts("medium")["platform"], "", SYDNEY)
    assert (cost.before, cost.after, cost.lines) == (0.0, 0.0, ())


def test_a_load_balancer_goes_with_its_layer() -> None:
    cost = _costs("edge", texts("medium")["edge"], "", SYDNEY)
    assert cost.before == 72.99
    assert not [line for line in cost.lines if "load balancer" in line.thing]


def test_a_resource_that_a_change_leaves_behind_goes_on_to_cost() -> None:
    before, after = texts("medium")["database"], parsed("medium", "database")
    for name in ("Search", "SearchEndpointParameter", "SearchDomainArnParameter"):
        after["Resources"].pop(name, None)
    cost = _costs("database", before, json.dumps(after), SYDNEY)
    assert cost.after == cost.before
    assert next(line.thing for line in cost.lines if "which stays" in line.thing).startswith("Search: nodes")


def test_a_region_without_prices_stops_no_plan_and_says_so() -> None:
    cost = _costs("network", "", texts("medium")["network"], "eu-north-1")
    assert (cost.before, cost.after) == (0.0, 0.0)
    assert cost.unpriced == ("everything: There is no price table for the region eu-north-1",)
    assert "ap-southeast-2" in cost.source


def test_a_stack_whose_template_cannot_be_read_stops_no_plan_and_says_so() -> None:
    cost = _costs("network", "Resources:\n  Vpc: {}", texts("medium")["network"], SYDNEY)
    assert (cost.before, cost.after) == (0.0, 135.08)
    assert cost.unpriced[0].startswith("everything before: The template is not JSON")


def test_prices_and_assumptions_are_named() -> None:
    source = _costs("network", "", texts("medium")["network"], SYDNEY).source
    assert "ap-southeast-2 (Asia Pacific (Sydney))" in source
    assert "2025-06-30" in source
    assert "not compared with AWS's price list" in source
    assert "size medium" in source


def test_assumptions_of_a_size_and_single_ones_can_be_chosen() -> None:
    small = costs(lambda: _NOW, "small", {"nat_gb": 0})
    cost = small("network", "", texts("small")["network"], SYDNEY)
    assert cost.after == round(62.35 - 2.95, 2)
    with pytest.raises(RejectedError):
        costs(lambda: _NOW, "small", {"nothing": 1})


def test_what_is_deployed_is_counted_with_the_traffic_of_the_size_it_was_deployed_with() -> None:
    before, after = texts("small")["network"], texts("medium")["network"]
    alone = [
        costs(lambda: _NOW, "small")("network", "", before, SYDNEY).after,
        costs(lambda: _NOW, "medium")("network", "", after, SYDNEY).after,
    ]
    cost = costs(lambda: _NOW, "medium", deployed=lambda _: "small")("network", before, after, SYDNEY)
    assert [cost.before, cost.after] == alone


def test_today_decides_what_is_in_extended_support() -> None:
    text = parsed("medium", "cluster")
    text["Resources"]["Cluster"]["Properties"]["UpgradePolicy"] = {"SupportType": "EXTENDED"}
    later = costs(lambda: datetime(2027, 9, 1, tzinfo=UTC))
    now, then = (one("cluster", "", json.dumps(text), SYDNEY).after for one in (_costs, later))
    assert round(then - now, 2) == 365.00  # 730 x 0.50
