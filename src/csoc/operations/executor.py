"""An executor: takes runs that nobody works on, keeps their leases, and hands them to the engine.

Every process that executes runs has one: `csoc worker`, and a command that works on its own run while somebody looks
on. Executors need not know of each other: whoever takes a run's lease executes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from csoc.clock import Clock
from csoc.errors import ConflictError, CsocError, NotFoundError, UnavailableError
from csoc.operations.engine import Engine, Steps, Workflow
from csoc.operations.leases import Held, LeaseTimes, StoppedError
from csoc.operations.runner import Pacing, Runner, Watched, unwatched
from csoc.operations.runs import HERE, RunState, RunStore
from csoc.operations.services import Services
from csoc.operations.steps.base import StepKind

EngineFactory = Callable[[Workflow, str], Engine]
"""Makes the engine of a process: gets the workflow's code and the executor's id."""


@dataclass(frozen=True, slots=True)
class ExecutorSettings:
    """poll_seconds: between two looks for work. most_runs: how many runs are executed at a time; those that wait do not
    count. begin_seconds: after so long a run that the engine did not begin is let go."""

    times: LeaseTimes = field(default_factory=LeaseTimes)
    pacing: Pacing = field(default_factory=Pacing)
    poll_seconds: float = 1
    most_runs: int = 8
    begin_seconds: float = 120


@dataclass(slots=True)
class _Work:
    held: Held
    taken_at: datetime
    has_begun: bool = False


class Executor:
    """See the module. where: which runs are its own; only: the one run that it executes, "" for any.

    `serve` looks for work until it is closed; `start` does so in a thread. tell: is told, once, why it cannot look; it
    goes on to try. watched: is told of each run that it takes, and of what becomes of it. wait: waits so
    many seconds, for tests.
    """

    def __init__(
        self,
        *,
        store: RunStore,
        registry: Mapping[str, StepKind],
        services: Services,
        engine: EngineFactory,
        clock: Clock,
        executor_id: str,
        settings: ExecutorSettings | None = None,
        where: str = HERE,
        only: str = "",
        tell: Callable[[CsocError], object] = lambda _: None,
        watched: Watched = unwatched,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.id = executor_id
        self._store = store
        self._clock = clock
        self._settings = settings or ExecutorSettings()
        self._where = where
        self._only = only
        self._tell = tell
        self._watched = watched
        self._work: dict[str, _Work] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._sleep = wait or self._closing.wait
        self._threads: list[threading.Thread] = []
        self._runner = Runner(
            store,
            registry,
            services,
            clock,
            held=self._held,
            pause=self._pause,
            pacing=self._settings.pacing,
            watched=watched,
        )
        self._engine = engine(self._execute, executor_id)

    def start(self) -> None:
        """Renews leases and looks for work, in threads."""
        self._keep_leases()
        thread = threading.Thread(target=self._look_until_closed, name="csoc-executor", daemon=True)
        self._threads.append(thread)
        thread.start()

    def serve(self) -> None:
        """Renews leases in a thread, and looks for work here until `stop`."""
        self._keep_leases()
        self._look_until_closed()

    def stop(self) -> None:
        """Takes no more work, and lets no step begin. Can be called in a signal's handler."""
        self._closing.set()

    def close(self, seconds: float) -> bool:
        """Ends this executor. Steps that run are given so many seconds; what did not end by then goes on elsewhere when
        its lease has run out. True if everything ended."""
        self.stop()
        has_ended = self._engine.close(seconds)
        self._ended.set()
        for work in self._all():
            work.held.lose("this executor ended")
        for thread in self._threads:
            thread.join(timeout=5)
        return has_ended

    def look(self) -> list[str]:
        """Takes what nobody works on. Gives the ids of the runs that were begun or gone on with."""
        begun = []
        for run_id in self._store.abandoned(self._clock(), self._where):
            if self._closing.is_set() or (not self._only and self._is_full()):
                break
            if (not self._only or run_id == self._only) and self._take(run_id):
                begun.append(run_id)
        return begun

    def renew(self) -> None:
        """Asks for more time for every run that is executed here."""
        for run_id, work in list(self._by_run().items()):
            late = self._clock() - work.taken_at > timedelta(seconds=self._settings.begin_seconds)
            if late and not work.has_begun:
                work.held.lose("the engine did not begin it")
                self._let_go(run_id, work)
            else:
                work.held.renew()

    def _take(self, run_id: str) -> bool:
        asked_at = self._clock()
        known = self._by_run().get(run_id)
        if known is not None and not known.held.is_lost:
            return False
        lease = self._store.take(run_id, self.id, asked_at, self._settings.times.hold_seconds)
        if lease is None:
            return False
        work = _Work(Held(lease, self._store, self._clock, self._settings.times, asked_at), asked_at)
        with self._lock:
            self._work[run_id] = work
        try:
            run = self._store.get(run_id)
            self._watched(run, None)
            self._engine.execute(run_id, run.attempt)
        except ConflictError as error:
            self._errored(run_id, work, error)
            return False
        except CsocError:
            self._let_go(run_id, work)
            raise
        return True

    def _errored(self, run_id: str, work: _Work, error: ConflictError) -> None:
        """The engine's record says that it is over, the store's that it is not: a person decides."""
        now = self._clock()
        why = f"{error.cause}; csoc runs resume {run_id} begins anew behind the last step that ended"
        self._store.log(run_id, [(now, None, "error", why)])
        self._store.change(run_id, work.held.lease, state=RunState.ERRORED, ended_at=now)
        self._let_go(run_id, work)

    def _execute(self, steps: Steps, run_id: str) -> None:
        """The workflow's code."""
        with self._lock:
            work = self._work.get(run_id)
            if work is None:
                raise StoppedError(f"Run {run_id}: this executor has no lease")
            work.has_begun = True
        try:
            self._runner(steps, run_id)
        finally:
            self._let_go(run_id, work)

    def _let_go(self, run_id: str, work: _Work) -> None:
        with self._lock:
            if self._work.get(run_id) is work:
                del self._work[run_id]
        try:
            self._store.release(work.held.lease)
        except UnavailableError:  # it runs out by itself
            return

    def _held(self, run_id: str) -> Held:
        work = self._by_run().get(run_id)
        if work is None:
            raise StoppedError(f"Run {run_id}: this executor has no lease")
        return work.held

    def _pause(self, held: Held, seconds: float) -> None:
        held.check_here()
        if seconds > 0 and not self._closing.is_set():
            self._sleep(seconds)
        if self._closing.is_set():
            raise StoppedError(f"Run {held.lease.run}: this executor ends")
        held.check_here()

    def _is_full(self) -> bool:
        working = 0
        for run_id in self._by_run():
            try:
                working += self._store.get(run_id).state is not RunState.WAITING
            except NotFoundError:
                continue
        return working >= self._settings.most_runs

    def _keep_leases(self) -> None:
        def keep() -> None:
            while not self._ended.wait(self._settings.times.renew_seconds):
                self.renew()

        thread = threading.Thread(target=keep, name="csoc-leases", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _look_until_closed(self) -> None:
        told = ""
        while not self._closing.is_set():
            try:
                self.look()
                told = ""
            except UnavailableError as error:  # the next look finds what this one did not
                if error.cause != told:
                    self._tell(error)
                told = error.cause
            self._closing.wait(self._settings.poll_seconds)

    def _by_run(self) -> dict[str, _Work]:
        with self._lock:
            return dict(self._work)

    def _all(self) -> list[_Work]:
        return list(self._by_run().values())
