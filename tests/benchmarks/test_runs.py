"""What a step of a run costs beside a bare step of DBOS: its record, its lease's check and its being watched.

Both on SQLite, in one process, in turn; each run is compared with the bare steps just before it and the median of that
counts, since others use the machine too, now more and now less.
"""

from __future__ import annotations

import queue
import statistics
import time
from pathlib import Path

import dbos
import pytest

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.adapters.engine.dbos import DbosEngine
from csoc.clock import random_ids, system_clock
from csoc.operations.engine import Engine, Steps, Workflow
from csoc.operations.executor import Executor, ExecutorSettings
from csoc.operations.runs import Run, RunState
from csoc.operations.services import Services
from csoc.operations.steps.base import Context, Done, Result, StepKind
from csoc.testing.runs import step

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

# As many steps as a launch has.
STEPS, PAIRS, MOST_RATIO = 20, 15, 2.0


class Bare:
    """A workflow of DBOS's own steps, in the engine of runs, so that both see the same machine at the same time."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self.took: queue.SimpleQueue[float] = queue.SimpleQueue()

    def __call__(self, steps: Steps, run_id: str) -> None:
        if not run_id.startswith("bare"):
            return self._workflow(steps, run_id)
        begun = time.perf_counter()
        for number in range(STEPS):
            dbos.DBOS.run_step({"name": f"step {number}"}, lambda: {"done": True})
        return self.took.put((time.perf_counter() - begun) / STEPS)


def one(store: DatabaseRuns) -> float:
    """A run, executed by whoever is there."""
    run_id = random_ids()
    steps = tuple(step(number, f"step {number}", "one") for number in range(1, STEPS + 1))
    store.add(Run(run_id, "apply", run_id, "environment heart", "ada", system_clock(), steps=steps))
    until = time.monotonic() + 60
    while store.get(run_id).state is not RunState.SUCCEEDED and time.monotonic() < until:
        time.sleep(0.2)
    run = store.get(run_id)
    first, last = run.steps[0].started_at, run.steps[-1].ended_at
    assert first is not None
    assert last is not None
    return (last - first).total_seconds() / STEPS


def test_a_step_costs_at_most_twice_a_bare_step_of_dbos(tmp_path: Path) -> None:
    made: list[tuple[Bare, DbosEngine]] = []

    def engine(workflow: Workflow, name: str) -> Engine:
        bare = Bare(workflow)
        made.append((bare, DbosEngine(bare, url=f"sqlite:///{tmp_path}/engine.db", executor_id=name)))
        return made[0][1]

    def code(context: Context) -> Result:
        context.check()
        return Done({"done": True})

    store = DatabaseRuns(open_database(f"sqlite:///{tmp_path}/records.db"))
    executor = Executor(
        store=store,
        registry={"one": StepKind("one", code, "nothing", 60)},
        services=Services(),
        engine=engine,
        clock=system_clock,
        executor_id=random_ids(),
        settings=ExecutorSettings(poll_seconds=0.05),
    )
    executor.start()
    bare_seconds, seconds = [], []
    for number in range(PAIRS):
        made[0][1].execute(f"bare{number}", 1)
        bare_seconds.append(made[0][0].took.get(timeout=60))
        seconds.append(one(store))
    executor.close(10)
    store.close()
    ratio = statistics.median(run / bare for run, bare in zip(seconds, bare_seconds, strict=True))
    print(
        f"step of a run: {statistics.median(seconds) * 1000:.2f} ms, bare step of DBOS: "
        f"{statistics.median(bare_seconds) * 1000:.2f} ms, ratio {ratio:.2f} (at most {MOST_RATIO})"
    )
    assert ratio <= MOST_RATIO
