"""A pod that needs a ConfigMap which nothing makes waits for ever; often another service's chart was to make it."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.secret_not_made import missing
from csoc.gen3.rules.support import needs
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each ConfigMap that pods cannot start without and that nothing in the manifests makes."""
    yield from missing(state, needs.CONFIG_MAP)


RULE = Rule(
    id="config-map-not-made",
    title="Pods need a ConfigMap that nothing makes",
    severity=Severity.HIGH,
    consequence="Unless somebody made it by hand, these pods never start (ContainerCreating).",
    fix="Switch on the service whose chart makes it, or take the volume out of the values that mount it.",
    covers=("M4", "M11"),
    environment=check,
    rendered=True,
)
