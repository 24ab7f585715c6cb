"""Stacks as they are kept: state, resources, events, exports. The engine changes them, operations read them.

Everything here is plain data, so that it can be kept over a restart. Statuses and what they allow are those of "Stack
status codes" in the AWS CloudFormation User Guide.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from csoc.emulator.cloud.calls import AwsError, Identity
from csoc.emulator.cloudformation.template.model import Template

# A stack in one of these takes an update or a change set.
UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE",
    }
)  # fmt: skip
# These take an update only without rollback, since what to roll back to is an earlier state.
PAUSED = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})
MOST_EVENTS = 5_000
_MOST_OPERATIONS = 50


@dataclass(slots=True)
class StackResource:
    """One resource of a stack. properties: resolved, as they were last applied, with references to secrets as written.
    shown: the same with values of NoEcho parameters hidden. tags: of the stack, as last applied. gone: its service was
    told to delete it. imports: exports that it uses."""

    logical_id: str
    type: str
    status: str
    updated_at: datetime
    physical_id: str = ""
    reason: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    ref: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    depends_on: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    token: str = ""
    gone: bool = False
    drift_status: str = "NOT_CHECKED"
    drift_checked_at: datetime | None = None
    differences: tuple[Mapping[str, str], ...] = ()
    live: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """True if there is something that the stack would have to delete."""
        return bool(self.physical_id) and self.status not in ("DELETE_COMPLETE", "DELETE_SKIPPED")

    def become(self, other: StackResource) -> None:
        """Takes over everything but status, reason and time."""
        for name in (
            "type", "physical_id", "properties", "shown", "attributes", "ref", "tags", "metadata", "deletion_policy",
            "update_replace_policy", "depends_on", "imports", "token", "gone",
        ):  # fmt: skip
            setattr(self, name, getattr(other, name))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a stack's history."""

    id: str
    at: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str = ""
    properties: str = ""
    token: str = ""
    operation_id: str = ""


@dataclass(slots=True)
class StackOperation:
    """One thing that was asked of a stack, and how it is to be done. type: CREATE_STACK, UPDATE_STACK, DELETE_STACK,
    CONTINUE_ROLLBACK, ROLLBACK or CREATE_CHANGESET. on_failure: ROLLBACK, DELETE or DO_NOTHING. policy: the stack
    policy that this update is held against. status: IN_PROGRESS, SUCCEEDED or FAILED."""

    id: str
    type: str
    started_at: datetime
    token: str = ""
    on_failure: str = "ROLLBACK"
    retain: frozenset[str] = frozenset()
    force: bool = False
    retain_except_on_create: bool = False
    policy: str = ""
    skip: frozenset[str] = frozenset()
    status: str = "IN_PROGRESS"
    ended_at: datetime | None = None


@dataclass(slots=True)
class Stack:
    """id: the stack's ARN. given: parameters as the caller gave them. parameters: resolved values. identity: in whose
    name resources are made (the caller of the last operation, or the service role). leftovers: physical resources that
    are no part of the stack any more and are still to be cleaned up. signals: by logical and unique id."""

    id: str
    name: str
    account: str
    region: str
    status: str
    created_at: datetime
    template: Template | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    resolved_from: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    reason: str = ""
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    resources: dict[str, StackResource] = field(default_factory=dict)
    leftovers: list[StackResource] = field(default_factory=list)
    outputs: list[Mapping[str, str]] = field(default_factory=list)
    imports: frozenset[str] = frozenset()
    events: list[Event] = field(default_factory=list)
    termination_protection: bool = False
    policy: str = ""
    role_arn: str = ""
    capabilities: tuple[str, ...] = ()
    notifications: tuple[str, ...] = ()
    disable_rollback: bool = False
    timeout_minutes: int | None = None
    change_set_id: str = ""
    identity: Identity | None = None
    operation: StackOperation | None = None
    operations: list[StackOperation] = field(default_factory=list)
    parent_id: str = ""
    root_id: str = ""
    deletion_mode: str = ""
    drift_status: str = "NOT_CHECKED"
    drift_checked_at: datetime | None = None
    before: StackBefore | None = None
    not_rolled_back: frozenset[str] = frozenset()
    signals: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def begin(self, operation: StackOperation) -> None:
        """Another operation takes over; the one before is over."""
        if self.operation is not None and self.operation.status == "IN_PROGRESS":
            self.operation.status, self.operation.ended_at = "FAILED", operation.started_at
        self.operation = operation
        self.operations = [operation, *self.operations][:_MOST_OPERATIONS]

    def remember(self) -> None:
        """Keeps what an update would have to be rolled back to: the last stable state, also over several attempts."""
        if self.before is None and self.status not in PAUSED:
            self.before = StackBefore(
                self.template, self.given, self.parameters, self.resolved_from, self.tags, self.description,
                self.capabilities, self.notifications, copy.deepcopy(self.resources), list(self.outputs), self.imports,
            )  # fmt: skip

    def restore(self) -> None:
        """Makes everything but the resources what it was before the update."""
        before = self.before
        if before is not None:
            self.template, self.given, self.parameters = before.template, before.given, before.parameters
            self.resolved_from, self.tags, self.description = before.resolved_from, before.tags, before.description
            self.capabilities, self.notifications = before.capabilities, before.notifications
            self.outputs, self.imports = before.outputs, before.imports


