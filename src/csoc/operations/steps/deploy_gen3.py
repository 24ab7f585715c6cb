"""Moves the pins of an environment's Application in Git, and tells Argo CD to look.

What the pins will name is compared first with what was approved: the same chart and the same files of values, and, as
the cluster is by now, no object that nobody was shown. Else the run waits for the approval of what there is. Where
an Application of its name, or something in its namespace, is somebody else's, nothing is delivered.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from csoc.clusters.applications import Applications
from csoc.clusters.arriving import check_free
from csoc.clusters.bootstrap.acting import ROOT
from csoc.errors import ConflictError, NotFoundError, RejectedError
from csoc.operations.services import needed
from csoc.operations.steps.base import (
    Context,
    Done,
    Result,
    StepKind,
    merge_of,
    outputs_before,
    text_argument,
    unapproved,
)
from csoc.provisioning.plans import LayerPlan, Plan
from csoc.provisioning.rendered import beyond

_LAYER = "gen3"


def _run(context: Context) -> Result:
    delivery = needed(context.services.delivery, "documents")
    run, outputs = context.run, outputs_before(context)
    values = values_commit(context)
    reference = delivery.reference(run, outputs)
    with closing(needed(context.services.clusters, "clusters").open(reference, person=run.by, task=run.id)) as client:
        waiting = _unapproved(context, delivery.gen3(run, values, client))
        if waiting is not None:
            return waiting
        check_free(client, delivery.arrival(run, values))
        context.check()
        written = delivery.move_pins(run, values)
        if not written.commit:
            return merge_of(written)
        context.log(f"The Application is pinned to the values of {values[:12]} in commit {written.commit[:12]}")
        context.check()
        try:
            Applications(client).refresh(ROOT)
        except NotFoundError:
            # An Argo CD that is somebody else's may read the folder by an Application of another name.
            context.log(f"There is no Application {ROOT} to refresh: Argo CD looks by itself", "warning")
    return Done({"commit": written.commit, "values": values})


def _unapproved(context: Context, now: LayerPlan) -> Result | None:
    """What is waited for if what would be deployed is not what was approved. Raises ConflictError, RejectedError."""
    plans = needed(context.services.plans, "plans")
    plan = plans.get(text_argument(context, "plan"))
    shown = plan.layer(_LAYER)
    # The chart is there with its content's digest: a repository of charts may give another one by the same version.
    if now.template_digest != shown.template_digest or now.parameters != shown.parameters:
        raise ConflictError(
            f"The values or the chart of {plan.owner_name} are not those that were approved: somebody changed them "
            "since. Nothing was deployed",
            place=f"plan {plan.id}",
            fix=f"Look at the change, then plan again: csoc plan {plan.owner_name}",
        )
    for finding in now.findings:
        if finding.blocks:
            raise RejectedError(
                f"What would be deployed is refused: {finding.cause}", place=finding.subject, fix=finding.fix
            )
    if not beyond(shown, now):
        return None
    more = _more(context, plan, now)
    return unapproved(context, more.id)


def _more(context: Context, plan: Plan, now: LayerPlan) -> Plan:
    """The plan of what is there now, which an earlier look may have stored already. It is found by what it shows, so
    that an approval is never one of something else."""
    plans = needed(context.services.plans, "plans")
    more = replace(plan, id=f"{plan.id}-{_LAYER}-{now.digest[:8]}", layers=(now,), unlocks=(), made_at=context.clock())
    try:
        return plans.get(more.id)
    except NotFoundError:
        context.check()
        plans.put(more, {})
        context.log(f"What the cluster would get was not all shown: plan {more.id} shows it", "warning")
        return more


def values_commit(context: Context) -> str:
    """The commit of the values that are deployed: what the outputs were written in. Raises RejectedError."""
    found = context.results.get("write outputs", {}).get("commit")
    if not isinstance(found, str) or not found:
        raise RejectedError(
            "Nobody says which commit of the values is deployed",
            place=f"run {context.run.id}, step {context.step.name}",
            fix="Begin a new run, which writes the outputs first",
        )
    return found


STEP = StepKind(
    kind="deploy gen3",
    run=_run,
    touches="the environment's Application, in Git",
    arguments={"plan": "id of the plan"},
    timeout_seconds=300,
)
