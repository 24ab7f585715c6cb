"""Where is it used: a tag, a key, a secret's name, a bucket, a hostname, across the fleet.

Names and settings are searched as readers see them, masked, so that nobody can confirm a guess at a secret here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from csoc.fleet.location import Location
from csoc.fleet.masking import masked
from csoc.fleet.values import Path, walk
from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.views import EnvironmentView
from csoc.usecases.load import LoadedFleet

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Use:
    """One place. kind: "hostname", "image", "value", "Application", or a claim's kind. environment is "" for what
    belongs to none."""

    environment: str
    kind: str
    text: str
    location: Location | None


def where(fleet: LoadedFleet, facts: Mapping[str, EnvironmentFacts], what: str) -> list[Use]:
    """Every place that names `what` (any part, case ignored), by environment, each place once; at most 10,000."""
    sought = what.lower()
    found: dict[tuple[str, str, Location | None], Use] = {}
    for view in fleet.view.environments:
        for use in (*_names(view), *_claims(view, facts[view.name]), *_settings(fleet, view)):
            if sought in use.text.lower():
                found.setdefault((use.environment, use.text, use.location), use)
                if len(found) >= _MOST:
                    return list(found.values())
    for other in fleet.view.others:
        use = Use("", "Application", f"{other.application.name} ({other.role})", other.application.location)
        if sought in use.text.lower():
            found.setdefault(("", use.text, use.location), use)
    return list(found.values())


def _names(view: EnvironmentView) -> Iterator[Use]:
    application = view.application
    yield Use(view.name, "Application", application.name, application.location)
    if view.hostname.known:
        yield Use(view.name, "hostname", view.hostname.value, view.hostname.location)
    yield Use(view.name, "namespace", view.namespace, application.namespace_location or application.location)
    yield Use(view.name, "release", view.release, view.source.location or application.location)
    if view.chart.repo_url:
        yield Use(view.name, "chart", str(view.chart), view.source.revision_location or view.source.location)


def _claims(view: EnvironmentView, facts: EnvironmentFacts) -> Iterator[Use]:
    for claim in facts.claims:
        yield Use(view.name, claim.kind, f"{claim.key}: {claim.identity}", claim.location)
    for service in facts.services.values():
        if service.enabled:
            yield Use(view.name, "image", f"{service.name}: {service.repository}:{service.tag}", service.location)


def _settings(fleet: LoadedFleet, view: EnvironmentView) -> Iterator[Use]:
    values = fleet.resolved[view.name].values
    for steps, value in walk(values.data):
        yield Use(view.name, "value", f"{_dotted(steps)}: {masked(steps, value)}", values.origin(steps))


def _dotted(steps: Sequence[str | int] | Path) -> str:
    return ".".join(str(step) for step in steps)
