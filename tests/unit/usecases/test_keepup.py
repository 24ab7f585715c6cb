"""Keeping up with a fleet: what a look costs, what it tells, and what a failed look never does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from csoc.errors import CsocError, NotFoundError, UnavailableError
from csoc.fleet.charts import ChartRef
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState
from csoc.testing.charts import chart
from csoc.testing.fleets import CHARTS, HOME, NOW, REVISION, World, application, environment
from csoc.usecases import keepup
from csoc.usecases.keepup import KeepUp, Update, follow
from csoc.usecases.load import FleetQuery, understand_tree

OTHER = "https://git.example.org/ops/shared"


class Broken:
    """A port whose calls fail while `error` is set."""

    def __init__(self, inner: Any, names: tuple[str, ...]) -> None:
        self.inner = inner
        self.names = names
        self.error: CsocError | None = None
        self.only: Callable[..., bool] = lambda *_: True
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if name not in self.names:
            return method

        def call(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            if self.error is not None and self.only(*arguments):
                raise self.error
            return method(*arguments, **more)

        return call


def _dev(state: EnvironmentState) -> list[Hit]:
    if state.get("global.dev") is True:
        return [Hit("it is in development", "dev", (state.at("global.dev"),))]
    return []


RULES = (Rule("dev", "t", Severity.LOW, "c", "f", environment=_dev),)


@pytest.fixture
def world() -> World:
    made = World()
    made.write({**environment("c1", "e1.example.org", "a: 1"), **environment("c2", "e2.example.org", "a: 1")})
    return made


class Watched:
    """A KeepUp on a world, with ports that can be broken and few rules."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        ports = world.ports()
        self.repositories = Broken(ports.repositories, ("open",))
        self.charts = Broken(ports.charts, ("fetch",))
        self.now = NOW
        ports = replace(ports, repositories=self.repositories, charts=self.charts, clock=lambda: self.now)
        self.keep_up = KeepUp(ports, FleetQuery(HOME))
        self.keep_up._checker.rules = RULES

    def look(self) -> Update:
        return self.keep_up.refresh()


@pytest.fixture
def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(world, monkeypatch)


def value_file(world: World, text: str) -> str:
    return next(path for path in world.load().tree.entries() if text in path and "values" in path)


def test_the_first_look_checks_everything(watched: Watched) -> None:
    update = watched.look()
    assert update.first
    assert update.changed
    assert len(update.environments) == 2
    assert update.paths == ()


def test_nothing_changed_costs_no_reading(watched: Watched) -> None:
    first = watched.look()
    watched.charts.calls = 0
    update = watched.look()
    assert not update.changed
    assert update.verdict is first.verdict
    assert update.environments == ()


def test_a_commit_costs_the_environments_that_it_touches(world: World, watched: Watched) -> None:
    watched.look()
    path = value_file(world, "e1")
    before = world.home.branches["main"]
    after = world.write({path: "global: {hostname: e1.example.org, dev: true}\n", "README.md": "x"})
    update = watched.look()
    assert (update.before, update.commit) == (before, after)
    assert set(update.paths) == {path, "README.md"}
    assert len(update.environments) == 1
    assert [item.rule for item in update.new] == ["dev"]
    assert update.new[0].evidence[0].location is not None
    assert update.new[0].evidence[0].location.commit == after
    assert update.gone == ()


def test_what_is_mended_is_told_as_gone(world: World, watched: Watched) -> None:
    path = value_file(world, "e1")
    world.write({path: "global: {hostname: e1.example.org, dev: true}\n"})
    watched.look()
    world.write({path: "global: {hostname: e1.example.org}\n"})
    update = watched.look()
    assert [item.rule for item in update.gone] == ["dev"]
    assert update.new == ()


def test_a_commit_that_changes_no_environment_checks_none(world: World, watched: Watched) -> None:
    watched.look()
    world.write({"README.md": "x"})
    update = watched.look()
    assert update.paths == ("README.md",)
    assert (update.environments, update.new, update.gone) == ((), (), ())


def test_a_failed_look_leaves_everything_and_the_next_one_sees_the_change(world: World, watched: Watched) -> None:
    watched.look()
    path = value_file(world, "e1")
    world.write({path: "global: {hostname: e1.example.org, dev: true}\n"})
    watched.repositories.error = UnavailableError("the network is away")
    with pytest.raises(UnavailableError):
        watched.look()
    assert watched.keep_up.verdict is not None
    assert len(watched.keep_up.verdict.fleet.view.environments) == 2
    watched.repositories.error = None
    assert [item.rule for item in watched.look().new] == ["dev"]


