"""Small charts that stand in for the platform's, where nothing is fetched from the internet: the demo and the tests.

They have the names, versions, labels and service accounts of the real ones and none of their programs: in a simulated
cluster the programs are part of it. All of them are csoc's own; the setting platform.mirror names a repository of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from csoc.clusters.platform import ARGO_CD, COMPONENTS, Component
from csoc.emulator.kubernetes.argocd.own_definitions import DEFINITIONS

Body = dict[str, Any]
_PROGRAMS: Mapping[str, Sequence[tuple[str, str, str, str]]] = {
    # kind, name, image, version
    ARGO_CD: (
        ("StatefulSet", "argocd-application-controller", "quay.io/argoproj/argocd", "v3.2.1"),
        ("Deployment", "argocd-repo-server", "quay.io/argoproj/argocd", "v3.2.1"),
        ("Deployment", "argocd-server", "quay.io/argoproj/argocd", "v3.2.1"),
        ("Deployment", "argocd-redis", "public.ecr.aws/docker/library/redis", "8.2.2-alpine"),
    ),
    "external-secrets": (
        ("Deployment", "external-secrets", "ghcr.io/external-secrets/external-secrets", "v1.3.2"),
        ("Deployment", "external-secrets-webhook", "ghcr.io/external-secrets/external-secrets", "v1.3.2"),
    ),
    "aws-load-balancer-controller": (
        ("Deployment", "aws-load-balancer-controller", "public.ecr.aws/eks/aws-load-balancer-controller", "v2.16.0"),
    ),
    "external-dns": (("Deployment", "external-dns", "registry.k8s.io/external-dns/external-dns", "v0.19.0"),),
    "metrics-server": (("Deployment", "metrics-server", "registry.k8s.io/metrics-server/metrics-server", "v0.8.0"),),
    "cluster-autoscaler": (
        ("Deployment", "cluster-autoscaler", "registry.k8s.io/autoscaling/cluster-autoscaler", "v1.35.0"),
    ),
}
_SECRET_KINDS = {
    "externalsecrets": ("ExternalSecret", ("v1",)),
    "secretstores": ("SecretStore", ("v1",)),
    "clustersecretstores": ("ClusterSecretStore", ("v1",)),
    "pushsecrets": ("PushSecret", ("v1alpha1",)),
}


def chart_files() -> dict[str, bytes]:
    """Every chart: path in the repository to bytes."""
    return {
        f"{component.chart.chart}/{path}": content
        for component in COMPONENTS.values()
        for path, content in _chart(component)
    }


def tags() -> list[str]:
    """The tags that a Git repository of these charts needs, on the commit that has them."""
    return [f"{one.chart.chart}-{one.version}" for one in COMPONENTS.values()]


def _chart(component: Component) -> Iterator[tuple[str, bytes]]:
    chart = {"apiVersion": "v2", "name": component.chart.chart, "version": component.version}
    yield "Chart.yaml", _yaml(chart)
    yield "values.yaml", b"{}\n"
    objects = [*_definitions(component), *_objects(component)]
    for number, body in enumerate(objects):
        # What a service account is called and which role it takes comes from values, as in the real charts.
        text = _yaml(body).decode()
        if body["kind"] == "ServiceAccount":
            text = text.replace('"ANNOTATIONS"', _ANNOTATIONS)
        yield f"templates/{number:02}-{body['kind'].lower()}.yaml", text.encode()


_ANNOTATIONS = (
    '{{ dig "serviceAccount" "annotations" '
    '(dig "rbac" "serviceAccount" "annotations" dict .Values.AsMap) .Values.AsMap | toJson }}'
)


def _objects(component: Component) -> Iterator[Body]:
    account = component.service_account or component.name
    space = component.namespace
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": account, "namespace": space, "annotations": "ANNOTATIONS"},
    }
    if component.name == ARGO_CD:
        for name in ("argocd-cm", "argocd-cmd-params-cm", "argocd-rbac-cm"):
            yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _about(component, name), "data": {}}
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": _about(component, "argocd-secret"), "type": "Opaque"}
    rbac = "rbac.authorization.k8s.io"
    yield {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": component.name, "labels": dict(component.labels)},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }
    yield {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": component.name, "labels": dict(component.labels)},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": component.name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": space}],
    }
    for kind, name, image, version in _PROGRAMS[component.name]:
        yield _workload(component, account, kind, name, f"{image}:{version}")


def _workload(component: Component, account: str, kind: str, name: str, image: str) -> Body:
    selected = {"csoc.gen3.org/program": name}
    container = {"name": "main", "image": image, "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}}
    spec: Body = {
        "replicas": 1,
        "selector": {"matchLabels": selected},
        "template": {
            "metadata": {"labels": {**selected, **component.labels}},
            "spec": {"serviceAccountName": account, "containers": [container]},
        },
    }
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": _about(component, name), "spec": spec}


def _about(component: Component, name: str) -> Body:
    return {"name": name, "namespace": component.namespace, "labels": dict(component.labels)}


def _definitions(component: Component) -> Iterator[Body]:
    if component.name == ARGO_CD:
        yield from json.loads(json.dumps(DEFINITIONS))
    if component.name != "external-secrets":
        return
    open_ = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for plural, (kind, versions) in _SECRET_KINDS.items():
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.external-secrets.io"},
            "spec": {
                "group": "external-secrets.io",
                "scope": "Cluster" if plural.startswith("cluster") else "Namespaced",
                "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
                "versions": [
                    {
                        "name": version,
                        "served": True,
                        "storage": True,
                        "schema": {
                            "openAPIV3Schema": {"type": "object", "properties": {"spec": open_, "status": open_}}
                        },
                        "subresources": {"status": {}},
                    }
                    for version in versions
                ],
            },
        }


def _yaml(body: Body) -> bytes:
    """JSON, which is YAML."""
    return (json.dumps(body, indent=1) + "\n").encode()
