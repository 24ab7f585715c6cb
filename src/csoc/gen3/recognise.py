"""Is this Gen3, and if not, what is it? By what charts, values and objects look like, never by what folders are called.

Every answer carries its reason in words, because a reader who disagrees must see what to correct.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.fleet.argocd.model import Application, ApplicationSource
from csoc.fleet.values import look_up
from csoc.gen3 import catalogue

# Services that hardly anything but Gen3 has; names such as portal, metadata or audit say little alone.
_CORE = frozenset({"arborist", "fence", "guppy", "hatchery", "indexd", "peregrine", "revproxy", "sheepdog", "wts"})
_ENOUGH_SERVICES = 3
_GLOBALS = ("hostname", "dictionaryUrl", "revproxyArn", "tierAccessLevel", "portalApp")

PLATFORM = "platform"
REDIRECT = "redirect"
LOAD_BALANCER = "load balancer"
APP_OF_APPS = "app of apps"
WORKLOAD = "workload"
UNKNOWN = "unknown"

CLUSTER_RESOURCES = "cluster-level-resources"
_PLATFORM_CHARTS = frozenset(
    {
        CLUSTER_RESOURCES,
        *("alloy", "argo-cd", "argocd", "argo-events", "argo-rollouts", "argo-workflows", "argocd-image-updater"),
        *("aws-ebs-csi-driver", "aws-efs-csi-driver", "aws-for-fluent-bit", "aws-load-balancer-controller"),
        *("aws-mountpoint-s3-csi-driver", "aws-node-termination-handler", "aws-vpc-cni", "calico", "cert-manager"),
        *("cilium", "cloudnative-pg", "cluster-autoscaler", "coredns", "crossplane", "datadog", "descheduler"),
        *("external-dns", "external-secrets", "falco", "faro-collector", "fluent-bit", "fluentd", "gatekeeper"),
        *("gpu-operator", "grafana", "ingress-nginx", "istio-base", "istiod", "k8s-monitoring", "karpenter"),
        *("karpenter-crd", "karpenter-crds", "keda", "kube-prometheus-stack", "kube-state-metrics", "kyverno"),
        *("lgtma-chart", "linkerd-control-plane", "loki", "loki-stack", "metrics-server", "mimir-distributed"),
        *("nvidia-device-plugin", "observability", "opentelemetry-collector", "prometheus", "promtail", "reloader"),
        *("sealed-secrets", "secrets-store-csi-driver", "snapshot-controller", "tempo", "tigera-operator", "traefik"),
        *("trivy-operator", "vault", "vector", "velero"),
    }
)
# Kinds that configure a cluster rather than run something in it.
_PLATFORM_KINDS = frozenset(
    {
        *("AppProject", "ClusterIssuer", "ClusterPolicy", "ClusterRole", "ClusterRoleBinding", "ClusterSecretStore"),
        *("CustomResourceDefinition", "EC2NodeClass", "IngressClass", "Namespace", "NodePool", "PriorityClass"),
        *("Provisioner", "AWSNodeTemplate", "StorageClass", "ProviderConfig", "RuntimeClass"),
    }
)
_APPLICATION_KINDS = frozenset({"Application", "ApplicationSet"})
_BESIDE_INGRESS = frozenset({"ConfigMap", "ExternalSecret", "IngressClassParams", "Namespace", "Service"})
_ALB_ACTION = "alb.ingress.kubernetes.io/actions."
_NGINX_REDIRECTS = ("permanent-redirect", "temporal-redirect")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something deploys Gen3. certain: what it names is Gen3. possible: its values decide. wrapper: the key
    below which the values for Gen3 stand, "" for the top. True in a condition if possible."""

    possible: bool
    certain: bool
    reason: str
    wrapper: str = ""

    def __bool__(self) -> bool:
        return self.possible


@dataclass(frozen=True, slots=True)
class Role:
    """What an Application is that is not Gen3: one of the constants above, and why."""

    role: str
    reason: str


def _yes(reason: str, wrapper: str = "") -> Verdict:
    return Verdict(True, True, reason, wrapper)


def _no(reason: str) -> Verdict:
    return Verdict(False, False, reason)


def chart_name(name: str) -> bool:
    """True for the umbrella chart's name, with or without a path of a registry before it."""
    return name.rstrip("/").rpartition("/")[2] == catalogue.CHART


