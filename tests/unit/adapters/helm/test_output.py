"""From printed templates to objects in order."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from csoc.adapters.helm.render import output


def test_documents_are_split_at_lines_of_dashes_and_trimmed() -> None:
    printed = {
        "x/b.yaml": "a: 1\n--- # why\nb: 2\n---\n\n---   \nc: |\n  text\n  --- no line of its own\n",
        "x/a.yaml": " \n",
    }
    assert list(output.split(printed)) == [
        ("x/b.yaml", "a: 1\n"),
        ("x/b.yaml", "# why\nb: 2\n"),
        ("x/b.yaml", "---   \nc: |\n  text\n  --- no line of its own\n"),
    ]


def test_partials_and_notes_are_left_out() -> None:
    assert list(output.split({"x/_a.yaml": "a", "x/NOTES.txt": "a", "x/sub/NOTES.txt": "b", "x/y.txt": "a: 1"})) == [
        ("x/y.txt", "a: 1\n")
    ]


@given(st.text(alphabet="-\n a:", max_size=60))
def test_no_text_is_lost_but_dashes_and_white_space(text: str) -> None:
    found = "".join(document for _, document in output.split({"t": text}))
    assert [char for char in found if char not in "-\n "] == [char for char in text if char not in "-\n "]


def test_white_space_without_end_is_split_in_linear_time() -> None:
    space = "\n \t" * 100_000
    began = time.monotonic()
    found = [document for _, document in output.split({"t": f"a{space}b{space}\n---\n{space}c"})]
    assert found == [f"a{space}b\n", "c\n"]
    assert time.monotonic() - began < 2


def test_depth_is_counted_without_recursion() -> None:
    deep: object = 1
    for _ in range(output.DEPTH - 1):
        deep = [deep]
    assert not output.too_deep({"a": deep})
    assert output.too_deep({"a": [deep]})


def test_hooks_are_known_by_their_annotation() -> None:
    def moments(text: object) -> object:
        return output.hooks({"metadata": {"annotations": {"helm.sh/hook": text}}})

    assert moments("pre-install, Post-Upgrade") == ("pre-install", "post-upgrade")
    assert moments("test-success") == ("test-success",)
    assert moments("crd-install") is None
    assert moments("") is None
    assert output.hooks({"metadata": {"annotations": None}}) == ()
    assert output.hooks({}) == ()
