"""What happens to a stack after a request was accepted.

Requests set the stack's operation and what it should become; the engine brings its resources there on the timeline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from csoc.emulator.cloudformation.engine.creating import Creating
from csoc.emulator.cloudformation.engine.deleting import Deleting
from csoc.emulator.cloudformation.engine.rolling_back import RollingBack
from csoc.emulator.cloudformation.engine.updating import Updating
from csoc.emulator.cloudformation.engine.work import Fault, Work
from csoc.emulator.cloudformation.outside import Acting, Outside
from csoc.emulator.cloudformation.resources.handler import Handler
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.stack_records import Stack, Stacks
from csoc.emulator.timeline import Timeline

_INTERRUPTED = "Interrupted: the emulator was stopped meanwhile"
_ACCEPTING_SECONDS = 1.0


class Engine:
    """Runs operations on stacks. handlers: by resource type. All methods are called with the lock of the stacks held,
    after the stack's operation was set."""

    def __init__(
        self,
        timeline: Timeline,
        handlers: Mapping[str, Handler],
        inside: Acting,
        schemas: Schemas,
        outside: Outside,
        ids: Callable[[], str],
        fault: Fault = lambda *_: None,
    ) -> None:
        self.work = Work(timeline, handlers, inside, schemas, outside, ids, fault)
        self._deleting = Deleting(self.work)
        self._creating = Creating(self.work, self._deleting)
        self._rolling_back = RollingBack(self.work, self._creating, self._deleting)
        self._updating = Updating(self.work, self._creating, self._deleting, self._rolling_back)

    def create(self, stacks: Stacks, stack: Stack) -> None:
        """Creates the resources of a stack whose template is set."""
        self.note(stack, "CREATE_IN_PROGRESS", "User Initiated")
        self.work.later(stacks, stack, _ACCEPTING_SECONDS, lambda: self._creating.create(stacks, stack))

    def update(self, stacks: Stacks, stack: Stack) -> None:
        """Brings the resources to the stack's template and parameters, which were just set; `before` is what to go back
        to."""
        self.note(stack, "UPDATE_IN_PROGRESS", "User Initiated")
        self.work.later(stacks, stack, _ACCEPTING_SECONDS, lambda: self._updating.update(stacks, stack))

    def delete(self, stacks: Stacks, stack: Stack) -> None:
        """Deletes what the deletion policies do not keep, whatever was under way."""
        self.work.stop(stack)
        self.note(stack, "DELETE_IN_PROGRESS", "User Initiated")
        self.work.later(stacks, stack, _ACCEPTING_SECONDS, lambda: self._deleting.delete(stacks, stack))

    def cancel_update(self, stacks: Stacks, stack: Stack) -> None:
        """Stops an update and rolls it back."""
        self.work.stop(stack)
        self._rolling_back.roll_back(stacks, stack, "User Initiated")

    def roll_back(self, stacks: Stacks, stack: Stack) -> None:
        """RollbackStack from CREATE_FAILED or UPDATE_FAILED, ContinueUpdateRollback from UPDATE_ROLLBACK_FAILED."""
        self._rolling_back.roll_back(stacks, stack, "User Initiated")

    def note(self, stack: Stack, status: str, reason: str = "") -> None:
        """A new status of the stack itself, with its event."""
        self.work.note(stack, status, reason)

    def resume(self, stacks: Stacks) -> None:
        """Goes on with stacks that were under way when they were kept. What creates or updates is failed, with what the
        request wanted then; what deletes, cleans up or rolls back goes on, since doing it again harms nothing."""
        with stacks.lock:
            for stack in list(stacks.all.values()):
                if stack.busy:
                    self._resume(stacks, stack)
            for detection in stacks.drift_detections.values():
                if detection["DetectionStatus"] == "DETECTION_IN_PROGRESS":
                    detection |= {"DetectionStatus": "DETECTION_FAILED", "DetectionStatusReason": _INTERRUPTED}
                    detection["StackDriftStatus"] = "UNKNOWN"
            for change_set in stacks.change_sets.values():
                if change_set.status in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                    change_set.status, change_set.reason = "FAILED", _INTERRUPTED

    def _resume(self, stacks: Stacks, stack: Stack) -> None:
        failing = {"CREATE_IN_PROGRESS": "CREATE_FAILED", "UPDATE_IN_PROGRESS": "UPDATE_FAILED"}
        for record in stack.resources.values():
            if record.status in failing:
                self.work.tell(stack, record, failing[record.status], _INTERRUPTED)
        creating = stack.operation is not None and stack.operation.type == "CREATE_STACK"
        template = stack.template
        wanted = frozenset(template.resources) if template else frozenset()
        going_on: Mapping[str, Callable[[], None]] = {
            "CREATE_IN_PROGRESS": lambda: self._creating.failed(stacks, stack, _INTERRUPTED),
            "UPDATE_IN_PROGRESS": lambda: self._updating.failed(stacks, stack, _INTERRUPTED),
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": lambda: self._updating.clean_up(
                stacks, stack, self._kept(stacks, stack, wanted)
            ),
            "UPDATE_ROLLBACK_IN_PROGRESS": lambda: self._rolling_back.roll_back(stacks, stack, _INTERRUPTED),
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": lambda: self._rolling_back.clean_up(stacks, stack),
            "ROLLBACK_IN_PROGRESS": lambda: self._creating.roll_back(stacks, stack, _INTERRUPTED),
            "DELETE_IN_PROGRESS": lambda: self._deleting.delete(stacks, stack, rolling_back=creating),
        }
        going_on[stack.status]()

    def _kept(self, stacks: Stacks, stack: Stack, wanted: frozenset[str]) -> frozenset[str]:
        return frozenset(self.work.wanted(stacks, stack)) & wanted
