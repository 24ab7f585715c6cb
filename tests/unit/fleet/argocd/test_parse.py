"""Application documents: every form that Argo CD takes, with the lines that findings point to; and every wrong one."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.argocd import parse
from csoc.fleet.argocd.model import IgnoredDifference, Problem
from csoc.fleet.argocd.reading import FixedPlace, Manifest
from csoc.fleet.location import Location
from tests.unit.fleet.argocd import making

FULL = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: portal
  namespace: argocd
  labels: {stage: prod}
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: gen3
  sources:
    - repoURL: https://charts.example.org
      chart: gen3
      targetRevision: 0.3.90
      helm:
        releaseName: gen3
        valueFiles:
          - $values/prod/values.yaml
          - $values/prod/fence.yaml
        values: |
          global:
            hostname: a.example.org
        parameters:
          - name: fence.image.tag
            value: "2025.10"
            forceString: true
        fileParameters:
          - name: certificate
            path: files/ca.pem
        ignoreMissingValueFiles: true
        kubeVersion: 1.31.0
        apiVersions: [monitoring.coreos.com/v1]
    - repoURL: https://git.example.org/ops/fleet.git
      targetRevision: main
      ref: values
  destination:
    name: prod
    namespace: gen3
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions: [CreateNamespace=true]
"""


def parsed(text: str) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []
    return parse.application(making.manifest(text), problems), problems


def test_differences_that_are_ignored_are_read_however_their_parts_are_written() -> None:
    ignored = """\
  ignoreDifferences:
    - {group: batch, kind: Job, name: indexd-userdb, jsonPointers: [/spec]}
    - {kind: Secret, jqPathExpressions: [.data], managedFieldsManagers: [operator]}
"""
    app, problems = parsed(FULL + ignored)
    assert problems == []
    assert app.ignored == (
        IgnoredDifference("batch", "Job", "indexd-userdb", ("/spec",)),
        IgnoredDifference("", "Secret", "", (".data", "operator")),
    )


def test_every_field_of_a_full_application_is_read() -> None:
    app, problems = parsed(FULL)
    assert problems == []
    assert (app.name, app.namespace, app.project) == ("portal", "argocd", "gen3")
    assert (app.destination_name, app.destination_server, app.destination_namespace) == ("prod", "", "gen3")
    assert (app.automated, app.prune, app.self_heal, app.sync_options) == (True, True, True, ("CreateNamespace=true",))
    assert app.finalizers == ("resources-finalizer.argocd.argoproj.io",)
    assert app.labels == {"stage": "prod"}
    chart, values = app.sources
    assert (chart.repo_url, chart.chart, chart.target_revision) == ("https://charts.example.org", "gen3", "0.3.90")
    assert (values.ref, values.target_revision, values.helm) == ("values", "main", None)
    assert chart.helm.release_name == "gen3"
    assert [file.path for file in chart.helm.value_files] == ["$values/prod/values.yaml", "$values/prod/fence.yaml"]
    assert chart.helm.inline_values == {"global": {"hostname": "a.example.org"}}
    assert [(p.name, p.value, p.force_string) for p in chart.helm.parameters] == [("fence.image.tag", "2025.10", True)]
    assert [(p.name, p.value) for p in chart.helm.file_parameters] == [("certificate", "files/ca.pem")]
    assert chart.helm.ignore_missing_value_files
    assert (chart.helm.kube_version, chart.helm.api_versions) == ("1.31.0", ("monitoring.coreos.com/v1",))


def line_of(text: str) -> int:
    """The line of FULL that holds a text, which must be one."""
    (line,) = [number for number, line in enumerate(FULL.split("\n"), 1) if text in line]
    return line


def test_what_findings_point_to_has_its_line() -> None:
    app, _ = parsed(FULL)
    chart, values = app.sources
    assert app.location.line == 1
    assert app.name_location.line == line_of("name: portal")
    assert app.namespace_location.line == line_of("namespace: gen3")
    assert chart.location.line == line_of("https://charts.example.org")
    assert chart.revision_location.line == line_of("0.3.90")
    assert values.revision_location.line == line_of("targetRevision: main")
    assert chart.helm.release_location.line == line_of("releaseName")
    assert [file.location.line for file in chart.helm.value_files] == [line_of("values.yaml"), line_of("fence.yaml")]
    assert chart.helm.inline_location.line == line_of("values: |")
    assert chart.helm.inline_text_line == line_of("global:")
    assert chart.helm.parameters[0].location.line == line_of("2025.10")
    assert chart.helm.file_parameters[0].location.line == line_of("ca.pem")


