"""A folder is an address of the fleet only where an emulator serves it to its clusters."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from csoc.config import PlatformSettings
from csoc.errors import RejectedError
from csoc.usecases.reaching import check_fleet_url


def _ports(url: str, served: str = "") -> Any:
    settings = SimpleNamespace(platform=PlatformSettings(fleet_url=url))
    return cast(Any, SimpleNamespace(git=SimpleNamespace(settings=settings), served=lambda: served))


def test_a_folder_that_the_emulator_serves_is_fetched_by_its_clusters(tmp_path: Path) -> None:
    check_fleet_url(_ports((tmp_path / "fleet").as_uri(), str(tmp_path)))


@pytest.mark.parametrize("outside", ["../fleet", "/srv/fleet"])
def test_a_folder_beside_what_it_serves_is_not(tmp_path: Path, outside: str) -> None:
    with pytest.raises(RejectedError, match=f"serves only what is below {tmp_path}"):
        check_fleet_url(_ports(f"file://{tmp_path / outside}", str(tmp_path)))


def test_a_folder_that_is_no_file_address_is_none_for_argo_cd(tmp_path: Path) -> None:
    with pytest.raises(RejectedError):
        check_fleet_url(_ports(str(tmp_path / "fleet"), str(tmp_path)))


@pytest.mark.parametrize(
    "url", ["", "https://git.example.org/fleet.git", "git@git.example.org:fleet", "http://gitea:3000/a/b"]
)
def test_a_host_that_only_the_cluster_may_know_is_taken(url: str) -> None:
    check_fleet_url(_ports(url))
