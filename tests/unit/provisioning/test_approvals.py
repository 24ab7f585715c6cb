"""Who may approve what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from csoc.access.people import machine_person, sts_person
from csoc.errors import DeniedError, RejectedError
from csoc.provisioning.approvals import ApprovalRule, check_approver, is_approved, missing
from csoc.provisioning.plans import Approval, Plan, PolicyFinding
from tests.unit.provisioning.small_layers import START, World

ADA = sts_person("arn:aws:sts::111111111111:assumed-role/Engineer/ada")
BEA = sts_person("arn:aws:sts::111111111111:assumed-role/Security/bea")
CARL = sts_person("arn:aws:sts::111111111111:assumed-role/Engineer/carl")
SECOND = ApprovalRule(people=1, second=True)


@pytest.fixture
def plan() -> Plan:
    return replace(World().plan(), made_by=ADA.id, authors=(CARL.id,))


def approval(plan: Plan, by: str) -> Approval:
    return Approval(plan.id, plan.digest, by, START)


def test_one_person_alone_may_approve_where_no_second_one_is_wanted(plan: Plan) -> None:
    me = machine_person("ada", "laptop")
    check_approver(plan, me, ApprovalRule())
    assert is_approved(plan, ApprovalRule(), [approval(plan, me.id)])


@pytest.mark.parametrize(
    ("person", "why"),
    [
        (ADA, "made this plan"),
        (CARL, "wrote changes of this plan"),
        (machine_person("dan", "laptop"), "nobody vouches"),
        (sts_person("arn:aws:sts::111111111111:assumed-role/csoc-worker/github=example=fleet"), "is a workflow"),
    ],
)
def test_a_second_person_is_neither_maker_nor_author_nor_unproven(plan: Plan, person: object, why: str) -> None:
    with pytest.raises(DeniedError, match=why):
        check_approver(plan, person, SECOND)  # type: ignore[arg-type]
    assert not is_approved(plan, SECOND, [approval(plan, person.id)])  # type: ignore[attr-defined]


@pytest.mark.parametrize("author", ["bea", "bea@example.org", "Bea@Example.org"])
def test_an_author_whom_git_names_is_known_by_the_name_of_the_session(plan: Plan, author: str) -> None:
    written = replace(plan, authors=(author,))
    with pytest.raises(DeniedError, match="wrote changes of this plan"):
        check_approver(written, BEA, SECOND)
    assert not is_approved(written, SECOND, [approval(written, BEA.id)])
    check_approver(replace(plan, authors=("beatrice@example.org",)), BEA, SECOND)


@pytest.mark.parametrize(
    ("author", "session"),
    [
        ("ada@home.example", "ada@example.org"),  # another address of hers
        ("Ada.King@Example.org", "adaking"),
        ("Ada King", "ada.king@example.org"),  # a name without an address
        ("1234567+ada-king@users.noreply.example.com", "Ada.King@example.org"),  # as a Git host hides an address
        ("ada+git@example.org", "ada"),
    ],
)
def test_an_author_with_several_addresses_and_spellings_is_one_author(plan: Plan, author: str, session: str) -> None:
    written = replace(plan, made_by=CARL.id, authors=("merge-bot@example.org", author))
    person = sts_person(f"arn:aws:sts::111111111111:assumed-role/Engineer/{session}")
    with pytest.raises(DeniedError, match="wrote changes of this plan"):
        check_approver(written, person, SECOND)
    assert not is_approved(written, SECOND, [approval(written, person.id)])


@pytest.mark.parametrize("author", ["beatrice@example.org", "1234567+carl@users.noreply.example.com", "+@x.org", ""])
def test_others_are_not_taken_for_an_author(plan: Plan, author: str) -> None:
    check_approver(replace(plan, authors=(author,)), BEA, SECOND)


@pytest.mark.parametrize("session", ["ada", "Ada", "ada@example.org"])
def test_who_made_the_plan_is_nobody_else_in_another_role(plan: Plan, session: str) -> None:
    again = sts_person(f"arn:aws:sts::111111111111:assumed-role/Security/{session}")
    with pytest.raises(DeniedError, match="made this plan"):
        check_approver(plan, again, SECOND)
    assert not is_approved(plan, SECOND, [approval(plan, again.id)])


def test_one_person_in_two_roles_is_one_of_two_people(plan: Plan) -> None:
    rule = ApprovalRule(people=2, second=True)
    other = sts_person("arn:aws:sts::222222222222:assumed-role/Engineer/BEA")
    dan = sts_person("arn:aws:sts::111111111111:assumed-role/Engineer/dan")
    assert not is_approved(plan, rule, [approval(plan, BEA.id), approval(plan, other.id)])
    assert is_approved(plan, rule, [approval(plan, BEA.id), approval(plan, other.id), approval(plan, dan.id)])


def test_somebody_else_makes_it_approved(plan: Plan) -> None:
    check_approver(plan, BEA, SECOND)
    assert is_approved(plan, SECOND, [approval(plan, BEA.id)])
    assert missing(plan, SECOND, [approval(plan, BEA.id)]) == ""


def test_two_people_are_two_different_people(plan: Plan) -> None:
    rule = ApprovalRule(people=2, second=True)
    twice = [approval(plan, BEA.id), approval(plan, BEA.id)]
    assert not is_approved(plan, rule, twice)
    assert missing(plan, rule, twice).startswith("1 approval by somebody who neither made the plan")


def test_an_approval_of_something_else_counts_for_nothing(plan: Plan) -> None:
    other = replace(plan, radius=("environment heart-prod",))
    assert not is_approved(other, ApprovalRule(), [approval(plan, BEA.id)])


def test_a_blocked_plan_cannot_be_approved(plan: Plan) -> None:
    finding = PolicyFinding("data-is-kept", "network/Data", "It would be removed", "Undo it", True)
    blocked = replace(plan, layers=(replace(plan.layers[0], findings=(finding,)), *plan.layers[1:]))
    with pytest.raises(RejectedError, match="The plan is blocked: network/Data: It would be removed"):
        check_approver(blocked, BEA, SECOND)
