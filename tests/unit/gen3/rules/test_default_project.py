"""Environments in the project that allows everything."""

from dataclasses import replace

from csoc.gen3.rules.default_project import check
from csoc.gen3.views import MANIFEST
from csoc.testing.states import fleet_state
from tests.unit.gen3.rules.making import application_view


def test_everybody_in_the_default_project_is_one_finding() -> None:
    views = [
        application_view("a", project="default"),
        application_view("b", project=""),
        application_view("c", project="gen3"),
    ]
    (hit,) = check(fleet_state(views))
    assert hit.environments == ("a", "b")


def test_quiet_for_a_project_of_their_own_and_for_older_manifests() -> None:
    old = replace(application_view("a", project=""), system=MANIFEST)
    assert not list(check(fleet_state([old, application_view("b", project="gen3")])))
