"""The table of the platform, what is decided about it, and the Applications that bring it."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.clusters import platform
from csoc.clusters.bootstrap.deciding import Action, decide
from csoc.clusters.bootstrap.looking import Found, Presence
from csoc.clusters.platform import ARGO_CD, COMPONENTS, mirrored
from csoc.clusters.platform_applications import Given, platform_objects
from csoc.emulator.platform_charts import chart_files, tags
from csoc.fleet.versions import is_exact
from csoc.provisioning import sizes

OUTPUTS = {
    "VpcId": "vpc-1",
    "LoadBalancerControllerRoleArn": "arn:lb",
    "ExternalDnsRoleArn": "arn:dns",
    "AutoscalerRoleArn": "arn:scaler",
}
GIVEN = Given("csoc-u1", "ap-southeast-2", OUTPUTS, ("example.org",))


def applications(given: Given = GIVEN, present: tuple[str, ...] = ()) -> dict[str, dict[str, object]]:
    return {one["metadata"]["name"]: one for one in platform_objects(given, present) if one["kind"] == "Application"}


def test_every_component_is_pinned_to_one_version_and_only_argo_cd_is_applied_by_csoc() -> None:
    assert all(is_exact(one.version) for one in COMPONENTS.values())
    assert [one.name for one in COMPONENTS.values() if one.at_csoc] == [ARGO_CD]


def test_a_component_without_its_role_is_not_brought() -> None:
    without = Given("csoc-u1", "ap-southeast-2", {**OUTPUTS, "ExternalDnsRoleArn": "-"})
    assert set(applications()) - set(applications(without)) == {"platform-external-dns"}


def test_what_somebody_else_brought_is_left_out_of_the_applications_and_of_the_project() -> None:
    objects = platform_objects(GIVEN, ("external-secrets",))
    assert "platform-external-secrets" not in {one["metadata"]["name"] for one in objects}
    project = objects[0]
    assert "https://charts.external-secrets.io" not in project["spec"]["sourceRepos"]


def test_the_project_of_the_platform_lets_in_the_charts_and_namespaces_of_its_applications_and_no_others() -> None:
    project, *others = platform_objects(GIVEN, ())
    assert set(project["spec"]["sourceRepos"]) == {one["spec"]["source"]["repoURL"] for one in others}
    spaces = {one["spec"]["destination"]["namespace"] for one in others}
    assert {one["namespace"] for one in project["spec"]["destinations"]} == spaces | {"kube-system"}


@pytest.mark.parametrize(
    ("mirror", "source"),
    [
        ("", ("https://charts.external-secrets.io", "external-secrets", None, "1.3.2")),
        ("https://mirror.example.org/charts", ("https://mirror.example.org/charts", "external-secrets", None, "1.3.2")),
        ("https://git.example.org/m.git", ("https://git.example.org/m.git", None, "external-secrets",
                                           "external-secrets-1.3.2")),
    ],
)  # fmt: skip
def test_charts_come_from_a_mirror_where_one_is_set(mirror: str, source: tuple[str, ...]) -> None:
    found = applications(Given("csoc-u1", "r", OUTPUTS, mirror=mirror))["platform-external-secrets"]
    told = found["spec"]["source"]  # type: ignore[index]
    assert (told["repoURL"], told.get("chart"), told.get("path"), told["targetRevision"]) == source


def test_each_role_goes_to_the_service_account_that_its_layer_trusts() -> None:
    found = applications()
    values = found["platform-aws-load-balancer-controller"]["spec"]["source"]["helm"]["valuesObject"]  # type: ignore[index]
    assert values["serviceAccount"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:lb"}
    assert (values["clusterName"], values["vpcId"]) == ("csoc-u1", "vpc-1")
    scaler = found["platform-cluster-autoscaler"]["spec"]["source"]["helm"]["valuesObject"]  # type: ignore[index]
    assert scaler["rbac"]["serviceAccount"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:scaler"}


def test_certificates_that_a_chart_makes_anew_at_each_rendering_are_left_as_they_are() -> None:
    """As the controller's docs/deploy/installation.md (v2.16.0) tells users of Argo CD; names as in its chart."""
    spec: Any = applications()["platform-aws-load-balancer-controller"]["spec"]
    ignored = {(one["kind"], one["name"]): one for one in spec["ignoreDifferences"]}
    assert ignored["Secret", "aws-load-balancer-tls"]["jsonPointers"] == ["/data"]
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        assert ignored[kind, "aws-load-balancer-webhook"]["group"] == "admissionregistration.k8s.io"
        assert ignored[kind, "aws-load-balancer-webhook"]["jqPathExpressions"] == [".webhooks[].clientConfig.caBundle"]
    assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]


