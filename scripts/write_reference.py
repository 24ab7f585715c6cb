"""`make docs`: writes docs/reference from the code.

Reference pages repeat what the code says, so the code writes them. One row of the table below is one generator; a test
compares every page with its generator, so a change of the code that forgets the page fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from csoc.costs.prices.reference import reference_page as prices_page
from csoc.fleet.documents import schemas
from csoc.gen3 import catalogue
from csoc.gen3.launch.reference import reference_page as launch_page
from scripts import command_pages, misconfigurations, resource_type_pages, rule_pages

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"

# What is described, and the function that makes path below docs/reference to content.
GENERATORS: Mapping[str, Callable[[], Mapping[str, bytes]]] = {
    "csoc's own documents": schemas.reference_files,
    "rules": rule_pages.pages,
    "what rules answer": misconfigurations.pages,
    "commands": command_pages.pages,
    "resource types of the emulator": resource_type_pages.pages,
    "launching": lambda: {"launch.md": launch_page().encode()},
    "prices": lambda: {"prices.md": prices_page().encode()},
    "services of the chart": lambda: {"services.md": catalogue.reference_page(catalogue.load()).encode()},
}


def pages() -> dict[str, bytes]:
    """Every generated page: path below docs/reference to content."""
    return {path: content for generate in GENERATORS.values() for path, content in generate().items()}


def main() -> int:
    """Writes the pages that differ and says which."""
    for path, content in sorted(pages().items()):
        target = REFERENCE / path
        if target.is_file() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        print(f"docs: wrote docs/reference/{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
