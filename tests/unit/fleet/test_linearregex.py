"""All of RE2's syntax, as Go's regexp reads it, in time that grows with the text alone."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.fleet.linearregex import Budget, Fault, PatternError, Syntax, UnsupportedPatternError, compile_pattern

RE2 = Syntax(re2=True)


def found(pattern: str, text: str) -> bool:
    return compile_pattern(pattern, RE2, anywhere=True).matches(text, Budget())


# The answers are those of Go 1.26: regexp.MustCompile(pattern).MatchString(text).
@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        (r"^[[:blank:]]$", ["\t", " "], ["\n", "a"]),
        (r"^[[:^alpha:]_]$", ["1", "_", "é"], ["a", "Z"]),
        (r"^[[:punct:]]$", ["!", "~", "_"], ["a", " ", "é"]),
        (r"^[[:space:]]$", ["\v"], ["x"]),
        (r"^\s$", ["\f", " "], ["\v", "\u00a0"]),
        (r"^[\D\S]$", ["1", " ", "a"], [""]),
        (r"^[^\W_]$", ["a", "9"], ["_", "-", "é"]),
        (r"^[\w-z]+$", ["a-z"], ["a.z"]),
        (r"^[]a]+$", ["]a"], ["b"]),
        (r"^[[:]+$", [":["], ["]"]),
        (r"\Qa.b*\E+c", ["a.b**c"], ["axb*c", "a.bc", "a.b\\E+c"]),
        (r"^a\Q\E*$", ["", "aaa"], ["b"]),
        (r"\Qa|b", ["a|b"], ["a", "b"]),
        (r"\Aa\z", ["a"], ["a\n", "\na", "aa"]),
        (r"a$", ["ba"], ["a\n"]),
        (r"(?m)^a$", ["a\n", "b\na", "\na\n"], ["ba", "ab"]),
        (r"(?m)a$\n^b", ["a\nb"], ["a\n\nb", "ab"]),
        (r"(?m)^$", ["", "a\n", "\na"], ["a"]),
        (r"(?m)a(?-m)$", ["ba"], ["a\n"]),
        (r"\bof\b", ["of", "out of it", "é of é", "éof"], ["often", "_of"]),
        (r"\Bof\B", ["loofah"], ["of", "out of", "often"]),
        (r"^\B$", [""], ["a", "-"]),
        (r"a\b", ["a-", "a"], ["ab"]),
        (r"a\b.*\Bb", ["a cb"], ["a b", "ab"]),
        (r"(?:\b|^)*x", ["x", "ax"], ["a"]),
        (r"(?i)^straße$", ["STRAẞE", "straße"], ["STRASSE"]),
        (r"(?i)^k[^s]$", ["Kk", "\u212ak"], ["kS", "k\u017f"]),
        (r"(?i)^[^\W]$", ["\u212a", "\u017f"], ["é"]),
        (r"(?i)^\pL\p{Lu}$", ["aa"], ["a1"]),
        (r"(?i:a)b", ["Ab"], ["aB"]),
        (r"((?i)a|b)c", ["Bc", "Ac"], ["bC"]),
        (r"(?s)^a.b$", ["a\nb"], ["ab"]),
        (r"^a.b$", ["a\rb"], ["a\nb"]),
        (r"(?U)^a+$", ["aa"], ["b"]),
        (r"^\pL\P{Nd}\p{^Lu}[\p{Sc}\PC]$", ["éxx€"], ["1xxx", "x1xx", "xxXx"]),
        (r"^\x41\x{1F600}\101\0$", ["A\U0001f600A\0"], ["AA"]),
        (r"^(?P<a>x)(?<1>y)(?P<a>z)$", ["xyz"], ["xy"]),
        (r"^a{,2}b{01}{$", ["a{,2}b{01}{"], ["aab"]),
        (r"^(?:a{10}){100}$", ["a" * 1000], ["a" * 999, "a" * 1001]),
        (r"^a{1000}$", ["a" * 1000], ["a" * 999]),
    ],
)
def test_patterns_find_what_go_finds(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert [text for text in inside if not found(pattern, text)] == []
    assert [text for text in outside if found(pattern, text)] == []


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        (")", Fault.CLOSED),
        ("(a", Fault.NOT_CLOSED),
        ("[a", Fault.CLASS_NOT_CLOSED),
        ("[b-a]", Fault.RANGE),
        ("[[:letters:]]", Fault.RANGE),
        (r"[a-\d]", Fault.ESCAPE),
        (r"[\Qa\E]", Fault.ESCAPE),
        ("|*", Fault.NOTHING_REPEATED),
        ("(?i)*", Fault.NOTHING_REPEATED),
        ("{2}", Fault.NOTHING_REPEATED),
        ("a**", Fault.REPEATED_TWICE),
        ("a{2}{3}", Fault.REPEATED_TWICE),
        ("a{1001}", Fault.COUNT),
        ("a{2,1}", Fault.COUNT),
        ("(a{40}){40}", Fault.COUNT),
        ("(?=a)", Fault.GROUP),
        ("(?<!a)b", Fault.NAME),
        ("(?i-)a", Fault.GROUP),
        ("(?P<é>a)", Fault.NAME),
        (r"(a)\1", Fault.ESCAPE),
        (r"\8", Fault.ESCAPE),
        (r"a\Z", Fault.ESCAPE),
        (r"\E", Fault.ESCAPE),
        (r"\é", Fault.ESCAPE),
        (r"\x{110000}", Fault.ESCAPE),
        ("\\", Fault.LAST_BACKSLASH),
    ],
)
def test_what_go_refuses_is_refused_for_the_same_fault(pattern: str, fault: Fault) -> None:
    with pytest.raises(PatternError, match="at character") as refused:
        compile_pattern(pattern, RE2)
    assert refused.value.fault is fault
    assert not isinstance(refused.value, UnsupportedPatternError)


@pytest.mark.parametrize(
    "pattern", [r"\p{Greek}", "(" * 60 + ")" * 60, "a" * 2_001, "(?:" + "a{900}" * 3 + "|b{900}" * 3 + ")"]
)
def test_what_go_takes_and_this_does_not_is_told_apart(pattern: str) -> None:
    with pytest.raises(UnsupportedPatternError):
        compile_pattern(pattern, RE2)


@pytest.mark.parametrize(
    "pattern", ["(?i)a", "(?m:a)", r"\ba", r"\Ba", r"\Qa\E", r"\pL", r"\x41", r"\101", "[[:blank:]]", "[[:^alpha:]]"]
)
def test_patterns_of_paths_have_none_of_what_engines_read_differently(pattern: str) -> None:
    compile_pattern(pattern, RE2)
    with pytest.raises(UnsupportedPatternError):
        compile_pattern(pattern)


def test_a_count_of_nothing_is_refused_in_patterns_of_paths_too() -> None:
    with pytest.raises(PatternError, match="nothing stands before"):
        compile_pattern("a|{2}")


_SAME = ["a", "B", "_", ".", "[ab]", "[^a]", r"\w", r"\W", r"\b", "^", "(?m:$)", r"\n", r"\s", "[^b-z]", r"[\d\w]"]
_SPELLED = [(r"\B", r"(?!\b)"), ("(?-m:$)", r"\Z"), (r"\z", r"\Z"), ("[[:upper:]]", "[A-Z]"), (r"\Qa.\E", r"a\.")]
_FLAGS = ["i", "m", "s", "im", "-i", "ms-i"]


def joined(parts: list[tuple[str, str]], between: str) -> tuple[str, str]:
    ours, pythons = zip(*parts, strict=True)
    return f"(?:{between.join(ours)})", f"(?:{between.join(pythons)})"


_TREES = st.recursive(
    st.sampled_from([*((one, one) for one in _SAME), *_SPELLED]),
    lambda part: st.one_of(
        st.lists(part, min_size=1, max_size=3).map(lambda parts: joined(parts, "")),
        st.lists(part, min_size=1, max_size=3).map(lambda parts: joined(parts, "|")),
        st.tuples(part, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}?"])).map(
            lambda pair: (f"(?:{pair[0][0]}){pair[1]}", f"(?:{pair[0][1]}){pair[1]}")
        ),
        st.tuples(part, st.sampled_from(_FLAGS)).map(
            lambda pair: (f"(?{pair[1]}:{pair[0][0]})", f"(?{pair[1]}:{pair[0][1]})")
        ),
    ),
    max_leaves=6,
)


@given(pattern=_TREES, text=st.text(alphabet="abB_.- \n", max_size=7))
def test_flags_edges_and_classes_match_what_pythons_own_do(pattern: tuple[str, str], text: str) -> None:
    whole, anywhere = compile_pattern(pattern[0], RE2), compile_pattern(pattern[0], RE2, anywhere=True)
    python = re.compile(pattern[1], re.ASCII)
    for _ in range(2):  # the second time from what is remembered
        assert whole.matches(text, Budget()) == bool(python.fullmatch(text))
        assert anywhere.matches(text, Budget()) == bool(python.search(text))


@given(pattern=_TREES, text=st.text(alphabet="abB_.- \n", max_size=7))
def test_a_pattern_that_may_remember_nothing_matches_the_same(pattern: tuple[str, str], text: str) -> None:
    forgetful = compile_pattern(pattern[0], Syntax(re2=True, remembered=0), anywhere=True)
    assert forgetful.matches(text, Budget()) == found(pattern[0], text)


@given(st.text(alphabet="ab()[]{}|*+?\\^$.-,:09P<>d!QEimsUpLxbB&é", max_size=25))
def test_any_text_is_an_expression_of_re2_or_is_refused_with_the_place(text: str) -> None:
    refused = ""
    try:
        found(text, "ab\n")
    except PatternError as error:
        refused = error.cause
    assert refused == "" or "at character" in refused or "too large" in refused


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        (r"(?i)(\b|a|\B)*(?m:$|^|a)*c", 20_000),
        (r"(a|b)*a(a|b){18}c", 20_000),
        (r"(\w+\b)*-", 20_000),
        ("[" + "a-zÀ-ſ" * 3_000 + r"]{200}\z\A", 2_000),
        ("[" + r"\pL\PN\W\S" * 2_000 + "]*(?i:[" + r"\PL\W" * 2_000 + "])b$", 20_000),
    ],
)
def test_a_pattern_made_to_take_years_ends_within_the_budget(pattern: str, size: int) -> None:
    start = time.process_time()
    compiled = compile_pattern(pattern, Syntax(re2=True, length=40_000, remembered=2_000), anywhere=True)
    with contextlib.suppress(RejectedError):  # to give up is an end as well
        assert not compiled.matches("abbaaab" * (size // 7), Budget(left=3_000_000))
    assert time.process_time() - start < 5


def test_what_is_remembered_does_not_grow_with_the_text() -> None:
    text = "".join(f"{number:b}" for number in range(1_000))
    kept = []
    for most in (500, 20_000):
        budget = Budget()
        compile_pattern("(0|1)*1(0|1){12}c", Syntax(re2=True, remembered=most)).matches(text, budget)
        kept.append(Budget().memory - budget.memory)
    assert kept[0] <= 500 < kept[1] <= 20_000


def test_a_text_that_matches_early_is_not_read_to_its_end() -> None:
    assert compile_pattern(r"ab\b", RE2, anywhere=True).matches("ab " + "x" * 1_000_000, Budget(left=1_000))
