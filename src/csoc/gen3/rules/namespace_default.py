"""Gen3 in the namespace "default": it cannot be deleted, and whatever is applied without a namespace lands in it."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if the destination is the namespace default."""
    application = state.view.application
    if state.view.namespace == "default":
        place = application.namespace_location or application.location
        yield Hit(
            cause="Gen3 is deployed to the namespace default",
            key="default",
            evidence=(Evidence("destination.namespace: default", place, state.view.name),),
        )


RULE = Rule(
    id="namespace-default",
    title="Gen3 in the namespace default",
    severity=Severity.LOW,
    consequence=(
        "Other people's objects stand among the commons' own, its network policies and quotas hit them, "
        "and the environment cannot be removed by removing its namespace."
    ),
    fix="For new environments set spec.destination.namespace to a name of their own; moving one moves its data.",
    covers=("fleet",),
    environment=check,
)
