"""Writes what the layers made into the environment's values, as a commit or a pull request."""

from __future__ import annotations

from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, merge_of, outputs_before


def _run(context: Context) -> Result:
    filling = needed(context.services.filling, "documents")
    outputs = {**filling.outputs(context.run), **outputs_before(context)}
    context.check()
    written = filling.write_outputs(context.run, outputs)
    if not written.commit:
        return merge_of(written)
    context.log(f"The outputs are in commit {written.commit[:12]}")
    return Done({"commit": written.commit})


STEP = StepKind(
    kind="write outputs",
    run=_run,
    touches="90-outputs.yaml of the environment",
    timeout_seconds=300,
)
