"""Plans, their templates and approvals in a database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from csoc.adapters.db.database import TABLES, Database, Moment, Name
from csoc.errors import ConflictError, NotFoundError
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
            raise NotFoundError(f"There is no plan {plan_id}", fix="csoc plan makes one; csoc status lists them")
        return from_json(json.loads(content))

    def template(self, plan_id: str, layer: str) -> str:
        wanted = sa.select(_TEMPLATES.c.body).where(_TEMPLATES.c.plan == plan_id, _TEMPLATES.c.layer == layer)
        with self._database.read() as connection:
            body = connection.execute(wanted).scalar()
        if body is None:
            raise NotFoundError(f"The plan {plan_id} has no template of a layer {layer}", fix="Plan again")
        return str(body)

    def newest(self, owner: str = "", limit: int = 20) -> Sequence[Plan]:
        wanted = sa.select(_PLANS.c.content).order_by(_PLANS.c.made_at.desc(), _PLANS.c.id).limit(limit)
        if owner:
            wanted = wanted.where(_PLANS.c.owner == owner)
        with self._database.read() as connection:
            return [from_json(json.loads(text)) for text in connection.execute(wanted).scalars()]

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