@dataclass(frozen=True, slots=True)
class StackBefore:
    """A stack before an update."""

    template: Template | None
    given: Mapping[str, str]
    parameters: Mapping[str, Any]
    resolved_from: Mapping[str, str]
    tags: Mapping[str, str]
    description: str
    capabilities: tuple[str, ...]
    notifications: tuple[str, ...]
    resources: Mapping[str, StackResource]
    outputs: list[Mapping[str, str]]
    imports: frozenset[str]


@dataclass(slots=True)
class ChangeSet:
    """A change that was planned. changes: as DescribeChangeSet gives them."""

    id: str
    name: str
    stack_id: str
    type: str
    created_at: datetime
    template: Template
    given: Mapping[str, str]
    parameters: Mapping[str, Any]
    resolved_from: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...]
    notifications: tuple[str, ...]
    role_arn: str
    identity: Identity
    description: str = ""
    token: str = ""
    digest: str = ""
    on_failure: str = ""
    status: str = "CREATE_PENDING"
    reason: str = ""
    execution_status: str = "UNAVAILABLE"
    changes: list[Mapping[str, Any]] = field(default_factory=list)
    operation: StackOperation | None = None

    @property
    def over(self) -> bool:
        """True if it was executed, so that its name is free again."""
        return self.execution_status.startswith("EXECUTE_")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that was accepted under a client request token."""

    operation: str
    digest: str
    answer: Mapping[str, Any]


class Stacks:
    """All stacks of one account in one region. The lock guards everything in it."""

    def __init__(self, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self.lock = threading.RLock()
        self.all: dict[str, Stack] = {}
        self.change_sets: dict[str, ChangeSet] = {}
        self.drift_detections: dict[str, dict[str, Any]] = {}
        self.accepted: dict[tuple[str, str], Accepted] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.lock = threading.RLock()

    def named(self, name: str) -> Stack:
        """A stack by name or id; deleted ones by id only. Raises AwsError ValidationError if there is none."""
        found = self.find(name)
        if found is None:
            raise AwsError("ValidationError", f"Stack with id {name} does not exist", 400)
        return found

    def alive(self, name: str) -> Stack:
        """The same for what changes a stack: a deleted one is refused."""
        found = self.named(name)
        if found.status == "DELETE_COMPLETE":
            raise AwsError("ValidationError", f"Stack [{found.name}] does not exist", 400)
        return found

    def find(self, name: str) -> Stack | None:
        """The same; None if there is none."""
        if name in self.all:
            return self.all[name]
        return next((stack for stack in self.living() if stack.name == name), None)

    def living(self) -> Iterator[Stack]:
        """Stacks that were not deleted."""
        return (stack for stack in self.all.values() if stack.status != "DELETE_COMPLETE")

    def exports(self) -> dict[str, tuple[str, Stack]]:
        """Values by export name, with the stack that exports them."""
        return {
            output["ExportName"]: (output["OutputValue"], stack)
            for stack in self.living()
            for output in stack.outputs
            if output.get("ExportName")
        }

    def importers(self, export: str) -> list[Stack]:
        """Stacks that import an export, also while they are being made."""
        return [
            stack
            for stack in self.living()
            if export in stack.imports or any(export in r.imports for r in stack.resources.values() if r.exists)
        ]

    def change_sets_of(self, stack: Stack) -> list[ChangeSet]:
        """Change sets of a stack that can still be executed or looked at, oldest first."""
        return [found for found in self.change_sets.values() if found.stack_id == stack.id]

    def changed_otherwise(self, stack: Stack) -> None:
        """The stack changes in another way than its change sets said: they are obsolete."""
        for found in self.change_sets_of(stack):
            if not found.over:
                found.execution_status = "OBSOLETE"

    def executed(self, stack: Stack, *, succeeded: bool) -> None:
        """The change set that the stack was executing is done."""
        found = self.change_sets.get(stack.change_set_id)
        if found is not None and found.execution_status == "EXECUTE_IN_PROGRESS":
            found.execution_status = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"
