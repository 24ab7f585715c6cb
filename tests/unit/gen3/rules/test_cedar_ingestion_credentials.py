"""The credentials of cedar's ingestion."""

from csoc.gen3.rules.cedar_ingestion_credentials import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = "cedar:\n  enabled: true\n"
OUTSIDE = "global: {externalSecrets: {deploy: true}}\n"


def test_the_charts_own_secret_is_found_with_external_secrets_too_since_that_is_its_default() -> None:
    assert [line(hit) for hit in check(environment_state(CASE))] == [2]
    assert [line(hit) for hit in check(environment_state(OUTSIDE + CASE))] == [3]


def test_quiet_where_the_secret_is_in_secrets_manager() -> None:
    flag = "  externalSecrets: {createCedarClientSecret: false}\n"
    assert not list(check(environment_state(OUTSIDE + CASE + flag)))


def test_quiet_without_the_ingestion_without_cedar_and_with_a_missing_value_file() -> None:
    assert not list(check(environment_state(CASE + "  cedarIngestion: {enabled: false}\n")))
    assert not list(check(environment_state("")))
    assert not list(check(incomplete(environment_state(CASE))))


def test_the_flag_is_the_place_where_it_is_written() -> None:
    (hit,) = check(environment_state(CASE + "  externalSecrets:\n    createCedarClientSecret: true\n"))
    assert line(hit) == 4


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "cedar.cedarIngestion.enabled", "cedar.externalSecrets.createCedarClientSecret"):
        list(check(environment_state(text)))
