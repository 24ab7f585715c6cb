"""A tree with some files changed."""

from __future__ import annotations

import hashlib

import pytest

from csoc.errors import NotFoundError, RejectedError
from csoc.fleet.overlay import OverlayTree, blob_id
from csoc.testing.repositories import MemoryRepositories, MemoryTree


@pytest.fixture
def base() -> MemoryTree:
    repository = MemoryRepositories().add("https://git.example.org/a/b", aliases=["git.example.org/c/d"])
    commit = repository.write("main", {"a": b"1", "b/c": b"2", "d": b"3"})
    return MemoryTree(repository, commit, "main")


def test_changed_new_and_removed_files_are_seen_and_all_others_are_the_bases(base: MemoryTree) -> None:
    tree = OverlayTree(base, {"a": b"new", "b/x": b"more", "d": None})
    assert list(tree.entries()) == ["a", "b/c", "b/x"]
    assert (tree.read("a"), tree.read("b/x"), tree.read("b/c")) == (b"new", b"more", b"2")
    assert tree.entries()["a"].size_bytes == 3
    with pytest.raises(NotFoundError, match="removes"):
        tree.read("d")
    assert base.read("a") == b"1"


def test_it_is_the_same_repository_at_another_commit(base: MemoryTree) -> None:
    tree = OverlayTree(base, {"a": b"new"})
    assert (tree.repository, tree.revision, tree.aliases) == (base.repository, "main", base.aliases)
    assert tree.commit != base.commit
    assert len(tree.commit) == 40
    assert OverlayTree(base, {"a": b"new"}).commit == tree.commit
    assert len({OverlayTree(base, files).commit for files in ({"a": b""}, {"a": None}, {"b": b""}, {})}) == 4


def test_equal_contents_have_the_blob_ids_of_git(base: MemoryTree) -> None:
    assert blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    tree = OverlayTree(base, {"x": b"1"})
    assert tree.entries()["x"].blob == tree.entries()["a"].blob
    assert blob_id(b"") == hashlib.sha1(b"blob 0\0", usedforsecurity=False).hexdigest()


def test_limits_hold_for_changed_files_too(base: MemoryTree) -> None:
    tree = OverlayTree(base, {"a": b"12345"})
    with pytest.raises(RejectedError, match="5 bytes"):
        tree.read("a", limit_bytes=4)
    with pytest.raises(RejectedError):
        tree.read("b/c", limit_bytes=0)
