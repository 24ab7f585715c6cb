"""Names of everything that the templates make, by the forms of docs/provisioning.md.

csoc has the same forms (`csoc.provisioning.names`), and since neither imports the other, a test compares the two. A uid
has always ten letters and digits, so no name with one is the beginning of another's.
"""

from __future__ import annotations

INSTALLATION_TAG = "csoc:installation"
OWNER_TAG = "csoc:owner"
LAYER_TAG = "csoc:layer"
LINK_PATH = "/csoc-link/"


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


def boundary_arn(partition: str, account_id: str, installation: str) -> str:
    """The permissions boundary of every role that the stacks make."""
    return f"arn:{partition}:iam::{account_id}:policy{LINK_PATH}CsocLink-{installation}-boundary"
