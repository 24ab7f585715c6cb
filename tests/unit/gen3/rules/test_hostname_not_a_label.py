"""Hostnames that cannot be a label of pods."""

import pytest

from csoc.gen3.rules.hostname_not_a_label import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("https://gen3.example.org", "scheme"),
        ("gen3.example.org:8443", "only letters"),
        ("gen3.example.org/", "only letters"),
        ("a" * 64, "64 characters"),
        ("-gen3.example.org", "only letters"),
    ],
)
def test_what_is_no_label_is_found_with_the_reason(value: str, reason: str) -> None:
    (hit,) = check(environment_state(f"global:\n  hostname: '{value}'\n"))
    assert reason in hit.cause
    assert line(hit) == 2


@pytest.mark.parametrize("value", ["gen3.example.org", "localhost", "a" * 63, ""])
def test_quiet_for_label_values(value: str) -> None:
    assert not list(check(environment_state(f"global: {{hostname: '{value}'}}")))


def test_quiet_where_nothing_is_written() -> None:
    assert not list(check(environment_state("", defaults={"global": {"hostname": "not a label"}})))


def test_survives_wrong_types() -> None:
    for text in hostile("", "global.hostname"):
        list(check(environment_state(text)))
