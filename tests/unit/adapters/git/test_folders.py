"""Plain folders and work trees: what is seen of them, what never is, and what a second look costs."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from csoc.adapters.git import GitRepositories, folders
from csoc.adapters.git.folders import Folders
from csoc.adapters.git.packs import PackWriter
from csoc.config import Limits, Settings
from csoc.errors import CsocError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.repositories import EntryKind, SourceAddress, Tree

LATER_NS = 10**10


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Tree]:
    def open_it(folder: Path, revision: str | None = None, **limits: int) -> Tree:
        settings = Settings(cache_dir=tmp_path / "cache", limits=Limits.model_validate(limits))
        return GitRepositories(settings).open(SourceAddress(str(folder), trusted=True), revision)

    return open_it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    write(made, {"a.yaml": "a: 1\n", "envs/prod/values.yaml": "b: 1\n"})
    return made


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    made = tmp_path / "clone"
    write(made, {"a.yaml": "a: 1\n", "envs/prod/values.yaml": "b: 1\n", ".gitignore": "*.log\nbuild/\n"})
    git(made, "init", "-q", "-b", "main")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "First")
    return made


def write(folder: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    files = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
    return {str(file): (file.stat().st_mtime_ns, file.stat().st_mode, file.read_bytes()) for file in files}


def test_a_plain_folder_reads_like_a_commit(opened: Callable[..., Tree], folder: Path) -> None:
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    tree = opened(folder)
    assert list(tree.entries()) == ["a.yaml", "envs/prod/values.yaml", "run"]
    assert (tree.read("a.yaml"), tree.revision, tree.repository) == (b"a: 1\n", "work tree", str(folder))
    assert tree.entries()["run"].executable
    assert not tree.entries()["a.yaml"].executable


def test_the_tree_of_a_plain_folder_is_the_one_that_git_would_make(
    opened: Callable[..., Tree], folder: Path, tmp_path: Path
) -> None:
    write(folder, {"a-b": "", "a/x": "", "a.b": "", "a0/y": "", "ü/z": "", "deep/er/and/deeper": "x"})
    (folder / "link").symlink_to("a.yaml")
    tree = opened(folder)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    expected = git(folder, "ls-files", "-s").splitlines()
    assert sorted(f"{entry.blob} {entry.path}" for entry in tree.entries().values() if entry.path != "ü/z") == sorted(
        f"{line.split()[1]} {line.split(maxsplit=3)[3]}" for line in expected if "z" not in line
    )
    assert git(folder, "write-tree") == tree.tree  # type: ignore[attr-defined]


def test_the_same_content_is_the_same_commit_wherever_and_whenever(
    opened: Callable[..., Tree], folder: Path, tmp_path: Path
) -> None:
    write(tmp_path / "other", {"envs/prod/values.yaml": "b: 1\n", "a.yaml": "a: 1\n"})
    first = opened(folder).commit
    assert opened(tmp_path / "other").commit == first
    (folder / "a.yaml").write_text("a: 2\n")
    assert opened(folder).commit != first
    (folder / "a.yaml").write_text("a: 1\n")
    assert opened(folder).commit == first


def test_an_unchanged_folder_is_opened_again_without_reading_a_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits()
    now = max(file.stat().st_ctime_ns for file in folder.rglob("*")) + LATER_NS
    first = Folders(tmp_path / "cache", limits, now_ns=lambda: now).plain(folder)
    read: list[str] = []
    store = Folders._store

    def noticed(self: Folders, file: str, writer: PackWriter) -> object:
        read.append(Path(file).name)
        return store(self, file, writer)

    monkeypatch.setattr(Folders, "_store", noticed)
    again = Folders(tmp_path / "cache", limits, now_ns=lambda: now).plain(folder)
    assert (again.commit, read) == (first.commit, [])
    (folder / "a.yaml").write_text("a: 3\n")
    assert Folders(tmp_path / "cache", limits, now_ns=lambda: now).plain(folder).commit != first.commit
    assert read == ["a.yaml"]


def test_a_file_that_changes_in_the_same_moment_with_the_same_size_is_noticed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "a.yaml"
    moment = file.stat().st_mtime_ns
    # A clock so coarse that both writes fall into one tick.
    monkeypatch.setattr(folders, "_times", lambda found: (found.st_size, moment, moment, found.st_ino))
    looking = Folders(tmp_path / "cache", Limits(), now_ns=lambda: moment)
    first = looking.plain(folder)
    file.write_text("a: 9\n")
    assert looking.plain(folder).commit != first.commit


def test_a_folder_whose_packs_are_gone_is_read_anew(opened: Callable[..., Tree], folder: Path, tmp_path: Path) -> None:
    first = opened(folder).commit
    for pack in (tmp_path / "cache" / "folders").rglob("pack-*"):
        pack.unlink()
    tree = opened(folder)
    assert (tree.commit, tree.read("a.yaml")) == (first, b"a: 1\n")


def _database(tmp_path: Path) -> Path:
    return next((tmp_path / "cache" / "folders").glob("*.git"))


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    middle = range(12, len(content) - 20) if file.suffix == ".pack" else range(1032, len(content) - 40)
    for at in middle:
        content[at] ^= 0xFF
    file.chmod(0o644)
    file.write_bytes(content)


def _cut(file: Path) -> None:
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _empty(file: Path) -> None:
    file.chmod(0o644)
    file.write_bytes(b"")


@pytest.mark.parametrize("damage", [_flip, _cut, _empty, Path.unlink])
@pytest.mark.parametrize("name", ["objects/pack/*.pack", "objects/pack/*.idx", "HEAD", "config", "files.json"])
def test_a_damaged_file_in_the_cache_of_a_folder_is_made_again(
    folder: Path, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    now = max(file.stat().st_ctime_ns for file in folder.rglob("*")) + LATER_NS
    first = Folders(tmp_path / "cache", Limits(), now_ns=lambda: now).plain(folder)
    damage(next(_database(tmp_path).glob(name)))
    again = Folders(tmp_path / "cache", Limits(), now_ns=lambda: now).plain(folder)
    blobs = again.objects.listing(again.tree)
    assert again.commit == first.commit
    assert again.objects.read(blobs["a.yaml"].blob, None, "a.yaml") == b"a: 1\n"
    assert git(_database(tmp_path), "fsck", "--full", "--no-dangling") == ""
    third = Folders(tmp_path / "cache", Limits(), now_ns=lambda: now).plain(folder)
    assert third.objects.read(blobs["a.yaml"].blob, None, "a.yaml") == b"a: 1\n"


def test_a_damaged_work_tree_capture_is_made_again_and_its_history_stays(
    opened: Callable[..., Tree], clone: Path, tmp_path: Path
) -> None:
    write(clone, {"a.yaml": "a: changed\n"})
    opened(clone)
    _flip(next(_database(tmp_path).glob("objects/pack/*.pack")))
    tree = opened(clone)
    assert (tree.read("a.yaml"), tree.read("envs/prod/values.yaml")) == (b"a: changed\n", b"b: 1\n")


def test_a_file_that_changed_before_its_capture_was_made_again_is_said_and_not_mixed_up(
    folder: Path, tmp_path: Path
) -> None:
    now = max(file.stat().st_ctime_ns for file in folder.rglob("*")) + LATER_NS
    Folders(tmp_path / "cache", Limits(), now_ns=lambda: now).plain(folder)
    index = next(_database(tmp_path).glob("objects/pack/*.idx"))
    captured = Folders(tmp_path / "cache", Limits(), now_ns=lambda: now).plain(folder)
    blob = captured.objects.listing(captured.tree)["a.yaml"].blob
    (folder / "a.yaml").write_text("a: 2\n")
    shutil.rmtree(_database(tmp_path))
    captured.objects.reopen(pygit2.init_repository(str(index.parents[2]), bare=True))
    with pytest.raises(UnavailableError, match="content") as refused:
        captured.objects.read(blob, None, "a.yaml")
    assert refused.value.fix == "Try again"


def test_what_a_killed_csoc_leaves_behind_disturbs_nobody(opened: Callable[..., Tree], folder: Path) -> None:
    first = opened(folder).commit
    place = _database(folder.parent)
    place.with_suffix(".lock").write_bytes(b"")
    for name in ("objects/pack/tmp_pack_x", "objects/pack/tmp_idx_x", "files.json.new", "config.lock", "HEAD.lock"):
        (place / name).write_bytes(b"half")
    (place / "HEAD").unlink()
    tree = opened(folder)
    assert (tree.commit, tree.read("a.yaml")) == (first, b"a: 1\n")
    assert not list(place.rglob("tmp_*"))


def test_many_changes_leave_few_packs_and_every_file_readable(tmp_path: Path, folder: Path) -> None:
    looking = Folders(tmp_path / "cache", Limits())
    for number in range(60):
        (folder / "a.yaml").write_text(f"a: {number}\n")
        captured = looking.plain(folder)
    fresh = Folders(tmp_path / "cache", Limits()).plain(folder)
    assert fresh.commit == captured.commit
    assert fresh.objects.listing(fresh.tree).keys() == {"a.yaml", "envs/prod/values.yaml"}


def test_packs_are_what_git_takes_for_packs(tmp_path: Path) -> None:
    pygit2.init_repository(str(tmp_path / "r.git"), bare=True)
    writer = PackWriter(tmp_path / "r.git" / "objects" / "pack")
    ids = [writer.add("blob", os.urandom(size)) for size in (0, 1, 15, 16, 2047, 2048, 300_000)]
    assert writer.add("blob", b"") == ids[0]
    writer.close()
    index = next((tmp_path / "r.git" / "objects" / "pack").glob("*.idx"))
    told = git(tmp_path / "r.git", "verify-pack", "-v", str(index))
    assert all(oid in told for oid in ids)


def test_links_in_a_folder_are_listed_and_never_followed(
    opened: Callable[..., Tree], folder: Path, tmp_path: Path
) -> None:
    write(tmp_path / "outside", {"secret": "hunter2"})
    (folder / "file").symlink_to(tmp_path / "outside" / "secret")
    (folder / "tree").symlink_to(tmp_path / "outside")
    (folder / "loop").symlink_to(folder)
    tree = opened(folder)
    assert list(tree.entries()) == ["a.yaml", "envs/prod/values.yaml", "file", "loop", "tree"]
    assert {tree.entries()[path].kind for path in ("file", "tree", "loop")} == {EntryKind.LINK}
    with pytest.raises(RejectedError):
        tree.read("file")


def test_pipes_and_git_folders_are_no_files(opened: Callable[..., Tree], folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    write(folder, {"sub/.git/config": "x", "sub/.git2": "y"})
    assert list(opened(folder).entries()) == ["a.yaml", "envs/prod/values.yaml", "sub/.git2"]


def test_an_empty_folder_is_an_empty_tree(opened: Callable[..., Tree], tmp_path: Path) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    assert dict(opened(tmp_path / "empty").entries()) == {}


def test_a_file_over_the_limit_is_listed_with_its_size_and_refused_when_read(
    opened: Callable[..., Tree], folder: Path
) -> None:
    (folder / "large.bin").write_bytes(b"x" * 5000)
    for _ in range(2):
        tree = opened(folder, file_bytes=1000)
        assert tree.entries()["large.bin"].size_bytes == 5000
        assert tree.entries()["large.bin"].blob == str(pygit2.hash(b"x" * 5000))
        with pytest.raises(RejectedError, match="5000 bytes"):
            tree.read("large.bin")
        assert tree.read("a.yaml") == b"a: 1\n"


def test_a_file_that_was_over_the_limit_is_read_once_the_limit_is_raised(folder: Path, tmp_path: Path) -> None:
    (folder / "large.bin").write_bytes(b"x" * 5000)
    later = (folder / "large.bin").stat().st_ctime_ns + LATER_NS
    for limit in (1000, 6000):
        captured = Folders(tmp_path / "cache", Limits(file_bytes=limit), now_ns=lambda: later).plain(folder)
    blob = captured.objects.listing(captured.tree)["large.bin"].blob
    assert len(captured.objects.read(blob, None, "large.bin")) == 5000


def test_a_folder_over_the_limits_is_refused_by_name(opened: Callable[..., Tree], folder: Path) -> None:
    with pytest.raises(RejectedError, match=r"more than 1 files and folders.* below 'envs'") as refused:
        opened(folder, folder_entries=1)
    assert "limits.folder_entries" in refused.value.fix
    with pytest.raises(RejectedError, match="8 bytes") as refused:
        opened(folder, folder_bytes=8)
    assert "limits.folder_bytes" in refused.value.fix


def test_a_large_file_of_another_kind_is_listed_and_never_read(opened: Callable[..., Tree], folder: Path) -> None:
    with (folder / "disk.iso").open("wb") as file:
        file.truncate(10**12)  # sparse: reading it would never end
    (folder / "large.yaml").write_bytes(b"#" * 1_500_000)
    tree = opened(folder)
    assert tree.entries()["disk.iso"].size_bytes == 10**12
    with pytest.raises(RejectedError, match="at most"):
        tree.read("disk.iso")
    with pytest.raises(RejectedError, match="left out"):
        tree.read("disk.iso", limit_bytes=10**13)
    assert len(tree.read("large.yaml")) == 1_500_000


def test_a_folder_over_a_limit_is_refused_before_any_file_is_read(
    opened: Callable[..., Tree], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        write(tmp_path / "many", {f"{number:02}/{name}.yaml": "a: 1\n" for name in "abcdefghij"})
    listed: list[str] = []
    scandir = os.scandir

    def listing(folder: str) -> object:
        listed.append(str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", listing)
    monkeypatch.setattr(Folders, "_store", lambda *_: pytest.fail("a file was read"))
    with pytest.raises(RejectedError, match="more than 100 files and folders"):
        opened(tmp_path / "many", folder_entries=100)
    # One folder holds ten files, so a handful of them says enough.
    assert len(listed) <= 8
    with pytest.raises(RejectedError, match="more than 1000 bytes"):
        opened(tmp_path / "many", folder_bytes=1000)


def test_refusing_a_large_folder_costs_no_more_than_listing_it(opened: Callable[..., Tree], tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / "many" / str(number)).mkdir(parents=True)
        for name in range(50):
            (tmp_path / "many" / str(number) / f"{name}.yaml").touch()

    def cost(work: Callable[[], object]) -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    def refused() -> None:
        with pytest.raises(RejectedError, match="more than 10000 files"):
            opened(tmp_path / "many", folder_entries=10_000)

    listing = min(cost(lambda: [os.lstat(file) for file in (tmp_path / "many").rglob("*")]) for _ in range(3))
    assert min(cost(refused) for _ in range(3)) < 3 * listing


def test_what_is_no_folder_says_what_it_is(opened: Callable[..., Tree], folder: Path) -> None:
    with pytest.raises(NotFoundError):
        opened(folder / "nothing")
    with pytest.raises(RejectedError, match="not a folder"):
        opened(folder / "a.yaml")
    with pytest.raises(NotFoundError, match="revision"):
        opened(folder, "main")


def test_a_clean_work_tree_is_the_commit_that_it_shows(opened: Callable[..., Tree], clone: Path) -> None:
    tree = opened(clone)
    assert (tree.commit, tree.revision) == (git(clone, "rev-parse", "HEAD"), "work tree")


def test_a_work_tree_is_seen_as_it_is_on_disk(opened: Callable[..., Tree], clone: Path) -> None:
    write(clone, {"a.yaml": "a: changed\n", "new.yaml": "n: 1\n", "ignored.log": "x", "build/out": "x", "staged": "s"})
    git(clone, "add", "staged")
    (clone / "envs/prod/values.yaml").unlink()
    tree = opened(clone)
    assert list(tree.entries()) == [".gitignore", "a.yaml", "new.yaml", "staged"]
    assert (tree.read("a.yaml"), tree.read("staged")) == (b"a: changed\n", b"s")
    assert tree.commit != git(clone, "rev-parse", "HEAD")
    assert opened(clone).commit == tree.commit


def test_looking_at_a_work_tree_writes_nothing_into_it(opened: Callable[..., Tree], clone: Path) -> None:
    write(clone, {"a.yaml": "a: changed\n", "new.yaml": "n: 1\n"})
    before = state_of(clone)
    tree = opened(clone)
    assert [tree.read(path) for path in tree.entries()]
    assert state_of(clone) == before


def test_a_work_tree_never_leads_outside(opened: Callable[..., Tree], clone: Path, tmp_path: Path) -> None:
    write(tmp_path / "outside", {"prod/values.yaml": "secret"})
    (clone / "envs/prod/values.yaml").unlink()
    (clone / "envs/prod").rmdir()
    (clone / "envs").rmdir()
    (clone / "envs").symlink_to(tmp_path / "outside")
    tree = opened(clone)
    assert tree.entries()["envs"].kind is EntryKind.LINK
    assert "envs/prod/values.yaml" not in tree.entries()


def test_a_repository_inside_a_work_tree_that_is_no_submodule_is_left_out(
    opened: Callable[..., Tree], clone: Path
) -> None:
    write(clone, {"inner/x": "1"})
    git(clone / "inner", "init", "-q")
    git(clone / "inner", "add", ".")
    git(clone / "inner", "commit", "-q", "-m", "Inner")
    assert not [path for path in opened(clone).entries() if path.startswith("inner")]


def test_what_a_sparse_checkout_leaves_out_is_seen_as_it_is_committed(opened: Callable[..., Tree], clone: Path) -> None:
    git(clone, "sparse-checkout", "set", "--no-cone", "/*", "!/envs/")
    assert not (clone / "envs").exists()
    write(clone, {"a.yaml": "a: dirty\n"})
    tree = opened(clone)
    assert (tree.read("envs/prod/values.yaml"), tree.read("a.yaml")) == (b"b: 1\n", b"a: dirty\n")


def test_a_work_tree_without_commits_is_seen(opened: Callable[..., Tree], tmp_path: Path) -> None:
    write(tmp_path / "fresh", {"a": "1"})
    git(tmp_path / "fresh", "init", "-q")
    tree = opened(tmp_path / "fresh")
    assert list(tree.entries()) == ["a"]


def test_a_folder_inside_a_work_tree_is_just_that_folder(opened: Callable[..., Tree], clone: Path) -> None:
    write(clone, {"envs/prod/ignored.log": "x"})
    tree = opened(clone / "envs")
    assert list(tree.entries()) == ["prod/ignored.log", "prod/values.yaml"]
    assert tree.aliases == frozenset()


def test_a_clone_is_known_by_the_names_of_its_remotes(opened: Callable[..., Tree], clone: Path) -> None:
    git(clone, "remote", "add", "origin", "git@github.com:Acme/fleet.git")
    git(clone, "remote", "add", "up", "https://token:x@GitLab.com/acme/fleet/")
    assert "github.com/Acme/fleet" in opened(clone).aliases
    assert not [alias for alias in opened(clone).aliases if "token" in alias]


def test_a_clone_is_read_at_branches_of_its_remotes(opened: Callable[..., Tree], clone: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(clone), "copy")
    write(tmp_path / "copy", {"a.yaml": "dirty"})
    tree = opened(tmp_path / "copy", "origin/main")
    assert tree.read("a.yaml") == b"a: 1\n"


def test_history_and_merge_base_of_a_changed_work_tree_are_those_of_its_head(clone: Path, tmp_path: Path) -> None:
    git(clone, "switch", "-q", "-c", "side")
    first = git(clone, "rev-parse", "HEAD")
    write(clone, {"a.yaml": "a: 2\n"})
    git(clone, "commit", "-qam", "Second")
    write(clone, {"a.yaml": "a: dirty\n"})
    repositories = GitRepositories(Settings(cache_dir=tmp_path / "cache"))
    tree = repositories.open(SourceAddress(str(clone), trusted=True))
    assert [info.subject for info, _ in repositories.history(tree, "a.yaml")] == ["Second", "First"]
    assert repositories.merge_base(tree, "main").commit == first
    old = repositories.history(tree, "a.yaml")[1][1]
    assert old is not None
    assert repositories.read_blob(tree, old) == b"a: 1\n"


def test_a_linked_work_tree_and_a_shallow_clone_are_read(
    opened: Callable[..., Tree], clone: Path, tmp_path: Path
) -> None:
    git(clone, "worktree", "add", "-q", "-b", "linked", str(tmp_path / "linked"))
    write(tmp_path / "linked", {"a.yaml": "linked"})
    assert opened(tmp_path / "linked").read("a.yaml") == b"linked"
    assert opened(tmp_path / "linked").read("envs/prod/values.yaml") == b"b: 1\n"
    write(clone, {"a.yaml": "a: 2\n"})
    git(clone, "commit", "-qam", "Second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{clone}", "shallow")
    repositories = GitRepositories(Settings(cache_dir=tmp_path / "cache"))
    tree = repositories.open(SourceAddress(str(tmp_path / "shallow"), trusted=True))
    assert [info.subject for info, _ in repositories.history(tree, "a.yaml")] == ["Second"]


def test_a_damaged_repository_is_unavailable_and_never_empty(
    opened: Callable[..., Tree], clone: Path, tmp_path: Path
) -> None:
    git(clone, "gc", "-q")
    for pack in (clone / ".git/objects/pack").glob("*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:40] + b"x" * 200)
    with pytest.raises(CsocError):
        opened(clone, "main").entries()
    head = clone / ".git/refs/heads/broken"
    head.parent.mkdir(parents=True, exist_ok=True)
    head.write_text("nonsense\n")
    with pytest.raises(CsocError):
        opened(clone, "broken").entries()


def test_a_cache_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    repositories = GitRepositories(Settings(cache_dir=tmp_path / "file" / "cache"))
    with pytest.raises(UnavailableError, match="cache_dir"):
        repositories.open(SourceAddress(str(folder), trusted=True))
