"""`csoc check --fix` and `csoc fleet set` in unusual checkouts: nothing outside is written, nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from csoc.usecases import worktree
from tests.functional.small_fleet import Csoc, Repository, at_home, values

ALPHA = "one/alpha.example.org/values.yaml"
BETA = "two/beta.example.org/values.yaml"
ODD = "global:\n  hostname: alpha.example.org\n  maintenanceMode: off\n"
MENDED = ODD.replace("off\n", '"off"\n')
SET = ("fleet", "set", "alpha", "fence.enabled=true", "--commit", "--fleet")


@pytest.fixture
def csoc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Csoc:
    at_home(monkeypatch, tmp_path / "home")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
    monkeypatch.chdir(tmp_path)
    return Csoc(capsys)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    made = Repository(tmp_path / "fleet")
    made.write({ALPHA: ODD})
    made.commit()
    return made.path


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], capture_output=True, text=True, check=check)
    return done.stdout.strip()


def head(top: Path) -> str:
    return git(top, "rev-parse", "HEAD")


def linked(top: Path) -> Path:
    git(top, "worktree", "add", "-q", "-b", "linked", str(top.parent / "linked"))
    return top.parent / "linked"


def shallow(top: Path) -> Path:
    git(top.parent, "clone", "-q", "--depth", "1", f"file://{top}", "shallow")
    return top.parent / "shallow"


def within_another(top: Path) -> Path:
    outer = top.parent / "outer"
    subprocess.run(["git", "init", "-q", str(outer)], check=True)
    git(outer, "submodule", "add", "-q", str(top), "sub")
    return outer / "sub"


@pytest.mark.parametrize("kind", [linked, shallow, within_another])
def test_other_kinds_of_checkouts_are_changed_like_any(csoc: Csoc, top: Path, kind: Callable[[Path], Path]) -> None:
    place, before = kind(top), head(top)
    assert csoc("check", str(place), "--fix", "--yes") == 0, csoc.out + csoc.err
    assert (place / ALPHA).read_text() == MENDED
    git(place, "checkout", "-q", "--", ".")
    assert csoc(*SET, str(place)) == 0, csoc.out + csoc.err
    assert "enabled: true" in git(place, "show", f"HEAD:{ALPHA}")
    assert git(place, "status", "--porcelain") == ""
    assert (head(top), (top / ALPHA).read_text()) == (before, ODD)


def test_a_bare_repository_is_committed_to_and_not_mended_in_place(csoc: Csoc, top: Path) -> None:
    git(top.parent, "clone", "-q", "--bare", str(top), "bare.git")
    bare = top.parent / "bare.git"
    assert csoc("check", str(bare), "--fix", "--yes") == 1
    assert csoc(*SET, str(bare)) == 0, csoc.out + csoc.err
    assert "enabled: true" in git(bare, "show", f"main:{ALPHA}")


def test_with_a_detached_head_values_are_mended_and_nothing_is_committed(csoc: Csoc, top: Path) -> None:
    git(top, "checkout", "-q", "--detach")
    before = git(top, "for-each-ref")
    assert csoc(*SET, str(top)) != 0
    assert "No branch is checked out" in csoc.err + csoc.out
    assert git(top, "for-each-ref") == before
    assert csoc("check", str(top), "--fix", "--yes") == 0
    assert (top / ALPHA).read_text() == MENDED


def test_where_nothing_was_committed_yet_the_command_that_commits_is_said(csoc: Csoc, top: Path) -> None:
    fresh = top.parent / "fresh"
    shutil.copytree(top, fresh, ignore=shutil.ignore_patterns(".git"))
    git(fresh, "init", "-q")
    assert csoc(*SET, str(fresh)) != 0
    told = " ".join((csoc.err + csoc.out).split())
    assert "There is no commit in this repository yet" in told
    assert f"git -C {fresh} add . && git -C {fresh} commit -m Begin" in told


def test_a_branch_under_rebase_is_not_moved(csoc: Csoc, top: Path) -> None:
    git(top, "switch", "-q", "-c", "side")
    (top / "note").write_text("side\n")
    git(top, "add", "note")
    git(top, "commit", "-qm", "Side")
    git(top, "switch", "-q", "main")
    (top / "note").write_text("main\n")
    git(top, "add", "note")
    git(top, "commit", "-qm", "Main")
    git(top, "rebase", "side", check=False)
    before = git(top, "for-each-ref"), git(top, "status", "--porcelain")
    assert csoc(*SET, str(top), "--branch", "main") != 0
    assert "rebase" in csoc.err + csoc.out
    assert (git(top, "for-each-ref"), git(top, "status", "--porcelain")) == before


def test_the_line_ends_that_git_shows_stay(csoc: Csoc, top: Path) -> None:
    git(top, "config", "core.autocrlf", "true")
    (top / ALPHA).unlink()
    git(top, "checkout", "-q", "--", ALPHA)
    shown = ODD.replace("\n", "\r\n").encode()
    assert (top / ALPHA).read_bytes() == shown
    assert csoc("check", str(top), "--fix", "--yes") == 0, csoc.out + csoc.err
    assert (top / ALPHA).read_bytes() == MENDED.replace("\n", "\r\n").encode()
    git(top, "checkout", "-q", "--", ALPHA)
    assert csoc(*SET, str(top)) == 0, csoc.out + csoc.err
    written = (top / ALPHA).read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n") == 5
    assert b"\r" not in subprocess.run(["git", "-C", top, "show", f"HEAD:{ALPHA}"], capture_output=True).stdout
    assert git(top, "status", "--porcelain") == ""


def test_what_a_sparse_checkout_leaves_out_is_there_and_can_be_changed(csoc: Csoc, top: Path) -> None:
    git(top, "sparse-checkout", "set", "--no-cone", "/*", "!/one/")
    assert not (top / ALPHA).exists()
    assert csoc(*SET, str(top)) == 0, csoc.out + csoc.err
    assert "enabled: true" in git(top, "show", f"HEAD:{ALPHA}")
    assert git(top, "status", "--porcelain") == ""
    assert git(top, "diff", "--name-only", "HEAD~1") == ALPHA


def test_a_pointer_of_lfs_is_not_written_over(csoc: Csoc, top: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (top / ALPHA).write_text(pointer)
    git(top, "commit", "-qam", "Pointer")
    csoc("check", str(top), "--fix", "--yes")
    assert csoc(*SET, str(top)) != 0
    assert (top / ALPHA).read_text() == pointer
    assert git(top, "status", "--porcelain") == ""


def test_a_file_that_became_executable_is_mended_and_stays_so(csoc: Csoc, top: Path) -> None:
    (top / ALPHA).chmod(0o755)
    assert csoc(*SET, str(top)) != 0
    assert "uncommitted changes" in csoc.err + csoc.out
    assert csoc("check", str(top), "--fix", "--yes") == 0
    assert (top / ALPHA).stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize("command", ["fix", "set"])
def test_a_link_that_comes_between_looking_and_writing_is_never_followed(
    csoc: Csoc, top: Path, monkeypatch: pytest.MonkeyPatch, what: str, command: str
) -> None:
    outside = top.parent / "outside" / "alpha.example.org"
    outside.mkdir(parents=True)
    (outside / "values.yaml").write_text(ODD)
    put = worktree._put
    swapped: list[bool] = []

    def swap() -> None:
        if not swapped:
            swapped.append(True)
            target = top / ALPHA if what == "file" else top / "one"
            target.rename(target.with_name("moved"))
            target.symlink_to(outside / "values.yaml" if what == "file" else outside.parent)

    if what == "file":

        def with_a_link(*arguments: object) -> None:
            swap()
            put(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(worktree, "_put", with_a_link)
    else:
        make = worktree._folder

        def folder(*arguments: object, **options: bool) -> object:
            if options.get("make") or command == "fix":
                swap()
            return make(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(worktree, "_folder", folder)
    if command == "fix":
        assert csoc("check", str(top), "--fix", "--yes") != 0
    else:
        csoc(*SET, str(top))
    assert swapped
    assert (outside / "values.yaml").read_text() == ODD
    assert [path.name for path in outside.iterdir()] == ["values.yaml"]
    moved = top / ALPHA if what == "folder" else (top / ALPHA).with_name("moved")
    assert (top / "moved/alpha.example.org/values.yaml" if what == "folder" else moved).read_text() == ODD


def test_two_names_that_differ_in_case_are_two_files(csoc: Csoc, top: Path) -> None:
    other = top / ALPHA.replace("values", "VALUES")
    other.write_text("mine: 1\n")
    assert csoc(*SET, str(top)) == 0, csoc.out + csoc.err
    assert other.read_text() == "mine: 1\n"
    assert git(top, "status", "--porcelain", "-uall") == f"?? {other.relative_to(top)}"


def test_values_in_a_submodule_are_not_written(csoc: Csoc, top: Path) -> None:
    git(top.parent, "init", "-q", "inner")
    inner = top.parent / "inner"
    (inner / "values.yaml").write_text(values("beta.example.org"))
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "Inner")
    git(top, "submodule", "add", "-q", str(inner), "sub")
    git(top, "commit", "-qm", "Submodule")
    application = top / "one/alpha.example.org/app.yaml"
    application.write_text(application.read_text().replace(ALPHA, "sub/values.yaml"))
    git(top, "commit", "-qam", "Values in a submodule")
    before = head(top)
    assert csoc(*SET, str(top)) != 0
    csoc("check", str(top), "--fix", "--yes")
    assert head(top) == before
    assert (top / "sub/values.yaml").read_text() == values("beta.example.org")
