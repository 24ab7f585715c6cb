"""AWS's identities in memory: csoc's own principal, and accounts with links in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from csoc.accounts import names
from csoc.accounts.cloud import (
    Caller,
    Origin,
    Probe,
    ProbeResult,
    RoleFacts,
    SessionRequest,
    StackFacts,
    Trial,
    TrialResult,
)
from csoc.accounts.links import Role
from csoc.accounts.roles import LONGEST_SESSION_SECONDS, boundary_document, roles
from csoc.accounts.template import LinkTemplate
from csoc.accounts.terms import Document, Terms
from csoc.errors import DeniedError, NotFoundError, RejectedError

WORKER = Caller(
    "111111111111",
    "arn:aws:sts::111111111111:assumed-role/csoc-worker/ada@example.org",
    "role",
    "arn:aws:iam::111111111111:role/csoc-worker",
)
_POD = Origin("web identity")
_REGIONS = {"ap-southeast-2": "aws", "cn-north-1": "aws-cn", "eu-west-1": "aws", "us-east-1": "aws"}
# What each role may call, of what verification tries, and on what: every text of the call fits the pattern.
_MAY: Mapping[Role, Mapping[str, str]] = {
    Role.OBSERVER: {"describe_vpcs": "*", "list_clusters": "*", "describe_db_clusters": "*"},
    Role.PROVISIONER: {"list_stacks": "*", "get_parameter": "/csoc/*"},
    Role.SECRETS: {"describe_secret": "csoc/*"},
    Role.CLUSTER: {"describe_cluster": "csoc-*"},
}


@dataclass(slots=True)
class MemoryAccount:
    """A linked account. may: calls, on whatever, besides those that a role of the template may make, by role."""

    stack: StackFacts
    region: str
    roles: dict[str, RoleFacts]
    policies: dict[str, Document]
    may: dict[Role, set[str]] = field(default_factory=dict)
    makes_unbounded_roles: bool = False


class MemoryAccounts:
    """See csoc.accounts.cloud.CloudAccounts."""

    def __init__(self, own: Caller | None = WORKER, origin: Origin = _POD, skew_seconds: float = 0.0) -> None:
        self._own, self._origin, self._skew = own, origin, skew_seconds
        self.accounts: dict[str, MemoryAccount] = {}
        self.published: dict[str, dict[str, str]] = {}
        self.asked: list[SessionRequest] = []

    def link(self, terms: Terms, template: LinkTemplate, region: str = "ap-southeast-2") -> MemoryAccount:
        """Does what an account's owner does with the template. terms: of that account."""
        found: dict[str, RoleFacts] = {}
        for made in roles(terms):
            attached = {
                names.policy_arn(terms.partition, terms.account, terms.installation, name): document
                for name, document in made.managed.items()
            }
            found[names.link_role(terms.installation, made.role)] = RoleFacts(
                terms.role(made.role), made.trust, LONGEST_SESSION_SECONDS, "", made.inline, attached
            )
        bucket = terms.artifact_bucket
        stack = StackFacts(
            template.stack,
            "CREATE_COMPLETE",
            template.body,
            {"ExternalId": terms.external_id},
            {"ArtifactBucket": bucket},
        )
        made_account = MemoryAccount(stack, region, found, {terms.boundary: boundary_document(terms)})
        self.accounts[terms.account] = made_account
        return made_account

    def caller(self) -> Caller:
        if self._own is None:
            raise NotFoundError("There are no credentials for AWS", fix="Sign in")
        return self._own

    def endpoint(self) -> str:
        return ""

    def proven_caller(self, endpoint: str) -> Caller:
        if endpoint:
            raise DeniedError(f"AWS's own STS is asked, and not that of {endpoint}", fix="Set AWS_ENDPOINT_URL")
        return self.caller()

    def origin(self) -> Origin:
        self.caller()
        return self._origin

    def skew_seconds(self) -> float:
        return self._skew

    def assume(self, request: SessionRequest, region: str) -> MemorySession:  # noqa: ARG002 - of the port
        self.asked.append(request)
        account_id = request.role_arn.split(":")[4]
        account = self.accounts.get(account_id)
        name = request.role_arn.rpartition("/")[2]
        role = account.roles.get(name) if account is not None else None
        if account is None or role is None or not _trusts(role.trust, self.caller(), request):
            raise DeniedError(f"AWS refuses: not authorized to perform: sts:AssumeRole on {request.role_arn}")
        arn = f"arn:aws:sts::{account_id}:assumed-role/{name}/{request.name}"
        return MemorySession(account, Role(name.rpartition("-")[2]), Caller(account_id, arn, "role", request.role_arn))

    def regions(self) -> Sequence[str]:
        return sorted(_REGIONS)

    def partition(self, region: str) -> str:
        if region not in _REGIONS:
            raise RejectedError(f"{region!r} is not a region of AWS")
        return _REGIONS[region]

    def delete_stack(self, stack: str, region: str, seconds: float) -> None:  # noqa: ARG002 - of the port
        account = self.accounts.get(self.caller().account_id)
        if account is not None and account.stack.name == stack:
            del self.accounts[self.caller().account_id]

    def publish(self, bucket: str, key: str, body: str) -> str:
        if bucket not in self.published:
            raise NotFoundError("The specified bucket does not exist", place=bucket)
        self.published[bucket].setdefault(key, body)
        return f"https://{bucket}.s3.ap-southeast-2.amazonaws.com/{key}"


