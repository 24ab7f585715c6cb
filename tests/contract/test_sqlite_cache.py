"""What the cache on the disk promises beyond the port: privacy, survival of damage, several processes."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from csoc.adapters.store.cache import FILE_NAME, SQLiteCache


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> Iterator[SQLiteCache]:
    made = SQLiteCache(folder)
    yield made
    made.close()


def test_another_run_finds_what_was_kept(folder: Path) -> None:
    first = SQLiteCache(folder)
    first.put_many("a", {"k": b"1"})
    first.close()
    second = SQLiteCache(folder)
    assert second.get_many("a", ["k"]) == {"k": b"1"}
    second.close()


def test_only_the_owner_can_read_any_file_of_it(cache: SQLiteCache, folder: Path) -> None:
    cache.put_many("a", {"k": b"a secret"})
    files = [path for path in folder.iterdir() if path.name.startswith(FILE_NAME) and path.stat().st_size]
    assert {path.name for path in files} >= {FILE_NAME, f"{FILE_NAME}-wal"}
    assert [path.name for path in files if stat.S_IMODE(path.stat().st_mode) != 0o600] == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_narrowed(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE_NAME).touch()
    (folder / FILE_NAME).chmod(0o644)
    cache = SQLiteCache(folder)
    cache.put_many("a", {"k": b"1"})
    cache.close()
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600


def test_a_link_in_place_of_the_file_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    target = tmp_path / "somewhere else"
    (folder / FILE_NAME).symlink_to(target)
    cache = SQLiteCache(folder)
    cache.put_many("a", {"k": b"1"})
    assert not target.exists()
    assert cache.status().problem
    cache.close()


def test_a_file_that_is_no_database_is_moved_aside_and_made_anew(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(b"this is not a database" * 1000)
    cache = SQLiteCache(folder)
    assert cache.get_many("a", ["k"]) == {}
    cache.put_many("a", {"k": b"1"})
    assert cache.get_many("a", ["k"]) == {"k": b"1"}
    assert cache.status().problem == ""
    cache.close()
    assert (folder / f"{FILE_NAME}.damaged").read_bytes().startswith(b"this is not")


def test_damage_inside_the_file_costs_what_it_held_and_nothing_more(folder: Path) -> None:
    cache = SQLiteCache(folder)
    cache.put_many("a", {f"k{number}": b"x" * 2_000 for number in range(500)})
    cache.close()
    content = bytearray((folder / FILE_NAME).read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    (folder / FILE_NAME).write_bytes(content)
    again = SQLiteCache(folder)
    assert again.get_many("a", ["k1", "k499"]) == {}
    again.put_many("a", {"k1": b"1"})
    assert again.get_many("a", ["k1"]) == {"k1": b"1"}
    assert (folder / f"{FILE_NAME}.damaged").exists()
    again.close()


def test_tables_of_another_shape_are_moved_aside(folder: Path) -> None:
    import sqlite3

    folder.mkdir()
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.execute("CREATE TABLE entry (something TEXT)")
    connection.close()
    cache = SQLiteCache(folder)
    cache.put_many("a", {"k": b"1"})
    assert cache.get_many("a", ["k"]) == {"k": b"1"}
    cache.close()


def test_a_folder_that_cannot_be_made_costs_the_cache_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = SQLiteCache(tmp_path / "cache")
    cache.put_many("a", {"k": b"1"})
    assert cache.get_many("a", ["k"]) == {}
    assert "could not be used" in cache.status().problem
    cache.close()


_WRITER = """
import sys
from pathlib import Path
from csoc.adapters.store.cache import SQLiteCache

cache = SQLiteCache(Path(sys.argv[1]))
for number in range(40):
    cache.put_many(sys.argv[2], {f"{number} {key}": b"x" * 200 for key in range(50)})
    assert len(cache.get_many(sys.argv[2], [f"{number} {key}" for key in range(50)])) == 50
print(cache.status().problem)
"""


def test_two_processes_write_and_read_at_once(folder: Path) -> None:
    def start(namespace: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _WRITER, str(folder), namespace]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    running = [start("a"), start("b"), start("b")]
    outcomes = [(*process.communicate(timeout=120), process.returncode) for process in running]
    assert outcomes == [("\n", "", 0)] * 3
    cache = SQLiteCache(folder)
    assert cache.status().entries == 2 * 40 * 50
    cache.close()


def test_two_processes_that_find_damage_at_once_both_go_on(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(b"this is not a database" * 1000)
    command = [sys.executable, "-c", _WRITER, str(folder)]
    running = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in "ab"
    ]
    outcomes = [(process.communicate(timeout=120)[0], process.returncode) for process in running]
    assert outcomes == [("\n", 0)] * 2


def test_threads_share_one_cache(cache: SQLiteCache) -> None:
    wrong: list[int] = []

    def work(name: str) -> None:
        for number in range(50):
            cache.put_many(name, {str(number): b"1"})
            if cache.get_many(name, [str(number)]) != {str(number): b"1"}:
                wrong.append(number)

    threads = [Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.status().entries == 200


def test_pruning_gives_space_back_to_the_disk(cache: SQLiteCache, folder: Path) -> None:
    cache.put_many("a", {f"k{number}": b"x" * 10_000 for number in range(500)})
    cache.prune(size_bytes=100_000)
    cache.close()
    assert (folder / FILE_NAME).stat().st_size < 1_000_000
