"""Visas that fence reads and nobody renews."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.fence_visa_parsing import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line

CASE = "fence:\n  FENCE_CONFIG:\n    GLOBAL_PARSE_VISAS_ON_LOGIN: true\n"
PUBLIC = "global: {externalSecrets: {deploy: true}}\n" + CASE.replace("FENCE_CONFIG", "FENCE_CONFIG_PUBLIC")


def test_reading_without_renewing_is_found() -> None:
    (hit,) = check(environment_state(CASE))
    assert (line(hit), hit.severity) == (3, None)


def test_null_lets_clients_ask_for_it_and_is_found() -> None:
    assert list(check(environment_state(CASE.replace("true", "null"))))


def test_what_the_secret_part_may_overrule_weighs_less() -> None:
    (hit,) = check(environment_state(PUBLIC))
    assert hit.severity is Severity.MEDIUM


def test_quiet_with_the_job_and_with_false() -> None:
    assert not list(check(environment_state(CASE + "    ENABLE_VISA_UPDATE_CRON: true\n")))
    assert not list(check(environment_state(CASE.replace("true", "false"))))


def test_quiet_where_nothing_is_written_or_fence_does_not_read_it() -> None:
    assert not list(check(environment_state("")))
    assert not list(check(environment_state("global: {externalSecrets: {deploy: true}}\n" + CASE)))


def test_the_reservation_is_made_only_where_it_holds() -> None:
    (whole,), (part,) = check(environment_state(CASE)), check(environment_state(PUBLIC))
    assert "unless" not in whole.cause
    assert "unless" in part.cause


def test_quiet_for_null_in_the_public_part_and_where_fence_is_off() -> None:
    assert not list(check(environment_state(PUBLIC.replace("LOGIN: true", "LOGIN: null"))))
    assert not list(check(environment_state(CASE + "  enabled: false\n")))


def test_survives_wrong_types() -> None:
    for text in hostile(
        CASE, "fence.FENCE_CONFIG.GLOBAL_PARSE_VISAS_ON_LOGIN", "fence.FENCE_CONFIG.ENABLE_VISA_UPDATE_CRON"
    ):
        list(check(environment_state(text)))
