"""What a cluster needs before a commons can run on it: one row a component, with its pin.

csoc itself applies Argo CD only; the rest are Applications in Git, so that what runs is what Git says. Where charts
come from can be changed for an installation as a whole (setting platform.mirror), for networks without the internet.

Each row's address, chart, what the chart brings, keys of its values and labels of its workloads were compared with the
project's own repository at the tag of the pin on 2026-11-23:

| chart | tag | brings | Kubernetes, by its own word |
|---|---|---|---|
| argo-cd 9.1.5 | argoproj/argo-helm argo-cd-9.1.5 | 3.2.1 | tested with 1.30 to 1.33; csoc's testbed has it with 1.34 |
| external-secrets 1.3.2 | external-secrets/external-secrets helm-chart-1.3.2 | 1.3.2 | 1.34 |
| aws-load-balancer-controller 1.16.0 | aws/eks-charts aeb3b52 | 2.16.0 | 1.22 and newer |
| external-dns 1.19.0 | kubernetes-sigs/external-dns external-dns-helm-chart-1.19.0 | 0.19.0 | 1.21 and newer |
| metrics-server 3.13.0 | kubernetes-sigs/metrics-server metrics-server-helm-chart-3.13.0 | 0.8.0 | 1.31 and newer |
| cluster-autoscaler 9.59.0 | kubernetes/autoscaler cluster-autoscaler-chart-9.59.0 | 1.35.0 | its own minor version |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from csoc.fleet.charts import ChartRef

ARGO_CD = "argo-cd"


@dataclass(frozen=True, slots=True)
class Component:
    """One component.

    chart: its address, name and version, which is the pin. namespace: where it goes, and where one that somebody else
    installed is expected. labels: of its workloads, wherever they are. definitions: CRDs that show it. serves: kinds
    that Gen3 and csoc use of it (apiVersion, kind). oldest, below: versions of one that somebody else installed with
    which Gen3 works. needed_for: in words. values: what csoc sets in its chart. differs: what the chart makes anew at
    each rendering, and Argo CD is to leave as it is (`ignoreDifferences`). role_output: of the layer `platform`, whose
    role its service account takes. at_csoc: csoc applies it; else Argo CD does.
    """

    name: str
    title: str
    chart: ChartRef
    namespace: str
    labels: Mapping[str, str]
    needed_for: str
    definitions: tuple[str, ...] = ()
    serves: tuple[tuple[str, str], ...] = ()
    oldest: str = ""
    below: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    differs: tuple[Mapping[str, Any], ...] = ()
    service_account: str = ""
    role_output: str = ""
    at_csoc: bool = False
    is_vital: bool = True

    @property
    def version(self) -> str:
        """Of the chart."""
        return self.chart.revision


def _helm(repository: str, name: str, version: str) -> ChartRef:
    return ChartRef(f"https://{repository}", chart=name, revision=version)


# The chart makes the webhooks' certificate at each rendering, and keeps one that is there only where Helm may look into
# the cluster, which it may not under Argo CD; a new one stops the webhooks. docs/deploy/installation.md of the
# controller, section "ArgoCD users", and its issue 4605.
_BALANCER_CERTIFICATES: tuple[Mapping[str, Any], ...] = (
    {"kind": "Secret", "name": "aws-load-balancer-tls", "jsonPointers": ["/data"]},
    *(
        {
            "group": "admissionregistration.k8s.io",
            "kind": kind,
            "name": "aws-load-balancer-webhook",
            "jqPathExpressions": [".webhooks[].clientConfig.caBundle"],
        }
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    ),
)

_TABLE = (
    Component(
        name=ARGO_CD,
        title="Argo CD",
        chart=_helm("argoproj.github.io/argo-helm", "argo-cd", "9.1.5"),
        namespace="argocd",
        labels={"app.kubernetes.io/part-of": "argocd"},
        needed_for="everything else: it brings what Git says into the cluster",
        definitions=("applications.argoproj.io", "appprojects.argoproj.io"),
        serves=(("argoproj.io/v1alpha1", "Application"), ("argoproj.io/v1alpha1", "AppProject")),
        oldest="2.10.0",
        below="4.0.0",
        values={
            # Nobody signs in to it: csoc speaks through the Kubernetes API, and a password less is a door less.
            "configs": {"params": {"server.insecure": "false"}, "cm": {"admin.enabled": "false"}},
            "dex": {"enabled": False},
            "notifications": {"enabled": False},
            "applicationSet": {"replicas": 1},
            # A hook makes that secret, and hooks need Helm; csoc makes it instead.
            "redisSecretInit": {"enabled": False},
        },
        at_csoc=True,
    ),
    Component(
        name="external-secrets",
        title="External Secrets",
        chart=_helm("charts.external-secrets.io", "external-secrets", "1.3.2"),
        namespace="external-secrets",
        labels={"app.kubernetes.io/name": "external-secrets"},
        needed_for="passwords and keys of services, which are in Secrets Manager",
        definitions=("externalsecrets.external-secrets.io", "secretstores.external-secrets.io"),
        serves=(("external-secrets.io/v1", "ExternalSecret"), ("external-secrets.io/v1", "SecretStore")),
        oldest="0.16.0",
        below="3.0.0",
        values={"installCRDs": True},
    ),
    Component(
        name="aws-load-balancer-controller",
        title="the AWS load balancer controller",
        chart=_helm("aws.github.io/eks-charts", "aws-load-balancer-controller", "1.16.0"),
        namespace="kube-system",
        labels={"app.kubernetes.io/name": "aws-load-balancer-controller"},
        needed_for="the way in from outside: an Ingress of class alb gets its load balancer",
        definitions=("targetgroupbindings.elbv2.k8s.aws",),
        oldest="2.4.0",
        below="4.0.0",
        # Its role may use neither classic WAF nor Shield (csoc_infra.parts.load_balancing).
        values={"enableShield": False, "enableWaf": False},
        differs=_BALANCER_CERTIFICATES,
        service_account="aws-load-balancer-controller",
        role_output="LoadBalancerControllerRoleArn",
    ),
    Component(
        name="external-dns",
        title="ExternalDNS",
        chart=_helm("kubernetes-sigs.github.io/external-dns", "external-dns", "1.19.0"),
        namespace="external-dns",
        labels={"app.kubernetes.io/name": "external-dns"},
        needed_for="records of hostnames in the zones that csoc may change",
        oldest="0.13.0",
        values={"policy": "upsert-only", "sources": ["ingress"], "provider": {"name": "aws"}},
        service_account="external-dns",
        role_output="ExternalDnsRoleArn",
        is_vital=False,
    ),
    Component(
        name="metrics-server",
        title="the metrics server",
        chart=_helm("kubernetes-sigs.github.io/metrics-server", "metrics-server", "3.13.0"),
        namespace="kube-system",
        labels={"app.kubernetes.io/name": "metrics-server"},
        needed_for="scaling of services by their load",
        serves=(("metrics.k8s.io/v1beta1", "NodeMetrics"),),
        oldest="0.6.0",
        is_vital=False,
    ),
    Component(
        name="cluster-autoscaler",
        title="the cluster autoscaler",
        chart=_helm("kubernetes.github.io/autoscaler", "cluster-autoscaler", "9.59.0"),
        namespace="kube-system",
        labels={"app.kubernetes.io/name": "aws-cluster-autoscaler"},
        needed_for="nodes for what finds no room, and fewer where there is too much",
        oldest="1.25.0",
        service_account="cluster-autoscaler",
        role_output="AutoscalerRoleArn",
        is_vital=False,
    ),
)

COMPONENTS: Mapping[str, Component] = MappingProxyType({one.name: one for one in _TABLE})
"""Every component, in the order in which they are brought. No cert-manager: certificates come from ACM."""


def mirrored(chart: ChartRef, mirror: str) -> ChartRef:
    """The chart at another address. mirror: "" for its own; a Helm repository that has all of them; or a Git repository
    with a folder for each, whose tag is `<chart>-<version>`."""
    if not mirror:
        return chart
    if mirror.endswith(".git") or mirror.startswith("file://"):
        return ChartRef(mirror, path=chart.chart, revision=f"{chart.chart}-{chart.revision}")
    return ChartRef(mirror, chart=chart.chart, revision=chart.revision)
