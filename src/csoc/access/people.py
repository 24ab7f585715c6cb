"""Who a person is: somebody whom a server session or a cloud's security token service vouches for.

Never Git's author and never a variable: anybody writes those. On an installation of one person the account of the
operating system is enough to act, and proves nothing to others.

Where more than one person is wanted, being an STS caller is not enough: anybody has an account of their own, and
whoever may take a role often names its sessions at will. `People` knows which callers are people, and which are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

WORKFLOW_SESSION = "github="
"""How the names of sessions begin that csoc's role gives to workflows. A person who takes such a name gains nothing: it
may do less."""

_ASSUMED = re.compile(
    r"sts:arn:(?P<partition>aws[a-z-]*):sts::(?P<account>[0-9]{12}):assumed-role/(?P<role>[^/]+)/(?P<session>[^/]+)"
)
_SINGLE_SIGN_ON = "AWSReservedSSO_"
_SINGLE_SIGN_ON_PATH = ":role/aws-reserved/sso.amazonaws.com/"
_WORKFLOW = re.compile(rf"sts:arn:[a-z-]+:sts::[0-9]{{12}}:assumed-role/[^/]+/(?P<session>{WORKFLOW_SESSION}[^/]+)")


class Origin(StrEnum):
    """Who vouches for a person."""

    STS = "AWS STS"  # an STS caller: arn:aws:sts::...:assumed-role/ROLE/SESSION
    SESSION = "a session of the server"
    MACHINE = "this machine"  # the account of the operating system


@dataclass(frozen=True, slots=True)
class Person:
    """id: unique and stable ("sts:arn:aws:sts::111111111111:assumed-role/Engineer/ada"). name: what is shown. role: ARN
    of the role behind it with its path, which an id leaves out; "" if nobody told it."""

    id: str
    name: str
    origin: Origin
    role: str = ""

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


def sts_person(arn: str, role: str = "") -> Person:
    """An STS caller. role: see Person."""
    return Person(f"sts:{arn}", arn.rpartition("/")[2] or arn, Origin.STS, role)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a caller is nobody where more than one person is wanted, as a clause, and what would help."""

    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class People:
    """Which STS callers are people. accounts: csoc's own, and others where people sign in. roles, pinned: patterns of
    ARNs of roles ("arn:aws:iam::111111111111:role/Security*"); the names of sessions of pinned ones are people's, as
    those of single sign-on are."""

    accounts: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()

    def knows(self, person: str) -> bool:
        """True if an id is of a person. Whether a role that is called like one of single sign-on is one, only
        `doubt` can say."""
        found = _ASSUMED.fullmatch(person)
        return found is not None and (self._is_pinned(found) or _matches(found, self.roles))

    def is_near(self, person: str) -> bool:
        """True for a session of any role in an account of csoc's people, and for whomever it knows."""
        found = _ASSUMED.fullmatch(person)
        return found is not None and (found["account"] in self.accounts or self.knows(person))

    def doubt(self, person: Person) -> Doubt | None:
        """Why somebody does not count; None if they do."""
        found = _ASSUMED.fullmatch(person.id)
        sign_in = f"Sign in with single sign-on to {' or '.join(sorted(self.accounts)) or 'an account of csoc'}"
        if found is None:
            return Doubt(f"{person.id.removeprefix('sts:')} is no session of a role", sign_in)
        role = f"{found['role']} of {found['account']}"
        if _matches(found, (*self.roles, *self.pinned)):
            return None
        if found["account"] not in self.accounts:
            return Doubt(
                f"the account {found['account']} is none where csoc's people sign in",
                f"{sign_in}; or name that account in csoc's settings (aws.people_accounts)",
            )
        if not found["role"].startswith(_SINGLE_SIGN_ON):
            return Doubt(
                f"the role {role} is none that people sign in with",
                f"{sign_in}; or name the role in csoc's settings (aws.people_roles)",
            )
        if _SINGLE_SIGN_ON_PATH not in person.role:
            return Doubt(
                f"nobody can tell whether the role {role} is one of single sign-on or only called like one",
                "Let it call iam:GetRole on itself, or name it in csoc's settings (aws.pinned_roles)",
            )
        return None

    def are_one(self, one: str, other: str) -> bool:
        """True if two ids may be of one person: the same name of a session in whichever roles, or any two sessions of
        one role whose sessions anybody names at will."""
        first, second = _ASSUMED.fullmatch(one), _ASSUMED.fullmatch(other)
        if one == other or first is None or second is None:
            return one == other or _are_alike(_last(one), _last(other))
        return self.is_one_role(one, other) or _are_alike(first["session"], second["session"])

    def is_one_role(self, one: str, other: str) -> bool:
        """True for two sessions of one role that is not pinned."""
        first, second = _ASSUMED.fullmatch(one), _ASSUMED.fullmatch(other)
        if first is None or second is None or self._is_pinned(first):
            return False
        return (first["account"], first["role"]) == (second["account"], second["role"])

    def _is_pinned(self, found: re.Match[str]) -> bool:
        is_single = found["role"].startswith(_SINGLE_SIGN_ON) and found["account"] in self.accounts
        return is_single or _matches(found, self.pinned)


def _matches(found: re.Match[str], patterns: Iterable[str]) -> bool:
    arn = f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}"
    return any(fnmatchcase(arn, pattern) for pattern in patterns)


def _are_alike(one: str, other: str) -> bool:
    sessions = {one.casefold(), other.casefold()}
    locals_ = {name.partition("@")[0] for name in sessions}
    return len(sessions) == 1 or (any("@" not in name for name in sessions) and len(locals_) == 1)


def _last(person: str) -> str:
    return person.rpartition("/")[2]
