"""YAML that Helm reads as it was meant."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.yaml import yamltext
from csoc.gen3.launch import valuefiles

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "2026.06",
        "on",
        "no",
        "012345678901",
        "1e3",
        "~",
        "null",
        "2026-11-23",
        "a: b",
        "- x",
        "a\nb",
        "a\nb\n",
        " a\nb",
        "#",
    ]
)
_KEYS = st.sampled_from(["a", "b", "on", "2026.06", "eks.amazonaws.com/role-arn", "x y"])
_VALUES = st.recursive(
    st.booleans() | st.integers(-1000, 1000) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_what_is_written_is_what_helm_reads(data: dict[str, Any]) -> None:
    assert yamltext.parse(valuefiles.render(data, header="a\nb"))[0].data == data


def test_long_texts_are_blocks_and_words_that_mislead_are_quoted() -> None:
    content = valuefiles.render({"a": "x: 1\ny: 2\n", "b": "2026.06", "c": ["on"]}).decode()
    assert content == 'a: |\n  x: 1\n  y: 2\nb: "2026.06"\nc:\n  - "on"\n'


def test_several_documents_are_one_file() -> None:
    content = valuefiles.render_all([{"a": 1}, {"b": 2}], header="two")
    assert content == b"# two\na: 1\n---\nb: 2\n"
    assert [document.data for document in yamltext.parse(content)] == [{"a": 1}, {"b": 2}]