def test_the_release_is_named_after_the_application_unless_it_is_said() -> None:
    app, _ = parsed(making.app_yaml(spec="  source: {repoURL: https://x.org/r, path: a, helm: {}}\n"))
    assert app.sources[0].helm.release_name == "portal"


def test_sources_win_over_source() -> None:
    spec = "  source: {repoURL: https://x.org/one, path: a}\n  sources: [{repoURL: https://x.org/two, path: a}]\n"
    app, problems = parsed(making.app_yaml(spec=spec))
    assert [source.repo_url for source in app.sources] == ["https://x.org/two"]
    assert problems == []


def test_values_object_wins_over_values() -> None:
    helm = '{values: "a: 1", valuesObject: {a: 2}}'
    app, _ = parsed(making.app_yaml(spec=f"  source: {{repoURL: https://x.org/r, path: a, helm: {helm}}}\n"))
    assert app.sources[0].helm.inline_values == {"a": 2}
    assert app.sources[0].helm.inline_text == ""


def test_a_hydrator_s_dry_source_is_what_counts() -> None:
    spec = """\
  sourceHydrator:
    drySource: {repoURL: https://x.org/dry, path: chart, targetRevision: main, helm: {valueFiles: [a.yaml]}}
    syncSource: {targetBranch: env/prod, path: prod}
"""
    app, problems = parsed(making.app_yaml(spec=spec))
    assert problems == []
    assert app.hydrated
    assert [source.path for source in app.sources] == ["chart"]
    assert app.sources[0].helm.value_files[0].path == "a.yaml"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("{}", False),
        ("{automated: {}}", True),
        ("{automated: null}", False),
        ("{automated: {enabled: false, prune: true}}", False),
        ("{automated: {enabled: true}}", True),
    ],
)
def test_automated_is_true_when_it_is_written_and_not_switched_off(policy: str, expected: bool) -> None:
    spec = f"  source: {{repoURL: https://x.org/r, path: a}}\n  syncPolicy: {policy}\n"
    app, problems = parsed(making.app_yaml(spec=spec))
    assert app.automated is expected
    assert problems == []


def test_the_other_kinds_of_sources_are_kept_as_written() -> None:
    spec = """\
  sources:
    - {repoURL: https://x.org/r, path: a, kustomize: {images: ["a=b"]}}
    - {repoURL: https://x.org/r, path: b, directory: {recurse: true, include: "*.yaml", jsonnet: {}}}
    - {repoURL: https://x.org/r, path: c, plugin: {name: cdk}}
"""
    app, problems = parsed(making.app_yaml(spec=spec))
    assert problems == []
    assert app.sources[0].kustomize == {"images": ["a=b"]}
    assert app.sources[1].directory == {"recurse": True, "include": "*.yaml", "jsonnet": {}}
    assert app.sources[2].plugin == {"name": "cdk"}


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        ("  source: {repoURL: https://x.org/r, path: a, targetRevision: 1.10}\n", "targetRevision", "must be text"),
        ("  source: {repoURL: https://x.org/r, path: a, helm: {valueFiles: a.yaml}}\n", "valueFiles", "must be a list"),
        ("  source: {repoURL: https://x.org/r, path: a, helm: [x]}\n", "helm", "must be a mapping"),
        ("  source: {repoURL: https://x.org/r, path: a, helm: {values: [1]}}\n", "values", "must be text"),
        ('  source: {repoURL: https://x.org/r, path: a, helm: {values: "[1]"}}\n', "values", "cannot be read"),
        ('  source: {repoURL: https://x.org/r, path: a, helm: {values: "a: [1"}}\n', "values", "cannot be read"),
        ("  source: {repoURL: https://x.org/r}\n", "source", "neither a path nor a chart"),
        ("  source: {path: a}\n", "repoURL", "is missing"),
        ("  sources: [1, {repoURL: https://x.org/r, path: a}]\n", "sources[0]", "must be a mapping"),
        ("  source: {repoURL: https://x.org/r, path: a}\n  syncPolicy: {automated: true}\n", "automated", "mapping"),
        ("  sourceHydrator: {}\n", "drySource", "is missing"),
        ("  project: x\n", "spec", "neither source nor sources"),
        (
            "  source: {repoURL: https://x.org/r, path: a, helm: {parameters: [{value: x}]}}\n",
            "parameters[0].name",
            "is missing",
        ),
    ],
)
def test_a_wrong_field_is_a_problem_at_its_line_and_the_application_stays(line: str, field: str, said: str) -> None:
    app, problems = parsed(making.app_yaml(spec=line))
    assert app is not None
    assert [problem for problem in problems if field in problem.cause and said in problem.cause]
    assert all(problem.location.line >= 5 for problem in problems)
    assert all('Application "portal"' in problem.cause for problem in problems)


