"""`csoc fleet watch` and `csoc rules` through the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from csoc.cli.fleet import watch
from csoc.gen3.rules.table import RULES
from tests.functional.small_fleet import Csoc, Repository, values


def between(monkeypatch: pytest.MonkeyPatch, *steps: object) -> None:
    """What happens while the command waits, instead of time."""
    left = list(steps)

    def wait(seconds: float) -> bool:
        step = left.pop(0)
        step()  # type: ignore[operator]
        return True

    monkeypatch.setattr(watch, "_waiting", lambda: wait)


LOW = {"one/alpha.example.org/values.yaml": values("alpha.example.org", "  maintenanceMode: off\n")}
MENDED = {"one/alpha.example.org/values.yaml": values("alpha.example.org")}


def test_each_change_is_told_in_findings(csoc: Csoc, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    between(monkeypatch, lambda: repository.write(LOW), lambda: None, lambda: repository.write(MENDED))
    assert csoc("fleet", "watch", "--fleet", "fleet", "--rounds", "4") == 0, csoc.err
    assert "2 environments, 0 findings" in csoc.out
    assert "1 file, 1 environment checked anew" in csoc.out
    # What it was before is known still.
    assert "1 file, 0 environments checked anew" in csoc.out
    assert "new: low maintenance-mode-not-text" in csoc.out
    assert "gone: low maintenance-mode-not-text" in csoc.out


def test_as_json_each_look_that_saw_something_is_a_line(
    csoc: Csoc, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    between(monkeypatch, lambda: repository.write(LOW), lambda: None)
    assert csoc("fleet", "watch", "--fleet", "fleet", "--rounds", "3", "--json") == 0
    first, second = (json.loads(line) for line in csoc.out.splitlines())
    assert (first["first"], first["paths"], first["findings"]) == (True, [], 0)
    assert second["paths"] == ["one/alpha.example.org/values.yaml"]
    assert second["environments"] == ["alpha"]
    assert [finding["rule"] for finding in second["new"]] == ["maintenance-mode-not-text"]


def test_a_fleet_that_cannot_be_read_for_a_while_is_told_and_tried_again(
    csoc: Csoc, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = tmp_path / "away"

    def leave() -> None:
        repository.path.rename(away)

    def come_back() -> None:
        away.rename(repository.path)

    repository.write(LOW)
    between(monkeypatch, leave, come_back)
    assert csoc("fleet", "watch", "--fleet", "fleet", "--rounds", "3") == 0
    assert "There is no such folder" in csoc.err
    assert csoc.out.count("1 finding") == 1
    assert "gone" not in csoc.out


def test_interrupting_ends_it_cleanly(repository: Repository, tmp_path: Path) -> None:
    environment = {**os.environ, "CSOC_CACHE_DIR": str(tmp_path / "cache"), "CSOC_ALLOWED_HOSTS": "127.0.0.1"}
    code = "from csoc.cli.main import main; main()"
    command = [sys.executable, "-c", code, "fleet", "watch", "--fleet", str(repository.path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout is not None
        assert json.loads(run.stdout.readline())["first"] is True
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (0, "")


def test_rules_are_listed_with_what_they_find(csoc: Csoc) -> None:
    assert csoc("rules", "list", "--json") == 0
    listed = {rule["id"]: rule for rule in json.loads(csoc.out)}
    assert {rule.id for rule in RULES} < set(listed)
    assert {"check-failed", "waiver-expired", "waiver-unused"} < set(listed)
    assert all(rule["title"] and rule["consequence"] and rule["fix"] for rule in listed.values())
    assert csoc("rules", "list") == 0
    assert "value-file-missing" in csoc.out


def test_a_rule_is_shown_and_an_unknown_one_is_exit_code_4_with_the_nearest(csoc: Csoc) -> None:
    assert csoc("rules", "show", "value-file-missing") == 0
    assert "fix: Add the file" in csoc.out
    assert csoc("rules", "show", "value-files-missing") == 4
    assert "value-file-missing" in csoc.err
