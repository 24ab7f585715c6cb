"""Lines of a text inside a value: exact where the text's lines are lines of the file, else those of its key."""

import pytest

from csoc.fleet.values import EffectiveValues
from csoc.fleet.yaml import yamltext
from csoc.testing.states import layer

FILE = """
a:
  literal: |
    one
    two
  kept: |+2
      indented

  stripped: |-

    after an empty line
  folded: >
    one
    two
  quoted: "one\\ntwo"
  plain: one
    two
  tagged: !!str
    |
    one
  anchored: &x |
    one
  alias: *x
  list:
    - |
      item
    - nested: |
        deep
  number: 7
"""


def line_of(text: str) -> int:
    return FILE[: FILE.index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a", "literal"), line_of("    one")),
        (("a", "kept"), line_of("      indented")),
        (("a", "stripped"), line_of("  stripped") + 1),
        (("a", "list", 0), line_of("      item")),
        (("a", "list", 1, "nested"), line_of("        deep")),
        (("a", "folded"), 0),
        (("a", "quoted"), 0),
        (("a", "plain"), 0),
        (("a", "tagged"), 0),
        (("a", "anchored"), 0),
        (("a", "alias"), 0),
        (("a", "number"), 0),
        (("a",), 0),
        ((), 0),
        (("a", "missing"), 0),
        (("a", "list", 7), 0),
        (("a", "number", "deeper"), 0),
    ],
)
def test_the_text_of_a_literal_block_has_lines_of_its_own(path: tuple[str | int, ...], line: int) -> None:
    (document,) = yamltext.parse(FILE.encode())
    assert document.text_line(path) == line


def test_each_line_of_a_block_is_found_where_the_file_has_it() -> None:
    text = "x: 1\ntext: |-\n\n  one\n\n    two\n  three\n"
    values = EffectiveValues.merge([layer(text)])
    for number, content in enumerate(values.get("text").split("\n"), start=1):
        place = values.text_origin("text", number)
        assert place
        assert text.splitlines()[place.line - 1].strip() == content.strip()


def test_the_layer_that_wins_says_where_the_text_is() -> None:
    low, high = layer("text: |\n  low\n", "low.yaml"), layer("x: 1\ntext: |\n  high\n  more\n", "high.yaml")
    assert str(EffectiveValues.merge([low, high]).text_origin("text", 2)) == "high.yaml:4"
    assert str(EffectiveValues.merge([high, low]).text_origin("text", 1)) == "low.yaml:2"


def test_a_text_whose_lines_are_no_lines_stands_at_its_key() -> None:
    values = EffectiveValues.merge([layer('x: 1\ntext: "one\\ntwo"\n')])
    assert str(values.text_origin("text", 2)) == "values.yaml:2"


def test_a_text_that_is_not_there_stands_at_what_would_hold_it() -> None:
    values = EffectiveValues.merge([layer("a:\n  b: 1\n")])
    assert str(values.text_origin("a.text", 3)) == "values.yaml:1"
    assert values.text_origin("other", 3) is None
