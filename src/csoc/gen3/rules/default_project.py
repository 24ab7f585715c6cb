"""Argo CD's project "default" allows every repository, cluster, namespace and kind of object."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM, EnvironmentView


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for the fleet, with every environment in that project."""
    found = [
        view for view in state.view.environments if view.system == HELM and view.application.project in ("", "default")
    ]
    if found:
        yield Hit(
            cause="Environments are in Argo CD's project default, which by itself forbids nothing",
            key="default",
            environments=tuple(view.name for view in found),
            evidence=tuple(_evidence(view) for view in found),
        )


def _evidence(view: EnvironmentView) -> Evidence:
    application = view.application
    if not application.project:
        return Evidence("spec: no project is named, so it is default", application.location, view.name)
    return Evidence("project: default", application.project_location or application.location, view.name)


RULE = Rule(
    id="default-project",
    title="Environments in the project that allows everything",
    severity=Severity.INFO,
    consequence=(
        "Whoever may change one environment's values or Application can deploy anything anywhere on the cluster, "
        "cluster-wide roles included."
    ),
    fix="Give each environment an AppProject that names its repositories and its namespaces, and lock default.",
    covers=("fleet",),
    fleet=check,
)
