"""The cache folder: usable or an error, private, and of a bounded size without taking anything from who uses it."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pygit2
import pytest

from csoc.adapters.git.clones import Clones
from csoc.adapters.git.credentials import Credentials
from csoc.adapters.git.github_app import AppTokens
from csoc.adapters.git.transfers import Transfers
from csoc.adapters.store.folder import CacheFolder
from csoc.clock import system_clock
from csoc.config import Limits, Settings
from csoc.errors import UnavailableError
from csoc.fleet import addresses
from csoc.testing.fleets import NOW

SIZE = 1_000


@dataclass
class Cache:
    """A cache folder with things of a known size and age."""

    path: Path
    size_bytes: int = 10_000
    days: int = 30
    later: timedelta = timedelta()

    def folder(self) -> CacheFolder:
        return CacheFolder(self.path, size_bytes=self.size_bytes, days=self.days, clock=lambda: NOW + self.later)

    def add(self, name: str, unused: timedelta, size: int = SIZE) -> Path:
        """A clone or captured folder ("git/x.git") or a file ("charts/content/x/y"), last used that long ago."""
        path = self.path / name
        file = path / "objects" / "pack" / "p.pack" if path.suffix == ".git" else path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
        at = (NOW - unused).timestamp()
        marks = [path, path.with_suffix(".lock")] if path.suffix == ".git" else [path]
        for mark in marks:
            mark.touch()
            os.utime(mark, (at, at))
        return path

    def left(self) -> set[str]:
        found = (*self.path.glob("git/*.git"), *self.path.glob("folders/*.git"), *self.path.glob("charts/*/*/*"))
        return {path.name for path in found}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    made = Cache(tmp_path / "cache")
    made.folder().prepare()
    return made


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, how)
        yield


DAY = timedelta(days=1)


def test_what_was_not_used_for_long_is_removed(cache: Cache) -> None:
    for number, unused in enumerate((DAY, 29 * DAY, 31 * DAY, 400 * DAY)):
        cache.add(f"git/g{number}.git", unused)
        cache.add(f"folders/f{number}.git", unused)
        cache.add(f"charts/content/x/c{number}", unused)
    assert cache.folder().tidy()
    assert cache.left() == {
        f"{kind}{number}{end}" for kind, end in (("g", ".git"), ("f", ".git"), ("c", "")) for number in (0, 1)
    }


def test_beyond_the_size_what_was_used_longest_ago_goes_first_whatever_it_is(cache: Cache) -> None:
    cache.size_bytes = 3 * SIZE
    for number in range(3):
        cache.add(f"git/g{number}.git", (2 * number + 1) * DAY)
        cache.add(f"charts/content/x/c{number}", (2 * number + 2) * DAY)
    cache.folder().tidy()
    assert cache.left() == {"g0.git", "c0", "g1.git"}


def test_what_was_just_used_stays_even_beyond_the_size(cache: Cache) -> None:
    cache.size_bytes = 1
    cache.add("git/now.git", timedelta(minutes=30))
    cache.add("git/before.git", timedelta(hours=2))
    cache.folder().tidy()
    assert cache.left() == {"now.git"}


@pytest.mark.parametrize(("ending", "how"), [(".use", fcntl.LOCK_SH), (".lock", fcntl.LOCK_EX)])
def test_a_clone_that_another_process_uses_stays(cache: Cache, ending: str, how: int) -> None:
    path = cache.add("git/used.git", 100 * DAY)
    with locked(path.with_suffix(ending), how):
        os.utime(path.with_suffix(ending), (0, 0))
        cache.folder().tidy()
        assert cache.left() == {"used.git"}
    os.utime(path.with_suffix(".use"), (0, 0))
    cache.later = timedelta(hours=1)
    cache.folder().tidy()
    assert cache.left() == set()


def test_a_clone_is_held_from_when_it_is_found_and_made_anew_once_it_is_gone(cache: Cache) -> None:
    settings = Settings(cache_dir=cache.path)
    credentials = Credentials(settings, AppTokens(seconds=1, clock=system_clock), {})
    cache.later = 10_000 * DAY

    def clones() -> Clones:
        return Clones(cache.path, Transfers(credentials, Limits()), Limits())

    address = addresses.parse("https://git.example.org/a/b")
    first = clones()
    found = first.find(address)
    cache.folder().tidy()
    assert found.path.exists()
    found.in_use.close()
    cache.later += timedelta(hours=1)
    cache.folder().tidy()
    assert not found.path.exists()
    assert pygit2.Repository(str(clones().find(address).path)).is_bare


def test_half_made_things_of_a_process_that_ended_are_removed(cache: Cache) -> None:
    cache.add("git/new-abc/git/x", 40 * DAY)
    os.utime(cache.path / "git" / "new-abc", (0, 0))
    cache.add("charts/content/x/.new-abc", 40 * DAY)
    cache.folder().tidy()
    assert not list(cache.path.glob("git/*"))
    assert not list(cache.path.glob("charts/content/x/*"))


def test_links_in_the_cache_are_never_followed(cache: Cache, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    path = cache.add("git/x.git", 100 * DAY)
    (path / "link").symlink_to(outside)
    os.utime(path, (0, 0))
    (cache.path / "git" / "y.git").symlink_to(outside)
    (cache.path / "charts").symlink_to(outside)
    cache.folder().tidy()
    assert (outside / "precious").exists()
    assert not path.exists()


def test_it_is_looked_at_every_ten_minutes_and_by_one_at_a_time(cache: Cache) -> None:
    assert cache.folder().tidy()
    cache.later = timedelta(minutes=9)
    assert not cache.folder().tidy()
    cache.later = timedelta(minutes=11)
    with locked(cache.path / "tidy.lock", fcntl.LOCK_EX):
        assert not cache.folder().tidy()
    assert cache.folder().tidy()


def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    made = tmp_path / "a" / "cache"
    Cache(made).folder().prepare()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    (made / "git").mkdir()
    made.chmod(0o755)
    Cache(made).folder().prepare()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_folder_that_holds_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "letters").mkdir()
    Cache(tmp_path).folder().prepare()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nothing/here", "a\0b"])
def test_a_folder_that_cannot_be_used_says_where_why_and_what_to_do(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    path = tmp_path / place
    with pytest.raises(UnavailableError, match="cache of csoc cannot be used") as caught:
        Cache(path).folder().prepare()
    assert caught.value.place == str(path)
    assert "CSOC_CACHE_DIR" in caught.value.fix
