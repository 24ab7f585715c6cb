"""Finding every Application of a repository and of what it names, and saying what could not be looked at."""

from __future__ import annotations

import time
from typing import Any

import pytest

from csoc.errors import UnavailableError
from csoc.fleet.argocd.discovery import Discovery, Ports, discover
from csoc.fleet.argocd.model import KnownCluster
from csoc.fleet.charts import RenderFailure, Rendering, pack
from csoc.fleet.repositories import Tree
from tests.unit.fleet.argocd import making

OTHER = "https://git.example.org/ops/other.git"


def child(name: str, path: str = "manifests") -> str:
    """An Application that deploys a folder without Applications, of the home repository."""
    return making.app_yaml(name, spec=f"  source: {{repoURL: {making.HOME}, targetRevision: main, path: {path}}}\n")


def parent(name: str, path: str, url: str = making.HOME, extra: str = "", revision: str = "main") -> str:
    source = f"{{repoURL: {url}, targetRevision: {revision}, path: {path}{extra}}}"
    return making.app_yaml(name, spec=f"  source: {source}\n")


def packaged(name: str) -> str:
    spec = "  source: {repoURL: https://charts.example.org, chart: thing, targetRevision: 1.0.0}\n"
    return making.app_yaml(name, spec=spec)


def found(files: dict[str, Any], ports: Ports | None = None, **options: Any) -> Discovery:
    return discover(making.tree({"manifests/x.yaml": "kind: X\n", **files}), ports, **options)


def names(discovery: Discovery) -> list[str]:
    return [application.name for application in discovery.applications]


def applied(discovery: Discovery) -> dict[str, tuple[str, ...]]:
    return {application.name: application.applied_by for application in discovery.applications}


def test_applications_are_found_in_every_form_of_file() -> None:
    items = "\n".join("  " + line for line in packaged("in-list").split("\n")).replace("  apiV", "- apiV", 1)
    json = '{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "in-json"}, '
    json += '"spec": {"source": {"repoURL": "https://charts.example.org", "chart": "thing"}, "destination": {}}}'
    discovery = found(
        {
            "a.yaml": packaged("plain"),
            "b.yml": f"{packaged('first')}\n---\n# nothing\n---\n{packaged('second')}",
            "c.json": json,
            "d.yaml": f"apiVersion: v1\nkind: List\nitems:\n{items}",
        }
    )
    assert discovery.problems == ()
    assert names(discovery) == ["plain", "first", "second", "in-json", "in-list"]
    second = discovery.applications[2]
    assert (second.document, second.location.path, second.location.line) == (2, "b.yml", 14)
    in_list = discovery.applications[4]
    assert in_list.name_location is not None
    assert in_list.name_location.line == 7


def test_one_bad_file_costs_that_file_only() -> None:
    discovery = found({"a.yaml": packaged("good"), "b.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: [\n"})
    assert names(discovery) == ["good"]
    (problem,) = discovery.problems
    assert (problem.kind, problem.location.path) == ("unreadable file", "b.yaml")
    assert problem.location.line > 0


def test_a_file_of_many_applications_is_read_in_time() -> None:
    started = time.monotonic()
    discovery = found({"many.yaml": "---\n".join(packaged(f"app-{number}") for number in range(900))})
    assert time.monotonic() - started < 20
    assert len(discovery.applications) == 900
    assert discovery.applications[-1].location.line == 899 * 10 + 1


def test_yaml_that_is_not_kubernetes_s_is_no_problem() -> None:
    discovery = found(
        {
            "values.yaml": "a: 1\n",
            ".ci/config.yaml": "- step\n",
            "text.yaml": "just text\n",
            "other.yaml": "apiVersion: v1\nkind: ConfigMap\n",
            "data.json": "not json",
            "workflow.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: x}\n",
        }
    )
    assert discovery.applications == ()
    assert discovery.problems == ()


