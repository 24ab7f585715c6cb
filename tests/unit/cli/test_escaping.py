"""What text from outside becomes before it is printed."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.cli import escaping

NASTY = [
    "a\nb",
    "a\rb",
    "\u202etxt.exe",
    "\u2066x\u2069",
    "a\u200bb\u200d\ufeff",
    "\x9b31mred",
    "\x1b]0;title\x07",
    "\u2028line\u2029",
    "\u3164\u034f\ufe0f\U000e0101",
    "::error::x",
    "  ::add-mask::x",
    "##[command]rm",
    "##VSO[task]x",
    "##teamcity[x",
    "\ud800",
]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=40), st.lists(st.sampled_from(NASTY)).map("".join))


def harmless(line: str) -> bool:
    """Whether a terminal shows every character of it, and no CI system takes it for a command."""
    hidden = [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    commands = re.search(r"^\s*::|##(\[|vso\[|teamcity\[)", line, re.IGNORECASE)
    return not hidden and not commands and line.isprintable()


@given(texts)
def test_foreign_text_is_one_line_that_shows_everything_and_commands_nothing(text: str) -> None:
    assert harmless(escaping.clean(text))
    assert escaping.clean(escaping.clean(text)) == escaping.clean(text)


@given(texts)
def test_json_says_the_same_with_escapes(text: str) -> None:
    for ascii_only in (False, True):
        written = escaping.json_text({"a": text}, indent=2, ascii_only=ascii_only)
        assert json.loads(written) == {"a": text}
        assert all(harmless(line) for line in written.split("\n"))
        written.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31m\x9b", "\\x1b[31m\\x9b"),
        ("\u202e\u200b", "\\u202e\\u200b"),
        ("\U000e0101\u3164", "\\U000e0101\\u3164"),
        ("::error::x", "\\x3a:error::x"),
        ("a::b é 漢 🙂", "a::b é 漢 🙂"),
    ],
)
def test_escapes_are_those_that_people_know(text: str, shown: str) -> None:
    assert escaping.clean(text) == shown


def test_json_escapes_what_turns_text_around() -> None:
    assert escaping.json_text("\u202ex\u3164") == '"\\u202ex\\u3164"'
