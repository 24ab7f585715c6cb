"""The chart that the demo brings along stands in for Gen3's: with the same values it makes the same names.

Both charts are rendered, and what csoc, Argo CD and a cluster go by is compared: which objects there are, images,
accounts, what pods ask for, ports, where secrets come from. Where they differ on purpose stands in DIFFERENCES, each
with its reason, and in docs/decisions/stand-in-chart.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from csoc import bootstrap
from csoc.config import Settings, loading
from csoc.fleet.charts import ChartArchive, Rendering, RenderRequest
from csoc.fleet.shapes import items, mapping, mappings
from csoc.fleet.values import merge_mappings
from csoc.gen3 import catalogue
from csoc.gen3.data_model.published import NoDictionaries
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.load import FleetQuery, load_fleet
from csoc.usecases.ports import Ports
from csoc.usecases.states import StateBuilder

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "decisions" / "stand-in-chart.md"
DEMO = Path(str(files("csoc").joinpath("cli", "demo_fleet")))
STAND_IN = DEMO / "charts" / "gen3"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

_POD_OWNERS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
_COMPARED = {
    *_POD_OWNERS,
    *("Service", "ServiceAccount", "ExternalSecret", "SecretStore", "PushSecret", "Secret", "ConfigMap", "Ingress"),
    *("HorizontalPodAutoscaler", "PodDisruptionBudget", "Namespace", "ClusterRole", "NetworkPolicy"),
}
"""Roles and bindings are left out: nothing in the demo asks for what they allow."""

DIFFERENCES = {
    r"\+ (Secret|Service|StatefulSet) .*-postgresql\b.*|\+ (Service|StatefulSet) gen3-elasticsearch-master": (
        "The development servers are dependencies from elsewhere, which copies of Gen3's chart come without."
    ),
    r"- Job (fence-check|[a-z0-9-]+-integration-tests)": "Helm's tests are not run by Argo CD.",
    r"- NetworkPolicy .*": "Nothing in the demo filters traffic; one policy shows whether they are on.",
    r"[-+] \w+ [\w-]*(hot-node|mutating-webhook)[\w-]*( in [\w-]+)?": (
        "What keeps nodes warm, and the webhook, run in kube-system or beside Gen3."
    ),
    r"- \w+ workspace-launch-test(-job)?": "A test of workspaces, which the demo does not start.",
    r"! Deployment (access-backend-deployment|[a-z-]+-embedding-management-service) app: None -> .*": (
        "The service's label app is on every pod here."
    ),
    r"! CronJob [a-z-]+-data-upload-cron app: None -> .*": "Every job here has the label gen3job.",
    r"! ExternalSecret vectis-search-auth-proxy data: .*": (
        "Its name in Secrets Manager is empty until it is set; here it is the Secret's own until then."
    ),
    r"- ConfigMap (funnel-worker-templates|fence-sshconfig)": "Only read by jobs that the demo does not run.",
    r"- PushSecret (fence-jwt-keys|push-funnel-oidc-client)": "The demo pushes credentials of databases only.",
    r"- HorizontalPodAutoscaler [a-z-]+-embedding-management-service": "It is the one with another form of name.",
    r"- PodDisruptionBudget (postgres|elasticsearch)-pdb": "The development servers are one pod each.",
    r"! Deployment fence-deployment secrets: -.*fence-dbcreds.*": (
        "The first container's own list (fence.initEnv) follows fence.env here."
    ),
}
"""What a difference looks like, as `_differences` writes it, and why it is meant."""


EXTERNAL = """
global:
  dev: false
  hostname: gen3.example.org
  environment: gen3
  postgres: {master: {host: db.example.org, password: p}}
  externalSecrets: {deploy: true}
  aws:
    enabled: true
    account: "111122223333"
    hatchery_role: pods
    sower_role: jobs
    awsEsProxyRole: search
    secretStoreServiceAccount: {enabled: true, roleArn: "arn:aws:iam::111122223333:role/reader"}
