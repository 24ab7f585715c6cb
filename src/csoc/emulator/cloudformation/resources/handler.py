"""What the engine asks of a resource type.

The engine decides what is made, changed, replaced or removed and in which order; a handler only knows how its service
is called. It acts with clients that carry the rights of the stack, so what is forbidden fails as it would at AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that exists. physical_id: what Ref gives (unless `ref` says otherwise). attributes: what Fn::GetAtt
    gives, by name ("Endpoint.Address" for nested ones)."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    ref: str | None = None


class ResourceError(Exception):
    """The service said no, or the resource went bad. The message is the reason in the stack's events. code: the
    HandlerErrorCode of CloudFormation ("AlreadyExists", "InvalidRequest", "AccessDenied", "NotStabilized", ...).
    physical_id: of what was made before creating failed, so that a rollback deletes it; "" if nothing was."""

    def __init__(self, message: str, code: str = "GeneralServiceException", physical_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.physical_id = physical_id


class Clients(Protocol):
    """boto3 clients that act with the rights of the stack, in its region."""

    def __call__(self, service: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The stack on whose behalf a handler acts. name: made up for a resource without a name of its own, from stack and
    logical id with a suffix, stable over repeated attempts. token: for idempotent calls, stable likewise. tags: of the
    stack, with aws:cloudformation:stack-name, :stack-id and :logical-id. tags_before: the same before an update,
    so that a tag that the stack lost can be taken off."""

    clients: Clients
    account: str
    region: str
    stack_id: str
    stack_name: str
    logical_id: str
    name: str
    token: str
    tags: Mapping[str, str] = field(default_factory=dict)
    tags_before: Mapping[str, str] = field(default_factory=dict)


class Handler(Protocol):
    """One resource type. Errors of boto3 (ClientError) may pass through: the engine turns them into a ResourceError."""

    @property
    def type_name(self) -> str:
        """As in a template: "AWS::EC2::VPC"."""
        ...

    @property
    def seconds(self) -> float:
        """How long creating takes in the emulated world (an EKS cluster: 540). Changing and deleting take a part of it.
        `durations` has the figures, each with where it is from: docs, field, or quick."""
        ...

    def create(self, context: Context, properties: Properties) -> Made: ...

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        """Only called with changes that need no replacement."""
        ...

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Deleting what is gone already is no error."""
        ...

    def read(self, context: Context, physical_id: str) -> Properties | None:
        """The live properties as far as the service tells them, in the form of a template, for drift; None if the
        resource is gone."""
        ...


class Settling(Protocol):
    """What a handler may have besides: a resource that is not ready when its service answered."""

    def settled(self, context: Context, physical_id: str) -> bool:
        """Asked after `seconds`, and every few seconds until it is true. Raises ResourceError if the resource went
        bad."""
        ...


class Telling(Protocol):
    """What a handler may have besides: what a person must do before the resource can be ready."""

    def waits_for(self, context: Context, physical_id: str) -> str:
        """The reason of an event, "" for none. Asked while the resource is not settled; told once."""
        ...


class Completing(Protocol):
    """What a handler may have besides: attributes that are only known once the resource is ready."""

    def late_attributes(self, context: Context, physical_id: str) -> Mapping[str, Any]: ...


class Outlasting(Protocol):
    """What a handler may have besides: a deletion that is not done when its service answered."""

    def deleted(self, context: Context, physical_id: str) -> bool:
        """Asked after a part of `seconds`, and every few seconds until it is true. Raises ResourceError if it cannot
        be deleted."""
        ...


class Snapshotting(Protocol):
    """What a handler may have besides: DeletionPolicy Snapshot."""

    def snapshot(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Deletes the resource and keeps a snapshot of it."""
        ...
