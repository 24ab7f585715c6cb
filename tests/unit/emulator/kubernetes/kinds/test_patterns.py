"""Regular expressions that run in time that grows with the text alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.emulator.kubernetes.kinds.patterns import Pattern, PatternError

COMMON = [
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$",
    r"^(?:[a-z]+|\d{1,3})$",
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE])?$",
    r"^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)$",
    r"^[^\s/]+$",
    r"^(?P<a>[A-Za-z_-]{2,4})?[\w.]*?$",
    r"^\S+@\S+\.[a-z]{2,}$",
    r"a|^b|c$",
    r"[^-a]b-?[]x]",
    r"[.+*(){}|^$-]",
    r"(?i)^http(s)?://",
    r"",
    r"\bof\b",
]
TEXTS = ["", "a", "ab", "abc-1.d", "1h30m", "999", "10.0.0.1", "300.1.1.1", "a b", "-x", "x]b", "HTTP://x", "out of it",
         "5Gi", "joe@example.org", "often", "c", "b\nx", "zb]", "-b-]"]  # fmt: skip


@pytest.mark.parametrize("pattern", COMMON)
@pytest.mark.parametrize("text", TEXTS)
def test_patterns_that_definitions_use_match_as_they_do_elsewhere(pattern: str, text: str) -> None:
    assert Pattern(pattern).found_in(text) is (re.search(pattern, text) is not None)


@given(st.from_regex(r"\A([ab.]|\(([ab]|[ab]\|[ab]?)\)|\[\^?[ab]+\])([*+?]|\{[0-2],[2-3]\})?(\^|\$)?[ab]?\Z"),
       st.text("ab\n", max_size=8))  # fmt: skip
def test_whatever_is_matched_is_matched_as_elsewhere(pattern: str, text: str) -> None:
    same = pattern.replace("$", r"\Z")  # Go's $ is the end alone
    assert Pattern(pattern).found_in(text) is (re.search(same, text) is not None)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"^(a|a)*$", r"(a|aa)+$", r"(.*a){9}$", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_that_take_years_elsewhere_end_here(pattern: str) -> None:
    assert not Pattern(pattern).found_in("a" * 2_000 + "!")


def test_a_text_that_is_too_long_for_a_pattern_is_given_up_in_words() -> None:
    with pytest.raises(PatternError, match="too long"):
        Pattern("(.?){900}(.?){900}b$").found_in("a" * 3_000_000)


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[", "[a", "*a", "a**", "a{1001}", "(?=a)", r"(a)\1", "(?<!a)b", "((((" * 200 + "))))" * 200,
     "(((a{999}){999}){999}){999}", r"\p{Greek}", "[b-a]", "\\", "a{2,1}", "(?P>x)", r"\8"],
)  # fmt: skip
def test_what_go_does_not_take_or_is_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        Pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", r"^missing closing \)$"),
        ("a**", "^invalid nested repetition operator$"),
        ("(a{40}){40}", "^invalid repeat count$"),
        (r"\p{Greek}", "the emulator does not take it: .* general categories"),
        ("(?:a{900}|" * 30 + "b" + ")" * 30, "expression too large .*the emulator does not take it"),
    ],
)
def test_a_refusal_has_the_words_of_the_server_and_says_what_only_the_emulator_refuses(
    pattern: str, words: str
) -> None:
    with pytest.raises(PatternError, match=words):
        Pattern(pattern)


def test_quoted_and_escaped_characters_stand_for_themselves() -> None:
    assert Pattern(r"^\Qa.b\E+\x41\x{1F600}\n$").found_in("a.bbbA\U0001f600\n")
    assert Pattern(r"^[[:alpha:]\d_]+\pL\P{Nd}$").found_in("a1_éx")
    assert not Pattern("a$").found_in("a\n")
    assert Pattern("(?m)a$").found_in("a\n")
