"""Some services cannot start without another one: they mount its secrets, or their job registers with it.

What needs what is in the catalogue. An environment whose values are not all there is left alone, since the missing file
may switch the other service on.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a service that is on and a requirement of which no service is on."""
    if not values_complete(state):
        return
    values = Gen3Values(state)
    for service in values.catalogue:
        if not values.enabled(service):
            continue
        for requirement in service.requires:
            if any(values.on(name) for name in requirement.any_of):
                continue
            needed = " or ".join(requirement.any_of)
            evidence = [state.at(service.condition or (service.name, "enabled"))]
            evidence += [state.at((name, "enabled")) for name in requirement.any_of if state.written((name, "enabled"))]
            yield Hit(
                cause=f"{service.name} is on without {needed}: {requirement.because}",
                key=f"{service.name} {needed}",
                evidence=tuple(evidence),
                severity=Severity.MEDIUM if service.kind == "job" else None,
                fix=f"Set {requirement.any_of[0]}.enabled: true, or {service.condition}: false.",
            )


RULE = Rule(
    id="service-without-dependency",
    title="A service without what it depends on",
    severity=Severity.HIGH,
    consequence="Its pods never start, or every request to it fails.",
    fix="Switch the other service on, or this one off.",
    covers=("M11", "fleet"),
    environment=check,
)
