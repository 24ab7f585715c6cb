"""Names of revisions, branches and paths: what Git could misread never reaches it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.fleet.revisions import Revision, check_branch, check_path, check_revision, parse_revision


@pytest.mark.parametrize(
    ("text", "name", "back"),
    [
        ("main", "main", 0),
        ("feature/a-b_c.d", "feature/a-b_c.d", 0),
        ("HEAD~3", "HEAD", 3),
        ("main^", "main", 1),
        ("main^^~2", "main", 4),
        ("main~", "main", 1),
        ("main~0", "main", 0),
        ("größe", "größe", 0),
        ("a@b", "a@b", 0),
    ],
)
def test_a_revision_is_a_name_and_steps_back(text: str, name: str, back: int) -> None:
    assert parse_revision(text) == Revision(name, back)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-x",
        "a..b",
        "a...b",
        "@{u}",
        "main@{yesterday}",
        "a\x00",
        "a\n",
        "a b",
        ":/fix",
        "a:b",
        "^main",
        "a\\b",
        "~1",
        "a?",
        "a*",
        "a[b",
        "a//b",
        "/a",
        "a/",
        "a.",
        "x.lock",
        "x.lock/y",
        "a/.b",
        "main~99999",
        "main^{tree}",
        "a" * 300,
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(RejectedError):
        parse_revision(text)


def test_a_short_name_means_a_branch_before_a_tag_and_a_full_one_itself() -> None:
    assert Revision("x").references() == ("refs/heads/x", "refs/tags/x")
    assert Revision("refs/tags/x").references() == ("refs/tags/x",)
    assert Revision("a" * 40).is_commit
    assert not Revision("a" * 39).is_commit
    assert not Revision("A" * 40).is_commit
    assert not Revision("abcdef").may_be_commit


@given(st.text(max_size=40))
def test_no_accepted_name_holds_what_git_gives_a_meaning(text: str) -> None:
    try:
        name = parse_revision(text).name
    except RejectedError:
        return
    assert not name.startswith("-")
    assert not any(part in name for part in ("..", "@{", "~", "^", ":", "\\", " "))
    assert name.isprintable()


@given(st.text(max_size=30))
def test_no_accepted_path_leaves_the_repository_or_enters_git(text: str) -> None:
    try:
        parts = check_path(text).split("/")
    except RejectedError:
        return
    assert not {"", ".", ".."} & set(parts)
    assert not [part for part in parts if part.lower().rstrip(". ") == ".git"]


def test_a_branch_is_written_by_its_short_name() -> None:
    assert check_branch("csoc/set-1") == "csoc/set-1"
    for name in ("HEAD", "@", "refs/heads/main", "main~1"):
        with pytest.raises(RejectedError):
            check_branch(name)


DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("", True),
        ("", False),
        ("1.2.3", True),
        ("v1.2.3-rc.1+build", True),
        ("~1.2", True),
        (">=1.2 <2 || ^3", True),
        ("*", True),
        (DIGEST, True),
        ("main", False),
        ("gen3-0.3.90", False),
        ("feature/a-b", False),
        ("0" * 40, False),
        ("refs/tags/v1", False),
        ("1.*", False),
        ("main", None),
        ("~1.2", None),
        (DIGEST, None),
    ],
)
def test_a_revision_is_a_version_where_charts_are_packed_and_a_name_in_git(text: str, packed: bool | None) -> None:
    assert check_revision(text, packed=packed) == text


@pytest.mark.parametrize("packed", [True, False, None])
@pytest.mark.parametrize(
    "text",
    ["-x", "--upload-pack=x", "../../x", "a/../b", "a b", "a\nb", "x.lock", "@", "@{-1}", "/x", "HEAD~1", "main^",
     "a?b", "1.2.3\n- x", "$(id)\0", "sha256:../../x", "1" * 300],
)  # fmt: skip
def test_what_is_no_revision_anywhere_is_refused(text: str, packed: bool | None) -> None:
    with pytest.raises(RejectedError):
        check_revision(text, packed=packed)


@pytest.mark.parametrize("text", ["main", "latest", "gen3-0.3.90", "a" * 40, "sha256:abc"])
def test_a_name_of_git_is_no_version_of_a_packed_chart(text: str) -> None:
    with pytest.raises(RejectedError, match="neither a version"):
        check_revision(text, packed=True)
