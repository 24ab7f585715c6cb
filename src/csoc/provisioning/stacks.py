"""Port: CloudFormation stacks of one account and region, as one role of its link.

Every operation can be asked again with the same token or name and happens once. Errors are csoc's: NotFoundError
(looked, not there), DeniedError (which action, of which role), ConflictError (the stack is busy or another one's),
RejectedError (CloudFormation refuses the request), UnavailableError (throttled for too long, no answer).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Action(StrEnum):
    """What a change does to a resource."""

    ADD = "add"
    MODIFY = "modify"
    REPLACE = "replace"  # a new one is made, the old one goes (or is kept by its policy)
    MAYBE_REPLACE = "may replace"  # only CloudFormation can tell, while it does it
    REMOVE = "remove"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """A property before and after; None where CloudFormation does not say. replaces: "never", "always", "maybe"."""

    path: str
    before: str | None
    after: str | None
    replaces: str = "never"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What a change set does to one resource. kept: with REMOVE or REPLACE, the old one stays in the account."""

    action: Action
    logical_id: str
    type: str
    physical_id: str = ""
    properties: tuple[PropertyChange, ...] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set. status: "CREATE_COMPLETE", "FAILED", ...; is_empty: it failed because nothing would change.
    parameters: with the values that CloudFormation resolved."""

    arn: str
    name: str
    status: str
    reason: str = ""
    is_empty: bool = False
    changes: tuple[ResourceChange, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    execution_status: str = ""


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack as it is. id: its ARN. changed_at: when it last changed. template_digest: sha256 of the template's
    text that it runs with."""

    id: str
    name: str
    status: str
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    changed_at: datetime | None = None
    template_digest: str = ""
    is_protected: bool = False

    @property
    def is_busy(self) -> bool:
        """True while an operation is going on."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One event of a stack, oldest first in lists. id: unique, to go on from."""

    id: str
    at: datetime
    logical_id: str
    type: str
    status: str
    physical_id: str = ""
    reason: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class StackRequest:
    """What a change set is made from. parameters: given values (paths for SSM types). role: the execution role.
    stack_policy: JSON, set with the execution."""

    stack: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    role: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Drifted:
    """A resource that is not as its stack made it. status: MODIFIED or DELETED."""

    logical_id: str
    type: str
    physical_id: str
    status: str
    differences: tuple[PropertyChange, ...] = ()


class Stacks(Protocol):
    """See the module. Stacks of other installations are refused with ConflictError by everything that would change
    them."""

    def find(self, name: str) -> StackState | None:
        """The stack; None if there is none (a deleted one is none)."""
        ...

    def template(self, name: str) -> str:
        """The template that a stack runs with, as it was given."""
        ...

    def resources(self, name: str) -> Mapping[str, str]:
        """Physical ids by logical ids."""
        ...

    def make_change_set(self, request: StackRequest, name: str) -> ChangeSet:
        """Makes a change set (or finds the one of that name) and waits until it is there. name: says what it is from,
        so that asking again finds it."""
        ...

    def find_change_set(self, stack: str, name: str) -> ChangeSet | None:
        """A change set by name."""
        ...

    def drop_change_set(self, stack: str, name: str) -> None:
        """Deletes a change set, and the stack in REVIEW_IN_PROGRESS that it may leave. Nothing if it is gone."""
        ...

    def execute(self, stack: str, change_set: str, token: str) -> None:
        """Executes a change set; again with the same token does nothing."""
        ...

    def protect(self, stack: str, policy: str) -> None:
        """Termination protection on, and the stack policy (JSON) set."""
        ...

    def unprotect(self, stack: str) -> None:
        """Termination protection off."""
        ...

    def delete(self, stack: str, token: str, role: str, retain: Sequence[str] = ()) -> None:
        """Begins to delete a stack. Nothing if it is gone. retain: logical ids that stay in the account; only where an
        earlier deletion failed (DELETE_FAILED)."""
        ...

    def put_back(self, stack: str, token: str, role: str, skip: Sequence[str] = ()) -> None:
        """Goes on with the rollback of an update that could not be finished (UPDATE_ROLLBACK_FAILED); again with the
        same token does nothing. skip: logical ids that stay as they are, and that CloudFormation then takes for put
        back. Raises RejectedError for one that did not fail."""
        ...

    def events(self, stack: str, since: str = "") -> Sequence[StackEvent]:
        """Events after the one of that id, oldest first; all if ""."""
        ...

    def follow(self, stack: str, token: str, seconds: float) -> Iterator[StackEvent]:
        """Events of the operation with that token as they happen, until it ended or the time is up."""
        ...

    def drift(self, stack: str) -> Sequence[Drifted]:
        """Asks for drift detection and waits. Raises UnavailableError if it did not finish."""
        ...

    def service_role(self, service: str) -> bool:
        """Makes the account's service-linked role of a service ("opensearchservice.amazonaws.com"). False if it was
        there."""
        ...

    def parameter(self, path: str) -> str:
        """An SSM parameter's value. Raises NotFoundError."""
        ...
