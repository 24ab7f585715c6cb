"""Files that a person names are read whole only where they end, and no error shows what is in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from csoc.config.files import read_whole
from csoc.config.loading import load
from csoc.errors import CsocError, Kind, RejectedError


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _large(folder: Path) -> Path:
    (folder / "large").write_bytes(b"x" * 101)
    return folder / "large"


@pytest.mark.parametrize(
    ("made", "kind", "said"),
    [
        (lambda _: Path("/dev/zero"), Kind.REJECTED, "It is no file, but a folder, a pipe or a device"),
        (lambda folder: folder, Kind.REJECTED, "It is no file"),
        (_pipe, Kind.REJECTED, "It is no file"),
        (_large, Kind.REJECTED, "The list is larger than 100 bytes"),
        (lambda folder: folder / "none", Kind.NOT_FOUND, "The list does not exist"),
        (lambda folder: folder / ("long" * 100), Kind.UNAVAILABLE, "The list cannot be read"),
    ],
    ids=["device", "folder", "pipe", "large", "none", "long name"],
)
def test_what_is_no_file_of_a_bounded_size_is_refused_with_its_place_and_a_fix(
    tmp_path: Path, made: Callable[[Path], Path], kind: Kind, said: str
) -> None:
    path = made(tmp_path)
    with pytest.raises(CsocError) as refused:
        read_whole(path, 100, what="The list", fix="Name another")
    assert (refused.value.kind, refused.value.place, refused.value.fix) == (kind, str(path), "Name another")
    assert said in refused.value.cause


def test_a_link_is_followed_unless_it_must_be_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    assert read_whole(tmp_path / "link", 4) == b"text"
    with pytest.raises(CsocError):
        read_whole(tmp_path / "link", 4, follow=False)


def test_settings_that_are_no_toml_are_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[canary]\na = 1\n[canary]\n", encoding="utf-8")
    with pytest.raises(RejectedError, match=r"not TOML \(at line 3, column") as refused:
        load({"CSOC_CONFIG": str(path)})
    assert "canary" not in str(refused.value)


def test_settings_are_not_read_from_a_device() -> None:
    with pytest.raises(RejectedError, match="/dev/zero: It is no file"):
        load({"CSOC_CONFIG": "/dev/zero"})
