"""The layers hold, and the picture of them is the contract that is checked."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"


def _contract_layers() -> list[list[str]]:
    """The layers of the contract, high to low, each with its packages' short names."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter", encoding="utf-8")
    lines = parser["importlinter:contract:layers"]["layers"].strip().splitlines()
    return [[name.strip().removeprefix("csoc.") for name in re.split(r"[|:]", line)] for line in lines]


def _exists(dotted: str) -> bool:
    path = ROOT / "src" / "csoc" / dotted.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_the_import_contract_holds() -> None:
    command = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


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
    """The modules of the page's table."""
    table = PAGE.read_text(encoding="utf-8").split("## Modules")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


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
