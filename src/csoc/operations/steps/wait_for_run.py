"""Waits for another run, such as that of the cluster which an environment is launched on."""

from __future__ import annotations

from csoc.errors import ConflictError
from csoc.operations.runs import RunState
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting, text_argument


def _run(context: Context) -> Result:
    other = needed(context.services.runs, "runs").get(text_argument(context, "run"))
    if other.state is RunState.SUCCEEDED:
        return Done({"outputs": _outputs(other.steps)})
    if other.state in (RunState.FAILED, RunState.CANCELLED):
        raise ConflictError(
            f"The run {other.id} of {other.owner_name}, which this one needs, is {other.state}",
            place=f"run {other.id}",
            fix=f"csoc runs show {other.id} says why; resume it, then resume this one",
        )
    why = next((step.waits_for for step in other.steps if step.waits_for), "")
    waits = f", which waits for {why}" if why else ""
    return Waiting(
        f"the run {other.id} of {other.owner_name}{waits}", fix=f"csoc runs show {other.id}", seconds=1, most_seconds=15
    )


def _outputs(steps: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for step in steps if isinstance(steps, tuple) else ():
        found |= {name: str(value) for name, value in (step.result.get("outputs") or {}).items()}
    return found


STEP = StepKind(
    kind="wait for run",
    run=_run,
    touches="nothing",
    arguments={"run": "id of the run"},
    timeout_seconds=60,
)
