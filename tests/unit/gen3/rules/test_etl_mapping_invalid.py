"""ETL mappings that tube stumbles over or passes over, found at their line."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.etl_mapping_invalid import RULE, check
from csoc.gen3.views import MANIFEST
from tests.unit.gen3.rules.cases import hostile, line
from tests.unit.gen3.rules.exploring import ETL, VALUES, changed, line_of, state


def test_what_stops_the_etl_is_high_and_stands_at_its_line() -> None:
    values = changed("fn: count", "fn: median")
    (hit,) = check(state(values))
    assert hit.severity is Severity.HIGH
    assert line(hit) == line_of("fn: median", values)
    assert "median" in hit.cause
    assert "fn: median" in hit.evidence[0].text


def test_what_is_passed_over_is_medium() -> None:
    values = changed("aggregated_props:", "aggregate_props:")
    (hit,) = check(state(values))
    assert hit.severity is Severity.MEDIUM
    assert line(hit) == line_of("aggregate_props:", values)


def test_something_missing_stands_at_what_it_is_missing_from() -> None:
    values = changed("      - name: project_id\n", "")
    (hit,) = check(state(values))
    assert line(hit) == line_of("- name: lab_case", values)
    assert "project_id" in hit.fix


def test_a_mapping_written_as_text_is_found() -> None:
    (hit,) = check(state("etl:\n  enabled: true\n  etlMapping: |\n    mappings: []\n"))
    assert "text" in hit.cause
    assert line(hit) == 3


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        changed("etl:\n  enabled: true", "etl:\n  enabled: false", changed("fn: count", "fn: median")),
        "etl: {enabled: true}\n",
        "etl: {enabled: true, etlMapping: {other: 1}}\n",
        "etl: {enabled: true, mappings: [nonsense]}\n",
    ],
    ids=["sound", "no etl", "the chart's own mapping", "merged with the chart's own", "a key that nothing reads"],
)
def test_quiet_for_sound_mappings_and_those_that_are_not_used(values: str) -> None:
    assert not list(check(state(values)))


def test_old_tube_calls_identifiers_otherwise() -> None:
    block = "{index: file, join_on: case_id, props: [{name: object_id, fn: set}]}"
    joined = ETL.replace(
        "      aggregated_props:", f"      joining_props:\n      - {block}\n      aggregated_props:"
    ).replace("- name: _case_id", "- name: case_id")
    assert len(list(check(state(joined)))) == 1
    assert not list(check(state(joined + "  image: {tube: {tag: 0.3.9}}\n")))
    assert len(list(check(state(joined + "  image: {tube: {tag: '2026.04'}}\n")))) == 1


def test_older_manifests_are_checked_too() -> None:
    assert MANIFEST in RULE.systems


def test_survives_values_of_any_type() -> None:
    for values in hostile(VALUES, "etl.etlMapping.mappings", "etl.image.tube.tag", "etl.enabled"):
        list(check(state(values)))
