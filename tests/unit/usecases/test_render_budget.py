"""What renderings may cost together: time, strikes of a chart, and limits that were reached a short while ago."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from csoc.fleet.charts import NOT_TRIED, ChartArchive, RenderFailure, Rendering, RenderRequest, request_digest
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState
from csoc.testing.caching import MemoryCache
from csoc.testing.charts import chart
from csoc.testing.fleets import HOME, NOW, PlainRenderer, World, environment
from csoc.usecases import render_budget
from csoc.usecases.checking.checker import CheckOutcome, FleetChecker
from csoc.usecases.checking.verdict import CheckRequest, Verdict, check_fleet
from csoc.usecases.keepup import KeepUp
from csoc.usecases.load import FleetQuery
from csoc.usecases.render_budget import RenderBudget

REACHED = "Rendering needs more than 30 seconds of processor time."


@dataclass
class Seconds:
    """A clock that is moved by hand."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@dataclass
class SlowRenderer:
    """A renderer with a gate. Each rendering takes `seconds`; `limit` says which limit an environment reaches."""

    gate: RenderBudget
    now: Seconds
    seconds: float = 1.0
    limit: Callable[[RenderRequest], str] = lambda _: ""
    rendered: list[str] = field(default_factory=list)
    version = "slow-1"

    def render(self, request: RenderRequest) -> Rendering:
        key = request_digest(request)
        refusal = self.gate.refusal(request.chart, key)
        if refusal is not None:
            return Rendering(failure=refusal)
        self.rendered.append(request.release)
        self.now.at += self.seconds
        limit = self.limit(request)
        self.gate.ended(request.chart, key, limit)
        if limit:
            return Rendering(failure=RenderFailure("limit", limit))
        return PlainRenderer().render(request)

    def render_many(self, requests: Iterable[RenderRequest]) -> Iterator[Rendering]:
        return map(self.render, requests)

    def defaults(self, archive: ChartArchive) -> Mapping[str, Any]:
        return PlainRenderer().defaults(archive)


def _rendered(state: EnvironmentState) -> list[Hit]:
    return [] if state.rendering is None or state.rendering.failure else [Hit("it renders", "renders", ())]


RULES = (Rule("renders", "t", Severity.LOW, "c", "f", environment=_rendered),)


class Fleet:
    """A fleet of some environments with a budget for rendering them."""

    def __init__(self, count: int, seconds: float, *, limit: Callable[[RenderRequest], str] = lambda _: "") -> None:
        self.world = World()
        for number in range(count):
            self.world.write(environment("east", f"e{number}.example.org"))
        self.now = Seconds()
        self.today = NOW
        self.limit = limit
        self.seconds = seconds
        self.run()

    def run(self, limits: str = "30") -> SlowRenderer:
        """A new run: what it spends is its own, the cache is the same."""
        self.gate = RenderBudget(self.seconds, self.world.cache, limits=limits, clock=lambda: self.today, now=self.now)
        self.renderer = SlowRenderer(self.gate, self.now, limit=self.limit)
        self.ports = replace(self.world.ports(), renderer=self.renderer, begin_round=self.gate.begin)
        return self.renderer

    def check(self) -> CheckOutcome:
        return FleetChecker(self.ports, rules=RULES).check(self.world.load())

    def verdict(self) -> Verdict:
        return check_fleet(self.ports, self.world.load(), CheckRequest(), checker=FleetChecker(self.ports, rules=RULES))


def test_what_is_left_when_the_time_is_spent_is_checked_by_values_and_said_with_place_number_and_setting() -> None:
    fleet = Fleet(10, seconds=4)
    verdict = fleet.verdict()
    assert len(fleet.renderer.rendered) == 4
    (problem,) = verdict.problems
    assert problem.kind == render_budget.NOT_RENDERED
    assert problem.cause.startswith("6 environments were checked by values only: rendering took the time")
    assert "4 seconds (render.total_seconds)" in problem.cause
    assert "Raise render.total_seconds" in problem.fix
    assert len({problem.location, *problem.places}) == 6
    assert len(verdict.not_rendered) == 6
    assert [text for text in verdict.unseen if text.startswith("manifests of ")]
    assert len(verdict.findings[0].environments) == 4


