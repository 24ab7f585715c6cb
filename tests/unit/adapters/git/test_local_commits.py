"""Commits into a repository that somebody works in: their branch, index and files, and nothing else of theirs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ConfigLevel

from csoc.adapters.git import GitRepositories, author_of, publishing
from csoc.config import Author, Settings
from csoc.errors import ConflictError, CsocError, DeniedError, RejectedError, UnavailableError
from csoc.fleet.repositories import Change, CommitRequest, SourceAddress, Upstream

LEVELS = (ConfigLevel.GLOBAL, ConfigLevel.XDG, ConfigLevel.SYSTEM)


class Workbench:
    """A clone with `main` checked out, and csoc on it."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.address = SourceAddress(str(folder), trusted=True)
        self.repositories = GitRepositories(Settings(cache_dir=cache), resolve=lambda *_: ["93.184.216.34"])

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), "-c", "user.name=Ada", "-c", "user.email=a@b.c", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for path, content in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(content)

    def request(self, changes: Mapping[str, bytes | None], **more: object) -> CommitRequest:
        tree = self.repositories.open(self.address)
        entries = tree.entries()
        given: dict[str, object] = {
            "branch": "main",
            "base": tree.commit,
            "changes": [
                Change(path, new, entries[path].blob if path in entries else None) for path, new in changes.items()
            ],
            "message": "Set a value",
            "author_name": "Grace",
            "author_email": "grace@example.org",
            "at": datetime(2026, 2, 1, tzinfo=UTC),
            "read": {},
        }
        return CommitRequest(**{**given, **more})  # type: ignore[arg-type]

    def commit(self, changes: Mapping[str, bytes | None], **more: object) -> str:
        return self.repositories.commit(self.address, self.request(changes, **more))


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    made = Workbench(tmp_path / "clone", tmp_path / "cache")
    made.write({"a.yaml": "a: 1\n", "envs/prod/values.yaml": "b: 1\n", "run": "#!/bin/sh\n"})
    (made.folder / "run").chmod(0o755)
    made.git("init", "-q", "-b", "main")
    made.git("add", ".")
    made.git("commit", "-q", "-m", "First")
    return made


def test_a_checked_out_branch_takes_its_work_tree_along(bench: Workbench) -> None:
    commit = bench.commit({"a.yaml": b"a: 2\n", "new/b.yaml": b"b\n", "envs/prod/values.yaml": None})
    assert bench.git("rev-parse", "main") == commit
    assert bench.git("status", "--porcelain") == ""
    assert (bench.folder / "a.yaml").read_text() == "a: 2\n"
    assert (bench.folder / "new/b.yaml").exists()
    assert not (bench.folder / "envs").exists()
    assert bench.git("fsck", "--strict", "--no-dangling") == ""


def test_other_uncommitted_work_stays_as_it_is(bench: Workbench) -> None:
    bench.write({"envs/prod/values.yaml": "b: mine\n", "staged": "s", "untracked": "u"})
    bench.git("add", "staged")
    bench.commit({"a.yaml": b"a: 2\n"})
    assert bench.git("status", "--porcelain").splitlines() == [
        "M envs/prod/values.yaml",
        "A  staged",
        "?? untracked",
    ]
    assert bench.git("show", "--stat", "--format=", "HEAD").splitlines()[0].split()[0] == "a.yaml"


@pytest.mark.parametrize("stage", [False, True])
def test_a_path_with_uncommitted_changes_is_a_conflict_and_nothing_moves(bench: Workbench, stage: bool) -> None:
    request = bench.request({"a.yaml": b"a: 2\n"})
    head = bench.git("rev-parse", "main")
    bench.write({"a.yaml": "a: mine\n"})
    if stage:
        bench.git("add", "a.yaml")
    with pytest.raises(ConflictError, match="uncommitted"):
        bench.repositories.commit(bench.address, request)
    assert bench.git("rev-parse", "main") == head
    assert (bench.folder / "a.yaml").read_text() == "a: mine\n"


