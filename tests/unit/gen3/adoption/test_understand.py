"""Which Applications deploy Gen3, whatever way they take, and what the rest is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.gen3.views import MANIFEST, EnvironmentView, FleetView
from csoc.testing.fleets import CHARTS, HOME, World, application, environment
from csoc.testing.repositories import Link
from csoc.usecases.adopt import plan_adoption, write_adoption

HELM = "valuesObject: {global: {hostname: alpha.example.org}}"


def world(files: dict[str, str]) -> World:
    made = World()
    made.write(files)
    return made


def read(files: dict[str, str]) -> FleetView:
    return world(files).load().view


def one(files: dict[str, str]) -> EnvironmentView:
    (found,) = read(files).environments
    return found


def app(name: str, source: str, *, namespace: str = "alpha") -> str:
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\nspec:\n"
        f"  source: {source}\n  destination: {{name: east, namespace: {namespace}}}\n"
    )


WRAPPER = {
    "east/Chart.yaml": "apiVersion: v2\nname: alpha\nversion: 1.0.0\ndependencies: [{name: gen3, version: 1.0.0}]\n",
    "east/values.yaml": "gen3: {global: {hostname: alpha.example.org}}\n",
    "app.yaml": app("alpha", f"{{repoURL: {HOME}, path: east, targetRevision: main}}"),
}
SET = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: all}}
spec:
  generators:
    - list: {{elements: [{{name: alpha}}, {{name: beta}}]}}
  template:
    metadata: {{name: '{{{{name}}}}'}}
    spec:
      source:
        repoURL: {CHARTS}
        path: helm/gen3
        targetRevision: master
        helm: {{valuesObject: {{global: {{hostname: '{{{{name}}}}.example.org'}}}}}}
      destination: {{name: '{{{{name}}}}', namespace: '{{{{name}}}}'}}
"""
MANIFEST_JSON = json.dumps(
    {
        "versions": {"fence": "quay.io/cdis/fence:2026.01", "audit-service": "quay.io/cdis/audit-service:2026.02"},
        "global": {"hostname": "alpha.example.org", "environment": "alphaprod"},
    }
)


def test_a_wrapper_chart_is_gen3_by_what_it_depends_on() -> None:
    found = one(WRAPPER)
    assert (found.wrapper, found.hostname.value, found.chart.path) == ("gen3", "alpha.example.org", "east")


def test_a_wrapper_whose_values_cannot_be_read_is_still_there_with_a_problem() -> None:
    view = read({**WRAPPER, "east/values.yaml": "a: b: c"})
    assert len(view.environments) == 1
    assert any("values.yaml" in str(problem.location) for problem in view.problems)


def test_a_kustomization_that_inflates_the_chart_is_an_environment() -> None:
    found = one(
        {
            "east/kustomization.yaml": "helmCharts:\n- {name: gen3, repo: https://helm.gen3.org, version: 1.0.0, "
            "valuesInline: {global: {hostname: alpha.example.org}}}\n",
            "app.yaml": app("alpha", f"{{repoURL: {HOME}, path: east, targetRevision: main}}"),
        }
    )
    assert (found.hostname.value, found.chart.chart, found.chart.revision) == ("alpha.example.org", "gen3", "1.0.0")


def test_an_applicationset_makes_environments_that_say_what_made_them() -> None:
    view = read({"set.yaml": SET})
    assert [(item.name, item.cluster.value) for item in view.environments] == [("alpha", "alpha"), ("beta", "beta")]
    assert all(str(item.application.generated_by).startswith("set.yaml") for item in view.environments)


def test_what_an_applicationset_makes_is_adopted_once() -> None:
    made = world({"set.yaml": SET})
    fleet = made.load()
    write_adoption(made.ports(), fleet, plan_adoption(made.ports(), fleet))
    again = made.load()
    assert all(item.document for item in again.view.environments)
    assert plan_adoption(made.ports(), again).files == {}


def test_an_older_manifest_is_an_environment_of_the_older_system() -> None:
    found = one({"alpha.example.org/manifest.json": MANIFEST_JSON})
    assert (found.system, found.stage.value, found.cluster.known) == (MANIFEST, "prod", False)
    fleet = world({"alpha.example.org/manifest.json": MANIFEST_JSON}).load()
    values = fleet.resolved[found.name].values
    assert values.get("fence.image.tag") == "2026.01"
    assert values.get("audit.image.tag") == "2026.02"


@pytest.mark.parametrize("text", ["{", "[" * 3000, '{"versions": {"a": 1}, "global": {"hostname": "x.org"}}', "", "[]"])
def test_a_manifest_that_is_none_costs_itself_only(text: str) -> None:
    view = read({"a/manifest.json": text, **environment("east", "beta.example.org")})
    assert [item.name for item in view.environments] == ["beta"]


def test_a_link_named_manifest_json_is_not_followed() -> None:
    made = World()
    made.write({"a/manifest.json": Link("/etc/passwd")})
    assert made.load().view.environments == ()


