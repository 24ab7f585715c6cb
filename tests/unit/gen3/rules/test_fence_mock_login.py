"""Logins without a password, outside development."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.fence_mock_login import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line

CASE = "fence:\n  FENCE_CONFIG:\n    MOCK_GOOGLE_AUTH: true\n"
PUBLIC = "global: {externalSecrets: {deploy: true}}\nfence: {FENCE_CONFIG_PUBLIC: {MOCK_AUTH: true}}\n"


def test_a_mocked_login_in_production_is_found() -> None:
    (hit,) = check(environment_state(CASE))
    assert (hit.key, line(hit), hit.severity) == ("MOCK_GOOGLE_AUTH", 3, None)


def test_what_the_secret_part_may_overrule_weighs_less_and_says_so() -> None:
    (hit,) = check(environment_state(PUBLIC))
    assert hit.severity is Severity.MEDIUM
    assert "unless the secret" in hit.cause


def test_quiet_in_development() -> None:
    assert not list(check(environment_state(CASE, stage="dev")))
    assert not list(check(environment_state(CASE + "global: {dev: true}\n", stage="")))


def test_quiet_where_the_secret_part_in_values_says_false() -> None:
    text = "fence: {FENCE_CONFIG: {MOCK_AUTH: false}, FENCE_CONFIG_PUBLIC: {MOCK_AUTH: true}}"
    assert not list(check(environment_state(text)))


def test_quiet_for_false_and_for_what_stands_where_nothing_reads_it() -> None:
    outside = "global: {externalSecrets: {deploy: true}}\n"
    assert not list(check(environment_state(outside + CASE)))
    assert not list(check(environment_state(CASE.replace("true", "false"))))


def test_the_reservation_is_made_only_where_it_holds_and_fence_is_on() -> None:
    (hit,) = check(environment_state(CASE))
    assert "unless" not in hit.cause
    assert not list(check(environment_state(CASE + "  enabled: false\n")))


def test_survives_wrong_types() -> None:
    for text in hostile("", "fence.FENCE_CONFIG.MOCK_AUTH", "fence.FENCE_CONFIG_PUBLIC.MOCK_AUTH", "global.dev"):
        list(check(environment_state(text)))
