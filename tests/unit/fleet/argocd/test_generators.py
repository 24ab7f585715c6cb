"""Each generator of an ApplicationSet, against what Argo CD's own source makes of it."""

from __future__ import annotations

import pytest

from csoc.errors import UnavailableError
from csoc.fleet.argocd.applicationsets.expansion import expand
from csoc.fleet.argocd.model import KnownCluster
from tests.unit.fleet.argocd import making
from tests.unit.fleet.argocd.sets import DEV, GIT, GO, HOME, PROD, appset, expanded, names


def test_git_directories_match_and_exclude() -> None:
    found = expanded(
        appset(
            f"- git: {{{GIT}, directories: [{{path: apps/*/*}}, {{path: apps/prod/excluded, exclude: true}}]}}",
            "{{path[1]}}-{{path.basenameNormalized}}",
            "{{path}}",
            "{{path.basename}}",
        )
    )
    assert names(found) == ["dev-portal", "prod-guppy-x", "prod-portal"]
    assert found.applications[1].sources[0].target_revision == "apps/prod/Guppy_X"
    assert found.applications[1].destination_namespace == "Guppy_X"


def test_git_directories_in_go_templates_and_with_a_prefix() -> None:
    values = "values: {v: 'x-{{.app.path.basename}}'}"
    generator = f"- git: {{{GIT}, pathParamPrefix: app, directories: [{{path: apps/prod/*}}], {values}}}"
    found = expanded(
        appset(
            generator,
            "{{ .app.path.basenameNormalized }}",
            "{{ index .app.path.segments 1 }}",
            "{{ .values.v }}",
            head=GO,
        )
    )
    assert names(found) == ["guppy-x", "excluded", "portal"]
    assert found.applications[0].destination_namespace == "x-Guppy_X"
    assert found.applications[0].sources[0].target_revision == "prod"


def test_git_files_give_their_content_flat_or_nested() -> None:
    generator = f"- git: {{{GIT}, files: [{{path: 'apps/*/config.yaml'}}], values: {{from: '{{{{path.filename}}}}'}}}}"
    flat = expanded(appset(generator, "{{cluster.name}}-{{cluster.size}}", "{{tag}}", "{{values.from}}"))
    assert names(flat) == ["dev-2", "prod-3"]
    assert flat.applications[1].sources[0].target_revision == "2025.02"
    assert flat.applications[1].destination_namespace == "config.yaml"
    generator = f"- git: {{{GIT}, files: [{{path: '**/config.yaml'}}, {{path: apps/dev, exclude: true}}]}}"
    nested = expanded(appset(generator, "{{.cluster.name}}-{{.cluster.size}}-{{.path.basename}}", head=GO))
    assert names(nested) == ["prod-3-portal"]


def test_a_git_file_may_hold_a_list() -> None:
    assert names(expanded(appset(f"- git: {{{GIT}, files: [{{path: lists/many.json}}]}}", "{{name}}"))) == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(("file", "kind"), [("bad", "unreadable file"), ("text", "not understood")])
def test_a_git_file_without_parameters_is_a_problem_in_that_file(file: str, kind: str) -> None:
    found = expanded(appset(f"- git: {{{GIT}, files: [{{path: lists/{file}.yaml}}]}}", "x"))
    assert found.applications == ()
    assert (found.problems[0].kind, found.problems[0].location.path) == (kind, f"lists/{file}.yaml")


def test_a_git_generator_of_an_unreachable_repository_says_so() -> None:
    text = appset("- git: {repoURL: https://git.example.org/other, revision: v1, directories: [{path: '*'}]}", "x")
    trees = making.trees(HOME, {("https://git.example.org/other", "v1"): UnavailableError("no answer")})  # type: ignore[dict-item]
    found = expand(making.manifest(text), trees)
    assert found.applications == ()
    assert found.problems[0].kind == "cannot be expanded from Git"
    assert trees.problems()[0].kind == "unreachable repository"


def test_known_clusters_are_chosen_by_label() -> None:
    generator = "- clusters: {selector: {matchLabels: {stage: prod}}, values: {up: '{{metadata.labels.stage}}'}}"
    found = expanded(
        appset(generator, "{{nameNormalized}}", "{{server}}", "{{values.up}}-{{metadata.annotations.n}}"),
        clusters=[DEV, PROD],
    )
    assert names(found) == ["prod-1"]
    assert found.applications[0].sources[0].target_revision == "https://prod.example.org"
    assert found.applications[0].destination_namespace == "prod-v"


