"""What takes back a change that somebody made to a link past its stack.

CloudFormation compares a template with the one before and never with what is there, so an update of a stack whose
template is as csoc made it leaves such a change alone. These are the commands of AWS's own program that undo it, for
whoever owns the account. Names come from that account: what is no name of IAM's gets no command.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

from csoc.accounts import names
from csoc.accounts.cloud import RoleFacts
from csoc.accounts.features import same_trust, surplus_of_policy
from csoc.accounts.links import Link, Role
from csoc.accounts.roles import RoleDocuments, roles
from csoc.accounts.terms import Document, Terms

_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,128}")
_POLICY_ARN = re.compile(r"arn:[a-z-]+:iam::(?:aws|[0-9]{12}):policy/[A-Za-z0-9_+=,.@/-]{1,640}")


def update(link: Link) -> str:
    """The fix where the stack's template or parameters are not csoc's, or not those of today."""
    return (
        f"Update the link's stack: `csoc account link {link.account}` prints the commands that do it; "
        f"then `csoc account verify {link.account}`"
    )


def by_hand(link: Link) -> str:
    """The fix to which commands belong."""
    return (
        "An update of the stack leaves this as it is. Whoever owns the account takes it back, then csoc looks again "
        f"with `csoc account verify {link.account}`"
    )


def as_shown(link: Link, test: str) -> str:
    """The fix where another finding has the commands. test: its name."""
    return (
        f"An update of the stack leaves this as it is. The commands of `{test}` take it back; then csoc looks again "
        f"with `csoc account verify {link.account}`"
    )


def unseen(link: Link) -> str:
    """The fix where the observer may not look."""
    return (
        "Give the observer role back its policy and take away any other that it has, or update the link's stack if its "
        f"template was changed; then `csoc account verify {link.account}`"
    )


def seeing_commands(terms: Terms) -> str:
    """Gives the observer role its own policy, and lists what else may keep it from looking."""
    observer = next(one for one in roles(terms) if one.role is Role.OBSERVER)
    name = names.link_role(terms.installation, Role.OBSERVER)
    lines = [
        f"aws iam put-role-policy --role-name {name} --policy-name {policy} --policy-document {_quoted(document)}"
        for policy, document in observer.inline.items()
    ]
    listed = [f"aws iam {what} --role-name {name}" for what in ("list-role-policies", "list-attached-role-policies")]
    return "\n".join((*lines, *listed))


def anew(link: Link) -> str:
    """The fix where no command is known."""
    return (
        "An update of the stack leaves this as it is. Do what the other findings say; if there are none, or it stays, "
        f"delete the link's stack in {link.region} and make it again with `csoc account link {link.account}`"
    )


def trust_commands(
    terms: Terms, link: Link, stack: str, expected: RoleDocuments, found: RoleFacts, longest_session_seconds: int
) -> str:
    """Puts back whom a role trusts, and for how long; "" if both are right. The ExternalId is for those who link, and
    this is shown to others too, so a shell reads it from the stack."""
    role = names.link_role(terms.installation, expected.role)
    lines = []
    if not same_trust(expected.trust, found.trust):
        document = _quoted(expected.trust)
        if terms.external_id in document:
            query = "Stacks[0].Parameters[?ParameterKey=='ExternalId'].ParameterValue"
            asked = ["aws", "cloudformation", "describe-stacks", "--region", link.region, "--stack-name", stack]
            lines.append(f'EXTERNAL_ID=$({shlex.join(asked)} --output text --query "{query}")')
            document = document.replace(terms.external_id, "'\"$EXTERNAL_ID\"'")
        lines.append(f"aws iam update-assume-role-policy --role-name {role} --policy-document {document}")
    if found.longest_session_seconds > longest_session_seconds:
        lines.append(f"aws iam update-role --role-name {role} --max-session-duration {longest_session_seconds}")
    return "\n".join(lines)


def rights_commands(terms: Terms, expected: RoleDocuments, found: RoleFacts, *, is_older: bool) -> str:
    """Takes away policies that a role has too many, and puts back those that allow more or deny less.

    is_older: expected is of an older template, whose managed policies have no names that are known here."""
    role = names.link_role(terms.installation, expected.role)
    lines = [
        f"aws iam delete-role-policy --role-name {role} --policy-name {shlex.quote(name)}"
        for name in sorted(found.inline)
        if name not in expected.inline and _NAME.fullmatch(name)
    ]
    lines += [
        f"aws iam put-role-policy --role-name {role} --policy-name {name} --policy-document {_quoted(document)}"
        for name, document in expected.inline.items()
        if _is_looser(document, found.inline.get(name))
    ]
    own = terms.iam(f"policy{names.LINK_PATH}{names.link_role(terms.installation, '')}")
    managed = {} if is_older else {f"{own}{name}": document for name, document in expected.managed.items()}
    lines += [
        f"aws iam detach-role-policy --role-name {role} --policy-arn {shlex.quote(arn)}"
        for arn in sorted(found.attached)
        if arn not in managed and not (is_older and arn.startswith(own)) and _POLICY_ARN.fullmatch(arn)
    ]
    for arn, document in managed.items():
        if arn in found.attached:
            lines += policy_commands(arn, document, found.attached[arn]).splitlines()
        elif _is_looser(document, None):
            lines.append(f"aws iam attach-role-policy --role-name {role} --policy-arn {arn}")
    return "\n".join(lines)


def policy_commands(arn: str, expected: Document, found: Mapping[str, object]) -> str:
    """Makes a managed policy say again what csoc's says, whichever of its versions does; "" if it does."""
    if not surplus_of_policy(expected, found):
        return ""
    return f"aws iam create-policy-version --set-as-default --policy-arn {arn} --policy-document {_quoted(expected)}"


def _is_looser(expected: Document, found: Mapping[str, object] | None) -> bool:
    return bool(surplus_of_policy(expected, found if found is not None else {"Statement": []}))


def _quoted(document: Document) -> str:
    return shlex.quote(json.dumps(document, separators=(",", ":")))
