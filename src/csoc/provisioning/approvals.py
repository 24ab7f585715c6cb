"""Who may approve a plan, and what an approval binds to.

An approval is of a digest: of everything that the plan showed. Rules stand in the fleet's document and are read from
the last approved commit, so that a change cannot loosen the rule that it has to pass. Where a second person is wanted,
that is neither the one who made the plan nor an author of its changes, and whoever cannot be proven is nobody.

Authors are those that Git names. That is a claim and no proof, so it only ever takes the right to approve away: from
everybody whose session carries an author's name or the first part of a mail address of theirs, at whichever domain. One
session name in two roles is one person, since whoever may take two roles would be two otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from csoc.access.people import Person, workflow_session
from csoc.errors import DeniedError, RejectedError
from csoc.provisioning.plans import Approval, Plan


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """What a stage asks for. people: so many approvals; second: by persons who are proven and neither made the plan nor
    wrote its changes."""

    people: int = 1
    second: bool = False


def rule_of(plan: Plan) -> ApprovalRule:
    """The rule that held when the plan was made; it is part of what is approved."""
    return ApprovalRule(plan.people, plan.second_person)


def stricter(first: ApprovalRule, second: ApprovalRule) -> ApprovalRule:
    """What satisfies both."""
    return ApprovalRule(max(first.people, second.people), first.second or second.second)


def check_approver(plan: Plan, person: Person, rule: ApprovalRule) -> None:
    """Raises DeniedError if this person's approval would count for nothing, RejectedError if the plan cannot be
    approved at all."""
    if plan.blocking:
        first = plan.blocking[0]
        raise RejectedError(
            f"The plan is blocked: {first.subject}: {first.cause}", place=f"plan {plan.id}", fix=first.fix
        )
    if rule.second and not person.is_proven:
        raise DeniedError(
            f"{plan.owner_name} wants a second person, and nobody vouches for {person.name} ({person.origin})",
            place=f"plan {plan.id}",
            fix="Sign in with a role or single sign-on, so that the cloud says who you are",
        )
    if rule.second and workflow_session(person.id):
        raise DeniedError(
            f"{person.name} is a workflow, in whose name anybody speaks who writes its jobs, and {plan.owner_name} "
            "wants a second person",
            place=f"plan {plan.id}",
            fix="Have somebody run csoc approve who signed in",
        )
    if rule.second and same_person(person.id, plan.made_by):
        raise DeniedError(
            f"{person.name} made this plan, and {plan.owner_name} wants a second person",
            place=f"plan {plan.id}",
            fix="Ask somebody else to run csoc approve",
        )
    if rule.second and wrote(plan, person.id):
        raise DeniedError(
            f"{person.name} wrote changes of this plan, and {plan.owner_name} wants a second person",
            place=f"plan {plan.id}",
            fix="Ask somebody else to run csoc approve",
        )


def wrote(plan: Plan, person: str) -> bool:
    """True if a person may be an author of the plan's changes. person: id of a Person, whose last part is the name of
    its session."""
    names = _names(_session(person))
    return any(person == author or names & _names(author) for author in plan.authors)


def same_person(one: str, other: str) -> bool:
    """True if two ids of a Person may be of one person: the same name of a session, in whichever role."""
    sessions = {_session(one).casefold(), _session(other).casefold()}
    return len(sessions) == 1 or (any("@" not in name for name in sessions) and len({_local(n) for n in sessions}) == 1)


def _session(person: str) -> str:
    return person.rpartition("/")[2]


def _local(name: str) -> str:
    return name.partition("@")[0]


def _names(claimed: str) -> set[str]:
    """What somebody may be called: "Ada King", "ada.king@example.org" and "7+ada-king@example.com" are one name."""
    parts = _local(claimed.casefold()).split("+")
    return {name for part in parts if (name := re.sub(r"[\W_]", "", part)) and not name.isdigit()}


def is_approved(plan: Plan, rule: ApprovalRule, given: Sequence[Approval]) -> bool:
    """True if enough people said yes to exactly this."""
    return _people(plan, rule, given) >= rule.people


def missing(plan: Plan, rule: ApprovalRule, given: Sequence[Approval]) -> str:
    """What is missing, in words; "" if nothing is."""
    if is_approved(plan, rule, given):
        return ""
    left = rule.people - _people(plan, rule, given)
    who = "by somebody who neither made the plan nor wrote its changes" if rule.second else "by anybody who may"
    return f"{left} approval{'s' if left > 1 else ''} {who}: csoc approve {plan.id}"


def _people(plan: Plan, rule: ApprovalRule, given: Sequence[Approval]) -> int:
    """How many different people said yes to exactly this."""
    found: list[str] = []
    for one in given:
        is_known = any(one.by == by or (rule.second and same_person(one.by, by)) for by in found)
        if one.digest == plan.digest and _counts(plan, rule, one.by) and not is_known:
            found.append(one.by)
    return len(found)


def _counts(plan: Plan, rule: ApprovalRule, by: str) -> bool:
    if not rule.second:
        return True
    is_somebody = not by.startswith("machine:") and not workflow_session(by)
    return is_somebody and not same_person(by, plan.made_by) and not wrote(plan, by)
