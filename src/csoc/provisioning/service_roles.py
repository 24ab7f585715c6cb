"""Roles of an account that services need before a stack can use them: one an account, made once and never by a stack,
which would fail where it is there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Source: "Using service-linked roles for VPC domains", Amazon OpenSearch Service Developer Guide.
_SERVICES: Mapping[str, str] = {"AWS::OpenSearchService::Domain": "opensearchservice.amazonaws.com"}


def services_of(resources: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The services whose role a template's resources need. resources: by logical id."""
    return tuple(
        sorted(
            {
                _SERVICES[str(one.get("Type"))]
                for one in resources.values()
                if str(one.get("Type")) in _SERVICES and one.get("Properties", {}).get("VPCOptions")
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
