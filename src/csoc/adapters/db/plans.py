"""Plans, their templates and approvals in a database."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from csoc.adapters.db.database import TABLES, Database, Moment, Name
from csoc.errors import ConflictError, NotFoundError, RejectedError
from csoc.provisioning.plans import Approval, Plan, from_json, to_json

_PLANS = sa.Table(
    "plans",
    TABLES,
    sa.Column("id", Name(32), primary_key=True),
    sa.Column("owner", Name(32), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("applied_at", Moment, nullable=True),
    sa.Index("plans_by_owner", "owner", "made_at"),
)
_TEMPLATES = sa.Table(
    "plan_templates",
    TABLES,
    sa.Column("plan", Name(32), sa.ForeignKey("plans.id"), primary_key=True),
    sa.Column("layer", Name(64), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
_APPROVALS = sa.Table(
    "approvals",
    TABLES,
    sa.Column("plan", Name(32), sa.ForeignKey("plans.id"), primary_key=True),
    sa.Column("who", Name(512), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("at", Moment, nullable=False),
)
_SCHEMA = 1


class DatabasePlans:
    """See csoc.provisioning.plans.Plans. Raises UnavailableError where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        for table in (_PLANS, _TEMPLATES, _APPROVALS):
            database.make(table, _SCHEMA)

    def put(self, plan: Plan, templates: Mapping[str, str]) -> None:
        content = json.dumps(to_json(plan), sort_keys=True)
        with self._database.write() as connection:
            there = connection.execute(sa.select(_PLANS.c.content).where(_PLANS.c.id == plan.id)).scalar()
            if there is not None:
                if there != content:
                    raise ConflictError(f"There is another plan {plan.id}", fix="Plan again")
                return
            row = {"id": plan.id, "owner": plan.owner, "made_at": plan.made_at, "content": content}
            connection.execute(sa.insert(_PLANS).values(**row))
            for layer, body in templates.items():
                connection.execute(sa.insert(_TEMPLATES).values(plan=plan.id, layer=layer, body=body))

    def get(self, plan_id: str) -> Plan:
        with self._database.read() as connection:
            content = connection.execute(sa.select(_PLANS.c.content).where(_PLANS.c.id == plan_id)).scalar()
        if content is None:
            raise NotFoundError(f"There is no plan {plan_id}", fix="csoc plan makes one; csoc plan --list shows them")
        return _read(plan_id, content)

    def template(self, plan_id: str, layer: str) -> str:
        wanted = sa.select(_TEMPLATES.c.body).where(_TEMPLATES.c.plan == plan_id, _TEMPLATES.c.layer == layer)
        with self._database.read() as connection:
            body = connection.execute(wanted).scalar()
        if body is None:
            raise NotFoundError(f"The plan {plan_id} has no template of a layer {layer}", fix="Plan again")
        return str(body)

    def newest(self, owner: str = "", limit: int = 20) -> Sequence[Plan]:
        newest = _of(owner).order_by(_PLANS.c.made_at.desc(), _PLANS.c.id)
        return list(itertools.islice(self._each(newest, limit), limit))

    def damaged(self, owner: str) -> Sequence[str]:
        with self._database.read() as connection:
            rows = connection.execute(_of(owner).order_by(_PLANS.c.made_at.desc(), _PLANS.c.id)).all()
        return [row.id for row in rows if _sound_or_none(row.id, row.content) is None]

    def last_applied(self, owner: str, layer: str = "") -> Plan | None:
        applied = _of(owner).where(_PLANS.c.applied_at.is_not(None))
        newest = applied.order_by(_PLANS.c.applied_at.desc(), _PLANS.c.made_at.desc(), _PLANS.c.id)
        return next((plan for plan in self._each(newest, 20) if not layer or _has(plan, layer)), None)

    def _each(self, wanted: sa.Select[Any], page: int) -> Iterator[Plan]:
        """Plans in the order that is wanted, without damaged ones; so many are read at a time."""
        for offset in itertools.count(0, page):
            with self._database.read() as connection:
                rows = connection.execute(wanted.limit(page).offset(offset)).all()
            read = (_sound_or_none(row.id, row.content) for row in rows)
            yield from (plan for plan in read if plan is not None)
            if len(rows) < page:
                return

    def approve(self, approval: Approval) -> None:
        row = {"plan": approval.plan, "who": approval.by, "digest": approval.digest, "at": approval.at}
        with self._database.write() as connection:
            if connection.execute(sa.select(_PLANS.c.id).where(_PLANS.c.id == approval.plan)).scalar() is None:
                raise NotFoundError(f"There is no plan {approval.plan}", fix="csoc plan makes one")
            insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            connection.execute(insert(_APPROVALS).values(**row).on_conflict_do_nothing())

    def approvals(self, plan_id: str) -> Sequence[Approval]:
        wanted = sa.select(_APPROVALS).where(_APPROVALS.c.plan == plan_id).order_by(_APPROVALS.c.at, _APPROVALS.c.who)
        with self._database.read() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [Approval(row["plan"], row["digest"], row["who"], row["at"]) for row in rows]

    def applied(self, plan_id: str) -> bool:
        with self._database.read() as connection:
            wanted = sa.select(_PLANS.c.applied_at).where(_PLANS.c.id == plan_id)
            return connection.execute(wanted).scalar() is not None

    def mark_applied(self, plan_id: str, at: datetime) -> None:
        with self._database.write() as connection:
            where = (_PLANS.c.id == plan_id) & (_PLANS.c.applied_at.is_(None))
            connection.execute(sa.update(_PLANS).where(where).values(applied_at=at))


def _has(plan: Plan, layer: str) -> bool:
    return any(one.layer == layer for one in plan.layers)


def _of(owner: str) -> sa.Select[Any]:
    wanted = sa.select(_PLANS.c.id, _PLANS.c.content)
    return wanted.where(_PLANS.c.owner == owner) if owner else wanted


def _read(plan_id: str, content: str) -> Plan:
    """A row as a plan. Raises RejectedError if it is not what was stored there."""
    try:
        plan = from_json(json.loads(content))
    except (ValueError, RecursionError):
        raise _damaged(plan_id, "it cannot be read") from None
    except RejectedError as error:
        raise _damaged(plan_id, error.cause[:1].lower() + error.cause[1:]) from error
    if plan.id != plan_id:
        raise _damaged(plan_id, "it is another one")
    return plan


def _damaged(plan_id: str, why: str) -> RejectedError:
    return RejectedError(f"The plan {plan_id} is not as it was stored: {why}", fix="Make it anew with csoc plan")


def _sound_or_none(plan_id: str, content: str) -> Plan | None:
    try:
        return _read(plan_id, content)
    except RejectedError:
        return None
