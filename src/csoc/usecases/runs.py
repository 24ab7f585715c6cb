"""Runs: begun, watched, gone on with and given up by people; executed by whoever is there.

Watching reads the store only, so that any number of terminals can watch what any process executes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from csoc.access.people import workflow_session
from csoc.accounts.workflows import parse_workflow
from csoc.errors import ConflictError, CsocError, DeniedError, RejectedError, UnavailableError
from csoc.operations.executor import Executor
from csoc.operations.runner import Watched, check_arguments, unwatched
from csoc.operations.runs import HERE, Lease, Line, Run, RunState, RunStore
from csoc.usecases.run_ports import RunPorts

_ENDED = (RunState.FAILED, RunState.ERRORED, RunState.CANCELLED)
_EXECUTED = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)
_LINES = 500
GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a run: what it said since the look before, what it is, and who executes it (None: nobody)."""

    run: Run
    lines: Sequence[Line]
    lease: Lease | None

    @property
    def is_left_alone(self) -> bool:
        """True if it is to be executed and nobody does."""
        return self.run.state in _EXECUTED and self.lease is None and self.run.where == HERE

    @property
    def is_of_before(self) -> bool:
        """True if what the run says it waits for is what its last look found, and nobody looks again."""
        return self.run.state is RunState.WAITING and self.is_left_alone

    @property
    def done_for_it(self) -> Line | None:
        """What somebody did, as the last one, for the run to look again; None if nobody did, or a step has said
        something since."""
        for line in reversed(self.lines):
            if line.step is not None:
                return None
            if line.what == "event" and line.at == self.run.woken_at:
                return line
        return None


def begin(ports: RunPorts, run: Run) -> Run:
    """Queues a run; whoever executes runs takes it. Raises RejectedError if it cannot be executed as it is written,
    ConflictError, naming the other run, if its owner has one that is not over."""
    check_arguments(run, ports.registry)
    ports.runs.add(run)
    return ports.runs.get(run.id)


def look(ports: RunPorts, run_id: str, after: int = 0) -> Seen:
    """A run as it is. Raises NotFoundError."""
    lines: list[Line] = []
    run = ports.runs.get(run_id)
    lease = ports.runs.lease(run_id, ports.clock())
    while page := ports.runs.lines(run_id, after=lines[-1].number if lines else after, limit=_LINES):
        lines += page
    return Seen(run, lines, lease)


def watch(ports: RunPorts, run_id: str, *, pause: Callable[[], object], after: int = 0) -> Iterator[Seen]:
    """Looks again and again until the run ends; the last look is at its end. pause: between two looks. Raises
    NotFoundError at once if there is no such run."""
    while True:
        # The state first: what is said before the end is stored before it.
        seen = look(ports, run_id, after)
        after = seen.lines[-1].number if seen.lines else after
        yield seen
        if has_ended(seen.run):
            return
        pause()


def has_ended(run: Run) -> bool:
    """True if nothing more happens by itself."""
    return run.state.is_over or run.state is RunState.ERRORED


def resume(store: RunStore, run_id: str, *, by: str, now: datetime, skip: Sequence[str] = ()) -> Run:
    """Goes on with a run that ended before its last step, at the step that did not succeed; has one that waits look
    at once. A run that is queued or running is left as it is, for an executor. skip: "layer/LogicalId" of resources
    that the rollback of their stack, which this run goes on with, leaves as they are.

    Raises NotFoundError, ConflictError if it succeeded or its owner has another run, RejectedError for a skip that is
    of no layer of the run, or that comes while it goes on."""
    run = store.get(run_id)
    _check_skips(run, skip)
    if run.state in _ENDED:
        return _begin_again(store, run, by=by, now=now, skip=skip)
    if run.state is RunState.WAITING:
        store.log(run_id, [(now, None, "event", f"{by} asked to look at once")])
        return store.change(run_id, None, woken_at=now)
    if run.state is RunState.SUCCEEDED:
        raise ConflictError("The run succeeded, and has nothing left to do", place=f"run {run_id}")
    return run


def wake(ports: RunPorts, owner: str, did: str, *, kind: str = "", plan: str = "") -> Seen | None:
    """Has the run of an owner look at once, since somebody did what it waits for. Gives that run; None if none waits
    for it. did: what somebody did. kind: of the step that it waits at; plan: whose approval it waits for."""
    for run in ports.runs.newest(owner=owner, states=_EXECUTED):
        step = next((one for one in run.steps if one.state is not RunState.SUCCEEDED), None)
        if step is None or kind not in ("", step.kind) or not (plan in ("", run.plan) or plan in step.fix.split()):
            continue
        if run.state is not RunState.QUEUED:
            now = ports.clock()
            ports.runs.log(run.id, [(now, None, "event", f"{ports.person().name} {did}")])
            ports.runs.change(run.id, None, woken_at=now)
        return look(ports, run.id)
    return None


def cancel(store: RunStore, run_id: str, *, by: str, now: datetime) -> Run:
    """Ends a run before its next step. What runs goes on to its end: the state says when. Raises NotFoundError,
    ConflictError if it is over."""
    run = store.get(run_id)
    if run.state.is_over:
        raise ConflictError(f"The run is over: it {_was(run.state)}", place=f"run {run_id}")
    store.log(run_id, [(now, None, "event", f"{by} cancelled it")])
    ended = {"state": RunState.CANCELLED, "is_cancelling": True, "ended_at": now}
    if run.state in (RunState.QUEUED, RunState.ERRORED):
        try:
            return store.change(run_id, None, only=(RunState.QUEUED, RunState.ERRORED), **ended)
        except ConflictError:  # an executor was quicker
            run = store.get(run_id)
    if run.state is RunState.WAITING:
        # With nobody at work on it there is nothing to follow to its end; the lease keeps everybody out meanwhile.
        lease = store.take(run_id, f"cancelled by {by}", now, 10)
        if lease is not None:
            try:
                return store.change(run_id, lease, only=(RunState.WAITING,), **ended)
            finally:
                store.release(lease)
    return store.change(run_id, None, only=(RunState.RUNNING, RunState.WAITING), is_cancelling=True, woken_at=now)


