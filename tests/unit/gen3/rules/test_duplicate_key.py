"""Keys that stand twice in one mapping of a value file."""

from dataclasses import replace

from csoc.gen3.rules.duplicate_key import check
from csoc.testing.states import environment_state, location


def test_a_key_that_stands_twice_is_found_at_its_later_place() -> None:
    state = replace(environment_state("fence: {}\n"), duplicates=((("fence", "image"), location("values.yaml", 9)),))
    (hit,) = check(state)
    assert hit.key == "values.yaml fence.image"
    assert hit.evidence[0].location == location("values.yaml", 9)


def test_one_key_in_two_files_is_two_findings_since_each_has_to_be_mended() -> None:
    places = [(("fence",), location(name, 5)) for name in ("a.yaml", "b.yaml")]
    hits = list(check(replace(environment_state(""), duplicates=places)))
    assert [hit.key for hit in hits] == ["a.yaml fence", "b.yaml fence"]


def test_quiet_for_one_key_in_two_mappings_and_in_two_files() -> None:
    assert not list(check(environment_state("fence: {image: {tag: a}}\nguppy: {image: {tag: a}}\n")))
    assert not list(check(environment_state("")))
