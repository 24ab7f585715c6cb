"""Jobs that create databases need the master user's host and password."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.database_login_missing import check
from csoc.testing.states import environment_state

VALUES = "global:\n  dev: false\n  postgres:\n    dbCreate: true\n    master: {host: db.example.org}\n"


def test_databases_to_create_without_a_password_are_found_at_the_switch() -> None:
    (hit,) = check(environment_state(VALUES))
    assert "global.postgres.master.password" in hit.cause
    assert hit.severity is Severity.HIGH
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 4


def test_it_weighs_less_where_services_get_their_credentials_from_elsewhere() -> None:
    (hit,) = check(environment_state(VALUES + "  externalSecrets: {deploy: true}\n"))
    assert hit.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "values",
    [
        VALUES.replace("dbCreate: true", "dbCreate: false"),
        VALUES.replace("dev: false", "dev: true"),
        VALUES + "    externalSecret: master-password\n",
        VALUES.replace("db.example.org}", "db.example.org, password: x}"),
    ],
    ids=["nothing to create", "development", "an external secret", "a password"],
)
def test_quiet_where_the_jobs_can_sign_in_or_do_not_run(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize("values", ["global: []\n", "global: {dev: false, postgres: text}\n", "fence: {postgres: 3}\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    list(check(environment_state(values)))