"""
LOCAL = "global: {dev: false, hostname: gen3.example.org, postgres: {master: {host: db, password: p}}}\n"
FLAGS = """
audit: {externalSecrets: {createK8sAuditSecret: true}, auditServiceExport: {enabled: true}}
fence:
  externalSecrets: {createK8sFenceConfigSecret: true, createK8sJwtKeysSecret: true, createK8sGoogleAppSecrets: true}
  usersync: {usersync: true, syncFromDbgap: true}
  FENCE_CONFIG: {ENABLE_VISA_UPDATE_CRON: true}
indexd: {externalSecrets: {createK8sServiceCredsSecret: true, dbcreds: other}}
wts: {externalSecrets: {createK8sWtsSecret: true, createWtsOidcClientSecret: false}}
metadata: {useAggMds: true, externalSecrets: {createK8sMetadataSecret: true}}
arborist: {cronjob: {enabled: false}, serviceAccount: {name: x, annotations: {eks.amazonaws.com/role-arn: r}}}
"""
INGRESS = "revproxy: {ingress: {enabled: true, hosts: [{host: a.example.org, paths: [{path: /, pathType: Prefix}]}]}}\n"


def _switches(on: bool) -> str:
    """Every service on, or every one off."""
    names = [
        service.condition.removesuffix(".enabled")
        for service in catalogue.load()
        if service.condition and not service.condition.startswith("global.")
    ]
    return "".join(f"{name}: {{enabled: {str(on).lower()}}}\n" for name in dict.fromkeys(names))


def _scaled() -> str:
    switches = _switches(on=True).replace("true}", "true, replicaCount: 2, autoscaling: {enabled: true}}")
    return "global: {pdb: true}\n" + switches


CASES: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "everything off": (_switches(on=False),),
    "everything on": (_switches(on=True),),
    "everything on, in production": (_switches(on=True), EXTERNAL),
    "everything scaled": (_scaled(),),
    "production with local secrets": (LOCAL,),
    "production with External Secrets": (EXTERNAL,),
    "secrets that Helm makes all the same": (EXTERNAL, FLAGS),
    "the same in development": (FLAGS,),
    "databases' secrets local": (EXTERNAL, "global: {externalSecrets: {createLocalK8sSecret: true}}"),
    "databases' secrets pushed": (EXTERNAL, "global: {externalSecrets: {pushSecret: true}}"),
    "no databases made": (EXTERNAL, "global: {postgres: {dbCreate: false, externalSecret: master}}"),
    "a store for each": (EXTERNAL, "global: {externalSecrets: {separateSecretStore: true}}"),
    "a store of the cluster": (EXTERNAL, "global: {externalSecrets: {clusterSecretStoreRef: store}}"),
    "keys of AWS": (EXTERNAL, "global: {aws: {awsAccessKeyId: a, awsSecretAccessKey: b}}"),
    "keys of AWS from outside": (
        EXTERNAL,
        "global: {aws: {externalSecrets: {enabled: true, externalSecretAwsCreds: k}}}",
    ),
    "keys of AWS from a Secret": (EXTERNAL, "global: {aws: {useLocalSecret: {enabled: true, localSecretName: k}}}"),
    "Slack": (EXTERNAL, "global: {externalSecrets: {createSlackWebhookSecret: true, slackWebhookSecretName: s}}"),
    "an older External Secrets": (EXTERNAL, "global: {externalSecrets: {apiVersion: external-secrets.io/v1beta1}}"),
    "an Ingress of its own": (LOCAL, INGRESS),
    "network policies": ("global: {netPolicy: {enabled: true, dbSubnets: [172.1.0.0/24]}}",),
    "the other front page": ("global: {frontendRoot: gen3ff}\nfrontend-framework: {enabled: true}",),
    "lists replaced": ("fence: {env: [{name: A, value: b}], volumes: []}\nperegrine: {volumes: []}",),
    "images": ("fence: {image: {repository: example.org/fence, tag: 2026.10}}\nindexd: {image: {tag: '1'}}",),
}


@dataclass(frozen=True)
class Charts:
    """Gen3's chart and the stand-in, and what renders them."""

    ports: Ports
    real: ChartArchive
    stand_in: ChartArchive

    def differences(self, request: RenderRequest) -> list[str] | None:
        """What the stand-in makes otherwise; None where neither chart renders."""
        real, own = (self.ports.renderer.render(replace(request, chart=chart)) for chart in (self.real, self.stand_in))
        assert (real.failure is None) == (own.failure is None), (real.failure, own.failure)
        assert not own.unparsed
        if real.failure is not None:
            return None
        return _differences(_names(real, request.namespace), _names(own, request.namespace))


