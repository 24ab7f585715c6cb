"""JSON with lines: every path is found where it is written, and what is no JSON is named with its place."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.fleet.values import Path, walk
from csoc.gen3.data_model.jsontext import SIZE, JsonError, parse

TEXT = """{
  "a": [
    1,
    {"b": "}],:{", "c": [[2],
      [3]]}
  ],

  "d": {}, "e": null
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("a", 0), 3),
        (("a", 1), 4),
        (("a", 1, "b"), 4),
        (("a", 1, "c", 0, 0), 4),
        (("a", 1, "c", 1), 5),
        (("d",), 8),
        (("e",), 8),
        ((), 1),
        (("a", 7), 2),
        (("a", 1, "missing", "deeper"), 4),
        (("missing",), 1),
    ],
)
def test_a_path_is_where_its_key_or_item_stands_and_a_missing_one_where_its_ancestor_does(
    path: Path, line: int
) -> None:
    assert parse(TEXT).line(path) == line


def test_data_is_what_json_says() -> None:
    assert parse(TEXT).data == json.loads(TEXT)


def test_keys_that_stand_twice_are_told_with_the_later_line() -> None:
    assert parse('{\n"a": 1,\n"b": {"a": 2},\n"a": 3}').duplicates == [(("a",), 4)]
    assert parse(TEXT).duplicates == []


def test_equal_keys_of_different_mappings_are_no_duplicates() -> None:
    assert parse('[{"a": 1}, {"a": 1}, {"b": {"a": 1}, "a": 2}]').duplicates == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{\n"a": 1\n"b": 2}', 3, "comma is missing"),
        ('{"a": 1,\n}', 2, "key in double quotes"),
        ('{"a": [1,\n]}', 2, "value is expected"),
        ('{\n// no\n"a": 1}', 2, "key in double quotes"),
        ('{"a" 1}', 1, "colon is missing"),
        ('{"a": "x\ny"}', 1, "line break"),
        ('{"a": "x}', 1, "not closed"),
        ("{}\n{}", 2, "more follows"),
        ("", 1, "value is expected"),
        (r'{"a": "\x"}', 1, "backslash"),
        ('{"a": NaN}', 1, "NaN is no value"),
        ('{"a": -Infinity}', 1, "-Infinity is no value"),
        ('{"a": ' + "9" * 10_000 + "}", 1, "too many digits"),
        ("[" * 100_000, 1, "too deeply"),
    ],
)
def test_what_is_no_json_is_named_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(JsonError) as caught:
        parse(text)
    assert caught.value.line == line
    assert words in caught.value.cause


def test_an_error_never_repeats_the_text() -> None:
    with pytest.raises(JsonError) as caught:
        parse('{"password": hunter2}')
    assert "hunter2" not in str(caught.value)


def test_size_and_number_of_values_are_bounded() -> None:
    begin = time.monotonic()
    for text in ('"' + "x" * SIZE + '"', "[" + "1," * 500_000 + "1]"):
        with pytest.raises(JsonError, match="larger than"):
            parse(text)
    deep = "[" * 500 + "1," * 300_000 + "1" + "]" * 500
    assert parse(deep).line((0,) * 500) == 1
    assert time.monotonic() - begin < 10


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(json_values, st.sampled_from((None, 0, 1, 2)), st.booleans())
def test_every_path_is_found_on_a_line_that_holds_it(data: Any, indent: int | None, plain: bool) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=plain)
    parsed = parse(text)
    lines = text.split("\n")
    for path, _ in walk(data):
        for length in range(1, len(path) + 1):
            step = path[length - 1]
            if isinstance(step, str):
                assert json.dumps(step, ensure_ascii=plain) in lines[parsed.line(path[:length]) - 1]


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_with_one_value_a_line_every_item_has_the_line_of_its_own(data: Any) -> None:
    parsed = parse(json.dumps(data, indent=1))
    leaves = [path for path, _ in walk(data) if path]
    assert sorted({parsed.line(path) for path in leaves}) == [parsed.line(path) for path in leaves]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='{}[],:"\\ \n1ae', max_size=40))
def test_any_text_is_json_or_refused_with_a_place_inside_it(text: str) -> None:
    try:
        line = parse(text).line(("a", 0))
    except JsonError as error:
        line = error.line
    assert 1 <= line <= text.count("\n") + 1
