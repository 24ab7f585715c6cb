"""Whatever executors do, the store in memory and the one on SQLite say the same, and no two of them own a run."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.errors import CsocError
from csoc.operations.runs import Lease, Run, RunState
from csoc.testing.runs import MemoryRuns, step

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOLD = 30.0
RUNS = ("r1", "r2", "r3")
OWNERS = ("heart", "lung")
EXECUTORS = ("one", "two", "three")


class Leases(RuleBasedStateMachine):
    """Executors on two stores at once."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.memory = MemoryRuns()
        self.database = DatabaseRuns(open_database(f"sqlite:///{Path(self.folder.name) / 'runs.db'}"))
        self.now = START
        self.epochs: dict[str, int] = {}

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def both(self, ask: Any) -> Any:
        """What both answer, or how both refuse."""
        answers = []
        for store in (self.memory, self.database):
            try:
                answers.append(ask(store))
            except CsocError as error:
                answers.append((type(error), error.cause, error.place, error.fix))
        assert answers[0] == answers[1]
        return answers[0]

    @rule(run=st.sampled_from(RUNS), owner=st.sampled_from(OWNERS))
    def add(self, run: str, owner: str) -> None:
        wanted = Run(run, "apply", owner, owner, "ada", self.now, steps=(step(1, "a", "a"),))
        self.both(lambda store: store.add(wanted))

    @rule(seconds=st.sampled_from([1.0, 10.0, 29.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(target=leases, run=st.sampled_from(RUNS), executor=st.sampled_from(EXECUTORS))
    def take(self, run: str, executor: str) -> Any:
        held = self.both(lambda store: store.lease(run, self.now))
        lease = self.both(lambda store: store.take(run, executor, self.now, HOLD))
        if not isinstance(lease, Lease):
            return multiple()
        assert not isinstance(held, Lease) or held.executor == executor, "taken from one who held it"
        assert lease.epoch > self.epochs.get(lease.owner, 0), "an epoch came back"
        self.epochs[lease.owner] = lease.epoch
        return lease

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        renewed = self.both(lambda store: store.renew(lease, self.now, HOLD))
        assert renewed is None or lease.epoch == self.epochs[lease.owner], "one who lost it renewed it"

    @rule(lease=leases)
    def release(self, lease: Lease) -> None:
        self.both(lambda store: store.release(lease))
        assert self.both(lambda store: store.holds(lease)) is False

    @rule(lease=leases, state=st.sampled_from(list(RunState)))
    def change(self, lease: Lease, state: RunState) -> None:
        changed = self.both(lambda store: store.change(lease.run, lease, state=state))
        assert not isinstance(changed, Run) or lease.epoch == self.epochs[lease.owner], "one who lost it wrote"

    @rule(lease=leases, attempts=st.integers(0, 9))
    def change_step(self, lease: Lease, attempts: int) -> None:
        changed = self.both(lambda store: store.change_step(lease.run, 1, lease, attempts=attempts))
        assert not isinstance(changed, Run) or lease.epoch == self.epochs[lease.owner], "one who lost it wrote"

    @rule(run=st.sampled_from(RUNS), state=st.sampled_from(list(RunState)), only=st.sampled_from(list(RunState)))
    def person_changes(self, run: str, state: RunState, only: RunState) -> None:
        self.both(lambda store: store.change(run, None, only=(only,), state=state))

    @invariant()
    def an_owner_has_one_run_that_is_not_over_and_both_tell_the_same(self) -> None:
        runs = self.both(lambda store: list(store.newest()))
        active = [run.owner for run in runs if not run.state.is_over]
        assert len(active) == len(set(active))
        abandoned = self.both(lambda store: list(store.abandoned(self.now)))
        for run in runs:
            held = self.both(lambda store, run=run: store.lease(run.id, self.now))
            assert held is None or run.id not in abandoned


TestLeases = Leases.TestCase
TestLeases.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
