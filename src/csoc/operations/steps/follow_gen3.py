"""Follows an environment's Application until what was planned is synced and healthy, or says what keeps it."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import timedelta

from csoc.clusters.applications import Applications
from csoc.clusters.following.looking import Seen, Wanted, look
from csoc.errors import NotFoundError, RejectedError
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting, outputs_before
from csoc.operations.steps.deploy_gen3 import values_commit


def _run(context: Context) -> Result:
    delivery = needed(context.services.delivery, "documents")
    run, outputs = context.run, outputs_before(context)
    wanted = delivery.wanted(run, values_commit(context))
    reference = delivery.reference(run, outputs)
    with closing(needed(context.services.clusters, "clusters").open(reference, person=run.by, task=run.id)) as client:
        seen = look(client, wanted)
        if seen.unseen:
            # Asked before it knew of the commit, or not heard, Argo CD would look by itself after three minutes.
            context.check()
            with suppress(NotFoundError):  # somebody else's Argo CD reads the folder by an Application of another name
                Applications(client, wanted.applications_in).refresh(seen.unseen)
    if seen.is_healthy:
        context.log(f"{wanted.application}: {seen.summary}")
        return Done({"address": seen.address, "ready": seen.ready, "total": seen.total})
    late = _is_late(context, wanted)
    if seen.failed or late:
        for reason in seen.reasons:
            context.log(str(reason), "error")
        raise RejectedError(
            f"{wanted.application} did not get healthy{late}: {seen.worst}",
            place=f"Application {wanted.application}",
            fix=_fix(seen),
        )
    fix = seen.reasons[0].fix if seen.reasons else ""
    return Waiting(f"{wanted.application} to be healthy: {seen.worst}", fix=fix, seconds=1, most_seconds=15)


def _is_late(context: Context, wanted: Wanted) -> str:
    """ " within ...", once the time is over that it is given; "" before."""
    begun = context.step.started_at
    if begun is None or context.clock() - begun <= timedelta(seconds=wanted.patience_seconds):
        return ""
    return f" within {wanted.patience_seconds:g} s (platform.healthy_seconds)"


def _fix(seen: Seen) -> str:
    first = seen.reasons[0].fix if seen.reasons else ""
    return (first + "; then " if first else "") + "csoc runs resume"


STEP = StepKind(
    kind="follow gen3",
    run=_run,
    touches="Argo CD, which it asks to look again",
    timeout_seconds=3_900,
)
