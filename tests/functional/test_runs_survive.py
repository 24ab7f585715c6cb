"""Runs in real processes that are killed, stopped, doubled and locked out: always the same end, effects once.

`make soak` does the same hundreds of times (CSOC_SOAK=N).
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.errors import UnavailableError
from csoc.operations.runs import Run, RunState
from tests.functional import run_worker
from tests.functional.run_worker import Target, a_run, expected

# A server that has loaded everything forks the workers, since most of the time would be spent on loading.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([run_worker.__name__])
SOAK = int(os.environ.get("CSOC_SOAK") or 0)
PATIENCE = 60


@dataclass
class Site:
    """The databases and the target, and the workers on them."""

    records: str
    engine: str
    effects: Path
    workers: list[BaseProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = DatabaseRuns(open_database(self.records))
        self.target = Target(str(self.effects))

    def worker(self) -> BaseProcess:
        """A worker that has begun to look for work."""
        ready, told = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(
            target=run_worker.work, args=(self.records, self.engine, str(self.effects), told), daemon=True
        )
        process.start()
        self.workers.append(process)
        told.close()
        assert ready.poll(PATIENCE)
        assert ready.recv() == "ready"
        return process

    def kill(self, process: BaseProcess) -> None:
        process.kill()
        process.join()
        self.workers.remove(process)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if holds():
                    return
            except UnavailableError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"{what}: {[self.store.get(run.id) for run in self.store.newest()]}")

    def is_over(self, run_id: str) -> bool:
        state = self.store.get(run_id).state
        assert state in (RunState.QUEUED, RunState.RUNNING, RunState.WAITING, RunState.SUCCEEDED), state
        return state is RunState.SUCCEEDED

    def assert_whole(self, *runs: Run) -> None:
        """Succeeded, with each effect once, and never asked for by an executor after a later one had asked."""
        for run in runs:
            self.until(functools.partial(self.is_over, run.id), f"{run.id} did not succeed")
            steps = self.store.get(run.id).steps
            assert [one.state for one in steps] == [RunState.SUCCEEDED] * len(steps)
            assert [one.result for one in steps if one.kind == "effect"] == [{"parts": 2}] * 2
        assert self.target.effects() == sorted(token for run in runs for token in expected(run.id))
        for token, epochs in self.target.epochs().items():
            assert epochs == sorted(epochs), f"{token} was asked for by an executor that had lost the run: {epochs}"

    def close(self) -> None:
        for process in self.workers:
            process.kill()
            process.join()
        self.store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "postgresql":
        records = engine = request.getfixturevalue("database").url
    else:
        records, engine = f"sqlite:///{tmp_path}/records.db", f"sqlite:///{tmp_path}/engine.db"
    made = Site(records, engine, tmp_path / "effects.db")
    yield made
    made.close()


@pytest.fixture
def sqlite_site(tmp_path: Path) -> Iterator[Site]:
    made = Site(f"sqlite:///{tmp_path}/records.db", f"sqlite:///{tmp_path}/engine.db", tmp_path / "effects.db")
    yield made
    made.close()


def test_a_run_that_nothing_happens_to_succeeds(site: Site) -> None:
    run = a_run("r1", "heart")
    site.worker()
    site.store.add(run)
    site.assert_whole(run)
    assert [line.text for line in site.store.lines("r1")].count("made part 1") == 2


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_points_a_run_ends_the_same_way_and_effects_happen_once(site: Site, seed: int) -> None:
    killed_at_random(site, random.Random(seed), kills=3)


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a soak: CSOC_SOAK says how many")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(1_000, 1_000 + SOAK))
def test_soak(site: Site, seed: int) -> None:
    killed_at_random(site, random.Random(seed), kills=5)


def killed_at_random(site: Site, chance: random.Random, kills: int) -> None:
    """Two workers on two runs; one after the other of them is killed, and another one begins in its place."""
    runs = [a_run("r1", "heart"), a_run("r2", "lung")]
    for run in runs:
        site.store.add(run)
    for _ in range(2):
        site.worker()
    for _ in range(kills):
        time.sleep(chance.uniform(0, 1.2))
        site.kill(chance.choice(site.workers))
        site.worker()
    site.assert_whole(*runs)


def test_an_executor_that_was_stopped_for_longer_than_its_lease_does_nothing_when_it_goes_on(site: Site) -> None:
    run = a_run("r1", "heart")
    site.store.add(run)
    late = site.worker()
    site.until(lambda: any("slow effect" in token for token in site.target.effects()), "the slow step did not begin")
    assert late.pid is not None
    os.kill(late.pid, signal.SIGSTOP)
    site.worker()
    site.until(lambda: max(max(epochs) for epochs in site.target.epochs().values()) > 1, "nobody took over")
    os.kill(late.pid, signal.SIGCONT)
    site.assert_whole(run)


def test_a_worker_that_is_asked_to_end_hands_over_at_once(site: Site) -> None:
    run = a_run("r1", "heart")
    site.store.add(run)
    first = site.worker()
    site.until(lambda: any("slow effect" in token for token in site.target.effects()), "the slow step did not begin")
    first.terminate()
    first.join(PATIENCE)
    assert first.exitcode == 0
    assert site.store.take("r1", "next", run.created_at, 1) is not None
    site.worker()
    site.assert_whole(run)


@pytest.mark.parametrize("which", ["records", "engine"])
def test_a_database_that_another_process_locks_for_a_while_delays_a_run_and_doubles_nothing(
    sqlite_site: Site, which: str, tmp_path: Path
) -> None:
    site = sqlite_site
    run = a_run("r1", "heart")
    site.worker()
    site.worker()
    site.store.add(run)
    site.until(lambda: bool(site.target.effects()), "nothing began")
    locking = sqlite3.connect(tmp_path / f"{which}.db", timeout=20, isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")
    time.sleep(run_worker.TIMES.hold_seconds + 1)
    locking.execute("COMMIT")
    locking.close()
    site.assert_whole(run)


def test_many_runs_and_two_workers_at_once(site: Site) -> None:
    runs = [a_run(f"r{number}", f"owner{number}") for number in range(6)]
    site.worker()
    site.worker()
    for run in runs:
        site.store.add(run)
    site.assert_whole(*runs)
