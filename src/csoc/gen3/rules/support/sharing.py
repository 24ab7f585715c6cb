"""Finds what two environments use together; the rules about hostnames, secrets, databases and so on share it.

Sharing is often meant: blue and green of one stage take turns with the same data, and one user bucket serves a whole
fleet. So only what an environment owns or writes counts, and slots of one commons and stage are one environment here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from csoc.gen3.facts import Access, Claim, Kind
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import FleetState
from csoc.gen3.views import EnvironmentView

OWNING = frozenset({Access.OWN, Access.WRITE})


def sharing_rule(rule: Rule, kind: Kind, words: str) -> Rule:
    """The rule with a check that finds one kind of claim. words: what two environments do, before the thing's name."""

    def check(state: FleetState) -> Iterator[Hit]:
        for item in shared(state, kind):
            scope = f" ({item.scope})" if item.scope else ""
            yield Hit(
                cause=f"{len(item.environments)} environments {words} {item.identity}{scope}",
                key=f"{item.scope} {item.identity}",
                environments=item.environments,
                evidence=item.evidence,
                # What no value and no manifest says is a guess from charts in general.
                severity=min(rule.severity, Severity.LOW) if item.assumed else None,
            )

    return replace(rule, fleet=check)


@dataclass(frozen=True, slots=True)
class Shared:
    """One thing that several environments claim. claims: (environment, claim), in the fleet's order."""

    kind: Kind
    identity: str
    scope: str
    claims: tuple[tuple[EnvironmentView, Claim], ...]

    @property
    def environments(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(view.name for view, _ in self.claims))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(claim_evidence(view, claim) for view, claim in self.claims)

    @property
    def assumed(self) -> bool:
        """True if fewer than two of them are certain to claim it."""
        return len({_turn(view) for view, claim in self.claims if not claim.assumed}) < 2


def claim_evidence(view: EnvironmentView, claim: Claim, identity: str = "") -> Evidence:
    """A claim at the place that makes it; the chart's default stands in no file of the fleet."""
    default = "" if claim.location is not None else " (chart default)"
    return Evidence(f"{claim.key}: {identity or claim.identity}{default}", claim.location, view.name)


def shared(state: FleetState, kind: Kind, access: Collection[Access] = OWNING) -> Iterator[Shared]:
    """Everything of the kind that at least two environments claim with such an access, and that are not slots of one
    commons and stage. An older manifest and a Helm environment of one name are a migration, and are never compared."""
    groups: dict[tuple[str, str, str], list[tuple[EnvironmentView, Claim]]] = defaultdict(list)
    for view in state.view.environments:
        for claim in state.facts[view.name].claims:
            if claim.kind == kind and claim.access in access:
                groups[view.system, claim.scope, claim.identity].append((view, claim))
    for (_, scope, identity), claims in groups.items():
        if len({_turn(view) for view, _ in claims}) > 1:
            yield Shared(kind, identity, scope, tuple(claims))


def _turn(view: EnvironmentView) -> tuple[str, ...]:
    """Environments that take turns have the same: commons and stage, if each has a slot."""
    if view.slot.known and view.slot.value and view.stage.known:
        return (view.commons.value, view.stage.value)
    return (view.name,)
