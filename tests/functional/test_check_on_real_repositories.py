"""`csoc check` on other people's repositories: the defects that are known to be there, in the words of the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.functional.small_fleet import Csoc, at_home

CANARY = "feat/deployment-canary"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def csoc(monkeypatch: pytest.MonkeyPatch, cache: Path, capsys: pytest.CaptureFixture[str]) -> Csoc:
    at_home(monkeypatch, cache)
    return Csoc(capsys)


def checked(csoc: Csoc, real: Path, name: str) -> dict[str, Any]:
    chart = str(real / "gen3-chart-0.3.90.tgz")
    assert csoc("check", str(real / name), "--chart", chart, "--json") == 1, csoc.err
    data: dict[str, Any] = json.loads(csoc.out)
    return data


@pytest.fixture
def ctds(csoc: Csoc, real: Path) -> dict[str, Any]:
    return checked(csoc, real, "gitops-ctds")


def having(data: dict[str, Any], rule: str) -> dict[str, list[dict[str, Any]]]:
    """Findings of a rule by environment."""
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in data["findings"]:
        for name in finding["environments"] if finding["rule"] == rule else ():
            found.setdefault(name, []).append(finding)
    return found


def test_twelve_environments_are_checked_and_two_do_not_render_with_the_archive(ctds: dict[str, Any]) -> None:
    assert ctds["summary"]["environments"] == 12
    assert ctds["summary"]["notRendered"] == []
    assert set(having(ctds, "chart-does-not-render")) == {"brh-staging", "mc2dp"}


def test_missing_value_files_are_named(ctds: dict[str, Any]) -> None:
    missing = having(ctds, "value-file-missing")
    assert set(missing) == {"caninedc-prod", "kidsfirstdrc-staging"}
    assert {finding["key"].rpartition("/")[2] for finding in missing["caninedc-prod"]} == {
        "guppy.yaml",
        "portal.yaml",
        "values.yaml",
    }


def test_two_environments_share_an_application_name_and_a_namespace(ctds: dict[str, Any]) -> None:
    for rule in ("application-name-shared", "release-namespace-shared"):
        assert set(having(ctds, rule)) == {"brh-staging", "brh-prod"}, rule


def test_no_environment_pins_the_chart(ctds: dict[str, Any]) -> None:
    assert len(having(ctds, "chart-not-pinned")) == 12


def test_findings_rendered_with_the_archive_say_that_applications_name_another_chart(ctds: dict[str, Any]) -> None:
    named = {
        name: chart["named"]
        for finding in ctds["findings"]
        for chart in finding["otherCharts"]
        for name in chart["environments"]
    }
    following = {name for name, chart in named.items() if chart.endswith(f"@{CANARY}")}
    assert "brh-staging" in following
    assert all(chart.endswith((f"@{CANARY}", "@master")) for chart in named.values())


def test_the_command_says_so_in_words_too(csoc: Csoc, real: Path) -> None:
    csoc("check", str(real / "gitops-ctds"), "brh-staging", "--chart", str(real / "gen3-chart-0.3.90.tgz"))
    assert f"; the Application names https://github.com/uc-cdis/gen3-helm//helm/gen3@{CANARY}" in csoc.out


def test_the_same_file_is_asked_once(csoc: Csoc, real: Path, ctds: dict[str, Any]) -> None:
    again = checked(csoc, real, "gitops-ctds")
    assert again["summary"]["fromCache"] == 12
    assert again["findings"] == ctds["findings"]


@pytest.mark.parametrize("name", ["gitops-ardac", "cdis-manifest"])
@pytest.mark.parametrize("form", ["text", "sarif", "junit", "github"])
def test_every_format_is_written_for_every_repository(csoc: Csoc, real: Path, name: str, form: str) -> None:
    chart = str(real / "gen3-chart-0.3.90.tgz")
    assert csoc("check", str(real / name), "--chart", chart, "--format", form) in (0, 1)
    assert csoc.out
