"""Sessions in linked accounts: refused where the link is not proven, and never without a person's name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.accounts import names
from csoc.accounts.links import Link, LinkState, Role
from csoc.accounts.sessions import LARGEST_POLICY, named, narrowed, session
from csoc.errors import DeniedError, RejectedError

LINK = Link(
    account="research",
    account_id="222222222222",
    installation="f1b2c3d4e5",
    external_id="csoc-aaaaaaaaaa-" + "a" * 30,
    partition="aws",
    region="ap-southeast-2",
    principal="arn:aws:iam::111111111111:role/csoc-worker",
    state=LinkState.VERIFIED,
    begun_at=datetime(2026, 11, 23, tzinfo=UTC),
    roles={role: names.role_arn("aws", "222222222222", "f1b2c3d4e5", role) for role in Role},
)


def test_a_session_says_who_for_which_run_with_what_and_for_how_long() -> None:
    asked = session(LINK, Role.PROVISIONER, "ada@example.org", "r1b2c3d4e5", narrowed({"ssm:GetParameter": ["*"]}))
    assert asked.source_identity == "ada@example.org"
    assert asked.name == "csoc-r1b2c3d4e5"
    assert asked.external_id == LINK.external_id
    assert asked.role_arn.endswith("/CsocLink-f1b2c3d4e5-provisioner")
    assert asked.seconds <= 3_600
    assert json.loads(asked.policy)["Statement"][0]["Action"] == ["ssm:GetParameter"]


@pytest.mark.parametrize("state", [state for state in LinkState if state is not LinkState.VERIFIED])
def test_a_link_that_is_not_verified_is_used_by_nobody(state: LinkState) -> None:
    with pytest.raises(DeniedError, match="does not act in it"):
        session(replace(LINK, state=state), Role.OBSERVER, "ada", "run")


def test_the_execution_role_is_never_taken() -> None:
    with pytest.raises(DeniedError, match="CloudFormation's"):
        session(LINK, Role.EXECUTION, "ada", "run")


def test_a_role_of_another_account_is_refused() -> None:
    moved = {**LINK.roles, Role.OBSERVER: names.role_arn("aws", "333333333333", "f1b2c3d4e5", "observer")}
    with pytest.raises(DeniedError, match="in another account than 222222222222"):
        session(replace(LINK, roles=moved), Role.OBSERVER, "ada", "run")


def test_a_role_whose_arn_was_never_proven_is_refused() -> None:
    with pytest.raises(RejectedError, match="not the ARN of a role"):
        session(replace(LINK, roles={}), Role.OBSERVER, "ada", "run")


def test_a_session_policy_that_sts_would_refuse_is_refused_here() -> None:
    with pytest.raises(RejectedError, match=str(LARGEST_POLICY)):
        session(LINK, Role.OBSERVER, "ada", "run", " " * (LARGEST_POLICY + 1))


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_a_person_is_called_sts_takes_it_and_two_people_stay_two(one: str, other: str) -> None:
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", named(one), re.ASCII)
    assert (named(one) == named(other)) == (one == other)
