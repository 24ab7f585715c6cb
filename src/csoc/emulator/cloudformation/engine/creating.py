"""A stack is created, and rolled back if that fails.

Source: AWS CloudFormation User Guide, "Stack failure options", "Understand stack creation events".
"""

from __future__ import annotations

from collections.abc import Sequence

from csoc.emulator.cloudformation.engine import signals
from csoc.emulator.cloudformation.engine.deleting import Deleting
from csoc.emulator.cloudformation.engine.outputs import finish_outputs
from csoc.emulator.cloudformation.engine.work import (
    ASK_AGAIN_SECONDS,
    Work,
    internal_failure,
    names_failed,
    template_of,
)
from csoc.emulator.cloudformation.passes import Step
from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.stack_records import Stack, StackResource, Stacks
from csoc.emulator.cloudformation.template.functions import NotKnownYetError, resolve
from csoc.emulator.cloudformation.template.model import Resource, TemplateError


class Creating:
    """Creates stacks and resources."""

    def __init__(self, work: Work, deleting: Deleting) -> None:
        self._work = work
        self._deleting = deleting

    def create(self, stacks: Stacks, stack: Stack) -> None:
        """Creates all resources of a stack."""
        try:
            wanted = self._work.wanted(stacks, stack)
        except TemplateError as error:
            self.failed(stacks, stack, str(error))
            return
        except Exception as error:  # noqa: BLE001 - see internal_failure
            self.failed(stacks, stack, str(internal_failure(stack, error)))
            return

        def done(failed: Sequence[str]) -> None:
            reason = names_failed("create", failed) if failed else finish_outputs(self._work, stacks, stack)
            if reason:
                self.failed(stacks, stack, reason)
            else:
                self._work.note(stack, "CREATE_COMPLETE")
                self._work.finish(stacks, stack, succeeded=True)

        if stack.timeout_minutes is not None:
            self._work.later(stacks, stack, stack.timeout_minutes * 60, lambda: self._timed_out(stacks, stack))
        template = template_of(stack)
        steps = [self.step(stacks, stack, template.resources[name], wanted[name]) for name in sorted(wanted)]
        self._work.run(stacks, stack, steps, done)

    def _timed_out(self, stacks: Stacks, stack: Stack) -> None:
        if stack.status == "CREATE_IN_PROGRESS":
            self._work.stop(stack)
            self.failed(stacks, stack, "Stack creation time exceeded the specified timeout.")

    def failed(self, stacks: Stacks, stack: Stack, reason: str) -> None:
        """What follows when creating failed, as the request asked for."""
        on_failure = stack.operation.on_failure if stack.operation else "ROLLBACK"
        if on_failure == "DO_NOTHING":
            self._work.note(stack, "CREATE_FAILED", reason)
            self._work.finish(stacks, stack, succeeded=False)
        elif on_failure == "DELETE":
            self._work.note(stack, "DELETE_IN_PROGRESS", f"{reason} Delete requested by user.")
            self._deleting.delete(stacks, stack, rolling_back=True)
        else:
            self.roll_back(stacks, stack, f"{reason} Rollback requested by user.")

    def roll_back(self, stacks: Stacks, stack: Stack, reason: str) -> None:
        """Deletes what was created of a stack that has no earlier state."""
        self._work.note(stack, "ROLLBACK_IN_PROGRESS", reason)

        def done(failed: Sequence[str]) -> None:
            if failed:
                names = [name.partition("#")[0] for name in failed]
                self._work.note(stack, "ROLLBACK_FAILED", names_failed("delete", names))
            else:
                stack.leftovers = []
                self._work.note(stack, "ROLLBACK_COMPLETE")
            asked_for = stack.operation is not None and stack.operation.type == "ROLLBACK"
            self._work.finish(stacks, stack, succeeded=asked_for and not failed)

        self._work.run(stacks, stack, self._deleting.all_of(stack, rolling_back=True), done, whole=True)

    def step(self, stacks: Stacks, stack: Stack, resource: Resource, after: frozenset[str]) -> Step:
        """Creates one resource of a stack, new or in place of one that could not be completed."""
        name, work = resource.logical_id, self._work
        record = StackResource(name, resource.type, "CREATE_IN_PROGRESS", work.timeline.now())

        def begin() -> float:
            earlier = stack.resources.get(name)
            if earlier is not None and earlier.exists:
                earlier.update_replace_policy = "Delete"
                stack.leftovers.append(earlier)
            stack.resources[name] = record
            set_attributes(record, resource, after)
            work.tell(stack, record, "CREATE_IN_PROGRESS")
            resolved = work.resolved(stacks, stack, resource)
            record.properties, record.shown, record.imports = resolved.properties, resolved.shown, resolved.imports
            work.fail_by_rule(stack, name, "create")
            seconds = work.make(stack, record, resolved)
            work.tell(stack, record, "CREATE_IN_PROGRESS", "Resource creation Initiated")
            return seconds

        def end() -> float:
            if not work.settled(stack, record):
                work.tell_what_is_waited_for(stack, record)
                return ASK_AGAIN_SECONDS
            if not self._signalled(stacks, stack, resource, record):
                return ASK_AGAIN_SECONDS
            work.tell(stack, record, "CREATE_COMPLETE")
            return 0.0

        return work.step(stack, name, record, after, begin, end, "CREATE_FAILED", "Resource creation cancelled")

    def _signalled(self, stacks: Stacks, stack: Stack, resource: Resource, record: StackResource) -> bool:
        try:
            place = f"Resources/{resource.logical_id}/CreationPolicy"
            policy = resolve(self._work.scope(stacks, stack), resource.creation_policy, place) or {}
        except (TemplateError, NotKnownYetError) as error:
            raise ResourceError(str(error), "InvalidRequest") from None
        if not signals.awaits(policy):
            return True
        return signals.received(stack, record.logical_id, policy, record.updated_at, self._work.timeline.now())


def set_attributes(record: StackResource, resource: Resource, after: frozenset[str]) -> None:
    """Gives a record what the template says besides properties."""
    record.deletion_policy, record.update_replace_policy = resource.deletion_policy, resource.update_replace_policy
    record.metadata, record.depends_on = resource.metadata, after
