"""Workflows elsewhere that csoc works in: how their place is written, whom AWS says they are, and the trust for that.

A workflow has no key. Its host signs a token that says whose job it is, and STS gives a session of csoc's role for it,
if the role's trust names this repository and this session's name. So the name of the session says where a process is,
and nobody else's word is needed: variables of a job are written by whoever writes the job.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from csoc.access.people import WORKFLOW_SESSION
from csoc.accounts.terms import check_role_arn
from csoc.errors import RejectedError

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
ENVIRONMENT = "csoc"
"""The name of the environment (as GitHub has them) in which the jobs run. Its rules say which branches and who may."""

_KIND = "github:"
_REPOSITORY = re.compile(r"(?P<owner>[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?)/(?P<name>[A-Za-z0-9._-]{1,100})")
_LONGEST_SESSION = 64


@dataclass(frozen=True, slots=True)
class Workflow:
    """The workflows of a repository at GitHub."""

    owner: str
    name: str

    @property
    def where(self) -> str:
        """As runs and commands have it."""
        return f"{_KIND}{self.owner}/{self.name}"

    @property
    def subject(self) -> str:
        """Of whom the tokens of its jobs speak."""
        return f"repo:{self.owner}/{self.name}:environment:{ENVIRONMENT}"

    @property
    def session(self) -> str:
        """The name of its sessions. "=" is in no name at GitHub, so that no two repositories share one."""
        plain = f"{WORKFLOW_SESSION}{self.owner}={self.name}"
        if len(plain) <= _LONGEST_SESSION:
            return plain
        return f"{WORKFLOW_SESSION}{hashlib.sha256(plain.encode()).hexdigest()[:40]}"


def parse_workflow(where: str) -> Workflow:
    """Reads "github:OWNER/REPO". Raises RejectedError."""
    match = _REPOSITORY.fullmatch(where.removeprefix(_KIND)) if where.startswith(_KIND) else None
    if match is None or match["name"] in (".", ".."):
        raise RejectedError("This is no place of a workflow", place=where[:100], fix="Write it as github:OWNER/REPO")
    return Workflow(match["owner"], match["name"])


def trust(workflow: Workflow, role_arn: str) -> dict[str, Any]:
    """The statement that the trust policy of csoc's role needs for a workflow. Raises RejectedError if role_arn is the
    ARN of no role."""
    check_role_arn(role_arn)
    _, partition, _, _, account, _ = role_arn.split(":", 5)
    return {
        "Sid": "CsocWorkflow" + hashlib.sha256(workflow.where.encode()).hexdigest()[:12],
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{ISSUER}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{ISSUER}:aud": AUDIENCE,
                f"{ISSUER}:sub": workflow.subject,
                "sts:RoleSessionName": workflow.session,
            }
        },
    }
