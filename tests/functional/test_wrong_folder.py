"""What is said to somebody who is in another folder than they think, before anything is done there."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from tests.functional.command import Command

OF_A_FLEET = [
    ("status", "reef"),
    ("plan", "reef"),
    ("destroy", "reef"),
    ("apply", "k3x9m2ab7q"),
    ("secret", "put", "reef", "fence-config"),
    ("account", "link", "research", "--account-id", "222222222222", "--region", "ap-southeast-2"),
    ("account", "verify", "research"),
    ("account", "unlink", "research"),
    ("cluster", "list"),
    ("cluster", "show", "reef"),
    ("cluster", "connect", "reef", "--eks", "reef", "--account", "research"),
]


@pytest.fixture
def csoc(tmp_path: Path) -> Command:
    variables = {"CSOC_DATA_DIR": str(tmp_path / "data"), "AWS_EC2_METADATA_DISABLED": "1"}
    return Command(tmp_path / "home", tmp_path / "here", variables=variables)


@pytest.mark.parametrize("typed", OF_A_FLEET, ids=lambda typed: " ".join(typed[:2]))
def test_a_folder_that_is_no_fleet_is_told_so_with_the_way_to_name_another(
    csoc: Command, typed: tuple[str, ...]
) -> None:
    (csoc.folder / "large.yaml").write_bytes(b"a: b\n" * 1000)
    csoc.settings = "[limits]\nfolder_bytes = 100\n"
    ran = csoc(*typed)
    assert ran.code == 1
    assert "This is no fleet: there is no fleet.yaml" in ran.err
    assert str(csoc.folder) in ran.err
    assert all(word in ran.err for word in ("--fleet", "CSOC_FLEET", "csoc fleet init"))
    assert not (csoc.home.parent / "data").exists(), "it is told first"


@pytest.mark.parametrize("typed", [("runs", "list"), ("plan", "--list"), ("account", "list")], ids=" ".join)
def test_a_list_of_records_with_nothing_in_it_says_which_records_and_that_here_is_no_fleet(
    csoc: Command, typed: tuple[str, ...], tmp_path: Path
) -> None:
    ran = csoc(*typed)
    assert ran.code == 0
    said = " ".join(ran.err.split())
    assert f"This is no fleet: there is no fleet.yaml in {csoc.folder}" in said
    assert f"What was read is {tmp_path}/data/csoc.sqlite3" in said
    (csoc.folder / "fleet.yaml").write_text("")
    assert "no fleet" not in csoc(*typed).err


def test_a_repository_in_which_no_fleet_is_committed_is_told_so(csoc: Command) -> None:
    made = pygit2.init_repository(str(csoc.folder), initial_head="main")
    author = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 0)
    made.create_commit("HEAD", author, author, "nothing", made.TreeBuilder().write(), [])
    for typed in (("status", "reef"), ("cluster", "list"), ("cost", "estimate", "reef")):
        ran = csoc(*typed)
        assert (ran.code, "This is no fleet" in ran.err, "CSOC_FLEET" in ran.err) == (1, True, True), ran.err


def test_a_folder_that_is_too_large_to_read_names_the_way_to_another(csoc: Command) -> None:
    (csoc.folder / "large.yaml").write_bytes(b"a: b\n" * 1000)
    csoc.settings = "[limits]\nfolder_bytes = 100\n"
    ran = csoc("fleet", "show")
    assert ran.code == 1
    assert "holds more than 100 bytes" in ran.err
    assert "--fleet" in ran.err
    assert "CSOC_FLEET" in ran.err


def test_a_data_folder_that_cannot_be_made_is_named_with_the_setting(csoc: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    csoc.variables["CSOC_DATA_DIR"] = str(tmp_path / "file" / "data")
    ran = csoc("runs", "list")
    assert ran.code == 1
    assert f"{tmp_path}/file/data: The folder for csoc's records cannot be made: Not a directory" in ran.err
    assert "fix: Name a folder that you may write with data_dir in the settings (CSOC_DATA_DIR)" in ran.err
