"""Which External Secrets operator a cluster installs, and which of its API's versions manifests use."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.gen3.adoption.clusters import ClusterValues, external_secrets_version
from csoc.gen3.extract import extract
from csoc.gen3.facts import Kind
from csoc.testing.states import environment_state, location
from tests.unit.gen3.claims import claims_of


def files(data: dict[str, Any]) -> list[ClusterValues]:
    return [ClusterValues(location("alpha/cluster-values.yaml"), data)]


def test_the_version_that_values_name_is_the_operator_s() -> None:
    fact = external_secrets_version(files({"external-secrets": {"enabled": True, "targetRevision": "0.16.2"}}))
    assert fact.value == "0.16.2"


def test_an_operator_without_a_version_is_the_default_and_says_so() -> None:
    fact = external_secrets_version(files({"external-secrets": {"enabled": True}}))
    assert (fact.value, fact.reason.startswith("default")) == ("0.9.13", True)


@pytest.mark.parametrize(
    "block", [{"enabled": False, "targetRevision": "0.16.2"}, "text", None, {"targetRevision": "1"}]
)
def test_values_that_do_not_install_it_say_nothing(block: object) -> None:
    assert not external_secrets_version(files({"external-secrets": block})).known


def test_each_version_that_manifests_use_is_one_claim_that_names_an_object() -> None:
    objects = [
        {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": "store"}},
        {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "a"}, "spec": {}},
        {"apiVersion": "external-secrets.io/v1beta1", "kind": "ExternalSecret", "metadata": {"name": "b"}, "spec": {}},
    ]
    found = claims_of(extract(environment_state("", objects=objects)), Kind.API_VERSION)
    assert [(item.identity, item.key) for item in found] == [
        ("external-secrets.io/v1", "SecretStore store and 1 more"),
        ("external-secrets.io/v1beta1", "ExternalSecret b"),
    ]


def test_a_workspace_manifest_wins_over_the_namespace_that_the_chart_would_write() -> None:
    values = 'hatchery:\n  jupyterNamespace: other\n  hatchery: {json: \'{"user-namespace": "pods"}\'}\n'
    (found,) = claims_of(extract(environment_state(values)), Kind.WORKSPACE_NAMESPACE)
    assert found.identity == "pods"