@dataclass(frozen=True, slots=True)
class MemorySession:
    """See csoc.accounts.cloud.CloudSession."""

    account: MemoryAccount
    role_taken: Role
    who: Caller

    def caller(self) -> Caller:
        return self.who

    def probe(self, probe: Probe, region: str) -> ProbeResult:  # noqa: ARG002 - of the port
        if self._may(probe):
            return ProbeResult(True, probe.allowed_errors[0] if probe.allowed_errors else "")
        return ProbeResult(False, f"not authorized to perform: {probe.service}:{probe.operation}")

    def _may(self, probe: Probe) -> bool:
        if probe.operation in self.account.may.get(self.role_taken, ()):
            return True
        pattern = _MAY[self.role_taken].get(probe.operation)
        named = [one for one in probe.arguments.values() if isinstance(one, str)]
        return pattern is not None and all(fnmatchcase(one, pattern) for one in named)

    def role(self, name: str) -> RoleFacts | None:
        self._only(Role.OBSERVER)
        return self.account.roles.get(name)

    def policy(self, arn: str) -> Mapping[str, Any] | None:
        self._only(Role.OBSERVER)
        return self.account.policies.get(arn)

    def stack_of(self, physical_id: str, region: str) -> StackFacts:
        self._only(Role.OBSERVER)
        if physical_id not in self.account.roles or region != self.account.region:
            raise NotFoundError("No stack of this region has it", place=physical_id)
        return self.account.stack

    def try_stack(self, trial: Trial, region: str, seconds: float) -> TrialResult:  # noqa: ARG002 - of the port
        if self.role_taken is not Role.PROVISIONER:
            return TrialResult(False, "not authorized to perform: cloudformation:CreateChangeSet")
        made = [one["Properties"] for one in json.loads(trial.template)["Resources"].values()]
        unbounded = any("AssumeRolePolicyDocument" in one and "PermissionsBoundary" not in one for one in made)
        if unbounded and not self.account.makes_unbounded_roles:
            return TrialResult(False, "Role: not authorized to perform: iam:CreateRole")
        return TrialResult(True)

    def _only(self, role: Role) -> None:
        if self.role_taken is not role:
            raise DeniedError(f"AWS refuses: the {self.role_taken} role may not look")


def _trusts(trust: Mapping[str, Any], caller: Caller, request: SessionRequest) -> bool:
    """By the conditions that the template's trust policies have."""
    for statement in trust["Statement"]:
        condition = statement.get("Condition", {})
        wanted = condition.get("StringEquals", {}).get("sts:ExternalId")
        named = condition.get("Null", {}).get("sts:SourceIdentity") != "false" or bool(request.source_identity)
        whom = statement["Principal"].get("AWS")
        if whom in (caller.role_arn, "*") and named and wanted in (None, request.external_id):
            return True
    return False
