"""A database by its URL, with the settings that make two kinds of it behave alike.

SQLite for one machine, PostgreSQL where several processes share it. Writers of SQLite wait for each other instead of
failing; times are kept as text in UTC on both, since SQLite knows no time zones and forgets them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.types import TypeDecorator

from csoc.errors import RejectedError, UnavailableError

TABLES = sa.MetaData()
_WAIT_SECONDS = 10
_WRITES = "csoc_writes"
_ANOTHER = (
    "Name a folder that you may write with data_dir in the settings (CSOC_DATA_DIR), or another database with "
    "database_url (CSOC_DATABASE_URL)"
)
_VERSION = sa.Table(
    "csoc_schema",
    TABLES,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)


def Name(length: int) -> sa.types.TypeEngine[str]:  # noqa: N802 - a type
    """Text that sorts by code points on both, as Python sorts; PostgreSQL's own order depends on its locale."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


class Moment(TypeDecorator[datetime]):
    """A time, aware, in UTC, to the microsecond; text that sorts by time."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times are aware")
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromisoformat(value)


class Database:
    """One database. Threads may share it."""

    def __init__(self, engine: Engine, shown: str) -> None:
        self._engine = engine
        self._shown = shown

    def make(self, table: sa.Table, version: int) -> None:
        """Makes a table that is not there. Raises RejectedError if it is there in a version that this csoc does not
        know, or in an older one, which needs a migration."""
        if self._has(table, version):
            return
        with self.write() as connection:
            TABLES.create_all(connection, [_VERSION], checkfirst=True)
            found = connection.execute(sa.select(_VERSION.c.version).where(_VERSION.c.name == table.name)).scalar()
            if found is None:
                table.create(connection, checkfirst=True)
                connection.execute(sa.insert(_VERSION).values(name=table.name, version=version))
            elif found != version:
                which = "a newer csoc" if found > version else "an older csoc"
                raise RejectedError(
                    f"The table {table.name} has version {found} of {which}; this one uses {version}",
                    place=self._shown,
                    fix="Use the csoc that made it, or migrate the database",
                )

    def _has(self, table: sa.Table, version: int) -> bool:
        """Asked first: who only looks does not wait for somebody who writes."""
        with self.read() as connection:
            if not sa.inspect(connection).has_table(_VERSION.name):
                return False
            found = connection.execute(sa.select(_VERSION.c.version).where(_VERSION.c.name == table.name)).scalar()
            return bool(found == version)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction for reading. Raises UnavailableError."""
        with self._errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction for writing, committed at the end of the block, undone by an exception. Raises
        UnavailableError, also when others keep it locked for too long."""
        with (
            self._errors(),
            self._engine.connect() as connection,
            connection.execution_options(**{_WRITES: True}).begin(),
        ):
            yield connection

    def close(self) -> None:
        """Lets all connections go."""
        self._engine.dispose()

    def _errors(self) -> AbstractContextManager[None]:
        return translated(self._shown)


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Errors of a database that does not answer become UnavailableError. shown: its URL, without a password."""
    try:
        yield
    except DBAPIError as error:
        if not (isinstance(error, OperationalError) or error.connection_invalidated):
            raise
        # The driver's words only: SQLAlchemy's hold the statement with its values.
        cause = " ".join(str(error.orig).split())[:300]
        raise UnavailableError(
            f"The database does not answer: {cause}", place=shown, fix="Look whether it runs and has room"
        ) from None


def prepared(url: str) -> tuple[URL, str]:
    """A URL that csoc can use, with the driver that it uses, and the same as it may be shown; a file of SQLite is there
    afterwards, for its user only. Raises RejectedError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise RejectedError(
            "The database's URL cannot be read", fix="Use sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from None
    shown = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite":
        _make_file(parsed, shown)
        return parsed, shown
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg"), shown
    raise RejectedError(
        f"csoc keeps nothing in {parsed.get_backend_name()}", place=shown, fix="Use sqlite:/// or postgresql://"
    )


def open_database(url: str) -> Database:
    """Opens a database by a URL: sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME. Raises RejectedError."""
    parsed, shown = prepared(url)
    return Database(_sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed), shown)


def _make_file(url: URL, shown: str) -> None:
    if not url.database or url.database == ":memory:":
        raise RejectedError("A database in memory cannot be shared", place=shown, fix="Name a file: sqlite:///PATH")
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        cause = f"The folder for csoc's records cannot be made: {error.strerror}"
        raise RejectedError(cause, place=str(path.parent), fix=_ANOTHER) from None
    try:
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        cause = f"The file for csoc's records cannot be made: {error.strerror}"
        raise RejectedError(cause, place=str(path), fix=_ANOTHER) from None


def _sqlite(url: URL) -> Engine:
    engine = sa.create_engine(url, connect_args={"timeout": _WAIT_SECONDS})

    def prepare(connection: Any, _record: Any) -> None:
        # Python's own handling of transactions begins them too late, so that two readers who both write lock each
        # other out: SQLAlchemy documentation, "Serializable isolation / Savepoints / Transactional DDL".
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    sa.event.listen(engine, "connect", prepare)
    sa.event.listen(engine, "begin", begin)
    return engine


def _postgresql(url: URL) -> Engine:
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=10,
        pool_timeout=_WAIT_SECONDS,
        connect_args={"connect_timeout": _WAIT_SECONDS, "options": "-c lock_timeout=10s -c statement_timeout=60s"},
    )
