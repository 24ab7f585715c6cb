"""A stack is updated: resources are made, changed in place or replaced, and what is no part of it any more is deleted
at the end.

Source: AWS CloudFormation User Guide, "Update behaviors of stack resources", "UpdateReplacePolicy attribute".
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from csoc.emulator.cloudformation import stack_policies
from csoc.emulator.cloudformation.decisions import decide
from csoc.emulator.cloudformation.engine.creating import Creating, set_attributes
from csoc.emulator.cloudformation.engine.deleting import Deleting
from csoc.emulator.cloudformation.engine.outputs import finish_outputs
from csoc.emulator.cloudformation.engine.rolling_back import RollingBack
from csoc.emulator.cloudformation.engine.work import (
    ASK_AGAIN_SECONDS,
    STACK_TYPE,
    UPDATE_PART,
    Resolved,
    Work,
    internal_failure,
    names_failed,
    take,
    template_of,
)
from csoc.emulator.cloudformation.passes import Step
from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.stack_records import Stack, StackResource, Stacks
from csoc.emulator.cloudformation.template.model import Resource, TemplateError


class Updating:
    """Updates stacks."""

    def __init__(self, work: Work, creating: Creating, deleting: Deleting, rolling_back: RollingBack) -> None:
        self._work = work
        self._creating = creating
        self._deleting = deleting
        self._rolling_back = rolling_back

    def update(self, stacks: Stacks, stack: Stack) -> None:
        """Brings the resources to the stack's template, parameters and tags."""
        try:
            wanted = self._work.wanted(stacks, stack)
        except TemplateError as error:
            self.failed(stacks, stack, str(error))
            return
        except Exception as error:  # noqa: BLE001 - see internal_failure
            self.failed(stacks, stack, str(internal_failure(stack, error)))
            return

        def done(failed: Sequence[str]) -> None:
            reason = _failed_reason(stack, failed) if failed else finish_outputs(self._work, stacks, stack)
            if reason:
                self.failed(stacks, stack, reason)
            else:
                self.clean_up(stacks, stack, frozenset(wanted))

        template = template_of(stack)
        steps = []
        for name in sorted(wanted):
            record = stack.resources.get(name)
            there = record is not None and record.exists and record.status != "CREATE_FAILED"
            make = self._step if there else self._creating.step
            steps.append(make(stacks, stack, template.resources[name], wanted[name]))
        steps += [self._removing(stack, record) for name, record in stack.resources.items() if name not in wanted]
        self._work.run(stacks, stack, steps, done)

    def failed(self, stacks: Stacks, stack: Stack, reason: str) -> None:
        """What follows when updating failed, as the request asked for."""
        if stack.operation is not None and stack.operation.on_failure == "DO_NOTHING":
            self._work.note(stack, "UPDATE_FAILED", reason)
            self._work.finish(stacks, stack, succeeded=False)
        else:
            self._rolling_back.roll_back(stacks, stack, reason)

    def clean_up(self, stacks: Stacks, stack: Stack, wanted: frozenset[str]) -> None:
        """Deletes what the stack does not have any more. What cannot be deleted is left behind; an event says so."""
        self._work.note(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        found = [
            (record, record.deletion_policy)
            for name, record in stack.resources.items()
            if name not in wanted and record.exists
        ]
        found += [(record, record.update_replace_policy) for record in stack.leftovers if record.exists]

        def done(_: Sequence[str]) -> None:
            for name in [name for name in stack.resources if name not in wanted]:
                del stack.resources[name]
            stack.before, stack.leftovers = None, []
            self._work.note(stack, "UPDATE_COMPLETE")
            self._work.finish(stacks, stack, succeeded=True)

        self._work.run(stacks, stack, self._deleting.steps(stack, found), done, whole=True, past=True)

    def _removing(self, stack: Stack, record: StackResource) -> Step:
        """Whether a resource may be taken out of the stack. It is deleted with the clean-up, when nothing can fail."""

        def begin() -> float:
            if record.exists:
                self._allowed(stack, record, "Update:Delete")
            return 0.0

        return self._work.step(stack, record.logical_id, record, frozenset(), begin, lambda: 0.0, "UPDATE_FAILED", "")

    def _allowed(self, stack: Stack, record: StackResource, action: str) -> None:
        policy = stack.operation.policy if stack.operation else ""
        stack_policies.check(policy, record.logical_id, record.type, action)

    def _step(self, stacks: Stacks, stack: Stack, resource: Resource, after: frozenset[str]) -> Step:
        work, record = self._work, stack.resources[resource.logical_id]
        changed: list[str] = []

        def begin() -> float:
            resolved = work.resolved(stacks, stack, resource)
            decision = decide(
                work.schemas, record.type, record.properties, resolved.properties, record.tags, stack.tags
            )
            # A nested stack's template may have changed without its parent's; a failed attempt is made again.
            again = record.type == STACK_TYPE or record.status == "UPDATE_FAILED"
            if not decision.changes and not again:
                self._keep(stack, record, resource, after, resolved)
                return 0.0
            self._allowed(stack, record, "Update:Replace" if decision.replaces else "Update:Modify")
            changed.append(record.logical_id)
            if decision.replaces:
                return self._replace(stack, resource, record, resolved, after)
            return self._modify(stack, resource, record, resolved, after)

        def end() -> float:
            if changed and not work.settled(stack, record):
                return ASK_AGAIN_SECONDS
            if changed:
                work.tell(stack, record, "UPDATE_COMPLETE")
            return 0.0

        return work.step(
            stack, resource.logical_id, record, after, begin, end, "UPDATE_FAILED", "Resource update cancelled"
        )

    @staticmethod
    def _keep(
        stack: Stack, record: StackResource, resource: Resource, after: frozenset[str], resolved: Resolved
    ) -> None:
        set_attributes(record, resource, after)
        record.shown, record.imports, record.tags = resolved.shown, resolved.imports, dict(stack.tags)

    def _modify(
        self, stack: Stack, resource: Resource, record: StackResource, resolved: Resolved, after: frozenset[str]
    ) -> float:
        work = self._work
        handler, tags_before = work.handler(record.type), dict(record.tags)
        before: Mapping[str, Any] = record.properties
        # From here on the resource is what was asked for, or on the way to it: a rollback has to change it back.
        record.properties = resolved.properties
        self._keep(stack, record, resource, after, resolved)
        work.tell(stack, record, "UPDATE_IN_PROGRESS")
        work.fail_by_rule(stack, record.logical_id, "update")
        context = work.context(stack, record, tags_before)
        made = work.call(
            stack,
            lambda: handler.update(
                context,
                record.physical_id,
                work.with_secrets(stack, before, must=False),
                work.with_secrets(stack, resolved.properties),
            ),
        )
        take(record, made)
        return handler.seconds * UPDATE_PART

    def _replace(
        self, stack: Stack, resource: Resource, record: StackResource, resolved: Resolved, after: frozenset[str]
    ) -> float:
        work = self._work
        name = work.schemas.custom_name(record.type, resolved.properties)
        if name and name == work.schemas.custom_name(record.type, record.properties):
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename "
                f"{name} and update the stack again.",
                "AlreadyExists",
            )
        old = copy.copy(record)
        old.update_replace_policy = resource.update_replace_policy
        work.tell(
            stack,
            record,
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        )
        work.fail_by_rule(stack, record.logical_id, "update")
        newer = copy.copy(record)
        newer.physical_id = ""
        try:
            seconds = work.make(stack, newer, resolved)
        except ResourceError:
            if newer.physical_id:
                newer.update_replace_policy = "Delete"
                stack.leftovers.append(newer)
            raise
        newer.properties = resolved.properties
        record.become(newer)
        self._keep(stack, record, resource, after, resolved)
        stack.leftovers.append(old)
        work.tell(stack, record, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        return seconds


def _failed_reason(stack: Stack, failed: Sequence[str]) -> str:
    """Names what failed, apart for what was created and what was changed."""
    created = [name for name in failed if stack.resources[name].status == "CREATE_FAILED"]
    updated = [name for name in failed if name not in created]
    return " ".join(names_failed(verb, names) for verb, names in (("create", created), ("update", updated)) if names)
