"""Some services only work with certain versions of others; their maintainers list which."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3 import extract
from csoc.gen3.facts import ServiceFact
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState
from csoc.gen3.versions_needed import PAIRS, Pair, broken
from csoc.gen3.views import HELM, MANIFEST


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each pair of services that are on with versions that do not go together, the strictest of several."""
    services = extract.services(Gen3Values(state))
    seen: set[tuple[str, str]] = set()
    for pair in reversed(PAIRS):
        one, other = services.get(pair.service), services.get(pair.other)
        if one is None or other is None or (pair.service, pair.other) in seen:
            continue
        pinned = one.pinned_here or other.pinned_here  # what the chart itself pairs is its maintainers' business
        if one.enabled and other.enabled and pinned and broken(pair, one.tag, other.tag):
            seen.add((pair.service, pair.other))
            yield _hit(state, pair, one, other)


def _hit(state: EnvironmentState, pair: Pair, one: ServiceFact, other: ServiceFact) -> Hit:
    limit = f", below {pair.needs_below}" if pair.needs_below else " or later"
    return Hit(
        cause=f"{pair.service} {one.tag} needs {pair.other} {pair.needs}{limit} ({pair.because}), and {pair.other} is "
        f"{other.tag}",
        key=f"{pair.service} {pair.other}",
        evidence=tuple(state.at((fact.name, "image", "tag"), f"{fact.name} is {fact.tag}") for fact in (one, other)),
        fix=f"Set {pair.other}.image.tag to {pair.needs}{limit}, best to the same monthly release as {pair.service}.",
    )


RULE = Rule(
    id="service-versions-mismatch",
    title="Two services of versions that do not go together",
    severity=Severity.HIGH,
    consequence="The first service calls what the second does not offer: sign-in or access decisions fail.",
    fix="Use the same monthly release for both.",
    covers=("versions",),
    environment=check,
    systems=(HELM, MANIFEST),
)
