"""Who may approve a plan, and what an approval binds to.

An approval is of a digest: of everything that the plan showed. Rules stand in the fleet's document and are read from
the last approved commit, so that a change cannot loosen the rule that it has to pass. Where a second person is wanted,
that is neither the one who made the plan nor an author of its changes, and whoever cannot be proven is nobody.

Authors are those that Git names. That is a claim and no proof, so it only ever takes the right to approve away: from
everybody whose session carries the author's mail address or its first part.
"""

from __future__ import annotations

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
    if rule.second and person.id == plan.made_by:
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
    session = person.rpartition("/")[2].casefold()
    for author in plan.authors:
        mail = author.casefold()
        if person == author or session in (mail, mail.partition("@")[0]) or session.partition("@")[0] == mail:
            return True
    return False


def is_approved(plan: Plan, rule: ApprovalRule, given: Sequence[Approval]) -> bool:
    """True if enough people said yes to exactly this."""
    counting = {one.by for one in given if one.digest == plan.digest and _counts(plan, rule, one.by)}
    return len(counting) >= rule.people


def missing(plan: Plan, rule: ApprovalRule, given: Sequence[Approval]) -> str:
    """What is missing, in words; "" if nothing is."""
    if is_approved(plan, rule, given):
        return ""
    counting = {one.by for one in given if one.digest == plan.digest and _counts(plan, rule, one.by)}
    left = rule.people - len(counting)
    who = "by somebody who neither made the plan nor wrote its changes" if rule.second else "by anybody who may"
    return f"{left} approval{'s' if left > 1 else ''} {who}: csoc approve {plan.id}"


def _counts(plan: Plan, rule: ApprovalRule, by: str) -> bool:
    if not rule.second:
        return True
    is_somebody = not by.startswith("machine:") and not workflow_session(by)
    return is_somebody and by != plan.made_by and not wrote(plan, by)
