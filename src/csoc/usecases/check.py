"""Checks a fleet: every rule on every environment, then the fleet as a whole.

What one environment's check rests on (its files, its chart, the rules' own code) has a digest, and the result is kept
under it: after a commit only the environments that it touched are rendered and checked again.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.charts import RenderRequest
from csoc.fleet.location import Location
from csoc.gen3 import extract, facts, findings
from csoc.gen3.checking import CheckReport, Known, Waiver, check_environment, check_fleet, report
from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.findings import Finding
from csoc.gen3.rules.model import EnvironmentState, FleetState, Rule
from csoc.gen3.rules.table import RULES
from csoc.gen3.views import EnvironmentView
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.states import ChartAtHand, StateBuilder

_RESULTS_NAMESPACE = "check-1"
Progress = Callable[[int, int, str], None]
"""Told how many of how many environments are checked, and the name of the last one."""


@dataclass(frozen=True, slots=True)
class EnvironmentResult:
    """What the environment rules found in one environment, and its facts."""

    findings: tuple[Finding, ...]
    facts: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """A check of a fleet. charts: why a chart could not be had, by what the Application names; environments whose
    chart is missing were checked by their values only. checked and cached count environments."""

    report: CheckReport
    results: Mapping[str, EnvironmentResult]
    charts: Mapping[str, str]
    checked: int
    cached: int


@cache
def code_version() -> str:
    """Digest over the code that decides what is found, so that a changed rule never shows an old result."""
    digest = hashlib.sha256()
    for package in ("csoc.gen3", "csoc.gen3.rules", "csoc.fleet", "csoc.fleet.argocd"):
        for item in sorted(importlib.resources.files(package).iterdir(), key=lambda found: found.name):
            if item.name.endswith(".py"):
                digest.update(item.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(slots=True)
class FleetChecker:
    """Checks a fleet, and again after changes. Keeps results by digest, in memory and in the cache."""

    ports: Ports
    rules: Sequence[Rule] = RULES
    rendering: bool = True
    context: Mapping[str, Any] = field(default_factory=dict)
    _results: dict[str, EnvironmentResult] = field(default_factory=dict)

    def check(
        self,
        fleet: LoadedFleet,
        *,
        only: Sequence[str] = (),
        waivers: Sequence[Waiver] = (),
        known: Known | None = None,
        progress: Progress | None = None,
    ) -> CheckOutcome:
        """Everything that is found. only: names of environments that the report is about; the fleet rules still see
        all of them, since what two environments do to each other concerns both.

        Raises what fetching a chart that a person named on the command line raises.
        """
        builder = StateBuilder(self.ports, fleet, rendering=self.rendering)
        context = {"now": self.ports.clock(), **self.context}
        results, cached = self._environments(builder, fleet.view.environments, context, progress)
        state = FleetState(
            view=fleet.view,
            facts={name: result.facts for name, result in results.items()},
            states=lambda name: builder.state(fleet.environment(name), context=context),
            context=context,
        )
        found = [finding for result in results.values() for finding in result.findings]
        found += check_fleet(state, self.rules)
        if only:
            found = [item for item in found if set(item.environments) & set(only)]
        made = report(found, waivers=waivers, known=known or {}, today=self.ports.clock().date())
        return CheckOutcome(
            made,
            results,
            missing_charts(builder, fleet.view.environments),
            checked=len(results),
            cached=cached,
        )

    def _environments(
        self,
        builder: StateBuilder,
        views: Sequence[EnvironmentView],
        context: Mapping[str, Any],
        progress: Progress | None,
    ) -> tuple[dict[str, EnvironmentResult], int]:
        digests = {view.name: self._digest(builder, view) for view in views}
        results = self._kept(views, digests)
        cached = len(results)
        missing = [view for view in views if view.name not in results]
        fresh: dict[str, bytes] = {}
        for state in self._states(builder, missing, context):
            name = state.view.name
            at_hand = builder.chart(state.view)
            digest = at_hand.archive.digest if at_hand.archive else ""
            result = EnvironmentResult(
                tuple(check_environment(state, self.rules)), extract.extract(state, chart_digest=digest)
            )
            results[name] = self._results[digests[name]] = result
            fresh[digests[name]] = _encode(result)
            if progress is not None:
                progress(len(results), len(views), name)
        self.ports.cache.put_many(_RESULTS_NAMESPACE, fresh)
        return {view.name: results[view.name] for view in views}, cached

    def _kept(self, views: Sequence[EnvironmentView], digests: Mapping[str, str]) -> dict[str, EnvironmentResult]:
        """Results that are known already, their places moved to the commits that were read now."""
        wanted = [digests[view.name] for view in views if digests[view.name] not in self._results]
        for digest, value in self.ports.cache.get_many(_RESULTS_NAMESPACE, wanted).items():
            result = _decode(value)
            if result is not None:
                self._results[digest] = result
        return {
            view.name: moved(self._results[digests[view.name]], view.application.location)
            for view in views
            if digests[view.name] in self._results
        }

    def _states(
        self, builder: StateBuilder, views: Sequence[EnvironmentView], context: Mapping[str, Any]
    ) -> Iterator[EnvironmentState]:
        """States in order; those with a chart are rendered several at a time."""
        if not self.rendering:
            for view in views:
                yield builder.state(view, context=context)
            return
        rendered = [view for view in views if builder.chart(view).archive is not None]
        requests = (request for view in rendered if (request := _request(builder, view)) is not None)
        for view, rendering in zip(rendered, self.ports.renderer.render_many(requests), strict=True):
            yield builder.state(view, rendering=rendering, context=context)
        for view in views:
            if builder.chart(view).archive is None:
                yield builder.state(view, context=context)

    def _digest(self, builder: StateBuilder, view: EnvironmentView) -> str:
        """Names everything that one environment's result rests on."""
        at_hand = builder.chart(view)
        resolved = builder.resolved(view)
        layers = []
        for layer in resolved.values.layers:
            place = layer.locate(())
            layers.append([layer.label, place.path if place else "", _blob(builder, place), layer.data])
        parts = [
            code_version(),
            [rule.id for rule in self.rules],
            self.ports.renderer.version if self.rendering and at_hand.archive is not None else "",
            at_hand.archive.digest if at_hand.archive is not None and self.rendering else "",
            [at_hand.used.used, at_hand.used.named, at_hand.used.differs],
            builder.request(view, at_hand.archive).kube_version if at_hand.archive is not None else "",
            _view_parts(view),
            _blob(builder, view.application.location),
            layers,
            [[item.written, item.resolved, item.tolerated] for item in resolved.values.missing],
            sorted(str(value) for key, value in self.context.items() if key != "now"),
            self.ports.clock().date().isoformat(),
        ]
        return hashlib.sha256(json.dumps(parts, default=str, separators=(",", ":")).encode()).hexdigest()


