"""A command line of its own in an empty folder, and a small fleet beside it, for commands that read a fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.small_fleet import Csoc, Repository, at_home


@pytest.fixture
def csoc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Csoc:
    at_home(monkeypatch, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    return Csoc(capsys)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "fleet")
