"""The credentials of data-upload-cron."""

from csoc.gen3.rules.upload_cron_credentials import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = "data-upload-cron:\n  enabled: true\n"


def test_no_name_is_found() -> None:
    (hit,) = check(environment_state(CASE))
    assert line(hit) == 2


def test_an_empty_name_is_found_where_it_stands() -> None:
    (hit,) = check(environment_state(CASE + "  awsCredsSecret:\n    secretName: ''\n"))
    assert line(hit) == 4


def test_quiet_with_a_name_and_where_it_is_off() -> None:
    assert not list(check(environment_state(CASE + "  awsCredsSecret: {secretName: mine}\n")))
    assert not list(check(environment_state("")))


def test_quiet_where_a_value_file_is_missing() -> None:
    assert not list(check(incomplete(environment_state(CASE))))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "data-upload-cron.awsCredsSecret.secretName"):
        list(check(environment_state(text)))
