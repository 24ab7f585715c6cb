"""The four dialects of patterns, each against what its original matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.argocd import globs


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("apps/*", "apps/a", True),
        ("apps/*", "apps/a/b", False),
        ("*", "apps/a", False),
        ("*/*", "apps/a", True),
        ("apps/[ab]?", "apps/ax", True),
        ("apps/[^ab]", "apps/c", True),
        ("apps/[^ab]", "apps/a", False),
        ("apps/[", "apps/[", False),
        (r"apps/\*", "apps/*", True),
        ("apps/**", "apps/a", True),
        ("apps/**", "apps/a/b", False),
    ],
)
def test_directories_match_as_gos_path_match(pattern: str, path: str, expected: bool) -> None:
    assert globs.matches_path(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("values/**/*.yaml", "values/a.yaml", True),
        ("values/**/*.yaml", "values/x/y/a.yaml", True),
        ("values/**", "values/x/y/a.yaml", True),
        ("**/a.yaml", "a.yaml", True),
        ("values/{dev,prod}/*.yaml", "values/prod/a.yaml", True),
        ("values/{dev,prod}/*.yaml", "values/test/a.yaml", False),
        ("values/*.yaml", "values/x/a.yaml", False),
        ("values/*.yaml", "values/.hidden.yaml", True),
    ],
)
def test_value_files_match_as_doublestar(pattern: str, path: str, expected: bool) -> None:
    assert globs.matches_doublestar(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("apps/*/config.json", "apps/a/b/config.json", True),
        ("apps", "apps/a/config.json", True),
        ("apps", "apps2/config.json", False),
        ("**/config.json", "a/config.json", True),
        ("**/config.json", "config.json", False),
        (".", "anything", True),
    ],
)
def test_files_match_as_gits_pathspecs(pattern: str, path: str, expected: bool) -> None:
    assert globs.matches_pathspec(pattern, path) is expected


def test_include_and_exclude_stars_cross_folders() -> None:
    assert globs.matches_anywhere("*.yaml", "a/b.yaml")
    assert globs.matches_anywhere("{a,b}/*", "b/x/y")
    assert not globs.matches_anywhere("*.yml", "a/b.yaml")


def test_a_pattern_made_to_explode_is_matched_quickly() -> None:
    assert not globs.matches_segment("*a" * 200 + "b", "a" * 20_000)
    assert not globs.matches_doublestar("/".join(["**", "a"] * 200) + "/b", "/".join("a" * 2_000))
    assert len(globs.alternatives("{a,b}" * 30)) <= 200


@given(st.text(alphabet="ab*?[]^-{},\\/", max_size=25), st.text(alphabet="ab/-", max_size=25))
def test_matching_never_raises(pattern: str, path: str) -> None:
    for match in (globs.matches_path, globs.matches_doublestar, globs.matches_pathspec, globs.matches_anywhere):
        assert match(pattern, path) in (True, False)


@given(st.text(alphabet="ab/.", min_size=1, max_size=20))
def test_a_path_without_wildcards_matches_itself(path: str) -> None:
    assert globs.matches_path(path, path)
    assert globs.matches_doublestar(path, path)
