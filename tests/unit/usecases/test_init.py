"""The repository of a new fleet, and what making it again touches."""

from __future__ import annotations

from pathlib import Path

import pytest

from csoc.errors import ConflictError, RejectedError
from csoc.fleet.documents.schemas import schema_files
from csoc.testing.fleets import World
from csoc.usecases.init import init_fleet

SCHEMA = ".csoc/schemas/environment.json"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_in_a_fleet_with_schemas_of_another_version_they_alone_are_renewed(tmp_path: Path) -> None:
    init_fleet(World().ports(), tmp_path, name="mine")
    before = contents(tmp_path)
    (tmp_path / SCHEMA).write_text("{}")
    (tmp_path / ".csoc/schemas/fleet.json").unlink()
    (tmp_path / "fleet.yaml").write_text(before["fleet.yaml"].decode() + "# mine\n")
    made = init_fleet(World().ports(), tmp_path)
    assert made.renewed == (SCHEMA,)
    assert made.files == (SCHEMA, ".csoc/schemas/fleet.json")
    assert contents(tmp_path) == {**before, "fleet.yaml": before["fleet.yaml"] + b"# mine\n"}


def test_in_a_fleet_with_the_schemas_of_this_version_there_is_nothing_to_do(tmp_path: Path) -> None:
    init_fleet(World().ports(), tmp_path, name="mine")
    with pytest.raises(ConflictError, match="exist already"):
        init_fleet(World().ports(), tmp_path, name="mine")


def test_a_folder_with_old_schemas_and_no_fleet_gets_both(tmp_path: Path) -> None:
    place = tmp_path / SCHEMA
    place.parent.mkdir(parents=True)
    place.write_text("{}")
    made = init_fleet(World().ports(), tmp_path, name="mine")
    assert made.renewed == (SCHEMA,)
    assert "fleet.yaml" in made.files
    assert place.read_bytes() == schema_files()[SCHEMA]


def test_a_link_in_place_of_a_schema_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    place = tmp_path / "fleet" / SCHEMA
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(RejectedError, match="no file"):
        init_fleet(World().ports(), tmp_path / "fleet", name="mine")
    assert outside.read_text() == "mine"


def test_another_tools_fleet_file_is_still_a_conflict(tmp_path: Path) -> None:
    place = tmp_path / SCHEMA
    place.parent.mkdir(parents=True)
    place.write_text("{}")
    (tmp_path / "fleet.yaml").write_text("targets: []\n")
    with pytest.raises(ConflictError):
        init_fleet(World().ports(), tmp_path, name="mine")
    assert place.read_text() == "{}"


def test_a_file_on_the_way_to_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(RejectedError) as refused:
        init_fleet(World().ports(), tmp_path / "file.txt" / "fleet", name="acme")
    assert refused.value.place == str(tmp_path / "file.txt")
    assert refused.value.fix
