"""Sizes and single settings: everything that a size says can be named and changed, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.fleet.documents.infrastructure import Size
from csoc.provisioning import sizes
from csoc.provisioning.layers import LAYERS

SIZES: tuple[Size, ...] = get_args(Size)
GIVEN: dict[str, dict[str, Any]] = {
    "network": {"cidr": "10.20.0.0/16"},
    "egress": {"allowed": ["quay.io"]},
    "cluster": {"link_role": "arn:aws:iam::111111111111:role/csoc-link/CsocLink-f1b2c3d4e5-cluster"},
    "credentials": {"secrets": ["fence-config"]},
    "resources": {"hostname": "a.example.org", "buckets": [], "queues": [], "topics": [], "roles": []},
    "edge": {"hostname": "a.example.org"},
}


def made(layer: str, size: Size = "medium", **overrides: Any) -> dict[str, Any]:
    return changed(layer, overrides, size)


def changed(layer: str, overrides: Mapping[str, Any], size: Size = "medium") -> dict[str, Any]:
    return sizes.settings(layer, size, given=GIVEN.get(layer, {}), overrides=overrides)


def refused(layer: str, **overrides: Any) -> RejectedError:
    with pytest.raises(RejectedError) as error:
        made(layer, **overrides)
    return error.value


def test_every_layer_with_a_stack_has_sizes() -> None:
    assert list(sizes.GIVEN) == [name for name, layer in LAYERS.items() if layer.has_stack]
    assert SIZES == ("small", "medium", "large")


def test_sizes_grow() -> None:
    for layer, path in (
        ("network", "zones"),
        ("database", "maximum_capacity"),
        ("database", "readers"),
        ("database", "backup_days"),
    ):
        found = [made(layer, size)[path] for size in SIZES]
        assert found == sorted(found)
    assert [made("database", size)["search"]["nodes"] for size in SIZES] == [1, 2, 3]
    assert [len(made("cluster", size)["pools"]) for size in SIZES] == [1, 2, 3]
    assert [bool(made("network", size)["interface_endpoints"]) for size in SIZES] == [False, False, True]


def test_a_single_setting_changes_itself_only() -> None:
    before, after = made("database"), made("database", maximum_capacity=16)
    assert after.pop("maximum_capacity") == 16.0
    assert before.pop("maximum_capacity") != 16.0
    assert before == after


def test_parts_and_items_of_lists_are_named_by_a_path() -> None:
    assert changed("database", {"search.node_type": "r6g.large.search"})["search"]["node_type"] == "r6g.large.search"
    pools = {one["name"]: one for one in changed("cluster", {"pools.jupyter.largest": 40})["pools"]}
    assert (pools["jupyter"]["largest"], pools["general"]["largest"]) == (40, 8)
    groups = changed("edge", {"web_acl.groups.AWSManagedRulesSQLiRuleSet.counted": ["SQLi_BODY"]})["web_acl"]["groups"]
    assert next(one["counted"] for one in groups if one["name"].endswith("SQLiRuleSet")) == ["SQLi_BODY"]


def test_what_a_size_says_is_not_changed_by_what_somebody_changes_of_it() -> None:
    first = changed("cluster", {"pools.general.largest": 99})
    first["pools"].clear()
    assert made("cluster")["pools"][0]["largest"] == 8


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("maximum_capacty", "maximum_capacity"),
        ("search.node_typ", "search.node_type"),
        ("reader", "readers"),
        ("backup_dys", "backup_days"),
    ],
)
def test_a_path_that_nobody_knows_is_refused_with_the_nearest(path: str, nearest: str) -> None:
    error = refused("database", **{path: 1})
    assert error.place == f"layers.database.settings.{path}"
    assert error.fix == f"Did you mean {nearest}?"


@pytest.mark.parametrize(
    ("layer", "path", "value", "said"),
    [
        ("database", "readers", 1.5, "a whole number is wanted"),
        ("database", "readers", True, "a whole number is wanted"),
        ("database", "readers", "2", "a whole number is wanted"),
        ("database", "maximum_capacity", float("nan"), "a number is wanted"),
        ("database", "deletion_protection", 0, "true or false is wanted"),
        ("database", "engine_version", 16.11, "a text is wanted"),
        ("edge", "allowed", "203.0.113.0/24", "a list of texts is wanted"),
        ("edge", "allowed", [1], "a list of texts is wanted"),
        ("database", "search", "none", "only its parts can be set"),
        ("cluster", "pools", [], "only its parts can be set"),
    ],
)
def test_a_value_of_another_kind_is_refused(layer: str, path: str, value: Any, said: str) -> None:
    error = refused(layer, **{path: value})
    assert said in error.cause
    assert error.place == f"layers.{layer}.settings.{path}"


def test_search_that_nobody_needs_has_no_settings() -> None:
    assert sizes.settings("database", "large", given={"search": None})["search"] is None
    with pytest.raises(RejectedError):
        sizes.settings("database", "large", given={"search": None}, overrides={"search.nodes": 3})


def test_search_is_in_no_more_zones_than_the_network_and_even_in_each() -> None:
    search = sizes.settings("database", "large", given={"zones": 2})["search"]
    assert (search["zones"], search["nodes"]) == (2, 4)


@pytest.mark.parametrize("layer", [name for name, needed in sizes.GIVEN.items() if needed])
def test_what_no_size_knows_has_to_be_given(layer: str) -> None:
    with pytest.raises(RejectedError, match="no size knows it") as error:
        sizes.settings(layer, "small")
    assert error.value.place == f"layers.{layer}.settings.{sizes.GIVEN[layer][0]}"


def test_what_is_given_under_a_name_that_there_is_not_is_refused() -> None:
    with pytest.raises(RejectedError, match="no such setting"):
        sizes.settings("edge", "small", given={"hostname": "a.example.org", "host_name": "b.example.org"})


def test_a_layer_without_a_stack_has_no_sizes() -> None:
    with pytest.raises(RejectedError, match="has no sizes"):
        sizes.settings("gen3", "small")


@given(st.text(max_size=400), st.sampled_from(sorted(sizes.GIVEN)))
def test_no_path_does_anything_but_change_a_setting_or_be_refused(path: str, layer: str) -> None:
    if path in set(sizes.paths(made(layer))):
        return
    error = refused(layer, **{path: "x"})
    assert len(str(error)) < 1_000
    assert error.place.isprintable()
