"""`python -m testbed` starts the suites' servers for people: up, status, down."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed import __main__ as by_hand
from testbed.servers import sharing


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing that runs on this machine is seen or stopped."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.postgres
def test_a_part_stays_until_it_is_stopped(own_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert by_hand.main(["up", "postgres"]) == 0
    told = capsys.readouterr().out
    assert "stop: python -m testbed down postgres" in told
    assert by_hand.main(["up", "postgres"]) == 0  # it is there, and stays the same
    assert capsys.readouterr().out == told
    assert by_hand.main(["status"]) == 0
    assert capsys.readouterr().out == told
    assert by_hand.main(["down", "postgres"]) == 0
    assert capsys.readouterr().out == "postgres: stopped\n"
    (folder,) = own_folder.iterdir()
    assert not sharing.running_parts(folder)


def test_what_does_not_run_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert by_hand.main(["status"]) == 0
    assert by_hand.main(["down"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1:] == ["cluster: did not run", "keycloak: did not run", "postgres: did not run"]


def test_what_is_not_built_is_said_with_the_way_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CSOC_TESTBED_CACHE", str(tmp_path / "empty"))
    assert by_hand.main(["up", "keycloak"]) == 1
    assert "keycloak is not built; make testbed builds it" in capsys.readouterr().err


def test_an_unknown_part_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        by_hand.main(["up", "clutser"])
    assert caught.value.code == 2
    assert "no such part: clutser; there are cluster, keycloak, postgres" in capsys.readouterr().err