def chart_source(source: ApplicationSource, chart: Mapping[str, Any] | None = None) -> Verdict:
    """Whether an Application's source is the Gen3 chart. chart: its Chart.yaml, where that is at hand."""
    if chart is not None:
        return _by_chart_yaml(chart)
    if source.repo_url.startswith("oci://") and not source.chart:
        # Argo CD's own form for registries: the address names the chart, and the path is ".".
        name = source.repo_url
        return _yes(f"it names the chart {name}") if chart_name(name) else _no(f"it names the chart {name}")
    if source.chart:
        if chart_name(source.chart):
            return _yes(f"it names the chart {source.chart}")
        if _platform_name(source.chart):
            return _no(f"it names the chart {source.chart}")
    elif source.path:
        last = source.path.strip("/").rpartition("/")[2]
        if source.path.strip("/") in (f"helm/{catalogue.CHART}", catalogue.CHART):
            return _yes(f"it names the chart folder {source.path}")
        if _platform_name(last):
            return _no(f"it names the chart folder {source.path}")
    else:
        return _no("it names neither a chart nor a folder")
    if source.helm is None:
        return _no("it is neither the Gen3 chart nor does it give values to another one")
    return Verdict(True, False, "it gives the values of Gen3 to a chart that is not at hand")


def _by_chart_yaml(chart: Mapping[str, Any]) -> Verdict:
    dependencies = _dependencies(chart)
    for dependency in dependencies:
        if dependency["name"] == catalogue.CHART:
            alias = dependency.get("alias")
            key = alias if isinstance(alias, str) and alias else catalogue.CHART
            return _yes(f"its chart {chart.get('name')} depends on {catalogue.CHART}, as {key}", key)
    services = sorted({dependency["name"] for dependency in dependencies} & _CORE)
    if len(services) >= _ENOUGH_SERVICES:
        return _yes(f"its chart {chart.get('name')} depends on {', '.join(services)}")
    if chart.get("name") == catalogue.CHART:
        return _yes(f"its chart is called {catalogue.CHART}")
    return _no(f"its chart {chart.get('name')} does not depend on {catalogue.CHART}")


