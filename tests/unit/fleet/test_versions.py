"""Versions and constraints as Helm's library takes them (its own documentation and tests are the source)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.versions import Constraint, Version, is_exact, newest


@pytest.mark.parametrize(
    ("constraint", "yes", "no"),
    [
        ("*", "0.0.1 1.2.3", "1.0.0-rc.1"),
        ("", "0.0.1 9.9.9", "1.0.0-rc.1"),
        (">=1.2.3-0", "1.2.3-beta 1.3.0 2.0.0-a", "1.2.2"),
        ("^1.2", "1.2.0 1.9.9", "1.1.9 2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 1.0.0"),
        ("^0.0.3", "0.0.3", "0.0.4 0.1.0"),
        ("^0", "0.0.1 0.9.9", "1.0.0"),
        ("^0.0", "0.0.9", "0.1.0"),
        ("~1.2", "1.2.0 1.2.9", "1.3.0"),
        ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        ("~>1.2", "1.2.9", "1.3.0"),
        ("1.x", "1.0.0 1.9.9", "2.0.0"),
        ("1.2.X", "1.2.9", "1.3.0"),
        ("1.2", "1.2.7", "1.3.0"),
        ("v1.2.3", "1.2.3", "1.2.4"),
        ("=1.2.3", "1.2.3", "1.2.4"),
        ("!=1.2.x", "1.3.0 2.2.2", "1.2.0"),
        ("!=1.2.3", "1.2.4", "1.2.3"),
        (">11", "12.0.0", "11.1.0"),
        (">11.1", "11.2.0", "11.1.1"),
        ("<=11", "11.9.9 1.0.0", "12.0.0"),
        ("<=11.2", "11.2.9", "11.3.0"),
        ("<11", "10.9.9", "11.0.0"),
        ("1.1 - 2", "1.1.0 2.5.0", "1.0.9 3.0.0"),
        ("1.1 - 2.3.4", "2.3.4", "2.3.5"),
        (">=1 <3", "2.0.0", "3.0.0 0.9.0"),
        (">=1, <3", "2.0.0", "3.0.0"),
        ("^1 || ^3", "1.5.0 3.5.0", "2.0.0"),
        ("=> 1.0, =< 2.0.0", "2.0.0", "2.0.1"),
    ],
)
def test_a_constraint_allows_what_helm_allows(constraint: str, yes: str, no: str) -> None:
    parsed = Constraint.parse(constraint)
    assert parsed is not None
    allowed = {text: parsed.allows(version) for text in f"{yes} {no}".split() if (version := Version.parse(text))}
    assert allowed == dict.fromkeys(yes.split(), True) | dict.fromkeys(no.split(), False)


@pytest.mark.parametrize(
    "text", ["main", "1.2>3", "||", "1 ||", "1,,2", ">", "1.2.3.4", "latest", "1.2 3.4.5.6", "x" * 300]
)
def test_what_is_no_constraint_is_none(text: str) -> None:
    assert Constraint.parse(text) is None


def test_versions_are_ordered_as_the_specification_says() -> None:
    texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
             "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]  # fmt: skip
    parsed = [version for version in map(Version.parse, texts) if version]
    assert sorted(set(parsed)) == parsed
    assert Version.parse("1.0.0+a") == Version.parse("v1.0.0+b")
    assert Version.parse("1") == Version.parse("1.0.0")


def test_the_newest_is_the_exact_one_or_the_highest_allowed() -> None:
    known = ["0.3.9", "0.3.90", "0.3.10", "1.0.0-rc.1", "nonsense", "0.3.90+b"]
    assert newest(known, "") == "0.3.90"
    assert newest(known, "0.3.90+b") == "0.3.90+b"
    assert newest(known, "~0.3.10") == "0.3.90"
    assert newest(known, ">=1.0.0-0") == "1.0.0-rc.1"
    assert newest(known, "2.x") is None
    assert newest(known, "main") is None


def test_only_a_whole_version_is_exact() -> None:
    assert [text for text in ("1.2.3", "v1.2.3-rc.1+b", "1.2", "^1.2.3", "*", "main", "1.2.x") if is_exact(text)] == [
        "1.2.3",
        "v1.2.3-rc.1+b",
    ]


@given(st.text(alphabet="0123456789.x*^~<>=!|-, v+a", max_size=40))
def test_any_text_is_a_constraint_or_none_and_answers(text: str) -> None:
    constraint = Constraint.parse(text)
    if constraint is not None:
        assert constraint.allows(Version(1, 2, 3)) in (True, False)
    Version.parse(text)
