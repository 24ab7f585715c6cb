"""Helm's merge: against a naive model, and what it means for nulls, lists and places."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.location import Location
from csoc.fleet.values import EffectiveValues, Layer, Path, as_path, look_up, merge_mappings, walk
from csoc.fleet.yaml import yamltext

KEYS = st.sampled_from("abcd")
LEAVES = (
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x"]) | st.lists(st.integers(0, 2), max_size=2)
)
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=10)
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=4)


def naive(layers: list[dict[str, Any]], path: Path) -> Any:
    """The value of one path, found without merging: the last layer that writes it or replaces what holds it."""
    written: list[Any] = [layer[path[0]] for layer in layers if path[0] in layer]
    if not written:
        return ABSENT
    if len(path) == 1:
        return folded(written)
    for start in range(len(written) - 1, -1, -1):
        if not isinstance(written[start], dict):
            written = written[start + 1 :]
            break
    return naive(written, path[1:]) if written else ABSENT


def folded(written: list[Any]) -> Any:
    """What is left of values written to one key, one after the other."""
    if not isinstance(written[-1], dict):
        return written[-1]
    run: list[dict[str, Any]] = []
    for value in reversed(written):
        if not isinstance(value, dict):
            break
        run.insert(0, value)
    return {key: naive(run, (key,)) for mapping in run for key in mapping}


ABSENT = object()


def layer(label: str, text: str) -> Layer:
    (document,) = yamltext.parse(text.encode())

    def locate(path: Path) -> Location | None:
        place = document.position(path)
        return Location("repo", "c" * 40, label, *place) if place else None

    return Layer(label, document.data, locate)


@given(st.lists(MAPPINGS, min_size=1, max_size=4))
def test_merging_gives_for_each_key_what_the_naive_model_says(layers: list[dict[str, Any]]) -> None:
    merged: dict[str, Any] = {}
    for values in layers:
        merged = merge_mappings(merged, values)
    assert merged == {key: naive(layers, (key,)) for values in layers for key in values}


@given(MAPPINGS)
def test_merging_with_nothing_or_with_itself_changes_nothing(values: dict[str, Any]) -> None:
    assert merge_mappings({}, values) == merge_mappings(values, {}) == merge_mappings(values, values) == values


@given(MAPPINGS, MAPPINGS)
def test_merging_leaves_both_sides_alone(low: dict[str, Any], high: dict[str, Any]) -> None:
    before = copy.deepcopy((low, high))
    merged = merge_mappings(low, high)
    merged["new"] = 1
    assert (low, high) == before


@given(st.lists(MAPPINGS, min_size=1, max_size=4))
def test_every_effective_leaf_is_held_by_the_layer_that_is_its_origin(layers: list[dict[str, Any]]) -> None:
    def make(number: int, values: dict[str, Any]) -> Layer:
        return Layer(str(number), values, lambda path: Location("r", "c", json.dumps(path), number + 1))

    effective = EffectiveValues.merge([make(number, values) for number, values in enumerate(layers)])
    for path, value in effective.walk():
        if not path:
            continue
        origin = effective.origin(path)
        assert origin is not None
        assert effective.has(path)
        assert look_up(layers[origin.line - 1], path) == value or value == {}


@pytest.mark.parametrize(
    ("low", "high", "merged"),
    [
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": [{"b": 1}]}, {"a": [{"c": 2}]}, {"a": [{"c": 2}]}),
        ({"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {"b": None}}),
    ],
)
def test_mappings_merge_and_everything_else_is_replaced(low: Any, high: Any, merged: Any) -> None:
    assert merge_mappings(low, high) == merged


def test_a_null_stays_in_the_values_since_it_removes_the_charts_default() -> None:
    effective = EffectiveValues.merge([layer("1", "a: {b: 1}"), layer("2", "a: {b: null}")])
    assert effective.has("a.b")
    assert effective.get("a.b", "default") is None
    assert not effective.has("a.c")
    assert effective.get("a.c", "default") == "default"


def test_what_a_later_layer_cut_off_does_not_come_back() -> None:
    layers = [layer("1", "a: {b: 1}"), layer("2", "a: null"), layer("3", "a: {c: 2}")]
    assert EffectiveValues.merge(layers).data == {"a": {"c": 2}}


def test_an_origin_is_the_last_layer_that_writes_the_path() -> None:
    effective = EffectiveValues.merge(
        [
            layer("base.yaml", "global:\n  hostname: a.org\n  env: x\nlist: [1, 2]\n"),
            layer("env.yaml", "# prod\nglobal:\n  hostname: b.org\n"),
        ]
    )
    assert _place(effective.origin("global.hostname")) == ("env.yaml", 3)
    assert _place(effective.origin("global.env")) == ("base.yaml", 3)
    assert _place(effective.origin("global")) == ("env.yaml", 2)
    assert _place(effective.origin(("list", 1))) == ("base.yaml", 4)


def test_the_origin_of_what_nobody_writes_is_its_nearest_ancestor() -> None:
    effective = EffectiveValues.merge([layer("f", "fence:\n  image:\n    tag: x\n")])
    assert _place(effective.origin("fence.image.repository.name")) == ("f", 2)
    assert effective.origin("nothing.at.all") is None


def test_a_key_with_dots_is_reached_by_a_tuple() -> None:
    effective = EffectiveValues.merge([layer("f", "annotations: {eks.amazonaws.com/role-arn: x}")])
    assert effective.get(("annotations", "eks.amazonaws.com/role-arn")) == "x"
    assert effective.get("annotations.eks.amazonaws.com/role-arn") is None
    assert as_path(("a.b", 0)) == ("a.b", 0)


def test_looking_up_tells_steps_of_mappings_from_steps_of_lists() -> None:
    data = {"a": [{"0": "x"}], "1": "w"}
    assert look_up(data, ("a", 0, "0")) == "x"
    assert look_up(data, ("a", "0"), "none") == "none"
    assert look_up(data, (1,), "none") == "none"
    assert look_up(data, ("a", -1), "none") == "none"
    assert look_up(data, ("a", 1), "none") == "none"
    assert look_up(data, ()) is data


def test_walking_gives_every_leaf_in_the_written_order() -> None:
    data = {"b": {"x": [1, {"q": None}], "e": {}}, "a": [], "s": "t"}
    assert list(walk(data)) == [
        (("b", "x", 0), 1),
        (("b", "x", 1, "q"), None),
        (("b", "e"), {}),
        (("a",), []),
        (("s",), "t"),
    ]


def test_a_value_is_described_in_one_line_and_its_absence_too() -> None:
    effective = EffectiveValues.merge([layer("f", "a: {b: true, token: abcdefgh1234}")])
    assert effective.describe("a.b") == "a.b: true"
    assert effective.describe("a.c") == "a.c is not set"
    assert "abcdefgh1234" not in effective.describe("a") + effective.describe("a.token")


def _place(location: Location | None) -> tuple[str, int] | None:
    return (location.path, location.line) if location else None
