"""Database ports that some services do not use."""

import pytest

from csoc.gen3.rules.postgres_port_ignored import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line

OUTSIDE = "global:\n  dev: false\n"


def test_a_services_own_port_is_found() -> None:
    (hit,) = check(environment_state(OUTSIDE + "fence:\n  postgres:\n    port: '6432'\n"))
    assert (hit.key, line(hit)) == ("fence", 5)


def test_the_port_for_all_is_found_for_those_that_are_on() -> None:
    (hit,) = check(environment_state(OUTSIDE + "  postgres: {master: {port: 6432}}\nwts: {enabled: false}\n"))
    assert (hit.key, line(hit)) == ("fence", 3)


@pytest.mark.parametrize(
    "text",
    [
        "  postgres: {master: {port: '5432'}}\n",
        "  postgres: {master: {port: 5432}}\n",
        "indexd: {postgres: {port: '6432'}}\n",
        "fence: {enabled: false, postgres: {port: '6432'}}\n",
        "",
    ],
)
def test_quiet_for_the_usual_port_and_for_services_that_use_theirs(text: str) -> None:
    assert not list(check(environment_state(OUTSIDE + text)))


def test_quiet_in_development_where_the_server_is_the_charts() -> None:
    assert not list(check(environment_state("global: {dev: true}\nfence: {postgres: {port: '6432'}}")))


def test_a_services_own_port_is_told_before_the_one_for_all() -> None:
    text = OUTSIDE + "  postgres: {master: {port: 6432}}\nfence: {postgres: {port: 6433}}\n"
    assert [hit.key for hit in check(environment_state(text))] == ["fence"]


def test_quiet_for_defaults_that_nobody_wrote_and_for_null() -> None:
    defaults = {"fence": {"postgres": {"port": "6432"}}, "global": {"postgres": {"master": {"port": "6432"}}}}
    assert not list(check(environment_state(OUTSIDE, defaults=defaults)))
    assert not list(check(environment_state(OUTSIDE + "fence: {postgres: {port: null}}\n")))


def test_survives_wrong_types() -> None:
    for text in hostile(OUTSIDE, "fence.postgres.port", "global.postgres.master.port"):
        list(check(environment_state(text)))
