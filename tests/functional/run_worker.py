"""A worker of the crash tests, as a process of its own.

Its steps make effects in a small server of the test's (a SQLite file), conditional at that target as real ones are: an
effect has a token, and the same token makes no second one. What the server counts besides is how often it was asked
without the fence having been passed.
"""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.adapters.engine.dbos import DbosEngine
from csoc.clock import random_ids, system_clock
from csoc.errors import UnavailableError
from csoc.operations.engine import Engine, Workflow
from csoc.operations.executor import Executor, ExecutorSettings
from csoc.operations.leases import LeaseTimes
from csoc.operations.runner import Pacing
from csoc.operations.runs import Run
from csoc.operations.services import Services
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting
from csoc.testing.runs import step

TIMES = LeaseTimes(hold_seconds=3, stop_seconds=2, renew_seconds=0.3)
SETTINGS = ExecutorSettings(times=TIMES, pacing=Pacing(retry_seconds=0.05, store_seconds=0.1), poll_seconds=0.1)
STEPS = ("effect", "slow effect", "wait", "shy", "effect")


class Target:
    """Where effects happen. Every asking is a row; of the same token only the first one has an effect."""

    def __init__(self, path: str) -> None:
        self._path = path
        with self._open() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS effects (token TEXT PRIMARY KEY, epoch INTEGER)")
            connection.execute("CREATE TABLE IF NOT EXISTS asked (token TEXT, epoch INTEGER)")

    def make(self, token: str, epoch: int) -> bool:
        """True if it is new."""
        with self._open() as connection:
            connection.execute("INSERT INTO asked VALUES (?, ?)", (token, epoch))
            return connection.execute("INSERT OR IGNORE INTO effects VALUES (?, ?)", (token, epoch)).rowcount == 1

    def effects(self) -> list[str]:
        with self._open() as connection:
            return sorted(token for (token,) in connection.execute("SELECT token FROM effects"))

    def epochs(self) -> dict[str, list[int]]:
        """Of each token the epochs that asked for it, in their order."""
        found: dict[str, list[int]] = {}
        with self._open() as connection:
            for token, epoch in connection.execute("SELECT token, epoch FROM asked ORDER BY rowid"):
                found.setdefault(token, []).append(epoch)
        return found

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=20)


def kinds(target: Target) -> dict[str, StepKind]:
    """Steps that cost a moment, so that a kill can hit any part of them."""

    def effect(context: Context) -> Result:
        for part in range(2):
            context.check()
            target.make(f"{context.run.id} {context.step.name} {part}", epoch(context))
            context.log(f"made part {part}")
            time.sleep(0.01)
        return Done({"parts": 2})

    def slow(context: Context) -> Result:
        context.check()
        target.make(f"{context.run.id} {context.step.name} begun", epoch(context))
        context.sleep(0.3)
        return Done()

    def wait(context: Context) -> Result:
        # What is waited for comes some time after it was first asked for, whoever asked.
        asked = f"{context.run.id} {context.step.name} asked"
        context.check()
        target.make(asked, epoch(context))
        looks = len(target.epochs()[asked])
        return Done() if looks >= 3 else Waiting("the third look", seconds=0.1, most_seconds=0.2)

    def shy(context: Context) -> Result:
        context.check()
        if target.make(f"{context.run.id} {context.step.name} tried", epoch(context)):
            raise UnavailableError("Not at the first time")
        return Done()

    codes: dict[str, Callable[[Context], Result]] = {"effect": effect, "slow effect": slow, "wait": wait, "shy": shy}
    return {name: StepKind(name, code, "the target", 60) for name, code in codes.items()}


def epoch(context: Context) -> int:
    """Of the lease under which the step runs; the contract of steps does not tell it."""
    held = context.held  # type: ignore[attr-defined]
    return int(held.lease.epoch)


def expected(run_id: str) -> list[str]:
    """All effects of a run that succeeded."""
    made = []
    for number, kind in enumerate(STEPS, 1):
        ends = {"effect": ("0", "1"), "slow effect": ("begun",), "wait": ("asked",), "shy": ("tried",)}[kind]
        made += [f"{run_id} {kind} {number} {end}" for end in ends]
    return sorted(made)


def a_run(run_id: str, owner: str) -> Run:
    steps = tuple(step(number, f"{kind} {number}", kind) for number, kind in enumerate(STEPS, 1))
    return Run(run_id, "apply", owner, f"environment {owner}", "ada", system_clock(), steps=steps)


def work(records: str, engine_url: str, effects: str, ready: Connection) -> None:
    """Works until it is killed, or ended by SIGTERM."""

    def engine(workflow: Workflow, executor_id: str) -> Engine:
        return DbosEngine(workflow, url=engine_url, executor_id=executor_id)

    executor = Executor(
        store=DatabaseRuns(open_database(records)),
        registry=kinds(Target(effects)),
        services=Services(),
        engine=engine,
        clock=system_clock,
        executor_id=random_ids(),
        settings=SETTINGS,
    )
    signal.signal(signal.SIGTERM, lambda number, frame: executor.stop())
    ready.send("ready")
    executor.serve()
    executor.close(10)
