"""An update is rolled back to the last stable state of the stack.

Source: AWS CloudFormation User Guide, "Continue rolling back an update", "Stack failure options"; API reference,
ContinueUpdateRollback and RollbackStack.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

from csoc.emulator.cloudformation.engine.creating import Creating
from csoc.emulator.cloudformation.engine.deleting import Deleting, on_rollback
from csoc.emulator.cloudformation.engine.work import ASK_AGAIN_SECONDS, UPDATE_PART, Work, names_failed, take
from csoc.emulator.cloudformation.passes import Step
from csoc.emulator.cloudformation.schemas import same
from csoc.emulator.cloudformation.stack_records import Stack, StackResource, Stacks


class RollingBack:
    """Rolls updates back."""

    def __init__(self, work: Work, creating: Creating, deleting: Deleting) -> None:
        self._work = work
        self._creating = creating
        self._deleting = deleting

    def roll_back(self, stacks: Stacks, stack: Stack, reason: str) -> None:
        """Makes every resource what it was. A stack that never was stable has nothing to go back to: what it has is
        deleted."""
        before = stack.before
        if before is None:
            self._creating.roll_back(stacks, stack, reason)
            return
        self._work.note(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        skip = stack.operation.skip if stack.operation else frozenset()
        stack.not_rolled_back = frozenset()

        def done(failed: Sequence[str]) -> None:
            if failed:
                stack.not_rolled_back = frozenset(failed)
                self._work.note(stack, "UPDATE_ROLLBACK_FAILED", names_failed("update", failed))
                self._work.finish(stacks, stack, succeeded=False)
            else:
                self.clean_up(stacks, stack)

        steps = [
            self._restoring(stack, stack.resources[name], old, skip)
            for name, old in before.resources.items()
            if name in stack.resources
        ]
        self._work.run(stacks, stack, steps, done, whole=True)

    def clean_up(self, stacks: Stacks, stack: Stack) -> None:
        """Deletes what the update made. What cannot be deleted is left behind; an event says so."""
        before = stack.before
        kept = before.resources if before else {}
        stack.restore()
        self._work.note(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        found = [
            (record, on_rollback(record, stack.operation))
            for name, record in stack.resources.items()
            if name not in kept and record.exists
        ]
        found += [(record, "Delete") for record in stack.leftovers if record.exists]

        def done(_: Sequence[str]) -> None:
            for name in [name for name in stack.resources if name not in kept]:
                del stack.resources[name]
            stack.before, stack.leftovers, stack.not_rolled_back = None, [], frozenset()
            self._work.note(stack, "UPDATE_ROLLBACK_COMPLETE")
            asked_for = stack.operation is not None and stack.operation.type in ("ROLLBACK", "CONTINUE_ROLLBACK")
            self._work.finish(stacks, stack, succeeded=asked_for)

        self._work.run(stacks, stack, self._deleting.steps(stack, found), done, whole=True, past=True)

    def _restoring(self, stack: Stack, record: StackResource, old: StackResource, skip: frozenset[str]) -> Step:
        """Brings one resource back to what it was. One that was replaced gets its old physical resource again."""
        name, work = old.logical_id, self._work
        changed: list[str] = []

        def begin() -> float:
            as_before = same(record.properties, old.properties) and dict(record.tags) == dict(old.tags)
            if record.physical_id == old.physical_id and as_before:
                if record.status.startswith(("UPDATE", "DELETE")):
                    changed.append(name)
                record.become(old)
                return 0.0
            changed.append(name)
            if name in skip and record.physical_id == old.physical_id:
                record.become(old)
                return 0.0
            work.tell(stack, record, "UPDATE_IN_PROGRESS")
            work.fail_by_rule(stack, name, "rollback")
            if record.physical_id != old.physical_id:
                _swap(stack, record, old)
                return 0.0
            return self._update_back(stack, record, old)

        def end() -> float:
            if changed and not work.settled(stack, record):
                return ASK_AGAIN_SECONDS
            if changed:
                work.tell(stack, record, "UPDATE_COMPLETE")
            return 0.0

        return work.step(stack, name, record, old.depends_on, begin, end, "UPDATE_FAILED", "Resource update cancelled")

    def _update_back(self, stack: Stack, record: StackResource, old: StackResource) -> float:
        work = self._work
        handler = work.handler(old.type)
        tags = stack.before.tags if stack.before else stack.tags
        context = work.context(stack, record)
        own = {key: value for key, value in context.tags.items() if key.startswith("aws:")}
        back = replace(context, tags={**tags, **own})
        failed = record.properties
        made = work.call(
            stack,
            lambda: handler.update(
                back,
                old.physical_id,
                work.with_secrets(stack, failed, must=False),
                work.with_secrets(stack, old.properties),
            ),
        )
        record.become(old)
        take(record, made)
        return handler.seconds * UPDATE_PART


def _swap(stack: Stack, record: StackResource, old: StackResource) -> None:
    """The new physical resource is to be cleaned up, the old one is the stack's again."""
    newer = copy.copy(record)
    newer.deletion_policy = newer.update_replace_policy = "Delete"
    stack.leftovers = [
        found for found in stack.leftovers if found.physical_id != old.physical_id or found.type != old.type
    ]
    if newer.exists:
        stack.leftovers.append(newer)
    record.become(old)
