"""What is Gen3 and what is not, by shape."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.argocd.model import Application, ApplicationSource, HelmOptions
from csoc.fleet.yaml import yamltext
from csoc.gen3 import recognise
from csoc.testing.states import location

HELM = HelmOptions(release_name="x")


def source(**fields: Any) -> ApplicationSource:
    return ApplicationSource(repo_url="https://git.example.org/charts", **{"helm": HELM} | fields)


def application(*sources: ApplicationSource) -> Application:
    return Application(name="app", location=location("app.yaml"), sources=sources)


def ingress(service: str, annotations: dict[str, str] | None = None, host: str = "A.example.org") -> dict[str, Any]:
    backend = {"service": {"name": service, "port": {"name": "http"}}}
    return {
        "kind": "Ingress",
        "metadata": {"name": "x", "annotations": annotations or {}},
        "spec": {"rules": [{"host": host, "http": {"paths": [{"path": "/", "backend": backend}]}}]},
    }


def redirect(kind: str = "redirect") -> dict[str, Any]:
    action = json.dumps({"Type": kind, "RedirectConfig": {"Host": "b.example.org"}})
    return ingress("elsewhere", {"alb.ingress.kubernetes.io/actions.elsewhere": action})


# Charts


@pytest.mark.parametrize(
    "fields", [{"path": "helm/gen3"}, {"path": "/helm/gen3/"}, {"chart": "gen3"}, {"chart": "x/gen3"}]
)
def test_the_umbrella_is_known_by_its_name(fields: dict[str, str]) -> None:
    verdict = recognise.chart_source(source(**fields))
    assert verdict.certain
    assert verdict.wrapper == ""
    assert next(iter(fields.values())) in verdict.reason


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "helm/cluster-level-resources"},
        {"chart": "karpenter"},
        {"path": "helm/karpenter"},
        {"path": "manifests", "helm": None},
        {"ref": "values", "helm": None},
        {},
    ],
)
def test_what_cannot_be_gen3_is_not(fields: dict[str, Any]) -> None:
    assert not recognise.chart_source(source(**fields))


@pytest.mark.parametrize("fields", [{"path": "charts/commons"}, {"chart": "our-commons"}, {"path": "apps/gen3"}])
def test_another_chart_is_decided_by_its_values(fields: dict[str, str]) -> None:
    verdict = recognise.chart_source(source(**fields))
    assert verdict.possible
    assert not verdict.certain


@pytest.mark.parametrize(
    ("chart", "wrapper"),
    [
        ({"name": "our", "dependencies": [{"name": "gen3", "repository": "https://helm.gen3.org"}]}, "gen3"),
        ({"name": "our", "dependencies": [{"name": "x"}, {"name": "gen3", "alias": "commons"}]}, "commons"),
        ({"name": "gen3", "dependencies": [{"name": "gen3"}]}, "gen3"),
        ({"name": "gen3"}, ""),
        ({"name": "fork", "dependencies": [{"name": "fence"}, {"name": "arborist"}, {"name": "revproxy"}]}, ""),
    ],
)
def test_a_chart_that_depends_on_gen3_wraps_it(chart: dict[str, Any], wrapper: str) -> None:
    verdict = recognise.chart_source(source(path="charts/our"), chart)
    assert verdict.certain
    assert verdict.wrapper == wrapper


@pytest.mark.parametrize(
    "chart",
    [{"name": "app"}, {"dependencies": "gen3"}, {"name": "app", "dependencies": ["gen3", {"name": 1}]}, {}],
)
def test_a_chart_at_hand_that_does_not_depend_on_gen3_is_not(chart: dict[str, Any]) -> None:
    assert not recognise.chart_source(source(path="helm/gen3-like"), chart)


# Values


def test_values_with_its_globals_and_services_are_gen3s() -> None:
    data = {"global": {"hostname": "a.org"}, "fence": {}, "indexd": {}, "portal": {}}
    verdict = recognise.values_shape(data)
    assert verdict
    assert "fence" in verdict.reason


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"global": {"hostname": "a.org"}, "fence": {}, "indexd": {}},
        {"fence": {}, "indexd": {}, "arborist": {}},
        {"global": {"hostname": "a.org"}, "portal": {}, "metadata": {}, "audit": {}},
        {"global": "x", "fence": {}, "indexd": {}, "arborist": {}},
        {"global": {"hostname": None}, "fence": 1, "indexd": 2, "arborist": 3},
    ],
)
def test_other_values_are_not(data: object) -> None:
    assert not recognise.values_shape(data)


# Objects


def deployment(name: str, image: str = "") -> dict[str, Any]:
    containers = [{"image": image}] if image else []
    return {
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def test_deployments_of_its_services_are_gen3_by_name_or_image() -> None:
    named = [deployment("fence-deployment"), deployment("arborist-deployment"), deployment("revproxy-deployment")]
    assert recognise.objects_shape(named)
    by_image = [deployment(f"d{n}", f"r.example.org/{n}:1") for n in ("fence", "indexd", "guppy")]
    assert recognise.objects_shape(by_image)
    assert not recognise.objects_shape(named[:2])
    assert not recognise.objects_shape([{"kind": "Deployment"}, {"kind": "Service"}, deployment("x", "nginx")])


# What the rest is


def test_an_ingress_that_only_redirects_is_a_redirect() -> None:
    role = recognise.other_application(application(source(path="m", helm=None)), [redirect(), redirect("Redirect")])
    assert role.role == "redirect"
    assert "a.example.org" in role.reason


@pytest.mark.parametrize("name", ["permanent-redirect", "temporal-redirect"])
def test_nginx_annotations_redirect_too(name: str) -> None:
    body = ingress("anything", {f"nginx.ingress.kubernetes.io/{name}": "https://b.example.org"})
    assert recognise.other_application(application(), [body]).role == "redirect"


def test_a_route_with_redirect_filters_redirects() -> None:
    route = {
        "kind": "HTTPRoute",
        "spec": {"hostnames": ["a.org"], "rules": [{"filters": [{"type": "RequestRedirect"}]}]},
    }
    assert recognise.other_application(application(), [route]).role == "redirect"
    assert recognise.hosts_of(route) == ["a.org"]
    route["spec"]["rules"].append({"backendRefs": [{"name": "revproxy-service"}]})  # type: ignore[index]
    assert recognise.other_application(application(), [route]).role == "load balancer"


@pytest.mark.parametrize(
    "body",
    [
        ingress("elsewhere"),
        ingress("elsewhere", {"alb.ingress.kubernetes.io/actions.another": '{"Type":"redirect"}'}),
        ingress("elsewhere", {"alb.ingress.kubernetes.io/actions.elsewhere": '{"Type":"forward"}'}),
        ingress("elsewhere", {"alb.ingress.kubernetes.io/actions.elsewhere": "{"}),
        ingress("elsewhere", {"alb.ingress.kubernetes.io/actions.elsewhere": "[]"}),
        ingress("elsewhere", {"nginx.ingress.kubernetes.io/permanent-redirect": ""}),
        {"kind": "Ingress"},
    ],
)
def test_an_ingress_that_serves_something_is_no_redirect(body: dict[str, Any]) -> None:
    assert recognise.other_application(application(), [redirect(), body]).role == "workload"


def test_an_ingress_that_redirects_one_path_and_serves_another_is_no_redirect() -> None:
    body = redirect()
    served = {"path": "/x", "backend": {"serviceName": "before-kubernetes-1-19"}}
    body["spec"]["rules"][0]["http"]["paths"].append(served)
    assert recognise.other_application(application(), [body]).role == "workload"


def test_an_ingress_to_revproxy_is_a_load_balancer() -> None:
    role = recognise.other_application(application(), [ingress("revproxy-service"), redirect()])
    assert role.role == "load balancer"
    assert "a.example.org" in role.reason


def test_an_ingress_beside_its_own_deployment_is_a_workload() -> None:
    bodies = [ingress("revproxy-service"), deployment("something")]
    assert recognise.other_application(application(), bodies).role == "workload"


@pytest.mark.parametrize(
    "fields", [{"chart": "fluent-bit"}, {"path": "helm/cluster-level-resources"}, {"chart": "org/cert-manager"}]
)
def test_parts_of_a_platform_are_known_by_their_chart(fields: dict[str, str]) -> None:
    assert recognise.other_application(application(source(**fields)), applies=True).role == "platform"


def test_objects_that_configure_the_cluster_are_platform() -> None:
    bodies = [{"kind": "NodePool"}, {"kind": "EC2NodeClass"}]
    assert recognise.other_application(application(), bodies).role == "platform"
    assert recognise.other_application(application(), [*bodies, {"kind": "Deployment"}]).role == "workload"


def test_what_applies_applications_is_an_app_of_apps() -> None:
    assert recognise.other_application(application(), applies=True).role == "app of apps"
    assert recognise.other_application(application(), [{"kind": "ApplicationSet"}]).role == "app of apps"
    assert recognise.other_application(application(), [{"kind": "AppProject"}]).role == "platform"


def test_rendered_gen3_is_a_workload_that_says_so() -> None:
    bodies = [deployment(f"{name}-deployment") for name in ("fence", "arborist", "revproxy")]
    role = recognise.other_application(application(), bodies)
    assert role.role == "workload"
    assert "Gen3" in role.reason


def test_folder_names_decide_nothing() -> None:
    misleading = dataclasses.replace(
        application(source(path="x", helm=None)), location=location("redirects/gen3/app.yaml")
    )
    assert recognise.other_application(misleading, [deployment("a")]).role == "workload"


_any = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["spec", "rules", "http", "paths", "backend", "service", "name", "metadata", "annotations"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=12,
)


@given(st.lists(st.tuples(st.sampled_from(["Ingress", "HTTPRoute", "Deployment"]), _any), max_size=3))
def test_objects_of_any_shape_are_survived(bodies: list[tuple[str, Any]]) -> None:
    objects = [{**(body if isinstance(body, dict) else {"spec": body}), "kind": kind} for kind, body in bodies]
    assert recognise.other_application(application(), objects).reason


# The real repositories


def documents(path: Path) -> list[Any]:
    return [document.data for document in yamltext.parse(path.read_bytes())]


def of_file(path: Path) -> Application:
    """A plain Application as far as recognition looks at it."""
    spec = documents(path)[0]["spec"]
    return application(
        *(
            ApplicationSource(
                repo_url=entry["repoURL"],
                path=entry.get("path", ""),
                chart=entry.get("chart", ""),
                ref=entry.get("ref", ""),
                helm=HELM if "helm" in entry else None,
            )
            for entry in spec.get("sources") or [spec["source"]]
        )
    )


# Folder to what its Application is: read by hand.
REAL = {
    "ardac1dmo/cluster-level-resources": "platform",
    "ardac1dmo/demo.ardac.org": "gen3",
    "ardac1dmo/fluentbit": "platform",
    "ardac1prd/archive.portal.ardac.org": "redirect",
    "ardac1prd/cluster-level-resources": "platform",
    "ardac1prd/fluentbit": "platform",
    "ardac1prd/new.portal.ardac.org": "redirect",
    "ardac1prd/portal.ardac.org": "gen3",
    "ardac2prd/anagine": "workload",
    "ardac2prd/cluster-level-resources": "platform",
    "ardac2prd/fluentbit": "platform",
    "ardac2prd/load-balancer": "load balancer",
    "ardac2prd/portal.ardac.org": "gen3",
}


def test_the_applications_of_a_real_repository_are_these(real: Path) -> None:
    top = real / "gitops-ardac"
    found = {}
    for path in top.glob("*/*/app.yaml"):
        made = of_file(path)
        objects = [body for file in path.parent.glob("manifests/*.yaml") for body in documents(file)]
        gen3 = any(recognise.chart_source(item).certain for item in made.sources)
        found["/".join(path.parts[-3:-1])] = "gen3" if gen3 else recognise.other_application(made, objects).role
    assert found == REAL


def test_all_real_environments_have_the_shape_of_gen3_and_no_other_values_do(real: Path) -> None:
    for path in real.glob("gitops-*/*/*/templates/app.yaml"):
        assert recognise.chart_source(of_file(path).sources[0]).certain
    whole = [path for path in real.glob("gitops-*/*/*/values.yaml") if path.stat().st_size > 10_000]
    assert whole
    assert all(recognise.values_shape(documents(path)[0]) for path in whole)
    others = [*real.glob("gitops-*/*/cluster-*/*.yaml"), *real.glob("gitops-*/*/fluentbit/values.yaml")]
    assert others
    assert not any(recognise.values_shape(data) for path in others for data in documents(path))


@pytest.mark.parametrize(
    ("url", "is_gen3"), [("oci://quay.io/charts/gen3", True), ("oci://quay.io/charts/redis", False)]
)
def test_a_chart_in_a_registry_is_known_by_the_address_itself(url: str, is_gen3: bool) -> None:
    source = ApplicationSource(repo_url=url, path=".", target_revision="0.3.90", helm=HELM)
    assert bool(recognise.chart_source(source)) is is_gen3
