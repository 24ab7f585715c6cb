"""Every policy, in the order in which a reader wants them."""

from __future__ import annotations

from collections.abc import Sequence

from csoc.provisioning.plans import PolicyFinding
from csoc.provisioning.policies import data_is_kept, nothing_public, roles_are_bounded
from csoc.provisioning.policies.policy import Considered, Policy

POLICIES: tuple[Policy, ...] = (data_is_kept, roles_are_bounded, nothing_public)


def judge(considered: Considered) -> Sequence[PolicyFinding]:
    """What all policies say of a layer."""
    return [finding for policy in POLICIES for finding in policy.judge(considered)]