def test_a_number_where_text_belongs_is_taken_as_text_and_said() -> None:
    app, problems = parsed(
        making.app_yaml(spec="  source: {repoURL: https://x.org/r, path: a, targetRevision: 2025.1}\n")
    )
    assert app.sources[0].target_revision == "2025.1"
    assert problems[0].fix == "Put it in quotes."


@pytest.mark.parametrize("name", ["", "name: 5", "name: ''"])
def test_an_application_without_a_name_is_a_problem_and_nothing_else(name: str) -> None:
    app, problems = parsed(f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{{name}}}\nspec: {{}}\n")
    assert app is None
    assert len(problems) == 1
    assert "metadata.name" in problems[0].cause


def test_lines_of_quoted_inline_values_are_not_guessed() -> None:
    spec = '  source:\n    repoURL: https://x.org/r\n    path: a\n    helm:\n      values: "a: 1\\nb: 2"\n'
    app, _ = parsed(making.app_yaml(spec=spec))
    assert app.sources[0].helm.inline_values == {"a": 1, "b": 2}
    assert app.sources[0].helm.inline_text_line == 0


def test_a_project_and_its_destinations_are_read() -> None:
    text = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: gen3}
spec:
  sourceRepos: ["https://x.org/*"]
  destinations: [{server: https://k.example.org, namespace: gen3}, {name: dev, namespace: "*"}]
"""
    problems: list[Problem] = []
    found = parse.project(making.manifest(text), problems)
    assert found is not None
    assert problems == []
    assert found.source_repos == ("https://x.org/*",)
    assert found.destinations == (("https://k.example.org", "gen3"), ("dev", "*"))


def secret(body: str, kind: str = "Secret", api: str = "v1") -> Manifest:
    return making.manifest(f"apiVersion: {api}\nkind: {kind}\n{body}")


LABELS = "metadata: {name: c, labels: {argocd.argoproj.io/secret-type: cluster, stage: prod}, annotations: {a: b}}\n"


def test_a_cluster_secret_gives_its_cluster_and_never_its_credential() -> None:
    encoded = base64.b64encode(b"https://k.example.org").decode()
    body = LABELS + f"data: {{name: cHJvZA==, server: {encoded}, config: c2VjcmV0LXRva2Vu}}\n"
    problems: list[Problem] = []
    found = parse.cluster(secret(body), problems)
    assert found is not None
    assert problems == []
    assert (found.name, found.server) == ("prod", "https://k.example.org")
    assert found.labels["stage"] == "prod"
    assert found.annotations == {"a": "b"}
    assert "secret-token" not in repr(found)
    assert "c2VjcmV0" not in repr(found)


def test_an_external_secret_s_template_gives_its_cluster_too() -> None:
    body = """\
metadata: {name: c}
spec:
  target:
    template:
      metadata: {labels: {argocd.argoproj.io/secret-type: cluster}}
      data: {name: prod, server: https://k.example.org, config: "{{ .config }}"}
"""
    problems: list[Problem] = []
    found = parse.cluster(secret(body, "ExternalSecret", "external-secrets.io/v1"), problems)
    assert found is not None
    assert (found.name, found.server) == ("prod", "https://k.example.org")


def test_other_secrets_are_nobody_s_business() -> None:
    problems: list[Problem] = []
    assert parse.cluster(secret("metadata: {name: c}\ndata: {password: cHc=}\n"), problems) is None
    assert problems == []


KEYS = ["source", "sources", "helm", "values", "valueFiles", "parameters", "name", "value", "repoURL", "path", "ref"]
KEYS += ["destination", "syncPolicy", "automated", "sourceHydrator", "drySource", "namespace", "valuesObject", "labels"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@given(JSON, JSON)
def test_any_document_is_read_without_raising(metadata: Any, spec: Any) -> None:
    place = FixedPlace(Location("r", "c" * 40, "app.yaml", 1))
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}
    problems: list[Problem] = []
    found = parse.application(Manifest(body, place), problems)
    assert found is not None or problems
    for problem in problems:
        assert problem.cause
        assert problem.location.path == "app.yaml"
