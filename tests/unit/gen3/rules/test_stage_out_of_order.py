"""Production against its nearest lower stage."""

from dataclasses import replace

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.stage_out_of_order import check
from csoc.gen3.state import FleetState
from csoc.gen3.views import MANIFEST
from csoc.testing.states import environment_view, fleet_state
from tests.unit.gen3.rules.making import facts, service

PROD = environment_view("prod")
STAGING = environment_view("staging", stage="staging")
DEV = environment_view("dev", stage="dev")


def fleet(prod: str, staging: str, **more: object) -> FleetState:
    known = {"prod": facts("prod", service("fence", prod)), "staging": facts("staging", service("fence", staging))}
    return fleet_state([STAGING, PROD], known, **more)  # type: ignore[arg-type]


def test_a_production_that_is_ahead_is_one_hit_with_the_services_and_their_lines() -> None:
    mine = facts("prod", service("fence", "2026.06"), service("guppy", "1.2.0"), service("wts", "2026.04"))
    theirs = facts("staging", service("fence", "2026.04"), service("guppy", "1.1.9"), service("wts", "2026.04"))
    (hit,) = check(fleet_state([STAGING, PROD], {"prod": mine, "staging": theirs}))
    assert hit.environments == ("prod",)
    assert hit.severity is Severity.MEDIUM
    assert "fence (2026.06, there 2026.04), guppy (1.2.0, there 1.1.9)" in hit.cause
    assert [item.location.line for item in hit.evidence if item.location] == [3, 3]


def test_three_months_behind_is_low_and_a_year_is_more() -> None:
    (quarter,) = check(fleet("2026.01", "2026.04"))
    (year,) = check(fleet("2025.04", "2026.04"))
    assert (quarter.severity, year.severity) == (Severity.LOW, Severity.MEDIUM)
    assert "12 months behind" in year.cause


@pytest.mark.parametrize(
    ("prod", "staging"),
    [("2026.04", "2026.04"), ("2026.02", "2026.04"), ("2026.06", "feat_login"), ("1.4.0", "2026.04"), ("main", "main")],
)
def test_quiet_for_equal_ones_a_short_lag_and_versions_that_cannot_be_compared(prod: str, staging: str) -> None:
    assert not list(check(fleet(prod, staging)))


def test_quiet_if_one_of_two_lower_environments_has_the_version() -> None:
    other = environment_view("staging2", stage="staging", slot="green")
    known = {name: facts(name, service("fence", "2026.06")) for name in ("prod", "staging2")}
    known["staging"] = facts("staging", service("fence", "2026.04"))
    assert not list(check(fleet_state([STAGING, other, PROD], known)))


def test_only_the_nearest_stage_counts() -> None:
    known = {name: facts(name, service("fence", "2026.06")) for name in ("prod", "staging")}
    known["dev"] = facts("dev", service("fence", "2026.01"))
    assert not list(check(fleet_state([DEV, STAGING, PROD], known)))


def test_quiet_for_other_commons_images_demonstrations_and_older_manifests() -> None:
    assert not list(check(fleet_state([replace(STAGING, commons=environment_view(commons="b").commons), PROD])))
    known = {
        "prod": facts("prod", service("fence", "2026.06")),
        "staging": facts("staging", service("fence", "2026.04")),
    }
    demo = replace(STAGING, stage=environment_view(stage="demo").stage)
    assert not list(check(fleet_state([demo, PROD], known, stages=("demo", "prod"))))
    assert not list(check(fleet_state([replace(STAGING, system=MANIFEST), PROD], known)))
    own = facts("staging", service("fence", "2026.04", repository="quay.io/other/own-fence"))
    assert not list(check(fleet_state([STAGING, PROD], known | {"staging": own})))


def test_quiet_where_the_stages_are_not_in_the_fleets_order() -> None:
    assert not list(check(fleet("2026.06", "2026.04", stages=("prod",))))
    assert not list(check(fleet("2026.06", "2026.04", stages=())))
