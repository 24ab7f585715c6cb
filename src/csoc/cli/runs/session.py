"""What the commands about runs have in common: the ports for the time of one command, and runs for programs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from csoc.fleet.masking import mask_text, mask_tree
from csoc.operations.runs import Line, Run, RunState, Step

if TYPE_CHECKING:
    from csoc.usecases.run_ports import RunPorts
    from csoc.usecases.runs import Seen

STYLES = {
    RunState.SUCCEEDED: "green",
    RunState.FAILED: "bold red",
    RunState.ERRORED: "red",
    RunState.WAITING: "yellow",
    RunState.CANCELLED: "dim",
}


def open_runs() -> AbstractContextManager[RunPorts]:
    """The store of runs. Loading it takes longer than most mistakes do to be seen, so that is done last."""
    from csoc import records

    return records.runs()


def open_executing() -> AbstractContextManager[RunPorts]:
    """The same with all that steps need."""
    from csoc import bootstrap

    return bootstrap.executing_ports()


def how_it_goes_on(seen: Seen) -> str:
    """What becomes of a run that somebody did something for, in one sentence."""
    run = seen.run
    if seen.is_left_alone:
        return f"Nobody executes the run {run.id}; go on with: csoc runs resume {run.id} (or csoc worker)"
    return f"The run {run.id} goes on by itself; csoc runs watch {run.id} shows it"


def moment(at: datetime | None) -> str:
    """A time for people."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""


def who(person: str) -> str:
    """A person's id as a list shows it: the name of the session, or of the account of this machine."""
    kind, _, rest = person.partition(":")
    if kind == "machine":
        return rest.partition("@")[0]
    return rest.rpartition("/")[2] or rest if kind == "sts" else person


def took(begun: datetime | None, ended: datetime | None) -> str:
    """How long something took, for people."""
    if begun is None or ended is None:
        return ""
    minutes, seconds = divmod(int((ended - begun).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def current_step(run: Run) -> Step | None:
    """The first step that did not succeed; None if all did."""
    return next((step for step in run.steps if step.state is not RunState.SUCCEEDED), None)


def run_json(run: Run, *, executor: str | None = None) -> dict[str, Any]:
    """A run for programs."""
    return {
        "id": run.id,
        "kind": run.kind,
        "owner": run.owner,
        "ownerName": run.owner_name,
        "by": run.by,
        "state": str(run.state),
        "isCancelling": run.is_cancelling,
        "plan": run.plan,
        "where": run.where,
        "attempt": run.attempt,
        "createdAt": iso(run.created_at),
        "endedAt": iso(run.ended_at),
        "wokenAt": iso(run.woken_at),
        "executor": executor,
        "steps": [_step_json(step) for step in run.steps],
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "name": step.name,
        "kind": step.kind,
        "state": str(step.state),
        "attempts": step.attempts,
        "startedAt": iso(step.started_at),
        "endedAt": iso(step.ended_at),
        "waitsFor": mask_text(step.waits_for),
        "cause": mask_text(step.cause),
        "fix": mask_text(step.fix),
        "result": mask_tree(dict(step.result)),
    }


def line_json(line: Line) -> dict[str, Any]:
    """A line of a log for programs."""
    return {"number": line.number, "at": iso(line.at), "step": line.step, "what": line.what, "text": line.text}


def iso(at: datetime | None) -> str | None:
    """A time for programs."""
    return at.isoformat().replace("+00:00", "Z") if at else None
