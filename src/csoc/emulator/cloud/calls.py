"""One call to the cloud, as everything behind the endpoint sees it: who, what, where, with which parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from moto.core.exceptions import ServiceException


class AwsError(ServiceException):
    """An answer that says no, with AWS's code and words. status: of the HTTP answer; 0: as the service's model says."""

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Session:
    """What AssumeRole gave: the role and what narrows it. policies: documents of session policies, empty: none.
    chained: a role took this role, so that it lasts an hour at most. issued_at: when it began. federated: the identity
    provider whose token it was given for, "" if a caller took the role."""

    role_arn: str
    role_id: str
    name: str
    expires_at: datetime
    policies: tuple[Mapping[str, Any], ...] = ()
    source_identity: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tags: frozenset[str] = frozenset()
    chained: bool = False
    issued_at: datetime | None = None
    federated: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls. arn: as GetCallerIdentity says it (an assumed-role ARN for a session). principal: the ARN of the user
    or role behind it. id: the unique id ("AROA...:session"). service: the AWS service that calls in this identity's
    name (forward access), "" if nobody does."""

    account: str
    arn: str
    principal: str
    id: str
    session: Session | None = None
    service: str = ""

    @property
    def is_root(self) -> bool:
        return self.principal.endswith(":root")


ANONYMOUS = Identity("", "", "", "")


@dataclass(frozen=True, slots=True)
class Call:
    """service: botocore's name of it ("cloudformation"). operation: as in its model ("CreateStack"). parameters: by the
    model's member names. source_ip: of the client. request_id: what the answer carries. owner: the account whose
    resources are meant, "" for the caller's own."""

    identity: Identity
    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]
    at: datetime
    request_id: str
    source_ip: str = "127.0.0.1"
    user_agent: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""

    @property
    def account(self) -> str:
        return self.identity.account


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. delay_seconds: real ones, before it is sent. fate: what becomes of it: "sent"; "silent": the
    connection stays open without an answer; "reset": the connection is torn down."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    delay_seconds: float = 0.0
    fate: Literal["sent", "silent", "reset"] = "sent"


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What a planned fault does to one call. error: refused with it. Otherwise as in Reply; done: the call is carried
    out before its answer is lost."""

    error: AwsError | None = None
    delay_seconds: float = 0.0
    fate: Literal["sent", "silent", "reset"] = "sent"
    done: bool = False


UNDISTURBED = Disturbance()


Answer = Mapping[str, Any]
Operation = Callable[[Call], Answer]
Guard = Callable[[Call], None]
"""Looks at a call before it is answered; raises AwsError to refuse it."""


class Service(Protocol):
    """A service that the emulator answers itself. operations: by name; the answer's members as in botocore's model."""

    @property
    def name(self) -> str: ...

    @property
    def operations(self) -> Mapping[str, Operation]: ...
