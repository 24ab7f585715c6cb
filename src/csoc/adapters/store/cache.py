"""The cache in one SQLite file, shared by every csoc process of a user.

The file can hold what files in Git hold, secrets included, so it is made readable by its owner alone (0600) before
SQLite opens it, in a folder that only the owner can enter; SQLite gives its side files the same mode. A file that is
damaged is moved aside and made anew: a cache must never be what stops somebody.

Recency is recorded by the day. Recording every use would turn each reading into thousands of writes.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Concatenate, ParamSpec, TypeVar

from csoc.clock import Clock, system_clock
from csoc.fleet.caching import CacheStatus

# The number changes with the tables, so that two versions of csoc never take them from each other.
FILE_NAME = "cache-1.sqlite3"
DEFAULT_SIZE_BYTES = 1_000_000_000
_BATCH = 500
_DAY_SECONDS = 86_400
_BUSY_SECONDS = 10.0

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS entry (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    day INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (namespace, key)
)""",
    "CREATE INDEX IF NOT EXISTS entry_by_day ON entry (day, size)",
)

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_Arguments = ParamSpec("_Arguments")


class SQLiteCache:
    """A `fleet.caching.Cache` in folder/cache-1.sqlite3. size_bytes: of all values together.

    Several threads may use one object, and several processes one file; a process that was forked makes its own object.
    """

    def __init__(self, folder: Path, *, size_bytes: int = DEFAULT_SIZE_BYTES, clock: Clock = system_clock) -> None:
        self._folder = folder
        self._file = folder / FILE_NAME
        self._size_bytes = size_bytes
        self._clock = clock
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._problem = ""
        self._closed = False
        # Counts up to a share of the limit; then the total is looked at. Starts there: others may have filled the file.
        self._put_bytes = size_bytes

    def get_many(self, namespace: str, keys: Iterable[str]) -> dict[str, bytes]:
        """See the port."""
        found: dict[str, bytes] = {}
        for batch in _batches(keys):
            found.update(self._do("read", {}, self._get, namespace, batch))
        return found

    def put_many(self, namespace: str, items: Mapping[str, bytes]) -> None:
        """See the port."""
        largest = self._size_bytes // 4
        fitting = ((key, value) for key, value in items.items() if len(value) <= largest)
        for batch in _batches(fitting):
            self._do("write", None, self._put, namespace, batch)
            self._put_bytes += sum(len(value) for _, value in batch)
        if self._put_bytes > self._size_bytes // 16:
            self._put_bytes = 0
            self.prune(size_bytes=self._size_bytes)

    def prune(self, *, unused_for: timedelta | None = None, size_bytes: int | None = None) -> int:
        """See the port."""
        removed = 0
        if unused_for is not None:
            oldest = self._day() - max(0, unused_for.days)
            removed += self._do("prune", 0, _remove_before, oldest)
        if size_bytes is not None:
            removed += self._do("prune", 0, _remove_beyond, size_bytes)
        return removed

    def status(self) -> CacheStatus:
        """See the port."""
        entries, total = self._do("count", (0, 0), _count)
        return CacheStatus(entries, total, "closed" if self._closed else self._problem)

    def close(self) -> None:
        """See the port."""
        with self._lock:
            self._disconnect()
            self._closed = True

    def _day(self) -> int:
        return int(self._clock().timestamp()) // _DAY_SECONDS

    def _get(self, connection: sqlite3.Connection, namespace: str, keys: Sequence[str]) -> dict[str, bytes]:
        marks = ",".join("?" * len(keys))
        today = self._day()
        rows = connection.execute(
            f"SELECT key, value, day FROM entry WHERE namespace = ? AND key IN ({marks})",  # noqa: S608 (only marks)
            (namespace, *keys),
        ).fetchall()
        aged = [(today, namespace, key) for key, _, day in rows if day < today]
        if aged:
            with _transaction(connection):
                connection.executemany("UPDATE entry SET day = ? WHERE namespace = ? AND key = ?", aged)
        return {key: bytes(value) for key, value, _ in rows}

    def _put(self, connection: sqlite3.Connection, namespace: str, items: Sequence[tuple[str, bytes]]) -> None:
        today = self._day()
        rows = [(namespace, key, len(value), today, value) for key, value in items]
        with _transaction(connection):
            connection.executemany(
                "INSERT OR REPLACE INTO entry (namespace, key, size, day, value) VALUES (?, ?, ?, ?, ?)", rows
            )

    def _do(
        self,
        what: str,
        otherwise: _Answer,
        action: Callable[Concatenate[sqlite3.Connection, _Arguments], _Answer],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> _Answer:
        """Runs an action; a damaged file is replaced and the action tried once more. Never raises."""
        with self._lock:
            if self._closed:
                return otherwise
            for attempt in (1, 2):
                try:
                    if self._connection is None:
                        self._connection = self._connect()
                    answer = action(self._connection, *args, **kwargs)
                    self._problem = ""
                    return answer
                except (sqlite3.Error, OSError) as error:
                    self._disconnect()
                    self._problem = f"the cache at {self._file} could not be used ({what}): {error}"
                    if attempt == 2 or not _damaged(error) or not self._move_aside():
                        _log.warning("%s", self._problem)
                        return otherwise
        return otherwise

    def _connect(self) -> sqlite3.Connection:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made by us first, since SQLite would use the umask; an older file is narrowed as well.
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
        connection = sqlite3.connect(
            self._file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=16
        )
        try:
            # Before the first table, or it has no effect: lets pruning give space back to the disk.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            # The last moments may be lost with the power, and that is only time.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA trusted_schema = OFF")
            for statement in _SCHEMA:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _move_aside(self) -> bool:
        """Makes room for a new file; True if it is worth trying again. Only one process at a time decides, and it looks
        once more, since another may have made a new file already."""
        try:
            with (self._folder / f"{FILE_NAME}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self._is_sound():
                    return True
                for ending in ("-wal", "-shm"):
                    Path(f"{self._file}{ending}").unlink(missing_ok=True)
                # One is kept to look at; more would fill the disk.
                self._file.replace(f"{self._file}.damaged")
                # Made while the lock is held, or the next one to look would find an empty file and move that aside.
                self._connection = self._connect()
        except (OSError, sqlite3.Error) as error:
            self._problem = f"the damaged cache at {self._file} could not be moved aside: {error}"
            return False
        _log.warning("the cache at %s was damaged; it was moved aside and is made anew", self._file)
        return True

    def _is_sound(self) -> bool:
        try:
            connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
            try:
                connection.execute("SELECT namespace, key, size, day, value FROM entry LIMIT 1").fetchall()
                return bool(connection.execute("PRAGMA quick_check").fetchone()[0] == "ok")
            finally:
                connection.close()
        except sqlite3.Error:
            return False


def _damaged(error: Exception) -> bool:
    """True for what a new file mends; a full disk, a lock or a missing right is not damage."""
    return isinstance(error, sqlite3.DatabaseError) and (
        not isinstance(error, sqlite3.OperationalError) or "disk image" in str(error) or "no such" in str(error)
    )


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _count(connection: sqlite3.Connection) -> tuple[int, int]:
    entries, total = connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM entry").fetchone()
    return int(entries), int(total)


def _remove_before(connection: sqlite3.Connection, day: int) -> int:
    with _transaction(connection):
        removed = connection.execute("DELETE FROM entry WHERE day < ?", (day,)).rowcount
    _give_back(connection)
    return removed


def _remove_beyond(connection: sqlite3.Connection, size_bytes: int) -> int:
    removed = 0
    excess = _count(connection)[1] - size_bytes
    while excess > 0:
        rows = connection.execute("SELECT rowid, size FROM entry ORDER BY day, rowid LIMIT ?", (_BATCH,)).fetchall()
        if not rows:
            break
        leaving = []
        for rowid, size in rows:
            if excess <= 0:
                break
            leaving.append((rowid,))
            excess -= size
        with _transaction(connection):
            connection.executemany("DELETE FROM entry WHERE rowid = ?", leaving)
        removed += len(leaving)
    if removed:
        _give_back(connection)
    return removed


def _give_back(connection: sqlite3.Connection) -> None:
    # As a script, since each step of this statement frees one page, and `execute` takes a single step.
    connection.executescript("PRAGMA incremental_vacuum;")


_Item = TypeVar("_Item")


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
