"""Argo CD keeps Applications by name: of two with one name on one cluster, each sync of either undoes the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from csoc.fleet.argocd.model import Application
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM


def check(state: FleetState) -> Iterator[Hit]:
    """One hit a name and cluster that several Applications share; Applications of unknown clusters are left alone."""
    environment_of = {view.application.identity: view.name for view in state.view.environments}
    placed = [(view.application, view.cluster) for view in state.view.environments if view.system == HELM]
    placed += [(other.application, other.cluster) for other in state.view.others]
    groups: dict[tuple[str, str, str], dict[tuple[str, str, int, str], Application]] = defaultdict(dict)
    for application, cluster in placed:
        if cluster.known:
            group = groups[cluster.value, application.namespace or "argocd", application.name]
            group[application.identity] = application
    for (cluster_name, _, name), group in groups.items():
        if len(group) < 2:
            continue
        applications = list(group.values())
        yield Hit(
            cause=f"{len(applications)} Applications on the cluster {cluster_name} are named {name}",
            key=f"{cluster_name}/{name}",
            environments=tuple(environment_of[identity] for identity in group if identity in environment_of),
            evidence=tuple(
                Evidence(
                    f"metadata.name: {name}", item.name_location or item.location, environment_of.get(item.identity, "")
                )
                for item in applications
            ),
        )


RULE = Rule(
    id="application-name-shared",
    title="Two Applications of one name on one cluster",
    severity=Severity.CRITICAL,
    consequence="Whichever is applied last replaces the other: one environment is deployed with the other's values.",
    fix="Give each Application a name of its own (metadata.name), and move the unwanted one out of the folder first.",
    covers=("fleet",),
    fleet=check,
)
