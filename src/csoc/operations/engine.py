"""Port: durable execution. A workflow's steps are recorded, so that after a crash it goes on behind the last one.

Only the record is fenced by an engine: two executors who both believe that they own a workflow both run a step's code.
So each effect asks the fence of its run first, and is conditional at its target besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Json = Mapping[str, Any]


class Steps(Protocol):
    """What a workflow's code may do durably."""

    def step(self, name: str, run: Callable[[], Json]) -> Json:
        """Runs it, or gives what it gave before the crash. The steps of a workflow and their names are the same each
        time it is run. Exceptions are not recorded: the step is run again when the workflow is."""
        ...


Workflow = Callable[[Steps, str], None]
"""The code of a workflow: gets its steps and the run's id. When it returns, it is over for good; when it raises, it is
run again by the next `execute`."""


class Engine(Protocol):
    """See the module. Contract: tests/contract/test_engine.py."""

    def execute(self, run_id: str, attempt: int) -> None:
        """Begins the workflow of a run's attempt in this process, or goes on with it behind its last recorded step,
        whoever executed it before. The caller holds the run's lease, and does not ask while it runs here already.

        Raises ConflictError if that workflow is over, UnavailableError if the record cannot be reached.
        """
        ...

    def close(self, seconds: float) -> bool:
        """Ends this executor; what runs is given so many seconds to come to an end. True if all of it did."""
        ...
