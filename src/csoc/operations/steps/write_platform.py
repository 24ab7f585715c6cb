"""Writes the Applications of the platform into Git, but for what the cluster has from somebody else already."""

from __future__ import annotations

from contextlib import closing

from csoc.clusters.applications import Applications
from csoc.clusters.bootstrap.acting import ROOT
from csoc.clusters.bootstrap.surveying import survey
from csoc.errors import NotFoundError
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, merge_of, outputs_before


def _run(context: Context) -> Result:
    delivery = needed(context.services.delivery, "documents")
    outputs, run = outputs_before(context), context.run
    reference = delivery.reference(run, outputs)
    with closing(needed(context.services.clusters, "clusters").open(reference, person=run.by, task=run.id)) as client:
        present = survey(client, context.log)
        context.check()
        written = delivery.write_platform(run, outputs, present)
        if not written.commit:
            return merge_of(written)
        context.check()
        try:
            Applications(client).refresh(ROOT)
        except NotFoundError:
            context.log(f"Argo CD has no Application {ROOT} yet", "warning")
    return Done({"commit": written.commit, "left": sorted(present)})


STEP = StepKind(
    kind="write platform",
    run=_run,
    touches="the Applications of the platform, in Git",
    timeout_seconds=300,
)