def test_the_load_balancer_controller_uses_nothing_that_its_role_may_not() -> None:
    """Classic WAF and Shield are not in the role's policy (tests/infra/test_published_policies.py)."""
    spec: Any = applications()["platform-aws-load-balancer-controller"]["spec"]
    values = spec["source"]["helm"]["valuesObject"]
    assert (values["enableShield"], values["enableWaf"]) == (False, False)
    assert "enableWafv2" not in values


def test_external_dns_reads_the_zones_of_its_role_only_and_not_others_of_that_name_or_below_it() -> None:
    given = Given("csoc-u1", "ap-southeast-2", OUTPUTS, ("example.org",), ("Z0123456789",))
    spec: Any = applications(given)["platform-external-dns"]["spec"]
    values = spec["source"]["helm"]["valuesObject"]
    assert values["domainFilters"] == ["example.org"]
    assert values["extraArgs"] == {"zone-id-filter": ["Z0123456789"]}


def test_the_autoscaler_is_made_for_the_kubernetes_that_clusters_get() -> None:
    """kubernetes/autoscaler, cluster-autoscaler/README.md: use the minor version of the control plane."""
    files = b"".join(content for path, content in chart_files().items() if path.startswith("cluster-autoscaler/"))
    assert f"cluster-autoscaler:v{sizes.KUBERNETES_VERSION}." in files.decode()


def test_the_table_of_what_was_compared_names_every_pin() -> None:
    for component in COMPONENTS.values():
        assert f"| {component.chart.chart} {component.version} |" in (platform.__doc__ or "")


def test_the_charts_that_stand_in_have_every_component_at_its_pin() -> None:
    files = chart_files()
    for component in COMPONENTS.values():
        assert f'"version": "{component.version}"' in files[f"{component.chart.chart}/Chart.yaml"].decode()
        assert mirrored(component.chart, "file:///m").revision in tags()


@pytest.mark.parametrize(
    ("found", "action"),
    [
        (Found(Presence.ABSENT, "argocd"), Action.INSTALL),
        (Found(Presence.HALF, "argocd"), Action.COMPLETE),
        (Found(Presence.OTHER_PIN, "argocd", pin="8.0.0 abc"), Action.CHANGE),
        (Found(Presence.OURS, "argocd"), Action.KEEP),
        (Found(Presence.FOREIGN, "argocd", "3.0.1", sees_all=True), Action.USE),
        (Found(Presence.FOREIGN, "argocd", "", sees_all=None), Action.USE),
        (Found(Presence.FOREIGN, "argocd", "2.9.9", sees_all=True), Action.STOP),
        (Found(Presence.FOREIGN, "argocd", "4.0.0", sees_all=True), Action.STOP),
        (Found(Presence.FOREIGN, "argocd", "3.0.1", sees_all=False), Action.STOP),
        (Found(Presence.FOREIGN, "ops", "3.0.1", sees_all=True), Action.STOP),
        (Found(Presence.FOREIGN, "ops", "3.0.1", sees_all=True, further=("argo*",)), Action.USE),
        (Found(Presence.FOREIGN, "argocd", "3.0.1", sees_all=True, unserved=("Application of x",)), Action.STOP),
    ],
)
def test_what_is_there_decides_what_is_done_and_a_stop_says_what_to_do(found: Found, action: Action) -> None:
    decision = decide(found, COMPONENTS[ARGO_CD], ("argocd",))
    assert decision.action is action
    assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in decision.said)
    assert bool(decision.fix) == (action is Action.STOP)
    assert decision.applies == (action in (Action.INSTALL, Action.COMPLETE, Action.CHANGE, Action.KEEP))
