"""The credentials of cedar's ingestion."""

from csoc.gen3.rules.cedar_ingestion_credentials import check
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line, workload

CASE = "cedar:\n  enabled: true\n"
OUTSIDE = "global: {externalSecrets: {deploy: true}}\n"
INGESTION = "cedar_client_credentials.json"


def cedar(values: str, key: str = INGESTION) -> EnvironmentState:
    """Cedar with a job that takes this key from its secret."""
    reference = {"secretKeyRef": {"name": "cedar-g3auto", "key": key}}
    job = workload("cedar-ingestion", kind="CronJob", env=[{"name": "CEDAR", "valueFrom": reference}])
    return environment_state(values, objects=[job])


def test_the_charts_own_secret_is_found_with_external_secrets_too_since_that_is_its_default() -> None:
    assert [line(hit) for hit in check(cedar(CASE))] == [2]
    assert [line(hit) for hit in check(cedar(OUTSIDE + CASE))] == [3]


def test_quiet_where_the_secret_is_in_secrets_manager() -> None:
    flag = "  externalSecrets: {createCedarClientSecret: false}\n"
    assert not list(check(cedar(OUTSIDE + CASE + flag)))


def test_quiet_without_the_ingestion_without_cedar_and_with_a_missing_value_file() -> None:
    assert not list(check(environment_state(CASE, objects=[])))
    assert not list(check(cedar("")))
    assert not list(check(incomplete(cedar(CASE))))


def test_quiet_with_a_version_of_the_chart_whose_ingestion_takes_another_key_and_where_nothing_was_rendered() -> None:
    assert not list(check(cedar(CASE, "client_id")))
    assert not list(check(environment_state(CASE)))


def test_the_flag_is_the_place_where_it_is_written() -> None:
    (hit,) = check(cedar(CASE + "  externalSecrets:\n    createCedarClientSecret: true\n"))
    assert line(hit) == 4


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "cedar.enabled", "cedar.externalSecrets.createCedarClientSecret"):
        list(check(cedar(text)))
