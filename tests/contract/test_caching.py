"""What every cache promises, run on each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from csoc.adapters.store.cache import SQLiteCache
from csoc.fleet.caching import Cache
from csoc.testing.caching import MemoryCache

Make = Callable[..., Cache]


class Calendar:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: int) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path, calendar: Calendar) -> Iterator[Make]:
    made: list[Cache] = []

    def build(size_bytes: int = 1_000_000) -> Cache:
        if request.param == "memory":
            made.append(MemoryCache(size_bytes=size_bytes, clock=calendar))
        else:
            made.append(SQLiteCache(tmp_path / "cache", size_bytes=size_bytes, clock=calendar))
        return made[-1]

    yield build
    for cache in made:
        cache.close()


def test_what_was_put_is_got(make: Make) -> None:
    cache = make()
    cache.put_many("a", {"k1": b'{"x": 1}', "k2": b"[]"})
    assert cache.get_many("a", ["k1", "k2"]) == {"k1": b'{"x": 1}', "k2": b"[]"}


def test_keys_that_are_not_there_are_left_out(make: Make) -> None:
    cache = make()
    cache.put_many("a", {"k1": b"1"})
    assert cache.get_many("a", ["k1", "other"]) == {"k1": b"1"}
    assert cache.get_many("a", []) == {}


def test_namespaces_do_not_see_each_other(make: Make) -> None:
    cache = make()
    cache.put_many("a", {"k": b"1"})
    cache.put_many("b", {"k": b"2"})
    assert cache.get_many("a", ["k"]) == {"k": b"1"}
    assert cache.get_many("b", ["k"]) == {"k": b"2"}
    assert cache.get_many("c", ["k"]) == {}


def test_a_later_value_replaces_an_earlier_one(make: Make) -> None:
    cache = make()
    cache.put_many("a", {"k": b"1"})
    cache.put_many("a", {"k": b"22"})
    assert cache.get_many("a", ["k"]) == {"k": b"22"}
    status = cache.status()
    assert (status.entries, status.size_bytes, status.problem) == (1, 2, "")


def test_thousands_of_keys_go_through_in_one_call(make: Make) -> None:
    cache = make()
    items = {f"key {number}": str(number).encode() for number in range(3_500)}
    cache.put_many("a", items)
    assert cache.get_many("a", iter([*items, "absent"])) == items


def test_any_text_can_be_a_key_and_any_bytes_a_value(make: Make) -> None:
    cache = make()
    items = {"": b"", "'; DROP TABLE entry; --": b"\x00\xff", "ключ": b"'\"%?"}
    cache.put_many("'", items)
    assert cache.get_many("'", items) == items


def test_pruning_by_age_removes_what_was_not_used_and_keeps_what_was(make: Make, calendar: Calendar) -> None:
    cache = make()
    cache.put_many("a", {"old": b"1", "used": b"2"})
    calendar.pass_days(20)
    cache.get_many("a", ["used"])
    cache.put_many("a", {"new": b"3"})
    calendar.pass_days(15)
    assert cache.prune(unused_for=timedelta(days=30)) == 1
    assert cache.get_many("a", ["old", "used", "new"]) == {"used": b"2", "new": b"3"}


def test_pruning_by_size_removes_the_least_recently_used_first(make: Make, calendar: Calendar) -> None:
    cache = make()
    for number in range(4):
        cache.put_many("a", {f"k{number}": b"x" * 100})
        calendar.pass_days(1)
    cache.get_many("a", ["k0"])
    assert cache.prune(size_bytes=250) == 2
    assert set(cache.get_many("a", ["k0", "k1", "k2", "k3"])) == {"k0", "k3"}


def test_pruning_without_limits_removes_nothing(make: Make, calendar: Calendar) -> None:
    cache = make()
    cache.put_many("a", {"k": b"1"})
    calendar.pass_days(1_000)
    assert cache.prune() == 0
    assert cache.prune(unused_for=timedelta(days=1_001), size_bytes=1) == 0
    assert cache.get_many("a", ["k"]) == {"k": b"1"}


def test_the_size_stays_within_its_limit_without_being_asked(make: Make) -> None:
    cache = make(size_bytes=100_000)
    for number in range(60):
        cache.put_many("a", {f"k{number}": b"x" * 5_000})
    assert cache.status().size_bytes <= 100_000 + 100_000 // 16
    assert cache.get_many("a", ["k59"]) == {"k59": b"x" * 5_000}


def test_one_batch_larger_than_the_limit_ends_within_it(make: Make) -> None:
    cache = make(size_bytes=100_000)
    cache.put_many("a", {f"k{number}": b"x" * 20_000 for number in range(50)})
    assert cache.status().size_bytes <= 100_000


def test_a_value_too_large_for_the_cache_is_not_kept_and_costs_no_other(make: Make) -> None:
    cache = make(size_bytes=1_000)
    cache.put_many("a", {"small": b"1"})
    cache.put_many("a", {"large": b"x" * 900})
    assert cache.get_many("a", ["small", "large"]) == {"small": b"1"}


def test_a_closed_cache_is_empty_and_keeps_nothing(make: Make) -> None:
    cache = make()
    cache.put_many("a", {"k": b"1"})
    cache.close()
    cache.put_many("a", {"k": b"1"})
    assert cache.get_many("a", ["k"]) == {}
    assert cache.prune(size_bytes=0) == 0
    assert cache.status().problem == "closed"
