"""Versions that go together and those that do not; what cannot be compared is left alone."""

import pytest

from csoc.gen3.versions_needed import PAIRS, Pair, broken, comparable, tube_has_underscores, tube_joins_own_identifier


def breaks(service: str, tag: str, other: str, other_tag: str) -> bool:
    pairs = [pair for pair in PAIRS if (pair.service, pair.other) == (service, other)]
    assert pairs
    return any(broken(pair, tag, other_tag) for pair in pairs)


@pytest.mark.parametrize(
    ("tag", "other", "wrong"),
    [
        ("2.9.9", "1.0.0", False),
        ("3.0.0", "1.9.9", True),
        ("3.0.0", "2.0.0", False),
        ("4.3.0", "2.1.0", False),
        ("4.4.0", "2.1.0", True),
        ("4.4.0", "2.2.0", False),
        ("4.4.9", "2.2.1", True),
        ("4.5.0", "2.2.1", False),
        ("4.6.0", "2.2.1", True),
        ("4.6.0", "2.3.0", False),
        ("9.1.0", "2.3.0", False),
        ("2026.03", "2.2.0", True),
        ("2026.03", "2026.03", False),
        ("2026.03", "4.1", False),
        ("3.0.0", "2026.03", False),
        ("4.4.0", "2026.03", True),
        ("2026.03", "2.2.0@sha256:" + "0" * 64, True),
    ],
)
def test_fence_needs_an_arborist_of_its_time(tag: str, other: str, wrong: bool) -> None:
    assert breaks("fence", tag, "arborist", other) is wrong


def test_peregrine_needs_an_arborist_that_has_the_mapping() -> None:
    assert breaks("peregrine", "2.0.0", "arborist", "2.0.9")
    assert not breaks("peregrine", "1.9.0", "arborist", "1.0.0")


@pytest.mark.parametrize("tag", ["master", "feat_x", "", "sha-0123abc", "2020.03", "3.0.0-rc.1", "latest", "1.2.3.4.5"])
def test_quiet_for_branches_and_what_cannot_be_compared(tag: str) -> None:
    assert comparable(tag) is None
    assert not breaks("fence", tag, "arborist", "1.0.0")
    assert not breaks("fence", "4.6.0", "arborist", tag)


def test_bounds_exclude_their_upper_end() -> None:
    pair = Pair("a", "1.0.0", "b", "1.0.0", "", below="2.0.0", needs_below="2.0.0")
    assert broken(pair, "1.5", "2.0.0")
    assert not broken(pair, "1.5", "1.9.9")
    assert not broken(pair, "2.0.0", "2.0.0")


@pytest.mark.parametrize(
    ("tag", "new"),
    [
        ("0.3.9", False), ("0.4.0", False), ("0.4.1", True), ("1.0.0", True), ("2020.09", False), ("2020.10", True),
        ("2026.04", True), ("master", True), ("", True),
    ],
)  # fmt: skip
def test_tube_renamed_identifiers_at_a_version(tag: str, new: bool) -> None:
    assert tube_has_underscores(tag) is new


@pytest.mark.parametrize(
    ("tag", "own"),
    [
        ("0.3.19", False), ("0.4.0", True), ("0.5.0", True), ("0.5.1", False), ("2020.02", False), ("2020.09", True),
        ("2021.08", True), ("2021.09", False), ("2026.09", False), ("master", False), ("", False),
    ],
)  # fmt: skip
def test_some_tubes_join_an_index_by_its_identifier_where_a_field_is_missing(tag: str, own: bool) -> None:
    assert tube_joins_own_identifier(tag) is own
