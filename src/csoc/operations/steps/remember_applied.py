"""Remembers that a plan was applied to its end, so that what it unlocked is spent and the next plan is compared with
it."""

from __future__ import annotations

from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, text_argument


def _run(context: Context) -> Result:
    plan = text_argument(context, "plan")
    needed(context.services.plans, "plans").mark_applied(plan, context.clock())
    return Done({"plan": plan})


STEP = StepKind(
    kind="remember applied",
    run=_run,
    touches="csoc's record of plans",
    arguments={"plan": "id of the plan"},
    timeout_seconds=60,
)
