"""Plans that were made before: which there are. Only the records are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from csoc import records
from csoc.cli.output import print_json, rows_of_one_line, say
from csoc.cli.runs.session import moment, who
from csoc.cli.session import say_which_records
from csoc.cli.tables import Cell
from csoc.provisioning.plans import Plan, Plans

_SHOWN = 20
_LOOKED_THROUGH = 1_000


def list_plans(owner: str | None, *, as_json: bool) -> None:
    """The newest plans, of an owner by its name, its uid, or with the kind before it."""
    with records.plans() as plans:
        found = list(_of(plans, owner))[:_SHOWN]
        told = [(plan, _standing(plans, plan)) for plan in found]
        rows = [_json(plans, plan) for plan in found] if as_json else []
    if as_json:
        print_json({"plans": rows})
        return
    if not told:
        say(f"There are no plans of {owner}." if owner else "There are no plans.")
        say_which_records()
        return
    rows_of_one_line(["plan", "of", "for", "state", "by", "made"], [_row(plan, state) for plan, state in told], cut=3)
    say(f"One of them: csoc plan --show {told[0][0].id}")


def _of(plans: Plans, owner: str | None) -> Iterator[Plan]:
    kept: Sequence[Plan] = plans.newest(limit=_LOOKED_THROUGH if owner else _SHOWN)
    for plan in kept:
        if owner in (None, plan.owner, plan.owner_name, f"{plan.owner_kind}/{plan.owner_name}"):
            yield plan


def _standing(plans: Plans, plan: Plan) -> str:
    if plans.applied(plan.id):
        return "applied"
    if plan.blocking:
        return "blocked"
    if plan.is_empty:
        return "nothing to do"
    by = sorted({who(one.by) for one in plans.approvals(plan.id) if one.digest == plan.digest})
    return f"approved by {', '.join(by)}" if by else "not approved"


def _row(plan: Plan, state: str) -> list[Cell]:
    return [
        plan.id, f"{plan.owner_kind} {plan.owner_name}", str(plan.purpose), state, who(plan.made_by),
        moment(plan.made_at),
    ]  # fmt: skip


def _json(plans: Plans, plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "owner": plan.owner,
        "ownerKind": plan.owner_kind,
        "ownerName": plan.owner_name,
        "purpose": str(plan.purpose),
        "madeBy": plan.made_by,
        "madeAt": plan.made_at.isoformat(),
        "commit": plan.commit,
        "layers": [layer.layer for layer in plan.layers],
        "blocked": bool(plan.blocking),
        "empty": plan.is_empty,
        "applied": plans.applied(plan.id),
        "approvedBy": [one.by for one in plans.approvals(plan.id) if one.digest == plan.digest],
    }
