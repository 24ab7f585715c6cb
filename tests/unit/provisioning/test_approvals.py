"""Who may approve what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from csoc.access.people import People, Person, machine_person, sts_person
from csoc.errors import DeniedError, RejectedError
from csoc.provisioning.approvals import ApprovalRule, check_approver, is_approved, missing
from csoc.provisioning.plans import Approval, Plan, PolicyFinding
from tests.unit.provisioning.small_layers import START, World

ACCOUNT = "111111111111"
PEOPLE = People(frozenset({ACCOUNT}))


def signed_in(name: str, permissions: str = "Engineers", account: str = ACCOUNT) -> Person:
    """Somebody who signed in with single sign-on."""
    role = f"AWSReservedSSO_{permissions}_0123456789abcdef"
    path = f"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{role}"
    return sts_person(f"arn:aws:sts::{account}:assumed-role/{role}/{name}", path)


def in_role(role: str, session: str, account: str = ACCOUNT) -> Person:
    """A session of a role that somebody made."""
    return sts_person(f"arn:aws:sts::{account}:assumed-role/{role}/{session}", f"arn:aws:iam::{account}:role/{role}")


ADA = signed_in("ada")
BEA = signed_in("bea", "Security")
CARL = signed_in("carl")
SECOND = ApprovalRule(people=1, second=True)


@pytest.fixture
def plan() -> Plan:
    return replace(World().plan(), made_by=ADA.id, authors=(CARL.id,))


def approval(plan: Plan, by: str) -> Approval:
    return Approval(plan.id, plan.digest, by, START)


def test_one_person_alone_may_approve_where_no_second_one_is_wanted(plan: Plan) -> None:
    me = machine_person("ada", "laptop")
    check_approver(plan, me, ApprovalRule(), PEOPLE)
    assert is_approved(plan, ApprovalRule(), [approval(plan, me.id)], PEOPLE)


@pytest.mark.parametrize(
    ("person", "why"),
    [
        (ADA, "made this plan"),
        (CARL, "wrote changes of this plan"),
        (machine_person("dan", "laptop"), "nobody vouches"),
        (in_role("csoc-worker", "github=example=fleet"), "is a workflow"),
    ],
)
def test_a_second_person_is_neither_maker_nor_author_nor_unproven(plan: Plan, person: object, why: str) -> None:
    with pytest.raises(DeniedError, match=why):
        check_approver(plan, person, SECOND, PEOPLE)  # type: ignore[arg-type]
    assert not is_approved(plan, SECOND, [approval(plan, person.id)], PEOPLE)  # type: ignore[attr-defined]


@pytest.mark.parametrize("author", ["bea", "bea@example.org", "Bea@Example.org"])
def test_an_author_whom_git_names_is_known_by_the_name_of_the_session(plan: Plan, author: str) -> None:
    written = replace(plan, authors=(author,))
    with pytest.raises(DeniedError, match="wrote changes of this plan"):
        check_approver(written, BEA, SECOND, PEOPLE)
    assert not is_approved(written, SECOND, [approval(written, BEA.id)], PEOPLE)
    check_approver(replace(plan, authors=("beatrice@example.org",)), BEA, SECOND, PEOPLE)


@pytest.mark.parametrize(
    ("author", "session"),
    [
        ("ada@home.example", "ada@example.org"),  # another address of hers
        ("Ada.King@Example.org", "adaking"),
        ("Ada King", "ada.king@example.org"),  # a name without an address
        ("1234567+ada-king@users.noreply.example.com", "Ada.King@example.org"),  # as a Git host hides an address
        ("ada+git@example.org", "ada"),
        ("ada.lovelace@example.org", "ada"),  # nobody could tell whether it is another Ada
        ("Ada Lovelace", "alovelace@example.org"),
        ("ada@example.org", "ada.lovelace"),
    ],
)
def test_an_author_with_several_addresses_and_spellings_is_one_author(plan: Plan, author: str, session: str) -> None:
    written = replace(plan, made_by=CARL.id, authors=("merge-bot@example.org", author))
    person = signed_in(session)
    with pytest.raises(DeniedError, match="wrote changes of this plan"):
        check_approver(written, person, SECOND, PEOPLE)
    assert not is_approved(written, SECOND, [approval(written, person.id)], PEOPLE)


@pytest.mark.parametrize("author", ["beatrice@example.org", "1234567+carl@users.noreply.example.com", "+@x.org", ""])
def test_others_are_not_taken_for_an_author(plan: Plan, author: str) -> None:
    check_approver(replace(plan, authors=(author,)), BEA, SECOND, PEOPLE)


@pytest.mark.parametrize("session", ["ada", "Ada", "ada@example.org"])
def test_who_made_the_plan_is_nobody_else_in_another_role(plan: Plan, session: str) -> None:
    again = signed_in(session, "Security")
    with pytest.raises(DeniedError, match="made this plan"):
        check_approver(plan, again, SECOND, PEOPLE)
    assert not is_approved(plan, SECOND, [approval(plan, again.id)], PEOPLE)


def test_one_person_in_two_roles_is_one_of_two_people(plan: Plan) -> None:
    rule = ApprovalRule(people=2, second=True)
    other = signed_in("BEA")
    dan = signed_in("dan")
    assert not is_approved(plan, rule, [approval(plan, BEA.id), approval(plan, other.id)], PEOPLE)
    assert is_approved(plan, rule, [approval(plan, BEA.id), approval(plan, other.id), approval(plan, dan.id)], PEOPLE)


def test_somebody_else_makes_it_approved(plan: Plan) -> None:
    check_approver(plan, BEA, SECOND, PEOPLE)
    assert is_approved(plan, SECOND, [approval(plan, BEA.id)], PEOPLE)
    assert missing(plan, SECOND, [approval(plan, BEA.id)], PEOPLE) == ""


def test_two_people_are_two_different_people(plan: Plan) -> None:
    rule = ApprovalRule(people=2, second=True)
    twice = [approval(plan, BEA.id), approval(plan, BEA.id)]
    assert not is_approved(plan, rule, twice, PEOPLE)
    assert missing(plan, rule, twice, PEOPLE).startswith("1 approval by somebody who neither made the plan")


FOREIGN = "999999999999"
CALLED_ALIKE = in_role("AWSReservedSSO_Engineers_0123456789abcdef", "bea")
NO_SESSION = "is no session of a role"
STRANGERS = {
    "a role elsewhere": (in_role("Engineer", "bea", FOREIGN), "the account 999999999999 is none", "people_accounts"),
    "single sign-on elsewhere": (signed_in("bea", account=FOREIGN), "is none where csoc's people", "Sign in"),
    "an IAM user": (sts_person(f"arn:aws:iam::{ACCOUNT}:user/bea"), NO_SESSION, "single sign-on to 111111111111"),
    "the root of an account": (sts_person(f"arn:aws:iam::{ACCOUNT}:root"), NO_SESSION, "Sign in"),
    "a federated user": (sts_person(f"arn:aws:sts::{ACCOUNT}:federated-user/bea"), NO_SESSION, "Sign in"),
    "a role of no people": (in_role("csoc-worker", "bea"), "csoc-worker of 111111111111 is none", "people_roles"),
    "a role called alike": (CALLED_ALIKE, "or only called like one", "iam:GetRole on itself"),
}


@pytest.mark.parametrize("case", STRANGERS)
@pytest.mark.parametrize("rule", [SECOND, ApprovalRule(people=2)], ids=["second", "two"])
def test_nobody_counts_who_is_not_of_csocs_people(plan: Plan, case: str, rule: ApprovalRule) -> None:
    person, why, fix = STRANGERS[case]
    with pytest.raises(DeniedError, match=why) as refused:
        check_approver(plan, person, rule, PEOPLE)
    assert fix in refused.value.fix
    if person is not CALLED_ALIKE:
        # What a role's path is nobody can tell later, when the approval is counted.
        assert missing(plan, rule, [approval(plan, person.id)], PEOPLE).startswith(str(rule.people))


def test_accounts_and_roles_that_the_settings_name_are_of_csocs_people(plan: Plan) -> None:
    named = People(frozenset({ACCOUNT, FOREIGN}), (f"arn:aws:iam::{ACCOUNT}:role/Security*",))
    for person in (signed_in("bea", account=FOREIGN), in_role("SecurityOfficer", "bea")):
        check_approver(plan, person, SECOND, named)
        assert is_approved(plan, SECOND, [approval(plan, person.id)], named)


def test_sessions_of_a_role_that_anybody_names_are_one_person_unless_the_settings_say_what_pins_them(
    plan: Plan,
) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/Engineer"
    named, pinned = People(frozenset({ACCOUNT}), (role,)), People(frozenset({ACCOUNT}), pinned=(role,))
    ada, zoe, eve = (in_role("Engineer", name) for name in ("ada", "zoe", "eve"))
    made = replace(plan, made_by=ada.id)
    with pytest.raises(DeniedError, match="another session of the role that made this plan") as refused:
        check_approver(made, zoe, SECOND, named)
    assert "aws.pinned_roles" in refused.value.fix
    assert not is_approved(made, SECOND, [approval(made, zoe.id)], named)
    check_approver(made, zoe, SECOND, pinned)
    assert is_approved(made, SECOND, [approval(made, zoe.id)], pinned)

    both, two = [approval(plan, zoe.id), approval(plan, eve.id)], ApprovalRule(people=2)
    assert "sessions of one role are one person" in missing(plan, two, both, named)
    assert is_approved(plan, two, both, pinned)


def test_an_account_of_a_machine_is_never_counted_beside_people(plan: Plan) -> None:
    two, me = ApprovalRule(people=2), machine_person("root", "vm")
    with pytest.raises(DeniedError, match="wants 2 people, and nobody vouches for root"):
        check_approver(plan, me, two, PEOPLE)
    assert not is_approved(plan, two, [approval(plan, me.id), approval(plan, ADA.id)], PEOPLE)
    assert is_approved(plan, two, [approval(plan, BEA.id), approval(plan, ADA.id)], PEOPLE)


@pytest.mark.parametrize(
    "maker",
    [machine_person("root", "vm").id, in_role("Engineer", "zoe", FOREIGN).id, f"sts:arn:aws:iam::{ACCOUNT}:root"],
)
def test_a_plan_that_nobody_knows_the_maker_of_takes_one_person_more(plan: Plan, maker: str) -> None:
    made = replace(plan, made_by=maker)
    assert f"nobody can tell who {maker} is" in missing(made, SECOND, [approval(made, BEA.id)], PEOPLE)
    assert is_approved(made, SECOND, [approval(made, BEA.id), approval(made, ADA.id)], PEOPLE)


def test_an_approval_of_another_plan_with_the_same_content_counts_for_nothing(plan: Plan) -> None:
    assert not is_approved(replace(plan, id="other00001"), ApprovalRule(), [approval(plan, BEA.id)], PEOPLE)


def test_an_approval_of_something_else_counts_for_nothing(plan: Plan) -> None:
    other = replace(plan, radius=("environment heart-prod",))
    assert not is_approved(other, ApprovalRule(), [approval(plan, BEA.id)], PEOPLE)


def test_a_blocked_plan_cannot_be_approved(plan: Plan) -> None:
    finding = PolicyFinding("data-is-kept", "network/Data", "It would be removed", "Undo it", True)
    blocked = replace(plan, layers=(replace(plan.layers[0], findings=(finding,)), *plan.layers[1:]))
    with pytest.raises(RejectedError, match="The plan is blocked: network/Data: It would be removed"):
        check_approver(blocked, BEA, SECOND, PEOPLE)
