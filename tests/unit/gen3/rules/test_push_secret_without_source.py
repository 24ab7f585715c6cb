"""Fence's signing key, pushed from a secret that nobody makes."""

import pytest

from csoc.gen3.rules.push_secret_without_source import check
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, hostile_objects, line, made

CASE = "global:\n  externalSecrets:\n    deploy: true\n    pushSecret: true\n"

PUSH = made("PushSecret", "fence-jwt-keys", spec={"selector": {"secret": {"name": "fence-jwt-keys"}}})


def pushing(values: str, *more: dict[str, object]) -> EnvironmentState:
    return environment_state(values, objects=[PUSH, *more])


@pytest.mark.parametrize(
    ("values", "number"),
    [(CASE, 4), ("global: {externalSecrets: {deploy: true}}\nfence:\n  externalSecrets:\n    pushSecret: true\n", 4)],
)
def test_both_switches_are_found(values: str, number: int) -> None:
    (hit,) = check(pushing(values))
    assert line(hit) == number


def test_quiet_where_the_key_is_made_here() -> None:
    assert not list(check(pushing(CASE, made("Secret", "fence-jwt-keys"))))


def test_quiet_with_a_version_of_the_chart_that_pushes_other_secrets_only_and_where_nothing_was_rendered() -> None:
    other = made("PushSecret", "fence-dbcreds", spec={"selector": {"secret": {"name": "fence-dbcreds"}}})
    assert not list(check(environment_state(CASE, objects=[other])))
    assert not list(check(environment_state(CASE)))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "global.externalSecrets.pushSecret", "fence.externalSecrets.pushSecret"):
        list(check(pushing(text)))
    for body in hostile_objects(PUSH):
        list(check(environment_state(CASE, objects=[body])))
