"""Endpoints in a form that their reader cannot use."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.search_endpoint_unusable import check
from csoc.testing.states import environment_state


def proxy(endpoint: str, name: str = "aws-es-proxy") -> str:
    return f"{name}:\n  enabled: true\n  esEndpoint: {endpoint}\n"


@pytest.mark.parametrize("name", ["aws-es-proxy", "aws-sigv4-proxy"])
@pytest.mark.parametrize("endpoint", ["test.us-east-1.es.amazonaws.com", '""', "null"])
def test_a_proxy_with_the_chart_s_placeholder_or_nothing_is_found_at_its_line(name: str, endpoint: str) -> None:
    (hit,) = check(environment_state(proxy(endpoint, name)))
    assert hit.key == f"{name} placeholder"
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 3


def test_a_scheme_is_found_and_a_patch_takes_it_off() -> None:
    (hit,) = check(environment_state(proxy("https://vpc-alpha.us-east-1.es.amazonaws.com/")))
    assert [patch.value for patch in hit.patches] == ["vpc-alpha.us-east-1.es.amazonaws.com"]


def test_a_port_in_the_etl_s_endpoint_breaks_its_clean_up_alone() -> None:
    (hit,) = check(environment_state("etl: {enabled: true, esEndpoint: 'elasticsearch:9200'}\n"))
    assert hit.severity is Severity.LOW


@pytest.mark.parametrize(
    "values",
    [
        proxy("vpc-alpha.us-east-1.es.amazonaws.com"),
        proxy("https://x").replace("enabled: true", "enabled: false"),
        "etl: {enabled: true, esEndpoint: elasticsearch}\n",
        "guppy: {enabled: true, esEndpoint: 'http://elasticsearch:9200'}\n",
        "metadata: {enabled: true, esEndpoint: 'http://elasticsearch:9200'}\n",
    ],
    ids=["a host", "proxy off", "a host for the ETL", "guppy takes addresses", "metadata takes addresses"],
)
def test_quiet_for_endpoints_that_their_reader_can_use(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize("values", [proxy("[1]"), "etl: {esEndpoint: {a: 1}}\n", "aws-es-proxy: x\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    list(check(environment_state(values)))
