"""Both sides of a size: csoc writes every setting out, and csoc_infra reads exactly those."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

import pytest

from csoc.fleet.documents.infrastructure import Size
from csoc.provisioning import sizes
from csoc_infra.layers import table
from csoc_infra.settings import read
from tests.infra import environments
from tests.infra.environments import SIZES

GIVEN: Mapping[str, Mapping[str, Any]] = {
    **environments.GIVEN,
    "network": {"cidr": "10.20.0.0/16"},
    "egress": {"allowed": ["quay.io"]},
    "cluster": {
        "link_role": f"arn:aws:iam::{environments.ACCOUNT}:role/csoc-link/CsocLink-{environments.INSTALLATION}-cluster"
    },
    "platform": {},
}
# What csoc's other modules write for each item: they have no size.
ITEMS_OF_OTHERS = ("resources.buckets", "resources.queues", "resources.topics", "resources.roles")
LEFT_OUT_OF_POOLS = ("cluster.pools.labels", "cluster.pools.taints")


def settings(layer: str, size: Size) -> dict[str, Any]:
    return sizes.settings(layer, size, given=GIVEN[layer])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layer", list(table.LAYERS))
def test_every_size_of_every_layer_is_accepted(layer: str, size: Size) -> None:
    read(table.LAYERS[layer].load().Settings, settings(layer, size), f"layers.{layer}.settings")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layer", list(table.LAYERS))
def test_every_setting_is_written_out_so_that_it_can_be_named(layer: str, size: Size) -> None:
    kind = table.LAYERS[layer].load().Settings
    assert missing(kind, settings(layer, size), layer) == []


def missing(kind: Any, value: Any, path: str) -> list[str]:
    """Paths of settings that csoc_infra knows and that a size does not write."""
    if path in ITEMS_OF_OTHERS or path in LEFT_OUT_OF_POOLS:
        return []
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        return sorted({one for item in value for one in missing(inner, item, path)})
    if not dataclasses.is_dataclass(kind) or value is None:
        return []
    hints = typing.get_type_hints(kind)
    found = []
    for field in dataclasses.fields(kind):
        where = f"{path}.{field.name}"
        found += missing(hints[field.name], value[field.name], where) if field.name in value else [where]
    return found


def test_a_setting_that_is_not_written_out_is_found() -> None:
    made = settings("database", "large")
    del made["search"]["volume_gigabytes"], made["log_days"]
    assert missing(table.LAYERS["database"].load().Settings, made, "database") == [
        "database.log_days",
        "database.search.volume_gigabytes",
    ]


@pytest.mark.parametrize("size", SIZES)
def test_search_may_be_left_out_of_every_size(size: Size) -> None:
    made = sizes.settings("database", size, given={"search": None})
    assert read(table.LAYERS["database"].load().Settings, made, "x").search is None


@pytest.mark.parametrize(("zones", "size"), [(2, "large"), (3, "small"), (3, "medium")])
def test_an_environment_of_any_size_fits_into_a_network_of_another(zones: int, size: Size) -> None:
    made = sizes.settings("database", size, given={"zones": zones})
    assert read(table.LAYERS["database"].load().Settings, made, "x").search.zones <= zones
