"""Compares like with like: an environment of which one side saw less is compared by what both could see.

A chart that cannot be had, or does not render, hides what only manifests show; taken for "nothing wrong" it would make
everything new on the other side, or solved. So such environments are looked at once more on the side that saw more, as
the other one had to, and what only the full look shows there is left out of the comparison.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from csoc.gen3.checking import Severities
from csoc.gen3.places import Pair
from csoc.gen3.rules import chart_does_not_render
from csoc.usecases.checking.checker import FleetChecker, Found, Seen
from csoc.usecases.load import LoadedFleet
from csoc.usecases.states import Sight

_EXTENTS = {
    Sight.PART_OF_VALUES: "what does not rest on its values",
    Sight.VALUES: "values only",
    Sight.CHART: "values and the chart's defaults only",
    Sight.MANIFESTS: "everything",
}
_NOT_RENDERING = chart_does_not_render.RULE.id


@dataclass(frozen=True, slots=True)
class Unlike:
    """An environment that was not compared in full. sight: by how much of it it was; before, now: why there was no more
    to see, "" on the side where there was."""

    environment: str
    sight: Sight
    before: str = ""
    now: str = ""

    @property
    def extent(self) -> str:
        """By how much of it, for readers."""
        return _EXTENTS[self.sight]

    @property
    def why(self) -> str:
        """For readers."""
        sides = (("before the change", self.before), ("now", self.now))
        return "; ".join(f"{when}: {reason}" for when, reason in sides if reason)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two checks can be compared by. unlike: environments that only part of the rules can be compared in.

    unseen_before, unseen_now: findings of the one side of which the other could not have known. less: what the side
    before shows when no more is looked at than now. compared: severities now of findings in environments that are
    unlike, when no more is looked at than before; less_now: these findings. All by the names of their own side.
    """

    unlike: tuple[Unlike, ...] = ()
    unseen_before: Collection[Pair] = frozenset()
    unseen_now: Collection[Pair] = frozenset()
    less: Found | None = None
    compared: Severities = field(default_factory=dict)
    less_now: Found | None = None


def alike(
    checker: FleetChecker,
    before: tuple[LoadedFleet, Found],
    now: tuple[LoadedFleet, Found],
    names: Mapping[str, str],
    *,
    gone: bool = False,
) -> Likeness:
    """What the two can be compared by. names: of environments before, to their names now, where they differ. gone:
    values that cannot be read are gone for certain, and so is what was wrong in them."""
    then, present = before[1].seen, now[1].seen
    pairs = [(old, names.get(old, old)) for old in then if names.get(old, old) in present]
    unlike = [
        (old, new)
        for old, new in pairs
        if then[old].sight != present[new].sight
        and not (gone and Sight.PART_OF_VALUES in (then[old].sight, present[new].sight))
    ]
    if not unlike:
        return Likeness()
    limits = {new: min(then[old].sight, present[new].sight) for old, new in unlike}
    less_before = checker.find(before[0], limits=_limits(before[1], {old: limits[new] for old, new in unlike}))
    less_now = checker.find(now[0], limits=_limits(now[1], limits))
    # That a chart has stopped rendering is seen by looking at it: whoever rendered it before knows that it did.
    stopped = {new for old, new in unlike if then[old].sight is Sight.MANIFESTS and present[new].tried}
    mended = {old for old, new in unlike if present[new].sight is Sight.MANIFESTS and then[old].tried}
    return Likeness(
        unlike=tuple(
            Unlike(new, limits[new], _why(then[old], limits[new]), _why(present[new], limits[new]))
            for old, new in unlike
        ),
        unseen_before=_lost(before[1], less_before, mended),
        unseen_now=_lost(now[1], less_now, stopped),
        less=less_before,
        compared={pair: severity for pair, severity in less_now.severities.items() if pair[1] in limits},
        less_now=less_now,
    )


def _why(seen: Seen, limit: Sight) -> str:
    return seen.why if seen.sight <= limit else ""


def _limits(found: Found, wanted: Mapping[str, Sight]) -> dict[str, Sight]:
    """Where no more than so much is looked at; what was not tried for its cost is not tried again."""
    not_tried = dict.fromkeys(found.not_tried, Sight.CHART)
    return not_tried | {name: limit for name, limit in wanted.items() if found.seen[name].sight > limit}


def _lost(full: Found, less: Found, certain: Collection[str]) -> frozenset[Pair]:
    """What the smaller look does not show. certain: environments where both sides know whether the chart renders."""
    sure = {finding.fingerprint for finding in full.raw if finding.rule == _NOT_RENDERING}
    lost = full.severities.keys() - less.severities.keys()
    return frozenset(pair for pair in lost if not (pair[0] in sure and pair[1] in certain))