@pytest.mark.parametrize(
    ("revision", "source", "gated"),
    [
        ("a" * 40, "b" * 40, True),
        ("master", "b" * 40, False),
        ("a" * 40, "main", False),
        ("gen3-1.0.0", "b" * 40, False),
    ],
)
def test_an_environment_is_gated_if_neither_chart_nor_values_can_move(revision: str, source: str, gated: bool) -> None:
    text = application("alpha", values=["v.yaml"], revision=revision).replace(
        "targetRevision: main", f"targetRevision: {source}"
    )
    text = text.replace("      helm:\n", "      helm:\n        valuesObject: {global: {hostname: alpha.example.org}}\n")
    assert one({"app.yaml": text, "v.yaml": "{}"}).gated is gated


def test_the_rest_is_told_apart_by_what_it_does() -> None:
    action = {"Type": "redirect", "RedirectConfig": {"Host": "new.org", "StatusCode": "HTTP_301"}}
    backend = "{service: {name: go, port: {name: use-annotation}}}"
    ingress = (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: old\n"
        f"  annotations:\n    alb.ingress.kubernetes.io/actions.go: '{json.dumps(action)}'\n"
        "spec:\n  rules:\n  - host: old.example.org\n"
        f"    http: {{paths: [{{path: /, pathType: Prefix, backend: {backend}}}]}}\n"
    )
    view = read(
        {
            "redirect.yaml": app("old", f"{{repoURL: {HOME}, path: manifests, targetRevision: main}}"),
            "manifests/ingress.yaml": ingress,
            "platform.yaml": app(
                "karpenter", "{repoURL: https://charts.example.org, chart: karpenter, targetRevision: 1.0.0}"
            ),
            "unknown.yaml": app("thing", "{repoURL: https://charts.example.org, chart: thing, targetRevision: 1.0.0}"),
            "root.yaml": app("root", f"{{repoURL: {HOME}, path: ., targetRevision: main}}"),
            "gen3.yaml": application("alpha", helm=HELM),
        }
    )
    assert {item.application.name: item.role for item in view.others} == {
        "old": "redirect",
        "karpenter": "platform",
        "thing": "workload",
        "root": "app of apps",
    }
    assert [item.name for item in view.environments] == ["alpha"]


def test_what_stands_in_a_repository_that_cannot_be_had_is_unknown_with_the_cause_and_the_fix() -> None:
    made = World()
    source = "{repoURL: https://git.elsewhere.example/charts, path: charts/commons, targetRevision: main"
    made.write({"app.yaml": app("alpha", source + ", helm: {valueFiles: [values.yaml]}}")})
    view = made.load().view
    (other,) = view.others
    (problem,) = view.problems
    assert other.role == "unknown"
    assert "whether it is Gen3 is not known" in other.reason
    assert "https://git.elsewhere.example/charts could not be read" in other.reason
    assert problem.fix
    assert problem.fix.rstrip(".") in other.reason


def test_a_chart_of_another_name_is_named_in_the_reason() -> None:
    source = "{repoURL: https://charts.example.org, chart: thing, targetRevision: 1.0.0}"
    (other,) = read({"app.yaml": app("thing", source)}).others
    assert other.reason.startswith("its chart thing is neither called gen3")


def test_one_bad_file_costs_that_file() -> None:
    view = read(
        {**environment("east", "alpha.example.org"), "west/app.yaml": "kind: Application\n  bad: [", "x.yaml": "\t"}
    )
    assert [item.name for item in view.environments] == ["alpha"]
    assert {problem.location.path for problem in view.problems} >= {"west/app.yaml", "x.yaml"}


HOSTS = ["alpha.org", "staging.alpha.org", "new.alpha.org", "alpha.com", "beta.org", "dev-beta.org", "Gamma.ORG"]
PLACES = st.tuples(st.sampled_from(["east", "west", "prod1", "East_2"]), st.sampled_from(HOSTS))


@settings(max_examples=40, deadline=None)
@given(st.lists(PLACES, min_size=1, max_size=5, unique=True))
def test_adopting_changes_no_answer_and_adopting_again_adds_nothing(places: list[tuple[str, str]]) -> None:
    made = World()
    for cluster, host in places:
        made.write(environment(cluster, host, name="app"))
    fleet = made.load()
    write_adoption(made.ports(), fleet, plan_adoption(made.ports(), fleet))
    again = made.load()
    assert again.documents.faults == ()
    assert {_said(item) for item in again.view.environments} == {_said(item) for item in fleet.view.environments}
    assert all(item.document for item in again.view.environments)
    assert plan_adoption(made.ports(), again).files == {}


def _said(view: EnvironmentView) -> tuple[str, ...]:
    facts = (view.commons, view.cluster, view.stage, view.slot, view.hostname)
    return (view.name, view.application.location.path, *(fact.value for fact in facts))
