"""A port that YAML reads as a number stops Helm where it is encoded into a secret."""

import pytest

from csoc.gen3.rules.database_port_number import check
from csoc.testing.states import environment_state

LOCAL = "global: {dev: false, postgres: {master: {host: db}}}\nfence:\n  enabled: true\n  postgres:\n    port: "


def test_an_unquoted_port_is_found_with_its_line_and_a_patch_that_quotes_it() -> None:
    (hit,) = check(environment_state(LOCAL + "5433\n"))
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 5
    assert [(patch.path, patch.value) for patch in hit.patches] == [(("fence", "postgres", "port"), "5433")]


def test_a_null_is_found_without_a_patch_since_nobody_knows_the_port() -> None:
    (hit,) = check(environment_state(LOCAL + "null\n"))
    assert not hit.patches


@pytest.mark.parametrize(
    "values",
    [
        LOCAL + '"5432"\n',
        LOCAL.replace("enabled: true", "enabled: false") + "5433\n",
        LOCAL.replace("{dev: false", "{externalSecrets: {deploy: true}, dev: false") + "5433\n",
    ],
    ids=["quoted", "service off", "secret from elsewhere"],
)
def test_quiet_where_helm_encodes_no_number(values: str) -> None:
    assert not list(check(environment_state(values)))


def test_quiet_where_the_chart_at_hand_rendered_it() -> None:
    assert not list(check(environment_state(LOCAL + "5433\n", objects=[])))


@pytest.mark.parametrize("values", ["fence: {enabled: true, postgres: text}\n", LOCAL + "[1]\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    assert not list(check(environment_state(values)))
