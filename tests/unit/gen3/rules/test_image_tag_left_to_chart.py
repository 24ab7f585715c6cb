"""Services whose tag is the chart's own branch."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.image_tag_left_to_chart import check
from csoc.testing.states import environment_view, fleet_state
from tests.unit.gen3.rules.making import facts, service

DEFAULT = service("etl", "master", pinned=False)


def test_production_is_one_finding_and_everything_else_another() -> None:
    views = [environment_view("a"), environment_view("b"), environment_view("c", stage="dev")]
    known = {name: facts(name, DEFAULT) for name in "abc"}
    production, elsewhere = check(fleet_state(views, known))
    assert (production.environments, production.severity) == (("a", "b"), Severity.LOW)
    assert (elsewhere.environments, elsewhere.severity) == (("c",), Severity.INFO)
    assert [(item.text, item.location) for item in production.evidence] == [
        ("etl: quay.io/cdis/etl:master (chart default)", None)
    ] * 2, "no file of the fleet says it"


@pytest.mark.parametrize(
    "innocent",
    [
        facts("a", service("etl", "master")),
        facts("a", service("etl", "master", pinned=False, on=False)),
        facts("a", service("ambassador", "1.4.2", pinned=False)),
        facts("a", service("elasticsearch", "master", pinned=False)),
        facts("a", DEFAULT, complete=False),
    ],
)
def test_quiet_for_chosen_tags_services_that_are_off_versions_and_files_that_are_missing(innocent: object) -> None:
    assert not list(check(fleet_state([environment_view("a")], {"a": innocent})))  # type: ignore[dict-item]
