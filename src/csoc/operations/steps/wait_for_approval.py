"""Waits until a plan is approved, so that nothing of it happens before."""

from __future__ import annotations

from csoc.errors import ConflictError, DeniedError
from csoc.operations.services import Standing, needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting, text_argument


def _run(context: Context) -> Result:
    plan = text_argument(context, "plan")
    found = needed(context.services.approvals, "approvals").standing(plan)
    if found.standing is Standing.APPROVED:
        context.log(f"Plan {plan} is approved by {found.by}")
        return Done({"plan": plan, "by": found.by})
    if found.standing is Standing.REFUSED:
        raise DeniedError(
            f"{found.by or 'Somebody'} refused the plan{_because(found.why)}",
            place=f"plan {plan}",
            fix="Change what is wrong and plan again",
        )
    if found.standing is Standing.STALE:
        raise ConflictError(
            f"The plan no longer says what would happen{_because(found.why)}",
            place=f"plan {plan}",
            fix="Plan again, and have that plan approved",
        )
    return Waiting(f"the approval of plan {plan}{_because(found.why)}", fix=f"csoc approve {plan}")


def _because(why: str) -> str:
    return f": {why}" if why else ""


STEP = StepKind(
    kind="wait for approval",
    run=_run,
    touches="nothing",
    arguments={"plan": "id of the plan"},
    timeout_seconds=60,
)
