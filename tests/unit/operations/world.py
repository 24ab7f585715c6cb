"""Executors on a store in memory, with a clock that only waiting moves."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from csoc.operations.executor import Executor, ExecutorSettings
from csoc.operations.runs import Run, RunState
from csoc.operations.services import Services
from csoc.operations.steps.base import Context, Done, Result, StepKind
from csoc.testing.engine import Journal, MemoryEngine
from csoc.testing.runs import MemoryRuns, step

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone."""


def done(context: Context) -> Result:
    return Done({"of": context.step.name})


@dataclass
class World:
    """kinds: code of the steps, by kind. during_wait: called at each wait, before time passes."""

    kinds: dict[str, StepKind] = field(default_factory=dict)
    services: Services = field(default_factory=Services)
    store: Any = field(default_factory=MemoryRuns)
    journal: Journal = field(default_factory=Journal)
    now: datetime = START
    waits: list[float] = field(default_factory=list)
    during_wait: Callable[[float], None] = lambda seconds: None
    settings: ExecutorSettings = field(default_factory=ExecutorSettings)
    executors: list[Executor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names = itertools.count(1)

    def kind(self, name: str, code: Callable[[Context], Result] = done, **declared: Any) -> None:
        wanted: dict[str, Any] = {"touches": "the thing", "timeout_seconds": 600, **declared}
        self.kinds[name] = StepKind(kind=name, run=code, **wanted)

    def add(self, *kinds: str, run_id: str = "r1", owner: str = "heart", **fields: Any) -> Run:
        steps = tuple(step(number, f"{kind} {number}", kind) for number, kind in enumerate(kinds, 1))
        run = Run(run_id, "apply", owner, f"environment {owner}", "ada", self.now, steps=steps)
        self.store.add(replace(run, **fields))
        return self.run(run_id)

    def run(self, run_id: str = "r1") -> Run:
        found: Run = self.store.get(run_id)
        return found

    def clock(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        """Time passes, and every executor renews as its thread would."""
        self.waits.append(seconds)
        self.during_wait(seconds)
        self.now += timedelta(seconds=seconds)
        for executor in self.executors:
            executor.renew()

    def executor(self, **fields: Any) -> Executor:
        """A process. It lives until it is taken off `executors`."""
        given: dict[str, Any] = {
            "store": self.store,
            "registry": self.kinds,
            "services": self.services,
            "engine": lambda workflow, name: MemoryEngine(workflow, self.journal),
            "clock": self.clock,
            "executor_id": f"x{next(self._names)}",
            "settings": self.settings,
            "wait": self.wait,
        }
        made = Executor(**(given | fields))
        self.executors.append(made)
        return made

    def work(self) -> Run:
        """One executor works on what there is."""
        self.executor().look()
        return self.run()

    def crash(self) -> None:
        """An executor dies at work, and its lease runs out."""
        executor = self.executor()
        with patch.object(self.store, "release", lambda lease: None), pytest.raises(Crash):
            executor.look()
        self.executors.remove(executor)
        self.now += timedelta(seconds=self.settings.times.hold_seconds)

    def texts(self, run_id: str = "r1") -> list[str]:
        return [line.text for line in self.store.lines(run_id)]

    def states(self, run_id: str = "r1") -> list[RunState]:
        return [one.state for one in self.run(run_id).steps]
