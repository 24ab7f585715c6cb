"""`csoc runs` and `csoc worker` as somebody at a terminal uses them: real databases, the engine, a second terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from csoc import bootstrap
from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.cli.runs import session
from csoc.errors import RejectedError, UnavailableError
from csoc.operations.runs import Run, RunState
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting
from csoc.testing.runs import step
from csoc.usecases.run_ports import RunPorts
from tests.functional.command import Command

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


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


def a_run(run_id: str = "r1", owner: str = "heart", **fields: object) -> Run:
    steps = (step(1, "apply network", "say"), step(2, "apply cluster", "say"))
    run = Run(run_id, "apply", owner, f"environment {owner}", "ada", START, steps=steps)
    return replace(run, **fields)  # type: ignore[arg-type]


@contextmanager
def steps_that(code: object) -> Iterator[None]:
    """Commands that execute runs know the kind "say", and need no account."""

    @contextmanager
    def executing() -> Iterator[RunPorts]:
        with bootstrap.run_ports() as ports:
            kind = StepKind("say", code, "nothing", 60, attempts=1)  # type: ignore[arg-type]
            yield replace(ports, registry={"say": kind})

    with patch.object(session, "open_executing", executing), patch("csoc.cli.runs.changing.open_executing", executing):
        yield


def says(context: Context) -> Result:
    context.log("made it with token=ghp_0123456789abcdefghijABCDEFGHIJ012345")
    return Done()


def test_there_are_no_runs_and_no_such_run(csoc: Command) -> None:
    assert csoc("runs", "list").out == "There are no runs.\n"
    assert csoc("runs", "list", "--json").data == {"runs": [], "next": None}
    for command in ("show", "watch", "resume", "cancel"):
        gone = csoc("runs", command, "nope", "--json")
        assert gone.code == 4
        assert json.loads(gone.err)["error"]["fix"] == "csoc runs list shows all"


def test_a_list_has_pages_and_says_who_is_left_alone(csoc: Command, runs: DatabaseRuns) -> None:
    for number in range(3):
        runs.add(a_run(f"r{number}", f"owner{number}", created_at=START + timedelta(minutes=number)))
    page = csoc("runs", "list", "--limit", "2", "--json").data
    assert [run["id"] for run in page["runs"]] == ["r2", "r1"]
    rest = csoc("runs", "list", "--before", page["next"], "--json").data
    assert ([run["id"] for run in rest["runs"]], rest["next"]) == (["r0"], None)
    shown = csoc("runs", "list", "--limit", "2").out
    assert "queued, no worker" in shown
    assert "Nobody executes 2 of them: csoc worker does, or csoc runs resume r2" in shown
    assert "0/2 not begun" in shown
    assert "There are more: csoc runs list --before r1" in shown
    assert csoc("runs", "list", "--state", "failed").out == "There are no such runs.\n"


def test_resume_works_on_a_run_here_and_shows_it_to_its_end_and_show_tells_its_steps(
    csoc: Command, runs: DatabaseRuns
) -> None:
    runs.add(a_run())
    with steps_that(says):
        done = csoc("runs", "resume", "r1")
    assert done.code == 0, done.err
    assert done.out.count("made it with token=") == 2
    assert "ghp_" not in done.out
    assert done.out.endswith("apply environment heart: succeeded\n")
    shown = csoc("runs", "show", "r1", "--json").data
    assert [one["state"] for one in shown["steps"]] == ["succeeded", "succeeded"]
    assert all(one["attempts"] == 1 and one["startedAt"] and one["endedAt"] for one in shown["steps"])
    assert "apply cluster  succeeded" in csoc("runs", "show", "r1").out
    assert "ghp_" not in csoc("runs", "show", "r1", "--log", "--json").out


@pytest.mark.parametrize(
    ("error", "code", "state"),
    [
        (RejectedError("It is too big", fix="Make it smaller"), 1, "failed"),
        (UnavailableError("No answer"), 6, "errored"),
    ],
)
def test_a_run_that_ends_badly_tells_cause_and_fix_in_the_command_and_afterwards(
    csoc: Command, runs: DatabaseRuns, error: Exception, code: int, state: str
) -> None:
    def fails(context: Context) -> Result:
        raise error

    runs.add(a_run())
    with steps_that(fails):
        done = csoc("runs", "resume", "r1")
    assert done.code == code
    shown = csoc("runs", "show", "r1").out
    for text in (done.out, shown):
        assert f"apply environment heart: {state}" in text
        assert str(error).split(".")[0] in text
        assert "fix: " in text
    assert "not begun" in shown
    with steps_that(says):
        assert csoc("runs", "resume", "r1").code == 0


def test_a_second_terminal_watches_what_the_first_one_executes(csoc: Command, runs: DatabaseRuns) -> None:
    said, go_on = threading.Event(), threading.Event()

    def slow(context: Context) -> Result:
        context.log(f"{context.step.name} begins")
        said.set()
        assert go_on.wait(60)
        return Done()

    runs.add(a_run())
    environment = {**os.environ, **csoc.environment}
    program = "import sys; from csoc.cli.entry import main; sys.argv[0] = 'csoc'; main()"
    arguments = [sys.executable, "-c", program]
    with steps_that(slow):
        first = threading.Thread(target=lambda: csoc("runs", "resume", "r1"))
        first.start()
        assert said.wait(60)
        second = subprocess.Popen(
            [*arguments, "runs", "watch", "r1", "--json"], env=environment, stdout=subprocess.PIPE, text=True
        )
        third = subprocess.Popen(
            [*arguments, "runs", "watch", "r1"], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert second.stdout is not None
        assert third.stdout is not None
        assert json.loads(second.stdout.readline())["line"]["text"] == "apply network begins"
        assert "apply network begins" in third.stdout.readline()
        third.send_signal(signal.SIGINT)
        assert "The run goes on." in third.stdout.read()
        assert third.wait(60) == 0
        assert runs.get("r1").state is RunState.RUNNING
        go_on.set()
        rest = [json.loads(line) for line in second.stdout.read().splitlines()]
        assert second.wait(60) == 0
        first.join(60)
    assert rest[-1]["run"]["state"] == "succeeded"


def test_an_interruption_ends_a_command_that_works_on_a_run_with_130_and_does_not_cancel_it(
    csoc: Command, runs: DatabaseRuns
) -> None:
    def interrupted(context: Context) -> Result:
        os.kill(os.getpid(), signal.SIGINT)
        return Waiting("somebody")

    runs.add(a_run())
    with steps_that(interrupted):
        ended = csoc("runs", "resume", "r1")
    assert ended.code == 130
    assert "The run is not cancelled" in ended.out
    assert "csoc runs resume r1 goes on with it" in ended.out
    assert ended.err.endswith("csoc: interrupted\n")
    assert runs.get("r1").state in (RunState.WAITING, RunState.RUNNING)


def test_what_a_run_said_before_is_a_line_a_step_and_all_of_it_where_somebody_wants_it(
    csoc: Command, runs: DatabaseRuns
) -> None:
    tries: list[str] = []

    def fails_once(context: Context) -> Result:
        context.log(f"{context.step.name} says something")
        tries.append(context.step.name)
        if tries == ["apply network", "apply cluster"]:
            raise RejectedError("It is too big", fix="Make it smaller")
        return Done()

    runs.add(a_run())
    with steps_that(fails_once):
        assert csoc("runs", "resume", "r1").out.count("says something") == 2
        again = csoc("runs", "resume", "r1").out
    assert "apply network: succeeded" in again
    assert again.count("says something") == 1, "only what the step that goes on says"
    assert "csoc runs watch r1 --whole" in again
    watched = csoc("runs", "watch", "r1").out
    assert "says something" not in watched
    assert ("apply network: succeeded" in watched, "apply cluster: succeeded" in watched) == (True, True)
    assert csoc("runs", "watch", "r1", "--whole").out.count("says something") == 3
    assert csoc("runs", "watch", "r1", "--json").out.count("says something") == 3


def test_what_is_waited_for_is_said_once_while_it_does_not_change(csoc: Command, runs: DatabaseRuns) -> None:
    looks: list[int] = []

    def waits(context: Context) -> Result:
        looks.append(1)
        if len(looks) > 4:
            return Done()
        what = "the secret" if len(looks) < 4 else "the record"
        return Waiting(what, fix=f"Make {what}", seconds=0.6, most_seconds=0.6)

    runs.add(a_run())
    with steps_that(waits):
        done = csoc("runs", "resume", "r1").out
    assert done.count("apply network waits for the secret") == 1
    assert done.count("apply network waits for the record") == 1


def test_a_worker_says_what_it_does(csoc: Command, runs: DatabaseRuns) -> None:
    """csoc knows no such step, so its run comes to its end at once."""
    runs.add(a_run())
    program = "import sys; from csoc.cli.entry import main; sys.argv[0] = 'csoc'; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "worker"],
        env={**os.environ, **csoc.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        try:
            said = [worker.stdout.readline().rstrip() for _ in range(5)]
        finally:
            worker.kill()
    assert said[0].endswith("takes runs. Ctrl-C ends it.")
    assert said[1] == "r1  apply environment heart: begins"
    assert said[2] == "r1  apply environment heart: apply network: errored: This csoc knows no step 'say'"
    assert said[3].startswith("  fix: Resume it with the csoc that made the run")
    assert said[4] == "r1  apply environment heart: errored"


def test_cancelling_says_what_happens(csoc: Command, runs: DatabaseRuns) -> None:
    runs.add(a_run())
    assert csoc("runs", "cancel", "r1").out == "It is cancelled.\n"
    assert csoc("runs", "cancel", "r1").code == 5
    runs.add(a_run("r2", state=RunState.RUNNING))
    assert "Nobody works on it: csoc worker or csoc runs resume r2" in csoc("runs", "cancel", "r2").out
    assert runs.get("r2").is_cancelling
    assert csoc("runs", "show", "r2").out.count("it is cancelled before its next step") == 1
    with steps_that(says):
        assert csoc("runs", "resume", "r2").code == 1
    assert runs.get("r2").state is RunState.CANCELLED


def test_a_queued_resume_leaves_the_work_to_a_worker(csoc: Command, runs: DatabaseRuns) -> None:
    runs.add(a_run(state=RunState.FAILED))
    assert csoc("runs", "resume", "r1", "--queue", "--json").data["state"] == "queued"
    assert runs.get("r1").attempt == 2
    runs.change("r1", None, state=RunState.SUCCEEDED)
    assert csoc("runs", "resume", "r1", "--queue").code == 5


def test_at_80_columns_a_run_is_one_line_with_the_name_of_the_session(csoc: Command, runs: DatabaseRuns) -> None:
    arn = "sts:arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Engineer_0123456789abcdef/ada"
    runs.add(a_run("k3x9q1m2za", by=arn, owner_name="environment reef-dev"))
    with patch("csoc.cli.output.console_width", lambda **_: 80):
        lines = csoc("runs", "list").out.splitlines()
    assert len([line for line in lines if line.strip()]) <= 1 + 2 + 1 + 2, f"a title, a head, the run and hints {lines}"
    assert max(map(len, lines)) <= 80
    [row] = [line for line in lines if line.startswith("k3x9q1m2za")]
    assert "environment reef-dev" in row
    assert " ada " in f"{row} "
    shown = csoc("runs", "show", "k3x9q1m2za").out
    assert ("begun by ada at" in shown, arn in shown) == (True, False)
    assert csoc("runs", "list", "--json").data["runs"][0]["by"] == arn
    assert csoc("runs", "show", "k3x9q1m2za", "--json").data["by"] == arn
