"""Types that the portal asks Guppy for and that none of its indices has."""

import pytest

from csoc.gen3.rules.portal_type_not_in_guppy import check
from tests.unit.gen3.rules.cases import hostile, incomplete, line
from tests.unit.gen3.rules.exploring import VALUES, changed, line_of, state

WRONG = changed('"dataType": "case"', '"dataType": "cases"')


def test_a_type_is_found_at_its_line_with_those_that_there_are() -> None:
    (hit,) = check(state(WRONG))
    assert hit.key == "cases"
    assert line(hit) == line_of('"dataType": "cases"', WRONG)
    assert line(hit, 1) == line_of("  indices:", WRONG)
    assert "Did you mean case?" in hit.fix


def test_the_type_of_a_manifests_files_counts_where_a_button_makes_one() -> None:
    values = changed('"resourceIndexType": "file"', '"resourceIndexType": "data_file"')
    assert [hit.key for hit in check(state(values))] == ["data_file"]
    assert not list(check(state(changed('{"enabled": true, "type": "manifest"}', "", values))))


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        changed("guppy:\n  enabled: true", "guppy:\n  enabled: false", WRONG),
        changed('"explorerConfig": [', '"featureFlags": {"explorer": false}, "explorerConfig": [', WRONG),
        changed("  indices:\n  - {index: lab_case, type: case}\n  - {index: lab_file, type: file}\n", "", WRONG),
    ],
    ids=["all served", "no guppy", "an explorer that is off", "indices that are not known"],
)
def test_quiet_where_guppy_serves_it_or_nobody_asks(values: str) -> None:
    assert not list(check(state(values)))


def test_quiet_where_a_missing_value_file_may_say_more() -> None:
    assert not list(check(incomplete(state(WRONG))))


def test_survives_values_of_any_type() -> None:
    for values in hostile(VALUES, "guppy.indices", "portal.gitops.json"):
        list(check(state(values)))
