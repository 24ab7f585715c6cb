"""Checks a fleet: every rule on every environment, then the fleet as a whole.

What one environment's check rests on (its files, its chart, the rules' own code) has a digest, and the result is kept
under it: after a commit only the environments that it touched are rendered and checked again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

from csoc.fleet import gc_pause
from csoc.fleet.argocd.model import Problem
from csoc.fleet.charts import RenderRequest
from csoc.fleet.code_digest import code_digest
from csoc.fleet.location import Location
from csoc.gen3 import extract
from csoc.gen3.checking import (
    Before,
    CheckReport,
    Known,
    Severities,
    Waiver,
    check_environment,
    check_fleet,
    report,
    severities_of,
)
from csoc.gen3.checking import only as part_of
from csoc.gen3.data_model.published import Lookup
from csoc.gen3.findings import ChartUsed, Finding, merge
from csoc.gen3.own_rules import CHECK_FAILED, OWN_RULES
from csoc.gen3.places import Places
from csoc.gen3.rules import secret_in_file
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.table import RULES
from csoc.gen3.state import EnvironmentState, FleetState
from csoc.gen3.views import HELM, EnvironmentView
from csoc.usecases import render_budget
from csoc.usecases.checking.cached_results import (
    Anchors,
    EnvironmentResult,
    Results,
    decode,
    encode,
    moved,
    moved_findings,
)
from csoc.usecases.checking.file_scan import FileScan, FileScanner
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.states import Sight, StateBuilder, below

__all__ = ["CheckOutcome", "EnvironmentResult", "FleetChecker", "MissingChart", "code_version"]

_RESULTS_NAMESPACE = "check-3"
_BATCH = 50  # results; whoever interrupts a long check loses no more
Progress = Callable[[int, int, str], None]
"""Told how many of how many environments are checked, and the name of the last one."""


@dataclass(frozen=True, slots=True)
class MissingChart:
    """A chart that could not be had: what Applications name, why, and the environments that were therefore checked by
    their values only."""

    named: str
    reason: str
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """How much of an environment a check looked at. why: no more; tried: its chart was rendered, and failed."""

    sight: Sight
    why: str = ""
    tried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a check of a fleet found, before anybody says what is new, known or waived.

    raw: everything, one for each cause; severities: of each in each environment. checked and cached count
    environments; fresh names those that were checked anew. charts: those that could not be had. used: the chart that
    each environment was rendered with; those that were not rendered are left out. not_tried: environments whose charts
    were not rendered because of what a run may cost; problems say so. files: what was searched for secrets. seen: how
    much of each environment was looked at. settled: ids of the rules that saw all there is to see.
    """

    results: Mapping[str, EnvironmentResult]
    charts: tuple[MissingChart, ...]
    checked: int
    cached: int
    raw: tuple[Finding, ...] = ()
    severities: Severities = field(default_factory=dict)
    fresh: tuple[str, ...] = ()
    used: Mapping[str, ChartUsed] = field(default_factory=dict)
    not_tried: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: FileScan = field(default_factory=FileScan)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    settled: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome(Found):
    """A check of a fleet. report: what to act on, waived and known."""

    report: CheckReport


def code_version() -> str:
    """Digest over the code that decides what is found, so that a changed rule never shows an old result."""
    return code_digest(__name__)


