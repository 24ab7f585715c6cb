"""A stack is deleted, or what is left of a resource is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from csoc.emulator.cloudformation.engine.work import (
    ASK_AGAIN_SECONDS,
    DELETE_PART,
    Work,
    names_failed,
)
from csoc.emulator.cloudformation.passes import Step
from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.stack_records import Stack, StackOperation, StackResource, Stacks

_KEEPING = ("Retain", "RetainExceptOnCreate")


class Deleting:
    """Deletes stacks and resources."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def delete(self, stacks: Stacks, stack: Stack, *, rolling_back: bool = False) -> None:
        """Deletes what the policies do not keep, then the stack. rolling_back: because its creation failed."""
        used = [name for name, (_, owner) in stacks.exports().items() if owner is stack and stacks.importers(name)]
        if used:
            users = " and ".join(user.name for user in stacks.importers(used[0]))
            self._work.note(stack, "DELETE_FAILED", f"Export {used[0]} cannot be deleted as it is in use by {users}")
            self._work.finish(stacks, stack, succeeded=False)
            return
        operation = stack.operation
        force = operation is not None and operation.force

        def done(failed: Sequence[str]) -> None:
            if failed and not force:
                self._work.note(stack, "DELETE_FAILED", names_failed("delete", _logical(failed)))
                self._work.finish(stacks, stack, succeeded=False)
                return
            stack.deleted_at = self._work.timeline.now()
            stack.outputs, stack.imports, stack.leftovers, stack.before = [], frozenset(), [], None
            self._work.note(stack, "DELETE_COMPLETE")
            self._work.finish(stacks, stack, succeeded=not rolling_back)
            for change_set in stacks.change_sets_of(stack):
                del stacks.change_sets[change_set.id]

        retain = operation.retain if operation else frozenset()
        steps = self.all_of(stack, retain, rolling_back=rolling_back)
        self._work.run(stacks, stack, steps, done, whole=True, past=force)

    def all_of(self, stack: Stack, retain: frozenset[str] = frozenset(), *, rolling_back: bool = False) -> list[Step]:
        """Steps that delete every resource of a stack and what is left of earlier ones."""
        found = []
        for record in stack.resources.values():
            if record.exists:
                policy = "Retain" if record.logical_id in retain else record.deletion_policy
                found.append((record, _on_rollback(policy, stack.operation) if rolling_back else policy))
        found += [(record, record.update_replace_policy) for record in stack.leftovers if record.exists]
        return self.steps(stack, found)

    def steps(self, stack: Stack, found: Iterable[tuple[StackResource, str]]) -> list[Step]:
        """Steps that delete resources by their policies; what uses another goes first."""
        named = [(f"{record.logical_id}#{number}", record, policy) for number, (record, policy) in enumerate(found)]
        users: dict[str, set[str]] = {}
        for name, record, _ in named:
            for used in record.depends_on:
                users.setdefault(used, set()).add(name)
        return [
            self._deleting(stack, name, record, frozenset(users.get(record.logical_id, set()) - {name}), policy)
            for name, record, policy in named
        ]

    def _deleting(self, stack: Stack, name: str, record: StackResource, after: frozenset[str], policy: str) -> Step:
        work = self._work

        def begin() -> float:
            if policy in _KEEPING:
                work.tell(stack, record, "DELETE_SKIPPED")
                return 0.0
            work.tell(stack, record, "DELETE_IN_PROGRESS")
            handler, context = work.handler(record.type), work.context(stack, record)
            snapshot = getattr(handler, "snapshot", None)
            if policy == "Snapshot" and snapshot is None:
                raise ResourceError(f"{record.type} cannot be kept as a snapshot", "InvalidRequest")
            work.fail_by_rule(stack, record.logical_id, "delete")
            if not record.gone:
                remove = snapshot if policy == "Snapshot" and snapshot is not None else handler.delete
                work.call(stack, lambda: remove(context, record.physical_id, record.properties))
                record.gone = True
            return handler.seconds * DELETE_PART

        def end() -> float:
            if record.status == "DELETE_SKIPPED":
                return 0.0
            handler, context = work.handler(record.type), work.context(stack, record)
            asked = getattr(handler, "deleted", None)
            try:
                if asked is not None and not work.call(stack, lambda: asked(context, record.physical_id)):
                    return ASK_AGAIN_SECONDS
            except ResourceError:
                record.gone = False
                raise
            work.tell(stack, record, "DELETE_COMPLETE")
            return 0.0

        return work.step(stack, name, record, after, begin, end, "DELETE_FAILED", "Resource deletion cancelled")


def _on_rollback(policy: str, operation: StackOperation | None) -> str:
    """What a deletion policy means for a resource that the operation made which is rolled back. Source: User Guide,
    "DeletionPolicy attribute" (RetainExceptOnCreate), and the request parameter of that name."""
    if policy == "RetainExceptOnCreate" or (policy == "Retain" and operation and operation.retain_except_on_create):
        return "Delete"
    return "Delete" if policy == "Snapshot" else policy


def on_rollback(record: StackResource, operation: StackOperation | None) -> str:
    """The same for a record."""
    return _on_rollback(record.deletion_policy, operation)


def _logical(names: Sequence[str]) -> list[str]:
    return [name.partition("#")[0] for name in names]