@pytest.mark.parametrize("moved", [False, True], ids=["nothing moved", "the fleet moved"])
def test_another_repository_that_cannot_be_reached_is_not_taken_for_gone(
    world: World, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    shared = world.repositories.add(OTHER)
    shared.write("main", {"common.yaml": b"global: {hostname: e3.example.org, dev: true}\n"})
    world.write({"c3/app.yaml": application("e3", values=("common.yaml",), fleet=OTHER)})
    watched = Watched(world, monkeypatch)
    first = watched.look()
    assert [item.environments for item in first.new] == [("e3-dev",)]
    watched.repositories.only = lambda address, *_: address.url == OTHER
    watched.repositories.error = UnavailableError("that host is away")
    if moved:
        world.write({"README.md": "x"})
    with pytest.raises(UnavailableError):
        watched.look()
    watched.repositories.error = None
    update = watched.look()
    assert (update.new, update.gone) == ((), ())
    watched.repositories.error = NotFoundError("somebody removed it")
    update = watched.look()
    assert [item.rule for item in update.gone] == ["dev"]
    assert update.moved == (f"{OTHER}@main",)


def test_a_repository_that_fails_in_the_middle_of_a_reading_voids_that_reading(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = world.repositories.add(OTHER)
    shared.write("main", {"common.yaml": b"global: {hostname: e3.example.org, dev: true}\n"})
    world.write({"c3/app.yaml": application("e3", values=("common.yaml",), fleet=OTHER)})
    watched = Watched(world, monkeypatch)
    watched.look()
    world.write({"README.md": "x"})
    real_understand = understand_tree

    def understand(*arguments: Any) -> Any:
        watched.repositories.error = UnavailableError("away now")
        watched.repositories.only = lambda address, *_: address.url == OTHER
        return real_understand(*arguments)

    monkeypatch.setattr(keepup, "understand_tree", understand)
    with pytest.raises(UnavailableError, match="away now"):
        watched.look()
    monkeypatch.setattr(keepup, "understand_tree", real_understand)
    watched.repositories.error = None
    update = watched.look()
    assert (update.paths, update.new, update.gone) == (("README.md",), (), ())


def test_a_chart_that_moved_is_checked_again(world: World, watched: Watched) -> None:
    watched.look()
    ref = ChartRef(CHARTS, path="helm/gen3", revision=REVISION)
    world.charts.add(ref, chart({"values.yaml": "global: {dev: true}\nfence: {enabled: true}\n"}, name="gen3"))
    update = watched.look()
    assert update.paths == ()
    assert update.moved == (str(ref),)
    assert len(update.environments) == 2
    assert [item.rule for item in update.new] == ["dev"]


def test_a_chart_that_cannot_be_reached_keeps_what_was_found_with_it(world: World, watched: Watched) -> None:
    watched.look()
    watched.charts.error = UnavailableError("the registry is away")
    with pytest.raises(UnavailableError):
        watched.look()
    assert watched.keep_up.verdict is not None
    assert watched.keep_up.verdict.not_rendered == ()
    watched.charts.error = None
    assert not watched.look().changed


def test_a_new_day_is_looked_at_again(watched: Watched) -> None:
    first = watched.look()
    watched.now += timedelta(days=1)
    update = watched.look()
    assert update.verdict is not first.verdict
    assert update.environments == ()


def test_following_waits_longer_after_failures_and_stops_when_told() -> None:
    waits: list[float] = []
    answers: list[Any] = ["one", UnavailableError("a"), UnavailableError("b"), "two", "three"]

    class Fake:
        def refresh(self) -> Any:
            answer = answers.pop(0)
            if isinstance(answer, CsocError):
                raise answer
            return answer

        def tidy(self) -> None:
            assert len(waits) < 5

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) < 5

    found = [str(item) for item in follow(Fake(), interval_seconds=10, wait=wait)]  # type: ignore[arg-type]
    assert found == ["one", "a", "b", "two", "three"]
    assert waits == [10, 20, 40, 10, 10]


def test_following_stops_after_the_rounds_that_were_asked_for() -> None:
    class Fake:
        def refresh(self) -> Any:
            return "look"

        def tidy(self) -> None:
            return

    def wait(seconds: float) -> bool:
        return True

    assert len(list(follow(Fake(), interval_seconds=1, wait=wait, rounds=3))) == 3  # type: ignore[arg-type]


def test_a_finding_of_an_environment_that_is_called_otherwise_now_is_neither_new_nor_gone(
    world: World, watched: Watched
) -> None:
    path = value_file(world, "e1")
    world.write({path: "global: {hostname: e1.example.org, dev: true}\n"})
    watched.look()
    world.write({path: "global: {hostname: omega.example.org, dev: true}\n"})
    update = watched.look()
    assert [view.name for view in update.verdict.fleet.view.environments] == ["e2", "omega-dev"]
    assert (update.new, update.gone) == ((), ())
