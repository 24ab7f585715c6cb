"""ApplicationSets: each form of template, limits, and whom to ask for what the subset does not know."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.argocd.applicationsets.expansion import expand, references
from csoc.fleet.argocd.discovery import Ports, discover
from csoc.fleet.argocd.gotemplate.substitution import Substitution
from csoc.fleet.argocd.gotemplate.values import TemplateError
from csoc.fleet.argocd.helmtemplates import HelmTemplates
from csoc.fleet.charts import RenderFailure, Rendering
from tests.unit.fleet.argocd import making
from tests.unit.fleet.argocd.sets import GIT, GO, HOME, appset, expanded, names


def test_a_list_makes_an_application_of_each_element() -> None:
    found = expanded(
        appset(
            "- list: {elements: [{name: a, values: {tag: v2}}, {name: b, values: {tag: v3}}]}",
            "app-{{name}}",
            "{{ values.tag }}",
        )
    )
    assert names(found) == ["app-a", "app-b"]
    assert [application.sources[0].target_revision for application in found.applications] == ["v2", "v3"]


def test_a_generated_application_stands_where_its_application_set_does() -> None:
    (application,) = expanded(appset("- list: {elements: [{name: a}]}", "{{name}}")).applications
    assert application.generated_by == application.location
    assert (application.location.path, application.location.line) == ("set.yaml", 1)
    assert application.namespace == "argocd"
    assert application.finalizers == ("resources-finalizer.argocd.argoproj.io",)
    assert (application.project, application.destination_namespace) == ("gen3", "ns")


def test_no_finalizer_is_added_where_resources_are_preserved() -> None:
    head = "  syncPolicy: {preserveResourcesOnDeletion: true}\n"
    (application,) = expanded(appset("- list: {elements: [{name: a}]}", "{{name}}", head=head)).applications
    assert application.finalizers == ()


def test_go_templates_see_numbers_and_nested_values() -> None:
    found = expanded(
        appset(
            "- list: {elements: [{name: A, size: 3, sub: {x: [y1, y2]}}]}",
            "{{ .name | lower }}-{{ .size }}-{{ index .sub.x 1 }}",
            head=GO,
        )
    )
    assert names(found) == ["a-3-y2"]


def test_plain_elements_must_be_text() -> None:
    found = expanded(appset("- list: {elements: [{name: a, n: 3}]}", "{{name}}"))
    assert found.applications == ()
    assert "must be text" in found.problems[0].cause


def test_an_unknown_parameter_stays_as_written_and_is_said_once() -> None:
    found = expanded(appset("- list: {elements: [{name: a}, {name: b}]}", "{{name}}", "{{ revision }}"))
    assert [application.sources[0].target_revision for application in found.applications] == ["{{ revision }}"] * 2
    (problem,) = found.problems
    assert "{{revision}} is no parameter" in problem.cause
    assert problem.location.line == 12


def test_a_missing_key_is_an_error_only_if_the_options_say_so() -> None:
    text = "- list: {elements: [{name: a}]}"
    lenient = expanded(appset(text, "{{.name}}", "{{.x}}", head=GO))
    assert lenient.applications[0].sources[0].target_revision == "<no value>"
    strict = expanded(appset(text, "{{.name}}", "{{.x}}", head=GO + "  goTemplateOptions: [missingkey=error]\n"))
    assert strict.applications == ()
    assert '"x"' in strict.problems[0].cause
    assert "name=a" in strict.problems[0].cause


def test_a_generator_s_own_template_wins_over_the_common_one() -> None:
    generator = """\
- list:
    elements: [{name: a}]
    template:
      metadata: {name: 'own-{{name}}', labels: {x: '{{name}}'}}
      spec: {project: '', destination: {namespace: own}}
- list: {elements: [{name: b}]}
"""
    found = expanded(appset(generator, "{{name}}"))
    assert names(found) == ["own-a", "b"]
    own = found.applications[0]
    assert (own.project, own.destination_namespace, own.labels) == ("gen3", "own", {"x": "a"})
    assert own.sources[0].chart == "gen3"


def test_a_patch_is_merged_over_the_template_and_cannot_change_the_project() -> None:
    head = (
        GO
        + """\
  templatePatch: |
    metadata: {labels: {a: '{{.name}}'}, finalizers: [keep]}
    spec:
      project: stolen
      source:
        chart: null
        path: x
        helm:
          valueFiles:
          {{- range .files }}
            - {{ . }}
          {{- end }}
