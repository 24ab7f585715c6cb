"""The layers hold, and the picture of them is the contract that is checked."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PAGES = (PAGE, ROOT / "docs" / "provisioning.md")


# What any layer may import: no outside system stands behind it.
FREE = {"pydantic", "pydantic_core", "yaml"}


def _contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter", encoding="utf-8")
    return parser


def _contract_layers() -> list[list[str]]:
    """The layers of the contract, high to low, each with its packages' short names."""
    lines = _contracts()["importlinter:contract:layers"]["layers"].strip().splitlines()
    return [[name.strip().removeprefix("csoc.") for name in re.split(r"[|:]", line)] for line in lines]


def _exists(dotted: str) -> bool:
    path = ROOT / "src" / "csoc" / dotted.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_the_import_contract_holds() -> None:
    command = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_from_outside_has_a_contract_that_says_where_it_may_be_imported() -> None:
    imported: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                imported |= {item.name.partition(".")[0] for item in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    outside = {name for name in imported if name == "sqlite3" or name not in sys.stdlib_module_names} - {
        "csoc",
        "csoc_infra",
    }
    assert len(outside) > 10
    assert outside - _placed() == FREE


def test_what_stands_for_an_outside_system_is_closed_to_the_domain() -> None:
    closed = set(_contracts()["importlinter:contract:domain"]["forbidden_modules"].split())
    assert closed == _placed() - {"click", "rich"}


def _placed() -> set[str]:
    """The packages from outside that a contract gives their place."""
    contracts = _contracts()
    names = [name for name in contracts.sections() if name.startswith("importlinter:contract:sdk-")]
    return {module for name in names for module in contracts[name]["forbidden_modules"].split()}


def test_every_layer_of_the_contract_exists() -> None:
    missing = [name for layer in _contract_layers() for name in layer if not _exists(name)]
    assert missing == []


def test_every_package_of_csoc_belongs_to_a_layer() -> None:
    found = {path.stem for path in (ROOT / "src" / "csoc").iterdir() if path.suffix == ".py" or path.is_dir()}
    layered = {name for layer in _contract_layers() for name in layer}
    assert found - layered - {"__init__", "__main__", "__pycache__"} == set()


def test_every_module_of_the_table_exists_and_stands_there_once() -> None:
    names = _named()
    assert [name for name in names if not _exists(name)] == []
    assert sorted(names) == sorted(set(names))


def test_the_table_names_every_package_and_every_module_of_the_first_two_levels() -> None:
    root = ROOT / "src" / "csoc"
    packages = {path.parent.relative_to(root) for path in root.rglob("__init__.py")} - {Path()}
    modules = {path.relative_to(root).with_suffix("") for path in (*root.glob("*.py"), *root.glob("*/*.py"))}
    ours = {path for path in modules if path.name != "__init__" and path.parts[0] != "emulator"}
    assert len(ours) > 80
    assert {".".join(path.parts) for path in packages | ours} - set(_named()) == set()


def _named() -> list[str]:
    """The modules of the pages' tables."""
    tables = [page.read_text(encoding="utf-8").split("## Modules")[1].split("\n## ")[0] for page in PAGES]
    rows = [row for table in tables for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row) if not name.startswith("csoc_infra")]


def test_the_picture_shows_the_layers_of_the_contract_and_arrows_only_downwards() -> None:
    picture = PAGE.read_text(encoding="utf-8").split("```mermaid")[1].split("```")[0]
    names = {key: label.split(":")[0] for key, label in re.findall(r'(\w+)\["([^"]+)"\]', picture)}
    level = {name: depth for depth, layer in enumerate(_contract_layers()) for name in layer}
    shown = {part.strip() for label in names.values() for part in label.split(",")}
    assert shown == set(level)
    arrows = re.findall(r'(\w+)(?:\["[^"]*"\])? --> (\w+)', picture)
    assert len(arrows) >= len(names) - 1
    for above, below in arrows:
        assert level[names[above].split(",")[0]] < level[names[below].split(",")[0]], f"{above} --> {below}"
