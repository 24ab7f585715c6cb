"""Fence's signing key, pushed from a secret that nobody makes."""

import pytest

from csoc.gen3.rules.push_secret_without_source import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line

CASE = "global:\n  externalSecrets:\n    deploy: true\n    pushSecret: true\n"


@pytest.mark.parametrize(
    ("values", "number"),
    [(CASE, 4), ("global: {externalSecrets: {deploy: true}}\nfence:\n  externalSecrets:\n    pushSecret: true\n", 4)],
)
def test_both_switches_are_found(values: str, number: int) -> None:
    (hit,) = check(environment_state(values))
    assert line(hit) == number


def test_quiet_where_the_key_is_made_here() -> None:
    assert not list(check(environment_state(CASE + "fence: {externalSecrets: {createK8sJwtKeysSecret: true}}\n")))


def test_quiet_without_external_secrets_without_pushing_and_without_fence() -> None:
    assert not list(check(environment_state(CASE.replace("deploy: true", "deploy: false"))))
    assert not list(check(environment_state(CASE.replace("pushSecret: true", "pushSecret: false"))))
    assert not list(check(environment_state(CASE + "fence: {enabled: false}\n")))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "global.externalSecrets.pushSecret", "fence.externalSecrets.pushSecret"):
        list(check(environment_state(text)))
