"""Roles and users that a template makes carry the permissions boundary and stand below csoc's path.

The execution role refuses others anyway; here it is said before anything runs, with the resource's name.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.provisioning.plans import PolicyFinding, Purpose
from csoc.provisioning.policies.policy import Considered

NAME = "roles-are-bounded"


def judge(considered: Considered) -> Iterator[PolicyFinding]:
    """One finding for each role without boundary or outside of the path, and each user."""
    if considered.purpose is Purpose.DESTROY:
        return
    for logical_id, resource in considered.resources.items():
        kind = resource.get("Type")
        properties = resource.get("Properties") or {}
        subject = f"{considered.layer}/{logical_id}"
        if kind == "AWS::IAM::User":
            yield PolicyFinding(NAME, subject, "A user would be made, with keys that never end", "Use a role", True)
        if kind != "AWS::IAM::Role":
            continue
        if not properties.get("PermissionsBoundary"):
            yield PolicyFinding(NAME, subject, "The role has no permissions boundary", "Give it the link's", True)
        if not str(properties.get("Path", "")).startswith("/csoc/"):
            yield PolicyFinding(NAME, subject, "The role is not below /csoc/", "Give it the owner's path", True)
