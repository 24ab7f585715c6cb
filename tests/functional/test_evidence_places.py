"""Evidence with a key and a line shows that key at that line, or says above which one it would stand.

For every rule, on the demo's fleet and on other people's repositories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from csoc import bootstrap
from csoc.config import loading
from csoc.gen3.data_model.published import NoDictionaries
from csoc.gen3.findings import Evidence
from csoc.gen3.views import HELM
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.load import FleetQuery, load_fleet

DEMO = Path(bootstrap.__file__).parent / "cli/demo_fleet"
_FIELDS = ("project", "finalizers", "syncOptions", "targetRevision", "metadata.name")
_ABOVE = re.compile(r" \(at (?P<above>[^()]+)\)$")
_NAMED = re.compile(r"(?P<name>[A-Za-z.]+): ")


def shown_wrong(item: Evidence, line: str) -> str:
    """What is wrong with the line that a piece of evidence points to; "" if it shows what it should."""
    above = _ABOVE.search(item.text)
    named = _NAMED.match(item.text)
    if item.key.startswith("image of "):
        return "" if item.state.split("@")[0] in line or "image" in line else f"not the tag {item.state}"
    if " " in item.key:
        return ""
    key = above["above"] if above else item.key
    if not key and named and named["name"] in _FIELDS:
        key = named["name"]
    last = key.rpartition(".")[2]
    return f"not {key}" if last and not last.isdigit() and last not in line else ""


def evidence(path: Path, folder: Path, *, rendering: bool, chart: str | None = None) -> Iterator[tuple[str, Evidence]]:
    """Rule and evidence of everything that is found in Helm environments."""
    settings = loading.load({"CSOC_CACHE_DIR": str(folder / "cache"), "HOME": str(folder)})
    with bootstrap.ports(settings) as ports:
        ports = replace(ports, clock=lambda: datetime(2026, 11, 23, 12, 0, tzinfo=UTC), dictionaries=NoDictionaries())
        fleet = load_fleet(ports, FleetQuery(str(path), chart=chart))
        helm = {view.name for view in fleet.view.environments if view.system == HELM}
        for finding in FleetChecker(ports, rendering=rendering).find(fleet).raw:
            for item in finding.evidence:
                place = item.location
                if item.environment in {"", *helm} and place and place.repository == fleet.tree.repository:
                    yield finding.rule, item


def assert_shown(path: Path, found: list[tuple[str, Evidence]]) -> None:
    wrong = []
    for rule, item in found:
        assert item.location is not None
        file = path / item.location.path
        if item.location.line and file.is_file():
            line = file.read_text("utf-8", "replace").split("\n")[item.location.line - 1]
            if reason := shown_wrong(item, line):
                wrong.append(f"{rule}: {item.text[:80]} at {item.location}: {reason} in {line.strip()[:40]!r}")
    assert wrong == []


@pytest.mark.parametrize("rendering", [True, False])
def test_on_the_demo_every_line_shows_what_it_is_evidence_for(tmp_path: Path, *, rendering: bool) -> None:
    found = list(evidence(DEMO, tmp_path, rendering=rendering))
    assert len(found) > 15
    assert_shown(DEMO, found)


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", ["gitops-ctds", "gitops-ardac"])
@pytest.mark.parametrize("rendering", [True, False])
def test_on_real_repositories_every_line_shows_what_it_is_evidence_for(
    real: Path, tmp_path: Path, name: str, *, rendering: bool
) -> None:
    chart = str(real / "gen3-chart-0.3.90.tgz")
    found = list(evidence(real / name, tmp_path, rendering=rendering, chart=chart))
    assert len({rule for rule, _ in found}) > 8
    assert_shown(real / name, found)


def test_guessed_defaults_alone_are_at_most_low(tmp_path: Path) -> None:
    settings = loading.load({"CSOC_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)})
    with bootstrap.ports(settings) as ports:
        fleet = load_fleet(ports, FleetQuery(str(DEMO)))
        severities = {
            (finding.rule, finding.severity.name)
            for finding in FleetChecker(ports, rendering=False).find(fleet).raw
            if any("(chart default)" in item.text for item in finding.evidence)
        }
    assert ("secret-shared", "HIGH") not in severities
