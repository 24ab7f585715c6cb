"""Plans in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from csoc.errors import ConflictError, NotFoundError
from csoc.provisioning.plans import Approval, Plan


class MemoryPlans:
    """See csoc.provisioning.plans.Plans."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}
        self._templates: dict[tuple[str, str], str] = {}
        self._approvals: dict[tuple[str, str, str], Approval] = {}
        self._applied: dict[str, datetime] = {}

    def put(self, plan: Plan, templates: Mapping[str, str]) -> None:
        there = self._plans.get(plan.id)
        if there is not None and there != plan:
            raise ConflictError(f"There is another plan {plan.id}", fix="Plan again")
        self._plans[plan.id] = plan
        self._templates |= {(plan.id, layer): body for layer, body in templates.items()}

    def get(self, plan_id: str) -> Plan:
        if plan_id not in self._plans:
            raise NotFoundError(f"There is no plan {plan_id}", fix="csoc plan makes one; csoc plan --list shows them")
        return self._plans[plan_id]

    def template(self, plan_id: str, layer: str) -> str:
        if (plan_id, layer) not in self._templates:
            raise NotFoundError(f"The plan {plan_id} has no template of a layer {layer}", fix="Plan again")
        return self._templates[plan_id, layer]

    def newest(self, owner: str = "", limit: int = 20) -> Sequence[Plan]:
        found = [plan for plan in self._plans.values() if not owner or plan.owner == owner]
        found.sort(key=lambda plan: plan.id)
        return sorted(found, key=lambda plan: plan.made_at, reverse=True)[:limit]

    def damaged(self, owner: str) -> Sequence[str]:  # noqa: ARG002 - nobody edits what is in memory
        return ()

    def last_applied(self, owner: str, layer: str = "") -> Plan | None:
        found = [plan for plan in self.newest(owner, len(self._plans)) if plan.id in self._applied]
        found = [plan for plan in found if not layer or layer in [one.layer for one in plan.layers]]
        return max(found, key=lambda plan: self._applied[plan.id], default=None)

    def approve(self, approval: Approval) -> None:
        self.get(approval.plan)
        self._approvals.setdefault((approval.plan, approval.by, approval.digest), approval)

    def approvals(self, plan_id: str) -> Sequence[Approval]:
        found = [one for one in self._approvals.values() if one.plan == plan_id]
        return sorted(found, key=lambda one: (one.at, one.by))

    def applied(self, plan_id: str) -> bool:
        return plan_id in self._applied

    def mark_applied(self, plan_id: str, at: datetime) -> None:
        self._applied.setdefault(plan_id, at)
