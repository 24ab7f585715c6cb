"""Services that ask a search server by the name of a proxy that is off."""

from typing import Any

import pytest

from csoc.gen3.rules.search_server_missing import check
from csoc.testing.states import environment_state

VALUES = "global: {dev: false}\nguppy:\n  enabled: true\n  esEndpoint: gen3-elasticsearch-master:9200\n"


def test_guppy_without_a_proxy_is_found_at_its_endpoint() -> None:
    (hit,) = check(environment_state(VALUES))
    assert "guppy" in hit.cause
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 4


def test_aggregated_metadata_and_a_written_etl_mapping_count_too() -> None:
    (hit,) = check(environment_state("global: {dev: false}\nmetadata: {useAggMds: true}\n"))
    assert hit.key == "metadata"
    (hit,) = check(environment_state("global: {dev: false}\netl: {etlMapping: {mappings: [{name: a}]}}\n"))
    assert hit.key == "etl"


@pytest.mark.parametrize(
    "values",
    [
        VALUES + "aws-es-proxy: {enabled: true}\n",
        VALUES + "aws-sigv4-proxy: {enabled: true}\n",
        VALUES.replace("gen3-elasticsearch-master:9200", "http://search.example.org:9200"),
        VALUES.replace("dev: false", "dev: true"),
        VALUES.replace("enabled: true", "enabled: false"),
        "global: {dev: false}\netl: {enabled: true}\nmetadata: {enabled: true, useAggMds: false}\n",
    ],
    ids=["a proxy", "the other proxy", "a server of its own", "development", "guppy off", "nobody really asks"],
)
def test_quiet_where_there_is_a_server_or_nobody_asks(values: str) -> None:
    assert not list(check(environment_state(values)))


def test_quiet_where_something_else_makes_the_service() -> None:
    service: dict[str, Any] = {"kind": "Service", "metadata": {"name": "gen3-elasticsearch-master"}}
    assert not list(check(environment_state(VALUES, objects=[service])))
    assert list(check(environment_state(VALUES, objects=[])))


@pytest.mark.parametrize(
    "values", ["guppy: text\netl: {etlMapping: 3}\n", "global: {dev: false}\nguppy: {enabled: true, esEndpoint: [1]}\n"]
)
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    list(check(environment_state(values)))
