"""What steps may use of the outside world, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from csoc.errors import RejectedError
from csoc.fleet.githost import GitHost
from csoc.provisioning.places import Places
from csoc.provisioning.plans import Plans

T = TypeVar("T")


class Standing(StrEnum):
    """Where the approval of a plan stands."""

    APPROVED = "approved"
    WANTED = "wanted"
    STALE = "stale"  # what it shows is not what would happen any more
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ApprovalStanding:
    """standing; by: who approved or refused; why: what is missing, or what became stale, in words."""

    standing: Standing
    by: str = ""
    why: str = ""


class PlanApprovals(Protocol):
    """Port: whether a plan is approved, as the rules of the fleet see it."""

    def standing(self, plan: str) -> ApprovalStanding:
        """Raises NotFoundError if there is no such plan, UnavailableError if it cannot be found out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Ports of the steps. A command that needs few of them leaves the others out.

    githost: the host of a repository, by its address; raises as that of `usecases.ports`.
    """

    githost: Callable[[str], GitHost] | None = None
    approvals: PlanApprovals | None = None
    plans: Plans | None = None
    places: Places | None = None


def needed(service: T | None, name: str) -> T:
    """A service that a step cannot do without. Raises RejectedError: it is csoc's own composition that lacks it."""
    if service is None:
        raise RejectedError(
            f"This executor has nothing to ask about {name}", fix="Run `csoc worker`, which brings all that steps use"
        )
    return service
