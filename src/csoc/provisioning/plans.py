"""Plans: what would be done to an owner's layers, as it was shown to the one who approves it.

A plan is data that can be stored, read again years later and compared with the world. Its digest covers everything that
decides what is done, where, and who may approve it; so an approval of the digest is an approval of exactly that, and of
a stored plan that somebody edited nothing is left that was approved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from csoc.errors import RejectedError
from csoc.provisioning.stacks import Action, PropertyChange, ResourceChange


class PlanKind(StrEnum):
    """How much is known of what a layer's apply will do."""

    EXACT = "exact"  # a change set with property values
    PREVIEW = "preview"  # inputs do not exist yet
    UNCHANGED = "unchanged"
    RENDERED = "rendered"  # objects of a cluster, before and after
    EXISTING = "existing"  # read, never changed


class Purpose(StrEnum):
    """What a plan is for."""

    APPLY = "apply"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """Something that a policy says about a plan. blocks: the plan cannot be applied as it is. subject: layer and
    resource."""

    policy: str
    subject: str
    cause: str
    fix: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one thing costs. usd_per_month: None where it has no price in the table; then because says why."""

    layer: str
    thing: str
    usd_per_month: float | None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layer costs a month in USD, before and after. unpriced: what the figures do not hold. source: table,
    region and date of its prices."""

    before: float
    after: float
    lines: tuple[CostLine, ...] = ()
    unpriced: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """What would be done to one layer.

    parameters: with the values that they resolve to, as far as these exist. unknown: needs that nobody has met yet.
    changes: for a Preview, what the template would add. stack_state: digest of the stack as it was looked at, "absent"
    for none. change_set: its name, for Exact. later: resources that the template adds or changes once something exists
    that the run brings about (a record, once there is a load balancer), as `templates.later_in` has them. note: what a
    reader must know besides.
    """

    layer: str
    stack: str
    kind: PlanKind
    template_digest: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    changes: tuple[ResourceChange, ...] = ()
    stack_state: str = "absent"
    change_set: str = ""
    cost: Cost | None = None
    findings: tuple[PolicyFinding, ...] = ()
    note: str = ""
    later: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of everything shown that decides what will be done; not of prices, which are words about it."""
        return _digest({name: value for name, value in asdict(self).items() if name != "cost"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to an owner. owner: uid. documents: digest of what the plan was made from; commit: where they
    stood. radius: what else uses the owner, in words. unlocks: resources ("database/Cluster") whose data may be lost by
    this plan, once. people, second_person: whose approval it needs (`approvals.ApprovalRule`)."""

    id: str
    purpose: Purpose
    owner: str
    owner_kind: str
    owner_name: str
    account: str
    account_id: str
    region: str
    made_by: str
    made_at: datetime
    documents: str
    commit: str
    layers: tuple[LayerPlan, ...]
    radius: tuple[str, ...] = ()
    unlocks: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    people: int = 1
    second_person: bool = False

    @property
    def digest(self) -> str:
        """What an approval names: of every field but which plan it is and when it was made."""
        said = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("id", "made_at")}
        return _digest({**said, "layers": [layer.digest for layer in self.layers]})

    @property
    def blocking(self) -> tuple[PolicyFinding, ...]:
        """What keeps it from being applied."""
        return tuple(finding for layer in self.layers for finding in layer.findings if finding.blocks)

    @property
    def is_empty(self) -> bool:
        """True if nothing would be done."""
        return all(layer.kind in (PlanKind.UNCHANGED, PlanKind.EXISTING) for layer in self.layers)

    def layer(self, name: str) -> LayerPlan:
        """Raises KeyError."""
        for one in self.layers:
            if one.layer == name:
                return one
        raise KeyError(name)

    def changes(self) -> Iterator[tuple[str, ResourceChange]]:
        """Every change with its layer."""
        for layer in self.layers:
            for change in layer.changes:
                yield layer.layer, change


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's yes to exactly what a plan showed."""

    plan: str
    digest: str
    by: str
    at: datetime


