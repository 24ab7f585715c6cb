"""Who a person is: somebody whom a server session or a cloud's security token service vouches for.

Never Git's author and never a variable: anybody writes those. On an installation of one person the account of the
operating system is enough to act, and proves nothing to others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """Who vouches for a person."""

    STS = "AWS STS"  # an STS caller: arn:aws:sts::...:assumed-role/ROLE/SESSION
    SESSION = "a session of the server"
    MACHINE = "this machine"  # the account of the operating system


@dataclass(frozen=True, slots=True)
class Person:
    """id: unique and stable ("sts:arn:aws:sts::111111111111:assumed-role/Engineer/ada"). name: what is shown."""

    id: str
    name: str
    origin: Origin

    @property
    def is_proven(self) -> bool:
        """True if somebody else than the person vouches for it."""
        return self.origin is not Origin.MACHINE


def machine_person(user: str, host: str) -> Person:
    """Whoever uses this machine."""
    return Person(f"machine:{user}@{host}", user, Origin.MACHINE)


def sts_person(arn: str) -> Person:
    """An STS caller."""
    return Person(f"sts:{arn}", arn.rpartition("/")[2] or arn, Origin.STS)
