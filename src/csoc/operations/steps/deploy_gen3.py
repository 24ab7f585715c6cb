"""Moves the pins of an environment's Application in Git, and tells Argo CD to look."""

from __future__ import annotations

from contextlib import closing

from csoc.clusters.applications import Applications
from csoc.clusters.bootstrap.acting import ROOT
from csoc.errors import NotFoundError, RejectedError
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, merge_of, outputs_before


def _run(context: Context) -> Result:
    delivery = needed(context.services.delivery, "documents")
    run, outputs = context.run, outputs_before(context)
    values = values_commit(context)
    context.check()
    written = delivery.move_pins(run, values)
    if not written.commit:
        return merge_of(written)
    context.log(f"The Application is pinned to the values of {values[:12]} in commit {written.commit[:12]}")
    reference = delivery.reference(run, outputs)
    with closing(needed(context.services.clusters, "clusters").open(reference, person=run.by, task=run.id)) as client:
        context.check()
        try:
            Applications(client).refresh(ROOT)
        except NotFoundError:
            # An Argo CD that is somebody else's may read the folder by an Application of another name.
            context.log(f"There is no Application {ROOT} to refresh: Argo CD looks by itself", "warning")
    return Done({"commit": written.commit, "values": values})


def values_commit(context: Context) -> str:
    """The commit of the values that are deployed: what the outputs were written in. Raises RejectedError."""
    found = context.results.get("write outputs", {}).get("commit") or context.step.arguments.get("values")
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
    arguments={"values": "commit of the values, where no earlier step wrote the outputs"},
    timeout_seconds=300,
)
