"""Names of everything that csoc makes in an account.

A uid has always ten letters and digits, so no name with one is the beginning of another's, and a policy that grants a
prefix grants one owner. Nobody else builds such names. Those of a link are in `accounts.names`.
"""

from __future__ import annotations

from csoc.accounts.names import (
    INSTALLATION_TAG,
    LAYER_TAG,
    LINK_PATH,
    OWNER_TAG,
    boundary_arn,
    link_role,
    link_stack,
)

__all__ = [
    "INSTALLATION_TAG",
    "LAYER_TAG",
    "LINK_PATH",
    "OWNER_TAG",
    "boundary_arn",
    "bucket",
    "eks_cluster",
    "link_role",
    "link_stack",
    "parameter",
    "role_path",
    "secret",
    "stack",
    "thing",
]


def stack(uid: str, layer: str) -> str:
    """The stack of a layer."""
    return f"csoc-{uid}-{layer}"


def parameter(uid: str, layer: str, output: str) -> str:
    """The SSM parameter that passes an output on."""
    return f"/csoc/{uid}/{layer}/{output}"


def thing(uid: str, purpose: str) -> str:
    """A queue, topic, database, domain, role or the like."""
    return f"csoc-{uid}-{purpose}"


def eks_cluster(uid: str) -> str:
    """The EKS cluster of a cluster."""
    return f"csoc-{uid}"


def bucket(uid: str, purpose: str, account_id: str) -> str:
    """A bucket; their names are one space for the whole world, so the account is in them."""
    return f"csoc-{uid}-{purpose}-{account_id}"


def role_path(uid: str) -> str:
    """The IAM path of an owner's roles and policies."""
    return f"/csoc/{uid}/"


def secret(uid: str, name: str) -> str:
    """A secret in Secrets Manager."""
    return f"csoc/{uid}/{name}"
