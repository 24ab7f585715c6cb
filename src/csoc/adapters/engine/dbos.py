"""Durable execution by DBOS: a library, with its tables in a file or schema of its own that nothing else reads.

DBOS runs workflows in threads of this process and writes each step's outcome. Who may execute a run is decided by the
run's lease before DBOS is asked: it is only told to go on here, in a queue that this process alone listens to. DBOS
itself lets the last one who was told so write records, and parks the others.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import dbos

from csoc.adapters.db.database import prepared, translated
from csoc.errors import ConflictError, UnavailableError
from csoc.operations.engine import Json, Workflow
from csoc.operations.leases import StoppedError

# Of the sequence of steps that csoc's workflow asks for, not of csoc: a newer csoc goes on with what an older one began
# as long as this is the same.
FORM = "csoc-runs-1"
_WORKFLOW = "csoc-run"
_SCHEMA = "csoc_engine"
_POLL_SECONDS = 0.5
_WRITING_SECONDS = 1.0
_LEAVING_SECONDS = 3.0
_ENDED = ("SUCCESS", "ERROR")

_in_use = threading.Lock()


class _Unrecorded(BaseException):
    """Carries an exception past DBOS, which would make it the workflow's outcome if it were an Exception."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class DbosEngine:
    """See csoc.operations.engine.Engine. One at a time in a process: DBOS knows one of itself.

    url: sqlite:///PATH or postgresql://; there the tables are in a schema of their own. executor_id: new for each
    process. Raises ConflictError if there is another one in this process, UnavailableError if the database does not
    answer.
    """

    def __init__(self, workflow: Workflow, *, url: str, executor_id: str) -> None:
        if not _in_use.acquire(blocking=False):
            raise ConflictError("This process has an engine already", fix="Close it first")
        try:
            self._is_closed = False
            self._running: set[str] = set()
            self._returned: set[str] = set()
            self._changed = threading.Condition()
            self._queue = f"csoc-{executor_id}"
            address, self._shown = prepared(url)
            self._function = self._registered(workflow, address.render_as_string(hide_password=False), executor_id)
        except BaseException:
            _in_use.release()
            raise

    def execute(self, run_id: str, attempt: int) -> None:
        workflow_id = run_id if attempt == 1 else f"{run_id}:{attempt}"
        with self._errors():
            known = dbos.DBOS.get_workflow_status(workflow_id)
            if known is None:
                with dbos.SetWorkflowID(workflow_id):
                    dbos.DBOS.start_workflow(self._function, run_id)
            elif known.status in _ENDED:
                raise ConflictError(
                    f"The engine's record says that attempt {attempt} of the run is over", place=f"run {run_id}"
                )
            else:
                dbos.DBOS.resume_workflow(workflow_id, queue_name=self._queue)

    def close(self, seconds: float) -> bool:
        with self._changed:
            if self._is_closed:
                return True
            self._is_closed = True
            self._changed.wait_for(lambda: not self._running, timeout=seconds)
            has_ended = not self._running
        # DBOS asks a database that is gone for ever, so that it is asked from a thread that need not end.
        leaving = threading.Thread(target=self._leave, name="csoc-engine-leaves", daemon=True)
        leaving.start()
        leaving.join(_LEAVING_SECONDS)
        dbos.DBOS.destroy(destroy_registry=True)
        _in_use.release()
        return has_ended

    def _leave(self) -> None:
        """DBOS writes that a workflow is over when its code has returned already: that is waited for. The queue of this
        process goes; left behind it would be a row that nobody reads."""
        with suppress(UnavailableError), self._errors():
            for workflow_id in self._returned:
                until = time.monotonic() + _WRITING_SECONDS
                while time.monotonic() < until:
                    known = dbos.DBOS.get_workflow_status(workflow_id)
                    if known is None or known.status in _ENDED:
                        break
                    time.sleep(0.01)
            dbos.DBOS.delete_queue(self._queue)

    def _registered(self, workflow: Workflow, url: str, executor_id: str) -> Callable[[str], None]:
        config = dbos.DBOSConfig(
            name="csoc",
            system_database_url=url,
            application_version=FORM,
            executor_id=executor_id,
            serializer=dbos.DBOSPortableJSONSerializer(),
            dbos_system_schema=_SCHEMA,
            use_listen_notify=False,
            enable_otlp=False,
            log_level="CRITICAL",
        )
        _quiet()
        dbos.DBOS(config=config)
        _quiet()
        steps = _DbosSteps()

        def run(run_id: str) -> None:
            with self._changed:
                if self._is_closed:
                    raise _Unrecorded(StoppedError(f"Run {run_id}: this executor ends"))
                self._running.add(run_id)
            try:
                workflow(steps, run_id)
                self._returned.add(str(dbos.DBOS.workflow_id))
            except Exception as error:  # the workflow stays open, and goes on when somebody executes it again
                raise _Unrecorded(error) from error
            finally:
                with self._changed:
                    self._running.discard(run_id)
                    self._changed.notify_all()

        # Attempts are not limited: it is people who give a run up.
        function = dbos.DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)(run)
        dbos.DBOS.listen_queues([self._queue])
        try:
            with self._errors():
                dbos.DBOS.launch()
                dbos.DBOS.register_queue(self._queue, polling_interval_sec=_POLL_SECONDS, on_conflict="always_update")
        except BaseException:
            dbos.DBOS.destroy(destroy_registry=True)
            raise
        return function

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with translated(self._shown):
                yield
        except dbos.error.DBOSException as error:
            raise UnavailableError(f"The engine does not answer: {error}", place=self._shown) from error


class _DbosSteps:
    """Steps that DBOS records by their place in the workflow."""

    def step(self, name: str, run: Callable[[], Json]) -> Json:
        def code() -> dict[str, Any]:
            try:
                # What is recorded is what a later executor gets: JSON, and nothing that only looks like it.
                given: dict[str, Any] = json.loads(json.dumps(run()))
            except Exception as error:
                raise _Unrecorded(error) from error
            return given

        try:
            return dbos.DBOS.run_step({"name": name}, code)
        except _Unrecorded as carried:
            raise carried.error from carried.error.__cause__


def _quiet() -> None:
    """DBOS writes to standard error by itself, which belongs to the command. What goes wrong reaches the run's log and
    the errors of this module."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False