def begin_executing(ports: RunPorts, run_id: str) -> Executor:
    """Executes one run in threads of this process while somebody looks on, if no worker takes it first. Whoever asks
    closes the executor; what has not ended by then goes on with whoever executes runs. Raises NotFoundError."""
    executor = _executor(ports, only=run_id, where=ports.runs.get(run_id).where)
    executor.start()
    return executor


def worker(
    ports: RunPorts,
    *,
    where: str = HERE,
    tell: Callable[[CsocError], object] = lambda _: None,
    watched: Watched = unwatched,
) -> Executor:
    """An executor for any run, which whoever asks has serve, and closes. where: which runs are its own. tell: is told
    why it cannot look for work, while that is so. watched: see the runner. Raises RejectedError, DeniedError as
    `check_place` does."""
    check_place(ports, where)
    return _executor(ports, where=where, tell=tell, watched=watched)


def held_elsewhere(ports: RunPorts, where: str, executor: Executor) -> list[tuple[Run, Lease]]:
    """Runs of a place that another executor holds, with until when. One that was killed holds them until then as well,
    so that whoever begins in its stead has nothing to do meanwhile. Empty if the store cannot be asked: the executor
    tells why as it looks for work."""
    try:
        now = ports.clock()
        running = [run for run in ports.runs.newest(states=(RunState.RUNNING,)) if run.where == where]
        found = [(run, ports.runs.lease(run.id, now)) for run in running]
    except UnavailableError:
        return []
    return [(run, lease) for run, lease in found if lease is not None and lease.executor != executor.id]


def check_only(ports: RunPorts, run_id: str, where: str) -> None:
    """Raises NotFoundError, ConflictError if a run is to be executed elsewhere, and what `check_place` raises."""
    check_place(ports, where)
    run = ports.runs.get(run_id)
    if run.where != where:
        raise ConflictError(
            f"The run is to be executed at {run.where}, and this is {where}",
            place=f"run {run_id}",
            fix="Take a run of this place, or begin one for it: csoc apply PLAN --where PLACE",
        )


def check_place(ports: RunPorts, where: str) -> None:
    """Whether this process is where it says. What vouches for a workflow is the name of its session, which the trust of
    csoc's role pins to the repository; a job's variables do not.

    Raises RejectedError if it is no place, DeniedError if the process is elsewhere.
    """
    if where == HERE:
        return
    workflow, person = parse_workflow(where), ports.person()
    if workflow_session(person.id) != workflow.session:
        raise DeniedError(
            f"This is not a workflow of {where}: its session in AWS is {person.id}",
            place=where,
            fix=f"Run it in a job that took csoc's role by OIDC with the session name {workflow.session}; "
            f"csoc account doctor --trust {where} prints the trust",
        )


def _executor(
    ports: RunPorts,
    *,
    where: str,
    only: str = "",
    tell: Callable[[CsocError], object] = lambda _: None,
    watched: Watched = unwatched,
) -> Executor:
    return Executor(
        store=ports.runs,
        registry=ports.registry,
        services=ports.services,
        engine=ports.engine,
        clock=ports.clock,
        executor_id=ports.ids(),
        settings=ports.executor,
        where=where,
        only=only,
        tell=tell,
        watched=watched,
    )


def _check_skips(run: Run, skip: Sequence[str]) -> None:
    layers = [str(step.arguments.get("layer", "")) for step in run.steps if step.kind == "apply layer"]
    for one in skip:
        layer, _, resource = one.partition("/")
        if layer not in layers or not resource.isalnum():
            raise RejectedError(
                f"{one!r} is no resource of a layer of this run",
                place=f"run {run.id}",
                fix=f"Name it as LAYER/RESOURCE; layers: {', '.join(layers) or 'none'}",
            )
    if skip and run.state not in _ENDED:
        raise RejectedError(
            f"The run is {run.state}, so nothing of it can be skipped",
            place=f"run {run.id}",
            fix="Skip what a rollback could not put back once the run has failed at it",
        )


def _begin_again(store: RunStore, run: Run, *, by: str, now: datetime, skip: Sequence[str]) -> Run:
    steps = tuple(
        replace(step, state=RunState.QUEUED, started_at=None, ended_at=None, cause="", fix="")
        if step.state in _ENDED
        else step
        for step in run.steps
    )
    begun = store.change(
        run.id,
        None,
        only=(run.state,),
        state=RunState.QUEUED,
        steps=steps,
        attempt=run.attempt + 1,
        is_cancelling=False,
        ended_at=None,
        woken_at=now,
        # What was named for one attempt is not left out of the next.
        arguments={**{name: one for name, one in run.arguments.items() if name != "skip"}, **_named(skip)},
    )
    left = f", leaving {', '.join(skip)} as it is" if skip else ""
    store.log(run.id, [(now, None, "event", f"{by} resumed it{left}")])
    return begun


def _named(skip: Sequence[str]) -> dict[str, list[str]]:
    return {"skip": sorted(skip)} if skip else {}


def _was(state: RunState) -> str:
    return "was cancelled" if state is RunState.CANCELLED else str(state)
