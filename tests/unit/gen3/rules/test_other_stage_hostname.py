"""Hostnames of lower stages in production's values."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.other_stage_hostname import check
from csoc.testing.states import environment_state


def test_an_address_of_staging_is_found_with_its_line() -> None:
    (hit,) = check(environment_state("sheepdog:\n  fenceUrl: https://staging.alpha.example.org/user\n"))
    assert (hit.key, hit.severity) == ("alpha.example.org staging.alpha.example.org", Severity.MEDIUM)
    assert [item.location.line for item in hit.evidence if item.location] == [2]


def test_a_name_within_a_long_text_may_be_an_allowed_origin_and_is_less() -> None:
    text = "x" * 400
    (hit,) = check(environment_state(f'portal:\n  json: \'["{text}", "https://qa.alpha.example.org/"]\'\n'))
    assert hit.severity is Severity.LOW


@pytest.mark.parametrize(
    "value",
    [
        "https://alpha.example.org/user",
        "https://staging.beta.example.org/user",
        "https://demo.alpha.example.org/",
        "https://preview.alpha.example.org/",
        "help@staging.alpha.example.org",
        "https://staging.alpha.example.org.evil.net/",
        "https://prod.alpha.example.org/",
    ],
)
def test_quiet_for_its_own_other_commons_demonstrations_mail_and_other_domains(value: str) -> None:
    assert not list(check(environment_state(f"a: {value}\n")))


def test_quiet_below_production_and_where_the_hostname_is_not_known() -> None:
    values = "a: https://dev.alpha.example.org/\n"
    assert not list(check(environment_state(values, stage="staging", hostname="staging.alpha.example.org")))
    assert not list(check(environment_state(values, hostname="")))


@pytest.mark.parametrize("values", ["a: [1, null, {b: true}]\n", "a: example.org\n", "{}"])
def test_survives_other_shapes(values: str) -> None:
    assert not list(check(environment_state(values, hostname="alpha.example.org")))


def test_a_long_hostile_text_takes_no_time() -> None:
    assert not list(check(environment_state(f"a: {'a.' * 100_000}example.org\n")))
