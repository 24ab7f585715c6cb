"""Ingress rules that Kubernetes refuses."""

import pytest

from csoc.gen3.rules.ingress_without_paths import check
from csoc.testing.states import environment_state

GOOD = """\
revproxy:
  enabled: true
  ingress:
    enabled: true
    hosts:
      - host: alpha.example.org
        paths: [{path: /, pathType: Prefix}]
"""


def test_a_host_without_paths_is_found_at_its_line() -> None:
    (hit,) = check(environment_state(GOOD.replace("        paths: [{path: /, pathType: Prefix}]\n", "")))
    assert "alpha.example.org" in hit.cause
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 6


def test_a_path_without_its_type_is_found() -> None:
    assert list(check(environment_state(GOOD.replace(", pathType: Prefix", ""))))


def test_the_chart_s_own_host_has_none() -> None:
    (hit,) = check(environment_state("revproxy: {ingress: {enabled: true}}\n"))
    assert hit.key == "hosts"


@pytest.mark.parametrize(
    "values",
    [
        GOOD,
        GOOD.replace("    enabled: true", "    enabled: false"),
        GOOD.replace("  enabled: true", "  enabled: false", 1),
    ],
    ids=["with paths", "ingress off", "no proxy"],
)
def test_quiet_where_the_rule_is_whole_or_not_made(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize("hosts", ["text", "[1, text]", "{a: 1}", "[{host: [1], paths: text}]"])
def test_survives_shapes_that_nobody_foresaw(hosts: str) -> None:
    list(check(environment_state(f"revproxy: {{ingress: {{enabled: true, hosts: {hosts}}}}}\n")))
