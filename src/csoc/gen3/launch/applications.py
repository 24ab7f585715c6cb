"""The Argo CD manifests of an environment: its Application and its AppProject.

Both the chart and the commit of the values are pinned, so that nothing changes what runs but a change of this file. The
Application has no finalizer: taking its file away takes nothing down. The project lets it into its own namespaces only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.documents.base import COMMIT_PATTERN, ChartReference
from csoc.gen3.launch import valuefiles

IN_CLUSTER = "https://kubernetes.default.svc"
ARGOCD_NAMESPACE = "argocd"
CLUSTER_KINDS = (
    ("", "Namespace"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
)
"""What the chart makes outside of namespaces: of wts, of hatchery, and the namespace of workspaces."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an Application is made of.

    environment: its name, and the project's. values_repository: address of the repository with the values, as Argo CD
    has a credential for. values_commit: the commit that is deployed. value_paths: in the order in which they count.
    further_namespaces: besides the release's own (that of workspaces).
    """

    environment: str
    namespace: str
    chart: ChartReference
    values_repository: str
    values_commit: str
    value_paths: Sequence[str]
    further_namespaces: Sequence[str] = ()


def application_file(deployment: Deployment) -> bytes:
    """clusters/<cluster>/applications/<environment>.yaml: the project and the Application.

    Raises RejectedError: the chart or the values are not pinned.
    """
    if not re.fullmatch(COMMIT_PATTERN, deployment.values_commit):
        raise RejectedError(
            "The values are not pinned to a commit",
            place=f"Application {deployment.environment}",
            fix="Give the whole commit, 40 digits",
        )
    if not deployment.chart.revision or not _exact(deployment.chart):
        raise RejectedError(
            f'The chart is not pinned: "{deployment.chart.revision}"',
            place=f"Application {deployment.environment}",
            fix="Name an exact version such as 0.3.90, or for a chart in Git a whole commit",
        )
    return valuefiles.render_all([project(deployment), application(deployment)], header=_HEADER)


def application(deployment: Deployment) -> dict[str, Any]:
    """The Application."""
    chart = deployment.chart
    named = {"chart": chart.chart} if chart.chart else {"path": chart.path}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": deployment.environment, "namespace": ARGOCD_NAMESPACE},
        "spec": {
            "project": deployment.environment,
            "sources": [
                {
                    "repoURL": chart.repo_url,
                    **named,
                    "targetRevision": chart.revision,
                    "helm": {
                        "releaseName": deployment.namespace,
                        "valueFiles": [f"$values/{path}" for path in deployment.value_paths],
                    },
                },
                {
                    "repoURL": deployment.values_repository,
                    "targetRevision": deployment.values_commit,
                    "ref": "values",
                },
            ],
            "destination": {"server": IN_CLUSTER, "namespace": deployment.namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["CreateNamespace=true", "RespectIgnoreDifferences=true"],
                "retry": {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}},
            },
            "ignoreDifferences": [
                # The pods of a Job never change, so that the next image would stop every synchronisation.
                {"group": "batch", "kind": "Job", "jsonPointers": ["/spec"]},
                # Made anew at each rendering, and seen by nobody: the load balancer has its own certificate.
                {"kind": "Secret", "name": "gen3-certs", "jsonPointers": ["/data"]},
                # Filled by the job that registers wts with fence.
                {"kind": "Secret", "name": "wts-oidc-client", "jsonPointers": ["/data"]},
            ],
        },
    }


def project(deployment: Deployment) -> dict[str, Any]:
    """The AppProject: these repositories, these namespaces, and of what belongs to no namespace only what the chart
    makes."""
    namespaces = (deployment.namespace, *deployment.further_namespaces)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": deployment.environment, "namespace": ARGOCD_NAMESPACE},
        "spec": {
            "description": f"The environment {deployment.environment}, and nothing else",
            "sourceRepos": list(dict.fromkeys((deployment.chart.repo_url, deployment.values_repository))),
            "destinations": [{"server": IN_CLUSTER, "namespace": namespace} for namespace in namespaces],
            "clusterResourceWhitelist": [{"group": group, "kind": kind} for group, kind in CLUSTER_KINDS],
        },
    }


def _exact(chart: ChartReference) -> bool:
    if chart.path:
        return re.fullmatch(COMMIT_PATTERN, chart.revision) is not None
    return re.fullmatch(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+][A-Za-z0-9.+-]+)?", chart.revision) is not None


_HEADER = "Written by csoc. The pins (targetRevision) are moved by csoc apply; a plan shows what that changes."
