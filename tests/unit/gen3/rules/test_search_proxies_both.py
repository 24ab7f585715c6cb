"""Both signing proxies at once."""

import pytest

from csoc.gen3.rules.search_proxies_both import check
from csoc.testing.states import environment_state


def test_both_proxies_are_found_at_both_lines() -> None:
    (hit,) = check(environment_state("aws-es-proxy:\n  enabled: true\naws-sigv4-proxy:\n  enabled: true\n"))
    assert [item.location.line for item in hit.evidence if item.location] == [2, 4]


@pytest.mark.parametrize(
    "values",
    ["aws-es-proxy: {enabled: true}\n", "aws-es-proxy: {enabled: false}\naws-sigv4-proxy: {enabled: true}\n", "x: 1\n"],
)
def test_quiet_with_one_or_none(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize("values", ["aws-es-proxy: text\naws-sigv4-proxy: [1]\n", "aws-es-proxy: {enabled: {}}\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    assert not list(check(environment_state(values)))
