"""The password for /mds-admin that the chart makes."""

from csoc.gen3.rules.admin_password_unusable import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

OUTSIDE = "global:\n  externalSecrets:\n    deploy: true\n"


def test_the_charts_own_secret_is_found_at_the_flag_that_keeps_it() -> None:
    (hit,) = check(environment_state(OUTSIDE + "metadata:\n  externalSecrets:\n    createK8sMetadataSecret: true\n"))
    assert line(hit) == 6


def test_it_is_found_without_external_secrets() -> None:
    assert list(check(environment_state("")))


def test_quiet_where_the_secret_is_in_secrets_manager() -> None:
    assert not list(check(environment_state(OUTSIDE)))


def test_quiet_without_metadata_without_a_proxy_and_with_a_missing_value_file() -> None:
    assert not list(check(environment_state("metadata: {enabled: false}")))
    assert not list(check(environment_state("revproxy: {enabled: false}")))
    assert not list(check(incomplete(environment_state(""))))


def test_survives_wrong_types() -> None:
    for text in hostile("", "metadata.externalSecrets.createK8sMetadataSecret", "global.externalSecrets.deploy"):
        list(check(environment_state(text)))
