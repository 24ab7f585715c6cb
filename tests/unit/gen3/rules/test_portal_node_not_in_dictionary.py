"""Nodes that the portal counts and the data dictionary does not have."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.portal_node_not_in_dictionary import check
from csoc.testing.dictionaries import MemoryDictionaries
from tests.unit.gen3.rules.cases import hostile, line
from tests.unit.gen3.rules.exploring import VALUES, changed, line_of, state, with_portal

WRONG = changed("_case_count", "_cases_count")


def test_a_counted_node_is_found_at_its_line() -> None:
    (hit,) = check(state(WRONG))
    assert hit.key == "cases"
    assert hit.severity is Severity.HIGH
    assert line(hit) == line_of("_cases_count", WRONG)
    assert hit.fix == "Did you mean case?"


def test_a_chart_of_the_front_page_breaks_less() -> None:
    index = {"homepageChartNodes": [{"node": "study", "name": "Studies"}, {"node": "case", "name": "Cases"}]}
    (hit,) = check(state(with_portal({"graphql": {}, "components": {"index": index}})))
    assert (hit.key, hit.severity) == ("study", Severity.MEDIUM)


def test_what_the_portal_counts_by_itself_must_be_there_too() -> None:
    assert {hit.key for hit in check(state(with_portal({"components": {}})))} == {"experiment", "aliquot"}


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        changed("portal:\n  enabled: true", "portal:\n  enabled: false", WRONG),
        changed("_case_count", "projects"),
    ],
    ids=["all there", "no portal", "something else than a count"],
)
def test_quiet_where_the_node_is_there_or_nobody_counts_it(values: str) -> None:
    assert not list(check(state(values)))


def test_quiet_where_the_dictionary_cannot_be_had() -> None:
    assert not list(check(state(WRONG, published=MemoryDictionaries())))


def test_survives_values_of_any_type() -> None:
    for values in hostile(VALUES, "portal.gitops.json", "global.dictionaryUrl"):
        list(check(state(values)))
