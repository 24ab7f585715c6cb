"""Brings Argo CD into a cluster, with the credential with which it reads the fleet and the root Application."""

from __future__ import annotations

from csoc.clusters.bootstrap.acting import bootstrap
from csoc.operations.administering import administering
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, outputs_before


def _run(context: Context) -> Result:
    delivery = needed(context.services.delivery, "documents")
    outputs, run = outputs_before(context), context.run
    reference = delivery.reference(run, outputs)
    with administering(context, reference) as client:
        wanted = delivery.bootstrap(run, outputs, client)
        if wanted.credential is not None:
            context.hide(wanted.credential.password)
        made = bootstrap(client, wanted, context, context.log)
    return Done({"action": made.decision.action.value, "written": made.written, "unchanged": made.unchanged})


STEP = StepKind(
    kind="bootstrap cluster",
    run=_run,
    touches="Argo CD, its credential for the fleet and the root Application, in the cluster",
    timeout_seconds=1_800,
)
