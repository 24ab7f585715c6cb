"""A database of SQLite that somebody else writes to, or that has no room left."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from csoc.adapters.db import database
from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.errors import UnavailableError
from csoc.operations.runs import Run

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a database that nobody waits for, with one run in it."""
    monkeypatch.setattr(database, "_WAIT_SECONDS", 0)
    made = tmp_path / "csoc.db"
    store = DatabaseRuns(open_database(f"sqlite:///{made}"))
    store.add(a_run("r1"))
    store.close()
    return made


@pytest.fixture
def locked(path: Path) -> Iterator[Path]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield path
    connection.close()


def a_run(run_id: str) -> Run:
    return Run(run_id, "apply", f"owner of {run_id}", f"environment {run_id}", "ada", AT)


def test_who_only_looks_does_not_wait_for_somebody_who_writes(locked: Path) -> None:
    store = DatabaseRuns(open_database(f"sqlite:///{locked}"))
    assert [run.id for run in store.newest()] == ["r1"]
    store.close()


def test_who_writes_while_somebody_else_does_is_told_what_to_look_at(locked: Path) -> None:
    store = DatabaseRuns(open_database(f"sqlite:///{locked}"))
    with pytest.raises(UnavailableError, match="The database does not answer: database is locked") as told:
        store.add(a_run("r2"))
    assert told.value.fix == "Look whether it runs and has room"
    store.close()


def test_what_has_no_room_is_not_there_in_part(path: Path) -> None:
    def fill(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    sa.event.listen(sa.engine.Engine, "connect", fill)
    try:
        store = DatabaseRuns(open_database(f"sqlite:///{path}"))
        with pytest.raises(UnavailableError, match="The database does not answer: database or disk is full"):
            store.log("r1", [(AT, None, "event", "x" * 4_000)] * 50)
        assert store.lines("r1") == []
        store.close()
    finally:
        sa.event.remove(sa.engine.Engine, "connect", fill)
