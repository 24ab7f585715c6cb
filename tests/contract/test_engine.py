"""What every engine promises, run on each of them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.engine.dbos import DbosEngine
from csoc.errors import ConflictError, RejectedError, UnavailableError
from csoc.operations.engine import Engine, Steps, Workflow
from csoc.testing.engine import Journal, MemoryEngine

WAIT = 20
Open = Callable[[Workflow], Engine]


class Ended:
    """A workflow's code that tells when it returned or raised."""

    def __init__(self, code: Callable[[Steps, str], object]) -> None:
        self._code = code
        self._ended = threading.Semaphore(0)
        self.raised: list[BaseException] = []

    def __call__(self, steps: Steps, run_id: str) -> None:
        try:
            self._code(steps, run_id)
        except BaseException as error:
            self.raised.append(error)
            raise
        finally:
            self._ended.release()

    def wait(self) -> None:
        assert self._ended.acquire(timeout=WAIT), "the workflow did not end"


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens an engine on the same record, as a process does at its start; the one before is closed."""
    journal = Journal()
    names = itertools.count(1)
    engines: list[Engine] = []
    # Asked for first, so that it is there until the engines are closed.
    url = (
        request.getfixturevalue("database").url if request.param == "postgresql" else f"sqlite:///{tmp_path}/engine.db"
    )

    def open_engine(workflow: Workflow) -> Engine:
        while engines:
            engines.pop().close(0)
        if request.param == "memory":
            engines.append(MemoryEngine(workflow, journal))
        else:
            engines.append(DbosEngine(workflow, url=url, executor_id=f"x{next(names)}"))
        return engines[-1]

    yield open_engine
    while engines:
        engines.pop().close(0)


def test_a_workflow_runs_once_from_its_begin_to_its_end(opened: Open) -> None:
    seen: list[Any] = []

    def code(steps: Steps, run_id: str) -> None:
        seen.append(run_id)
        seen.append(steps.step("one", lambda: {"n": 1}))
        seen.append(steps.step("two", lambda: {"n": [2, None, {"ü": "é"}]}))

    ended = Ended(code)
    opened(ended).execute("r1", 1)
    ended.wait()
    assert seen == ["r1", {"n": 1}, {"n": [2, None, {"ü": "é"}]}]


def test_after_an_exception_it_goes_on_behind_the_last_step_in_another_engine(opened: Open) -> None:
    ran: list[str] = []

    def counted(name: str, fails: bool = False) -> dict[str, Any]:
        ran.append(name)
        if fails:
            raise UnavailableError("not now")
        return {"name": name}

    def code(steps: Steps, run_id: str) -> None:
        steps.step("one", lambda: counted("one"))
        steps.step("two", lambda: counted("two", fails=len(ran) < 2))
        steps.step("three", lambda: counted("three"))

    ended = Ended(code)
    opened(ended).execute("r1", 1)
    ended.wait()
    assert [str(error) for error in ended.raised] == ["not now"]
    opened(ended).execute("r1", 1)
    ended.wait()
    assert ran == ["one", "two", "two", "three"]


def test_it_goes_on_in_the_same_engine_as_often_as_need_be(opened: Open) -> None:
    ran: list[int] = []

    def code(steps: Steps, run_id: str) -> None:
        steps.step("one", lambda: {"n": len(ran)})
        ran.append(1)
        if len(ran) < 4:
            raise ValueError("again")

    ended = Ended(code)
    engine = opened(ended)
    for _ in range(4):
        engine.execute("r1", 1)
        ended.wait()
    assert len(ran) == 4


def test_an_attempt_that_is_over_is_not_run_again_and_the_next_one_is_new(opened: Open) -> None:
    ran: list[Any] = []
    ended = Ended(lambda steps, run_id: ran.append(steps.step("one", lambda: {"n": len(ran)})))
    engine = opened(ended)
    engine.execute("r1", 1)
    ended.wait()
    assert engine.close(WAIT)
    engine = opened(ended)
    with pytest.raises(ConflictError, match="over"):
        engine.execute("r1", 1)
    engine.execute("r1", 2)
    ended.wait()
    assert ran == [{"n": 0}, {"n": 1}]


def test_what_a_step_gives_is_json_each_time(opened: Open) -> None:
    given: list[Any] = []

    def code(steps: Steps, run_id: str) -> None:
        given.append(steps.step("one", lambda: {"pair": (1, 2)}))
        if len(given) == 1:
            raise ValueError("again")

    ended = Ended(code)
    for _ in range(2):
        opened(ended).execute("r1", 1)
        ended.wait()
    assert given == [{"pair": [1, 2]}, {"pair": [1, 2]}]


def test_what_is_no_json_is_no_result(opened: Open) -> None:
    ended = Ended(lambda steps, run_id: steps.step("one", lambda: {"secret": object()}))
    opened(ended).execute("r1", 1)
    ended.wait()
    assert isinstance(ended.raised[0], TypeError)


# Of DBOS alone


@pytest.fixture
def engine_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/engine.db"


def test_closing_waits_for_what_runs_and_says_if_it_did_not_end(engine_url: str) -> None:
    began, go_on = threading.Event(), threading.Event()

    def code(steps: Steps, run_id: str) -> None:
        began.set()
        go_on.wait(WAIT)

    engine = DbosEngine(code, url=engine_url, executor_id="x1")
    engine.execute("r1", 1)
    assert began.wait(WAIT)
    assert not engine.close(0)
    go_on.set()


def test_the_last_one_who_was_told_to_go_on_writes_the_record(engine_url: str) -> None:
    """An executor that is told too late that it lost the run may still be in a step: what it gives is not recorded."""
    first_is_in, second_is_done = threading.Event(), threading.Event()
    calls: list[str] = []
    seen: list[Any] = []

    def late() -> dict[str, Any]:
        calls.append("call")
        if len(calls) == 1:
            first_is_in.set()
            second_is_done.wait(WAIT)
            return {"by": "first"}
        return {"by": "second"}

    def code(steps: Steps, run_id: str) -> None:
        seen.append(steps.step("one", late))
        second_is_done.set()

    engine = DbosEngine(code, url=engine_url, executor_id="x1")
    engine.execute("r1", 1)
    assert first_is_in.wait(WAIT)
    engine.execute("r1", 1)
    assert second_is_done.wait(WAIT)
    engine.close(WAIT)
    assert seen == [{"by": "second"}]


def test_a_process_has_one_engine_at_a_time(engine_url: str) -> None:
    engine = DbosEngine(lambda steps, run_id: None, url=engine_url, executor_id="x1")
    with pytest.raises(ConflictError):
        DbosEngine(lambda steps, run_id: None, url=engine_url, executor_id="x2")
    engine.close(0)
    DbosEngine(lambda steps, run_id: None, url=engine_url, executor_id="x3").close(0)


def test_nothing_listens_and_nothing_is_printed(engine_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    ended = Ended(lambda steps, run_id: steps.step("one", dict))
    before = listening()  # of fixtures that other tests of this process left open
    engine = DbosEngine(ended, url=engine_url, executor_id="x1")
    try:
        engine.execute("r1", 1)
        ended.wait()
        assert listening() - before == set()
    finally:
        engine.close(WAIT)
    assert capfd.readouterr() == ("", "")


def listening() -> set[str]:
    """Sockets of this process that somebody could connect to."""
    mine = set()
    for fd in Path("/proc/self/fd").iterdir():
        try:
            mine.add(str(fd.readlink()))
        except FileNotFoundError:
            continue
    rows = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/self/net/{name}").read_text().splitlines()
    ]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in mine}


def test_the_file_is_its_users_alone(engine_url: str, tmp_path: Path) -> None:
    DbosEngine(lambda steps, run_id: None, url=engine_url, executor_id="x1").close(0)
    assert (tmp_path / "engine.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://db.example.org/csoc", "nonsense"])
def test_a_database_that_cannot_be_used_is_refused_and_the_next_one_can_be_opened(url: str, engine_url: str) -> None:
    with pytest.raises(RejectedError):
        DbosEngine(lambda steps, run_id: None, url=url, executor_id="x1")
    DbosEngine(lambda steps, run_id: None, url=engine_url, executor_id="x2").close(0)


def test_a_database_that_does_not_answer_is_unavailable_and_no_password_is_told() -> None:
    url = "postgresql://csoc:hunter2hunter2@127.0.0.1:1/csoc"
    with pytest.raises(UnavailableError) as refused:
        DbosEngine(lambda steps, run_id: None, url=url, executor_id="x1")
    assert "hunter2" not in str(refused.value)
