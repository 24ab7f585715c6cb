"""What every store of readings promises, run on each of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csoc.adapters.db.database import open_database
from csoc.adapters.db.readings import DatabaseReadings
from csoc.clusters.readings import Look, Reach, Reading, Readings, merged
from csoc.testing.readings import MemoryReadings

START = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
SUBJECT, TOPIC = "cluster/alpha", "applications"
Again = Callable[[], Readings]


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Again]:
    """Opens the same store once more, as another process would."""
    opened: list[Readings] = []
    memory = MemoryReadings()

    def open_again() -> Readings:
        if request.param == "memory":
            return memory
        url = f"sqlite:///{tmp_path}/csoc.db" if request.param == "sqlite" else request.getfixturevalue("database").url
        opened.append(DatabaseReadings(open_database(url)))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def readings(again: Again) -> Readings:
    return again()


def look(
    minutes: float, reach: Reach = Reach.COMPLETE, content: Any = None, reason: str = "", subject: str = SUBJECT
) -> Look:
    return Look(subject, TOPIC, START + timedelta(minutes=minutes), reach, content, reason)


def test_nobody_looked_is_told_from_nothing_seen(readings: Readings) -> None:
    assert readings.get(SUBJECT, TOPIC) is None
    readings.note([look(0, content={})])
    assert readings.get(SUBJECT, TOPIC) == Reading(SUBJECT, TOPIC, {}, START, START, Reach.COMPLETE)


def test_what_was_seen_stays_when_nobody_answers_and_says_since_when(readings: Readings) -> None:
    readings.note([look(0, content={"apps": ["a", "b"]})])
    readings.note([look(5, Reach.UNREACHABLE, reason="no route")])
    known = readings.get(SUBJECT, TOPIC)
    assert known is not None
    assert known.content == {"apps": ["a", "b"]}
    assert (known.seen_at, known.tried_at) == (START, START + timedelta(minutes=5))
    assert (known.reach, known.reason, known.is_current) == (Reach.UNREACHABLE, "no route", False)


def test_part_of_it_never_takes_the_place_of_all_of_it(readings: Readings) -> None:
    readings.note([look(0, content={"apps": ["a", "b"]})])
    readings.note([look(5, Reach.PARTIAL, {"apps": ["a"]}, "one group did not answer")])
    known = readings.get(SUBJECT, TOPIC)
    assert known is not None
    assert (known.content, known.is_partial) == ({"apps": ["a", "b"]}, False)


def test_part_of_it_is_better_than_nothing_and_says_so(readings: Readings) -> None:
    readings.note([look(0, Reach.DENIED, reason="no right")])
    readings.note([look(5, Reach.PARTIAL, {"apps": ["a"]}, "one group did not answer")])
    known = readings.get(SUBJECT, TOPIC)
    assert known is not None
    assert (known.content, known.is_partial, known.reach) == ({"apps": ["a"]}, True, Reach.PARTIAL)


def test_a_look_that_comes_late_does_not_undo_a_newer_one(readings: Readings) -> None:
    readings.note([look(5, content={"n": 2})])
    readings.note([look(0, content={"n": 1})])
    known = readings.get(SUBJECT, TOPIC)
    assert known is not None
    assert known.content == {"n": 2}


def test_readings_outlive_the_process(again: Again) -> None:
    again().note([look(0, content={"text": "ü\n\u2028\U0001f600", "deep": [{"a": None, "b": 1.5}]})])
    known = again().get(SUBJECT, TOPIC)
    assert known is not None
    assert known.content == {"text": "ü\n\u2028\U0001f600", "deep": [{"a": None, "b": 1.5}]}


def test_a_topic_is_read_in_pages_in_the_order_of_subjects(readings: Readings) -> None:
    subjects = ["cluster/B", "cluster/a", "cluster/ä", "cluster/z-1", "cluster/z1"]
    readings.note([look(0, content={}, subject=subject) for subject in reversed(subjects)])
    first = readings.of_topic(TOPIC, limit=2)
    rest = readings.of_topic(TOPIC, after=first[-1].subject)
    assert [one.subject for one in (*first, *rest)] == sorted(subjects)
    assert readings.of_topic("nodes") == []


def test_what_is_no_longer_looked_at_is_forgotten_alone(readings: Readings) -> None:
    readings.note([look(0, content={}), look(0, content={}, subject="cluster/beta")])
    assert readings.forget(SUBJECT) == 1
    assert readings.forget(SUBJECT) == 0
    assert [one.subject for one in readings.of_topic(TOPIC)] == ["cluster/beta"]


def test_many_who_write_at_once_lose_nothing(again: Again) -> None:
    stores = [again() for _ in range(4)]
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for minute in range(10):
                subjects = [SUBJECT, f"cluster/{number}"]
                looks = [look(minute + number / 10, content={"by": number}, subject=one) for one in subjects]
                stores[number].note(looks if number % 2 else looks[::-1])
        except Exception as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    last = stores[0].get(SUBJECT, TOPIC)
    assert last is not None
    assert (last.content, last.tried_at) == ({"by": 3}, START + timedelta(minutes=9.3))
    assert len(stores[0].of_topic(TOPIC)) == 5


LOOKS = st.lists(
    st.builds(
        look,
        st.integers(0, 5),
        st.sampled_from(Reach),
        st.none() | st.dictionaries(st.text(max_size=3).filter(lambda t: "\x00" not in t), st.integers(), max_size=2),
    ),
    max_size=8,
)


@given(LOOKS)
@settings(max_examples=200)
def test_seen_content_only_changes_by_a_newer_complete_look(looks: list[Look]) -> None:
    known: Reading | None = None
    for one in looks:
        before, known = known, merged(known, one)
        if before is not None and before.seen_at is not None and one.reach is not Reach.COMPLETE:
            assert (known.content, known.seen_at) == (before.content, before.seen_at)
        assert known.content is None or known.seen_at is not None


@given(LOOKS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_store_knows_what_memory_knows(again: Again, looks: list[Look]) -> None:
    store, memory = again(), MemoryReadings()
    store.forget(SUBJECT)
    for one in looks:
        store.note([one])
        memory.note([one])
    assert store.get(SUBJECT, TOPIC) == memory.get(SUBJECT, TOPIC)
    store.forget(SUBJECT)
