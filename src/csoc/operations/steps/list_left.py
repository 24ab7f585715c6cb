"""Asks the account what is there of an owner whose layers were destroyed, and says why it is. What belongs to a layer
that lives on is not left over."""

from __future__ import annotations

from collections.abc import Collection

from csoc.errors import NotFoundError
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, text_argument
from csoc.provisioning import names
from csoc.provisioning.layers import LAYERS
from csoc.provisioning.leftovers import Left, explained, validation_records
from csoc.provisioning.plans import Plan, PlanKind, Plans
from csoc.provisioning.stack_states import is_there
from csoc.provisioning.templates import resources_of


def _run(context: Context) -> Result:
    plans = needed(context.services.plans, "plans")
    plan = plans.get(text_argument(context, "plan"))
    leftovers = needed(context.services.leftovers, "accounts").leftovers_at(
        plan.account, plan.account_id, plan.region, person=context.run.by, task=context.run.id
    )
    resources = {layer.layer: resources_of(_template(plans, plan, layer.layer)) for layer in plan.layers}
    living = _living(context, plan)
    there = [one for one in leftovers.of_owner(plan.owner) if one.layer not in living]
    found = [
        *explained(there, [layer for layer in plan.layers if layer.layer not in living], resources),
        *validation_records(plan.layers, resources, leftovers),
        *_staying(plan, living),
    ]
    for one in found:
        context.log(f"Still there: {one}")
    if not found:
        context.log(f"Nothing in the account has the tag of {plan.owner_name} any more")
    return Done(
        {
            "left": [
                {
                    "arn": one.arn,
                    "type": one.type,
                    "name": one.name,
                    "layer": one.layer,
                    "resource": one.resource,
                    "keptBy": one.kept_by,
                }
                for one in found
            ]
        }
    )


def _staying(plan: Plan, living: Collection[str]) -> list[Left]:
    """Layers that the plan leaves where they are."""
    return [
        Left("", "stack", layer.stack, layer.layer, layer.note)
        for layer in plan.layers
        if layer.kind is PlanKind.UNCHANGED and layer.layer in living and layer.note
    ]


def _living(context: Context, plan: Plan) -> set[str]:
    """Layers of the owner whose stacks are there: those that were not destroyed, and those that another run made."""
    place = needed(context.services.places, "accounts").at(
        plan.account, plan.account_id, plan.region, person=context.run.by, task=context.run.id
    )
    stacks = {layer: names.stack(plan.owner, layer) for layer, one in LAYERS.items() if one.has_stack}
    return {layer for layer, stack in stacks.items() if is_there(place.stacks.find(stack))}


def _template(plans: Plans, plan: Plan, layer: str) -> str:
    try:
        return plans.template(plan.id, layer)
    except NotFoundError:
        return ""


STEP = StepKind(
    kind="list left",
    run=_run,
    touches="nothing",
    arguments={"plan": "id of the plan that destroyed the layers"},
    timeout_seconds=300,
)