@pytest.fixture(scope="module")
def charts(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charts]:
    with bootstrap.ports(_settings(tmp_path_factory.mktemp("cache"))) as ports:
        ports = replace(ports, dictionaries=NoDictionaries())
        yield Charts(ports, ports.charts.load(str(real / "gen3-chart-0.3.90.tgz")), ports.charts.load(str(STAND_IN)))


def _settings(folder: Path) -> Settings:
    return loading.load({"CSOC_CACHE_DIR": str(folder), "HOME": "/nowhere"})


def _request(charts: Charts, *texts: str) -> RenderRequest:
    values: Mapping[str, Any] = {}
    for text in texts:
        values = merge_mappings(values, yaml.safe_load(text) or {})
    return RenderRequest(charts.real, values, release="alpha", namespace="alpha")


def _unexplained(differences: Iterable[str]) -> list[str]:
    return [line for line in differences if not any(re.fullmatch(pattern, line) for pattern in DIFFERENCES)]


# What is compared


def _names(rendering: Rendering, namespace: str) -> dict[str, dict[str, Any]]:
    """By kind and name: what others go by."""
    names: dict[str, dict[str, Any]] = {}
    for item in rendering.objects:
        kind, metadata = str(item.body.get("kind")), mapping(item.body.get("metadata"))
        if kind in _COMPARED:
            elsewhere = metadata.get("namespace") not in (None, namespace)
            place = f" in {metadata['namespace']}" if elsewhere else ""
            names[f"{kind} {metadata.get('name')}{place}"] = _facts(kind, item.body)
    return names


