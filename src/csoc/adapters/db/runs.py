"""Runs, their steps, logs and leases in a database.

The rule "one run that is not over an owner" is a unique column, and a lease is checked in the transaction that it
guards: two processes at once cannot get around either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from csoc.adapters.db.database import TABLES, Database, Moment, Name
from csoc.errors import ConflictError, NotFoundError
from csoc.operations.runs import (
    HERE,
    MOST_CHARACTERS,
    MOST_LINES,
    Lease,
    Line,
    Run,
    RunState,
    Step,
    other_run,
    other_run_fix,
    too_many_lines,
)

_SCHEMA = 1
_EXECUTED = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)

_RUNS = sa.Table(
    "runs",
    TABLES,
    sa.Column("id", Name(64), primary_key=True),
    sa.Column("kind", Name(64), nullable=False),
    sa.Column("owner", Name(64), nullable=False),
    # The owner while the run is not over: its being unique is the owner's lock.
    sa.Column("locks", Name(64), nullable=True, unique=True),
    sa.Column("owner_name", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("plan", Name(64), nullable=False),
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("is_cancelling", sa.Boolean, nullable=False),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("where", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("woken_at", Moment, nullable=True),
    sa.Index("runs_by_time", "created_at", "id"),
    sa.Index("runs_by_owner", "owner", "created_at"),
)
_STEPS = sa.Table(
    "run_steps",
    TABLES,
    sa.Column("run", Name(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", Name(64), nullable=False),
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("started_at", Moment, nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("fix", sa.Text, nullable=False),
    sa.Column("waits_for", sa.Text, nullable=False),
)
_LINES = sa.Table(
    "run_lines",
    TABLES,
    sa.Column("run", Name(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("step", sa.Integer, nullable=True),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
_LEASES = sa.Table(
    "run_leases",
    TABLES,
    sa.Column("owner", Name(64), primary_key=True),
    sa.Column("run", Name(64), nullable=False),
    sa.Column("executor", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("is_released", sa.Boolean, nullable=False),
)

# What every step of a run asks, built once: SQLAlchemy takes longer to build a statement than SQLite to answer it.
_RUN_OF = sa.select(_RUNS).where(_RUNS.c.id == sa.bindparam("run_id"))
_STEPS_OF = sa.select(_STEPS).where(_STEPS.c.run == sa.bindparam("run_id")).order_by(_STEPS.c.number)
_NEWEST_OF = sa.select(_LEASES.c.epoch).where(
    _LEASES.c.owner == sa.bindparam("of_owner"), _LEASES.c.epoch == sa.bindparam("of_epoch"), ~_LEASES.c.is_released
)
_LOCKED_RUN_OF = _RUN_OF.with_for_update()
_LOCKED_NEWEST_OF = _NEWEST_OF.with_for_update()


class DatabaseRuns:
    """See csoc.operations.runs.RunStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        for table in (_RUNS, _STEPS, _LINES, _LEASES):
            database.make(table, _SCHEMA)

    def add(self, run: Run) -> None:
        try:
            with self._database.write() as connection:
                insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
                # Of the two unique columns only the id may be there already.
                wanted = insert(_RUNS).values(_run_row(run)).on_conflict_do_nothing(index_elements=["id"])
                is_new = connection.execute(wanted.returning(_RUNS.c.id)).first() is not None
                if is_new and run.steps:
                    connection.execute(sa.insert(_STEPS), [_step_row(run.id, step) for step in run.steps])
        except IntegrityError:
            raise self._taken(run) from None

    def get(self, run_id: str) -> Run:
        with self._database.read() as connection:
            return _get(connection, run_id)

    def newest(
        self, *, owner: str = "", states: Sequence[RunState] = (), before: str = "", limit: int = 50
    ) -> list[Run]:
        wanted = sa.select(_RUNS).order_by(_RUNS.c.created_at.desc(), _RUNS.c.id.desc()).limit(limit)
        if owner:
            wanted = wanted.where(_RUNS.c.owner == owner)
        if states:
            wanted = wanted.where(_RUNS.c.state.in_([str(state) for state in states]))
        with self._database.read() as connection:
            if before:
                last = _get(connection, before)
                wanted = wanted.where(
                    sa.tuple_(_RUNS.c.created_at, _RUNS.c.id)
                    < sa.tuple_(sa.literal(last.created_at, Moment), sa.literal(last.id, Name(64)))
                )
            rows = connection.execute(wanted).mappings().all()
            steps = _steps(connection, [row["id"] for row in rows])
            return [_run(row, steps.get(row["id"], ())) for row in rows]

    def change(self, run_id: str, lease: Lease | None, *, only: Sequence[RunState] = (), **changed: Any) -> Run:
        made: Run | None = None
        try:
            with self._database.write() as connection:
                found = _get(connection, run_id, locks=True)
                _fence(connection, run_id, lease)
                if only and found.state not in only:
                    raise ConflictError(f"The run is {found.state}", place=f"run {run_id}")
                made = replace(found, **changed)
                connection.execute(sa.update(_RUNS).where(_RUNS.c.id == run_id).values(_run_row(made)))
                for step in made.steps if "steps" in changed else ():
                    where = (_STEPS.c.run == run_id) & (_STEPS.c.number == step.number)
                    connection.execute(sa.update(_STEPS).where(where).values(_step_row(run_id, step)))
                return made
        except IntegrityError:
            assert made is not None  # noqa: S101 - only its row can be refused
            raise self._taken(made) from None

    def change_step(self, run_id: str, number: int, lease: Lease | None, **changed: Any) -> Run:
        values = {name: _plain(name, value) for name, value in changed.items()}
        with self._database.write() as connection:
            _fence(connection, run_id, lease)
            found = _get(connection, run_id)
            where = (_STEPS.c.run == run_id) & (_STEPS.c.number == number)
            connection.execute(sa.update(_STEPS).where(where).values(values))
        steps = tuple(replace(step, **changed) if step.number == number else step for step in found.steps)
        return replace(found, steps=steps)

    def log(self, run_id: str, lines: Sequence[tuple[datetime, int | None, str, str]]) -> None:
        if not lines:
            return
        with self._database.write() as connection:
            _get_row(connection, run_id, locks=True)  # one writer at a time counts the lines
            last = connection.execute(sa.select(sa.func.max(_LINES.c.number)).where(_LINES.c.run == run_id)).scalar()
            rows = []
            for number, (at, step, what, text) in enumerate(lines, (last or 0) + 1):
                if number > MOST_LINES:
                    break
                row = {"run": run_id, "number": number, "at": at, "step": step, "what": what}
                row["text"] = _storable(text)[:MOST_CHARACTERS]
                if number == MOST_LINES:
                    row |= {"what": "warning", "text": too_many_lines()}
                rows.append(row)
            if rows:
                connection.execute(sa.insert(_LINES), rows)

    def lines(self, run_id: str, after: int = 0, limit: int = 500) -> list[Line]:
        wanted = sa.select(_LINES).where(_LINES.c.run == run_id, _LINES.c.number > after)
        with self._database.read() as connection:
            _get_row(connection, run_id)
            rows = connection.execute(wanted.order_by(_LINES.c.number).limit(limit)).mappings()
            return [Line(row["number"], row["at"], row["step"], row["what"], row["text"]) for row in rows]

    def take(self, run_id: str, executor: str, now: datetime, seconds: float) -> Lease | None:
        with self._database.write() as connection:
            run = _get_row(connection, run_id, locks=True)
            known = _lease_row(connection, run["owner"], locks=True)
            is_held = known is not None and not known["is_released"] and known["until"] > now
            if run["state"] not in _EXECUTED or (is_held and known is not None and known["executor"] != executor):
                return None
            epoch = 1 if known is None else known["epoch"] + 1
            lease = Lease(run["owner"], run_id, executor, epoch, now + timedelta(seconds=seconds))
            row = {"run": run_id, "executor": executor, "epoch": epoch, "until": lease.until, "is_released": False}
            if known is None:
                connection.execute(sa.insert(_LEASES).values(owner=lease.owner, **row))
            else:
                connection.execute(sa.update(_LEASES).where(_LEASES.c.owner == lease.owner).values(row))
            return lease

    def renew(self, lease: Lease, now: datetime, seconds: float) -> Lease | None:
        renewed = replace(lease, until=now + timedelta(seconds=seconds))
        wanted = sa.update(_LEASES).where(*_its(lease)).values(until=renewed.until)
        with self._database.write() as connection:
            return renewed if connection.execute(wanted).rowcount == 1 else None

    def holds(self, lease: Lease) -> bool:
        with self._database.read() as connection:
            return connection.execute(_NEWEST_OF, _of(lease)).first() is not None

    def release(self, lease: Lease) -> None:
        with self._database.write() as connection:
            connection.execute(sa.update(_LEASES).where(*_its(lease)).values(is_released=True))

    def lease(self, run_id: str, now: datetime) -> Lease | None:
        with self._database.read() as connection:
            row = _lease_row(connection, _get_row(connection, run_id)["owner"])
        if row is None or row["run"] != run_id or row["is_released"] or row["until"] <= now:
            return None
        return Lease(row["owner"], row["run"], row["executor"], row["epoch"], row["until"])

    def abandoned(self, now: datetime, where: str = HERE) -> list[str]:
        held = sa.select(_LEASES.c.run).where(
            _LEASES.c.run == _RUNS.c.id, ~_LEASES.c.is_released, _LEASES.c.until > sa.literal(now, Moment)
        )
        wanted = (
            sa.select(_RUNS.c.id)
            # What is not over has its owner there: few rows, found by the column's index.
            .where(_RUNS.c.locks.is_not(None), _RUNS.c.state.in_(_EXECUTED), _RUNS.c.where == where, ~held.exists())
            .order_by(_RUNS.c.created_at, _RUNS.c.id)
        )
        with self._database.read() as connection:
            return list(connection.execute(wanted).scalars())

    def close(self) -> None:
        self._database.close()

    def _taken(self, wanted: Run) -> ConflictError:
        """Names the other run; it may be over by the time it is looked for."""
        query = sa.select(_RUNS).where(_RUNS.c.locks == wanted.owner)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            why = f"{wanted.owner_name} had another run a moment ago"
            return ConflictError(why, place=f"run {wanted.id}", fix="Try again")
        other = _run(row, ())
        return ConflictError(other_run(wanted, other), place=f"run {other.id}", fix=other_run_fix(other))


