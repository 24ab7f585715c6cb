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
        """Runs it, or gives what it gave before the crash. Names are unique within a workflow. Exceptions are not
        recorded: the step is run again when the workflow is."""
        ...

    def wait(self, name: str, seconds: float) -> None:
        """Waits; a crash does not make it longer."""
        ...


Workflow = Callable[[Steps, str], None]
"""The code of a workflow: gets its steps and the run's id."""


class Engine(Protocol):
    """See the module."""

    def start(self, run_id: str) -> None:
        """Begins the workflow of a run; nothing if it began."""
        ...

    def recover(self, run_id: str) -> None:
        """Goes on with a workflow whose executor is gone. The caller holds the run's lease."""
        ...

    def close(self, seconds: float) -> None:
        """Ends this executor; what runs is given so many seconds to come to the end of its step."""
        ...
