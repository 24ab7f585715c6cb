"""Manifests and the operator must speak one version of the API."""

from dataclasses import replace

import pytest

from csoc.gen3.facts import Access, Claim, EnvironmentFacts, Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.external_secrets_version import check, served
from csoc.gen3.rules.model import Hit
from csoc.gen3.views import ClusterView, Fact, unknown
from csoc.testing.states import environment_view, fleet_state, location

PLACE = location("alpha/cluster-values.yaml", 7)


def hits(version: Fact, used: str, *, cluster: str = "alpha") -> list[Hit]:
    view = ClusterView("alpha", "test", unknown("test"), unknown("test"), external_secrets=version)
    claim = Claim(Kind.API_VERSION, used, "alpha", Access.USE, "ExternalSecret fence", location("values.yaml", 3))
    facts = {"alpha-prod": EnvironmentFacts("alpha-prod", claims=(claim,))}
    return list(check(fleet_state([environment_view(cluster=cluster)], facts, clusters=[view])))


def operator(version: str) -> Fact:
    return Fact(version, f"external-secrets.targetRevision: {version}", PLACE)


def test_a_version_that_the_operator_does_not_serve_is_critical_and_shows_both_places() -> None:
    (hit,) = hits(operator("0.9.13"), "external-secrets.io/v1")
    assert hit.severity is Severity.CRITICAL
    assert hit.environments == ("alpha-prod",)
    assert [str(item.location) for item in hit.evidence] == ["alpha/cluster-values.yaml:7", "values.yaml:3"]


def test_a_version_that_only_a_chart_s_default_tells_weighs_less() -> None:
    (hit,) = hits(Fact("0.9.13", "default of cluster-level-resources: 0.9.13", PLACE), "external-secrets.io/v1")
    assert hit.severity is Severity.MEDIUM
    assert "default" in hit.cause


def test_the_last_operator_that_serves_the_old_version_is_a_hint() -> None:
    (hit,) = hits(operator("0.16.2"), "external-secrets.io/v1beta1")
    assert hit.severity is Severity.LOW


@pytest.mark.parametrize(
    ("version", "used"),
    [
        (operator("0.16.2"), "external-secrets.io/v1"),
        (operator("0.9.13"), "external-secrets.io/v1beta1"),
        (operator("2.1.0"), "external-secrets.io/v1"),
        (unknown("nothing says"), "external-secrets.io/v1"),
        (operator("main"), "external-secrets.io/v1"),
        (operator("0.9.13"), "generators.external-secrets.io/v1alpha1"),
    ],
)
def test_quiet_where_they_agree_or_nobody_knows(version: Fact, used: str) -> None:
    assert not hits(version, used)


def test_quiet_for_an_environment_whose_cluster_is_another_or_unknown() -> None:
    assert not hits(operator("0.9.13"), "external-secrets.io/v1", cluster="beta")
    view = replace(environment_view(), cluster=unknown("test"))
    cluster = ClusterView("unknown", "test", unknown("t"), unknown("t"), external_secrets=operator("0.9.13"))
    assert not list(check(fleet_state([view], clusters=[cluster])))


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.15.1", {"v1beta1"}),
        ("v0.16.0", {"v1", "v1beta1"}),
        ("0.17.0-rc1", {"v1"}),
        ("1.0.0", {"v1"}),
        ("0.4.1", None),
    ],
)
def test_which_versions_an_operator_serves(version: str, expected: set[str] | None) -> None:
    assert served(version) == expected
