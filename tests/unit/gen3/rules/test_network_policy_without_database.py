"""Network policies without the database's subnets."""

from csoc.gen3.rules.network_policy_without_database import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = "global:\n  dev: false\n  netPolicy:\n    enabled: true\n    dbSubnets: []\n"


def test_an_empty_list_of_subnets_is_found() -> None:
    (hit,) = check(environment_state(CASE))
    assert line(hit) == 5


def test_a_list_that_is_not_written_is_found_at_the_switch() -> None:
    (hit,) = check(environment_state("global:\n  dev: false\n  netPolicy:\n    enabled: true\n"))
    assert line(hit) == 4


def test_quiet_with_subnets_without_policies_and_in_development() -> None:
    assert not list(check(environment_state(CASE.replace("[]", "[172.1.0.0/24]"))))
    assert not list(check(environment_state(CASE.replace("enabled: true", "enabled: false"))))
    assert not list(check(environment_state(CASE.replace("dev: false", "dev: true"))))


def test_quiet_where_a_value_file_is_missing() -> None:
    assert not list(check(incomplete(environment_state(CASE))))


def test_quiet_where_no_service_needs_a_database() -> None:
    names = ["arborist", "audit", "fence", "indexd", "metadata", "peregrine", "sheepdog", "wts", "etl"]
    off = "".join(f"{name}: {{enabled: false}}\n" for name in names)
    assert not list(check(environment_state(CASE + off)))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "global.netPolicy.enabled", "global.netPolicy.dbSubnets"):
        list(check(environment_state(text)))
