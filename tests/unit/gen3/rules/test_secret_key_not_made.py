"""Keys that pods read and that their Secret lacks."""

from typing import Any

import pytest

from csoc.gen3.rules.secret_key_not_made import check
from csoc.testing.states import environment_state

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"held": "x"}}


def pod(key: str, args: list[str] | None = None) -> dict[str, Any]:
    box = {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": key}}}], "args": args or []}
    spec = {"template": {"spec": {"containers": [box]}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def test_a_key_that_the_rendered_secret_lacks_is_found() -> None:
    (hit,) = check(environment_state("", objects=[SECRET, pod("lacking")]))
    assert hit.key == "Secret s lacking"
    assert "Deployment d" in hit.cause


def test_quiet_where_the_key_is_there() -> None:
    assert not list(check(environment_state("", objects=[SECRET, pod("held")])))


def test_quiet_where_something_that_runs_speaks_of_the_secret_and_may_add_the_key() -> None:
    assert not list(check(environment_state("", objects=[SECRET, pod("lacking", ["kubectl patch secret/s -p x"])])))


def test_quiet_where_external_secrets_writes_to_it_as_well() -> None:
    external = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "s"}, "spec": {}}
    assert not list(check(environment_state("", objects=[SECRET, external, pod("lacking")])))


def test_quiet_for_the_readiness_of_databases_which_has_a_rule_of_its_own() -> None:
    assert not list(check(environment_state("", objects=[SECRET, pod("dbcreated")])))


@pytest.mark.parametrize("data", ["text", [1], 7, None])
def test_survives_shapes_that_nobody_foresaw(data: object) -> None:
    list(check(environment_state("", objects=[{**SECRET, "data": data, "metadata": data}, pod("a")])))
