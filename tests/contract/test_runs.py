"""What every store of runs promises, run on each of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.errors import ConflictError, NotFoundError
from csoc.operations import runs as runs_module
from csoc.operations.runs import MOST_CHARACTERS, Lease, Run, RunState, RunStore
from csoc.testing.runs import MemoryRuns, step

START = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
Again = Callable[[], RunStore]


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Again]:
    """Opens the same store once more, as another process would."""
    opened: list[DatabaseRuns] = []
    memory = MemoryRuns()

    def open_again() -> RunStore:
        if request.param == "memory":
            return memory
        url = f"sqlite:///{tmp_path}/csoc.db" if request.param == "sqlite" else request.getfixturevalue("database").url
        opened.append(DatabaseRuns(open_database(url)))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def runs(again: Again) -> RunStore:
    return again()


def made(run_id: str = "r1", owner: str = "heart", minutes: float = 0, **fields: Any) -> Run:
    run = Run(
        id=run_id,
        kind="apply",
        owner=owner,
        owner_name=f"environment {owner}",
        by="ada",
        created_at=START + timedelta(minutes=minutes),
        steps=(step(1, "apply network", "apply", layer="network"), step(2, "apply cluster", "apply", layer="cluster")),
        arguments={"why": ["new", {"size": 3}]},
    )
    return replace(run, **fields)


def taken(runs: RunStore, run_id: str = "r1", executor: str = "one", seconds: float = 0) -> Lease:
    lease = runs.take(run_id, executor, START + timedelta(seconds=seconds), 30)
    assert lease is not None
    return lease


def test_a_run_comes_back_as_it_was_stored(runs: RunStore, again: Again) -> None:
    run = made(plan="p1", where="https://ci.example.org/7", woken_at=START)
    runs.add(run)
    assert again().get("r1") == run


def test_a_run_that_is_not_there_is_told(runs: RunStore) -> None:
    for ask in (runs.get, runs.lines, lambda run: runs.take(run, "one", START, 30), lambda run: runs.lease(run, START)):
        with pytest.raises(NotFoundError):
            ask("nope")
    with pytest.raises(NotFoundError):
        runs.newest(before="nope")
    with pytest.raises(NotFoundError):
        runs.change("nope", None, is_cancelling=True)


def test_the_second_run_of_an_owner_is_told_the_first_who_began_it_and_how_to_watch_it(runs: RunStore) -> None:
    runs.add(made())
    with pytest.raises(ConflictError) as refused:
        runs.add(made("r2"))
    assert refused.value.place == "run r1"
    assert "environment heart has the run r1 (apply), which ada began and which is queued" in refused.value.cause
    assert "csoc runs watch r1" in refused.value.fix
    with pytest.raises(NotFoundError):
        runs.get("r2")


def test_adding_a_run_twice_changes_nothing(runs: RunStore) -> None:
    runs.add(made())
    runs.change("r1", None, state=RunState.RUNNING)
    runs.add(made())
    assert runs.get("r1").state is RunState.RUNNING


@pytest.mark.parametrize("state", [state for state in RunState if state.is_over])
def test_a_run_that_is_over_leaves_its_owner_to_the_next(runs: RunStore, state: RunState) -> None:
    runs.add(made())
    runs.change("r1", None, state=state)
    runs.add(made("r2"))
    with pytest.raises(ConflictError, match="r2"):
        runs.change("r1", None, state=RunState.QUEUED)
    assert runs.get("r1").state is state


def test_a_run_that_is_errored_keeps_its_owner(runs: RunStore) -> None:
    runs.add(made())
    runs.change("r1", None, state=RunState.ERRORED)
    with pytest.raises(ConflictError, match="errored"):
        runs.add(made("r2"))


def test_a_run_is_changed_only_in_the_states_that_are_named(runs: RunStore) -> None:
    runs.add(made())
    with pytest.raises(ConflictError, match="queued"):
        runs.change("r1", None, only=(RunState.RUNNING,), is_cancelling=True)
    assert not runs.get("r1").is_cancelling
    assert runs.change("r1", None, only=(RunState.QUEUED,), is_cancelling=True).is_cancelling


def test_pages_are_newest_first_and_do_not_overlap(runs: RunStore) -> None:
    for number in range(5):
        runs.add(made(f"r{number}", owner=f"o{number}", minutes=number // 2))
    first = runs.newest(limit=2)
    second = runs.newest(limit=2, before=first[-1].id)
    third = runs.newest(limit=2, before=second[-1].id)
    assert [run.id for page in (first, second, third) for run in page] == ["r4", "r3", "r2", "r1", "r0"]
    assert first[0].steps == made().steps


def test_a_list_is_of_one_owner_and_of_some_states(runs: RunStore) -> None:
    runs.add(made("r1", owner="heart", state=RunState.FAILED))
    runs.add(made("r2", owner="heart", minutes=1))
    runs.add(made("r3", owner="lung", minutes=2))
    assert [run.id for run in runs.newest(owner="heart")] == ["r2", "r1"]
    assert [run.id for run in runs.newest(states=[RunState.QUEUED])] == ["r3", "r2"]
    assert [run.id for run in runs.newest(owner="heart", states=[RunState.FAILED])] == ["r1"]


def test_a_step_is_changed_and_the_others_are_not(runs: RunStore) -> None:
    runs.add(made())
    lease = taken(runs)
    changed = runs.change_step(
        "r1", 1, lease, state=RunState.SUCCEEDED, attempts=2, started_at=START, ended_at=START, result={"VpcId": "v"}
    )
    assert changed == runs.get("r1")
    assert changed.step(1).result == {"VpcId": "v"}
    assert (changed.step(1).state, changed.step(1).attempts, changed.step(1).ended_at) == ("succeeded", 2, START)
    assert changed.step(2) == made().step(2)


def test_steps_change_together_with_their_run_or_not_at_all(runs: RunStore) -> None:
    runs.add(made(state=RunState.FAILED))
    steps = tuple(replace(one, cause="why") for one in made().steps)
    with pytest.raises(ConflictError):
        runs.change("r1", None, only=(RunState.ERRORED,), state=RunState.QUEUED, steps=steps)
    assert runs.get("r1").steps == made().steps
    changed = runs.change("r1", None, state=RunState.QUEUED, steps=steps)
    assert changed == runs.get("r1") == made(steps=steps)


def test_a_lease_is_held_by_one_executor_until_its_time_is_over(runs: RunStore, again: Again) -> None:
    runs.add(made())
    first = taken(runs)
    assert again().take("r1", "two", START + timedelta(seconds=29), 30) is None
    second = again().take("r1", "two", START + timedelta(seconds=30), 30)
    assert second is not None
    assert second.epoch == first.epoch + 1
    assert not runs.holds(first)
    assert again().holds(second)
    assert runs.renew(first, START + timedelta(seconds=31), 30) is None


def test_a_renewed_lease_holds_for_longer(runs: RunStore) -> None:
    runs.add(made())
    renewed = runs.renew(taken(runs), START + timedelta(seconds=20), 30)
    assert renewed is not None
    assert renewed.until == START + timedelta(seconds=50)
    assert runs.take("r1", "two", START + timedelta(seconds=49), 30) is None


def test_an_executor_that_takes_its_own_lease_again_is_fenced_from_what_it_did_before(runs: RunStore) -> None:
    runs.add(made())
    first, second = taken(runs), taken(runs, seconds=1)
    assert second.epoch == first.epoch + 1
    assert not runs.holds(first)


def test_a_released_lease_can_be_taken_at_once_and_does_not_come_back(runs: RunStore) -> None:
    runs.add(made())
    first = taken(runs)
    runs.release(first)
    assert not runs.holds(first)
    assert runs.renew(first, START, 30) is None
    second = taken(runs, executor="two", seconds=1)
    runs.release(first)
    assert runs.holds(second)
    assert second.epoch == first.epoch + 1


@pytest.mark.parametrize("lost", ["taken over", "released"])
def test_who_lost_the_lease_changes_nothing(runs: RunStore, lost: str) -> None:
    runs.add(made())
    old = taken(runs)
    if lost == "released":
        runs.release(old)
    else:
        taken(runs, executor="two", seconds=30)
    with pytest.raises(ConflictError, match="took over"):
        runs.change("r1", old, state=RunState.SUCCEEDED)
    with pytest.raises(ConflictError, match="took over"):
        runs.change_step("r1", 1, old, state=RunState.SUCCEEDED)
    assert runs.get("r1") == made()


def test_the_lease_of_one_run_does_not_open_another(runs: RunStore) -> None:
    runs.add(made())
    runs.add(made("r2", owner="lung"))
    with pytest.raises(ConflictError):
        runs.change("r2", taken(runs), state=RunState.RUNNING)


@pytest.mark.parametrize("state", [state for state in RunState if state.is_over or state is RunState.ERRORED])
def test_nobody_takes_a_run_that_is_not_to_be_executed(runs: RunStore, state: RunState) -> None:
    runs.add(made(state=state))
    assert runs.take("r1", "one", START, 30) is None
    assert runs.abandoned(START) == []


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.RUNNING, RunState.WAITING])
def test_abandoned_is_what_nobody_holds(runs: RunStore, state: RunState) -> None:
    runs.add(made(state=state))
    assert list(runs.abandoned(START)) == ["r1"]
    lease = taken(runs)
    assert list(runs.abandoned(START + timedelta(seconds=29))) == []
    assert runs.lease("r1", START + timedelta(seconds=29)) == lease
    assert list(runs.abandoned(START + timedelta(seconds=30))) == ["r1"]
    assert runs.lease("r1", START + timedelta(seconds=30)) is None
    runs.release(lease)
    assert list(runs.abandoned(START)) == ["r1"]


def test_abandoned_are_oldest_first_and_only_those_of_one_place(runs: RunStore) -> None:
    runs.add(made("r1", owner="a", minutes=3))
    runs.add(made("r2", owner="b", minutes=1))
    runs.add(made("r3", owner="c", minutes=2, where="https://ci.example.org/7"))
    assert list(runs.abandoned(START)) == ["r2", "r1"]
    assert list(runs.abandoned(START, "https://ci.example.org/7")) == ["r3"]


def test_lines_are_numbered_in_order_and_read_on_from_any(runs: RunStore, again: Again) -> None:
    runs.add(made())
    runs.log("r1", [(START, None, "event", "one"), (START, 1, "error", "two")])
    again().log("r1", [(START + timedelta(seconds=1), 2, "progress", "three")])
    lines = runs.lines("r1")
    assert [(line.number, line.step, line.what, line.text) for line in lines] == [
        (1, None, "event", "one"),
        (2, 1, "error", "two"),
        (3, 2, "progress", "three"),
    ]
    assert list(runs.lines("r1", after=2)) == list(lines[2:])
    assert list(runs.lines("r1", limit=1)) == list(lines[:1])
    assert lines[2].at == START + timedelta(seconds=1)


def test_hostile_texts_are_kept_as_text_that_can_be_read_again(runs: RunStore) -> None:
    runs.add(made(by="eve'; drop table runs"))
    runs.log("r1", [(START, None, "event", "nul \0 half \ud800 end")])
    assert runs.lines("r1")[0].text.endswith("end")
    assert runs.get("r1").by == "eve'; drop table runs"


def test_a_log_says_where_its_limit_was_hit(runs: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from csoc.adapters.db import runs as in_database
    from csoc.testing import runs as in_memory

    for module in (in_database, in_memory, runs_module):
        monkeypatch.setattr(module, "MOST_LINES", 3)
    runs.add(made())
    runs.log("r1", [(START, None, "event", "x" * 2 * MOST_CHARACTERS)])
    for text in ("two", "three", "four"):
        runs.log("r1", [(START, None, "event", text)])
    lines = runs.lines("r1")
    assert len(lines[0].text) == MOST_CHARACTERS
    assert [line.number for line in lines] == [1, 2, 3]
    assert (lines[2].what, lines[2].text) == ("warning", "A run keeps 3 lines; what it says from here on is not kept")


def at_once(ask: Callable[[int], Any], number: int = 4) -> list[Any]:
    """What every one of them got, all asking in the same moment."""
    barrier = threading.Barrier(number)
    got: list[Any] = [None] * number

    def run(index: int) -> None:
        barrier.wait()
        try:
            got[index] = ask(index)
        except ConflictError as error:
            got[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_of_many_who_want_an_owner_at_once_one_gets_it(again: Again) -> None:
    stores = [again() for _ in range(4)]
    got = at_once(lambda index: stores[index].add(made(f"r{index}")))
    assert sum(error is None for error in got) == 1
    assert len(stores[0].newest()) == 1


def test_of_many_who_want_a_lease_at_once_one_gets_it(again: Again) -> None:
    stores = [again() for _ in range(4)]
    stores[0].add(made())
    got = at_once(lambda index: stores[index].take("r1", f"x{index}", START, 30))
    (lease,) = [lease for lease in got if lease is not None]
    assert stores[0].lease("r1", START) == lease


def test_lines_of_many_writers_at_once_are_all_kept(again: Again) -> None:
    stores = [again() for _ in range(4)]
    stores[0].add(made())

    def write(index: int) -> None:
        for _ in range(5):
            stores[index].log("r1", [(START, None, "event", f"{index}")])

    at_once(write)
    lines = stores[0].lines("r1")
    assert [line.number for line in lines] == list(range(1, 21))
    assert sorted(line.text for line in lines) == sorted(f"{index}" for index in range(4) for _ in range(5))
