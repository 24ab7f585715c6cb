"""Applications that nothing in Git applies."""

from dataclasses import replace

from csoc.gen3.rules.application_not_applied import check
from csoc.gen3.views import MANIFEST
from csoc.testing.states import fleet_state, location
from tests.unit.gen3.rules.making import application_view


def test_what_nothing_applies_is_one_finding_where_others_are_applied() -> None:
    views = [application_view("a", applied_by=("root",)), application_view("b"), application_view("c")]
    (hit,) = check(fleet_state(views))
    assert hit.environments == ("b", "c")


def test_quiet_where_nothing_in_git_applies_any_or_everything_is_applied_or_generated() -> None:
    assert not list(check(fleet_state([application_view("a"), application_view("b")])))
    generated = application_view("b", generated_by=location("set.yaml"))
    assert not list(check(fleet_state([application_view("a", applied_by=("root",)), generated])))
    old = replace(application_view("b"), system=MANIFEST)
    assert not list(check(fleet_state([application_view("a", applied_by=("root",)), old])))
