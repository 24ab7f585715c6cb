"""Tables that fit, and cut nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from csoc.cli import tables

NAMES = ("brain-commons-planx-pla-staging", "brain-commons-planx-pla-preprod")
words = st.text(st.sampled_from("abc-./:_ é漢🙂\n\x1b\u202e"), max_size=60)


def shown(lines: list[Text]) -> str:
    return re.sub(r"[\s─]", "", "".join(line.plain for line in lines))


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=4), st.integers(20, 130))
@settings(deadline=None)
def test_no_line_is_wider_than_the_room_and_no_character_is_lost(rows: list[tuple[str, ...]], room: int) -> None:
    lines = tables.table_lines(["one", "two", "three"], rows, room=room)
    assert max(line.cell_len for line in lines) <= room
    assert all(line.plain.isprintable() for line in lines)
    wanted = "".join(re.sub(r"\s", "", cell.plain) for row in rows for text in row for cell in tables.cell_texts(text))
    left = shown(lines)
    for char in set(wanted):
        assert left.count(char) >= wanted.count(char), (char, left)


@given(words)
def test_a_hostile_cell_makes_no_row(text: str) -> None:
    lines = tables.table_lines(["a", "b"], [[text, Text(text, style="red")], ["x", [text, text]]])
    assert len(lines) == 2 + 1 + 2


@pytest.mark.parametrize("room", [40, 60, 80, 120, 200, None])
def test_names_that_differ_at_the_end_differ_at_every_width(room: int | None) -> None:
    lines = tables.table_lines(["environment", "what"], [[NAMES[0], "x" * 50], [NAMES[1], "x" * 50]], room=room)
    text = shown(lines)
    assert all(name in text for name in NAMES)


def test_too_many_columns_become_blocks_with_the_names_of_the_columns() -> None:
    row = ["brh-prod", "brhprod-cluster", "https://brh.example.org", "gen3-0.3.90"]
    lines = [line.plain for line in tables.table_lines(["environment", "cluster", "hostname", "chart"], [row], room=40)]
    assert lines == [
        "brh-prod",
        "  cluster   brhprod-cluster",
        "  hostname  https://brh.example.org",
        "  chart     gen3-0.3.90",
    ]


def test_a_program_gets_every_column_and_whole_lines_and_a_person_those_that_say_something() -> None:
    rows = [["a", "", "x" * 300]]
    assert tables.table_lines(["one", "two", "three"], rows)[0].plain.split() == ["one", "two", "three"]
    assert tables.table_lines(["one", "two", "three"], rows)[2].plain.endswith("x" * 300)
    assert tables.table_lines(["one", "two", "three"], rows, room=80)[0].plain.split() == ["one", "three"]


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
def test_columns_stand_beside_each_other_as_far_as_they_fit(room: int | None, groups: list[list[str]]) -> None:
    assert tables.side_by_side({"a": 10, "b": 10, "c": 10}, room) == groups


@given(words, st.integers(10, 60))
def test_sentences_are_broken_at_spaces_and_indented(text: str, width: int) -> None:
    sentence = Text(f"  at one/two-three.yaml:7 {text}".replace("\n", " "))
    lines = tables.wrap(sentence, width, hanging=4)
    assert max(line.cell_len for line in lines) <= width
    assert all(line.plain.startswith("    ") for line in lines[1:] if line.plain.strip())
    if width >= 30:
        assert any("one/two-three.yaml:7" in line.plain for line in lines)
    assert cell_len(shown(lines)) == cell_len(shown([sentence]))


HEADS = ["run", "state", "what", "at", "by", "began"]
RUN = [
    "k3x9q1m2za",
    "waiting",
    "apply environment reef-dev",
    "4/9 follow gen3: waits for " + "x" * 90,
    "ada",
    "2026-11-23",
]


@pytest.mark.parametrize("room", [60, 72, 80, 100, 160])
def test_a_row_of_a_list_is_one_line_whose_last_columns_go_first(room: int) -> None:
    lines, is_short = tables.list_lines(HEADS, [RUN, RUN], cut=3, least=10, room=room)
    assert len(lines) == 1 + 1 + 2
    assert max(line.cell_len for line in lines) <= room
    assert is_short
    assert all(word in lines[2].plain for word in RUN[:3]), "what comes before the sentence is whole"
    assert "4/9" in lines[2].plain
    assert ("2026-11-23" in lines[2].plain) == (room >= 80)


def test_a_list_that_fits_and_one_for_a_program_are_whole() -> None:
    for room in (220, None):
        lines, is_short = tables.list_lines(HEADS, [RUN], cut=3, least=10, room=room)
        assert not is_short
        assert all(word in lines[2].plain for word in RUN)


def test_a_list_whose_names_alone_are_wider_than_the_room_cuts_none_of_them() -> None:
    lines, _ = tables.list_lines(HEADS, [RUN], cut=3, least=10, room=30)
    assert "environment" in shown(lines)
    assert max(line.cell_len for line in lines) <= 30
