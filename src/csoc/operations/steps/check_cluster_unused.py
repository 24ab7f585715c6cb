"""Looks whether anything in a cluster has something in the account that nobody would take away once the cluster is
gone: load balancers and volumes, which controllers in it made."""

from __future__ import annotations

from contextlib import closing

from csoc.clusters.removing import users_of_the_account
from csoc.errors import ConflictError
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, outputs_before

_SHOWN = 20


def _run(context: Context) -> Result:
    run = context.run
    reference = needed(context.services.delivery, "documents").reference(run, outputs_before(context))
    with closing(needed(context.services.clusters, "clusters").open(reference, person=run.by, task=run.id)) as client:
        found = users_of_the_account(client)
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ConflictError(
            f"{len(found)} objects in the cluster have load balancers or volumes in the account, which would be left "
            f"behind: {', '.join(found[:_SHOWN])}{more}",
            place=run.owner_name,
            fix="Destroy the environments they are of, or delete them; then csoc runs resume",
        )
    return Done()


STEP = StepKind(
    kind="check cluster unused",
    run=_run,
    touches="nothing",
    timeout_seconds=300,
)
