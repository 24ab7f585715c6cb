"""Roles of an account that services need before a stack can use them: one an account, made once and never by a stack,
which would fail where it is there already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from csoc.accounts.linked_roles import BEFORE_STACKS, MadeBefore


def services_of(
    resources: Mapping[str, Mapping[str, Any]], table: Sequence[MadeBefore] = BEFORE_STACKS
) -> tuple[str, ...]:
    """The services whose role a template's resources need. resources: by logical id."""
    return tuple(
        sorted(
            {
                role.service
                for one in resources.values()
                for role in table
                if one.get("Type") == role.resource
                and (not role.only_with or one.get("Properties", {}).get(role.only_with))
            }
        )
    )


def told(services: tuple[str, ...]) -> str:
    """What a plan says about them, "" for none."""
    if not services:
        return ""
    return (
        f"Before its stack is changed, the account's service-linked role of {', '.join(services)} is made, if it is"
        " not there"
    )


def command(service: str) -> str:
    """What an administrator of the account types who makes it by hand."""
    return f"aws iam create-service-linked-role --aws-service-name {service}"
