"""Two Gen3 releases in one namespace fight over the same objects: the chart names most of them without the release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM, EnvironmentView


def check(state: FleetState) -> Iterator[Hit]:
    """One hit a cluster and namespace with several Gen3 environments; unknown clusters are left alone."""
    groups: dict[tuple[str, str], list[EnvironmentView]] = defaultdict(list)
    for view in state.view.environments:
        if view.system == HELM and view.cluster.known and view.namespace:
            groups[view.cluster.value, view.namespace].append(view)
    for (cluster, namespace), views in groups.items():
        if len(views) < 2:
            continue
        yield Hit(
            cause=f"{len(views)} Gen3 releases share the namespace {namespace} of the cluster {cluster}",
            key=f"{cluster}/{namespace}",
            environments=tuple(view.name for view in views),
            evidence=tuple(
                Evidence(
                    f"destination.namespace: {namespace}",
                    view.application.namespace_location or view.application.location,
                    view.name,
                )
                for view in views
            ),
        )


RULE = Rule(
    id="release-namespace-shared",
    title="Two Gen3 releases share a namespace",
    severity=Severity.CRITICAL,
    consequence=(
        "Deployments, ConfigMaps and Secrets are named without the release (fence-deployment, manifest-global), "
        "so each sync overwrites the other commons' objects."
    ),
    fix="Give each environment a namespace of its own (spec.destination.namespace), and move the data first.",
    covers=("fleet", "M6"),
    fleet=check,
)
