"""CloudFormation stacks in memory: enough of it for what plans and their application are about.

A template is JSON whose resources have literal properties, `Ref`s of parameters, and outputs. A property named in
`REPLACES` replaces its resource, as `createOnlyProperties` do. A condition is the name of a parameter that is not
empty. A resource with the property `Fails` fails with that
reason, and its stack rolls back; one with `Stays` cannot be deleted, for that reason. Operations end within the call
that executes them unless `hold` is set, so that a test can look at a stack that is busy.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from csoc.errors import ConflictError, NotFoundError, RejectedError
from csoc.provisioning import names
from csoc.provisioning.stacks import (
    Action,
    ChangeSet,
    Drifted,
    PropertyChange,
    ResourceChange,
    StackEvent,
    StackRequest,
    StackState,
)

REPLACES = frozenset({"Name", "CidrBlock", "Engine"})
_START = datetime(2026, 11, 23, tzinfo=UTC)
_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")
_PUT_BACK = "UPDATE_ROLLBACK_COMPLETE"
_Resources = dict[str, dict[str, Any]]


@dataclass
class _Stack:
    name: str
    id: str
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    template: str = ""
    resources: _Resources = field(default_factory=dict)
    physical: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    changed_at: datetime | None = None
    is_protected: bool = False
    policy: str = ""
    change_sets: dict[str, tuple[ChangeSet, StackRequest]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    retain: frozenset[str] = frozenset()


class MemoryStacks:
    """See csoc.provisioning.stacks.Stacks. installation: whose stacks may be changed. parameters: SSM's. effects: what
    was executed or deleted, in order. hold: operations stay in progress until `finish`. not_put_back: resources that a
    continued rollback cannot put back, with the reason."""

    def __init__(self, installation: str) -> None:
        self.installation = installation
        self.parameters: dict[str, str] = {}
        self.effects: list[str] = []
        self.kept: list[str] = []
        self.hold = False
        self.not_put_back: dict[str, str] = {}
        self.service_roles: set[str] = set()
        self._stacks: dict[str, _Stack] = {}
        self._events: dict[str, list[StackEvent]] = {}
        self._made = 0
        self._pending: list[tuple[_Stack, StackRequest | None, str]] = []

    def find(self, name: str) -> StackState | None:
        stack = self._stacks.get(name)
        if stack is None:
            return None
        return StackState(
            id=stack.id,
            name=name,
            status=stack.status,
            reason=stack.reason,
            outputs=dict(stack.outputs),
            parameters=dict(stack.parameters),
            tags=dict(stack.tags),
            changed_at=stack.changed_at,
            template_digest=hashlib.sha256(stack.template.encode()).hexdigest() if stack.template else "",
            is_protected=stack.is_protected,
        )

    def template(self, name: str) -> str:
        return self._stack(name).template

    def resources(self, name: str) -> Mapping[str, str]:
        return dict(self._stack(name).physical)

    def make_change_set(self, request: StackRequest, name: str) -> ChangeSet:
        stack = self._stacks.get(request.stack)
        if stack is not None:
            self._check_ours(stack)
            if name in stack.change_sets:
                return stack.change_sets[name][0]
            if stack.status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED") or self._busy(stack):
                raise ConflictError(f"The stack is in {stack.status}", place=stack.id, fix="Delete it")
        if stack is None:
            stack = self._stacks[request.stack] = _Stack(
                request.stack, self._id(request.stack), tags=dict(request.tags)
            )
        made = self._compared(stack, request, name)
        stack.change_sets[name] = (made, request)
        return made

    def find_change_set(self, stack: str, name: str) -> ChangeSet | None:
        found = self._stacks.get(stack)
        return found.change_sets[name][0] if found is not None and name in found.change_sets else None

    def drop_change_set(self, stack: str, name: str) -> None:
        found = self._stacks.get(stack)
        if found is None:
            return
        found.change_sets.pop(name, None)
        if found.status == "REVIEW_IN_PROGRESS" and not found.change_sets:
            del self._stacks[stack]

    def execute(self, stack: str, change_set: str, token: str) -> None:
        found = self._stack(stack)
        self._check_ours(found)
        if token in found.tokens:
            return
        if change_set not in found.change_sets:
            raise NotFoundError(f"There is no change set {change_set}", place=found.id)
        made, request = found.change_sets[change_set]
        if made.status != "CREATE_COMPLETE":
            raise RejectedError(f"The change set is {made.status}", place=found.id)
        self._check_policy(found, made)
        found.change_sets.clear()
        found.tokens.add(token)
        self.effects.append(f"execute {stack}")
        is_new = not found.template
        found.status = "CREATE_IN_PROGRESS" if is_new else "UPDATE_IN_PROGRESS"
        self._event(found, stack, "AWS::CloudFormation::Stack", found.status, token)
        self._pending.append((found, request, token))
        if not self.hold:
            self.finish()

    def finish(self) -> None:
        """Ends what is in progress."""
        pending, self._pending = self._pending, []
        for stack, request, token in pending:
            if request is None:
                self._delete(stack, token)
            else:
                self._carry_out(stack, request, token)

    def protect(self, stack: str, policy: str) -> None:
        found = self._stack(stack)
        self._check_ours(found)
        found.is_protected, found.policy = True, policy

    def unprotect(self, stack: str) -> None:
        found = self._stack(stack)
        self._check_ours(found)
        found.is_protected = False

    def delete(self, stack: str, token: str, role: str, retain: Sequence[str] = ()) -> None:  # noqa: ARG002 - the port's
        found = self._stacks.get(stack)
        if found is None:
            return
        self._check_ours(found)
        if found.is_protected:
            raise RejectedError("Termination protection is on", place=found.id, fix="Switch it off")
        if retain and found.status != "DELETE_FAILED":
            raise RejectedError(f"Nothing is retained of a stack in {found.status}", place=found.id)
        found.retain = frozenset(retain)
        self.effects.append(f"delete {stack}")
        found.status = "DELETE_IN_PROGRESS"
        self._event(found, stack, "AWS::CloudFormation::Stack", "DELETE_IN_PROGRESS", token)
        self._pending.append((found, None, token))
        if not self.hold:
            self.finish()

    def put_back(self, stack: str, token: str, role: str, skip: Sequence[str] = ()) -> None:  # noqa: ARG002 - the port's
        found = self._stack(stack)
        self._check_ours(found)
        if token in found.tokens:
            return
        if found.status != "UPDATE_ROLLBACK_FAILED":
            raise RejectedError(f"The stack is in {found.status} and cannot be rolled back", place=found.id)
        wrong = sorted(set(skip) - set(self.not_put_back))
        if wrong:
            raise RejectedError(f"{wrong[0]} did not fail and cannot be skipped", place=found.id)
        found.tokens.add(token)
        self.effects.append(f"put back {stack}")
        for logical_id in skip:
            del self.not_put_back[logical_id]
        for logical_id, reason in self.not_put_back.items():
            self._event(found, logical_id, "AWS::SQS::Queue", "UPDATE_FAILED", token, reason)
        found.status = "UPDATE_ROLLBACK_FAILED" if self.not_put_back else "UPDATE_ROLLBACK_COMPLETE"
        found.changed_at = self._now()
        self._event(found, found.name, "AWS::CloudFormation::Stack", found.status, token)

    def events(self, stack: str, since: str = "") -> Sequence[StackEvent]:
        found = self._events.get(stack, [])
        ids = [event.id for event in found]
        return found[ids.index(since) + 1 :] if since in ids else list(found)

    def follow(self, stack: str, token: str, seconds: float) -> Iterator[StackEvent]:  # noqa: ARG002 - the port's
        self.finish()
        yield from (event for event in self.events(stack) if event.token == token)

    def drift(self, stack: str) -> Sequence[Drifted]:
        self._stack(stack)
        return []

    def service_role(self, service: str) -> bool:
        if service in self.service_roles:
            return False
        self.service_roles.add(service)
        self.effects.append(f"make the role of {service}")
        return True

    def parameter(self, path: str) -> str:
        if path not in self.parameters:
            raise NotFoundError(f"There is no parameter {path}", place=path)
        return self.parameters[path]

    def _carry_out(self, stack: _Stack, request: StackRequest, token: str) -> None:
        resources = self._resolved(request)
        is_new = not stack.template
        for logical_id, resource in resources.items():
            reason = resource.get("Properties", {}).get("Fails")
            if reason:
                what = "CREATE_FAILED" if logical_id not in stack.resources else "UPDATE_FAILED"
                self._event(stack, logical_id, resource["Type"], what, token, str(reason))
                stack.status = self._rolled_back(stack, request, resources, token) if is_new else _PUT_BACK
                stack.changed_at = self._now()
                self._event(stack, stack.name, "AWS::CloudFormation::Stack", stack.status, token)
                return
        for logical_id in list(stack.resources):
            if logical_id not in resources:
                self._removed(stack, logical_id)
        for logical_id, resource in resources.items():
            before = stack.resources.get(logical_id)
            if before is None or _replaced(before, resource):
                if before is not None:
                    self._removed(stack, logical_id)
                stack.physical[logical_id] = f"{logical_id.lower()}-{self._next()}"
            stack.resources[logical_id] = resource
            self._event(stack, logical_id, resource["Type"], "CREATE_COMPLETE", token)
        stack.template, stack.parameters = request.template, self._values(request)
        outputs = json.loads(request.template).get("Outputs", {})
        stack.outputs = {name: _text(one["Value"], stack.parameters, stack.physical) for name, one in outputs.items()}
        for resource in resources.values():
            if resource["Type"] == "AWS::SSM::Parameter":
                properties = resource["Properties"]
                self.parameters[properties["Name"]] = _text(properties["Value"], stack.parameters, stack.physical)
        stack.status = "CREATE_COMPLETE" if is_new else "UPDATE_COMPLETE"
        stack.changed_at = self._now()
        self._event(stack, stack.name, "AWS::CloudFormation::Stack", stack.status, token)

    def _rolled_back(self, stack: _Stack, request: StackRequest, resources: _Resources, token: str) -> str:
        """How the rollback of a first creation ends: what cannot be deleted stays in the stack."""
        self._event(stack, stack.name, "AWS::CloudFormation::Stack", "ROLLBACK_IN_PROGRESS", token)
        for logical_id, resource in resources.items():
            reason = resource.get("Properties", {}).get("Stays")
            if reason:
                stack.resources[logical_id] = resource
                stack.physical[logical_id] = f"{logical_id.lower()}-{self._next()}"
                self._event(stack, logical_id, resource["Type"], "DELETE_FAILED", token, str(reason))
        stack.template = request.template if stack.resources else ""
        return "ROLLBACK_FAILED" if stack.resources else "ROLLBACK_COMPLETE"

    def _delete(self, stack: _Stack, token: str) -> None:
        for logical_id in list(stack.resources):
            resource = stack.resources[logical_id]
            reason = resource.get("Properties", {}).get("Stays")
            if logical_id in stack.retain:
                self.kept.append(stack.physical[logical_id])
                del stack.resources[logical_id], stack.physical[logical_id]
            elif reason and resource.get("DeletionPolicy") not in _KEPT:
                self._event(stack, logical_id, resource["Type"], "DELETE_FAILED", token, str(reason))
            else:
                self._removed(stack, logical_id)
        if stack.resources:
            stack.status, stack.changed_at = "DELETE_FAILED", self._now()
            self._event(stack, stack.name, "AWS::CloudFormation::Stack", "DELETE_FAILED", token)
            return
        self._event(stack, stack.name, "AWS::CloudFormation::Stack", "DELETE_COMPLETE", token)
        del self._stacks[stack.name]

    def _removed(self, stack: _Stack, logical_id: str) -> None:
        resource, physical_id = stack.resources.pop(logical_id), stack.physical.pop(logical_id)
        if resource.get("DeletionPolicy") in _KEPT:
            self.kept.append(physical_id)
        elif resource["Type"] == "AWS::SSM::Parameter":
            self.parameters.pop(resource["Properties"]["Name"], None)

    def _compared(self, stack: _Stack, request: StackRequest, name: str) -> ChangeSet:
        arn = f"{stack.id}/changeSet/{name}"
        try:
            values = self._values(request)
        except NotFoundError as error:
            return ChangeSet(arn, name, "FAILED", f"Parameters: [{error.place}] cannot be found")
        after = self._resolved(request)
        changes = [
            _change(
                logical_id, stack.resources.get(logical_id), after.get(logical_id), stack.physical.get(logical_id, "")
            )
            for logical_id in sorted({*stack.resources, *after})
        ]
        found = tuple(change for change in changes if change is not None)
        if not found:
            return ChangeSet(arn, name, "FAILED", "The submitted information didn't contain changes.", True)
        return ChangeSet(arn, name, "CREATE_COMPLETE", "", False, found, values, "AVAILABLE")

    def _values(self, request: StackRequest) -> dict[str, str]:
        declared = json.loads(request.template).get("Parameters", {})
        values = {}
        for name, one in declared.items():
            given = request.parameters.get(name, one.get("Default", ""))
            values[name] = self.parameter(given) if one["Type"].startswith("AWS::SSM::") else given
        return values

    def _resolved(self, request: StackRequest) -> _Resources:
        values = self._values(request)
        template = json.loads(request.template)
        conditions = {name: bool(values.get(parameter)) for name, parameter in template.get("Conditions", {}).items()}
        everything: _Resources = copy.deepcopy(template.get("Resources", {}))
        resources = {name: one for name, one in everything.items() if conditions.get(one.get("Condition", ""), True)}
        for resource in resources.values():
            properties = resource.get("Properties", {})
            resource["Properties"] = {
                key: values.get(value["Ref"], value) if isinstance(value, Mapping) and set(value) == {"Ref"} else value
                for key, value in properties.items()
            }
        return resources

    def _check_policy(self, stack: _Stack, made: ChangeSet) -> None:
        for statement in json.loads(stack.policy)["Statement"] if stack.policy else []:
            if statement["Effect"] != "Deny":
                continue
            guarded = statement["Condition"]["StringEquals"]["ResourceType"]
            freed = [one.partition("/")[2] for one in statement.get("NotResource", [])]
            for change in made.changes:
                losing = change.action in (Action.REPLACE, Action.REMOVE)
                if losing and change.type in guarded and change.logical_id not in freed:
                    raise RejectedError(
                        f"The stack policy denies to {change.action} {change.logical_id}", place=stack.id
                    )

    def _check_ours(self, stack: _Stack) -> None:
        owner = stack.tags.get(names.INSTALLATION_TAG)
        if owner != self.installation:
            raise ConflictError(f"The stack {stack.name} is of {owner}, not ours", place=stack.id)

    def _stack(self, name: str) -> _Stack:
        if name not in self._stacks:
            raise NotFoundError(f"There is no stack {name}", place=name)
        return self._stacks[name]

    @staticmethod
    def _busy(stack: _Stack) -> bool:
        return stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS"

    def _event(self, stack: _Stack, logical_id: str, kind: str, status: str, token: str, reason: str = "") -> None:
        events = self._events.setdefault(stack.name, [])
        physical = stack.physical.get(logical_id, "")
        events.append(StackEvent(f"e{self._next()}", self._now(), logical_id, kind, status, physical, reason, token))

    def _next(self) -> int:
        self._made += 1
        return self._made

    def _now(self) -> datetime:
        return _START + timedelta(seconds=self._made)

    def _id(self, name: str) -> str:
        return f"arn:aws:cloudformation:ap-southeast-2:111111111111:stack/{name}/{self._next()}"


def _replaced(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    old, new = before.get("Properties", {}), after.get("Properties", {})
    return any(old.get(key) != new.get(key) for key in REPLACES)


def _change(
    logical_id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, physical_id: str
) -> ResourceChange | None:
    if before is None and after is not None:
        return ResourceChange(Action.ADD, logical_id, after["Type"])
    if after is None and before is not None:
        kept = before.get("DeletionPolicy") in _KEPT
        return ResourceChange(Action.REMOVE, logical_id, before["Type"], physical_id, kept=kept)
    if before is None or after is None:
        return None
    old, new = before.get("Properties", {}), after.get("Properties", {})
    properties = tuple(
        PropertyChange(
            f"Properties.{key}",
            str(old[key]) if key in old else None,
            str(new[key]) if key in new else None,
            "always" if key in REPLACES else "never",
        )
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )
    if not properties:
        return None
    action = Action.REPLACE if _replaced(before, after) else Action.MODIFY
    return ResourceChange(action, logical_id, after["Type"], physical_id, properties)


def _text(value: Any, parameters: Mapping[str, str], physical: Mapping[str, str]) -> str:
    if isinstance(value, Mapping) and "Ref" in value:
        return parameters.get(value["Ref"]) or physical.get(value["Ref"], "")
    return str(value)
