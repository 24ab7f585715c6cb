"""Names of what links an account, and the tags that say whose a thing is.

They stand here, below `provisioning.names`, since the roles of a link are granted by them.
"""

from __future__ import annotations

INSTALLATION_TAG = "csoc:installation"
OWNER_TAG = "csoc:owner"
LAYER_TAG = "csoc:layer"

LINK_PATH = "/csoc-link/"
"""IAM path of a link's roles and policies: outside of every path that csoc may write below."""


def link_stack(installation: str) -> str:
    """The stack that links an account; outside of what csoc may drive."""
    return f"CsocLink-{installation}"


def link_role(installation: str, role: str) -> str:
    """A role of the link; its path is LINK_PATH."""
    return f"CsocLink-{installation}-{role}"


def role_arn(partition: str, account_id: str, installation: str, role: str) -> str:
    """The ARN of a link's role."""
    return f"arn:{partition}:iam::{account_id}:role{LINK_PATH}{link_role(installation, role)}"


def policy_arn(partition: str, account_id: str, installation: str, policy: str) -> str:
    """The ARN of a managed policy of a link."""
    return f"arn:{partition}:iam::{account_id}:policy{LINK_PATH}{link_role(installation, policy)}"


def boundary_arn(partition: str, account_id: str, installation: str) -> str:
    """The permissions boundary of every role that csoc's stacks make."""
    return policy_arn(partition, account_id, installation, "boundary")


def artifact_bucket(installation: str, account_id: str, mark: str) -> str:
    """The link's bucket for templates. Bucket names are one space for the whole world, so the account is in it. mark:
    of this link, since the bucket of one before may still be there."""
    return f"csoc-link-{installation}-{mark}-{account_id}"


def mark_of(external_id: str) -> str:
    """The part of an ExternalId that names of a link's things may hold."""
    return external_id.split("-")[1]
