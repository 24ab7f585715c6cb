"""Databases of two environments on one server, from values."""

from csoc.gen3.rules.database_shared import RULE
from tests.unit.gen3.rules.making import fleet_hits, from_values


def fence(host: str, database: str = "") -> str:
    name = f", database: {database}" if database else ""
    return f"fence:\n  enabled: true\n  postgres: {{host: {host}{name}}}\n"


def test_one_database_on_one_server_is_found() -> None:
    state = from_values(prod=fence("db.example.org", "fence"), staging=fence("db.example.org", "fence"))
    assert [hit.environments for hit in fleet_hits(RULE, state)] == [("prod", "staging")]


def test_quiet_for_two_servers_and_for_the_names_that_the_chart_makes_of_two_releases() -> None:
    assert not fleet_hits(
        RULE, from_values(prod=fence("a.example.org", "fence"), staging=fence("b.example.org", "fence"))
    )
    assert not fleet_hits(RULE, from_values(prod=fence("db.example.org"), staging=fence("db.example.org")))


def test_survives_other_shapes() -> None:
    assert not fleet_hits(RULE, from_values(prod="fence: {postgres: text}\n", staging="fence: {postgres: [1]}\n"))
