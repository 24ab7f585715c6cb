"""What could not be checked for want of a data dictionary is said, and nothing else is."""

import pytest

from csoc.errors import CsocError, UnavailableError
from csoc.gen3.data_model.dictionary import Dictionary
from csoc.gen3.findings import Severity
from csoc.gen3.rules.dictionary_unreachable import RULE, check
from csoc.testing.dictionaries import MemoryDictionaries
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line
from tests.unit.gen3.rules.exploring import ETL, GLOBAL, GUPPY, PORTAL, URL, VALUES, dictionaries, line_of, state


def away() -> MemoryDictionaries:
    found = MemoryDictionaries()
    found.away = True
    return found


def test_a_network_that_is_away_is_told_with_what_was_not_checked() -> None:
    (hit,) = check(state(published=away()))
    assert hit.key == URL
    assert "cannot be reached" in hit.cause
    assert line(hit) == line_of(URL, VALUES)
    assert "the ETL mapping and the nodes that the portal counts" in hit.evidence[0].text
    assert hit.severity is None
    assert RULE.severity is Severity.INFO


def test_a_dictionary_that_is_not_there_matters_to_services_too() -> None:
    (hit,) = check(state(published=MemoryDictionaries()))
    assert hit.severity is Severity.MEDIUM


def test_an_old_copy_is_told() -> None:
    def old(url: str) -> Dictionary | CsocError:
        return dictionaries().fetch(url).noted("it is as of 2026-11-01T08:00", "Check the network")

    (hit,) = check(environment_state(VALUES, context={"dictionaries": old}))
    assert "as of 2026-11-01T08:00" in hit.cause
    assert hit.fix == "Check the network"


def test_two_environments_of_one_dictionary_are_one_finding() -> None:
    one, two = (list(check(state(values, published=away()))) for values in (GLOBAL + ETL, GLOBAL + PORTAL))
    assert (one[0].key, one[0].cause) == (two[0].key, two[0].cause)


def test_no_way_to_fetch_is_no_silence() -> None:
    (hit,) = check(environment_state(VALUES))
    assert "No way to fetch" in hit.cause


def test_an_address_that_a_missing_file_would_say_is_told_as_such() -> None:
    (hit,) = check(incomplete(state(ETL, defaults={"global": {"dictionaryUrl": URL}})))
    assert hit.key == "no url"


@pytest.mark.parametrize("values", [GLOBAL, GLOBAL + GUPPY, GLOBAL + "etl: {enabled: true}\n"])
def test_quiet_where_nothing_would_have_been_checked(values: str) -> None:
    assert not list(check(state(values, published=away())))


def test_quiet_where_the_dictionary_is_at_hand() -> None:
    assert not list(check(state()))


def test_a_signature_in_the_address_is_not_repeated() -> None:
    signed = VALUES.replace(URL, f"{URL}?X-Amz-Signature=0a1b2c3d")
    (hit,) = check(state(signed, published=away()))
    assert "0a1b2c3d" not in repr((hit.cause, hit.key, hit.fix))
    assert hit.key == URL


def test_an_error_of_any_kind_is_survived() -> None:
    def broken(_: str) -> Dictionary | CsocError:
        return UnavailableError("")

    assert len(list(check(environment_state(VALUES, context={"dictionaries": broken})))) == 1


def test_survives_values_of_any_type() -> None:
    for values in hostile(VALUES, "global.dictionaryUrl", "etl.etlMapping.mappings"):
        list(check(state(values)))
