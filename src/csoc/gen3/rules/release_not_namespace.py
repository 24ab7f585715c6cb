"""The chart's defaults mix the release's name and the namespace's, and only where both are equal do they meet.

What really depends on it is where workspaces run, so environments without them are left alone, and so are those where
it is broken: `workspace-namespaces-differ` says so there, with a sharper fix. What is left works because somebody set
namespaces by hand, and breaks for whoever copies the environment without them.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules import workspace_namespaces_differ
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if the names differ and the workspaces of this environment meet all the same."""
    view = state.view
    if not view.namespace or not view.release or view.namespace == view.release:
        return
    found = workspace_namespaces_differ.namespaces(state)
    if found is None or found[0] != found[1]:
        return
    place = view.application.namespace_location or view.application.location
    yield Hit(
        cause="The release and its namespace have different names, and namespaces of workspaces are set by hand for it",
        key="release and namespace",
        evidence=(
            Evidence(f"release {view.release}, namespace {view.namespace}", place, view.name),
            state.at("ambassador.jupyterNamespace"),
        ),
    )


RULE = Rule(
    id="release-not-namespace",
    title="A release with another name than its namespace",
    severity=Severity.LOW,
    consequence=(
        "The chart's defaults take one name here and the other there: a copy of this environment that does not set "
        "the namespaces of workspaces as well has workspaces that never open."
    ),
    fix="For new environments use one name for both; here keep ambassador.jupyterNamespace and hatchery's in step.",
    covers=("M6", "fleet"),
    environment=check,
    rendered=True,
)
