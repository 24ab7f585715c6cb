"""Takes the documents of a destroyed environment out of Git, so that Git says what is, and the name is free."""

from __future__ import annotations

from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, merge_of


def _run(context: Context) -> Result:
    delivery = needed(context.services.delivery, "documents")
    context.check()
    written = delivery.remove_documents(context.run)
    if not written.commit:
        return merge_of(written)
    context.log(f"The documents of {context.run.owner_name} are out of Git in commit {written.commit[:12]}")
    return Done({"commit": written.commit})


STEP = StepKind(
    kind="remove documents",
    run=_run,
    touches="the environment's document and value files, in Git",
    timeout_seconds=300,
)
