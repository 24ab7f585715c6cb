"""Stacks as they are kept: state, resources, events, exports. The engine changes them, operations read them.

Statuses and what they allow are those of "Stack status codes" in the AWS CloudFormation User Guide.
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
        "CREATE_FAILED", "UPDATE_FAILED", "ROLLBACK_FAILED",
    }
)  # fmt: skip
MOST_EVENTS = 5_000


@dataclass(slots=True)
class StackResource:
    """One resource of a stack. properties: resolved, as they were last applied."""

    logical_id: str
    type: str
    status: str
    updated_at: datetime
    physical_id: str = ""
    reason: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    ref: str | None = None
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    depends_on: frozenset[str] = frozenset()
    drift_status: str = "NOT_CHECKED"
    drift_checked_at: datetime | None = None
    differences: tuple[Mapping[str, str], ...] = ()
    live: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        return bool(self.physical_id) and self.status != "DELETE_COMPLETE"


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


@dataclass(slots=True)
class Stack:
    """id: the stack's ARN. given: parameters as the caller gave them. parameters: resolved values. identity: in whose
    name resources are made (the caller of the last operation, or the service role)."""

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
    token: str = ""
    drift_status: str = "NOT_CHECKED"
    drift_checked_at: datetime | None = None
    before: StackBefore | None = None
    skipped: tuple[str, ...] = ()

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def remember(self) -> None:
        """Keeps what an update would have to be rolled back to."""
        self.before = StackBefore(
            self.template,
            self.given,
            self.parameters,
            self.resolved_from,
            self.tags,
            self.description,
            self.capabilities,
            copy.deepcopy(self.resources),
            list(self.outputs),
            self.imports,
        )


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
    on_failure: str = ""
    status: str = "CREATE_PENDING"
    reason: str = ""
    execution_status: str = "UNAVAILABLE"
    changes: list[Mapping[str, Any]] = field(default_factory=list)
    stack_digest: str = ""


class Stacks:
    """All stacks of one account in one region. The lock guards everything in it."""

    def __init__(self, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self.lock = threading.RLock()
        self.all: dict[str, Stack] = {}
        self.change_sets: dict[str, ChangeSet] = {}
        self.drift_detections: dict[str, Mapping[str, Any]] = {}

    def named(self, name: str) -> Stack:
        """A stack by name or id; deleted ones by id only. Raises AwsError ValidationError if there is none."""
        found = self.find(name)
        if found is None:
            shown = name if name.startswith("arn:") else f"with id {name}"
            raise AwsError("ValidationError", f"Stack {shown} does not exist", 400)
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
        """Stacks that import an export."""
        return [stack for stack in self.living() if export in stack.imports]
