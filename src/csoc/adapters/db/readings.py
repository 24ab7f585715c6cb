"""Readings in a database: one row for each subject and topic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from csoc.adapters.db.database import TABLES, Database, Moment, Name
from csoc.clusters.readings import Look, Reach, Reading, merged

_READINGS = sa.Table(
    "readings",
    TABLES,
    sa.Column("topic", Name(64), primary_key=True),
    sa.Column("subject", Name(512), primary_key=True),
    sa.Column("content", sa.Text, nullable=True),
    sa.Column("seen_at", Moment, nullable=True),
    sa.Column("tried_at", Moment, nullable=False),
    sa.Column("reach", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("is_partial", sa.Boolean, nullable=False),
    sa.Index("readings_by_subject", "subject"),
)
_SCHEMA = 1


class DatabaseReadings:
    """See csoc.clusters.readings.Readings. Raises UnavailableError where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.make(_READINGS, _SCHEMA)

    def note(self, looks: Sequence[Look]) -> None:
        # In one order, so that two writers of the same rows wait for each other instead of locking each other out.
        ordered = sorted(looks, key=lambda look: (look.topic, look.subject, look.at))
        with self._database.write() as connection:
            for look in ordered:
                self._write(connection, merged(self._locked(connection, look), look))

    def get(self, subject: str, topic: str) -> Reading | None:
        wanted = sa.select(_READINGS).where(_READINGS.c.topic == topic, _READINGS.c.subject == subject)
        with self._database.read() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        return None if row is None else _reading(row)

    def of_topic(self, topic: str, *, after: str = "", limit: int = 500) -> list[Reading]:
        subject = _READINGS.c.subject
        wanted = sa.select(_READINGS).where(_READINGS.c.topic == topic, subject > after).order_by(subject).limit(limit)
        with self._database.read() as connection:
            return [_reading(row) for row in connection.execute(wanted).mappings()]

    def forget(self, subject: str) -> int:
        with self._database.write() as connection:
            return connection.execute(sa.delete(_READINGS).where(_READINGS.c.subject == subject)).rowcount

    def close(self) -> None:
        self._database.close()

    @staticmethod
    def _locked(connection: Connection, look: Look) -> Reading | None:
        """What is known, held until the end of the transaction. The row is made first, so that there is one to hold."""
        insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        first = _row(merged(None, look))
        if connection.execute(insert(_READINGS).values(first).on_conflict_do_nothing()).rowcount == 1:
            return None
        wanted = sa.select(_READINGS).where(_READINGS.c.topic == look.topic, _READINGS.c.subject == look.subject)
        return _reading(connection.execute(wanted.with_for_update()).mappings().one())

    @staticmethod
    def _write(connection: Connection, reading: Reading) -> None:
        where = (_READINGS.c.topic == reading.topic) & (_READINGS.c.subject == reading.subject)
        connection.execute(sa.update(_READINGS).where(where).values(_row(reading)))


def _row(reading: Reading) -> dict[str, Any]:
    return {
        "topic": reading.topic,
        "subject": reading.subject,
        "content": None if reading.content is None else json.dumps(reading.content, sort_keys=True),
        "seen_at": reading.seen_at,
        "tried_at": reading.tried_at,
        "reach": str(reading.reach),
        "reason": reading.reason,
        "is_partial": reading.is_partial,
    }


def _reading(row: RowMapping) -> Reading:
    return Reading(
        row["subject"],
        row["topic"],
        None if row["content"] is None else json.loads(row["content"]),
        row["seen_at"],
        row["tried_at"],
        Reach(row["reach"]),
        row["reason"],
        row["is_partial"],
    )
