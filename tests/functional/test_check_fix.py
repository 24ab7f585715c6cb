"""`csoc check --fix`: what it shows, what it changes, and what it never touches."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.functional.small_fleet import SOON, Csoc, Repository, values

ALPHA = "one/alpha.example.org/values.yaml"
ODD = "# Ours\nglobal:\n    hostname:   alpha.example.org   # public\n    maintenanceMode:   off # since May\n"
MENDED = ODD.replace("off #", '"off" #')


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "fleet")
    made.write({ALPHA: ODD})
    made.commit()
    return made


def content(repository: Repository, path: str = ALPHA) -> str:
    return (repository.path / path).read_bytes().decode()


def test_without_consent_the_change_is_shown_and_nothing_is_changed(csoc: Csoc, repository: Repository) -> None:
    assert csoc("check", "fleet", "--fix") == 1
    assert '+    maintenanceMode:   "off" # since May' in csoc.err
    assert "-    maintenanceMode:   off # since May" in csoc.err
    assert "Mends maintenance-mode-not-text" in csoc.err
    assert "--yes" in csoc.err
    assert content(repository) == ODD


def test_with_yes_the_bytes_of_the_value_are_changed_and_no_others_and_nothing_is_committed(
    csoc: Csoc, repository: Repository
) -> None:
    head = repository.git.head.target
    (repository.path / ALPHA).chmod(0o640)
    assert csoc("check", "fleet", "--fix", "--yes") == 0, csoc.out + csoc.err
    assert content(repository) == MENDED
    assert (repository.path / ALPHA).stat().st_mode & 0o777 == 0o640
    assert repository.git.head.target == head
    assert "nothing is committed" in csoc.err
    assert "No findings." in csoc.out
    assert sorted(path.name for path in (repository.path / ALPHA).parent.iterdir()) == ["app.yaml", "values.yaml"]


def test_what_is_left_is_shown_afterwards(csoc: Csoc, repository: Repository) -> None:
    repository.write({"two/beta.example.org/values.yaml": None})
    assert csoc("check", "fleet", "--fix", "--yes", "--json") == 1
    assert [finding["rule"] for finding in json.loads(csoc.out)["findings"]] == ["value-file-missing"]
    assert content(repository) == MENDED


def test_mending_twice_changes_nothing_more(csoc: Csoc, repository: Repository) -> None:
    csoc("check", "fleet", "--fix", "--yes")
    assert csoc("check", "fleet", "--fix", "--yes") == 0
    assert "nothing that can be mended" in csoc.err
    assert content(repository) == MENDED


def test_only_the_environments_that_were_named_are_mended(csoc: Csoc, repository: Repository) -> None:
    other = "two/beta.example.org/values.yaml"
    repository.write({other: values("beta.example.org", "  maintenanceMode: off\n")})
    before = content(repository, other)
    csoc("check", "fleet", "alpha", "--fix", "--yes")
    assert (content(repository), content(repository, other)) == (MENDED, before)


def test_waived_findings_are_left_alone(csoc: Csoc, repository: Repository) -> None:
    waiver = f"{{rule: maintenance-mode-not-text, reason: It is meant like this, owner: Ada, expires: {SOON}}}"
    head = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Waivers\nmetadata: {name: ours}\nspec:\n  waivers:\n"
    repository.write({".csoc/waivers.yaml": f"{head}    - {waiver}\n"})
    assert csoc("check", "fleet", "--fix", "--yes") == 0
    assert content(repository) == ODD


def test_an_environment_whose_finding_is_waived_is_left_alone_where_another_one_is_mended(
    csoc: Csoc, repository: Repository
) -> None:
    other = "two/beta.example.org/values.yaml"
    waiver = f"{{rule: maintenance-mode-not-text, reason: It is meant like this, owner: Ada, expires: {SOON}"
    head = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Waivers\nmetadata: {name: ours}\nspec:\n  waivers:\n"
    repository.write(
        {
            other: values("beta.example.org", "  maintenanceMode: off\n"),
            ".csoc/waivers.yaml": f"{head}    - {waiver}, environments: [beta]}}\n",
        }
    )
    before = content(repository, other)
    assert csoc("check", "fleet", "--fix", "--yes") == 0, csoc.out
    assert (content(repository), content(repository, other)) == (MENDED, before)


def test_a_secret_beside_the_change_is_not_shown(csoc: Csoc, repository: Repository) -> None:
    repository.write({ALPHA: f"{ODD}    encryptionKey: hunter2 or so\n    dbPassword: hunter2-but-longer\n"})
    csoc("check", "fleet", "--fix")
    assert "maintenanceMode" in csoc.err
    assert "hunter2" not in csoc.err + csoc.out


def test_a_link_is_never_written_through(csoc: Csoc, repository: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(ODD)
    (repository.path / ALPHA).unlink()
    (repository.path / ALPHA).symlink_to(outside)
    csoc("check", "fleet", "--fix", "--yes")
    assert outside.read_text() == ODD


def test_a_remote_fleet_is_not_changed_in_place(csoc: Csoc, repository: Repository, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", repository.path, bare], check=True)
    assert csoc("check", str(bare), "--fix", "--yes") == 1
    assert "--pull-request" in csoc.err
    assert csoc("check", "fleet", "--revision", "main", "--fix", "--yes") == 1
    assert content(repository) == ODD


def test_a_file_that_may_not_be_written_is_exit_code_3(
    csoc: Csoc, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuses_new_files(path: Any, flags: int, *rest: Any, dir_fd: int | None = None) -> int:
        # Root may write everywhere, so that no permission on the disk would do.
        if dir_fd is not None and flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, flags, *rest, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuses_new_files)
    assert csoc("check", "fleet", "--fix", "--yes") == 3
    assert content(repository) == ODD


def test_options_that_do_not_go_together_are_usage_errors(csoc: Csoc, repository: Repository) -> None:
    for arguments in (["--yes"], ["--pull-request"], ["--fix", "--write-baseline"], ["--write-baseline", "alpha"]):
        assert csoc("check", "fleet", *arguments) == 2, arguments