@dataclass(slots=True)
class FleetChecker:
    """Checks a fleet, and again after changes. Keeps results by digest, in memory and in the cache.

    Rules about one environment do not see the day, since their results outlive it: what depends on the date is a rule
    about the fleet.
    """

    ports: Ports
    rules: Sequence[Rule] = RULES
    rendering: bool = True
    context: Mapping[str, Any] = field(default_factory=dict)
    _results: dict[str, EnvironmentResult] = field(default_factory=dict)
    _used_last: frozenset[str] = frozenset()
    _files: FileScanner | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if any(rule.id == secret_in_file.RULE.id for rule in self.rules):
            self._files = FileScanner(self.ports.cache)

    def check(
        self,
        fleet: LoadedFleet,
        *,
        only: Sequence[str] = (),
        rules: Collection[str] = (),
        waivers: Sequence[Waiver] = (),
        known: Known | None = None,
        progress: Progress | None = None,
    ) -> CheckOutcome:
        """Everything that is found. only, rules: names of environments and ids of rules that the report is about; all
        environments are checked by all rules all the same, since what two environments do to each other concerns both,
        and since the results are kept.

        Raises what fetching a chart that a person named on the command line raises.
        """
        return self.judge(self.find(fleet, progress=progress), only=only, rules=rules, waivers=waivers, known=known)

    def find(
        self, fleet: LoadedFleet, *, limits: Mapping[str, Sight] | None = None, progress: Progress | None = None
    ) -> Found:
        """What the rules find. limits: how much of an environment is looked at, where it is not to be all.

        Raises as `check`.
        """
        with gc_pause.paused():
            return self._find(fleet, limits or {}, progress)

    def _find(self, fleet: LoadedFleet, limits: Mapping[str, Sight], progress: Progress | None) -> Found:
        builder = StateBuilder(self.ports, fleet, rendering=self.rendering, limits=limits)
        anchors = Anchors(fleet.discovery.trees.opened())
        dictionaries = Lookup(self.ports.dictionaries)
        loose, fresh = self._environments(builder, anchors, fleet.view.environments, dictionaries, progress)
        views = fleet.view.environments if self.rendering else ()
        used = {view.name: builder.chart(view).used for view in views if builder.chart(view).archive is not None}
        results = Results(loose, anchors, used)
        files = self._files.scan(fleet) if self._files is not None else FileScan()
        context = {
            "now": self.ports.clock(),
            "dictionaries": dictionaries,
            secret_in_file.FILES: files.found,
            **self.context,
        }
        state = FleetState(
            view=fleet.view,
            facts={name: result.facts for name, result in loose.items()},
            states=lambda name: builder.state(fleet.environment(name), context=context),
            context=context,
            places=lambda name, path: _written_at(builder, fleet.view.environment(name), path),
        )
        between = list(moved_findings(check_fleet(state, self.rules), anchors.fix))
        # Put together first: one cause in a thousand environments is one finding.
        found = [*results.together(), *merge(between)]
        return Found(
            results=results,
            charts=missing_charts(builder, fleet.view.environments),
            checked=len(loose),
            cached=len(loose) - len(fresh),
            raw=tuple(found),
            severities=severities_of(chain(results.each(), between)),
            fresh=fresh,
            used=used,
            not_tried=tuple(builder.not_tried),
            problems=(*render_budget.problems(builder.not_tried), *files.problems),
            files=files,
            seen={view.name: self._seen(builder, view, loose) for view in fleet.view.environments},
            settled=self._settled(fleet, loose, found),
        )

    def judge(
        self,
        found: Found,
        *,
        only: Sequence[str] = (),
        rules: Collection[str] = (),
        waivers: Sequence[Waiver] = (),
        known: Known | None = None,
        before: Before | None = None,
        known_places: Places | None = None,
    ) -> CheckOutcome:
        """What to act on of what was found. only, rules: as for `check`. before: what a change is compared with.
        known_places: as for `report`."""
        with gc_pause.paused():
            shown = [item for item in found.raw if not rules or item.rule in rules]
            if only:
                shown = self._about(shown, only)
            made = report(
                shown,
                waivers=waivers,
                known=known or {},
                today=self.ports.clock().date(),
                whole=not only and not rules,
                settled=found.settled,
                rules={rule.id for rule in (*self.rules, *OWN_RULES)},
                severities=found.severities,
                before=before,
                known_places=known_places,
            )
        return CheckOutcome(report=made, **{item.name: getattr(found, item.name) for item in fields(Found)})

    def _seen(self, builder: StateBuilder, view: EnvironmentView, results: Mapping[str, EnvironmentResult]) -> Seen:
        """How much of an environment was looked at, and why no more."""
        at_hand = builder.chart(view)
        if builder.resolved(view).unread:
            return Seen(Sight.PART_OF_VALUES, "some of its values could not be read")
        if at_hand.archive is None:
            return Seen(Sight.VALUES, builder.why_not(view) or ("" if view.system != HELM else "it has no chart"))
        if results[view.name].facts.rendered:
            return Seen(Sight.MANIFESTS)
        if not self.rendering:
            return Seen(Sight.CHART, "charts were not rendered")
        if view.name in builder.not_tried:
            return Seen(Sight.CHART, builder.why_not(view))
        return Seen(Sight.CHART, "its chart does not render", tried=True)

    def _about(self, found: Sequence[Finding], names: Sequence[str]) -> list[Finding]:
        """What concerns these environments: their own part of what is found in environments one by one, and all of what
        some of them have with each other."""
        together = {rule.id for rule in self.rules if rule.fleet is not None}
        concerned = [item for item in found if set(item.environments) & set(names)]
        return [item if item.rule in together else part_of(item, names) for item in concerned]

    def _settled(
        self, fleet: LoadedFleet, results: Mapping[str, EnvironmentResult], found: Sequence[Finding]
    ) -> set[str]:
        """Ids of the rules that saw all there is to see: every value, and where they look at manifests, all of them.
        What a rule about the fleet knows of environments comes from manifests too."""
        if any(resolved.unread for resolved in fleet.resolved.values()):
            return set()
        rendered = all(results[view.name].facts.rendered for view in fleet.view.environments if view.system == HELM)
        failed = {item.key for item in found if item.rule == CHECK_FAILED}
        return {
            rule.id
            for rule in self.rules
            if rule.id not in failed and (rendered or not (rule.rendered or rule.fleet is not None))
        }

    def _environments(
        self,
        builder: StateBuilder,
        anchors: Anchors,
        views: Sequence[EnvironmentView],
        dictionaries: Lookup,
        progress: Progress | None,
    ) -> tuple[dict[str, EnvironmentResult], tuple[str, ...]]:
        """Results by environment, their places without commits, and the names of those that were checked anew."""
        digests = self._digests(builder, views, dictionaries)
        results = self._kept(digests)
        missing = [view for view in views if view.name not in results]
        fresh: dict[str, bytes] = {}
        for state in self._states(builder, missing, {"dictionaries": dictionaries, **self.context}):
            name = state.view.name
            at_hand = builder.chart(state.view)
            digest = at_hand.archive.digest if at_hand.archive else ""
            result = EnvironmentResult(
                tuple(check_environment(state, self.rules)), extract.extract(state, chart_digest=digest)
            )
            results[name] = moved(result, anchors.loosen)
            if name not in builder.not_tried and not _reached_limit(state):  # the next run may get further
                self._results[digests[name]] = results[name]
                fresh[digests[name]] = encode(results[name])
            if len(fresh) >= _BATCH:
                self.ports.cache.put_many(_RESULTS_NAMESPACE, fresh)
                fresh = {}
            if progress is not None:
                progress(len(results), len(views), name)
        self.ports.cache.put_many(_RESULTS_NAMESPACE, fresh)
        self._forget(frozenset(digests.values()))
        return {view.name: results[view.name] for view in views}, tuple(view.name for view in missing)

    def _kept(self, digests: Mapping[str, str]) -> dict[str, EnvironmentResult]:
        """Results that are known already, by environment."""
        wanted = [digest for digest in digests.values() if digest not in self._results]
        for digest, value in self.ports.cache.get_many(_RESULTS_NAMESPACE, wanted).items():
            result = decode(value)
            if result is not None:
                self._results[digest] = result
        return {name: self._results[digest] for name, digest in digests.items() if digest in self._results}

    def _forget(self, used: frozenset[str]) -> None:
        """Keeps in memory what this check and the one before it used: a fleet and its base, or before and after."""
        self._results = {
            digest: result for digest, result in self._results.items() if digest in used or digest in self._used_last
        }
        self._used_last = used

    def _states(
        self, builder: StateBuilder, views: Sequence[EnvironmentView], context: Mapping[str, Any]
    ) -> Iterator[EnvironmentState]:
        """States in order; those with a chart are rendered several at a time."""
        if not self.rendering:
            for view in views:
                yield builder.state(view, context=context)
            return
        # Without all its values a chart renders to something that nobody deploys.
        rendered = [
            view
            for view in views
            if builder.chart(view).archive is not None
            and not builder.resolved(view).unread
            and builder.may_render(view)
        ]
        requests = (request for view in rendered if (request := _request(builder, view)) is not None)
        for view, rendering in zip(rendered, self.ports.renderer.render_many(requests), strict=True):
            yield builder.state(view, rendering=rendering, context=context)
        names = {view.name for view in rendered}
        for view in views:
            if view.name not in names:
                yield builder.state(view, context=context)

    def _digests(self, builder: StateBuilder, views: Sequence[EnvironmentView], dictionaries: Lookup) -> dict[str, str]:
        """By environment, a name for everything that its result rests on."""
        blobs = _Blobs(builder)
        common: list[object] = [
            code_version(),
            [rule.id for rule in self.rules if rule.environment is not None],
            sorted(f"{key}={value}" for key, value in self.context.items()),
        ]
        return {
            view.name: self._digest(builder, blobs, view, [*common, self._dictionary(builder, view, dictionaries)])
            for view in views
        }

    def _dictionary(self, builder: StateBuilder, view: EnvironmentView, dictionaries: Lookup) -> str:
        return dictionaries.seen(below(builder.resolved(view).values, view.wrapper))

    def _digest(self, builder: StateBuilder, blobs: _Blobs, view: EnvironmentView, common: list[object]) -> str:
        at_hand = builder.chart(view)
        resolved = builder.resolved(view)
        archive = at_hand.archive if self.rendering and builder.may_render(view) else None
        layers = []
        for layer in resolved.values.layers:
            place = layer.locate(())
            blob = blobs.at(place)
            is_file = place is not None and blob and place.path == layer.label
            layers.append([layer.label, blobs.tree(place), blob, None if is_file else layer.data])
        parts = [
            *common,
            [self.ports.renderer.version, builder.request(view, archive).kube_version] if archive is not None else "",
            at_hand.archive.digest if at_hand.archive is not None else "",
            # What was used is named by its content above; in words it can name a commit, which every push changes.
            [at_hand.used.named, at_hand.used.differs],
            _view_parts(view),
            [blobs.tree(view.application.location), blobs.at(view.application.location)],
            layers,
            [[item.written, item.resolved, item.tolerated] for item in resolved.values.missing],
            resolved.unread,
        ]
        return hashlib.sha256(json.dumps(parts, default=str, separators=(",", ":")).encode()).hexdigest()


