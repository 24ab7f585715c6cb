"""Applies one layer of an approved plan, from the change set to the stack's end, as often as it is asked to.

A run can end at any line of this module and begin again at the first. So nothing is remembered here: each call looks at
the stack, finds by names and tokens what an earlier call did, and goes on from there. Before each effect the fence is
asked, since another executor may own the run by now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from csoc.errors import ConflictError, DeniedError, RejectedError, UnavailableError
from csoc.provisioning.explain import NOT_PUT_BACK, Failure, first_failure, undeletable
from csoc.provisioning.planning import Target, change_set_name, check_changeable, stack_request
from csoc.provisioning.plans import LayerPlan, PlanKind
from csoc.provisioning.policies.data_is_kept import HOLD_DATA
from csoc.provisioning.records import Record, records_waited_for, validated_by_hand
from csoc.provisioning.service_roles import command, services_of
from csoc.provisioning.stack_states import FAILED_CREATION, is_half_deleted, is_there, state_digest
from csoc.provisioning.stacks import Action, ChangeSet, ResourceChange, StackEvent, Stacks, StackState
from csoc.provisioning.synthesis import Template
from csoc.provisioning.templates import IS_THERE, resources_of

# A fresh look into a stack's operation after so long, even if it keeps sending events.
_FOLLOW_SECONDS = 60.0
# Behind the token of an attempt, for the rollback that it goes on with.
_BACK = "-back"
_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "IMPORT_COMPLETE")


class Fence(Protocol):
    """Says whether this executor still owns the run."""

    def check(self) -> None:
        """Raises ConflictError if it does not."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """The layer is as planned. outputs: of its stack. changed: False if there was nothing to do."""

    outputs: Mapping[str, str]
    changed: bool


@dataclass(frozen=True, slots=True)
class NotShown:
    """What the change set would do was not all shown to the one who approved; nothing was done."""

    changes: tuple[ResourceChange, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The stack failed and was rolled back (or could not be). left: what the rollback of a first creation could not
    take back, with what was said. taken: names among that which the next
    stack needs."""

    failure: Failure | None
    status: str
    left: Mapping[str, str] = field(default_factory=dict)
    taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """The stack goes on once somebody made these records; it was followed until then."""

    records: tuple[Record, ...]


Outcome = Applied | NotShown | Failed | Held
Log = Callable[[str], None]


class _HeldError(Exception):
    """The stack waits for records that somebody must make."""

    def __init__(self, records: tuple[Record, ...]) -> None:
        super().__init__("it waits for records")
        self.records = records


