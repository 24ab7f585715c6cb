"""Fields that the portal asks for and that no index gets, and the many cases where nothing can be said."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.portal_field_not_in_etl import check
from tests.unit.gen3.rules.cases import hostile, incomplete, line
from tests.unit.gen3.rules.exploring import VALUES, changed, line_of, state

MISSING = changed('"samples"\n', '"aliquots"\n')


def test_a_field_of_the_table_is_found_at_its_line_and_that_of_the_index() -> None:
    (hit,) = check(state(MISSING))
    assert hit.key == "lab_case.aliquots"
    assert line(hit) == line_of('"aliquots"', MISSING)
    assert line(hit, 1) == line_of("- name: lab_case", MISSING)
    assert hit.severity is Severity.HIGH
    assert "the table of the explorer tab case" in hit.cause


def test_a_field_that_is_asked_for_twice_is_one_hit_with_both_places() -> None:
    values = changed('"fields": ["project_id"]', '"fields": ["project_id", "aliquots"]', MISSING)
    (hit,) = check(state(values))
    assert len(hit.evidence) == 3


def test_a_field_that_only_a_button_asks_for_is_medium() -> None:
    (hit,) = check(state(changed("      - name: object_id", "      - name: md5sum")))
    assert hit.key == "lab_file.object_id"
    assert hit.severity is Severity.MEDIUM


def test_the_old_name_of_an_identifier_is_explained() -> None:
    (hit,) = check(state(changed('"samples"\n', '"case_id"\n')))
    assert "_case_id" in hit.fix


def test_a_slip_is_recognised() -> None:
    (hit,) = check(state(changed('"samples"\n', '"sampels"\n')))
    assert "Did you mean samples?" in hit.fix


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        changed("{index: lab_case, type: case}", "{index: built_elsewhere, type: case}", MISSING),
        changed("etl:\n  enabled: true", "etl:\n  enabled: false", MISSING),
        changed("guppy:\n  enabled: true", "guppy:\n  enabled: false", MISSING),
        changed("portal:\n  enabled: true", "portal:\n  enabled: false", MISSING),
        changed("portal:\n  enabled: true", "portal:\n  enabled: true\n  customConfig: {enabled: true}", MISSING),
        changed("esEndpoint: search:9200", "esEndpoint: another:9200", MISSING),
        changed('"explorerConfig": [', '"featureFlags": {"explorer": false}, "explorerConfig": [', MISSING),
        changed('"samples"\n', '"_case_id", "node_id", "auth_resource_path", "project_id"\n'),
        changed('{"enabled": true, "type": "manifest"}', "", changed("- name: object_id", "- name: md5sum")),
    ],
    ids=[
        "all there",
        "an index that something else builds",
        "no etl",
        "no guppy",
        "no portal",
        "a portal configured from elsewhere",
        "another search server",
        "an explorer that is off",
        "fields that tube adds",
        "a manifest without a button",
    ],
)
def test_quiet_where_the_field_is_there_or_nothing_is_known(values: str) -> None:
    assert not list(check(state(values)))


def test_quiet_where_a_missing_value_file_may_say_more() -> None:
    assert not list(check(incomplete(state(MISSING))))


def test_survives_values_of_any_type() -> None:
    for values in hostile(VALUES, "guppy.indices", "portal.gitops.json", "etl.etlMapping.mappings", "guppy.esEndpoint"):
        list(check(state(values)))