def test_without_a_selector_the_local_cluster_comes_last() -> None:
    found = expanded(appset("- clusters: {}", "x-{{name}}"), clusters=[DEV, PROD])
    assert names(found) == ["x-dev", "x-Prod_1", "x-in-cluster"]
    local = KnownCluster("here", "https://kubernetes.default.svc")
    assert names(expanded(appset("- clusters: {}", "x-{{name}}"), clusters=[local])) == ["x-here"]


def test_labels_with_dots_are_reached_by_index_in_go_templates() -> None:
    found = expanded(
        appset("- clusters: {selector: {matchLabels: {stage: dev}}}", '{{ index .metadata.labels "a.b/c" }}', head=GO),
        clusters=[DEV],
    )
    assert names(found) == ["x"]


@pytest.mark.parametrize(
    "generator", ["- clusters: {}", "- clusters: {selector: {matchLabels: {stage: test}}}", "- clusters:"]
)
def test_clusters_that_git_does_not_know_are_a_problem_and_never_none(generator: str) -> None:
    found = expanded(appset(generator, "x-{{name}}"))
    assert [problem.kind for problem in found.problems] == ["cannot be expanded from Git"]
    assert [application.name for application in found.applications] == (
        [] if "stage" in generator else ["x-in-cluster"]
    )


def test_a_flat_list_of_clusters_is_one_parameter_set() -> None:
    text = appset(
        "- clusters: {flatList: true, selector: {matchExpressions: [{key: stage, operator: Exists}]}}",
        "{{ range .clusters }}{{ .nameNormalized }}.{{ end }}",
        head=GO,
    )
    assert names(expanded(text, clusters=[DEV, PROD])) == ["dev.prod-1."]


def test_a_matrix_combines_and_puts_the_first_into_the_second() -> None:
    generator = f"""\
- matrix:
    generators:
      - list: {{elements: [{{stage: dev}}, {{stage: prod}}]}}
      - git: {{{GIT}, directories: [{{path: 'apps/{{{{stage}}}}/p*'}}]}}
"""
    assert names(expanded(appset(generator, "{{stage}}-{{path.basename}}-{{path[1]}}"))) == [
        "dev-portal-dev",
        "prod-portal-prod",
    ]


def test_a_matrix_in_go_templates_merges_and_the_first_wins() -> None:
    generator = """\
- matrix:
    generators:
      - list: {elements: [{name: a, sub: {x: 1}}]}
      - list: {elements: [{name: b, sub: {z: 2}}], elementsYaml: "[{name: c}]"}
"""
    text = appset(generator, "{{.name}}-{{.sub.x}}-{{.sub.z}}", head=GO)
    assert names(expanded(text)) == ["a-1-2", "a-1-<no value>"]


def test_a_matrix_of_contradicting_texts_is_a_problem() -> None:
    generator = """\
- matrix:
    generators:
      - list: {elements: [{name: a}]}
      - list: {elements: [{name: b}]}
"""
    found = expanded(appset(generator, "{{name}}"))
    assert found.applications == ()
    assert 'both give "name"' in found.problems[0].cause


def test_a_merge_overrides_by_key_and_adds_no_new_sets() -> None:
    generator = """\
- merge:
    mergeKeys: [name]
    generators:
      - list: {elements: [{name: a, tag: v1}, {name: b, tag: v1}]}
      - list: {elements: [{name: b, tag: v2}, {name: c, tag: v3}]}
"""
    found = expanded(appset(generator, "{{name}}", "{{tag}}"))
    assert names(found) == ["a", "b"]
    assert [application.sources[0].target_revision for application in found.applications] == ["v1", "v2"]


def test_a_merge_with_equal_keys_is_a_problem() -> None:
    generator = """\
- merge:
    mergeKeys: [name]
    generators:
      - list: {elements: [{name: a}, {name: a}]}
      - list: {elements: [{name: a}]}
"""
    assert "not unique" in expanded(appset(generator, "{{name}}")).problems[0].cause


def test_a_selector_filters_the_parameters() -> None:
    generator = """\
- list: {elements: [{name: a, stage: dev}, {name: b, stage: prod}, {name: c}]}
  selector: {matchExpressions: [{key: stage, operator: NotIn, values: [dev]}]}
"""
    assert names(expanded(appset(generator, "{{name}}"))) == ["b", "c"]
