"""Settings and services in which production and its lower stage differ."""

import pytest

from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit
from csoc.gen3.rules.setting_differs_between_stages import SETTINGS, check
from csoc.testing.states import environment_view, fleet_state
from tests.unit.gen3.rules.making import facts, service

PROD = environment_view("prod")
STAGING = environment_view("staging", stage="staging")


def hits(prod: EnvironmentFacts, staging: EnvironmentFacts) -> list[Hit]:
    return list(check(fleet_state([STAGING, PROD], {"prod": prod, "staging": staging})))


def test_another_data_visibility_is_one_hit_with_both_values() -> None:
    mine, theirs = facts("prod", global__tierAccessLevel="libre"), facts("staging", global__tierAccessLevel="private")
    (hit,) = hits(mine, theirs)
    assert hit.severity is Severity.MEDIUM
    assert hit.environments == ("prod", "staging")
    assert [item.text for item in hit.evidence] == ["global.tierAccessLevel: libre", "global.tierAccessLevel: private"]


def test_what_one_leaves_to_the_chart_counts_with_the_charts_default() -> None:
    assert hits(facts("prod", global__netPolicy__enabled=True), facts("staging"))
    assert not hits(facts("prod", global__netPolicy__enabled=False), facts("staging"))


def test_services_that_run_in_one_only_are_one_hit_a_direction() -> None:
    mine = facts("prod", service("fence", "a"), service("requestor", "a"), service("guppy", "a", on=False))
    theirs = facts("staging", service("fence", "a"), service("guppy", "a"))
    untried, coming = hits(mine, theirs)
    assert (untried.severity, coming.severity) == (Severity.LOW, Severity.INFO)
    assert untried.cause.startswith("requestor run")
    assert coming.cause.startswith("guppy run")


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (facts("prod", global__hostname="a.org"), facts("staging", global__hostname="b.a.org")),
        (facts("prod", global__tierAccessLimit="50"), facts("staging", global__tierAccessLimit=50)),
        (facts("prod", fence__replicaCount=4), facts("staging", fence__replicaCount=1)),
        (facts("prod", guppy__authFilterField="a"), facts("staging", guppy__authFilterField="b")),
        (facts("prod", global__netPolicy__enabled=True), facts("staging", complete=False)),
        (facts("prod", service("dashboard", "a")), facts("staging")),
    ],
)
def test_quiet_for_what_is_meant_to_differ_is_off_or_was_not_seen(
    mine: EnvironmentFacts, theirs: EnvironmentFacts
) -> None:
    assert not hits(mine, theirs)


def test_quiet_between_slots_and_between_commons() -> None:
    green = environment_view("green", slot="green")
    other = environment_view("other", stage="staging", commons="beta")
    known = {"prod": facts("prod", global__tierAccessLevel="libre")}
    known |= {name: facts(name, global__tierAccessLevel="private") for name in ("green", "other")}
    assert not list(check(fleet_state([other, green, PROD], known)))


def test_every_setting_says_what_it_decides() -> None:
    assert all(setting.why and "." in setting.path for setting in SETTINGS)
    assert len({setting.path for setting in SETTINGS}) == len(SETTINGS)