class _Blobs:
    """The contents that places are in: equal blobs have equal lines."""

    def __init__(self, builder: StateBuilder) -> None:
        home, *others = builder.fleet.discovery.trees.opened()
        self._trees = {(tree.repository, tree.commit): tree for tree in (*reversed(others), home)}
        self._home = home

    def at(self, place: Location | None) -> str:
        """The id of the content, "" where it is not known."""
        tree = self._trees.get((place.repository, place.commit)) if place is not None else None
        entry = tree.entries().get(place.path) if tree is not None and place is not None else None
        return entry.blob if entry is not None else ""

    def tree(self, place: Location | None) -> str:
        """Names the tree that a place is in, without its commit: "" for the fleet's own."""
        tree = self._trees.get((place.repository, place.commit)) if place is not None else None
        return "" if tree is None or tree is self._home else f"{tree.repository} {tree.revision}"


def _written_at(builder: StateBuilder, view: EnvironmentView | None, path: str) -> Location | None:
    values = below(builder.resolved(view).values, view.wrapper) if view is not None else None
    return values.origin(path) if values is not None and values.has(path) else None


def _request(builder: StateBuilder, view: EnvironmentView) -> RenderRequest | None:
    archive = builder.chart(view).archive
    return builder.request(view, archive) if archive is not None else None


def _reached_limit(state: EnvironmentState) -> bool:
    failure = state.rendering.failure if state.rendering is not None else None
    return failure is not None and failure.kind == "limit"


def _view_parts(view: EnvironmentView) -> list[object]:
    """What rules can see of a view, without the commit, which every push changes."""
    facts_of_view = [view.commons, view.cluster, view.stage, view.slot, view.hostname]
    return [
        view.name,
        [[fact.value, fact.stated] for fact in facts_of_view],
        [view.namespace, view.release, view.wrapper, view.gated, view.system, str(view.chart)],
        [view.application.name, view.application.location.path, view.application.document],
    ]


def missing_charts(builder: StateBuilder, views: Sequence[EnvironmentView]) -> tuple[MissingChart, ...]:
    """Charts that could not be had, with the environments that name them."""
    reasons: dict[str, str] = {}
    environments: dict[str, list[str]] = {}
    for view in views:
        at_hand = builder.chart(view)
        if at_hand.error is not None:
            named = str(view.chart)
            reasons.setdefault(named, str(at_hand.error))
            environments.setdefault(named, []).append(view.name)
    return tuple(MissingChart(named, reason, tuple(environments[named])) for named, reason in reasons.items())
