"""Takes Gen3 out of its cluster before the layers go that it lives from: its file in Git, its Application with all that
it deployed, its load balancer, its namespaces and its project.

If the cluster cannot be reached, nothing is done, in Git neither: layers that go under a running Gen3 would leave its
load balancer behind, and nobody to take it away.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

from csoc.clusters.client import ClusterClient
from csoc.clusters.removing import Taken, claim, take_away
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.operations.administering import administering
from csoc.operations.services import ABSENT, needed
from csoc.operations.steps.base import (
    Context,
    Done,
    Result,
    StepKind,
    Waiting,
    merge_of,
    outputs_before,
    text_argument,
)

_PATIENCE = timedelta(hours=1)


def _run(context: Context) -> Result:
    delivery = needed(context.services.delivery, "documents")
    run = context.run
    _check_shown(context, delivery.application_state(run))
    if not delivery.is_cluster_made(run):
        context.check()
        written = delivery.remove_application(run)
        if not written.commit:
            return merge_of(written)
        context.log("The cluster was never made, so there is nothing to take Gen3 out of")
        return Done({"commit": written.commit, "kept": []})
    removal = delivery.removal(run)
    with ExitStack() as entered:
        client = _opened(context, entered)
        try:
            # Before the file goes: an Argo CD that prunes would take the Application alone, and leave what it deployed.
            claim(client, removal, context)
        except (DeniedError, UnavailableError) as error:
            raise _unreached(error) from error
        context.check()
        written = delivery.remove_application(run)
        if not written.commit:
            return merge_of(written)
        taken = take_away(client, removal, context, context.log)
    if taken.waits:
        _check_in_time(context, taken, removal.application)
        return Waiting(taken.waits, seconds=1, most_seconds=15)
    for one in taken.kept:
        context.log(f"Left as it is: {one}", "warning")
    context.log(f"Gen3 of {removal.application} is gone from its cluster")
    return Done({"commit": written.commit, "kept": list(taken.kept)})


def _check_shown(context: Context, state: str) -> None:
    """Raises ConflictError if what is deployed was deployed after the plan. Once its file is away, by this run or by
    somebody, nothing brings back what was shown."""
    plan = needed(context.services.plans, "plans").get(text_argument(context, "plan"))
    if state not in (ABSENT, plan.layer("gen3").stack_state):
        raise ConflictError(
            f"The plan is stale: what is deployed of {plan.owner_name} changed since it was made. Nothing was taken "
            "away",
            place=f"plan {plan.id}",
            fix=f"Plan again: csoc destroy {plan.owner_name}",
        )


def _opened(context: Context, entered: ExitStack) -> ClusterClient:
    delivery, run = needed(context.services.delivery, "documents"), context.run
    try:
        reference = delivery.reference(run, outputs_before(context))
        return entered.enter_context(administering(context, reference))
    except (DeniedError, NotFoundError, UnavailableError) as error:
        raise _unreached(error) from error


def _unreached(error: CsocError) -> CsocError:
    """The same kind of error, with what it means here."""
    kind = type(error) if type(error) in (DeniedError, NotFoundError, UnavailableError) else RejectedError
    first = f"{error.fix}; then csoc runs resume" if error.fix else "csoc runs resume once it answers"
    return kind(
        f"The cluster cannot be reached, so Gen3 was not taken away, and its layers stay: {error.cause}",
        place=error.place,
        fix=f"{first}. If the cluster is gone for good, destroy the layers by name: csoc destroy OWNER --layer LAYER",
    )


def _check_in_time(context: Context, taken: Taken, application: str) -> None:
    begun = context.step.started_at
    if begun is not None and context.clock() - begun > _PATIENCE:
        raise RejectedError(
            f"After {_PATIENCE.total_seconds() / 60:.0f} minutes the cluster still has to do this: {taken.waits}",
            place=f"Application {application}",
            fix="Look at finalizers of what is left, and whether its controllers run; then csoc runs resume",
        )


STEP = StepKind(
    kind="remove gen3",
    run=_run,
    touches="the environment's Application, its namespaces and its project, in Git and in the cluster",
    arguments={"plan": "id of the plan"},
    timeout_seconds=4_200,
)
