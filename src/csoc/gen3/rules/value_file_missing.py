"""Argo CD does not render an Application one of whose value files does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a value file that is named and not there, unless Argo CD was told to go on without."""
    for missing in state.values.missing:
        if missing.tolerated:
            continue
        location = missing.location or state.view.application.location
        yield Hit(
            cause=f"The value file {missing.resolved} does not exist",
            key=missing.resolved,
            evidence=(Evidence(missing.written, location, state.view.name),),
        )


RULE = Rule(
    id="value-file-missing",
    title="A value file does not exist",
    severity=Severity.CRITICAL,
    consequence="Argo CD cannot render the Application: nothing is deployed, and drift is no longer healed.",
    fix="Add the file, or take its line out of valueFiles (or set ignoreMissingValueFiles if that is meant).",
    covers=("fleet",),
    environment=check,
    without_values=True,
)
