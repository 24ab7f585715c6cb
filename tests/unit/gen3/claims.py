"""Of an environment's facts, what a test asks about."""

from __future__ import annotations

from csoc.gen3.facts import Claim, EnvironmentFacts, Kind


def claims_of(facts: EnvironmentFacts, *kinds: Kind) -> list[Claim]:
    """The claims of these kinds."""
    return [item for item in facts.claims if item.kind in kinds]
