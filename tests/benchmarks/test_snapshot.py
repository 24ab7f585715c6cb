"""How fast and how large a snapshot of 3,500 environments is: cold, after a restart, after a commit of three files.

One line a figure. Each reading is a process of its own, as a command is, with the imports left out of its time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pygit2
import pytest

from csoc.adapters.git import GitRepositories
from csoc.adapters.store.cache import SQLiteCache
from csoc.config import Settings
from csoc.fleet.documents.reading import read_documents
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import SourceAddress
from csoc.fleet.snapshot import ParsedFiles, difference
from tests.benchmarks import synthetic_fleet

pytestmark = pytest.mark.benchmark

ENVIRONMENTS = 3_500
COLD_SECONDS, RESTART_SECONDS, CHANGE_SECONDS = 5.0, 1.0, 0.1
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> pygit2.Repository:
    return synthetic_fleet.write(tmp_path_factory.mktemp("synthetic") / "fleet.git", ENVIRONMENTS)


def reading(repository: pygit2.Repository, cache: Path, extent: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.snapshot_child", repository.path, str(cache), extent]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=250)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    assert (found["environments"], found["faults"]) == (ENVIRONMENTS, [])
    return found


def show(what: str, found: dict[str, Any], target: float | None) -> None:
    aim = f", target {target} s" if target else ""
    parts = ", ".join(f"{name} {found[name]:.2f}" for name in ("open", "applications", "documents", "values"))
    print(
        f"\nsnapshot of {ENVIRONMENTS} environments ({found['files']} files), {what}: {found['total']:.2f} s{aim} "
        f"({parts}; processor {found['processor']:.2f}), {found['memory_mb']:.0f} MB at most",
        end="",
    )


def best(readings: list[dict[str, Any]]) -> dict[str, Any]:
    """The quickest: what others do on the machine only ever adds time."""
    return min(readings, key=lambda found: float(found["total"]))


def judged_by() -> str:
    """ "total", the time on the clock; on a machine that is busier than it has processors, "processor": the time that
    the reading itself had one."""
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    if busy:
        print(f"\nthe machine is busy (load {os.getloadavg()[0]:.1f}): processor time is compared with the targets")
    return "processor" if busy else "total"


def test_a_snapshot_is_fast_cold_and_faster_after_a_restart(repository: pygit2.Repository, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(3)]
    cold = best([reading(repository, folder, "documents") for folder in folders])
    show("cold", cold, COLD_SECONDS)
    warm = best([reading(repository, folder, "documents") for folder in folders])
    show("restarted", warm, RESTART_SECONDS)
    size = sum(path.stat().st_size for path in folders[0].glob("cache-*"))
    print(f"\ncache of it on disk: {size / 1e6:.1f} MB")
    judged = judged_by()
    assert cold[judged] < COLD_SECONDS
    assert warm[judged] < RESTART_SECONDS


def test_what_parsing_every_values_file_costs_on_top(repository: pygit2.Repository, tmp_path: Path) -> None:
    cold = reading(repository, tmp_path, "values")
    show("cold, every values file parsed", cold, None)
    warm = reading(repository, tmp_path, "values")
    show("restarted, every values file parsed", warm, None)
    assert warm["values"] < cold["values"]


def test_a_commit_of_three_files_is_read_quickly(repository: pygit2.Repository, tmp_path: Path) -> None:
    repositories = GitRepositories(Settings(cache_dir=tmp_path))
    address = SourceAddress(repository.path, trusted=True)
    cache = SQLiteCache(tmp_path)
    store = ParsedStore(cache)
    tree = repositories.open(address, "main")
    documents = read_documents(tree, store)
    ParsedFiles(tree, store).load()
    assert documents.environments["commons-0000-dev"].document.spec.stage == "dev"

    took = []
    for stage in ("qa", "uat", "demo"):
        commons = "commons/commons-0000/commons-0000-dev"
        contents = {
            f"{commons}/environment.yaml": synthetic_fleet.environment_document(0, stage),
            f"{commons}/values/10-common.yaml": f"global:\n  environment: {stage}\n".encode(),
            "commons/commons-0001/commons-0001-dev/values/20-portal.yaml": f"portal: {stage}\n".encode(),
        }
        synthetic_fleet.change(repository, contents)
        started = time.perf_counter()
        newer = repositories.open(address, "main")
        changes, tree = difference(tree, newer), newer
        files = ParsedFiles(tree, store)
        files.load(changes.paths)
        took.append(time.perf_counter() - started)
        assert changes.paths == tuple(sorted(contents))
        assert files[f"{commons}/environment.yaml"].documents[0].data["spec"]["stage"] == stage
    started = time.perf_counter()
    documents = read_documents(tree, store)
    again = time.perf_counter() - started
    cache.close()
    assert documents.environments["commons-0000-dev"].document.spec.stage == "demo"
    print(
        f"\ncommit of three files re-read: {max(took) * 1000:.0f} ms at most of {len(took)}, target "
        f"{CHANGE_SECONDS * 1000:.0f} ms; all documents validated and compared again: {again * 1000:.0f} ms"
    )
    assert max(took) < CHANGE_SECONDS