def test_templates_of_other_charts_and_of_other_tools_are_no_problem() -> None:
    discovery = found(
        {
            "chart/Chart.yaml": "name: chart\nversion: 0.1.0\n",
            "chart/templates/deployment.yaml": "{{- if .Values.on }}\nkind: Deployment\n{{- end }}\n",
            "chart/templates/flow.yaml": "{{ if 1 }}\napiVersion: argoproj.io/v1alpha1\nkind: Workflow\n{{ end }}\n",
            "chart/charts/sub/Chart.yaml": "name: sub\nversion: 0.1.0\n",
            "chart/charts/sub/templates/x.yaml": "{{ .x }}: [\n",
            "tool/config.yaml": "{{ range .x }}\n- a\n{{ end }}\n",
        }
    )
    assert discovery.problems == ()
    assert discovery.charts == ("chart", "chart/charts/sub")
    assert "1 files are templates" in discovery.notes[-1]


def test_a_template_without_actions_is_read_with_exact_lines() -> None:
    discovery = found({"env/Chart.yaml": "name: e\nversion: 0.1.0\n", "env/templates/app.yaml": "\n" + packaged("a")})
    (application,) = discovery.applications
    assert (application.location.line, application.generated_by) == (2, None)


def test_projects_clusters_and_csoc_documents_are_handed_back() -> None:
    secret = "metadata: {name: c, labels: {argocd.argoproj.io/secret-type: cluster}}\nstringData: "
    discovery = found(
        {
            "p.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: p}\nspec: {}\n",
            "c.yaml": f"apiVersion: v1\nkind: Secret\n{secret}{{name: prod, server: https://k.example.org}}\n",
            ".csoc/fleet.yaml": "apiVersion: csoc.gen3.org/v1alpha1\nkind: Fleet\nmetadata: {name: f}\n",
            "k/kustomization.yaml": "resources: []\n",
        }
    )
    assert [project.name for project in discovery.projects] == ["p"]
    assert [cluster.server for cluster in discovery.clusters] == ["https://k.example.org"]
    assert [document.location.path for document in discovery.csoc_documents] == [".csoc/fleet.yaml"]
    assert discovery.kustomizations == ("k/kustomization.yaml",)
    assert discovery.library.files(discovery.trees.home)["k/kustomization.yaml"].documents


# Applications that apply Applications


def test_a_plain_folder_is_only_itself_unless_it_recurses() -> None:
    files = {"root.yaml": parent("root", "apps"), "apps/a.yaml": child("a"), "apps/deep/b.yaml": child("b")}
    assert applied(found(files)) == {"root": (), "a": ("root",), "b": ()}
    files["root.yaml"] = parent("root", "apps", extra=", directory: {recurse: true}")
    assert applied(found(files)) == {"root": (), "a": ("root",), "b": ("root",)}
    files["root.yaml"] = parent("root", "apps", extra=", directory: {recurse: true, exclude: 'deep/*'}")
    assert applied(found(files)) == {"root": (), "a": ("root",), "b": ()}
    files["root.yaml"] = parent("root", "apps", extra=", directory: {recurse: true, include: '*/b.yaml'}")
    assert applied(found(files)) == {"root": (), "a": (), "b": ("root",)}


def test_a_kustomization_applies_what_it_includes() -> None:
    files = {
        "root.yaml": parent("root", "overlay"),
        "overlay/kustomization.yaml": "resources: [../base]\n",
        "base/kustomization.yaml": "resources: [a.yaml]\n",
        "base/a.yaml": child("a"),
        "base/b.yaml": child("b"),
    }
    assert applied(found(files)) == {"root": (), "a": ("root",), "b": ()}


def test_a_chart_of_plain_templates_applies_them() -> None:
    files = {
        "root.yaml": parent("root", "env"),
        "env/Chart.yaml": "name: env\nversion: 0.1.0\n",
        "env/templates/a.yaml": child("a"),
        "env/other.yaml": child("b"),
    }
    assert applied(found(files)) == {"root": (), "a": ("root",), "b": ()}


def test_two_can_apply_one_and_a_cycle_ends() -> None:
    files = {"apps/a.yaml": parent("a", "apps"), "apps/b.yaml": parent("b", "apps")}
    assert applied(found(files)) == {"a": ("a", "b"), "b": ("a", "b")}


