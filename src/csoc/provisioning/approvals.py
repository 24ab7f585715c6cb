"""Who may approve a plan, and what an approval binds to.

An approval is of a digest: of everything that the plan showed. Rules stand in the fleet's document and are read from
the last approved commit, so that a change cannot loosen the rule that it has to pass. Where a second person is wanted,
that is neither the one who made the plan nor an author of its changes. Where more than one person is wanted, only
`People` count: whoever cannot be proven is nobody, and a plan that nobody knows the maker of takes one person more.

Authors are those that Git names. That is a claim and no proof, so it only ever takes the right to approve away: from
everybody whose session carries an author's name, a part of it or the first part of a mail address of theirs, at
whichever domain. One session name in two roles is one person, since whoever may take two roles would be two otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from csoc.access.people import People, Person, workflow_session
from csoc.errors import DeniedError, RejectedError
from csoc.provisioning.plans import Approval, Plan


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """What a stage asks for. people: so many approvals, by people who are proven if it is more than one; second: by
    people who are proven and neither made the plan nor wrote its changes."""

    people: int = 1
    second: bool = False


def rule_of(plan: Plan) -> ApprovalRule:
    """The rule that held when the plan was made; it is part of what is approved."""
    return ApprovalRule(plan.people, plan.second_person)


def stricter(first: ApprovalRule, second: ApprovalRule) -> ApprovalRule:
    """What satisfies both."""
    return ApprovalRule(max(first.people, second.people), first.second or second.second)


def wants_proof(rule: ApprovalRule) -> bool:
    """True if only people who are proven count."""
    return rule.second or rule.people > 1


def check_approver(plan: Plan, person: Person, rule: ApprovalRule, people: People) -> None:
    """Raises DeniedError if this person's approval would count for nothing, RejectedError if the plan cannot be
    approved at all."""
    if plan.blocking:
        first = plan.blocking[0]
        raise RejectedError(
            f"The plan is blocked: {first.subject}: {first.cause}", place=f"plan {plan.id}", fix=first.fix
        )
    if not wants_proof(rule):
        return
    why, fix = _refusal(plan, person, rule, people)
    if why:
        raise DeniedError(why, place=f"plan {plan.id}", fix=fix)


_ASK = "Ask somebody else to run csoc approve"
_PIN = "or pin its sessions to people in its trust policy, and say so in csoc's settings (aws.pinned_roles)"


def _refusal(plan: Plan, person: Person, rule: ApprovalRule, people: People) -> tuple[str, str]:
    """Why somebody is nobody who counts, and what would help; ("", "") if they count."""
    wanted = f"{plan.owner_name} wants {'a second person' if rule.second else f'{rule.people} people'}"
    if not person.is_proven:
        return (
            f"{wanted}, and nobody vouches for {person.name} ({person.origin})",
            "Sign in with a role or single sign-on, so that the cloud says who you are",
        )
    if workflow_session(person.id):
        return (
            f"{person.name} is a workflow, in whose name anybody speaks who writes its jobs, and {wanted}",
            "Have somebody run csoc approve who signed in",
        )
    if rule.second and person.id == plan.made_by:
        return f"{person.name} made this plan, and {wanted}", _ASK
    doubt = people.doubt(person)
    if doubt is not None:
        return f"{wanted}, and {doubt.why}", doubt.fix
    if rule.second and people.is_one_role(person.id, plan.made_by):
        return (
            f"{person.name} is another session of the role that made this plan, whose sessions anybody names at will "
            f"who may take it; so csoc takes it for one person, and {wanted}",
            f"{_ASK} with another role; {_PIN}",
        )
    if rule.second and people.are_one(person.id, plan.made_by):
        return f"{person.name} made this plan, and {wanted}", _ASK
    if rule.second and wrote(plan, person.id):
        return f"{person.name} wrote changes of this plan, and {wanted}", _ASK
    return "", ""


def wrote(plan: Plan, person: str) -> bool:
    """True if a person may be an author of the plan's changes. person: id of a Person, whose last part is the name of
    its session."""
    session = person.rpartition("/")[2]
    return any(person == author or _may_be(session, author) for author in plan.authors)


def _may_be(one: str, other: str) -> bool:
    """True if nobody could tell two claimed names apart: "Ada King", "ada.king@example.org", "7+ada-king@example.com",
    "ada", "king", "aking" and "ada+x@example.org"."""
    first, second = _readings(one), _readings(other)
    return any(
        "".join(mine) in _short(theirs) or "".join(theirs) in _short(mine) for mine in first for theirs in second
    )


def _readings(claimed: str) -> list[list[str]]:
    """The words of a claimed name, without the domain; a name with a plus is read as each of its parts."""
    parts = claimed.casefold().partition("@")[0].split("+")
    read = ([word for word in re.split(r"[\W_]+", part) if word and not word.isdigit()] for part in parts)
    return [words for words in read if words]


def _short(words: list[str]) -> set[str]:
    """How somebody of these names may be called as well."""
    found = {"".join(words), "".join(reversed(words))}
    if len(words) > 1:
        found |= {words[0], words[-1], words[0][0] + words[-1], words[0] + words[-1][0]}
    return found


def is_approved(plan: Plan, rule: ApprovalRule, given: Sequence[Approval], people: People) -> bool:
    """True if enough people said yes to exactly this."""
    return _left(plan, rule, given, people) <= 0


def missing(plan: Plan, rule: ApprovalRule, given: Sequence[Approval], people: People) -> str:
    """What is missing, in words; "" if nothing is."""
    left = _left(plan, rule, given, people)
    if left <= 0:
        return ""
    who = "by somebody who neither made the plan nor wrote its changes" if rule.second else "by anybody who may"
    why = "" if _is_made_by_somebody(plan, rule, people) else f" (nobody can tell who {plan.made_by} is, who made it)"
    one_role = [one for one in given if any(people.is_one_role(one.by, by.by) and one.by != by.by for by in given)]
    hint = f"; sessions of one role are one person, {_PIN}" if wants_proof(rule) and one_role else ""
    return f"{left} approval{'s' if left > 1 else ''} {who}{why}: csoc approve {plan.id}{hint}"


def _left(plan: Plan, rule: ApprovalRule, given: Sequence[Approval], people: People) -> int:
    """How many approvals are missing."""
    found: list[str] = []
    for one in given:
        if one.digest != plan.digest or one.plan != plan.id or not _counts(plan, rule, one.by, people):
            continue
        is_known = any(people.are_one(one.by, by) if wants_proof(rule) else one.by == by for by in found)
        if not is_known:
            found.append(one.by)
    # Whoever made it may be the one who approves, so that two people are sure only with one more.
    return rule.people + (not _is_made_by_somebody(plan, rule, people)) - len(found)


def _is_made_by_somebody(plan: Plan, rule: ApprovalRule, people: People) -> bool:
    return not rule.second or people.is_near(plan.made_by)


def _counts(plan: Plan, rule: ApprovalRule, by: str, people: People) -> bool:
    if not wants_proof(rule):
        return True
    if workflow_session(by) or not people.knows(by):
        return False
    return not rule.second or not (people.are_one(by, plan.made_by) or wrote(plan, by))
