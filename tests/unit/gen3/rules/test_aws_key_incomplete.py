"""Halves of AWS keys."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.aws_key_incomplete import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line


def test_a_secret_half_alone_is_found_and_not_shown() -> None:
    (hit,) = check(environment_state("global:\n  aws:\n    awsSecretAccessKey: hidden-word\n"))
    assert (hit.key, line(hit), hit.severity) == ("global.aws awsSecretAccessKey", 3, None)
    assert "hidden-word" not in hit.cause + hit.evidence[0].text


def test_an_id_alone_does_nothing() -> None:
    (hit,) = check(environment_state("global: {aws: {awsAccessKeyId: AKIA}}"))
    assert hit.severity is Severity.LOW


def test_a_services_own_half_is_found() -> None:
    (hit,) = check(environment_state("fence: {secrets: {awsSecretAccessKey: x}}"))
    assert hit.key == "fence.secrets awsSecretAccessKey"


def test_quiet_for_whole_keys_and_for_none() -> None:
    assert not list(check(environment_state("global: {aws: {awsAccessKeyId: a, awsSecretAccessKey: b}}")))
    assert not list(check(environment_state("")))


def test_quiet_where_the_global_half_completes_it() -> None:
    text = "global: {aws: {awsAccessKeyId: a, awsSecretAccessKey: b}}\nfence: {secrets: {awsSecretAccessKey: c}}"
    assert not list(check(environment_state(text)))


def test_quiet_where_keys_come_from_secrets_manager_or_the_service_is_off() -> None:
    outside = "global: {aws: {awsSecretAccessKey: x, externalSecrets: {enabled: true}}}"
    assert not list(check(environment_state(outside)))
    assert not list(check(environment_state("guppy: {enabled: false, secrets: {awsSecretAccessKey: x}}")))


def test_quiet_where_the_other_half_is_global() -> None:
    whole = "global: {aws: {awsAccessKeyId: a, awsSecretAccessKey: b}}\n"
    assert not list(check(environment_state(whole + "fence: {secrets: {awsAccessKeyId: c}}")))


def test_an_id_of_a_services_own_does_nothing_by_itself() -> None:
    (hit,) = check(environment_state("fence: {secrets: {awsAccessKeyId: c}}"))
    assert hit.severity is Severity.LOW
    assert "not used" in hit.consequence


def test_a_global_half_is_one_hit_and_not_one_for_each_service() -> None:
    text = "global: {aws: {awsSecretAccessKey: x}}\nfence: {secrets: {awsAccessKeyId: a, awsSecretAccessKey: b}}"
    assert [hit.key for hit in check(environment_state(text))] == ["global.aws awsSecretAccessKey"]


def test_survives_wrong_types() -> None:
    for text in hostile("", "global.aws.awsSecretAccessKey", "fence.secrets.awsAccessKeyId"):
        list(check(environment_state(text)))
