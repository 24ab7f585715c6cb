"""What csoc asks for when it takes a role of a link: who wants it, for which run, and no more than the task needs.

CloudTrail then shows the person (source identity, which no session after it can change) and the run (session name).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from csoc.accounts.cloud import SessionRequest
from csoc.accounts.links import Link, LinkState, Role
from csoc.accounts.terms import check_role_arn, policy, statement
from csoc.errors import DeniedError, RejectedError

LONGEST_SECONDS = 3_600
LARGEST_POLICY = 2_048
"""Characters of a session policy. Source: AssumeRole, AWS STS API reference."""
_LONGEST_NAME = 64
_STRANGE = re.compile(r"[^A-Za-z0-9_+=,.@-]+")
_WHY = {
    LinkState.BEGUN: "is not verified yet",
    LinkState.WEAKENED: "lets in whom it must not",
    LinkState.BROKEN: "does not work",
    LinkState.UNLINKED: "was taken back",
}


def session(link: Link, role: Role, person: str, run: str, policy: str = "") -> SessionRequest:
    """What to ask for, to act in a linked account. policy: session policy (JSON).

    Raises DeniedError unless the link is verified, RejectedError for a policy that is too large.
    """
    if not link.is_usable:
        raise DeniedError(
            f"The link of {link.account} {_WHY.get(link.state, 'cannot be used')}, so csoc does not act in it",
            place=link.account,
            fix=f"csoc account verify {link.account}",
        )
    if role is Role.EXECUTION:
        raise DeniedError("The execution role is CloudFormation's; csoc never takes it", place=link.account)
    return unproven(link, role, person, run, policy)


def unproven(link: Link, role: Role, person: str, run: str, policy: str = "") -> SessionRequest:
    """The same for a link that is being verified; nothing else may use it."""
    arn = link.roles.get(role, "")
    if check_role_arn(arn)["account"] != link.account_id:
        raise DeniedError(
            f"The {role} role of the link is in another account than {link.account_id}",
            place=link.account,
            fix=f"csoc account verify {link.account}",
        )
    if len(policy) > LARGEST_POLICY:
        raise RejectedError(f"The session policy has {len(policy)} characters; AWS takes {LARGEST_POLICY}", place=arn)
    return SessionRequest(
        role_arn=arn,
        name=named(f"csoc-{run}"),
        external_id=link.external_id,
        policy=policy,
        source_identity=named(person),
        seconds=LONGEST_SECONDS,
    )


def named(text: str) -> str:
    """A name as STS takes it: 2 to 64 characters of a few kinds. Two names stay two, whatever is replaced or cut."""
    plain = _STRANGE.sub("-", text).strip("-")
    if plain == text and 2 <= len(plain) <= _LONGEST_NAME:
        return plain
    mark = hashlib.sha256(text.encode()).hexdigest()[:10]
    return f"{plain[: _LONGEST_NAME - 11]}-{mark}" if plain else f"unnamed-{mark}"


def narrowed(rights: Mapping[str, Sequence[str]]) -> str:
    """A session policy that lets a session do these actions on these resources, and nothing else of what its role
    may. rights: resources by action."""
    statements = [statement(f"S{number}", [action], list(rights[action])) for number, action in enumerate(rights)]
    return json.dumps(policy(*statements), separators=(",", ":"))
