"""Versions are tried in a lower stage first; a production that is ahead of it runs what nobody tried.

Production is compared with the nearest lower stage of its commons, since one further down may well be behind. Only
versions of one kind can be compared, and only images of one name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from csoc.gen3.facts import ServiceFact
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.images import months_between, newer
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.rules.support.stages import Ladder
from csoc.gen3.state import FleetState
from csoc.gen3.views import EnvironmentView

_FAR_BEHIND_MONTHS = 3
_STALE_MONTHS = 12

_Pair = tuple[ServiceFact, ServiceFact]
"""One service in production and in the lower stage."""


def check(state: FleetState) -> Iterator[Hit]:
    """For each production environment at most one hit for what is ahead, and one for what is far behind."""
    ladder = Ladder(state)
    for view in state.view.environments:
        if view.stage.value != "prod":
            continue
        lower = ladder.nearest_lower(view)
        ahead = list(_pairs(state, view, lower, _is_ahead))
        if ahead:
            yield _hit(view, lower, ahead, "ahead of", "ahead", Severity.MEDIUM)
        behind = list(_pairs(state, view, lower, _is_behind))
        if behind:
            months = max(months_between(mine.tag, theirs.tag) for mine, theirs in behind)
            severity = Severity.MEDIUM if months >= _STALE_MONTHS else Severity.LOW
            yield _hit(view, lower, behind, f"{months} months behind", "behind", severity)


def _is_ahead(mine: ServiceFact, theirs: Sequence[ServiceFact]) -> bool:
    return all(newer(mine.tag, other.tag) for other in theirs)


def _is_behind(mine: ServiceFact, theirs: Sequence[ServiceFact]) -> bool:
    return any(months_between(mine.tag, other.tag) >= _FAR_BEHIND_MONTHS for other in theirs)


def _pairs(
    state: FleetState,
    view: EnvironmentView,
    lower: Sequence[EnvironmentView],
    judge: Callable[[ServiceFact, Sequence[ServiceFact]], bool],
) -> Iterator[_Pair]:
    for name, mine in state.facts[view.name].services.items():
        found = [state.facts[other.name].services.get(name) for other in lower]
        theirs = [item for item in found if item is not None and _comparable(mine, item)]
        if theirs and judge(mine, theirs):
            yield mine, max(theirs, key=lambda item: item.tag)


def _comparable(one: ServiceFact, other: ServiceFact) -> bool:
    same_image = one.repository.rpartition("/")[2] == other.repository.rpartition("/")[2]
    return one.enabled and other.enabled and same_image


def _hit(
    view: EnvironmentView,
    lower: Sequence[EnvironmentView],
    pairs: Sequence[_Pair],
    words: str,
    key: str,
    severity: Severity,
) -> Hit:
    names = listed(f"{mine.name} ({mine.tag}, there {theirs.tag})" for mine, theirs in pairs)
    others = listed(other.name for other in lower)
    stage = lower[0].stage.value
    return Hit(
        cause=f"{view.name} is {words} {others}: {names}",
        key=f"{view.commons.value} {view.slot.value or 'prod'} {stage} {key}",
        environments=(view.name,),
        evidence=tuple(_evidence(view, mine, key) for mine, _ in pairs),
        severity=severity,
        consequence=_CONSEQUENCE[key],
        fix=_FIX[key],
    )


def _evidence(view: EnvironmentView, service: ServiceFact, key: str) -> Evidence:
    # Ahead with another version than before is ahead with what nobody tried either.
    version = service.tag if key == "ahead" else ""
    default = "" if service.location is not None else " (chart default)"
    text = f"{service.name}: {service.tag}{default}"
    return Evidence(text, service.location, view.name, f"image of {service.name}", version)


_CONSEQUENCE = {
    "ahead": "Production runs versions that its lower stage does not: what goes wrong goes wrong for users first.",
    "behind": "What is tested in the lower stage is not what runs, and the upgrade grows with every month.",
}
_FIX = {
    "ahead": "Bring the lower stage to production's versions, and promote from there.",
    "behind": "Promote the lower stage's versions to production, in steps where migrations ask for it.",
}

RULE = Rule(
    id="stage-out-of-order",
    title="Production is ahead of its lower stage, or far behind it",
    severity=Severity.MEDIUM,
    consequence=_CONSEQUENCE["ahead"],
    fix=_FIX["ahead"],
    covers=("fleet",),
    fleet=check,
)
