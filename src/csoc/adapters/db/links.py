"""Links in a database: one row an ExternalId, which is never deleted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from csoc.accounts.links import Check, Link, LinkState, refuse_if_taken
from csoc.adapters.db.database import TABLES, Database, Moment, Name
from csoc.errors import ConflictError

_LIVE = sa.text("state <> 'unlinked'")
_LINKS = sa.Table(
    "links",
    TABLES,
    sa.Column("external_id", Name(128), primary_key=True),
    sa.Column("account", Name(256), nullable=False),
    sa.Column("account_id", Name(64), nullable=False),
    sa.Column("state", sa.String(32), nullable=False),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("verified_at", Moment, nullable=True),
    sa.Column("tried_at", Moment, nullable=True),
    sa.Column("unlinked_at", Moment, nullable=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("links_by_account", "account", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    sa.Index("links_by_account_id", "account_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)
_SCHEMA = 1
_COLUMNS = ("external_id", "account", "account_id", "begun_at", "verified_at", "tried_at", "unlinked_at")


class DatabaseLinks:
    """See csoc.accounts.links.Links. Raises UnavailableError where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.make(_LINKS, _SCHEMA)

    def put(self, link: Link) -> None:
        try:
            with self._database.write() as connection:
                self._put(connection, link)
        except IntegrityError:
            # Somebody else was quicker, between the look and the write.
            raise ConflictError(
                f"The account {link.account} is being linked by somebody else",
                place=link.account,
                fix="`csoc account list` shows by whom",
            ) from None

    @staticmethod
    def _put(connection: Connection, link: Link) -> None:
        concerned = (
            (_LINKS.c.external_id == link.external_id)
            | (_LINKS.c.account == link.account)
            | (_LINKS.c.account_id == link.account_id)
        )
        rows = connection.execute(sa.select(_LINKS).where(concerned).with_for_update()).mappings()
        known = [_link(row) for row in rows]
        refuse_if_taken(link, known)
        row = _row(link)
        if any(one.external_id == link.external_id for one in known):
            connection.execute(sa.update(_LINKS).where(_LINKS.c.external_id == link.external_id).values(row))
        else:
            connection.execute(sa.insert(_LINKS).values(row))

    def get(self, account: str) -> Link | None:
        wanted = sa.select(_LINKS).where(_LINKS.c.account == account, _LIVE)
        with self._database.read() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        return None if row is None else _link(row)

    def all(self) -> Sequence[Link]:
        with self._database.read() as connection:
            rows = connection.execute(sa.select(_LINKS).where(_LIVE).order_by(_LINKS.c.account)).mappings()
            return [_link(row) for row in rows]

    def past(self) -> Sequence[Link]:
        gone = sa.select(_LINKS).where(_LINKS.c.state == str(LinkState.UNLINKED))
        with self._database.read() as connection:
            rows = connection.execute(gone.order_by(_LINKS.c.unlinked_at, _LINKS.c.external_id)).mappings()
            return [_link(row) for row in rows]

    def close(self) -> None:
        self._database.close()


def _row(link: Link) -> dict[str, Any]:
    content = {key: value for key, value in asdict(link).items() if key not in (*_COLUMNS, "state")}
    columns = {name: getattr(link, name) for name in _COLUMNS}
    return {**columns, "state": str(link.state), "content": json.dumps(content, sort_keys=True)}


def _link(row: RowMapping) -> Link:
    content = json.loads(row["content"])
    content["checks"] = tuple(Check(**one) for one in content["checks"])
    return Link(**{name: row[name] for name in _COLUMNS}, state=LinkState(row["state"]), **content)