class Plans(Protocol):
    """Where plans, their templates and approvals are kept."""

    def put(self, plan: Plan, templates: Mapping[str, str]) -> None:
        """Stores a plan; templates: layer to text. Plans never change."""
        ...

    def get(self, plan_id: str) -> Plan:
        """Raises NotFoundError, RejectedError (it is not as it was stored)."""
        ...

    def template(self, plan_id: str, layer: str) -> str:
        """Raises NotFoundError."""
        ...

    def newest(self, owner: str = "", limit: int = 20) -> Sequence[Plan]:
        """Plans of an owner (all if ""), newest first, without those that are not as they were stored."""
        ...

    def damaged(self, owner: str) -> Sequence[str]:
        """Ids of an owner's plans that are not as they were stored, newest first; `get` refuses them."""
        ...

    def last_applied(self, owner: str, layer: str = "") -> Plan | None:
        """The plan of an owner (with this layer) that was applied last, of those that are as they were stored; None if
        none was."""
        ...

    def approve(self, approval: Approval) -> None:
        """Adds an approval; a second one of the same person for the same plan changes nothing."""
        ...

    def approvals(self, plan_id: str) -> Sequence[Approval]:
        """In the order in which they came."""
        ...

    def applied(self, plan_id: str) -> bool:
        """True if a run with this plan came to its end, so that its unlocks are spent."""
        ...

    def mark_applied(self, plan_id: str, at: datetime) -> None:
        """See applied."""
        ...


def to_json(plan: Plan) -> dict[str, Any]:
    """As JSON; `from_json` gives the same plan again."""
    return {**asdict(plan), "made_at": plan.made_at.isoformat(), "digest": plan.digest}


def from_json(data: Mapping[str, Any]) -> Plan:
    """A stored plan. Raises RejectedError if it is none, or not the one that was stored."""
    try:
        layers = tuple(_layer(one) for one in data["layers"])
        rest = {key: value for key, value in data.items() if key not in ("layers", "digest", "made_at", "purpose")}
        for key in ("radius", "unlocks", "authors"):
            rest[key] = tuple(rest.get(key, ()))
        plan = Plan(
            layers=layers,
            made_at=datetime.fromisoformat(data["made_at"]),
            purpose=Purpose(data["purpose"]),
            **rest,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RejectedError("The stored plan cannot be read", fix="Make it anew with csoc plan") from error
    if data.get("digest") != plan.digest:
        raise RejectedError(
            "The stored plan is not the one that was made: its digest differs", fix="Make it anew with csoc plan"
        )
    return plan


def _layer(data: Mapping[str, Any]) -> LayerPlan:
    cost = data.get("cost")
    return LayerPlan(
        layer=data["layer"],
        stack=data["stack"],
        kind=PlanKind(data["kind"]),
        template_digest=data["template_digest"],
        parameters=dict(data["parameters"]),
        unknown=tuple(data["unknown"]),
        changes=tuple(_change(one) for one in data["changes"]),
        stack_state=data["stack_state"],
        change_set=data["change_set"],
        cost=_cost(cost) if cost is not None else None,
        findings=tuple(PolicyFinding(**one) for one in data["findings"]),
        note=data["note"],
        later=tuple(data["later"]),
    )


def _change(data: Mapping[str, Any]) -> ResourceChange:
    properties = tuple(PropertyChange(**one) for one in data["properties"])
    rest = {key: value for key, value in data.items() if key not in ("properties", "action")}
    return ResourceChange(action=Action(data["action"]), properties=properties, **rest)


def _cost(data: Mapping[str, Any]) -> Cost:
    lines = tuple(CostLine(**one) for one in data["lines"])
    return Cost(data["before"], data["after"], lines, tuple(data["unpriced"]), data["source"])


def _digest(data: object) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