@pytest.mark.parametrize("ignored", [False, True])
def test_a_file_that_nobody_tracks_is_never_overwritten(bench: Workbench, ignored: bool) -> None:
    request = bench.request({"new.log": b"theirs"})
    if ignored:
        (bench.folder / ".git/info/exclude").write_text("*.log\n")
    bench.write({"new.log": "mine"})
    with pytest.raises(ConflictError):
        bench.repositories.commit(bench.address, request)
    assert (bench.folder / "new.log").read_text() == "mine"


def test_a_link_in_the_work_tree_is_never_written_through(bench: Workbench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    request = bench.request({"linked/x": b"y"})
    (bench.folder / "linked").symlink_to(outside)
    with pytest.raises(RejectedError, match="link"):
        bench.repositories.commit(bench.address, request)
    assert list(outside.iterdir()) == []


def test_an_executable_file_stays_executable(bench: Workbench) -> None:
    bench.commit({"run": b"#!/bin/sh\necho\n"})
    assert bench.git("ls-tree", "HEAD", "run").startswith("100755")
    assert bench.git("status", "--porcelain") == ""


def test_a_branch_that_is_not_checked_out_leaves_the_work_tree_alone(bench: Workbench) -> None:
    bench.git("branch", "side")
    commit = bench.commit({"a.yaml": b"a: 2\n"}, branch="side")
    assert bench.git("rev-parse", "side") == commit
    assert (bench.folder / "a.yaml").read_text() == "a: 1\n"
    assert bench.git("status", "--porcelain") == ""


def test_a_branch_that_another_work_tree_shows_is_denied(bench: Workbench, tmp_path: Path) -> None:
    bench.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    with pytest.raises(DeniedError, match="another work tree"):
        bench.commit({"a.yaml": b"a: 2\n"}, branch="side")
    other = Workbench(tmp_path / "linked", tmp_path / "cache2")
    commit = other.commit({"a.yaml": b"a: 2\n"}, branch="side")
    assert (bench.git("rev-parse", "side"), other.git("status", "--porcelain")) == (commit, "")
    with pytest.raises(DeniedError, match="another work tree"):
        other.commit({"new.yaml": b"x"}, branch="main")


def test_a_new_branch_from_a_changed_work_tree_begins_at_its_head(bench: Workbench) -> None:
    bench.write({"dirty": "x"})
    head = bench.git("rev-parse", "main")
    commit = bench.commit({"a.yaml": b"a: 2\n"}, branch="csoc/1", create_branch=True)
    assert bench.git("rev-parse", "csoc/1^") == head
    assert bench.git("ls-tree", "-r", "--name-only", commit).splitlines() == ["a.yaml", "envs/prod/values.yaml", "run"]
    assert bench.git("rev-parse", "main") == head


def test_a_merge_under_way_or_git_at_work_is_not_disturbed(bench: Workbench) -> None:
    request = bench.request({"a.yaml": b"a: 2\n"})
    (bench.folder / ".git/index.lock").touch()
    with pytest.raises(UnavailableError):
        bench.repositories.commit(bench.address, request)
    (bench.folder / ".git/index.lock").unlink()
    (bench.folder / ".git/MERGE_HEAD").write_text(bench.git("rev-parse", "HEAD") + "\n")
    with pytest.raises(ConflictError, match="under way"):
        bench.repositories.commit(bench.address, request)


def test_a_commit_that_comes_between_is_kept(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    request = bench.request({"a.yaml": b"a: 2\n"})
    move = publishing.move_branch
    attempts: list[str] = []

    def late(*arguments: object) -> None:
        if not attempts:
            bench.write({"theirs": "x"})
            bench.git("add", "theirs")
            bench.git("commit", "-q", "-m", "Theirs")
        attempts.append("one")
        move(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(publishing, "move_branch", late)
    bench.repositories.commit(bench.address, request)
    assert len(attempts) == 2
    assert bench.git("log", "--format=%s").splitlines() == ["Set a value", "Theirs", "First"]
    assert bench.git("status", "--porcelain") == ""


@pytest.mark.parametrize("place", ["envs", ".git", "nothing"])
def test_only_the_top_of_a_repository_is_committed_to(bench: Workbench, place: str) -> None:
    request = bench.request({"a.yaml": b"a: 2\n"})
    with pytest.raises(CsocError):
        bench.repositories.commit(SourceAddress(str(bench.folder / place), trusted=True), request)
    assert bench.git("status", "--porcelain") == ""


def _author(bench: Workbench, settings: Settings, environ: Mapping[str, str]) -> str:
    request = bench.request({"a.yaml": b"a: 2\n"}, author_name="", author_email="")
    GitRepositories(settings, environ=environ).commit(bench.address, request)
    return bench.git("log", "-1", "--format=%an <%ae>")


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Path]:
    """The global configuration of the person, and nothing of this machine's."""
    home = tmp_path / "home"
    home.mkdir()
    before = {level: pygit2.settings.search_path[level] for level in LEVELS}
    for level in LEVELS:
        pygit2.settings.search_path[level] = str(home)
    yield home / ".gitconfig"
    for level, path in before.items():
        pygit2.settings.search_path[level] = path


def test_who_commits_in_a_checkout_is_decided_as_git_does(bench: Workbench, tmp_path: Path, person: Path) -> None:
    settings = Settings(cache_dir=tmp_path / "cache", author=Author(name="Set", email="set@example.org"))
    assert author_of(settings, {}) == ("Set", "set@example.org")
    assert _author(bench, settings, {}) == "Set <set@example.org>"
    bench.git("reset", "-q", "--hard", "HEAD~1")
    person.write_text('[user]\n name = Home\n email = "home@example.org"\n')
    assert _author(bench, settings, {}) == "Home <home@example.org>"
    assert author_of(settings, {}) == ("Set", "set@example.org")
    bench.git("reset", "-q", "--hard", "HEAD~1")
    bench.git("config", "--local", "user.name", "Work # \\ 1")
    assert _author(bench, settings, {}) == "Work # \\ 1 <home@example.org>"
    bench.git("reset", "-q", "--hard", "HEAD~1")
    environ = {"GIT_AUTHOR_NAME": "Env", "GIT_AUTHOR_EMAIL": "env@example.org"}
    assert _author(bench, settings, environ) == "Env <env@example.org>"


def test_a_condition_on_the_place_in_ones_own_configuration_counts(
    bench: Workbench, tmp_path: Path, person: Path
) -> None:
    person.write_text(f'[includeIf "gitdir:{bench.folder}/"]\n path = {tmp_path}/work\n')
    (tmp_path / "work").write_text("[user]\n name = Work\n email = work@example.org\n")
    assert _author(bench, Settings(cache_dir=tmp_path / "cache"), {}) == "Work <work@example.org>"


def test_what_the_configuration_of_a_repository_includes_names_nobody(
    bench: Workbench, tmp_path: Path, person: Path
) -> None:
    (tmp_path / "included").write_text("[user]\n name = Else\n email = else@example.org\n")
    bench.git("config", "--local", "include.path", str(tmp_path / "included"))
    with pytest.raises(RejectedError, match="Nobody is named"):
        _author(bench, Settings(cache_dir=tmp_path / "cache"), {})


@pytest.mark.parametrize(
    "where", ["include", "nested", "HEAD", "index", "packed-refs", "info/exclude", "config.worktree"]
)
def test_a_repository_whose_opening_would_never_end_is_refused(bench: Workbench, tmp_path: Path, where: str) -> None:
    pipe = tmp_path / "pipe" if where in ("include", "nested") else bench.folder / ".git" / where
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    if where == "include":
        bench.git("config", "--local", "includeIf.onbranch:main.path", str(pipe))
    if where == "nested":
        (bench.folder / ".git" / "more").write_text(f"[include]\n\tpath = {pipe}\n")
        with (bench.folder / ".git" / "config").open("a") as config:
            config.write("[include]\n\tpath = more\n")
    with pytest.raises(RejectedError, match="no regular file"):
        bench.repositories.open(bench.address)


def test_a_repository_that_calls_another_folder_its_work_tree_is_refused(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    bench.git("config", "--local", "core.worktree", str(tmp_path / "else"))
    with pytest.raises(RejectedError, match=r"core\.worktree"):
        bench.repositories.open(bench.address)


def test_nothing_that_a_repository_configures_is_run(bench: Workbench, tmp_path: Path) -> None:
    mark = tmp_path / "run-by-csoc"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    script.chmod(0o755)
    hooks = bench.folder / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-commit", "post-commit", "post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).symlink_to(script)
    (bench.folder / ".gitattributes").write_text("*.yaml filter=evil diff=evil merge=evil\n")
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.editor",
        "core.pager",
        "core.gitProxy",
        "core.alternateRefsCommand",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.evil.command",
        "diff.external",
        "merge.evil.driver",
        "credential.helper",
        "gpg.program",
    ):
        with (bench.folder / ".git" / "config").open("a") as config:
            section, _, name = key.rpartition(".")
            first, _, below = section.partition(".")
            head = f'{first} "{below}"' if below else first
            config.write(f"[{head}]\n\t{name} = {script}\n")
    with (bench.folder / ".git" / "config").open("a") as config:
        config.write("[commit]\n\tgpgsign = true\n")
    (bench.folder / "a.yaml").write_text("a: dirty\n")
    tree = bench.repositories.open(bench.address)
    assert tree.read("a.yaml") == b"a: dirty\n"
    (bench.folder / "a.yaml").write_text("a: 1\n")
    bench.commit({"envs/prod/values.yaml": b"b: 2\n"})
    assert not mark.exists()
    assert (bench.folder / "envs/prod/values.yaml").read_text() == "b: 2\n"
    bench.git("status")
    assert mark.exists(), "the trap itself works"


@pytest.mark.parametrize("name", ["", "a\nb", "a <b>"])
def test_an_author_that_is_no_name_is_refused(bench: Workbench, name: str) -> None:
    request = bench.request({"a.yaml": b"a: 2\n"}, author_name=name or " ")
    with pytest.raises(RejectedError, match="author"):
        bench.repositories.commit(bench.address, request)


# The remote of a checkout


def published(bench: Workbench, tmp_path: Path) -> None:
    """A remote that has all of main."""
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "there.git")], check=True)
    bench.git("remote", "add", "up", str(tmp_path / "there.git"))
    bench.git("push", "-q", "-u", "up", "main:released")
    bench.git("remote", "set-url", "up", "https://x-access-token:hunter2@git.example.org/acme/fleet.git")


