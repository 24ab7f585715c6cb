"""Everything that csoc's layers make is priced, free with a reason, or named as unpriced: nothing is forgotten."""

from __future__ import annotations

import json

from csoc.costs.estimate import estimate
from csoc.costs.lines import NOTHING, Kind
from csoc.costs.pricers.table import FREE, PRICERS
from csoc.costs.prices.catalogue import CATALOGUE
from csoc.costs.prices.tables import price_table, regions
from tests.infra import documents, environments
from tests.unit.costs.sized import SIZES, basis, texts


def _types() -> set[str]:
    """Every type that a layer emits, in every size, with proxies and with what else tests of layers make."""
    found = [text for size in SIZES for text in texts(size, proxies=True).values()]
    found += [
        json.dumps(one) for size in SIZES for one in environments.templates(documents.cluster_document(size)).values()
    ]
    return {one["Type"] for text in found for one in json.loads(text)["Resources"].values()}


def test_every_type_that_layers_emit_has_a_pricer_or_a_reason_why_it_is_free() -> None:
    types = _types()
    assert len(types) > 40
    assert types - set(PRICERS) - set(FREE) == set()


def test_no_type_is_both_priced_and_free() -> None:
    assert set(PRICERS) & set(FREE) == set()
    assert all(reason for reason in FREE.values())


def test_what_the_layers_leave_without_a_price_is_only_what_nobody_can_know() -> None:
    for size in SIZES:
        for layer, text in texts(size, proxies=True).items():
            found = estimate(text, basis(size), layer=layer).of(Kind.UNPRICED)
            expected = ["disks that workspaces and services ask for"] if layer == "cluster" else []
            assert [line.what for line in found] == expected


def test_a_type_without_a_pricer_is_named_and_not_zero_in_silence() -> None:
    text = json.dumps({"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}}}})
    (line,) = estimate(text, basis()).lines
    assert (line.kind, line.resource, line.usd) == (Kind.UNPRICED, "Table", NOTHING)
    assert "AWS::DynamoDB::Table" in line.words


def test_a_resource_without_a_line_of_costs_says_that_it_is_free_and_why() -> None:
    for text in texts("medium", proxies=True).values():
        for line in estimate(text, basis()).of(Kind.FREE):
            assert line.usd == NOTHING
            assert len(line.words) > 15


def test_a_price_that_the_table_lacks_leaves_its_line_unpriced_by_name() -> None:
    text = json.dumps(
        {
            "Resources": {
                "Pool": {
                    "Type": "AWS::EKS::Nodegroup",
                    "Properties": {
                        "InstanceTypes": ["x9.metal"],
                        "ScalingConfig": {"MinSize": 1, "MaxSize": 2},
                        "DiskSize": 10,
                    },
                }
            }
        }
    )
    nodes, disks = estimate(text, basis()).lines
    assert (nodes.kind, nodes.usd) == (Kind.UNPRICED, NOTHING)
    assert nodes.words == "the price table of ap-southeast-2 has no ec2.x9.metal"
    assert disks.kind is Kind.PRICED


def test_every_price_of_every_table_is_in_the_catalogue_and_some_pricer_may_ask_for_it() -> None:
    assert set(regions()) >= {"us-east-1", "us-west-2", "ap-southeast-2", "eu-west-2"}
    for region in regions():
        assert set(price_table(region).prices) <= set(CATALOGUE)
