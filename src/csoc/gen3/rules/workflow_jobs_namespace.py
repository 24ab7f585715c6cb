"""Funnel's start compares its configured namespace for jobs with the one that the chart makes; a difference ends it.

The chart cannot fill it in by itself, so it has to be written for each environment (chart 0.3.90, funnel/values.yaml).
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.location import Location
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on, values_complete
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.state import EnvironmentState

_PATH = "funnel.Kubernetes.JobsNamespace"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if funnel is deployed and the value is not the namespace that the chart makes."""
    if not on(state, "funnel") or not state.view.namespace or not values_complete(state):
        return
    if not may_read(state, _PATH):
        return
    wanted = f"workflow-pods-{state.view.namespace}"
    value = state.get(_PATH)
    if value == wanted:
        return
    if not value:
        yield Hit(
            cause=f"{_PATH} is empty, and should be {wanted}",
            key=wanted,
            evidence=(state.at(_PATH) if state.written(_PATH) else state.at("gen3-workflow.enabled"),),
            fix=f"Set {_PATH}: {wanted}.",
            patches=set_value(state, _PATH, wanted),
        )
    else:
        yield Hit(
            cause=f"{_PATH} is {value!s:.80}, and the Application deploys to {state.view.namespace}",
            key=wanted,
            evidence=(
                state.at(_PATH),
                Evidence(f"namespace: {state.view.namespace}", _destination(state), state.view.name),
            ),
            fix=f"Set {_PATH}: {wanted}, or correct the Application's destination.",
        )


def _destination(state: EnvironmentState) -> Location:
    return state.view.application.namespace_location or state.view.application.location


RULE = Rule(
    id="workflow-jobs-namespace",
    title="Funnel with another namespace for its jobs",
    severity=Severity.CRITICAL,
    consequence="Funnel's init container ends with an error, and no workflow runs.",
    fix="Set funnel.Kubernetes.JobsNamespace to workflow-pods- followed by the release's namespace.",
    covers=("M19",),
    environment=check,
)
