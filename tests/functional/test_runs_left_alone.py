"""A run that nobody executes says what its last look found, and what a person does next; a worker that begins says what
another one still holds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.clock import system_clock
from csoc.operations.executor import Executor
from csoc.operations.runs import Run, RunState
from csoc.testing.runs import step
from tests.functional.command import Command

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WOKEN = START + timedelta(minutes=5)


@pytest.fixture
def csoc(tmp_path: Path) -> Command:
    data = tmp_path / "data"
    return Command(
        tmp_path / "home", tmp_path, variables={"CSOC_DATA_DIR": str(data), "AWS_EC2_METADATA_DISABLED": "1"}
    )


@pytest.fixture
def runs(csoc: Command) -> Iterator[DatabaseRuns]:
    store = DatabaseRuns(open_database(f"sqlite:///{csoc.variables['CSOC_DATA_DIR']}/csoc.sqlite3"))
    yield store
    store.close()


def waiting(run_id: str = "r1", owner: str = "heart") -> Run:
    """A run that waited for the approval of its plan when it last looked."""
    first = replace(
        step(1, "wait for approval", "wait for approval"),
        state=RunState.WAITING,
        started_at=START,
        attempts=1,
        waits_for="the approval of plan p1",
        fix="csoc approve p1",
    )
    steps = (first, step(2, "apply network", "apply layer"))
    return Run(run_id, "apply", owner, f"environment {owner}", "ada", START, RunState.WAITING, "p1", steps)


def approved(runs: DatabaseRuns) -> None:
    runs.log("r1", [(WOKEN, None, "event", "bea approved the plan p1")])
    runs.change("r1", None, woken_at=WOKEN)


def test_a_run_that_waits_and_is_left_alone_says_what_somebody_did_for_it_and_what_comes_next(
    csoc: Command, runs: DatabaseRuns
) -> None:
    runs.add(waiting())
    runs.log("r1", [(START, 1, "event", "waits for the approval of plan p1")])
    before = csoc("runs", "show", "r1").out
    assert "wait for approval waits for the approval of plan p1, as its last look found" in before
    assert "After that" not in before
    approved(runs)
    said = csoc("runs", "show", "r1").out
    assert "nobody works on it: csoc worker does, or csoc runs resume r1" in said
    done = "After that bea approved the plan p1 (2026-11-23 08:05:00): csoc runs resume r1 looks again"
    assert done in " ".join(said.split())
    shown = csoc("runs", "show", "r1", "--json").data
    assert (shown["executor"], shown["wokenAt"]) == (None, "2026-11-23T08:05:00Z")
    listed = csoc("runs", "list").out
    assert "Nobody executes r1: csoc worker does, or csoc runs resume r1" in listed
    assert "What such a run waits for is what its last look found; it may have been done since" in listed


def test_what_somebody_did_before_the_step_said_something_else_is_not_told(csoc: Command, runs: DatabaseRuns) -> None:
    runs.add(waiting())
    approved(runs)
    runs.log("r1", [(WOKEN + timedelta(seconds=1), 1, "event", "waits for the approval of plan p1")])
    assert "After that" not in csoc("runs", "show", "r1").out


def test_a_run_that_waits_and_is_executed_is_shown_as_what_it_is(csoc: Command, runs: DatabaseRuns) -> None:
    runs.add(waiting())
    approved(runs)
    assert runs.take("r1", "w1", system_clock(), 60) is not None
    said = csoc("runs", "show", "r1").out
    assert "waits for the approval of plan p1\n" in said
    assert "nobody" not in said
    assert "last look" not in csoc("runs", "list").out


def test_a_worker_says_at_its_start_what_another_one_holds_and_until_when(csoc: Command, runs: DatabaseRuns) -> None:
    now = system_clock()
    for number, fields in enumerate(({}, {"where": "github:example/fleet"}, {"state": RunState.WAITING}, {})):
        run = replace(waiting(f"r{number}", f"owner{number}"), state=RunState.RUNNING)
        runs.add(replace(run, **fields))  # type: ignore[arg-type]
        if number < 3:
            assert runs.take(f"r{number}", "w0", now, 600) is not None
    until = now + timedelta(seconds=600)
    with patch.object(Executor, "serve", lambda _: threading.Event().wait(0)):
        told = csoc("worker")
        data = csoc("worker", "--json")
    assert told.code == data.code == 0, told.err + data.err
    begun, *held = told.out.splitlines()
    assert "takes runs" in begun
    of_r0 = f"r0 is held by another worker until {until:%H:%M:%S} UTC; it is taken over then if that one does not go on"
    assert " ".join(" ".join(held).split()) == of_r0
    lines = [json.loads(line) for line in data.out.splitlines()]
    wanted = {"run": "r0", "executor": "w0", "until": until.isoformat().replace("+00:00", "Z")}
    assert lines[1:] == [{"held": wanted}]
