"""ETL mapping, portal and data dictionary checked from files: a Helm environment and an older manifest side by side."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from csoc import bootstrap
from csoc.config import loading
from csoc.gen3.findings import Finding
from csoc.testing.charts import MemoryChartSources
from csoc.testing.dictionaries import MemoryDictionaries, node, schema
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.load import FleetQuery, LoadedFleet, load_fleet
from csoc.usecases.ports import Ports

URL = "https://dictionary.example.org/1.0.0/schema.json"
MAPPING = """
mappings:
- name: lab_case
  doc_type: case
  type: aggregator
  root: case
  props:
  - name: project_id
  - name: sexx
"""
PORTAL = """{
  "graphql": {"boardCounts": [], "chartCounts": [], "projectDetails": "boardCounts"},
  "explorerConfig": [
    {
      "filters": {"tabs": [{"title": "Case", "fields": ["project_id", "arm"]}]},
      "table": {"fields": ["project_id"]},
      "guppyConfig": {"dataType": "case"},
    }
  ]
}
"""
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
      helm: {releaseName: alpha, valueFiles: [$values/alpha/gen3/values.yaml]}
    - {repoURL: https://github.com/example/gitops.git, targetRevision: main, ref: values}
  destination: {server: https://kubernetes.default.svc, namespace: alpha}
"""
VALUES = f"""
global: {{hostname: alpha.example.org, dictionaryUrl: "{URL}"}}
fence: {{image: {{tag: '4.6.1'}}}}
arborist: {{image: {{tag: '2.0.0'}}}}
etl:
  enabled: true
  etlMapping:
{textwrap.indent(MAPPING.strip(), "    ")}
guppy: {{enabled: true, indices: [{{index: lab_case, type: case}}]}}
portal:
  enabled: true
  gitops:
    json: |
{textwrap.indent(PORTAL, "      ")}
"""
MANIFEST = {
    "versions": {
        "arborist": "quay.io/cdis/arborist:2.0.0",
        "fence": "quay.io/cdis/fence:4.6.1",
        "guppy": "quay.io/cdis/guppy:2026.04",
        "portal": "quay.io/cdis/data-portal:2026.04",
        "tube": "quay.io/cdis/tube:2026.04",
    },
    "global": {"hostname": "beta.example.org", "environment": "beta", "dictionary_url": URL, "portal_app": "gitops"},
    "guppy": {"indices": [{"index": "lab_case", "type": "case"}]},
}
RULES = {
    *("etl-mapping-invalid", "etl-mapping-not-in-dictionary", "portal-config-invalid", "portal-field-not-in-etl"),
    *("portal-type-not-in-guppy", "portal-node-not-in-dictionary", "dictionary-unreachable"),
    "service-versions-mismatch",
}


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    files = {
        "alpha/gen3/app.yaml": APPLICATION,
        "alpha/gen3/values.yaml": VALUES,
        "beta.example.org/manifest.json": json.dumps(MANIFEST, indent=2),
        "beta.example.org/etlMapping.yaml": MAPPING,
        "beta.example.org/portal/gitops.json": PORTAL,
    }
    for name, content in files.items():
        path = tmp_path / "fleet" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    settings = loading.load({"CSOC_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)})
    with bootstrap.ports(settings) as made:
        yield replace(made, charts=MemoryChartSources(), dictionaries=MemoryDictionaries())


def dictionaries(ports: Ports) -> MemoryDictionaries:
    assert isinstance(ports.dictionaries, MemoryDictionaries)
    return ports.dictionaries


def found(ports: Ports, tmp_path: Path) -> list[Finding]:
    return [item for item in FleetChecker(ports).check(loaded(ports, tmp_path)).report.findings if item.rule in RULES]


def loaded(ports: Ports, tmp_path: Path) -> LoadedFleet:
    return load_fleet(ports, FleetQuery(str(tmp_path / "fleet"), own_urls=("https://github.com/example/gitops.git",)))


def places(findings: list[Finding], rule: str) -> set[str]:
    return {str(item.evidence[0].location) for item in findings if item.rule == rule} | {
        str(evidence.location) for item in findings if item.rule == rule for evidence in item.evidence
    }


def line(text: str, content: str) -> int:
    return content[: content.index(text)].count("\n") + 1


def test_one_slip_in_values_and_beside_a_manifest_is_found_at_its_line_in_both(ports: Ports, tmp_path: Path) -> None:
    dictionaries(ports).add(URL, schema(node("case", "sex")))
    findings = found(ports, tmp_path)
    assert {
        f"alpha/gen3/values.yaml:{line('name: sexx', VALUES)}",
        f"beta.example.org/etlMapping.yaml:{line('name: sexx', MAPPING)}",
    } <= places(findings, "etl-mapping-not-in-dictionary")
    # A comma too many, which JSON only tells on the next line.
    assert places(findings, "portal-config-invalid") == {
        f"alpha/gen3/values.yaml:{line('guppyConfig', VALUES) + 1}",
        f"beta.example.org/portal/gitops.json:{line('guppyConfig', PORTAL) + 1}",
    }
    (versions,) = [item for item in findings if item.rule == "service-versions-mismatch"]
    assert len(versions.environments) == 2
    assert f"beta.example.org/manifest.json:{line('fence:4.6.1', json.dumps(MANIFEST, indent=2))}" in places(
        findings, "service-versions-mismatch"
    )


def test_one_cause_in_two_environments_is_one_finding(ports: Ports, tmp_path: Path) -> None:
    dictionaries(ports).add(URL, schema(node("case", "sex")))
    by_rule = [item.rule for item in found(ports, tmp_path)]
    assert len(by_rule) == len(set(by_rule))


def test_fields_are_compared_once_the_configuration_can_be_read(ports: Ports, tmp_path: Path) -> None:
    dictionaries(ports).add(URL, schema(node("case", "sex")))
    for name in ("alpha/gen3/values.yaml", "beta.example.org/portal/gitops.json"):
        path = tmp_path / "fleet" / name
        path.write_text(path.read_text().replace('"dataType": "case"},', '"dataType": "case"}'))
    findings = found(ports, tmp_path)
    assert not places(findings, "portal-config-invalid")
    assert {
        f"alpha/gen3/values.yaml:{line('arm', VALUES)}",
        f"beta.example.org/portal/gitops.json:{line('arm', PORTAL)}",
    } <= places(findings, "portal-field-not-in-etl")


def test_another_dictionary_under_the_same_address_is_another_check(ports: Ports, tmp_path: Path) -> None:
    checker, fleet = FleetChecker(ports), loaded(ports, tmp_path)

    def rules() -> set[str]:
        outcome = checker.check(fleet)
        again = checker.check(fleet)
        assert again.cached == again.checked, "nothing has changed since"
        return {item.rule for item in outcome.report.findings} & {
            "dictionary-unreachable",
            "etl-mapping-not-in-dictionary",
        }

    assert rules() == {"dictionary-unreachable"}
    dictionaries(ports).add(URL, schema(node("case", "sex")))
    assert rules() == {"etl-mapping-not-in-dictionary"}
    dictionaries(ports).add(URL, schema(node("case", "sexx")))
    assert rules() == set()
    dictionaries(ports).away = True
    assert rules() == {"dictionary-unreachable"}