def test_other_repositories_are_opened_and_followed_once() -> None:
    other = making.tree({"apps/x.yaml": parent("x", "more", OTHER), "more/z.yaml": packaged("z")}, OTHER)
    opener = making.opener({(OTHER, "main"): other})
    files = {"a.yaml": parent("a", "apps", OTHER), "b.yaml": parent("b", "apps", OTHER)}
    discovery = found(files, Ports(open_tree=opener))
    assert applied(discovery) == {"a": (), "b": (), "x": ("a", "b"), "z": ("x",)}
    assert opener.asked == [(OTHER, "main")]
    assert {read[0] for read in discovery.read} == {"git.example.org/ops/fleet", "git.example.org/ops/other"}
    assert discovery.problems == ()


def test_an_unreachable_repository_is_one_problem_that_lists_its_places() -> None:
    opener = making.opener({(OTHER, "main"): UnavailableError("no answer")})
    files = {"a.yaml": parent("a", "apps", OTHER), "b.yaml": parent("b", "elsewhere", OTHER)}
    discovery = found(files, Ports(open_tree=opener))
    (problem,) = discovery.problems
    assert problem.kind == "unreachable repository"
    assert problem.location.path == "a.yaml"
    assert [str(place) for place in problem.places] == ["b.yaml:9"]
    assert problem.told().endswith(": no answer. Also at b.yaml:9")
    assert names(discovery) == ["a", "b"]


def test_without_leave_to_open_others_each_one_is_a_problem() -> None:
    discovery = found({"a.yaml": parent("a", "apps", OTHER)})
    assert [problem.kind for problem in discovery.problems] == ["unreachable repository"]


def test_following_ends_at_the_depth() -> None:
    def level(number: int) -> Tree:
        url, following = f"https://git.example.org/l{number}", f"https://git.example.org/l{number + 1}"
        return making.tree({"apps/app.yaml": parent(f"n{number}", "apps", following)}, url)

    trees = {(f"https://git.example.org/l{number}", "main"): level(number) for number in range(20)}
    opener = making.opener(trees)
    discovery = found(
        {"a.yaml": parent("a", "apps", "https://git.example.org/l0")}, Ports(open_tree=opener, max_depth=3)
    )
    assert sorted(names(discovery)) == ["a", "n0", "n1", "n2"]
    assert [problem.kind for problem in discovery.problems] == ["not understood"]
    assert "3 levels deep" in discovery.problems[0].cause
    assert len(opener.asked) == 4


def test_a_path_that_is_not_there_is_said_at_each_source() -> None:
    discovery = found({"a.yaml": parent("a", "nowhere"), "b.yaml": parent("b", "nowhere")})
    (problem,) = discovery.problems
    assert problem.kind == "missing path"
    assert problem.location.path == "a.yaml"
    assert [place.path for place in problem.places] == ["b.yaml"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.yaml": parent("a", "../outside")}, "leads out of the repository"),
        ({"a.yaml": parent("a", "manifests", extra=", plugin: {name: x}")}, "a plugin makes manifests"),
        ({"a.yaml": parent("a", "j"), "j/x.jsonnet": "{}"}, "Jsonnet"),
        (
            {"a.yaml": parent("a", "k"), "k/kustomization.yaml": "resources: [none.yaml]\n"},
            "neither a file nor a folder",
        ),
    ],
)
def test_what_cannot_be_looked_into_is_said(files: dict[str, str], said: str) -> None:
    discovery = found(files)
    assert [said in problem.cause for problem in discovery.problems] == [True]


# ApplicationSets


