"""Port: the stacks of an account and region, as one person's session for one task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from csoc.provisioning.stacks import Stacks


@dataclass(frozen=True, slots=True)
class Place:
    """Where an owner's stacks are. installation: whose stacks may be changed. execution_role: CloudFormation's."""

    stacks: Stacks
    installation: str
    execution_role: str


class Places(Protocol):
    """See the module."""

    def at(self, account: str, account_id: str, region: str, *, person: str, task: str) -> Place:
        """A place in a linked account, by the Account's name. account_id: as the plan or document says; must be the
        link's. person, task: what AWS's own records will show ("sts:ada", "plan", a run's id).

        Raises NotFoundError (not linked), DeniedError (the link is not verified, or AWS refuses), RejectedError (the
        link is of another account), UnavailableError.
        """
        ...
