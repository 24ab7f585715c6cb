"""The secrets of the DICOM servers."""

import pytest

from csoc.gen3.rules.dicom_secret_not_made import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line


@pytest.mark.parametrize("service", ["orthanc", "dicom-server"])
def test_an_external_secret_without_external_secrets_is_found(service: str) -> None:
    (hit,) = check(environment_state(f"{service}:\n  enabled: true\n"))
    assert (hit.key, line(hit)) == (service, 2)


@pytest.mark.parametrize(("shared", "own", "word"), [("true", "false", "nobody"), ("false", "true", "two parties")])
def test_flags_of_dicom_server_that_contradict_each_other_are_found(shared: str, own: str, word: str) -> None:
    flags = f"{{createK8sOrthancS3G3auto: {shared}, createK8sOrthancG3auto: {own}}}"
    text = f"global: {{externalSecrets: {{deploy: true}}}}\ndicom-server: {{enabled: true, externalSecrets: {flags}}}\n"
    (hit,) = check(environment_state(text))
    assert word in hit.cause


def test_quiet_where_each_secret_has_one_maker() -> None:
    local = "orthanc: {enabled: true, externalSecrets: {createK8sOrthancS3G3auto: true}}\n"
    flags = "{createK8sOrthancS3G3auto: true, createK8sOrthancG3auto: true}"
    both = f"dicom-server: {{enabled: true, externalSecrets: {flags}}}\n"
    assert not list(check(environment_state(local + both)))
    outside = "global: {externalSecrets: {deploy: true}}\n"
    assert not list(check(environment_state(outside + "orthanc: {enabled: true}\ndicom-server: {enabled: true}\n")))


def test_quiet_where_they_are_off_or_a_value_file_is_missing() -> None:
    assert not list(check(environment_state("")))
    assert not list(check(incomplete(environment_state("orthanc: {enabled: true}"))))


def test_quiet_for_orthanc_with_external_secrets_whatever_its_flag() -> None:
    outside = "global: {externalSecrets: {deploy: true}}\n"
    for flag in ("true", "false"):
        text = f"orthanc: {{enabled: true, externalSecrets: {{createK8sOrthancS3G3auto: {flag}}}}}\n"
        assert not list(check(environment_state(outside + text)))


def test_the_second_flag_counts_with_external_secrets_only() -> None:
    text = "dicom-server: {enabled: true, externalSecrets: {createK8sOrthancS3G3auto: true}}\n"
    assert not list(check(environment_state(text)))


def test_survives_wrong_types() -> None:
    for text in hostile(
        "dicom-server: {enabled: true}", "dicom-server.externalSecrets.createK8sOrthancG3auto", "global"
    ):
        list(check(environment_state(text)))
