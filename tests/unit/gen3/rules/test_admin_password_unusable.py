"""The password for /mds-admin that the chart makes."""

import base64

import pytest

from csoc.gen3.rules.admin_password_unusable import check
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, hostile_objects, incomplete, line, made

OUTSIDE = "global:\n  externalSecrets:\n    deploy: true\n"
KEPT = OUTSIDE + "metadata:\n  externalSecrets:\n    createK8sMetadataSecret: true\n"


def secret(text: str) -> dict[str, object]:
    return made("Secret", "metadata-g3auto", stringData={"base64Authz.txt": base64.b64encode(text.encode()).decode()})


def with_password(values: str, text: str = '"gateway:secret"') -> EnvironmentState:
    return environment_state(values, objects=[secret(text)])


@pytest.mark.parametrize(("values", "number"), [(KEPT, 6), (OUTSIDE.replace("true", "false"), 3)])
def test_quotes_inside_the_encoding_are_found_at_the_flag_that_keeps_the_secret(values: str, number: int) -> None:
    (hit,) = check(with_password(values))
    assert line(hit) == number
    assert "gateway:secret" not in hit.cause + hit.evidence[0].text


def test_quiet_with_a_version_of_the_chart_that_encodes_the_password_alone() -> None:
    assert not list(check(with_password(KEPT, "gateway:secret")))


def test_quiet_where_the_secret_is_in_secrets_manager_or_nothing_was_rendered() -> None:
    assert not list(check(environment_state(OUTSIDE, objects=[])))
    assert not list(check(environment_state(KEPT)))


def test_quiet_without_metadata_without_a_proxy_and_with_a_missing_value_file() -> None:
    assert not list(check(with_password("metadata: {enabled: false}")))
    assert not list(check(with_password("revproxy: {enabled: false}")))
    assert not list(check(incomplete(with_password(""))))


def test_survives_wrong_types() -> None:
    for text in hostile("", "metadata.externalSecrets.createK8sMetadataSecret", "global.externalSecrets.deploy"):
        list(check(with_password(text)))
    for body in hostile_objects(secret('"a"')):
        list(check(environment_state(KEPT, objects=[body])))