"""
    )
    (application,) = expanded(
        appset("- list: {elements: [{name: a, files: [x.yaml, y.yaml]}]}", "{{.name}}", head=head)
    ).applications
    assert application.project == "gen3"
    assert application.labels == {"a": "a"}
    assert application.finalizers == ("keep",)
    assert (application.sources[0].chart, application.sources[0].path) == ("", "x")
    assert [file.path for file in application.sources[0].helm.value_files] == ["x.yaml", "y.yaml"]  # type: ignore[union-attr]


def test_what_is_wrong_in_a_patch_points_to_its_line() -> None:
    head = GO + "  templatePatch: |\n    metadata: {}\n    spec: {{ now }}\n"
    text = appset("- list: {elements: [{name: a}]}", "{{.name}}", head=head)
    found = expanded(text)
    assert found.applications == ()
    assert text.split("\n")[found.problems[0].location.line - 1].strip() == "spec: {{ now }}"
    assert '"now" is not understood' in found.problems[0].cause


@pytest.mark.parametrize("kind", ["scmProvider", "pullRequest", "plugin", "clusterDecisionResource"])
def test_what_git_cannot_answer_is_said_and_the_other_generators_count(kind: str) -> None:
    found = expanded(appset(f"- {kind}: {{x: y}}\n- list: {{elements: [{{name: a}}]}}", "{{name}}"))
    assert [application.name for application in found.applications] == ["a"]
    (problem,) = found.problems
    assert problem.kind == "cannot be expanded from Git"
    assert kind in problem.cause
    assert problem.location.line == 6


@pytest.mark.parametrize(
    "generators",
    [
        "- {}",
        "- {list: {}, git: {}}",
        "- nothing: {}",
        "- matrix: {generators: [{list: {elements: []}}]}",
        "- merge: {generators: [{list: {}}, {list: {}}]}",
        f"- git: {{{GIT}}}",
        "- list: {elementsYaml: 'a: [1'}",
        "- list: {elementsYaml: 'a'}",
        "- list: [x]",
    ],
)
def test_a_wrong_generator_is_a_problem_and_nothing_raises(generators: str) -> None:
    found = expanded(appset(generators, "x"))
    assert found.applications == ()
    assert found.problems
    assert all('ApplicationSet "set"' in problem.cause for problem in found.problems)


def test_generators_nested_too_deeply_end() -> None:
    inner = "{list: {elements: [{a: b}]}}"
    for _ in range(10):
        inner = f"{{matrix: {{generators: [{inner}, {{list: {{elements: [{{c: d}}]}}}}]}}}}"
    found = expanded(appset(f"- {inner}", "x"))
    assert found.applications == ()
    assert "nested too deeply" in found.problems[0].cause


def numbered(count: int, key: str = "no1") -> str:
    """A list generator of so many elements."""
    elements = ", ".join(f"{{{key}: '{number}'}}" for number in range(count))
    return f"- {{list: {{elements: [{elements}]}}}}"


def test_an_application_set_makes_no_more_than_its_limit_and_says_how_many_are_left_out() -> None:
    found = expanded(appset(f"{numbered(400)}\n{numbered(200, 'no2')}", "x-{{no1}}{{no2}}"))
    assert len(found.applications) == 500
    problem = next(problem for problem in found.problems if "makes 600" in problem.cause)
    assert 'ApplicationSet "set"' in problem.cause
    assert "makes 600 Applications, and no more than 500 of one ApplicationSet are read: 100 were" in problem.cause
    assert "limits.applicationset_elements" in problem.fix
    assert len(expanded(appset(numbered(600), "x-{{no1}}"), most=600).applications) == 600


def test_what_a_fleet_has_left_bounds_an_application_set_too() -> None:
    found = expanded(appset(numbered(20), "x-{{no1}}"), left=7)
    assert len(found.applications) == 7
    (problem,) = found.problems
    assert "makes 20 Applications, and only 7 are left" in problem.cause
    assert "limits.generated_applications" in problem.fix
    assert expanded(appset(numbered(20), "x-{{no1}}"), left=0).applications == ()


def test_the_application_sets_of_a_fleet_are_bounded_together() -> None:
    sets = {
        f"{name}.yaml": appset(numbered(4), f"{name}-{{{{no1}}}}").replace("name: set", f"name: {name}")
        for name in "abc"
    }
    found = discover(making.tree(sets), Ports(max_generated=10))
    assert len(found.applications) == 10
    assert [made.count for made in found.application_sets] == [4, 4, 2]
    (problem,) = [problem for problem in found.problems if "left out" in problem.cause]
    assert 'ApplicationSet "c"' in problem.cause


def test_a_matrix_of_matrices_that_gives_nothing_ends_soon() -> None:
    many = numbered(3_000).removeprefix("- ")
    nothing = "{list: {elements: []}}"
    inner = f"{{matrix: {{generators: [{many}, {nothing}]}}}}"
    began = time.process_time()
    found = expanded(appset(f"- matrix: {{generators: [{many}, {inner}]}}", "x"))
    assert time.process_time() - began < 10
    assert found.applications == ()
    assert "more than 50000 times" in found.problems[0].cause


def test_a_matrix_made_to_explode_ends_soon() -> None:
    numbers = ", ".join(f"{{na: '{number}'}}" for number in range(2_000))
    other = numbers.replace("na", "nb")
    generator = f"- matrix: {{generators: [{{list: {{elements: [{numbers}]}}}}, {{list: {{elements: [{other}]}}}}]}}"
    tracemalloc.start()
    found = expanded(appset(generator + "\n  selector: {matchLabels: {na: '0', nb: '7'}}", "x"))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.applications) == 1
    assert peak_bytes < 200_000_000


def test_what_a_set_names_of_repositories_is_found_without_its_parameters() -> None:
    text = appset(f"- git: {{{GIT}, directories: [{{path: apps/*/x}}], files: [{{path: 'a/{{{{b}}}}'}}]}}", "x")
    found = list(references(making.manifest(text)))
    assert (making.HOME, "main", ("apps", "a")) in [(item.repo_url, item.revision, item.paths) for item in found]


class Helper:
    """A renderer that is asked where the subset does not suffice."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def render(self, text: str, params: Mapping[str, Any], options: Sequence[str] = ()) -> str:
        self.asked.append(text)
        return f"helped-{params['name']}"


