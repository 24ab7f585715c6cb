"""Deletes the stack of one layer, as an approved plan shows. What its policies keep stays in the account."""

from __future__ import annotations

from csoc.errors import RejectedError
from csoc.operations.services import Standing, needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting, text_argument
from csoc.provisioning.applying import Applied, LayerApplier
from csoc.provisioning.planning import target_of
from csoc.provisioning.plans import PlanKind, Purpose


def _run(context: Context) -> Result:
    plan_id, layer = text_argument(context, "plan"), text_argument(context, "layer")
    plan = needed(context.services.plans, "plans").get(plan_id)
    if plan.purpose is not Purpose.DESTROY:
        raise RejectedError(f"The plan {plan_id} is not one to destroy anything", fix="Plan with csoc destroy")
    found = needed(context.services.approvals, "approvals").standing(plan_id)
    if found.standing is not Standing.APPROVED:
        return Waiting(f"the approval of plan {plan_id}: {found.why}", fix=f"csoc approve {plan_id}")
    shown = plan.layer(layer)
    if shown.kind in (PlanKind.EXISTING, PlanKind.UNCHANGED):
        return Done({"kept": []})
    place = needed(context.services.places, "accounts").at(
        plan.account, plan.account_id, plan.region, person=context.run.by, task=context.run.id
    )
    applier = LayerApplier(place.stacks, context, context.log)
    target = target_of(plan, place.installation, place.execution_role)
    outcome = applier.destroy(shown, target, f"{context.run.id}-{layer}-{context.run.attempt}")
    if isinstance(outcome, Applied):
        kept = [f"{change.physical_id} ({change.type})" for change in shown.changes if change.kept]
        return Done({"kept": kept})
    failure = getattr(outcome, "failure", None)
    cause = f"{failure.logical_id}: {failure.cause}. AWS says: {failure.said}" if failure else "it does not say why"
    fix = failure.fix if failure else "Look at the stack's events"
    fix += f"; then csoc destroy {plan.owner_kind}/{plan.owner_name} again, which plans to keep what cannot be deleted"
    raise RejectedError(f"The stack of {layer} could not be deleted: {cause}", place=shown.stack, fix=fix)


STEP = StepKind(
    kind="destroy layer",
    run=_run,
    touches="the layer's stack",
    arguments={"plan": "id of the plan", "layer": "which layer"},
    timeout_seconds=4 * 3600,
)
