"""Writing into somebody's work tree: only what was read, never through links, all or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from csoc.errors import ConflictError, RejectedError
from csoc.fleet.repositories import Entry
from csoc.usecases.worktree import FileWrite, write_files


@dataclass
class Tree:
    """A tree of a folder, as far as writing looks at it."""

    repository: str
    revision: str = "work tree"
    commit: str = "0" * 40
    aliases: frozenset[str] = field(default_factory=frozenset)

    def entries(self) -> Mapping[str, Entry]:
        return {}

    def read(self, path: str, *, limit_bytes: int = 0) -> bytes:
        return b""


def ids() -> Iterator[str]:
    return (f"id{number}" for number in count())


NAMES = ids()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "fleet"
    (folder / "a").mkdir(parents=True)
    (folder / "a/one.yaml").write_bytes(b"one\r\n")
    (folder / "two.yaml").write_bytes(b"two\n")
    return folder


def write(top: Path, *writes: FileWrite, revision: str = "work tree") -> None:
    write_files(Tree(str(top), revision), writes, lambda: next(NAMES))


def test_files_are_replaced_and_nothing_else_is_left_behind(top: Path) -> None:
    (top / "two.yaml").chmod(0o600)
    write(top, FileWrite("a/one.yaml", b"one\r\n", b"1\r\n"), FileWrite("two.yaml", b"two\n", b"2\n"))
    assert (top / "a/one.yaml").read_bytes() == b"1\r\n"
    assert (top / "two.yaml").read_bytes() == b"2\n"
    assert (top / "two.yaml").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in top.rglob("*")) == ["a", "one.yaml", "two.yaml"]


def test_a_file_that_changed_since_it_was_read_stops_all_of_them(top: Path) -> None:
    (top / "two.yaml").write_bytes(b"two\nand more\n")
    with pytest.raises(ConflictError, match="changed since"):
        write(top, FileWrite("a/one.yaml", b"one\r\n", b"1"), FileWrite("two.yaml", b"two\n", b"2"))
    assert (top / "a/one.yaml").read_bytes() == b"one\r\n"
    assert (top / "two.yaml").read_bytes() == b"two\nand more\n"


def test_a_file_that_was_removed_meanwhile_is_not_made_again(top: Path) -> None:
    (top / "two.yaml").unlink()
    with pytest.raises(ConflictError):
        write(top, FileWrite("two.yaml", b"two\n", b"2"))
    assert not (top / "two.yaml").exists()


def test_a_new_file_is_made_with_its_folders_and_never_over_another(top: Path) -> None:
    write(top, FileWrite(".csoc/new.yaml", None, b"new"))
    assert (top / ".csoc/new.yaml").read_bytes() == b"new"
    with pytest.raises(ConflictError):
        write(top, FileWrite(".csoc/new.yaml", None, b"other"))


def test_a_link_in_place_of_the_file_is_refused(top: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"two\n")
    (top / "two.yaml").unlink()
    (top / "two.yaml").symlink_to(outside)
    with pytest.raises(RejectedError, match="link"):
        write(top, FileWrite("two.yaml", b"two\n", b"2"))
    assert outside.read_bytes() == b"two\n"


def test_a_link_in_place_of_a_folder_is_refused(top: Path, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    (top / "a").rename(outside)
    (top / "a").symlink_to(outside)
    with pytest.raises(RejectedError, match="link"):
        write(top, FileWrite("a/one.yaml", b"one\r\n", b"1"))
    assert (outside / "one.yaml").read_bytes() == b"one\r\n"


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "/etc/passwd", ".git/config", "a/.GIT/config", ""])
def test_a_path_that_leaves_the_work_tree_or_enters_gits_own_is_refused(top: Path, path: str) -> None:
    with pytest.raises(RejectedError, match="leaves"):
        write(top, FileWrite(path, None, b"x"))


def test_something_that_is_no_regular_file_is_refused_and_waits_for_nobody(top: Path) -> None:
    os.mkfifo(top / "pipe.yaml")
    with pytest.raises(RejectedError):
        write(top, FileWrite("pipe.yaml", b"", b"x"))


def test_a_tree_at_a_commit_is_not_written(top: Path) -> None:
    with pytest.raises(RejectedError) as refused:
        write(top, FileWrite("two.yaml", b"two\n", b"2"), revision="main")
    assert "--pull-request" in refused.value.fix
