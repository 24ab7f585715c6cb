"""A command line of its own in an empty folder, and a small fleet beside it, for commands that read a fleet; and one
process that makes the templates of all commands that run in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.cdk.synthesizer import ChildSynthesizer
from tests.functional.small_fleet import Csoc, Repository, at_home


@pytest.fixture
def csoc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Csoc:
    at_home(monkeypatch, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    return Csoc(capsys)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "fleet")


@pytest.fixture(scope="session")
def templates_process() -> Iterator[ChildSynthesizer]:
    with ChildSynthesizer() as shared:
        yield shared


@pytest.fixture(autouse=True)
def one_process_for_templates(templates_process: ChildSynthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting CDK takes longer than making templates, and each command starts its own. What they cache stays theirs;
    how the process starts and ends is the matter of the contract suite and of tests that run csoc as a process."""
    real = ChildSynthesizer._ask

    def ask(_: ChildSynthesizer, document: Mapping[str, Any]) -> Mapping[str, Any]:
        return real(templates_process, document)

    monkeypatch.setattr(ChildSynthesizer, "_ask", ask)
