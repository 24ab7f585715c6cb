"""What rules are handed beside values, from files: keys that stand twice, plain Secrets, and clusters' values."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from csoc import bootstrap
from csoc.config import loading
from csoc.gen3.findings import Finding
from csoc.gen3.rules import (
    cluster_configuration_elsewhere,
    duplicate_key,
    secret_in_cluster_values,
    secret_in_git,
    secret_manifest_in_git,
)
from csoc.testing.charts import MemoryChartSources
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.load import FleetQuery, load_fleet

PASSWORD = "Tr0ub4dor-and-3-horses"
APPLICATION = """
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: gen3-alpha, namespace: argocd}
    spec:
      project: gen3
      sources:
        - repoURL: https://github.com/uc-cdis/gen3-helm
          path: helm/gen3
          targetRevision: gen3-0.3.90
          helm:
            releaseName: alpha
            valueFiles: [$values/alpha/gen3/values.yaml]
            values: |
              fence: {enabled: true}
              fence: {replicaCount: 2}
        - {repoURL: https://github.com/example/gitops.git, targetRevision: main, ref: values}
      destination: {server: https://kubernetes.default.svc, namespace: alpha}
"""
VALUES = f"""
    global: {{hostname: alpha.example.org}}
    fence:
      image:
        tag: '2026.04'
    guppy: {{enabled: true, dbPassword: {PASSWORD}}}
    fence:
      replicaCount: 2
"""
CLUSTER = f"""
    cluster: alpha
    accountNumber: "123456789012"
    configuration: {{configurationRevision: trial}}
    calico: {{enabled: true, configuration: {{enabled: true}}}}
    coreDNS: {{enabled: true}}
    karpenter: {{enabled: true}}
    grafana: {{adminPassword: {PASSWORD}}}
"""
SECRET = f"""
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: harmless}}
    ---
    apiVersion: v1
    kind: Secret
    metadata: {{name: db, namespace: alpha}}
    stringData: {{password: {PASSWORD}}}
"""


@pytest.fixture
def findings(tmp_path: Path) -> dict[str, list[Finding]]:
    fleet = tmp_path / "fleet"
    files = {
        "alpha/gen3/app.yaml": APPLICATION,
        "alpha/gen3/values.yaml": VALUES,
        "alpha/cluster/cluster-values.yaml": CLUSTER,
        "alpha/extra/secret.yaml": SECRET,
    }
    for path, text in files.items():
        (fleet / path).parent.mkdir(parents=True, exist_ok=True)
        (fleet / path).write_text(textwrap.dedent(text).lstrip())
    settings = loading.load({"CSOC_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)})
    rules = (duplicate_key, secret_in_git, secret_manifest_in_git, secret_in_cluster_values)
    with bootstrap.ports(settings) as real:
        ports = replace(real, charts=MemoryChartSources())
        query = FleetQuery(str(fleet), own_urls=("https://github.com/example/gitops.git",))
        checker = FleetChecker(ports, rules=[rule.RULE for rule in (*rules, cluster_configuration_elsewhere)])
        found: dict[str, list[Finding]] = {}
        for finding in checker.check(load_fleet(ports, query)).report.findings:
            found.setdefault(finding.rule, []).append(finding)
    return found


def test_a_key_that_stands_twice_in_a_value_file_is_found_where_it_stands_again(
    findings: dict[str, list[Finding]],
) -> None:
    (finding,) = findings["duplicate-key"]
    assert finding.key == "alpha/gen3/values.yaml fence"
    assert str(finding.evidence[0].location) == "alpha/gen3/values.yaml:6"


def test_secrets_are_found_in_values_in_manifests_and_in_a_clusters_values_with_their_lines(
    findings: dict[str, list[Finding]],
) -> None:
    places = {
        rule: [str(item.evidence[0].location) for item in findings[rule]]
        for rule in ("secret-in-git", "secret-manifest-in-git", "secret-in-cluster-values")
    }
    assert places == {
        "secret-in-git": ["alpha/gen3/values.yaml:5"],
        "secret-manifest-in-git": ["alpha/extra/secret.yaml:5"],
        "secret-in-cluster-values": ["alpha/cluster/cluster-values.yaml:7"],
    }
    assert PASSWORD not in repr(findings)


def test_the_branch_of_a_clusters_add_ons_is_compared_with_the_one_that_its_applications_follow(
    findings: dict[str, list[Finding]],
) -> None:
    (finding,) = findings["cluster-configuration-elsewhere"]
    assert finding.key == "alpha trial"
    assert str(finding.evidence[0].location) == "alpha/cluster/cluster-values.yaml:3"
