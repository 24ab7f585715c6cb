"""Portal configurations that keep the portal down or break a page, with the line inside the text."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.portal_config_invalid import check
from tests.unit.gen3.rules.cases import hostile, line
from tests.unit.gen3.rules.exploring import PORTAL, VALUES, changed, line_of, state, with_portal


def test_a_comma_too_few_is_found_at_its_line_of_the_file() -> None:
    values = changed('"chartCounts": [],', '"chartCounts": []')
    (hit,) = check(state(values))
    assert line(hit) == line_of('"projectDetails"', values)
    assert "comma is missing" in hit.cause
    assert hit.severity is None, "the rule's own: high"


def test_what_is_missing_is_found_at_the_line_of_what_it_is_missing_from() -> None:
    values = changed('            "table": {', '            "tabel": {')
    (hit,) = check(state(values))
    assert hit.severity is Severity.MEDIUM
    assert line(hit) == line_of('"graphql": {', values) + 6, "the tab, since the table has no line"


def test_what_keeps_the_portal_down_is_high() -> None:
    values = changed('"chartCounts": []', '"chartCounts": 7')
    (hit,) = check(state(values))
    assert hit.severity is Severity.HIGH
    assert line(hit) == line_of('"chartCounts": 7', values)


def test_a_key_that_stands_twice_is_low_and_at_the_later_line() -> None:
    values = changed(
        '"chartCounts": [],', '"chartCounts": [],\n          "chartCounts": [],'.replace("\n          ", "\n          ")
    )
    (hit,) = check(state(values))
    assert hit.severity is Severity.LOW
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == values.splitlines().index('          "chartCounts": [],') + 2


def test_yaml_instead_of_text_is_found() -> None:
    (hit,) = check(state("portal:\n  enabled: true\n  gitops:\n    json: {graphql: {}}\n"))
    assert "one text" in hit.cause
    assert line(hit) == 4


def test_a_quoted_text_stands_at_its_key_since_its_lines_are_no_lines() -> None:
    values = with_portal({"graphql": 7}, "")
    (hit,) = check(state(values))
    assert line(hit) == line_of("json:", values)


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        changed(
            "portal:\n  enabled: true", "portal:\n  enabled: false", "portal:\n  enabled: true\n  gitops: {json: x}\n"
        ),
        "portal: {enabled: true, customConfig: {enabled: true}, gitops: {json: x}}\n",
        "global: {portalApp: other}\nportal: {enabled: true, gitops: {json: x}}\n",
        "portal: {enabled: true, gitops: {json: ''}}\n",
        "portal: {enabled: true, gitops: {json: null}}\n",
        "portal: {enabled: true}\n",
    ],
    ids=["sound", "no portal", "fetched from elsewhere", "another app", "empty", "null", "the chart's own"],
)
def test_quiet_for_sound_configurations_and_those_that_are_not_used(values: str) -> None:
    assert not list(check(state(values)))


def test_survives_values_of_any_type() -> None:
    for values in hostile(PORTAL, "portal.enabled", "portal.gitops.json", "portal.customConfig.enabled"):
        list(check(state(values)))