class LayerApplier:
    """See the module."""

    def __init__(self, stacks: Stacks, fence: Fence, log: Log, *, seconds: float = 7200.0) -> None:
        self._stacks = stacks
        self._fence = fence
        self._log = log
        self._seconds = seconds
        self._told: set[str] = set()
        self._by_hand: frozenset[str] = frozenset()

    def apply(
        self,
        plan_id: str,
        shown: LayerPlan,
        template: Template,
        target: Target,
        token: str,
        unlocks: tuple[str, ...] = (),
        given: Mapping[str, str] | None = None,
        skip: Sequence[str] = (),
    ) -> Outcome:
        """Brings a layer to what was approved. token: of the run, the layer and the attempt; the same one after a
        crash, another one once an attempt failed. unlocks: of the plan. given: parameters that are known by now
        (the load balancer's name), for which a change set is made anew. skip: logical ids that a rollback which is gone
        on with leaves as they are. A stack that is held up by a record which somebody must make is left to itself, to
        be looked at again.

        Raises RejectedError (the template is not the approved one), ConflictError (somebody else works on the stack, or
        this executor does not own the run any more), UnavailableError (could not find out).
        """
        if template.digest != shown.template_digest:
            raise RejectedError(
                f"The template of {shown.layer} is not the one that was approved",
                place=shown.stack,
                fix="Plan again, and have that approved",
            )
        self._by_hand = validated_by_hand(resources_of(template.body))
        try:
            return self._apply(plan_id, shown, template, target, token, unlocks, given or {}, skip)
        except _HeldError as held:
            return Held(held.records)

    def _apply(
        self,
        plan_id: str,
        shown: LayerPlan,
        template: Template,
        target: Target,
        token: str,
        unlocks: tuple[str, ...],
        given: Mapping[str, str],
        skip: Sequence[str],
    ) -> Outcome:
        state = self._settled(shown.stack, token)
        begun = self._operation(shown.stack, token)
        if begun and state is not None and state.status in _DONE:
            return self._finished(state, changed=True)
        if begun and state is not None:
            return self._failed(shown.stack, token, state)
        check_changeable(state, shown.layer, target)
        if state is not None and state.status == NOT_PUT_BACK:
            state = self._put_back(state, target, f"{token}{_BACK}", skip)
            if state.status == NOT_PUT_BACK:
                return self._failed(shown.stack, f"{token}{_BACK}", state)
        if not given and shown.kind is PlanKind.UNCHANGED and is_there(state) and state is not None:
            return self._finished(state, changed=False)
        if state is not None and state.status in FAILED_CREATION:
            state = self._remove_failed(state, shown.layer, target, token)
        change_set = self._change_set(plan_id, shown, template, state, target, given)
        if change_set.is_empty:
            self._fence.check()
            self._stacks.drop_change_set(shown.stack, change_set.name)
            return self._finished(self._require(shown.stack), changed=False)
        beyond = not_shown(shown, change_set, template)
        if beyond:
            self._fence.check()
            self._stacks.drop_change_set(shown.stack, change_set.name)
            return NotShown(beyond, f"{len(beyond)} changes of {shown.layer} were not in the plan")
        freed = [one.partition("/")[2] for one in unlocks if one.startswith(f"{shown.layer}/")]
        if freed and is_there(state):
            self._fence.check()
            self._stacks.protect(shown.stack, stack_policy(freed))
        self._make_service_roles(template)
        self._fence.check()
        self._stacks.execute(shown.stack, change_set.name, token)
        state = self._settled(shown.stack, token)
        if state is None:
            raise UnavailableError("The stack is gone after its change set was executed", place=shown.stack)
        return self._finished(state, changed=True) if state.status in _DONE else self._failed(shown.stack, token, state)

    def destroy(self, shown: LayerPlan, target: Target, token: str) -> Outcome:
        """Deletes a layer's stack. What its policies keep stays in the account. Raises as `apply`."""
        state = self._settled(shown.stack, token)
        if state is None:
            return Applied({}, changed=bool(shown.changes))
        if state.status == "DELETE_FAILED" and self._operation(shown.stack, token):
            return self._failed(shown.stack, token, state)
        if state_digest(state) != shown.stack_state:
            raise RejectedError(
                f"The stack {shown.stack} changed since it was planned", place=state.id, fix="Plan again"
            )
        self._fence.check()
        self._stacks.unprotect(shown.stack)
        self._fence.check()
        self._stacks.delete(shown.stack, token, target.execution_role, self._retained(shown, state))
        left = self._settled(shown.stack, token)
        return Applied({}, changed=True) if left is None else self._failed(shown.stack, token, left)

    def _retained(self, shown: LayerPlan, state: StackState) -> tuple[str, ...]:
        """What an earlier deletion could not delete and the plan shows as kept. What a policy keeps needs no word."""
        if not is_half_deleted(state):
            return ()
        failed = undeletable(self._stacks.events(shown.stack), shown.stack)
        return tuple(change.logical_id for change in shown.changes if change.kept and change.logical_id in failed)

    def _change_set(
        self,
        plan_id: str,
        shown: LayerPlan,
        template: Template,
        state: StackState | None,
        target: Target,
        given: Mapping[str, str],
    ) -> ChangeSet:
        """The approved change set if it still holds; else one made anew from the approved template."""
        if not given and shown.kind is PlanKind.EXACT and state_digest(state) == shown.stack_state:
            found = self._stacks.find_change_set(shown.stack, shown.change_set)
            if found is not None and found.execution_status == "AVAILABLE":
                return found
        self._fence.check()
        self._log(f"{shown.layer}: making the change set")
        request = stack_request(template, target, state, given)
        # Another name than the plan's: CloudFormation would give back the old one, obsolete or failed as it is.
        made = self._stacks.make_change_set(request, f"{change_set_name(plan_id)}-{(state_digest(state))[:8]}")
        if made.status == "FAILED" and not made.is_empty:
            self._stacks.drop_change_set(shown.stack, made.name)
            raise RejectedError(
                f"CloudFormation refuses the change of {shown.layer}: {made.reason}",
                place=shown.stack,
                fix="Correct what it names, and plan again",
            )
        return made

    def _make_service_roles(self, template: Template) -> None:
        """What a stack would fail without after twenty minutes."""
        for service in services_of(resources_of(template.body)):
            self._fence.check()
            try:
                if self._stacks.service_role(service):
                    self._log(f"Made the account's service-linked role of {service}")
            except DeniedError as error:
                raise DeniedError(
                    f"{template.layer} needs the account's service-linked role of {service}, and whether it is there "
                    f"csoc may not find out: {error.cause}",
                    place=error.place,
                    fix=f"Update the link's stack, or paste what csoc account verify shows, then csoc runs resume. By "
                    f"hand, with rights of an administrator: {command(service)}",
                ) from error

    def _put_back(self, state: StackState, target: Target, token: str, skip: Sequence[str]) -> StackState:
        """Goes on with the rollback of an update, once an attempt."""
        if not self._operation(state.name, token):
            left = f", leaving {', '.join(sorted(skip))} as it is" if skip else ""
            self._log(f"{state.name}: putting back what an update changed and its rollback did not put back{left}")
            self._fence.check()
            self._stacks.put_back(state.name, token, target.execution_role, skip)
        found = self._settled(state.name, token)
        if found is None:
            raise UnavailableError("The stack is gone while it was put back", place=state.id, fix="Plan again")
        return found

    def _remove_failed(self, state: StackState, layer: str, target: Target, token: str) -> StackState | None:
        """Nothing of it was ever used. What its deletion policies keep stays under a name that is in nobody's way, or
        is found by what comes next."""
        there = self._stacks.resources(state.name)
        left = [there.get(name, name) for name in undeletable(self._stacks.events(state.name), state.name)]
        stays = f"; what could not be taken back stays in the account: {', '.join(sorted(left))}" if left else ""
        self._log(f"{state.name}: deleting the stack of a creation that failed{stays}")
        self._fence.check()
        self._stacks.delete(state.name, f"{token}-clean", target.execution_role)
        found = self._settled(state.name, f"{token}-clean")
        if found is not None:
            said = undeletable(self._stacks.events(state.name), state.name)
            raise ConflictError(
                f"The stack {state.name} of a creation that failed cannot be deleted: {found.status}. "
                f"{'; '.join(f'{name}: {why}' for name, why in sorted(said.items()))}",
                place=found.id,
                fix=f"Mend what is named, or let it stay in the account: csoc destroy "
                f"{target.owner_kind}/{target.owner_name} --layer {layer}. Then csoc runs resume",
            )
        return None

    def _settled(self, stack: str, token: str) -> StackState | None:
        """The stack once nothing is going on in it; its events are logged meanwhile. Raises ConflictError if what goes
        on is somebody else's, UnavailableError if it takes too long."""
        waited = 0.0
        while True:
            state = self._stacks.find(stack)
            if state is None or not state.is_busy:
                return state
            if not any(event.token.startswith(token) for event in self._stacks.events(stack)[-200:]):
                # A stack that was deleted between the two looks has no events under its name.
                state = self._stacks.find(stack)
                if state is None or not state.is_busy:
                    return state
                raise ConflictError(
                    f"Somebody else is changing the stack {stack}: {state.status}",
                    place=state.id,
                    fix="Wait for the end of that, then resume the run",
                )
            self._check_held(stack, token)
            if waited >= self._seconds:
                raise UnavailableError(f"The stack {stack} is still {state.status}", place=state.id, fix="Resume later")
            for event in self._stacks.follow(stack, token, _FOLLOW_SECONDS):
                if event.id not in self._told:
                    self._told.add(event.id)
                    self._log(told(event))
                if event.logical_id in self._by_hand and event.reason:
                    self._check_held(stack, token)
            waited += _FOLLOW_SECONDS

    def _check_held(self, stack: str, token: str) -> None:
        if self._by_hand:
            records = records_waited_for(self._operation(stack, token), self._by_hand)
            if records:
                raise _HeldError(records)

    def _operation(self, stack: str, token: str) -> list[StackEvent]:
        return [event for event in self._stacks.events(stack) if event.token == token]

    def _finished(self, state: StackState, *, changed: bool) -> Applied:
        self._fence.check()
        self._stacks.protect(state.name, stack_policy())
        return Applied(dict(state.outputs), changed)

    def _failed(self, stack: str, token: str, state: StackState) -> Failed:
        left = undeletable(self._stacks.events(stack), stack) if state.status in FAILED_CREATION else {}
        taken = tuple(sorted(self._named(stack, left))) if left else ()
        return Failed(first_failure(self._operation(stack, token), stack), state.status, left, taken)

    def _named(self, stack: str, logical_ids: Collection[str]) -> Iterator[str]:
        """Names of those resources to which the template gave them."""
        there, resources = self._stacks.resources(stack), resources_of(self._stacks.template(stack))
        for logical_id in logical_ids:
            name = there.get(logical_id)
            if name is not None and name in resources.get(logical_id, {}).get("Properties", {}).values():
                yield name

    def _require(self, stack: str) -> StackState:
        state = self._stacks.find(stack)
        if state is None:
            raise UnavailableError("The stack that was to be unchanged is gone", place=stack, fix="Plan again")
        return state


