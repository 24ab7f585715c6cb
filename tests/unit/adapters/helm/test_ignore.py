"""The rules of .helmignore. The contract suite compares them with the helm command; here are the forms one by one."""

from __future__ import annotations

import time

import pytest

from csoc.adapters.helm.fetch.ignore import Ignore
from csoc.errors import RejectedError


@pytest.mark.parametrize(
    ("rules", "left_out", "kept"),
    [
        ("", ["templates/.hidden"], ["a", ".hidden", "templates/a.yaml"]),
        ("*.txt", ["a.txt", "b/a.txt"], ["a.md", "atxt"]),
        ("b/", ["b/a.txt", "x/b/a.txt"], ["b", "a/b"]),
        ("b", ["b", "b/a.txt", "x/b"], ["bb"]),
        ("/a.txt", ["a.txt"], ["b/a.txt"]),
        ("b/*.txt", ["b/a.txt"], ["a.txt", "x/b/a.txt", "b/c/a.txt"]),
        ("a?[x-z]", ["abx", "c/aaz"], ["abw", "ax"]),
        ("[^a]b", ["cb"], ["ab"]),
        ("# comment\n\n  a.txt  ", ["a.txt"], ["# comment", "b"]),
        (r"\*.txt", ["*.txt"], ["a.txt"]),
        ("\ufeffa.txt", ["a.txt"], ["b"]),
        ("!*.md", ["a.txt"], ["a.md"]),
    ],
)
def test_each_form_of_a_rule_leaves_out_what_helm_leaves_out(rules: str, left_out: list[str], kept: list[str]) -> None:
    ignore = Ignore(rules.encode())
    assert [path for path in left_out if not ignore.leaves_out(path)] == []
    assert [path for path in kept if ignore.leaves_out(path)] == []


@pytest.mark.parametrize("rules", ["a/**/b", "[a", "x" * 1_000])
def test_what_helm_refuses_is_refused(rules: str) -> None:
    with pytest.raises(RejectedError, match="helmignore"):
        Ignore(rules.encode())


def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    ignore = Ignore(("*a" * 200 + "b").encode())
    assert not ignore.leaves_out("a" * 900)
    assert time.monotonic() - began < 2
