"""Stores that use the operator's own identity."""

from typing import Any

import pytest

from csoc.gen3.rules.secret_store_operator_identity import check
from csoc.testing.states import environment_state

ASKED = {"kind": "ExternalSecret", "metadata": {"name": "fence"}, "spec": {"secretStoreRef": {"name": "store"}}}
VALUES = "global:\n  aws:\n    useLocalSecret:\n      enabled: true\n"


def store(provider: object) -> dict[str, Any]:
    return {"kind": "SecretStore", "metadata": {"name": "store"}, "spec": {"provider": provider}}


def test_an_aws_store_without_auth_is_found_at_the_switch_that_makes_it() -> None:
    (hit,) = check(environment_state(VALUES, objects=[ASKED, store({"aws": {"region": "us-east-1"}})]))
    assert hit.key == "store"
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 4


@pytest.mark.parametrize(
    "provider",
    [
        {"aws": {"auth": {"jwt": {"serviceAccountRef": {"name": "sa"}}}}},
        {"aws": {"role": "arn:aws:iam::111122223333:role/reader"}},
        {"gcpsm": {"projectID": "p"}},
    ],
    ids=["an account of its own", "a role of its own", "another cloud"],
)
def test_quiet_for_a_store_that_limits_what_it_may_read(provider: dict[str, Any]) -> None:
    assert not list(check(environment_state(VALUES, objects=[ASKED, store(provider)])))


def test_quiet_for_a_store_that_nobody_asks() -> None:
    assert not list(check(environment_state(VALUES, objects=[store({"aws": {}})])))


@pytest.mark.parametrize("provider", ["text", [1], {"aws": "x"}, None])
def test_survives_shapes_that_nobody_foresaw(provider: object) -> None:
    assert not list(check(environment_state("global: 1\n", objects=[ASKED, store(provider)])))