def stack_policy(freed: Sequence[str] = ()) -> str:
    """What holds data is neither replaced nor deleted by an update, whoever asks CloudFormation for it. freed: logical
    ids for which that does not hold."""
    guarded: dict[str, Any] = {
        "Effect": "Deny",
        "Action": ["Update:Replace", "Update:Delete"],
        "Principal": "*",
        "Condition": {"StringEquals": {"ResourceType": sorted(HOLD_DATA)}},
    }
    if freed:
        guarded["NotResource"] = [f"LogicalResourceId/{name}" for name in sorted(freed)]
    else:
        guarded["Resource"] = "*"
    allowed = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    return json.dumps({"Statement": [allowed, guarded]}, sort_keys=True)


def not_shown(shown: LayerPlan, change_set: ChangeSet, template: Template) -> tuple[ResourceChange, ...]:
    """The changes of a change set that the plan did not show. For a Preview, what adds a resource of the template was
    shown; everything else was not."""
    if shown.kind is PlanKind.PREVIEW:
        resources = {change.logical_id for change in shown.changes} & set(resources_of(template.body))
        return tuple(
            change
            for change in change_set.changes
            if (change.action is not Action.ADD or change.logical_id not in resources)
            and not _comes_later(shown, change)
        )
    known = {change.logical_id: change for change in shown.changes}
    return tuple(
        change
        for change in change_set.changes
        if not _covers(known.get(change.logical_id), change) and not _comes_later(shown, change)
    )


