"""What a step is given by the runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from csoc.clock import Clock
from csoc.errors import UnavailableError
from csoc.operations.leases import Held
from csoc.operations.runlog import RunLog
from csoc.operations.runs import Run, Step
from csoc.operations.services import Services
from csoc.operations.steps.base import StepKind

_STORE_SECONDS = 0.5


@dataclass(slots=True)
class StepContext:
    """See csoc.operations.steps.base.Context."""

    run: Run
    step: Step
    results: Mapping[str, Mapping[str, Any]]
    services: Services
    clock: Clock
    held: Held
    run_log: RunLog
    pause: Callable[[Held, float], None]
    kind: StepKind
    until: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.until = self.clock() + timedelta(seconds=self.kind.timeout_seconds)

    def check(self) -> None:
        while True:
            self._in_time()
            try:
                return self.held.check()
            except UnavailableError:  # the lease runs out if it stays so
                self.pause(self.held, _STORE_SECONDS)

    def sleep(self, seconds: float) -> None:
        self._in_time()
        self.pause(self.held, seconds)
        self._in_time()

    def log(self, text: str, what: str = "event") -> None:
        self.run_log.add(self.step.number, what, text)

    def hide(self, *words: str) -> None:
        self.run_log.hide(words)

    def _in_time(self) -> None:
        if self.clock() >= self.until:
            raise UnavailableError(
                f"The step did not come to its end within {self.kind.timeout_seconds:g} s",
                place=f"step {self.step.name}",
                fix="Look at what it touches",
            )