def test_another_renderer_is_asked_only_for_what_the_subset_does_not_know() -> None:
    helper = Helper()
    text = appset("- list: {elements: [{name: a}]}", "{{ .name | regexReplaceAll `x` `y` }}", "{{.name}}", head=GO)
    found = expanded(text, renderer=helper)
    assert names(found) == ["helped-a"]
    assert helper.asked == ["{{ .name | regexReplaceAll `x` `y` }}"]


def test_helm_s_engine_is_given_the_text_as_a_chart_s_only_template() -> None:
    renderer = making.ScriptedRenderer(lambda request: [("text/templates/text.yaml", {"data": {"text": "made"}})])
    assert HelmTemplates(renderer).render("{{ .name }}", {"name": "a"}) == "made"
    (request,) = renderer.requests
    assert request.values == {"params": {"name": "a"}}
    failing = making.ScriptedRenderer(lambda request: Rendering(failure=RenderFailure("template", "no such function")))
    with pytest.raises(TemplateError, match="no such function"):
        HelmTemplates(failing).render("{{ x }}", {})


@given(
    st.text(alphabet="{} abx\n", max_size=40), st.dictionaries(st.sampled_from(["a", "b", "ab"]), st.text(max_size=5))
)
def test_plain_replacement_replaces_what_it_knows_and_nothing_else(text: str, params: dict[str, str]) -> None:
    try:
        result = Substitution(go_template=False).text(text, params)
    except TemplateError:
        return
    if "{{" not in text:
        assert result == text


@given(
    st.recursive(
        st.none() | st.text(max_size=8) | st.integers(),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "list",
                        "git",
                        "matrix",
                        "merge",
                        "clusters",
                        "generators",
                        "elements",
                        "template",
                        "path",
                        "directories",
                        "files",
                        "values",
                        "selector",
                        "mergeKeys",
                        "elementsYaml",
                        "repoURL",
                        "goTemplate",
                        "templatePatch",
                        "metadata",
                        "spec",
                        "name",
                    ]
                ),
                x,
                max_size=4,
            )
        ),
        max_leaves=30,
    )
)
def test_any_spec_is_expanded_without_raising(spec: Any) -> None:
    manifest = making.manifest(appset("- list: {}", "x"))
    body = {**manifest.data, "spec": spec}
    found = expand(type(manifest)(body, manifest.place), making.trees(HOME))
    assert found.applications == () or found.name == "set"
