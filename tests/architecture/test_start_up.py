"""Commands that only read csoc's own records start at once: what they load is counted, since a clock would measure the
machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_CODE = """
import json, sys
from csoc.cli.main import run
code = run(sys.argv[1:])
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""
# What takes long to load, and what of csoc brings it along.
_HEAVY = {
    "aws_cdk", "boto3", "botocore", "cryptography", "dbos", "httpx", "kubernetes", "moto", "pygit2",
    "csoc.bootstrap", "csoc.usecases.load", "csoc.fleet.documents.model", "csoc.gen3.rules.table",
}  # fmt: skip
_MOST_OF_CSOC = 150
_MOST_FOR_HELP = 30
UNAVAILABLE = 6


def loaded(folder: Path, *arguments: str, codes: tuple[int, ...] = (0, 4)) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", _CODE, *arguments],
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "CSOC_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(ran.stdout.splitlines()[-1])
    assert code in codes, ran.stderr
    return set(modules)


@pytest.mark.parametrize(
    "arguments",
    [("runs", "list"), ("runs", "show", "none"), ("account", "list"), ("plan", "--list")],
    ids=" ".join,
)
def test_what_only_reads_records_loads_neither_git_nor_charts_nor_clouds(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    modules = loaded(tmp_path, *arguments)
    assert "sqlalchemy" in modules, "the records were read"
    assert modules & _HEAVY == set()
    assert len([one for one in modules if one.startswith("csoc.")]) < _MOST_OF_CSOC


@pytest.mark.parametrize("arguments", [("--help",), ("runs", "list", "--help")], ids=" ".join)
def test_help_loads_no_database_either(arguments: tuple[str, ...], tmp_path: Path) -> None:
    modules = loaded(tmp_path, *arguments)
    assert modules & {*_HEAVY, "sqlalchemy", "sqlite3"} == set()
    assert len([one for one in modules if one.startswith("csoc.")]) < _MOST_OF_CSOC


def test_asking_an_emulator_is_one_call_and_loads_nothing_for_it(tmp_path: Path) -> None:
    nobody = ("--at", "http://127.0.0.1:1", "--token", "any")
    modules = loaded(tmp_path, "emulator", "faults", "list", *nobody, codes=(UNAVAILABLE,))
    assert modules & {*_HEAVY, "sqlalchemy", "sqlite3"} == set()
    assert len([one for one in modules if one.startswith("csoc.")]) < _MOST_FOR_HELP
