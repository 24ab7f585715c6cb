"""An engine in memory: runs a workflow where it is asked to, with a journal that survives the engine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from csoc.errors import ConflictError
from csoc.operations.engine import Json, Workflow
from csoc.operations.leases import StoppedError


@dataclass
class _Entry:
    steps: list[tuple[str, str]] = field(default_factory=list)
    owner: object = None
    is_over: bool = False


@dataclass
class Journal:
    """What engines remember. Several of them may share one, as executors share a database."""

    entries: dict[tuple[str, int], _Entry] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class MemoryEngine:
    """See csoc.operations.engine.Engine. `execute` returns when the workflow does, or when it raised."""

    def __init__(self, workflow: Workflow, journal: Journal | None = None) -> None:
        self._workflow = workflow
        self._journal = journal or Journal()
        self.raised: list[Exception] = []

    def execute(self, run_id: str, attempt: int) -> None:
        owner = object()
        with self._journal.lock:
            entry = self._journal.entries.setdefault((run_id, attempt), _Entry())
            if entry.is_over:
                raise ConflictError(f"The engine's record says that attempt {attempt} is over", place=f"run {run_id}")
            entry.owner = owner
        try:
            self._workflow(_Steps(entry, owner, self._journal.lock), run_id)
        except Exception as error:  # noqa: BLE001 - as an engine, which runs it again when it is asked to
            self.raised.append(error)
            return
        with self._journal.lock:
            entry.is_over = entry.is_over or entry.owner is owner

    def close(self, seconds: float) -> bool:  # noqa: ARG002 - nothing runs on
        return True


class _Steps:
    """Steps by their place; one whose workflow another engine took over is not recorded."""

    def __init__(self, entry: _Entry, owner: object, lock: threading.Lock) -> None:
        self._entry = entry
        self._owner = owner
        self._lock = lock
        self._next = 0

    def step(self, name: str, run: Callable[[], Json]) -> Json:
        place = self._next
        self._next += 1
        with self._lock:
            self._owned()
            if place < len(self._entry.steps):
                recorded, text = self._entry.steps[place]
                if recorded != name:
                    raise ConflictError(f"Step {place} was {recorded!r} and is {name!r}")
                return dict(json.loads(text))
        text = json.dumps(run())
        with self._lock:
            self._owned()
            self._entry.steps.append((name, text))
        return dict(json.loads(text))

    def _owned(self) -> None:
        if self._entry.owner is not self._owner:
            raise StoppedError("Another engine goes on with this workflow")
