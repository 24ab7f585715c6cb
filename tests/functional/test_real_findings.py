"""What csoc finds in other people's repositories, compared with what somebody found to be true by reading them.

One file a rule in `real_findings/`: by repository, a list of findings, each with the folders of the environments that
have it, its key, and the verdict: why it is true, in a sentence or two. A rule that finds something new, or something
else, fails here until somebody has read it. Files, chart and day are fixed, so that only code changes the outcome.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from csoc import bootstrap
from csoc.config import loading
from csoc.gen3.data_model.published import NoDictionaries
from csoc.gen3.findings import Finding
from csoc.gen3.rules.table import RULES
from csoc.gen3.views import EnvironmentView
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.load import FleetQuery, load_fleet

VERDICTS = Path(__file__).parent / "real_findings"
REPOSITORIES = ("gitops-ctds", "gitops-ardac", "cdis-manifest")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("real")

Found = dict[str, list[Finding]]


@dataclass(frozen=True)
class Expected:
    """One finding of a verdict file."""

    environments: tuple[str, ...]  # folders
    key: str
    verdict: str


@pytest.fixture(scope="session")
def found(real: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """Findings by repository and rule, environments by their folder; rendered with the chart of the archive."""
    folder = tmp_path_factory.mktemp("real-findings")
    settings = loading.load({"CSOC_CACHE_DIR": str(folder / "cache"), "HOME": str(folder)})
    answers: dict[str, Found] = {}
    with bootstrap.ports(settings) as ports:
        ports = replace(ports, clock=lambda: NOW, dictionaries=NoDictionaries())
        for name in REPOSITORIES:
            fleet = load_fleet(ports, FleetQuery(str(real / name), chart=str(real / "gen3-chart-0.3.90.tgz")))
            report = FleetChecker(ports).check(fleet).report
            answers[name] = defaultdict(list)
            folder_of = {view.name: environment_folder(view) for view in fleet.view.environments}
            for finding in report.findings:
                places = tuple(folder_of[environment] for environment in finding.environments)
                answers[name][finding.rule].append(replace(finding, environments=places))
    return answers


def environment_folder(view: EnvironmentView) -> str:
    """Where an environment's files are, which stays the same when csoc names it otherwise."""
    return view.application.location.path.rpartition("/")[0].removesuffix("/templates")


def verdicts(rule: str) -> dict[str, list[Expected]]:
    """The verdict file of a rule, by repository; empty if there is none."""
    path = VERDICTS / f"{rule}.yaml"
    if not path.is_file():
        return {}
    data: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text("utf-8")) or {}
    return {
        repository: [Expected(tuple(e["environments"]), str(e["key"]), e["verdict"]) for e in entries]
        for repository, entries in data.items()
    }


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_rule_finds_what_was_read_and_nothing_else(found: dict[str, Found], rule: str) -> None:
    expected = {
        (repository, entry.key, environment)
        for repository, entries in verdicts(rule).items()
        for entry in entries
        for environment in entry.environments or ("",)
    }
    actual = {
        (repository, finding.key, environment)
        for repository in REPOSITORIES
        for finding in found[repository].get(rule, [])
        for environment in finding.environments or ("",)
    }
    assert actual == expected


def test_no_rule_trips_over_a_real_value(found: dict[str, Found]) -> None:
    failed = {(name, item.cause) for name, by_rule in found.items() for item in by_rule.get("check-failed", [])}
    assert not failed


def test_every_verdict_is_about_a_rule_that_exists_and_says_why() -> None:
    known = {rule.id for rule in RULES}
    for path in sorted(VERDICTS.glob("*.yaml")):
        assert path.stem in known
        for entries in verdicts(path.stem).values():
            assert all(len(entry.verdict.split()) >= 5 for entry in entries), path.name
