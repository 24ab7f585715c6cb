"""Which environments are tried before which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from csoc.gen3.rules.setting_differs_between_stages import check as settings_differ
from csoc.gen3.rules.stage_out_of_order import check as out_of_order
from csoc.gen3.rules.support.stages import Ladder
from csoc.gen3.state import FleetState
from csoc.gen3.views import MANIFEST, EnvironmentView, unknown
from csoc.testing.states import environment_view, fleet_state

STAGES = ("dev", "qa", "demo", "staging", "prod")


def names(found: object) -> list[str]:
    return [view.name for view in found]  # type: ignore[attr-defined]


def test_the_nearest_lower_stage_that_the_commons_has_is_the_one_before() -> None:
    prod, dev = environment_view("prod"), environment_view("dev", stage="dev")
    two = [environment_view(name, stage="qa") for name in ("qa-blue", "qa-green")]
    elsewhere = environment_view("other", stage="staging", commons="beta")
    ladder = Ladder(fleet_state([prod, dev, *two, elsewhere], stages=STAGES))
    assert names(ladder.nearest_lower(prod)) == ["qa-blue", "qa-green"]
    assert names(ladder.nearest_lower(two[0])) == ["dev"]
    assert names(ladder.nearest_lower(dev)) == names(ladder.nearest_lower(elsewhere)) == []


def test_demonstrations_older_manifests_and_stages_outside_of_the_order_are_no_lower_stage() -> None:
    prod = environment_view("prod")
    others = [
        environment_view("demo", stage="demo"),
        environment_view("odd", stage="odd"),
        replace(environment_view("old", stage="staging"), system=MANIFEST),
    ]
    ladder = Ladder(fleet_state([prod, *others], stages=STAGES))
    assert names(ladder.nearest_lower(prod)) == []
    assert names(ladder.nearest_lower(others[1])) == []


def test_an_environment_of_no_known_commons_or_stage_has_none_below() -> None:
    nobodys = [replace(environment_view(stage, stage=stage), commons=unknown("test")) for stage in ("dev", "prod")]
    assert names(Ladder(fleet_state(nobodys)).nearest_lower(nobodys[1])) == []
    prod = replace(environment_view("prod"), stage=unknown("test"))
    assert names(Ladder(fleet_state([environment_view("dev", stage="dev"), prod])).nearest_lower(prod)) == []


class Counted(tuple[EnvironmentView, ...]):
    """Environments that count how many of them were looked at."""

    looked = 0

    def __iter__(self) -> Iterator[EnvironmentView]:
        for view in super().__iter__():
            Counted.looked += 1
            yield view


def looks(rule: object, commons: int) -> int:
    views = [
        environment_view(f"c{number}-{stage}", stage=stage, commons=f"c{number}")
        for number in range(commons)
        for stage in ("dev", "staging", "prod")
    ]
    made = fleet_state(views)
    state = FleetState(replace(made.view, environments=Counted(views)), made.facts, made.states, made.context)
    Counted.looked = 0
    list(rule(state))  # type: ignore[operator]
    return Counted.looked


@pytest.mark.parametrize("rule", [out_of_order, settings_differ])
def test_four_times_the_fleet_is_four_times_the_work(rule: object) -> None:
    assert looks(rule, 400) == 4 * looks(rule, 100)
