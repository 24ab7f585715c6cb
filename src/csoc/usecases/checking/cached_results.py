"""What a check found in one environment, kept without saying at which commit: that is added when somebody looks.

Every push changes the commit, and almost no environment. So results are kept by the content that they rest on, and
their places name the tree by its part (the fleet's own, or another repository at a revision) until they are shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from csoc.fleet.location import Location
from csoc.fleet.repositories import Tree
from csoc.gen3 import facts
from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.findings import ChartUsed, Evidence, Finding, Patch, Severity, merge

_MARK = "@"
Move = Callable[[Location | None], Location | None]


@dataclass(frozen=True, slots=True)
class EnvironmentResult:
    """What the environment rules found in one environment, and its facts."""

    findings: tuple[Finding, ...]
    facts: EnvironmentFacts


class Anchors:
    """Turns places of the trees that were read into places without commits, and back."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        """trees: the fleet's own first."""
        home, *others = trees
        self._home = home
        self._marks = {(tree.repository, tree.commit): f"{_MARK}{tree.revision}" for tree in reversed(others)}
        self._commits = {(tree.repository, f"{_MARK}{tree.revision}"): tree.commit for tree in reversed(others)}

    def loosen(self, place: Location | None) -> Location | None:
        """The place without the commit; a place in none of the trees stays as it is."""
        if place is None:
            return None
        if (place.repository, place.commit) == (self._home.repository, self._home.commit):
            return Location("", "", place.path, place.line, place.column)
        mark = self._marks.get((place.repository, place.commit))
        return place if mark is None else Location(place.repository, mark, place.path, place.line, place.column)

    def fix(self, place: Location | None) -> Location | None:
        """The place at the commit that was read now."""
        if place is None:
            return None
        if not place.repository and not place.commit:
            return Location(self._home.repository, self._home.commit, place.path, place.line, place.column)
        commit = self._commits.get((place.repository, place.commit))
        return place if commit is None else Location(place.repository, commit, place.path, place.line, place.column)


class Results(Mapping[str, EnvironmentResult]):
    """Results by environment, their places at the commits that were read. Worked out for those that are looked at."""

    def __init__(self, loose: Mapping[str, EnvironmentResult], anchors: Anchors, used: Mapping[str, ChartUsed]) -> None:
        """used: the charts as they are called now; a kept result can have been rendered with the same chart at another
        commit."""
        self._loose = loose
        self._anchors = anchors
        self._used = used
        self._fixed: dict[str, EnvironmentResult] = {}

    def __getitem__(self, name: str) -> EnvironmentResult:
        if name not in self._fixed:
            self._fixed[name] = moved(self._loose[name], self._anchors.fix, self._used.get(name))
        return self._fixed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loose)

    def __len__(self) -> int:
        return len(self._loose)

    def each(self) -> Iterator[Finding]:
        """Those of all environments one by one, with places that say nothing about commits."""
        for result in self._loose.values():
            yield from result.findings

    def together(self) -> Iterator[Finding]:
        """Those of all environments, one for each cause; facts, of which there are many more, are left alone."""
        for finding in merge(item for result in self._loose.values() for item in result.findings):
            used = [chart for name in finding.environments if (chart := self._used.get(name)) is not None]
            shown = next((chart for chart in used if chart.differs), used[0] if used else None)
            yield from moved_findings((finding,), self._anchors.fix, shown)


def moved(result: EnvironmentResult, move: Move, used: ChartUsed | None = None) -> EnvironmentResult:
    """The result with every place moved. used: as in `moved_findings`."""
    known = result.facts
    return EnvironmentResult(
        tuple(moved_findings(result.findings, move, used)),
        replace(
            known,
            services={name: replace(item, location=move(item.location)) for name, item in known.services.items()},
            claims=tuple(replace(claim, location=move(claim.location)) for claim in known.claims),
        ),
    )


def moved_findings(found: Iterable[Finding], move: Move, used: ChartUsed | None = None) -> Iterator[Finding]:
    """The findings with every place moved. used: the chart that those which rest on a rendering were rendered with, as
    it is called now."""
    # Made anew rather than by `replace`, which takes three times as long, and a large fleet has tens of thousands.
    for finding in found:
        yield Finding(
            rule=finding.rule,
            severity=finding.severity,
            cause=finding.cause,
            consequence=finding.consequence,
            fix=finding.fix,
            environments=finding.environments,
            evidence=tuple(
                [
                    Evidence(item.text, move(item.location), item.environment, item.key, item.state)
                    for item in finding.evidence
                ]
            ),
            key=finding.key,
            chart=finding.chart if finding.chart is None or used is None else used,
            patches=tuple(
                [replace(patch, location=move(patch.location) or patch.location) for patch in finding.patches]
            ),
        )


def encode(result: EnvironmentResult) -> bytes:
    """For the cache. Nothing else reads this form, and nothing prints it: commands print `gen3.findings.to_json`. It
    holds what fixes write, unmasked, which is why the cache's file is its owner's alone."""
    data = {"findings": [_stored(item) for item in result.findings], "facts": facts.to_json(result.facts)}
    return json.dumps(data, separators=(",", ":"), default=str).encode()


def decode(value: bytes) -> EnvironmentResult | None:
    """What `encode` wrote, or None for anything else."""
    try:
        data = json.loads(value)
        return EnvironmentResult(tuple(_finding(item) for item in data["findings"]), facts.from_json(data["facts"]))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def _stored(finding: Finding) -> list[Any]:
    chart = finding.chart
    return [
        [finding.rule, finding.key, finding.severity.name, finding.cause, finding.consequence, finding.fix],
        finding.environments,
        [
            [item.text, _stored_place(item.location), item.environment, item.key, item.state]
            for item in finding.evidence
        ],
        None if chart is None else [chart.used, chart.named, chart.differs],
        [
            [_stored_place(patch.location), patch.document, patch.path, patch.action, patch.value]
            for patch in finding.patches
        ],
    ]


def _stored_place(place: Location | None) -> list[Any] | None:
    return None if place is None else [place.repository, place.commit, place.path, place.line, place.column]


def _finding(data: Sequence[Any]) -> Finding:
    (rule, key, severity, cause, consequence, fix), environments, evidence, chart, patches = data
    return Finding(
        rule=rule,
        severity=Severity[severity],
        cause=cause,
        consequence=consequence,
        fix=fix,
        environments=tuple(environments),
        evidence=tuple([Evidence(text, _place(place), *named) for text, place, *named in evidence]),
        key=key,
        chart=None if chart is None else ChartUsed(*chart),
        patches=tuple(
            [
                Patch(Location(*place), document, tuple(path), action, value)
                for place, document, path, action, value in patches
            ]
        ),
    )


def _place(data: Sequence[Any] | None) -> Location | None:
    return None if data is None else Location(*data)
