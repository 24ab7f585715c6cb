"""Every direct dependency has its reason on one page, and nothing else does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from testbed import catalogue

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "decisions" / "dependencies.md"


def _sections() -> dict[str, dict[str, list[str]]]:
    """Heading to package to the cells of its row, the package's own left out."""
    sections: dict[str, dict[str, list[str]]] = {}
    for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
        sections[heading] = {name: cells for name, *cells in rows[1:]}
    return sections


def _declared() -> dict[str, set[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = {
        "At run time": project["project"]["dependencies"],
        "For AWS": project["project"]["optional-dependencies"]["aws"],
        "For the emulator": project["project"]["optional-dependencies"]["emulator"],
        "For development": [item for group in project["dependency-groups"].values() for item in group],
        "To build and install": [*project["build-system"]["requires"], "uv"],
    }
    return {heading: {re.split(r"[^\w.-]", item)[0].lower() for item in items} for heading, items in groups.items()} | {
        "Servers of the tests": set(catalogue.ALL)
    }


@pytest.mark.parametrize("heading", list(_declared()))
def test_the_page_lists_exactly_what_is_declared(heading: str) -> None:
    assert set(_sections()[heading]) == _declared()[heading]


def test_every_entry_has_reason_licence_alternative_and_release() -> None:
    for rows in _sections().values():
        for name, cells in rows.items():
            assert len(cells) == 4, name
            assert all(cells), f"{name} has an empty cell"
            assert re.search(r"\d, \d{4}-\d{2}-\d{2}$", cells[3]), f"{name}: {cells[3]}"


def test_the_page_names_the_versions_that_the_testbed_pins() -> None:
    readme = (ROOT / "testbed" / "README.md").read_text(encoding="utf-8")
    for name, cells in _sections()["Servers of the tests"].items():
        version = catalogue.ALL[name].version
        assert cells[3].startswith(f"{version},")
        assert version in readme