def _facts(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    spec = mapping(body.get("spec"))
    if kind in _POD_OWNERS:
        job = mapping(mapping(spec.get("jobTemplate")).get("spec")) if kind == "CronJob" else spec
        return _pod(mapping(job.get("template")))
    if kind == "Service":
        return {"ports": {(p.get("name"), p["port"], p.get("targetPort", p["port"])) for p in spec.get("ports", ())}}
    if kind == "ServiceAccount":
        annotations = mapping(mapping(body.get("metadata")).get("annotations"))
        return {"role": annotations.get("eks.amazonaws.com/role-arn")}
    if kind == "ExternalSecret":
        data = {
            (d.get("secretKey"), d["remoteRef"]["key"], d["remoteRef"].get("property")) for d in spec.get("data") or ()
        }
        whole = {(None, mapping(d.get("extract")).get("key"), None) for d in spec.get("dataFrom") or ()}
        store, target = mapping(spec.get("secretStoreRef")), mapping(spec.get("target")).get("name")
        return {"api": body["apiVersion"], "store": dict(store), "target": target, "data": data | whole}
    if kind == "SecretStore":
        return {"provider": spec.get("provider")}
    if kind == "Ingress":
        return {"class": spec.get("ingressClassName") or None, "hosts": [rule.get("host") for rule in spec["rules"]]}
    if kind == "HorizontalPodAutoscaler":
        return {"target": mapping(spec.get("scaleTargetRef")).get("name")}
    if kind == "Secret":
        # A database's credentials are asked for by these names.
        name = str(mapping(body.get("metadata")).get("name"))
        return {"keys": set(mapping(body.get("data")))} if name.endswith("-dbcreds") else {}
    return {}


def _pod(template: Mapping[str, Any]) -> dict[str, Any]:
    spec = mapping(template.get("spec"))
    first, later = (
        {str(c.get("name")): c.get("image") for c in mappings(spec.get(key))}
        for key in ("initContainers", "containers")
    )
    return {
        "app": mapping(mapping(template.get("metadata")).get("labels")).get("app"),
        "account": spec.get("serviceAccountName") or spec.get("serviceAccount") or None,
        "first": first,
        "containers": later,
        "secrets": set(_asked(spec)),
    }


def _asked(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Secret, key ("" for all of it) and whether the pod starts without it."""
    for container in [*mappings(spec.get("initContainers")), *mappings(spec.get("containers"))]:
        for variable in mappings(container.get("env")):
            ref = mapping(mapping(variable.get("valueFrom")).get("secretKeyRef"))
            if ref:
                yield ref.get("name") or "", str(ref.get("key")), bool(ref.get("optional"))
        for source in mappings(container.get("envFrom")):
            ref = mapping(source.get("secretRef"))
            if ref:
                yield str(ref.get("name")), "", bool(ref.get("optional"))
    for volume in mappings(spec.get("volumes")):
        ref = mapping(volume.get("secret"))
        if ref:
            keys = [str(mapping(item).get("key")) for item in items(ref.get("items"))] or [""]
            yield from ((str(ref.get("secretName")), key, bool(ref.get("optional"))) for key in keys)


def _differences(real: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One line each: "-" only Gen3's chart makes it, "+" only the stand-in, "!" both, and not the same."""
    lines = [f"- {name}" for name in sorted(real.keys() - own.keys())]
    lines += [f"+ {name}" for name in sorted(own.keys() - real.keys())]
    for name in sorted(real.keys() & own.keys()):
        for what, value in real[name].items():
            other = own[name][what]
            if isinstance(value, set) and value != other:
                lines.append(f"! {name} {what}: -{sorted(map(str, value - other))} +{sorted(map(str, other - value))}")
            elif value != other:
                lines.append(f"! {name} {what}: {value} -> {other}")
    return lines


# Tests


@pytest.mark.parametrize("texts", CASES.values(), ids=list(CASES))
def test_the_stand_in_makes_what_the_chart_makes(charts: Charts, texts: tuple[str, ...]) -> None:
    differences = charts.differences(_request(charts, *texts))
    assert differences is not None
    assert _unexplained(differences) == []


@pytest.mark.parametrize("service", [service.name for service in catalogue.load() if service.condition])
@pytest.mark.parametrize("way", ["on alone", "off alone", "on alone, in production"])
def test_each_service_is_switched_as_in_the_chart(charts: Charts, service: str, way: str) -> None:
    known = catalogue.load().get(service)
    assert known is not None
    path = known.condition.split(".")
    switch = yaml.safe_dump({path[0]: {path[1]: way != "off alone"}} if path[0] != "global" else {})
    others = () if way == "off alone" else (_switches(on=False),)
    differences = charts.differences(_request(charts, *others, *((EXTERNAL,) if "production" in way else ()), switch))
    assert differences is not None
    assert _unexplained(differences) == []


@pytest.mark.parametrize("repository", ["gitops-ctds", "gitops-ardac", "cdis-manifest"])
def test_environments_of_others_come_out_alike(charts: Charts, real: Path, repository: str) -> None:
    fleet = load_fleet(charts.ports, FleetQuery(str(real / repository), chart=str(STAND_IN)))
    states = StateBuilder(charts.ports, fleet)
    found = {
        view.name: _unexplained(charts.differences(states.request(view, charts.real)) or ())
        for view in fleet.view.environments
    }
    assert found
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_every_difference_that_is_explained_is_still_there(charts: Charts, real: Path) -> None:
    """What is no difference any more is taken off the list, lest it hide another."""
    seen: set[str] = set()
    for name in (
        *("everything on", "everything scaled", "everything on, in production", "lists replaced", "network policies"),
        *("secrets that Helm makes all the same", "databases' secrets pushed"),
    ):
        seen |= set(charts.differences(_request(charts, *CASES[name])) or ())
    fleet = load_fleet(charts.ports, FleetQuery(str(real / "gitops-ctds"), chart=str(STAND_IN)))
    states = StateBuilder(charts.ports, fleet)
    for view in fleet.view.environments:
        seen |= set(charts.differences(states.request(view, charts.real)) or ())
    assert [pattern for pattern in DIFFERENCES if not any(re.fullmatch(pattern, line) for line in seen)] == []


def test_the_page_tells_every_difference() -> None:
    text = " ".join(PAGE.read_text("utf-8").split())
    assert [reason for reason in DIFFERENCES.values() if reason not in text] == []


def test_the_demo_is_told_the_same_with_either_chart(charts: Charts, real: Path) -> None:
    """csoc's findings, with their severity, environment by environment."""
    told = []
    for chart in (real / "gen3-chart-0.3.90.tgz", STAND_IN):
        fleet = load_fleet(charts.ports, FleetQuery(str(DEMO), chart=str(chart)))
        report = FleetChecker(charts.ports).check(fleet).report
        told.append({(f.rule, f.key, name, f.severity) for f in report.findings for name in f.environments or ("",)})
    assert told[0] == told[1]


def test_the_demo_tells_its_faults_and_what_the_chart_itself_brings(tmp_path: Path) -> None:
    with bootstrap.ports(_settings(tmp_path)) as ports:
        fleet = load_fleet(ports, FleetQuery(str(DEMO), chart=str(STAND_IN)))
        report = FleetChecker(replace(ports, clock=lambda: NOW, dictionaries=NoDictionaries())).check(fleet).report
    told: dict[str, set[str]] = {}
    for finding in report.findings:
        told.setdefault(finding.rule, set()).update(finding.environments)
    every = {"coral-staging", "coral-prod", "fern-dev", "fern-prod"}
    assert told == {
        "application-name-shared": {"fern-dev", "fern-prod"},
        "chart-not-pinned": every,
        "config-fetched-at-run-time": {"fern-prod"},
        "default-project": every,
        "image-not-pinned": {"fern-dev", "fern-prod"},
        "key-not-read": {"coral-prod"},
        "kubernetes-end-of-support": {"fern-dev", "fern-prod"},
        "number-written-for-text": {"fern-dev"},
        "release-namespace-shared": {"fern-dev", "fern-prod"},
        "secret-in-git": {"fern-dev"},
        "secret-shared": {"coral-staging", "coral-prod"},
        "setting-differs-between-stages": {"fern-dev", "fern-prod"},
        "stage-out-of-order": {"coral-prod", "fern-prod"},
        "value-file-missing": {"coral-staging"},
        # The chart's own, in every environment and in every development.
        "job-cannot-change": every - {"coral-staging"},
        "secret-made-anew": {"fern-dev"},
    }


def test_all_pods_of_the_demo_find_what_they_ask_for(tmp_path: Path) -> None:
    """Secrets from Helm or an ExternalSecret, ConfigMaps and accounts: else they would never be ready."""
    with bootstrap.ports(_settings(tmp_path)) as ports:
        fleet = load_fleet(ports, FleetQuery(str(DEMO), chart=str(STAND_IN)))
        states = StateBuilder(ports, fleet)
        for view in fleet.view.environments:
            rendering = ports.renderer.render(states.request(view, ports.charts.load(str(STAND_IN))))
            assert rendering.failure is None
            made = {
                (str(i.body["kind"]).removeprefix("External"), i.body["metadata"]["name"]) for i in rendering.objects
            }
            for item in rendering.objects:
                if item.body["kind"] not in ("Deployment", "StatefulSet", "Job"):
                    continue
                spec = item.body["spec"]["template"]["spec"]
                account = spec.get("serviceAccountName", "default")
                assert account == "default" or ("ServiceAccount", account) in made
                for name, _, optional in _asked(spec):
                    assert optional or ("Secret", name) in made, (view.name, item.body["metadata"]["name"], name)
                for volume in spec.get("volumes") or ():
                    ref = volume.get("configMap")
                    assert not ref or ref["optional"] or ("ConfigMap", ref["name"]) in made, (view.name, ref)
