"""Writes what the layers made into the environment's values, as a commit or a pull request."""

from __future__ import annotations

from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, merge_of


def _run(context: Context) -> Result:
    outputs = {
        name: str(value) for result in context.results.values() for name, value in (result.get("outputs") or {}).items()
    }
    context.check()
    written = needed(context.services.filling, "documents").write_outputs(context.run, outputs)
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
