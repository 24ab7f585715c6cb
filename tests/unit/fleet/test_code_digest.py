"""Which code an answer in the cache rests on."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from csoc.fleet import code_digest as tested
from csoc.fleet.argocd import positions

ROOTS = [("csoc.fleet.parsing",), positions._CODE, ("csoc.gen3.chart_keys",), ("csoc.usecases.checking.checker",)]


@pytest.mark.parametrize("roots", ROOTS, ids=" ".join)
def test_every_module_that_is_loaded_with_these_is_in_the_digest(roots: tuple[str, ...]) -> None:
    code = "import sys, importlib\nfor n in sys.argv[1:]: importlib.import_module(n)\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code, *roots], capture_output=True, text=True, check=True)
    loaded = {name for name in ran.stdout.split() if name.partition(".")[0] == "csoc"}
    assert len(loaded) > 10
    assert loaded <= set(tested.code_of(*roots))


def test_data_that_a_package_reads_is_in_the_digest() -> None:
    assert "csoc.gen3/data/services.json" in tested.code_of("csoc.gen3.chart_keys")


def test_a_module_that_is_not_there_is_told() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"csoc\.fleet\.nothing"):
        tested.code_of("csoc.fleet.nothing")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in place of csoc, in which each module is imported in another way."""
    files = {
        "__init__.py": "",
        "one.py": "from csoc.inner import two\nimport os\n",
        "inner/__init__.py": "from csoc.inner.four import f\n",
        "inner/two.py": "def f():\n    from csoc.inner.three import (\n        a,  # x, y\n        b,\n    )\n",
        "inner/three.py": "import csoc.five as five\n",
        "inner/four.py": "f = 1\n",
        "inner/data/table.json": "{}",
        "five.py": "",
        "other.py": "",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    def place(name: str) -> Traversable:
        return tmp_path.joinpath(*name.split(".")[1:])

    monkeypatch.setattr(tested, "_place", place)
    tested.code_digest.cache_clear()
    yield tmp_path
    tested.code_digest.cache_clear()


def test_what_is_imported_is_found_however_it_is_written_and_at_any_depth(package: Path) -> None:
    assert set(tested.code_of("csoc.one")) == {
        *("csoc", "csoc.one", "csoc.inner", "csoc.inner.two", "csoc.inner.three", "csoc.inner.four", "csoc.five"),
        "csoc.inner/data/table.json",
    }


@pytest.mark.parametrize("changed", ["five.py", "inner/__init__.py", "inner/data/table.json", "one.py"])
def test_the_digest_changes_with_each_of_them(package: Path, changed: str) -> None:
    before = tested.code_digest("csoc.one")
    with (package / changed).open("a") as file:
        file.write("\n")
    assert tested.code_digest("csoc.one") == before, "worked out once"
    tested.code_digest.cache_clear()
    assert tested.code_digest("csoc.one") != before


def test_the_digest_does_not_change_with_others(package: Path) -> None:
    before = tested.code_digest("csoc.one")
    (package / "other.py").write_text("x = 1\n")
    tested.code_digest.cache_clear()
    assert tested.code_digest("csoc.one") == before


def test_the_caches_of_keys_of_charts_positions_and_files_are_named_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, ask in (
        ("csoc.usecases.states", "_keys_namespace"),
        ("csoc.fleet.argocd.positions", "_namespace"),
        ("csoc.fleet.parsing", "parser_version"),
    ):
        module = importlib.import_module(name)
        monkeypatch.setattr(module, "code_digest", lambda *roots: f"of {' '.join(roots)}")
        assert "of csoc." in getattr(module, ask)(), name
