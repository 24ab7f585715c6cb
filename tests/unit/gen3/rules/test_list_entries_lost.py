"""Lists that a later file replaces."""

from csoc.gen3.rules.list_entries_lost import check
from csoc.testing.states import layer
from tests.unit.gen3.rules.cases import hostile, layered, line

FIRST = "sower:\n  sowerConfig:\n  - {name: export}\n  - {name: import}\n"


def test_a_list_with_none_of_the_earlier_names_is_found_with_both_places() -> None:
    (hit,) = check(layered(layer(FIRST, "base.yaml"), layer("sower:\n\n  sowerConfig: [{name: mine}]\n", "prod.yaml")))
    assert hit.key == "sower.sowerConfig"
    assert (line(hit, 0), line(hit, 1)) == (2, 3)
    assert "export, import" in hit.cause


def test_quiet_where_earlier_entries_are_kept_or_only_left_out() -> None:
    for later in ("[{name: export}, {name: import}, {name: mine}]", "[{name: import}]", "[]"):
        assert not list(check(layered(layer(FIRST), layer(f"sower: {{sowerConfig: {later}}}"))))


def test_quiet_in_one_file_and_for_lists_without_names() -> None:
    assert not list(check(layered(layer(FIRST))))
    assert not list(check(layered(layer("a: {b: [1, 2]}"), layer("a: {b: [3]}"))))
    assert not list(check(layered(layer("a: {b: [{host: x}]}"), layer("a: {b: [{host: y}]}"))))


def test_quiet_where_a_still_later_file_replaces_both() -> None:
    whole = "sower: {sowerConfig: [{name: export}, {name: import}, {name: mine}]}"
    found = list(check(layered(layer(FIRST), layer("sower: {sowerConfig: [{name: mine}]}"), layer(whole))))
    assert not found


def test_quiet_for_lists_of_which_some_entries_have_no_name() -> None:
    mixed = "sower: {sowerConfig: [{name: mine}, plain]}"
    assert not list(check(layered(layer(FIRST), layer(mixed))))
    assert not list(check(layered(layer(FIRST), layer("sower: {sowerConfig: [{name: mine}, {image: x}]}"))))


def test_survives_wrong_types() -> None:
    for text in hostile(FIRST, "sower.sowerConfig", "sower.x.y"):
        list(check(layered(layer(FIRST), layer(text))))