SET = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: set}}
spec:
  generators: [{{git: {{repoURL: {making.HOME}, revision: main, directories: [{{path: envs/*}}]}}}}]
  template:
    metadata: {{name: '{{{{path.basename}}}}'}}
    spec:
      source: {{repoURL: {making.HOME}, targetRevision: main, path: '{{{{path}}}}'}}
      destination: {{namespace: x}}
"""


def test_an_application_set_and_what_it_makes_hold_together() -> None:
    files = {
        "root.yaml": parent("root", "sets"),
        "sets/set.yaml": SET,
        "envs/dev/a.yaml": packaged("made"),
        "envs/prod/b.yaml": "kind: X\n",
    }
    discovery = found(files)
    assert applied(discovery) == {"root": (), "dev": ("root",), "prod": ("root",), "made": ("dev",)}
    assert [(made.name, made.count) for made in discovery.application_sets] == [("set", 2)]
    dev = next(application for application in discovery.applications if application.name == "dev")
    assert dev.generated_by == dev.location
    assert dev.location.path == "sets/set.yaml"


def test_clusters_that_are_handed_in_count_for_generators() -> None:
    text = SET.replace(
        f"git: {{repoURL: {making.HOME}, revision: main, directories: [{{path: envs/*}}]}}", "clusters: {}"
    )
    text = text.replace("{{path.basename}}", "{{name}}").replace("'{{path}}'", "manifests")
    cluster = KnownCluster("prod", "https://k.example.org")
    assert names(found({"s.yaml": text}, clusters=[cluster])) == ["in-cluster", "prod"]
    assert [problem.kind for problem in found({"s.yaml": text}).problems] == ["cannot be expanded from Git"]


# Charts whose templates make Applications

TEMPLATE = """\
{{- if .Values.on }}
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: made
spec:
  source: {{ .Values.source | toYaml }}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{ .Values.other }}
{{- end }}
"""
APPS_CHART = {
    "apps/Chart.yaml": "name: chart\nversion: 0.1.0\n",
    "apps/values.yaml": "on: true\n",
    "apps/templates/app.yaml": TEMPLATE,
    "prod/values.yaml": "other: from-prod\n",
}


def rendered(request: Any) -> list[tuple[str, dict[str, Any]]]:
    other = request.values.get("other", "from-chart")
    return [
        ("chart/templates/app.yaml", making.argo_application("made")),
        ("chart/templates/app.yaml", making.argo_application(other)),
        ("chart/templates/other.yaml", {"apiVersion": "v1", "kind": "ConfigMap"}),
    ]


def test_a_chart_of_applications_that_nobody_deploys_is_rendered_with_its_own_values() -> None:
    renderer = making.ScriptedRenderer(rendered)
    discovery = found(APPS_CHART, Ports(charts=making.FolderCharts(), renderer=renderer))
    assert discovery.problems == ()
    assert applied(discovery) == {"made": (), "from-chart": ()}
    (request,) = renderer.requests
    assert request.values == {}
    made, other = discovery.applications
    assert (made.location.path, made.location.line) == ("apps/templates/app.yaml", 5)
    assert (other.location.path, other.location.line) == ("apps/templates/app.yaml", 10)
    assert made.generated_by is not None
    assert made.generated_by.path == "apps/Chart.yaml"


def test_a_chart_of_applications_is_rendered_for_each_application_that_deploys_it() -> None:
    spec = f"""\
  sources:
    - {{repoURL: {making.HOME}, targetRevision: main, path: apps, helm: {{valueFiles: [$v/prod/values.yaml]}}}}
    - {{repoURL: {making.HOME}, targetRevision: main, ref: v}}
"""
    files = {
        **APPS_CHART,
        "one.yaml": making.app_yaml("one", spec=spec, destination="ns-one"),
        "two.yaml": parent("two", "apps"),
    }
    renderer = making.ScriptedRenderer(rendered)
    discovery = found(files, Ports(charts=making.FolderCharts(), renderer=renderer))
    assert discovery.problems == ()
    assert [(request.release, request.namespace, request.values) for request in renderer.requests] == [
        ("one", "ns-one", {"other": "from-prod"}),
        ("two", "prod", {}),
    ]
    made = [a for a in discovery.applications if a.location.path == "apps/templates/app.yaml"]
    assert sorted((a.name, a.applied_by) for a in made) == [
        ("from-chart", ("two",)),
        ("from-prod", ("one",)),
        ("made", ("one",)),
        ("made", ("two",)),
    ]
    assert {a.generated_by.path for a in made if a.generated_by} == {"one.yaml", "two.yaml"}


def test_a_chart_of_applications_in_another_repository_is_rendered_with_the_values_here() -> None:
    other = making.tree({path: text for path, text in APPS_CHART.items() if path.startswith("apps/")}, OTHER)
    spec = f"""\
  sources:
    - {{repoURL: {OTHER}, path: apps, helm: {{valueFiles: [$v/prod/values.yaml]}}}}
    - {{repoURL: {making.HOME}, targetRevision: main, ref: v}}
"""
    files = {"one.yaml": making.app_yaml("one", spec=spec), "prod/values.yaml": "other: here\n"}
    ports = Ports(making.opener({(OTHER, ""): other}), making.FolderCharts(), making.ScriptedRenderer(rendered))
    discovery = found(files, ports)
    assert applied(discovery) == {"one": (), "made": ("one",), "here": ("one",)}
    assert discovery.applications[-1].location.repository == "git.example.org/ops/other"


def test_a_plain_template_beside_rendered_ones_counts_once_with_its_exact_place() -> None:
    def with_plain(request: Any) -> list[tuple[str, dict[str, Any]]]:
        return [*rendered(request), ("chart/templates/plain.yaml", making.argo_application("plain"))]

    files = {**APPS_CHART, "apps/templates/plain.yaml": "\n\n" + packaged("plain"), "a.yaml": parent("a", "apps")}
    ports = Ports(charts=making.FolderCharts(), renderer=making.ScriptedRenderer(with_plain))
    discovery = found(files, ports)
    assert sorted(names(discovery)) == ["a", "from-chart", "made", "plain"]
    plain = next(application for application in discovery.applications if application.name == "plain")
    assert (plain.location.line, plain.generated_by, plain.applied_by) == (3, None, ("a",))


def test_a_packaged_chart_of_applications_is_rendered() -> None:
    class Packaged(making.FolderCharts):
        def fetch(self, ref: Any, *, local: Any = None) -> Any:
            return pack("argocd-apps", "2.0.0", {})

    spec = "  source: {repoURL: https://charts.example.org, chart: argocd-apps, targetRevision: 2.0.0}\n"
    files = {"one.yaml": making.app_yaml("one", spec=spec)}
    discovery = found(files, Ports(charts=Packaged(), renderer=making.ScriptedRenderer(rendered)))
    assert applied(discovery) == {"one": (), "made": ("one",), "from-chart": ("one",)}
    assert {a.location.path for a in discovery.applications} == {"one.yaml"}


def test_a_rendering_that_fails_is_a_problem_at_the_template() -> None:
    failure = Rendering(failure=RenderFailure("template", "no such key", "chart/templates/app.yaml", 7))
    ports = Ports(charts=making.FolderCharts(), renderer=making.ScriptedRenderer(lambda request: failure))
    discovery = found(APPS_CHART, ports)
    (problem,) = discovery.problems
    assert (problem.kind, problem.location.path, problem.location.line) == (
        "chart not rendered",
        "apps/templates/app.yaml",
        7,
    )
    assert "no such key" in problem.cause


def test_a_chart_of_applications_that_cannot_be_rendered_here_is_a_problem() -> None:
    (problem,) = found(APPS_CHART).problems
    assert problem.kind == "chart not rendered"
    assert problem.location.path == "apps/Chart.yaml"


def test_a_chart_that_makes_itself_ends() -> None:
    def endless(request: Any) -> list[tuple[str, dict[str, Any]]]:
        source = {"repoURL": making.HOME, "targetRevision": "main", "path": "apps"}
        return [("chart/templates/app.yaml", making.argo_application(f"{request.release}x", source=source))]

    renderer = making.ScriptedRenderer(endless)
    discovery = found(
        {**APPS_CHART, "a.yaml": parent("a", "apps")}, Ports(charts=making.FolderCharts(), renderer=renderer)
    )
    assert sorted(names(discovery)) == ["a", "ax", "axx", "axxx", "axxxx", "axxxxx"]
    assert len(renderer.requests) == 5