def _its(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return (_LEASES.c.owner == lease.owner, _LEASES.c.epoch == lease.epoch, ~_LEASES.c.is_released)


def _of(lease: Lease) -> dict[str, Any]:
    return {"of_owner": lease.owner, "of_epoch": lease.epoch}


def _fence(connection: Connection, run_id: str, lease: Lease | None) -> None:
    """Whoever takes the lease afterwards waits for this transaction."""
    if lease is None:
        return
    if lease.run != run_id or connection.execute(_LOCKED_NEWEST_OF, _of(lease)).first() is None:
        raise ConflictError("Another executor took over", place=f"run {run_id}")


def _get_row(connection: Connection, run_id: str, *, locks: bool = False) -> RowMapping:
    wanted = _LOCKED_RUN_OF if locks else _RUN_OF
    row = connection.execute(wanted, {"run_id": run_id}).mappings().one_or_none()
    if row is None:
        raise NotFoundError("There is no such run", place=f"run {run_id}", fix="csoc runs list shows all")
    return row


def _get(connection: Connection, run_id: str, *, locks: bool = False) -> Run:
    row = _get_row(connection, run_id, locks=locks)
    return _run(row, tuple(_step(step) for step in connection.execute(_STEPS_OF, {"run_id": run_id}).mappings()))


def _steps(connection: Connection, runs: Sequence[str]) -> dict[str, tuple[Step, ...]]:
    wanted = sa.select(_STEPS).where(_STEPS.c.run.in_(runs)).order_by(_STEPS.c.run, _STEPS.c.number)
    found: dict[str, tuple[Step, ...]] = {}
    for row in connection.execute(wanted).mappings():
        found[row["run"]] = (*found.get(row["run"], ()), _step(row))
    return found


def _lease_row(connection: Connection, owner: str, *, locks: bool = False) -> RowMapping | None:
    wanted = sa.select(_LEASES).where(_LEASES.c.owner == owner)
    return connection.execute(wanted.with_for_update() if locks else wanted).mappings().one_or_none()


def _run_row(run: Run) -> dict[str, Any]:
    row = {column.name: getattr(run, column.name) for column in _RUNS.columns if column.name != "locks"}
    row = {name: _plain(name, value) for name, value in row.items()}
    return row | {"locks": None if run.state.is_over else run.owner}


def _run(row: RowMapping, steps: tuple[Step, ...]) -> Run:
    fields: dict[str, Any] = {str(name): value for name, value in row.items() if name != "locks"}
    fields |= {"arguments": json.loads(row["arguments"]), "state": RunState(row["state"])}
    return Run(**fields, steps=steps)


def _step_row(run_id: str, step: Step) -> dict[str, Any]:
    columns = [column.name for column in _STEPS.columns if column.name != "run"]
    return {"run": run_id} | {name: _plain(name, getattr(step, name)) for name in columns}


def _step(row: RowMapping) -> Step:
    fields: dict[str, Any] = {str(name): value for name, value in row.items() if name != "run"}
    fields |= {name: {} if row[name] == "{}" else json.loads(row[name]) for name in ("arguments", "result")}
    return Step(**fields | {"state": RunState(row["state"])})


def _plain(name: str, value: Any) -> Any:
    """A field as it is kept."""
    if name in ("arguments", "result"):
        return json.dumps(value, sort_keys=True)
    return _storable(value) if isinstance(value, str) else value


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL, and neither takes halves of characters."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")