def _request(builder: StateBuilder, view: EnvironmentView) -> RenderRequest | None:
    archive = builder.chart(view).archive
    return builder.request(view, archive) if archive is not None else None


def _view_parts(view: EnvironmentView) -> list[object]:
    """What rules can see of a view, without the commit, which every push changes."""
    facts_of_view = [view.commons, view.cluster, view.stage, view.slot, view.hostname]
    return [
        view.name,
        [[fact.value, fact.stated] for fact in facts_of_view],
        [view.namespace, view.release, view.wrapper, view.gated, view.system, str(view.chart)],
        [view.application.name, view.application.location.path, view.application.document],
    ]


def _blob(builder: StateBuilder, place: Location | None) -> str:
    """The content that a place is in: equal blobs have equal lines."""
    if place is None:
        return ""
    for tree in builder.fleet.discovery.trees.opened():
        if tree.repository == place.repository and tree.commit == place.commit:
            entry = tree.entries().get(place.path)
            return entry.blob if entry is not None else ""
    return ""


def missing_charts(builder: StateBuilder, views: Sequence[EnvironmentView]) -> dict[str, str]:
    """Charts that could not be had, by what Applications name, with the reason."""
    missing: dict[str, str] = {}
    for view in views:
        at_hand: ChartAtHand = builder.chart(view)
        if at_hand.error is not None:
            missing.setdefault(str(view.chart), _reason(at_hand.error))
    return missing


def _reason(error: CsocError) -> str:
    return str(error)


def moved(result: EnvironmentResult, now: Location) -> EnvironmentResult:
    """A kept result with its places at the commit that was read now. Contents are equal, so lines are."""

    def move(place: Location | None) -> Location | None:
        if place is None or place.repository != now.repository or place.commit == now.commit:
            return place
        return replace(place, commit=now.commit)

    return EnvironmentResult(
        tuple(_moved_finding(finding, move) for finding in result.findings),
        replace(
            result.facts,
            services={n: replace(s, location=move(s.location)) for n, s in result.facts.services.items()},
            claims=tuple(replace(claim, location=move(claim.location)) for claim in result.facts.claims),
        ),
    )


def _moved_finding(finding: Finding, move: Callable[[Location | None], Location | None]) -> Finding:
    return replace(
        finding,
        evidence=tuple(replace(item, location=move(item.location)) for item in finding.evidence),
        patches=tuple(replace(patch, location=move(patch.location) or patch.location) for patch in finding.patches),
    )


def _encode(result: EnvironmentResult) -> bytes:
    data = {"findings": [findings.to_json(item) for item in result.findings], "facts": facts.to_json(result.facts)}
    return json.dumps(data, separators=(",", ":"), default=str).encode()


def _decode(value: bytes) -> EnvironmentResult | None:
    """What was kept, or None if it is not what `_encode` writes."""
    try:
        data = json.loads(value)
        return EnvironmentResult(
            tuple(findings.from_json(item) for item in data["findings"]), facts.from_json(data["facts"])
        )
    except (ValueError, KeyError, TypeError, IndexError):
        return None
