"""What every chart renderer does: csoc's own, and `helm template`, which is the oracle for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csoc.adapters.helm.render.renderer import ChildRenderer
from csoc.fleet.charts import ChartRenderer, RenderedObject, Rendering, RenderRequest
from csoc.fleet.manifests import identity, normalise
from csoc.testing.charts import chart
from tests.contract import real_environments
from tests.contract.helm_command import HelmCommand

REAL = (
    "gitops-ardac/ardac1dmo/cluster-level-resources",
    "gitops-ardac/ardac1dmo/demo.ardac.org",
    "gitops-ardac/ardac1prd/cluster-level-resources",
    "gitops-ardac/ardac1prd/portal.ardac.org",
    "gitops-ardac/ardac2prd/cluster-level-resources",
    "gitops-ardac/ardac2prd/portal.ardac.org",
    "gitops-ctds/brhprod/brh.data-commons.org",
    "gitops-ctds/brhprod/brhstaging.data-commons.org",
    "gitops-ctds/chordsprod/chordshealth.org",
    "gitops-ctds/chordsprod/staging.chordshealth.org",
    "gitops-ctds/emalinowskiv1/emalinowskiv1.planx-pla.net",
    "gitops-ctds/healprod/externaldata.healdata.org",
    "gitops-ctds/healprod/healdata.org",
    "gitops-ctds/healprod/preprod.healdata.org",
    "gitops-ctds/kidsfirst-skfqa/gen3staging.kidsfirstdrc.org",
    "gitops-ctds/pdp-commons/mc2dp.data-commons.org",
    "gitops-ctds/unfunded/aids.diseasedatahub.org",
    "gitops-ctds/unfunded/caninedc.org",
)
NOT_RENDERING = {
    "gitops-ctds/brhprod/brhstaging.data-commons.org": "gen3/charts/wts/templates/db-init.yaml",
    "gitops-ctds/pdp-commons/mc2dp.data-commons.org": "gen3/charts/gen3-embeddings/templates/db-init.yaml",
}


@pytest.fixture(scope="module")
def child() -> Iterator[ChildRenderer]:
    with ChildRenderer(workers=2) as renderer:
        yield renderer


@pytest.fixture(scope="module", params=["child", pytest.param("helm", marks=pytest.mark.helm)])
def renderer(request: pytest.FixtureRequest) -> ChartRenderer:
    if request.param == "helm":
        return HelmCommand(request.getfixturevalue("helm_program"))
    child: ChartRenderer = request.getfixturevalue("child")
    return child


def request_for(files: dict[str, str], values: dict[str, Any] | None = None, **more: Any) -> RenderRequest:
    return RenderRequest(chart(files), values or {}, more.pop("release", "one"), more.pop("namespace", "place"), **more)


def names(rendering: Rendering) -> list[str]:
    assert rendering.failure is None
    return [f"{item.body['kind']}/{item.body['metadata']['name']}" for item in rendering.objects]


def config(name: str, **data: str) -> str:
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{lines}"


def data(rendering: Rendering) -> dict[str, Any]:
    assert rendering.failure is None, rendering.failure
    merged: dict[str, Any] = {}
    for item in rendering.objects:
        merged |= item.body["data"]
    return merged


def hook(name: str, moments: str) -> str:
    return (
        f'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations:\n    helm.sh/hook: "{moments}"\n'
    )


def test_templates_see_release_namespace_values_and_defaults(renderer: ChartRenderer) -> None:
    files = {
        "values.yaml": "tag: old\nport: 80\n",
        "templates/a.yaml": config(
            "a", release='"{{ .Release.Name }}"', space='"{{ .Release.Namespace }}"', tag='"{{ .Values.tag }}"',
            port="{{ .Values.port | quote }}",
        ),
    }  # fmt: skip
    rendering = renderer.render(request_for(files, {"tag": "new"}))
    assert data(rendering) == {"release": "one", "space": "place", "tag": "new", "port": "80"}
    assert rendering.objects[0].template == "demo/templates/a.yaml"


def test_objects_stand_in_order_of_installation_with_hooks_behind(renderer: ChartRenderer) -> None:
    files = {
        "templates/a.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\n---\n"
        + hook("h", "pre-install"),
        "templates/b.yaml": "apiVersion: x/v1\nkind: Zebra\nmetadata:\n  name: z\n---\napiVersion: x/v1\nkind: Ape\n"
        "metadata:\n  name: a\n",
        "templates/c.yaml": config("c") + "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n",
        "templates/tests/t.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n  annotations:\n"
        '    "helm.sh/hook": test\n',
    }
    expected = ["Secret/s", "ConfigMap/c", "Deployment/d", "Ape/a", "Zebra/z", "Pod/t", "Job/h"]
    assert names(renderer.render(request_for(files))) == expected


def test_hooks_of_unknown_kinds_notes_partials_and_crds_are_no_objects(renderer: ChartRenderer) -> None:
    files = {
        "templates/a.yaml": config("a") + "---\n" + hook("never", "crd-install"),
        "templates/NOTES.txt": "Installed.",
        "templates/_partial.yaml": config("partial"),
        "templates/empty.yaml": "{{ if false }}\nkind: X\n{{ end }}\n# only a comment\n",
        "crds/c.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: c\n",
    }
    assert names(renderer.render(request_for(files))) == ["ConfigMap/a"]


def test_a_failure_says_what_helm_says(renderer: ChartRenderer) -> None:
    files = {"templates/a.yaml": 'a: 1\nb: {{ required "no host" .Values.host }}\n'}
    failure = renderer.render(request_for(files)).failure
    assert failure is not None
    assert failure.kind == "template"
    assert "no host" in failure.message


def test_the_clusters_version_and_apis_reach_the_templates(renderer: ChartRenderer) -> None:
    files = {
        "templates/a.yaml": config(
            "a",
            version='"{{ .Capabilities.KubeVersion }}"',
            api='"{{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}"',
        )
    }
    plain = request_for(files, kube_version="v1.29.3")
    assert data(renderer.render(plain)) == {"version": "v1.29.3", "api": "false"}
    with_api = replace(plain, api_versions=("monitoring.coreos.com/v1",))
    assert data(renderer.render(with_api))["api"] == "true"


def test_a_chart_for_other_clusters_does_not_render(renderer: ChartRenderer) -> None:
    chart_yaml = 'apiVersion: v2\nname: demo\nversion: 1.0.0\nkubeVersion: ">=1.30"\n'
    files = {"Chart.yaml": chart_yaml, "templates/a.yaml": config("a")}
    assert renderer.render(request_for(files, kube_version="1.31")).failure is None
    failure = renderer.render(request_for(files, kube_version="1.29")).failure
    assert failure is not None
    assert "1.30" in failure.message


def test_a_release_name_that_is_too_long_does_not_render(renderer: ChartRenderer) -> None:
    assert renderer.render(request_for({"templates/a.yaml": config("a")}, release="r" * 54)).failure is not None


DEPENDENCIES = {
    "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\ndependencies:\n"
    "- {name: sub, version: '>=0', condition: sub.enabled}\n"
    "- {name: sub, version: '>=0', alias: second, condition: second.enabled, tags: [extra]}\n"
    "- {name: giver, version: '*', import-values: [gift, {child: inner, parent: taken}]}\n",
    "values.yaml": "sub: {enabled: true}\nglobal: {host: h}\n",
    "templates/a.yaml": config("top", gift='"{{ .Values.gift }}"', taken='"{{ .Values.taken.deep }}"'),
    "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.3.0\n",
    "charts/sub/values.yaml": "size: 1\n",
    "charts/sub/templates/s.yaml": config('"{{ .Chart.Name }}"')
    + '  "{{ .Chart.Name }}": "{{ .Values.size }} {{ .Values.global.host }}"\n',
    "charts/giver/Chart.yaml": "apiVersion: v2\nname: giver\nversion: 0.0.0\n",
    "charts/giver/values.yaml": "exports: {gift: {gift: book}}\ninner: {deep: sea}\n",
}


def test_dependencies_have_aliases_conditions_tags_globals_and_imports(renderer: ChartRenderer) -> None:
    both = data(renderer.render(request_for(DEPENDENCIES, {"second": {"size": 2}})))
    assert both == {"gift": "book", "taken": "sea", "sub": "1 h", "second": "2 h"}
    off = data(renderer.render(request_for(DEPENDENCIES, {"sub": {"enabled": False}, "tags": {"extra": False}})))
    assert off == {"gift": "book", "taken": "sea"}
    wins = data(renderer.render(request_for(DEPENDENCIES, {"tags": {"extra": False}, "second": {"enabled": True}})))
    assert "second" in wins


def test_a_service_switched_off_is_there_again_in_the_next_rendering(renderer: ChartRenderer) -> None:
    off = request_for(DEPENDENCIES, {"sub": {"enabled": False}})
    on = request_for(DEPENDENCIES)
    assert "sub" not in data(renderer.render(off))
    assert "sub" in data(renderer.render(on))


def test_several_are_rendered_in_the_order_of_the_requests(renderer: ChartRenderer) -> None:
    files = {"templates/a.yaml": config("a", number="{{ .Values.number | quote }}")}
    requests = (request_for(files, {"number": number}) for number in range(12))
    found = [data(rendering)["number"] for rendering in renderer.render_many(requests)]
    assert found == [str(number) for number in range(12)]


def test_dashes_within_a_template_split_it_as_helm_splits_it(renderer: ChartRenderer) -> None:
    text = "---\n\n---\n" + config("a") + "\n---   \n" + config("b") + "---\n# nothing\n"
    assert names(renderer.render(request_for({"templates/a.yaml": text}))) == ["ConfigMap/a", "ConfigMap/b"]


def test_text_at_the_end_of_a_template_keeps_its_line_end(renderer: ChartRenderer) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: |\n    last"
    assert data(renderer.render(request_for({"templates/a.yaml": text}))) == {"a": "last\n"}


# The child alone: what the command does not tell, or does otherwise.


def test_the_place_of_a_failure_is_the_template_and_its_line(child: ChildRenderer) -> None:
    files = {
        "templates/_h.tpl": '{{ define "h" }}\n{{ fail "broken" }}{{ end }}',
        "templates/a.yaml": 'a: 1\nb: {{ include "h" . }}\n',
    }
    failure = child.render(request_for(files)).failure
    assert failure is not None
    assert (failure.template, failure.line) == ("demo/templates/a.yaml", 2)
    assert "broken" in failure.message
    assert "\n" not in failure.message
    syntax = child.render(request_for({"templates/a.yaml": "a: 1\n\nb: {{ nonsense }}\n"})).failure
    assert syntax is not None
    assert (syntax.template, syntax.line) == ("demo/templates/a.yaml", 3)


def test_a_failure_does_not_tell_secrets_of_the_values(child: ChildRenderer) -> None:
    files = {"templates/a.yaml": 'a: {{ fail (printf "cannot use %s at %s" .Values.db.password .Values.host) }}\n'}
    failure = child.render(request_for(files, {"db": {"password": "hunter2-staple"}, "host": "db.example.org"})).failure
    assert failure is not None
    assert "hunter2" not in failure.message
    assert "db.example.org" in failure.message


def test_a_template_that_is_not_yaml_is_named_and_the_others_are_kept(child: ChildRenderer) -> None:
    files = {
        "templates/a.yaml": config("a"),
        "templates/b.yaml": "a: [1\n",
        "templates/c.yaml": "just text\n",
        "templates/d.yaml": config("d").replace("name: d", "name: d\n  annotations:\n    count: [1]"),
    }
    rendering = child.render(request_for(files))
    assert names(rendering) == ["ConfigMap/a"]
    reasons = dict(rendering.unparsed)
    assert sorted(reasons) == [f"demo/templates/{name}.yaml" for name in "bcd"]
    assert 'annotation "count"' in reasons["demo/templates/d.yaml"]


@pytest.mark.helm
def test_helm_refuses_exactly_the_templates_that_are_listed_as_unparsed(
    child: ChildRenderer, helm_program: Path
) -> None:
    oracle = HelmCommand(helm_program)
    bad = (
        "a: [1\n",
        "just text\n",
        "- 1\n",
        "kind: {}\n",
        "metadata: 1\n",
        "metadata: {annotations: {a: []}}\n",
        "metadata: {name: []}\n",
        "metadata: {annotations: 1}\n",
        "metadata: []\n",
        "metadata: 0\n",
        "metadata: false\n",
    )
    good = (
        "a: 1\na: 2\n",
        "kind: null\na: 1\n",
        "metadata: {annotations: {a: null}}\n",
        "metadata: {labels: {a: []}}\n",
        "metadata: {annotations: {a: 1}, name: 1}\n",
        "metadata: null\nkind: 1\n",
    )
    for text in bad + good:
        request = request_for({"templates/a.yaml": text})
        refused = oracle.render(request).failure is not None
        assert bool(child.render(request).unparsed) == refused == (text in bad), text


def test_values_are_what_the_templates_saw(child: ChildRenderer) -> None:
    request = request_for(
        DEPENDENCIES | {"values.yaml": "a: 1\nb: 2\nglobal: {host: h}\n"}, {"a": None, "sub": {"x": 1}}
    )
    values = child.render(request).values
    assert "a" not in values
    assert values["b"] == 2
    assert values["sub"] == {"x": 1, "size": 1, "global": {"host": "h"}}


def test_defaults_are_those_of_every_dependency_on_or_off(child: ChildRenderer) -> None:
    found = child.defaults(chart(DEPENDENCIES | {"values.yaml": "sub: {enabled: false}\n"}))
    assert found["sub"] == {"enabled": False, "size": 1}
    assert found["second"] == {"size": 1}
    assert child.defaults(chart({"Chart.yaml": "name: ["})) == {}


def test_a_chart_that_helm_cannot_load_is_a_failure_of_the_chart(child: ChildRenderer) -> None:
    for broken in ({"Chart.yaml": "name: ["}, {"Chart.yaml": "name: x\n"}, {"values.yaml": "- 1\n"}):
        failure = child.render(request_for(broken | {"templates/a.yaml": config("a")})).failure
        assert failure is not None
        assert failure.kind == "chart", failure


def test_the_engine_says_which_one_it_is(child: ChildRenderer) -> None:
    assert "helm" in child.version


# Against the oracle


def comparable(objects: Sequence[RenderedObject]) -> list[tuple[Any, ...]]:
    return [(item.template, identity(item.body), item.body) for item in objects]


@pytest.mark.helm
@pytest.mark.parametrize("environment", REAL)
def test_real_environments_render_as_helm_renders_them(
    child: ChildRenderer, helm_program: Path, real: Path, environment: str
) -> None:
    request = replace(real_environments.requests(real)[environment], kube_version="1.31.0")
    oracle = HelmCommand(helm_program)
    ours, theirs = child.render(request), oracle.render(request)
    if environment in NOT_RENDERING:
        assert ours.failure is not None
        assert theirs.failure is not None
        assert ours.failure.template == NOT_RENDERING[environment]
        assert ours.failure.template in theirs.failure.message
        assert ours.failure.message.rpartition(": ")[2] in theirs.failure.message
        return
    assert ours.failure is None
    assert theirs.failure is None
    assert not ours.unparsed
    ours_normal = normalise(ours.objects, child.render(request).objects)
    theirs_normal = normalise(theirs.objects, oracle.render(request).objects)
    assert comparable(ours_normal) == comparable(theirs_normal)


def test_the_real_environments_are_all_in_the_list(real: Path) -> None:
    assert tuple(real_environments.requests(real)) == REAL


trees = st.recursive(
    st.one_of(st.none(), st.integers(0, 3), st.booleans()),
    lambda inner: st.dictionaries(st.sampled_from("abm"), inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(st.sampled_from(["a", "b", "m"]), trees, max_size=3)
with_parts = st.builds(
    lambda own, sub, shared, inner: own | {"sub": sub | {"inner": inner}, "global": shared},
    tables,
    tables,
    tables,
    tables,
)


@pytest.mark.helm
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(user=with_parts, top=with_parts, sub=tables, inner=tables)
def test_nulls_globals_and_defaults_combine_as_in_helm(
    child: ChildRenderer, helm_program: Path, user: Any, top: Any, sub: Any, inner: Any
) -> None:
    show = "kind: V\nmetadata: {name: x}\nvalues: {{ toJson .Values }}\n"
    files = {
        "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\ndependencies:\n- {name: sub, version: '*'}\n",
        "values.yaml": json.dumps(top),
        "templates/v.yaml": show,
        "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
        "charts/sub/values.yaml": json.dumps(sub),
        "charts/sub/templates/v.yaml": show,
        "charts/sub/charts/inner/Chart.yaml": "apiVersion: v2\nname: inner\nversion: 1.0.0\n",
        "charts/sub/charts/inner/values.yaml": json.dumps(inner),
        "charts/sub/charts/inner/templates/v.yaml": show,
    }
    request = request_for(files, user)
    ours, theirs = child.render(request), HelmCommand(helm_program).render(request)
    assert (ours.failure is None) == (theirs.failure is None)
    assert comparable(ours.objects) == comparable(theirs.objects)
