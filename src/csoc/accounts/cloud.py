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
    """Who the credentials of this process are, as STS says. kind: "role", "user", "root", "federated".

    role_arn: of the role behind a session, with its path where IAM tells it; "" if it is not known. is_exact: False
    where the path could not be asked for.
    """

    account_id: str
    arn: str
    kind: str
    role_arn: str = ""
    unique_id: str = ""
    is_exact: bool = True

    @property
    def session(self) -> str:
        """The name of the session: for single sign-on, the person's."""
        return self.arn.rsplit("/", 1)[-1] if ":assumed-role/" in self.arn else ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the credentials of this process come from. kind: "web identity", "instance profile", "container", "single
    sign-on", "environment", "shared file", "role of a profile", "program". is_lasting: they are a long-lived key, or
    rest on one. is_renewed: somebody renews them before they end."""

    kind: str
    is_lasting: bool = False
    is_renewed: bool = True


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
    """A call that shows whether a session may do something. service, operation: of boto3 ("cloudformation",
    "create_stack"). arguments: of the call. allowed_errors: codes which show that permission was there
    ("ValidationError", "DryRunOperation"). undo: what takes back what the call leaves if it succeeds; those that change
    nothing have none."""

    service: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    allowed_errors: tuple[str, ...] = ()
    undo: tuple[Probe, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """allowed: None if it could not be found out. detail: the cloud's words, without secrets. left: what a call that
    succeeded left behind, since it could not be taken back; "" if nothing."""

    allowed: bool | None
    detail: str = ""
    left: str = ""


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role as it is. boundary: ARN of its permissions boundary. inline: policies by name. attached: by ARN."""

    arn: str
    trust: Mapping[str, Any]
    longest_session_seconds: int
    boundary: str = ""
    inline: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    attached: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StackFacts:
    """A stack as it is. template: its text, as it was given."""

    name: str
    status: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """A stack that is made to see whether it can be, and deleted again. role: the execution role."""

    stack: str
    template: str
    role: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TrialResult:
    """made: the stack was created; None if it could not be found out. detail: why not, in the cloud's words. left:
    names what could not be deleted again; "" if nothing."""

    made: bool | None
    detail: str = ""
    left: str = ""


class CloudSession(Protocol):
    """A session in an account. Credentials are renewed by nobody: a session ends, and its user asks for another."""

    def caller(self) -> Caller:
        """Who this session is."""
        ...

    def probe(self, probe: Probe, region: str) -> ProbeResult:
        """See Probe."""
        ...

    def role(self, name: str) -> RoleFacts | None:
        """A role with everything that says what it may; None if it is not there. Raises DeniedError."""
        ...

    def policy(self, arn: str) -> Mapping[str, Any] | None:
        """The default version of a managed policy; None if it is not there. Raises DeniedError."""
        ...

    def stack_of(self, physical_id: str, region: str) -> StackFacts:
        """The stack that made a resource. Raises NotFoundError, DeniedError."""
        ...

    def try_stack(self, trial: Trial, region: str, seconds: float) -> TrialResult:
        """Makes a stack by a change set and deletes it again, each within so many seconds."""
        ...


class CloudAccounts(Protocol):
    """See the module."""

    def caller(self) -> Caller:
        """csoc's own principal. Raises NotFoundError if there are no credentials, DeniedError if they are void."""
        ...

    def endpoint(self) -> str:
        """Which STS this process asks: "" for AWS's own, else its address (an emulated cloud's)."""
        ...

    def proven_caller(self, endpoint: str) -> Caller:
        """The same as `caller`, as the STS of this endpoint says ("": AWS's own), whatever variables and profiles name.
        Raises DeniedError also where these name another one, or bring another IAM to believe."""
        ...

    def origin(self) -> Origin:
        """Where the credentials of this process come from. Raises NotFoundError if there are none."""
        ...

    def skew_seconds(self) -> float:
        """How far this machine's clock is ahead of AWS's; signatures are refused from five minutes on."""
        ...

    def assume(self, request: SessionRequest, region: str) -> CloudSession:
        """A session. Raises DeniedError (AWS refuses), UnavailableError (could not ask)."""
        ...

    def regions(self) -> Sequence[str]:
        """Regions of all partitions, sorted."""
        ...

    def partition(self, region: str) -> str:
        """The partition of a region. Raises RejectedError for one that there is not."""
        ...

    def delete_stack(self, stack: str, region: str, seconds: float) -> None:
        """Deletes a stack of this identity's own account; nothing if it is gone. Raises DeniedError, ConflictError (it
        could not be deleted), UnavailableError (not within so many seconds)."""
        ...

    def publish(self, bucket: str, key: str, body: str) -> str:
        """Puts a text into a bucket of csoc's own account, unless that key is there. Returns its https address. Raises
        DeniedError, NotFoundError (no such bucket)."""
        ...
