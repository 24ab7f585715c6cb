"""Database ports that some services do not use."""

from dataclasses import replace

import pytest

from csoc.gen3.rules.postgres_port_ignored import check
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line, rendered_by, workload

OUTSIDE = "global:\n  dev: false\n"
ADDRESS = "postgresql://$(PGUSER)@$(PGHOST):5432/$(PGDB)"


def running(values: str, address: str = ADDRESS) -> EnvironmentState:
    """An environment whose fence and wts find their database at this address."""
    return rendered_by(
        {name: [workload(name, env=[{"name": "DB", "value": address}])] for name in ("fence", "wts")}, values
    )


def test_a_services_own_port_is_found() -> None:
    (hit,) = check(running(OUTSIDE + "fence:\n  postgres:\n    port: '6432'\n"))
    assert (hit.key, line(hit)) == ("fence", 5)


def test_the_port_for_all_is_found_for_those_that_are_on() -> None:
    (hit,) = check(running(OUTSIDE + "  postgres: {master: {port: 6432}}\nwts: {enabled: false}\n"))
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
    assert not list(check(running(OUTSIDE + text)))


@pytest.mark.parametrize("address", ["postgresql://$(PGHOST):$(PGPORT)/x", "x:54321/y", "x15432", ""])
def test_quiet_with_a_version_of_the_chart_whose_deployments_take_the_port(address: str) -> None:
    assert not list(check(running(OUTSIDE + "  postgres: {master: {port: 6432}}\n", address)))


def test_a_port_of_its_own_in_the_environment_is_found_too() -> None:
    assert [hit.key for hit in check(running(OUTSIDE + "  postgres: {master: {port: 6432}}\n", "5432"))] == [
        "fence wts"
    ]


def test_quiet_where_nothing_was_rendered() -> None:
    assert not list(check(environment_state(OUTSIDE + "  postgres: {master: {port: 6432}}\n")))


def test_quiet_in_development_where_the_server_is_the_charts() -> None:
    assert not list(check(running("global: {dev: true}\nfence: {postgres: {port: '6432'}}")))


def test_a_services_own_port_is_told_before_the_one_for_all() -> None:
    text = OUTSIDE + "  postgres: {master: {port: 6432}}\nfence: {postgres: {port: 6433}}\n"
    assert [hit.key for hit in check(running(text))] == ["fence"]


def test_quiet_for_defaults_that_nobody_wrote_and_for_null() -> None:
    defaults = {"fence": {"postgres": {"port": "6432"}}, "global": {"postgres": {"master": {"port": "6432"}}}}
    state = replace(running(OUTSIDE), merged=defaults)
    assert not list(check(state))
    assert not list(check(running(OUTSIDE + "fence: {postgres: {port: null}}\n")))


def test_survives_wrong_types() -> None:
    for text in hostile(OUTSIDE, "fence.postgres.port", "global.postgres.master.port"):
        list(check(running(text)))
