"""Whom a link trusts and whose account it is: what all policies of a link are made from.

The same functions make the template, in which account and partition are CloudFormation's pseudo parameters, and what
verification expects to find in one account, in which they are plain text. So the two cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from csoc.accounts import names
from csoc.errors import RejectedError

Document = Mapping[str, Any]
"""A policy as JSON: Version and Statement."""

MARK = "${Mark}"
"""Stands for the link's mark in a template."""
ACCOUNT_ID = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}")
INSTALLATION = re.compile(r"[a-z][a-z0-9]{9}")
ROLE_ARN = re.compile(
    r"arn:(?P<partition>aws(?:-cn|-us-gov)?):iam::(?P<account>[0-9]{12}):role/(?P<path>(?:[\x21-\x7e]+/)?)"
    r"(?P<name>[\w+=,.@-]{1,64})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Reads:
    """What csoc reads in an account besides its own things: ARNs of SSM parameters and of stacks, from which documents
    take layers that exist already. What cannot be the ARN of one such thing is none of them."""

    parameters: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()

    def checked(self) -> Reads:
        """Without what is no ARN of the kind, or would let csoc read more than single things or one folder."""
        return Reads(
            tuple(one for one in self.parameters if _PARAMETER_ARN.fullmatch(one)),
            tuple(one for one in self.stacks if _STACK_ARN.fullmatch(one)),
        )

    def __or__(self, other: Reads) -> Reads:
        return Reads(tuple(sorted({*self.parameters, *other.parameters})), tuple(sorted({*self.stacks, *other.stacks})))


_PARAMETER_ARN = re.compile(r"arn:aws[a-z-]*:ssm:(?:\*|[a-z0-9-]+):[0-9]{12}:parameter(?:/[A-Za-z0-9_.-]+)+(?:/\*)?")
_STACK_ARN = re.compile(r"arn:aws[a-z-]*:cloudformation:(?:\*|[a-z0-9-]+):[0-9]{12}:stack/[A-Za-z][A-Za-z0-9-]*/\*")


@dataclass(frozen=True, slots=True)
class Terms:
    """installation: uid of the fleet. worker, observer: ARNs of the roles that csoc runs as. organization: that they
    must belong to, "" for any. account, partition, external_id: of one link, or references of a template. reads: what
    one account lets csoc read besides; of a template it is a parameter."""

    installation: str
    worker: str
    observer: str
    organization: str = ""
    partition: str = "${AWS::Partition}"
    account: str = "${AWS::AccountId}"
    external_id: str = "${ExternalId}"
    reads: Reads = field(default_factory=Reads)

    def __post_init__(self) -> None:
        if not INSTALLATION.fullmatch(self.installation):
            raise RejectedError(
                f"{self.installation!r} is no uid of a fleet", fix="It is metadata.uid of fleet.yaml: ten letters"
            )
        for principal in (self.worker, self.observer):
            check_role_arn(principal)

    def of(self, *, account_id: str, partition: str, external_id: str) -> Terms:
        """The terms of one account."""
        return replace(self, account=account_id, partition=partition, external_id=external_id)

    def arn(self, service: str, rest: str, *, region: str = "*") -> str:
        """An ARN in the account, in any region."""
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{rest}"

    def iam(self, rest: str) -> str:
        """An ARN of IAM in the account."""
        return f"arn:{self.partition}:iam::{self.account}:{rest}"

    @property
    def artifact_bucket(self) -> str:
        """The link's bucket."""
        mark = MARK if "$" in self.external_id else names.mark_of(self.external_id)
        return names.artifact_bucket(self.installation, self.account, mark)

    def role(self, role: str) -> str:
        """The ARN of one of the link's roles."""
        return names.role_arn(self.partition, self.account, self.installation, role)

    @property
    def boundary(self) -> str:
        """The ARN of the boundary."""
        return names.boundary_arn(self.partition, self.account, self.installation)


def check_role_arn(arn: str) -> re.Match[str]:
    """A role's ARN by its form. Raises RejectedError."""
    found = ROLE_ARN.fullmatch(arn)
    if found is None:
        raise RejectedError(
            f"{arn[:200]!r} is not the ARN of a role",
            fix="csoc's principal is a role: arn:aws:iam::ACCOUNT:role/NAME. `csoc account doctor` shows yours",
        )
    return found


def check_account_id(account_id: str) -> str:
    """An account's id by its form. Raises RejectedError."""
    if not ACCOUNT_ID.fullmatch(account_id) or account_id == "0" * 12:
        raise RejectedError(
            f"{account_id[:40]!r} is not the id of an AWS account", fix="It has 12 digits, leading zeros included"
        )
    return account_id


def check_region(region: str, regions: Sequence[str]) -> str:
    """A region by its form and by the partition's list. Raises RejectedError."""
    if not REGION.fullmatch(region) or region not in regions:
        raise RejectedError(f"{region[:40]!r} is not a region of AWS", fix=f"Regions are {', '.join(regions[:40])}")
    return region


def statement(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str] = ("*",),
    *,
    effect: str = "Allow",
    condition: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """A statement of a policy."""
    made: dict[str, Any] = {"Sid": sid, "Effect": effect, "Action": list(actions), "Resource": list(resources)}
    return made | ({"Condition": {key: dict(value) for key, value in condition.items()}} if condition else {})


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A policy of statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
