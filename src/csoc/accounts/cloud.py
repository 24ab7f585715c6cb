"""Port: what csoc asks of AWS about identities and trust.

Every answer is one of three: it worked, it was denied, or nobody could find out. The last is an UnavailableError, and
no caller may take it for one of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the credentials of this process are, as STS says. kind: "role", "user", "root", "federated"."""

    account_id: str
    arn: str
    kind: str
    role_arn: str = ""
    unique_id: str = ""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A session to ask for. policy: session policy (JSON), narrows what the role may. source_identity: the person.
    name: role session name, person and run. seconds: an hour at most."""

    role_arn: str
    name: str
    external_id: str = ""
    policy: str = ""
    source_identity: str = ""
    seconds: int = 3600
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that shows whether a session may do something, and changes nothing. service, operation: of boto3
    ("cloudformation", "create_stack"). arguments: of the call. allowed_errors: codes which show that permission was
    there ("ValidationError", "DryRunOperation")."""

    service: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    allowed_errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """allowed: None if it could not be found out. detail: the cloud's words, without secrets."""

    allowed: bool | None
    detail: str = ""


class CloudSession(Protocol):
    """A session in an account. Credentials are renewed by nobody: a session ends, and its user asks for another."""

    def caller(self) -> Caller:
        """Who this session is."""
        ...

    def probe(self, probe: Probe, region: str) -> ProbeResult:
        """See Probe."""
        ...

    def role(self, name: str) -> Mapping[str, Any] | None:
        """A role with its trust policy (parsed), boundary and policies; None if it is not there."""
        ...

    def stack_template(self, stack: str, region: str) -> tuple[str, Mapping[str, str]]:
        """Template text and outputs of a stack. Raises NotFoundError."""
        ...


class CloudAccounts(Protocol):
    """See the module."""

    def caller(self) -> Caller:
        """csoc's own principal. Raises NotFoundError if there are no credentials, DeniedError if they are void."""
        ...

    def origin(self) -> str:
        """Where the credentials of this process come from: "web identity", "instance profile", "sso", "environment",
        "shared file", ..."""
        ...

    def assume(self, request: SessionRequest, region: str) -> CloudSession:
        """A session. Raises DeniedError (AWS refuses), UnavailableError (could not ask)."""
        ...

    def names(self) -> Sequence[str]:
        """Regions that this partition knows, sorted."""
        ...
