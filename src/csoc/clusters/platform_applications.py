"""The Applications that bring the platform into a cluster, as files for Git. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.clusters.applications import NAMESPACE
from csoc.clusters.bootstrap.acting import IN_CLUSTER
from csoc.clusters.bootstrap.surveying import application_of
from csoc.clusters.platform import COMPONENTS, Component, mirrored

PROJECT = "platform"
FILE = "platform.yaml"
_NOTHING = "-"
_RESPECT = ("RespectIgnoreDifferences=true",)


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of a cluster. outputs: of its layers. dns_zones: names of the zones that ExternalDNS may change;
    zone_ids: their ids, which tell them from others of that name or below it."""

    eks_name: str
    region: str
    outputs: Mapping[str, str]
    dns_zones: tuple[str, ...] = ()
    zone_ids: tuple[str, ...] = ()
    mirror: str = ""


def platform_objects(given: Given, present: Collection[str]) -> list[dict[str, Any]]:
    """The project of the platform and an Application for each component that the cluster needs and that nobody else
    brought (present: names)."""
    wanted = [one for one in _wanted(given) if one.name not in present]
    return [_project(wanted, given), *(_application(one, given) for one in wanted)]


def _wanted(given: Given) -> Iterator[Component]:
    for component in COMPONENTS.values():
        if component.at_csoc:
            continue
        if component.role_output and given.outputs.get(component.role_output, _NOTHING) == _NOTHING:
            continue
        yield component


def _project(wanted: Collection[Component], given: Given) -> dict[str, Any]:
    charts = [mirrored(one.chart, given.mirror).repo_url for one in wanted]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": PROJECT, "namespace": NAMESPACE},
        "spec": {
            "description": "What this cluster needs before a commons can run on it",
            "sourceRepos": list(dict.fromkeys(charts)),
            "destinations": [
                {"server": IN_CLUSTER, "namespace": space}
                for space in dict.fromkeys((*(one.namespace for one in wanted), "kube-system"))
            ],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }


def _application(component: Component, given: Given) -> dict[str, Any]:
    chart = mirrored(component.chart, given.mirror)
    named = {"chart": chart.chart} if chart.chart else {"path": chart.path}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": application_of(component), "namespace": NAMESPACE},
        "spec": {
            "project": PROJECT,
            "source": {
                "repoURL": chart.repo_url,
                **named,
                "targetRevision": chart.revision,
                "helm": {"releaseName": component.name, "valuesObject": values_of(component, given)},
            },
            "destination": {"server": IN_CLUSTER, "namespace": component.namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                # Definitions are larger than the annotation that a client-side apply would keep them in.
                "syncOptions": [
                    "CreateNamespace=true",
                    "ServerSideApply=true",
                    *(_RESPECT if component.differs else ()),
                ],
                "retry": {"limit": 10, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
            },
            **({"ignoreDifferences": [dict(one) for one in component.differs]} if component.differs else {}),
        },
    }


def values_of(component: Component, given: Given) -> dict[str, Any]:
    """What csoc sets in a component's chart for this cluster."""
    found: dict[str, Any] = dict(component.values)
    if component.role_output:
        found |= _service_account(component, given.outputs[component.role_output])
    if component.name == "aws-load-balancer-controller":
        found |= {"clusterName": given.eks_name, "region": given.region, "vpcId": given.outputs.get("VpcId", "")}
    if component.name == "external-dns":
        # One zone that its role may not read, and it writes no record at all: so by id and not by name only.
        found |= {
            "txtOwnerId": given.eks_name,
            "domainFilters": list(given.dns_zones),
            "extraArgs": {"zone-id-filter": list(given.zone_ids)},
        }
    if component.name == "cluster-autoscaler":
        found |= {"autoDiscovery": {"clusterName": given.eks_name}, "awsRegion": given.region}
    return found


def _service_account(component: Component, role: str) -> dict[str, Any]:
    account = {
        "create": True,
        "name": component.service_account,
        "annotations": {"eks.amazonaws.com/role-arn": role},
    }
    return (
        {"rbac": {"serviceAccount": account}} if component.name == "cluster-autoscaler" else {"serviceAccount": account}
    )
