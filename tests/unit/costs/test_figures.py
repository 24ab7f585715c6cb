"""What a cluster with one environment costs in Sydney, worked out by hand from sizes, prices and assumptions.

Each line is an amount as a bill would have it: how many, times what else, times the price. The code that they judge
did not make them.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from csoc.costs.estimate import estimate
from csoc.costs.lines import Kind, total
from csoc.fleet.documents.infrastructure import Size
from tests.unit.costs.sized import SIZES, basis, texts

_FIGURES: dict[Size, dict[str, tuple[str, str]]] = {
    "small": {
        "network": ("62.35", """
            2 x 0.67 = 1.34
            2 x 0.15 x 1 x 0.033 = 0.01
            730 x 0.005 = 3.65
            730 x 0.059 = 43.07
            50 x 0.059 = 2.95
            5 = 5.00
            5 x 1 = 5.00
            1 x 0.60 = 0.60
            1 x 0.67 = 0.67
            1 x 0.15 x 12 x 0.033 = 0.06
        """),
        "cluster": ("438.54", """
            730 x 0.10 = 73.00
            5 x 0.67 = 3.35
            5 x 0.15 x 1 x 0.033 = 0.02
            2.2 x 730 x 0.2112 = 339.19
            0 x 2.4 x 730 x 0.05 = 0.00
            2.2 x 80 x 0.096 = 16.90
            2.2 x 7 x 0.30 = 4.62
            1 = 1.00
            2 x 0.03 = 0.06
            20 x 2 x 0.01 = 0.40
        """),
        "database": ("143.62", """
            10 x 0.11 = 1.10
            10 x 0.22 = 2.20
            10 x 0.023 = 0.23
            0.65 x 730 x 0.20 = 94.90
            1 x 0.67 = 0.67
            1 x 0.15 x 1 x 0.033 = 0.00
            1 = 1.00
            2 x 0.03 = 0.06
            0.40 = 0.40
            1 x 0.05 = 0.05
            730 x 0.056 = 40.88
            10 x 0.1464 = 1.46
            1 x 0.67 = 0.67
            1 x 0.15 x 1 x 0.033 = 0.00
        """),
        "credentials": ("2.41", """
            1 = 1.00
            2 x 0.03 = 0.06
            0.40 = 0.40
            1 x 0.05 = 0.05
            0.40 = 0.40
            1 x 0.05 = 0.05
            0.40 = 0.40
            1 x 0.05 = 0.05
        """),
        "resources": ("2.70", """
            1 x 0.025 = 0.03
            20 x 0.025 = 0.50
            10 x 0.0055 = 0.06
            100 x 0.00044 = 0.04
            20 x 0.025 = 0.50
            10 x 0.0055 = 0.06
            100 x 0.00044 = 0.04
            1 = 1.00
            2 x 0.03 = 0.06
            0 = 0.00
            0.5 x 0.40 = 0.20
            0.5 x 0.40 = 0.20
            0 = 0.00
            0.01 x 0.50 = 0.01
        """),
        "edge": ("44.23", """
            5 = 5.00
            7 x 1 = 7.00
            1 x 0.60 = 0.60
            1 x 0.67 = 0.67
            1 x 0.15 x 12 x 0.033 = 0.06
            730 x 0.0252 = 18.40
            0.5 x 730 x 0.008 = 2.92
            2 x 730 x 0.005 = 7.30
            20 x 0.114 = 2.28
        """),
    },
    "medium": {
        "network": ("135.08", """
            10 x 0.67 = 6.70
            10 x 0.15 x 12 x 0.033 = 0.59
            730 x 0.005 = 3.65
            730 x 0.005 = 3.65
            730 x 0.059 = 43.07
            150 x 0.059 = 8.85
            730 x 0.059 = 43.07
            150 x 0.059 = 8.85
            5 = 5.00
            5 x 1 = 5.00
            5 x 0.60 = 3.00
            5 x 0.67 = 3.35
            5 x 0.15 x 12 x 0.033 = 0.30
        """),
        "cluster": ("921.65", """
            730 x 0.10 = 73.00
            15 x 0.67 = 10.05
            15 x 0.15 x 12 x 0.033 = 0.89
            3.5 x 730 x 0.24 = 613.20
            3.5 x 80 x 0.096 = 26.88
            3.5 x 7 x 0.30 = 7.35
            1 x 730 x 0.24 = 175.20
            1 x 80 x 0.096 = 7.68
            1 x 7 x 0.30 = 2.10
            1 = 1.00
            10 x 0.03 = 0.30
            200 x 2 x 0.01 = 4.00
        """),
        "database": ("775.77", """
            50 x 0.11 = 5.50
            50 x 0.22 = 11.00
            50 x 0.023 = 1.15
            1.7 x 730 x 0.20 = 248.20
            1.7 x 730 x 0.20 = 248.20
            3 x 0.67 = 2.01
            3 x 0.15 x 12 x 0.033 = 0.18
            1 = 1.00
            10 x 0.03 = 0.30
            0.40 = 0.40
            2 x 0.05 = 0.10
            2 x 730 x 0.165 = 240.90
            2 x 50 x 0.1464 = 14.64
            3 x 0.67 = 2.01
            3 x 0.15 x 12 x 0.033 = 0.18
        """),
        "credentials": ("2.80", """
            1 = 1.00
            10 x 0.03 = 0.30
            0.40 = 0.40
            2 x 0.05 = 0.10
            0.40 = 0.40
            2 x 0.05 = 0.10
            0.40 = 0.40
            2 x 0.05 = 0.10
        """),
        "resources": ("29.26", """
            5 x 0.025 = 0.13
            500 x 0.025 = 12.50
            100 x 0.0055 = 0.55
            1000 x 0.00044 = 0.44
            500 x 0.025 = 12.50
            100 x 0.0055 = 0.55
            1000 x 0.00044 = 0.44
            1 = 1.00
            10 x 0.03 = 0.30
            0 = 0.00
            1 x 0.40 = 0.40
            1 x 0.40 = 0.40
            0 = 0.00
            0.1 x 0.50 = 0.05
        """),
        "edge": ("72.99", """
            5 = 5.00
            7 x 1 = 7.00
            5 x 0.60 = 3.00
            5 x 0.67 = 3.35
            5 x 0.15 x 12 x 0.033 = 0.30
            730 x 0.0252 = 18.40
            1 x 730 x 0.008 = 5.84
            2 x 730 x 0.005 = 7.30
            200 x 0.114 = 22.80
        """),
    },
    "large": {
        "network": ("561.09", """
            3 x 730 x 0.013 = 28.47
            1000 / 7 x 0.01 = 1.43
            3 x 730 x 0.013 = 28.47
            1000 / 7 x 0.01 = 1.43
            3 x 730 x 0.013 = 28.47
            1000 / 7 x 0.01 = 1.43
            3 x 730 x 0.013 = 28.47
            1000 / 7 x 0.01 = 1.43
            3 x 730 x 0.013 = 28.47
            1000 / 7 x 0.01 = 1.43
            3 x 730 x 0.013 = 28.47
            1000 / 7 x 0.01 = 1.43
            3 x 730 x 0.013 = 28.47
            1000 / 7 x 0.01 = 1.43
            60 x 0.67 = 40.20
            60 x 0.15 x 12 x 0.033 = 3.56
            730 x 0.005 = 3.65
            730 x 0.005 = 3.65
            730 x 0.005 = 3.65
            730 x 0.059 = 43.07
            2000 / 3 x 0.059 = 39.33
            730 x 0.059 = 43.07
            2000 / 3 x 0.059 = 39.33
            730 x 0.059 = 43.07
            2000 / 3 x 0.059 = 39.33
            5 = 5.00
            5 x 1 = 5.00
            30 x 0.60 = 18.00
            30 x 0.67 = 20.10
            30 x 0.15 x 12 x 0.033 = 1.78
        """),
        "cluster": ("2808.64", """
            730 x 0.10 = 73.00
            40 x 0.67 = 26.80
            40 x 0.15 x 12 x 0.033 = 2.38
            4.2 x 730 x 0.48 = 1471.68
            4.2 x 120 x 0.096 = 48.38
            4.2 x 7 x 0.30 = 8.82
            3 x 730 x 0.302 = 661.38
            3 x 120 x 0.096 = 34.56
            3 x 7 x 0.30 = 6.30
            3 x 730 x 0.444 x 0.4 = 388.94
            3 x 200 x 0.096 = 57.60
            3 x 7 x 0.30 = 6.30
            1 = 1.00
            50 x 0.03 = 1.50
            1000 x 2 x 0.01 = 20.00
        """),
        "database": ("3183.23", """
            300 x 0.11 = 33.00
            400 x 0.22 = 88.00
            300 x 0.023 = 6.90
            5 x 730 x 0.20 = 730.00
            5 x 730 x 0.20 = 730.00
            5 x 730 x 0.20 = 730.00
            10 x 0.67 = 6.70
            10 x 0.15 x 12 x 0.033 = 0.59
            1 = 1.00
            50 x 0.03 = 1.50
            0.40 = 0.40
            4 x 0.05 = 0.20
            3 x 730 x 0.202 = 442.38
            3 x 730 x 0.165 = 361.35
            3 x 100 x 0.1464 = 43.92
            10 x 0.67 = 6.70
            10 x 0.15 x 12 x 0.033 = 0.59
        """),
        "credentials": ("4.30", """
            1 = 1.00
            50 x 0.03 = 1.50
            0.40 = 0.40
            4 x 0.05 = 0.20
            0.40 = 0.40
            4 x 0.05 = 0.20
            0.40 = 0.40
            4 x 0.05 = 0.20
        """),
        "resources": ("525.95", """
            30 x 0.025 = 0.75
            10000 x 0.025 = 250.00
            1000 x 0.0055 = 5.50
            10000 x 0.00044 = 4.40
            10000 x 0.025 = 250.00
            1000 x 0.0055 = 5.50
            10000 x 0.00044 = 4.40
            1 = 1.00
            50 x 0.03 = 1.50
            0 = 0.00
            3 x 0.40 = 1.20
            3 x 0.40 = 1.20
            0 = 0.00
            1 x 0.50 = 0.50
        """),
        "edge": ("332.59", """
            5 = 5.00
            7 x 1 = 7.00
            30 x 0.60 = 18.00
            30 x 0.67 = 20.10
            30 x 0.15 x 12 x 0.033 = 1.78
            730 x 0.0252 = 18.40
            4 x 730 x 0.008 = 23.36
            3 x 730 x 0.005 = 10.95
            2000 x 0.114 = 228.00
        """),
    },
}  # fmt: skip
_WHOLE = {"small": "693.85", "medium": "1937.55", "large": "7415.80"}


def _by_hand(layer: str, size: Size) -> list[Decimal]:
    _, lines = _FIGURES[size].get(layer, ("", ""))
    return [Decimal(line.rpartition("= ")[2]) for line in lines.strip().splitlines()]


@pytest.mark.parametrize("size", SIZES)
def test_every_line_of_every_layer_is_what_it_was_worked_out_to_be_by_hand(size: Size) -> None:
    for layer, text in texts(size).items():
        found = estimate(text, basis(size), layer=layer)
        priced = sorted(line.usd.usual for line in found.of(Kind.PRICED))
        assert priced == sorted(_by_hand(layer, size)), layer


@pytest.mark.parametrize("size", SIZES)
def test_every_layer_costs_the_sum_that_was_worked_out_by_hand(size: Size) -> None:
    found = {layer: str(estimate(text, basis(size), layer=layer).usd.usual) for layer, text in texts(size).items()}
    assert found == {"platform": "0", **{layer: summed for layer, (summed, _) in _FIGURES[size].items()}}
    assert str(sum(Decimal(one) for one in found.values())) == _WHOLE[size]


@pytest.mark.parametrize("size", SIZES)
def test_a_total_is_the_sum_of_its_lines(size: Size) -> None:
    for layer, text in texts(size, proxies=True).items():
        found = estimate(text, basis(size), layer=layer)
        for which in ("low", "usual", "high"):
            assert getattr(found.usd, which) == sum(getattr(line.usd, which) for line in found.lines)
        assert found.usd == total(found.lines)


def test_proxies_in_place_of_nat_change_the_network_and_add_their_layer() -> None:
    # Two machines, their disks, metrics, two addresses each, an alarm with its metric each, a key, a topic, logs.
    machines = 2 * (Decimal("15.48") + Decimal("1.92") + Decimal("2.10") + 2 * Decimal("3.65") + Decimal("0.40"))
    others = Decimal("1.00") + Decimal("0.30") + Decimal("0.05") + Decimal("2.01") + Decimal("0.18")
    found = texts("medium", proxies=True)
    assert estimate(found["egress"], basis("medium"), layer="egress").usd.usual == machines + others
    without = 2 * (Decimal("43.07") + Decimal("8.85") + Decimal("3.65"))
    network = estimate(found["network"], basis("medium"), layer="network").usd.usual
    assert network == Decimal(_FIGURES["medium"]["network"][0]) - without


def test_a_medium_cluster_with_one_commons_is_in_the_range_that_the_field_reports() -> None:
    """A working group of operators of Gen3 names 800 to 2000 USD a month for an account with a commons."""
    found = [estimate(text, basis("medium"), layer=layer).usd for layer, text in texts("medium").items()]
    assert 800 < sum(one.usual for one in found) < 2000
    assert sum(one.low for one in found) > 800


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-2"])
@pytest.mark.parametrize("size", SIZES)
def test_other_regions_leave_nothing_more_without_a_price_than_sydney_does(region: str, size: Size) -> None:
    for layer, text in texts(size, proxies=True).items():
        there, here = (estimate(text, basis(size, region=one), layer=layer) for one in (region, "ap-southeast-2"))
        assert [line.what for line in there.of(Kind.UNPRICED)] == [line.what for line in here.of(Kind.UNPRICED)]
        assert (there.usd.usual > 0) == (here.usd.usual > 0)


def test_the_formula_of_a_line_says_what_was_multiplied() -> None:
    found = estimate(texts("small")["cluster"], basis("small"), layer="cluster")
    (nodes,) = (line for line in found.lines if line.what.startswith("nodes: t3"))
    assert nodes.words == "2.2 (2 to 4) nodes x 730 hours x 0.2112 (0.1901 to 0.2112) USD per hour"
    assert (str(nodes.usd.low), str(nodes.usd.high)) == ("277.55", "616.70")


def test_nothing_in_a_template_is_without_a_line() -> None:
    for size in SIZES:
        for layer, text in texts(size, proxies=True).items():
            lines = estimate(text, basis(size), layer=layer).lines
            assert {line.resource for line in lines} - {""} == set(json.loads(text)["Resources"])
            assert all(line.words for line in lines)
