"""Service-linked roles, which AWS's services have in an account: who may make which.

An account has one for each service, whoever makes it first. Most come into being as CloudFormation makes what needs
them; some resources fail without theirs, and a stack that makes it fails where it is, so csoc makes it itself before
such a stack begins. Policies of a link say it in three places, and all of them read it here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """A role that csoc makes before a stack begins. statement: that lets the link's provisioner make it. resource: the
    type that needs it, only_with: where it has this property, "" for always."""

    service: str
    statement: str
    resource: str
    only_with: str = ""


BEFORE_STACKS = (
    # Source: "Using service-linked roles for VPC domains", Amazon OpenSearch Service Developer Guide.
    MadeBefore("opensearchservice.amazonaws.com", "RoleOfSearch", "AWS::OpenSearchService::Domain", "VPCOptions"),
)
"""What the link's provisioner may make."""

BY_STACKS = (
    "autoscaling.amazonaws.com", "eks-nodegroup.amazonaws.com", "eks.amazonaws.com",
    "elasticloadbalancing.amazonaws.com", "es.amazonaws.com", "opensearchservice.amazonaws.com", "rds.amazonaws.com",
    "spot.amazonaws.com", "wafv2.amazonaws.com",
)  # fmt: skip
"""Services whose role CloudFormation may make, with what it makes for csoc's stacks."""

BY_ROLES_OF_STACKS = (
    "autoscaling.amazonaws.com", "eks-nodegroup.amazonaws.com", "elasticloadbalancing.amazonaws.com",
    "spot.amazonaws.com",
)  # fmt: skip
"""Services whose role nodes and controllers may make, under the boundary."""
