"""Services wait for a key that only a Job adds, and that Job can be switched off."""

from typing import Any

import pytest

from csoc.fleet.argocd.model import Application
from csoc.gen3.findings import Severity
from csoc.gen3.rules.database_never_ready import check
from csoc.testing.states import environment_state, environment_view, location

VALUES = "global:\n  postgres:\n    dbCreate: false\n"


def secret(*keys: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "fence-dbcreds"}, "data": dict.fromkeys(keys)}


def pod(kind: str = "Deployment", **container: Any) -> dict[str, Any]:
    reference = {"secretKeyRef": {"name": "fence-dbcreds", "key": "dbcreated", "optional": False}}
    box = {"name": "main", "env": [{"name": "DBREADY", "valueFrom": reference}]} | container
    spec = {"template": {"spec": {"containers": [box]}}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "fence"}, "spec": spec}


def test_a_secret_that_helm_writes_without_the_key_is_found_at_the_switch() -> None:
    (hit,) = check(environment_state(VALUES, objects=[secret("host"), pod()]))
    assert hit.severity is Severity.MEDIUM
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 3
    assert "fence-dbcreds" in hit.evidence[1].text


def test_it_is_critical_where_each_sync_writes_the_secret_anew() -> None:
    source = environment_view().source
    application = Application("gen3", location("app.yaml"), (source,), sync_options=("Replace=true",))
    view = environment_view(application=application)
    (hit,) = check(environment_state(VALUES, objects=[secret("host"), pod()], view=view))
    assert hit.severity is Severity.CRITICAL


def test_values_alone_tell_it_too() -> None:
    (hit,) = check(environment_state(VALUES))
    assert "arborist-dbcreds" in hit.evidence[1].text


def test_quiet_where_a_job_adds_the_key() -> None:
    job = pod("Job", args=["kubectl patch secret/fence-dbcreds -p data"], env=[])
    assert not list(check(environment_state(VALUES, objects=[secret("host"), pod(), job])))
    assert not list(check(environment_state("global:\n  postgres:\n    dbCreate: true\n")))


def test_quiet_where_the_secret_comes_from_secrets_manager() -> None:
    external = {"kind": "ExternalSecret", "metadata": {"name": "fence-dbcreds"}, "spec": {}}
    assert not list(check(environment_state(VALUES, objects=[external, pod()])))
    assert not list(check(environment_state(VALUES + "  externalSecrets: {deploy: true}\n")))


def test_quiet_where_the_secret_has_the_key() -> None:
    assert not list(check(environment_state(VALUES, objects=[secret("host", "dbcreated"), pod()])))


@pytest.mark.parametrize("body", [{"kind": "Deployment", "spec": "x"}, {"kind": "Secret", "data": [1]}, {"kind": 3}])
def test_survives_shapes_that_nobody_foresaw(body: dict[str, Any]) -> None:
    assert not list(check(environment_state("global: 1\n", objects=[body])))