def test_the_next_run_goes_on_where_the_time_was_spent() -> None:
    fleet = Fleet(10, seconds=4)
    left = []
    for _ in range(3):
        fleet.run()
        left.append(len(fleet.check().not_tried))
    assert left == [6, 2, 0]


def test_a_chart_that_reached_a_limit_three_times_is_not_tried_again_in_the_run_and_that_is_said_once() -> None:
    fleet = Fleet(8, seconds=1_000, limit=lambda _: REACHED)
    outcome = fleet.check()
    assert len(fleet.renderer.rendered) == 3
    (problem,) = outcome.problems
    assert "5 environments were checked by values only" in problem.cause
    assert f"gen3 reached a limit 3 times and was not tried again: {REACHED}" in problem.cause
    assert "limits of [render]" in problem.fix


def test_another_chart_is_tried_all_the_same() -> None:
    gate = RenderBudget(1_000, MemoryCache(), clock=lambda: NOW, now=Seconds())
    bad, good = chart({"values.yaml": "a: 1\n"}), chart({"values.yaml": "a: 2\n"})
    for number in range(3):
        assert gate.refusal(bad, str(number)) is None
        gate.ended(bad, str(number), REACHED)
    refusal = gate.refusal(bad, "4")
    assert refusal is not None
    assert refusal.kind == NOT_TRIED
    assert gate.refusal(good, "4") is None


def test_what_reached_a_limit_is_not_tried_again_for_a_day_unless_the_limit_is_another() -> None:
    fleet = Fleet(2, seconds=1_000, limit=lambda _: REACHED)
    first = fleet.check()
    assert first.not_tried == ()
    again = fleet.run()
    second = fleet.check()
    assert again.rendered == []
    assert second.raw == first.raw
    fleet.run(limits="60")
    fleet.check()
    assert len(fleet.renderer.rendered) == 2
    fleet.today += timedelta(days=1, seconds=1)
    fleet.run()
    fleet.check()
    assert len(fleet.renderer.rendered) == 2


def test_a_limit_that_is_gone_leaves_nothing_behind() -> None:
    fleet = Fleet(2, seconds=1_000, limit=lambda _: REACHED)
    assert not fleet.check().report.findings
    fleet.limit = lambda _: ""
    fleet.run(limits="60")
    (finding,) = fleet.check().report.findings
    assert len(finding.environments) == 2


def test_renderings_at_the_same_time_count_once() -> None:
    now = Seconds()
    gate = RenderBudget(10, MemoryCache(), clock=lambda: NOW, now=now)
    made = chart({"values.yaml": "a: 1\n"})
    for key in "abc":
        assert gate.refusal(made, key) is None
    now.at = 9.0
    for key in "abc":
        gate.ended(made, key, "")
    now.at = 1_000.0  # time in which nothing was rendered costs nothing
    assert gate.refusal(made, "d") is None
    now.at = 1_001.0
    refusal = gate.refusal(made, "e")
    assert refusal is not None
    assert refusal.kind == NOT_TRIED


def test_an_altered_entry_of_the_cache_is_as_good_as_none() -> None:
    cache = MemoryCache()
    gate = RenderBudget(10, cache, clock=lambda: NOW, now=Seconds())
    made = chart({"values.yaml": "a: 1\n"})
    for written in (b"", b"[]", b"{}", b'{"limit": 1, "at": "2026-01-01"}', b"\xff", b'{"limit": "x", "at": "soon"}'):
        cache.put_many("render-limit-1", {"k ": written})
        assert gate.refusal(made, "k") is None, written


def test_each_look_of_a_watch_may_spend_anew() -> None:
    fleet = Fleet(6, seconds=4)
    watch = KeepUp(fleet.ports, FleetQuery(HOME))
    watch._checker.rules = RULES
    assert len(watch.refresh().verdict.outcome.not_tried) == 2
    fleet.world.write({"README.md": "x"})
    assert watch.refresh().verdict.outcome.not_tried == ()
    assert len(fleet.renderer.rendered) == 6
