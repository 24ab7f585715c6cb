"""ExternalSecrets that ask a store which the manifests do not hold."""

from typing import Any

import pytest

from csoc.gen3.rules.secret_store_missing import check
from csoc.testing.states import environment_state

STORE = {"kind": "SecretStore", "metadata": {"name": "gen3-secret-store"}, "spec": {}}


def external(**reference: str) -> dict[str, Any]:
    return {"kind": "ExternalSecret", "metadata": {"name": "orthanc-s3"}, "spec": {"secretStoreRef": reference}}


def test_a_store_that_nothing_makes_is_found_with_who_asks_it() -> None:
    values = "global:\n  externalSecrets:\n    deploy: false\n"
    (hit,) = check(environment_state(values, objects=[external(name="gen3-secret-store", kind="SecretStore")]))
    assert "orthanc-s3" in hit.cause
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 3


def test_quiet_where_the_store_is_made() -> None:
    assert not list(check(environment_state("", objects=[STORE, external(name="gen3-secret-store")])))


def test_quiet_for_a_store_of_the_whole_cluster_since_it_is_made_elsewhere() -> None:
    assert not list(check(environment_state("", objects=[external(name="central", kind="ClusterSecretStore")])))


def test_quiet_without_a_rendering() -> None:
    assert not list(check(environment_state("")))


@pytest.mark.parametrize("spec", ["x", {"secretStoreRef": [1]}, {"data": [3], "secretStoreRefs": {"a": 1}}])
def test_survives_shapes_that_nobody_foresaw(spec: object) -> None:
    assert not list(check(environment_state("", objects=[{"kind": "ExternalSecret", "spec": spec}])))
