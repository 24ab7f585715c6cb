"""Who a person is: somebody whom a server session or a cloud's security token service vouches for.

Never Git's author and never a variable: anybody writes those. On an installation of one person the account of the
operating system is enough to act, and proves nothing to others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

WORKFLOW_SESSION = "github="
"""How the names of sessions begin that csoc's role gives to workflows. A person who takes such a name gains nothing: it
may do less."""

_WORKFLOW = re.compile(rf"sts:arn:[a-z-]+:sts::[0-9]{{12}}:assumed-role/[^/]+/(?P<session>{WORKFLOW_SESSION}[^/]+)")


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


def workflow_session(person: str) -> str:
    """The name of the session of a workflow, by a person's id; "" for everybody else."""
    match = _WORKFLOW.fullmatch(person)
    return match["session"] if match is not None else ""


def sts_person(arn: str) -> Person:
    """An STS caller."""
    return Person(f"sts:{arn}", arn.rpartition("/")[2] or arn, Origin.STS)