def test_the_remote_that_a_branch_tracks_is_told_without_its_credential(bench: Workbench, tmp_path: Path) -> None:
    published(bench, tmp_path)
    bench.git("remote", "add", "origin", "https://git.example.org/other/fleet")
    head = bench.git("rev-parse", "HEAD")
    told = bench.repositories.upstream(bench.address)
    assert told == Upstream("up", "https://git.example.org/acme/fleet.git", "released", head, 0)
    bench.write({"a.yaml": "a: 2\n"})
    bench.git("commit", "-qam", "Second")
    assert bench.repositories.upstream(bench.address, "main") == replace(
        told, head=bench.git("rev-parse", "HEAD"), ahead=1
    )


def test_a_branch_that_tracks_nothing_belongs_to_origin_and_its_commits_are_counted(
    bench: Workbench, tmp_path: Path
) -> None:
    published(bench, tmp_path)
    bench.git("remote", "rename", "up", "origin")
    bench.git("switch", "-q", "-c", "topic", "--no-track")
    told = bench.repositories.upstream(bench.address)
    assert told is not None
    assert (told.remote, told.branch, told.ahead) == ("origin", "", 0)
    bench.write({"a.yaml": "a: 2\n"})
    bench.git("commit", "-qam", "Second")
    told = bench.repositories.upstream(bench.address)
    assert told is not None
    assert told.ahead == 1
    bench.git("switch", "-q", "--detach", "main")
    told = bench.repositories.upstream(bench.address)
    assert told is not None
    assert (told.branch, told.ahead) == ("", 0)


def test_without_a_remote_or_a_checkout_there_is_none(bench: Workbench) -> None:
    assert bench.repositories.upstream(bench.address) is None
    assert bench.repositories.upstream(SourceAddress(str(bench.folder / "envs"), trusted=True)) is None
    assert bench.repositories.upstream(SourceAddress("https://github.com/acme/fleet", trusted=False)) is None