def _dependencies(chart: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = chart.get("dependencies")
    found = listed if isinstance(listed, list) else []
    return [item for item in found if isinstance(item, Mapping) and isinstance(item.get("name"), str)]


def values_shape(data: object) -> Verdict:
    """Whether values look like those of Gen3: several of its services, and a global that only it has."""
    if not isinstance(data, Mapping):
        return _no("there are no values")
    general = data.get("global")
    known = [name for name in _GLOBALS if isinstance(general, Mapping) and general.get(name) is not None]
    blocks = [name for name, value in data.items() if isinstance(value, Mapping) and name in _services()]
    if not known:
        return _no("the values have none of Gen3's globals")
    if len(blocks) < _ENOUGH_SERVICES or not _CORE & set(blocks):
        return _no("the values configure fewer than three services of Gen3")
    return Verdict(True, True, f"the values have global.{known[0]} and configure {_some(sorted(blocks))}")


def _services() -> frozenset[str]:
    return frozenset(service.name for service in catalogue.load() if service.kind not in ("datastore", "library"))


def objects_shape(objects: Sequence[Mapping[str, Any]]) -> Verdict:
    """Whether Kubernetes objects are those of Gen3: Deployments of several of its core services, by name or image."""
    found = set()
    for body in objects:
        if body.get("kind") != "Deployment":
            continue
        name = look_up(body, ("metadata", "name"))
        service = str(name).removesuffix("-deployment")
        if service in _CORE:
            found.add(service)
            continue
        containers = look_up(body, ("spec", "template", "spec", "containers"))
        for container in containers if isinstance(containers, list) else []:
            image = container.get("image") if isinstance(container, Mapping) else None
            owner = catalogue.load().by_image(image) if isinstance(image, str) else None
            if owner and owner.name in _CORE:
                found.add(owner.name)
    if len(found) >= _ENOUGH_SERVICES:
        return _yes(f"its objects are Deployments of {_some(sorted(found))}")
    return _no("its objects are not those of Gen3")


def other_application(
    application: Application, objects: Sequence[Mapping[str, Any]] = (), *, applies: bool = False
) -> Role:
    """What an Application is that deploys no Gen3 chart. objects: the Kubernetes objects of its plain folders, where
    they are at hand. applies: other Applications in Git are applied by it."""
    entry = _entry(objects)
    if entry:
        return entry
    for source in application.sources:
        name = source.chart.rpartition("/")[2] or source.path.strip("/").rpartition("/")[2]
        if _platform_name(name):
            return Role(PLATFORM, f"it deploys {name}")
    kinds = {str(body.get("kind")) for body in objects}
    if applies or (kinds & _APPLICATION_KINDS and kinds <= _APPLICATION_KINDS | _PLATFORM_KINDS):
        return Role(APP_OF_APPS, "it applies other Applications")
    gen3 = objects_shape(objects)
    if gen3:
        return Role(WORKLOAD, f"rendered Gen3 without its chart: {gen3.reason}")
    if kinds and kinds <= _PLATFORM_KINDS:
        return Role(PLATFORM, f"its objects configure the cluster: {_some(sorted(kinds))}")
    chart = next((source.chart for source in application.sources if source.chart), "")
    if chart:
        reason = f"its chart {chart} is neither called gen3 nor a known part of a platform, nor are its values Gen3's"
        return Role(WORKLOAD, reason)
    return Role(WORKLOAD, "it is neither Gen3 nor a known part of a platform")


def _platform_name(name: str) -> bool:
    return name in _PLATFORM_CHARTS


def _entry(objects: Sequence[Mapping[str, Any]]) -> Role | None:
    """A redirect or a further load balancer, if the objects are nothing else."""
    ingresses = [body for body in objects if body.get("kind") in ("Ingress", "HTTPRoute")]
    others = {str(body.get("kind")) for body in objects if body.get("kind") not in ("Ingress", "HTTPRoute")}
    if not ingresses or not others <= _BESIDE_INGRESS:
        return None
    hosts = _some(sorted({host for body in ingresses for host in hosts_of(body)})) or "every host"
    if all(redirects(body) for body in ingresses):
        return Role(REDIRECT, f"its Ingress only sends {hosts} elsewhere")
    if any("revproxy-service" in _backends(body) for body in ingresses):
        return Role(LOAD_BALANCER, f"its Ingress leads {hosts} to revproxy-service")
    return None


def redirects(ingress: Mapping[str, Any]) -> bool:
    """True if an Ingress (or HTTPRoute) does nothing but redirect."""
    if ingress.get("kind") == "HTTPRoute":
        rules = _items(ingress, "spec", "rules")
        return bool(rules) and all(
            any(look_up(item, ("type",)) == "RequestRedirect" for item in _items(rule, "filters")) for rule in rules
        )
    annotations = look_up(ingress, ("metadata", "annotations"))
    stated = annotations if isinstance(annotations, Mapping) else {}
    if any(stated.get(f"nginx.ingress.kubernetes.io/{name}") for name in _NGINX_REDIRECTS):
        return True
    backends = _backends(ingress)
    return bool(backends) and all(_redirect_action(stated.get(f"{_ALB_ACTION}{name}")) for name in backends)


def _redirect_action(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        action = json.loads(text)
    except ValueError:
        return False
    kind = (action.get("Type") or action.get("type")) if isinstance(action, dict) else None
    return isinstance(kind, str) and kind.lower() == "redirect"


def hosts_of(ingress: Mapping[str, Any]) -> list[str]:
    """The hosts that an Ingress or HTTPRoute answers for, in lower case."""
    hosts = [look_up(rule, ("host",)) for rule in _items(ingress, "spec", "rules")]
    hosts += _items(ingress, "spec", "hostnames")
    return list(dict.fromkeys(host.lower() for host in hosts if isinstance(host, str) and host))


def _backends(ingress: Mapping[str, Any]) -> list[str]:
    """Names of the Services behind an Ingress or HTTPRoute; in the present form and the one before Kubernetes 1.19."""
    found: list[Any] = [
        look_up(ingress, ("spec", "defaultBackend", "service", "name")),
        look_up(ingress, ("spec", "backend", "serviceName")),
    ]
    for rule in _items(ingress, "spec", "rules"):
        backends = [look_up(path, ("backend",)) for path in _items(rule, "http", "paths")]
        found += [look_up(item, ("service", "name")) or look_up(item, ("serviceName",)) for item in backends]
        found += [look_up(item, ("name",)) for item in _items(rule, "backendRefs")]
    return [name for name in found if isinstance(name, str) and name]


def _items(data: object, *path: str) -> list[Any]:
    found = look_up(data, path)
    return found if isinstance(found, list) else []


def _some(names: Sequence[str]) -> str:
    """The first three names, and how many more there are."""
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
