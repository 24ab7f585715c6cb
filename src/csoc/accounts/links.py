"""Links: what lets csoc act in an account, proven by tests and kept in the database, never in Git."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from csoc.errors import ConflictError

_ALPHABET = string.ascii_lowercase + string.digits
SUCCEED, FAIL = "must succeed", "must fail"
"""What is expected of a test."""
OK, WRONG, UNKNOWN = "ok", "wrong", "could not find out"
OLDER = "older template"
"""Outcome of a test that finds what csoc itself once asked for, and asks for no more."""


class Role(StrEnum):
    """The roles of a link (design: who acts, and with what)."""

    OBSERVER = "observer"
    PROVISIONER = "provisioner"
    EXECUTION = "execution"  # CloudFormation's, never assumed by csoc
    SECRETS = "secrets"
    CLUSTER = "cluster"


class LinkState(StrEnum):
    """How far a link is."""

    BEGUN = "begun"  # ExternalId made, nothing proven
    VERIFIED = "verified"
    WEAKENED = "trust weakened"  # a test that must fail succeeded
    BROKEN = "broken"  # a test that must succeed failed
    UNLINKED = "unlinked"


@dataclass(frozen=True, slots=True)
class Check:
    """One test of a link. expectation: "must succeed" or "must fail". outcome: "ok", "wrong", "could not find out", or
    OLDER. commands: lines to paste that belong to the fix, as a CsocError has them. role: of the link, which it is
    about; "" for none. by: ARN of the role of csoc that made it. Earlier versions of csoc kept neither."""

    name: str
    expectation: str
    outcome: str
    detail: str = ""
    fix: str = ""
    commands: str = ""
    role: str = ""
    by: str = ""

    @property
    def severity(self) -> str:
        """How much what it found matters: "high", "low", or "" for nothing found."""
        return {WRONG: "high", OLDER: "low"}.get(self.outcome, "")


@dataclass(frozen=True, slots=True)
class Link:
    """One account's link. account: name of the Account. external_id: shown to those who link only; never reused. roles:
    ARNs, by role, as they were verified. principal, observer: the roles that it trusts. template_digest: of the link
    template that its stack runs with. made_from: digest of the last of csoc's own templates that it was begun or seen
    with. tried_at: when it was last looked at, with whatever outcome. missing: features to
    what they lack. by: who began it. endpoint: of the STS that it was verified with, "" for AWS's own."""

    account: str
    account_id: str
    installation: str
    external_id: str
    partition: str
    region: str
    principal: str
    state: LinkState
    begun_at: datetime
    verified_at: datetime | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    template_digest: str = ""
    artifact_bucket: str = ""
    checks: tuple[Check, ...] = ()
    observer: str = ""
    tried_at: datetime | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    endpoint: str = ""
    unlinked_at: datetime | None = None
    made_from: str = ""

    @property
    def is_usable(self) -> bool:
        """True if csoc may act by it."""
        return self.state is LinkState.VERIFIED

    @property
    def is_proven(self) -> bool:
        """True if no test found anything wrong or open when it was looked at last; an older template is neither."""
        return all(check.outcome in (OK, OLDER) for check in self.checks)


class Links(Protocol):
    """Where links are kept. One link that is not unlinked an account id and an account name; an ExternalId is never
    used twice, also after its link is gone."""

    def put(self, link: Link) -> None:
        """Stores a link, or what became of it. Raises ConflictError if its account is linked under another name, or
        its ExternalId was used before."""
        ...

    def get(self, account: str) -> Link | None:
        """The account's link by the Account's name; None if there is none, or it is unlinked."""
        ...

    def all(self) -> Sequence[Link]:
        """All that are not unlinked, by account."""
        ...

    def past(self) -> Sequence[Link]:
        """All that are unlinked, the oldest first: they are kept for audit."""
        ...


def refuse_if_taken(link: Link, known: Iterable[Link]) -> None:
    """Raises ConflictError if a link cannot be stored beside those that are known, unlinked ones included."""
    for other in known:
        if other.external_id == link.external_id:
            if (other.account, other.account_id) != (link.account, link.account_id):
                raise ConflictError(
                    f"This ExternalId was made for the account {other.account} ({other.account_id})",
                    place=link.account,
                    fix="Link anew: csoc makes an ExternalId for each account, and none is used twice",
                )
            if other.state is LinkState.UNLINKED and link.state is not LinkState.UNLINKED:
                raise ConflictError(
                    f"The link of {link.account} was taken back, and its ExternalId is never used again",
                    place=link.account,
                    fix=f"Link anew: csoc account link {link.account} --account-id ID --region REGION",
                )
        elif other.state is LinkState.UNLINKED or link.state is LinkState.UNLINKED:
            continue
        elif other.account_id == link.account_id:
            raise ConflictError(
                f"The account {link.account_id} is linked as {other.account}",
                place=link.account,
                fix=f"Use that name, or unlink it first: csoc account unlink {other.account}",
            )
        elif other.account == link.account:
            raise ConflictError(
                f"{link.account} is linked to the account {other.account_id}",
                place=link.account,
                fix=f"Correct the id, or unlink it first: csoc account unlink {link.account}",
            )


def new_external_id() -> str:
    """From the machine's source of randomness: ten letters and digits that may be part of names, and thirty more, which
    are about 155 bits by themselves."""
    mark, rest = ("".join(secrets.choice(_ALPHABET) for _ in range(length)) for length in (10, 30))
    return f"csoc-{mark}-{rest}"
