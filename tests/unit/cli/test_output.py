"""What reaches a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from csoc.cli import escaping, output, tables


@given(st.text())
def test_json_says_the_same_without_anything_that_a_terminal_obeys(text: str) -> None:
    written = escaping.json_text({"a": text}, indent=2)
    assert json.loads(written) == {"a": text}
    assert all(char.isprintable() or char == "\n" for char in written)
    written.encode()


def test_cells_show_control_characters_coloured_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["a\x1b", "b"], [["x\x1b[31m", Text("y\x1b[2J", style="bold")]], title="t")
    shown = capsys.readouterr().out
    assert "x\\x1b[31m" in shown
    assert "y\\x1b[2J" in shown
    assert "\x1b" not in shown.replace("a\x1b", "")


def test_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["name", "what"], [["x" * 60, "y" * 2000]])
    assert f"{'x' * 60}  {'y' * 2000}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("room", "groups"),
    [
        (100, [["a", "b", "c"]]),
        (None, [["a", "b", "c"]]),
        (24, [["a", "b"], ["c"]]),
        (23, [["a"], ["b"], ["c"]]),
        (0, [["a"], ["b"], ["c"]]),
    ],
)
def test_columns_stand_beside_each_other_as_far_as_they_fit(room: int, groups: list[list[str]]) -> None:
    assert tables.side_by_side({"a": 10, "b": 10, "c": 10}, room) == groups


def test_one_is_not_several() -> None:
    assert (output.count(1, "file"), output.count(0, "file"), output.count(2, "file")) == (
        "1 file",
        "0 files",
        "2 files",
    )