def _comes_later(shown: LayerPlan, change: ResourceChange) -> bool:
    named = f"{change.logical_id} ({change.type})"
    if change.action is Action.MODIFY and f"{named}{IS_THERE}" in shown.later:
        return True
    return change.action in (Action.ADD, Action.MODIFY) and named in shown.later


_SEVERITY = {
    Action.ADD: 0,
    Action.IMPORT: 0,
    Action.MODIFY: 1,
    Action.MAYBE_REPLACE: 2,
    Action.REPLACE: 3,
    Action.REMOVE: 3,
}


def _covers(shown: ResourceChange | None, wanted: ResourceChange) -> bool:
    if shown is None or shown.type != wanted.type:
        return False
    if shown.action is not wanted.action and (
        _SEVERITY[wanted.action] > _SEVERITY[shown.action] or Action.REMOVE in (shown.action, wanted.action)
    ):
        return False
    after = {one.path: one.after for one in shown.properties}
    return all(one.path in after and after[one.path] == one.after for one in wanted.properties)


def told(event: StackEvent) -> str:
    """An event as a line of a log."""
    what = f"{event.logical_id} ({event.type}) {event.status.lower().replace('_', ' ')}"
    return f"{what}: {' '.join(event.reason.split())[:300]}" if event.reason else what
