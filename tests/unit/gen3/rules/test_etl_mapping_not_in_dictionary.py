"""Names in the ETL mapping that the data dictionary does not have, with the line of both."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.etl_mapping_not_in_dictionary import check
from csoc.testing.dictionaries import MemoryDictionaries
from tests.unit.gen3.rules.cases import hostile, incomplete, line
from tests.unit.gen3.rules.exploring import URL, VALUES, changed, line_of, state


def test_a_link_that_is_not_there_stops_the_etl() -> None:
    values = changed("        path: samples", "        path: aliquots")
    (hit,) = check(state(values))
    assert hit.severity is Severity.HIGH
    assert line(hit) == line_of("path: aliquots", values)
    assert line(hit, 1) == line_of(URL, values)
    assert "aliquots" in hit.cause


def test_a_property_that_is_not_there_never_gets_into_the_index() -> None:
    values = changed("      - name: sex\n", "      - name: sexx\n")
    (hit,) = check(state(values))
    assert hit.severity is Severity.MEDIUM
    assert line(hit) == line_of("- name: sexx", values)


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        changed("etl:\n  enabled: true", "etl:\n  enabled: false", changed("path: samples", "path: nothing")),
        changed("type: aggregator", "type: nonsense", changed("path: samples", "path: nothing")),
    ],
    ids=["all there", "no etl", "not read, since it is wrong as such"],
)
def test_quiet_where_everything_is_there_or_nothing_is_built(values: str) -> None:
    assert not list(check(state(values)))


def test_quiet_where_the_dictionary_cannot_be_had() -> None:
    wrong = changed("path: samples", "path: nothing")
    away = MemoryDictionaries()
    away.away = True
    assert not list(check(state(wrong, published=away)))
    assert not list(check(state(wrong, published=MemoryDictionaries())))


def test_quiet_where_a_missing_value_file_may_name_another_dictionary() -> None:
    wrong = changed(f"\nglobal:\n  dictionaryUrl: {URL}\n", "", changed("path: samples", "path: nothing"))
    with_default = state(wrong, defaults={"global": {"dictionaryUrl": URL}})
    assert len(list(check(with_default))) == 1
    assert not list(check(incomplete(with_default)))


def test_survives_values_of_any_type() -> None:
    for values in hostile(VALUES, "etl.etlMapping.mappings", "global.dictionaryUrl"):
        list(check(state(values)))
