"""The commands that take back what somebody changed past a link's stack: theirs to paste, and names are hostile."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from csoc.accounts import names, restoring
from csoc.accounts.cloud import RoleFacts
from csoc.accounts.links import Link, LinkState, Role
from csoc.accounts.roles import roles
from csoc.accounts.terms import Terms, policy, statement

WORKER = "arn:aws:iam::111111111111:role/csoc-worker"
EXTERNAL_ID = "csoc-aaaaaaaaaa-" + "a" * 30
TERMS = Terms("f1b2c3d4e5", WORKER, WORKER).of(account_id="222222222222", partition="aws", external_id=EXTERNAL_ID)
ROLES = {made.role: made for made in roles(TERMS)}
LINK = Link(
    "research", "222222222222", "f1b2c3d4e5", EXTERNAL_ID, "aws", "ap-southeast-2", WORKER, LinkState.VERIFIED,
    datetime(2026, 11, 23, tzinfo=UTC),
)  # fmt: skip
MORE = policy(statement("More", ["sns:Publish"]))


def facts(role: Role, inline: Mapping[str, Any] | None = None, attached: Mapping[str, Any] | None = None) -> RoleFacts:
    """A role as the template makes it, with these policies besides or in place of its own."""
    made = ROLES[role]
    managed = {names.policy_arn("aws", "222222222222", "f1b2c3d4e5", name): one for name, one in made.managed.items()}
    return RoleFacts(
        TERMS.role(role), made.trust, 3600, "", {**made.inline, **(inline or {})}, {**managed, **(attached or {})}
    )


def rights(role: Role, found: RoleFacts) -> list[str]:
    return restoring.rights_commands(TERMS, ROLES[role], found, is_older=False).splitlines()


@pytest.mark.parametrize("role", list(Role))
def test_a_role_as_the_template_makes_it_wants_no_command(role: Role) -> None:
    assert rights(role, facts(role)) == []
    assert restoring.trust_commands(TERMS, LINK, "CsocLink-f1b2c3d4e5", ROLES[role], facts(role), 3600) == ""


def test_a_policy_too_many_is_taken_away_and_one_that_allows_more_is_put_back() -> None:
    found = facts(Role.SECRETS, {"more": MORE, "secrets": MORE}, {"arn:aws:iam::aws:policy/ReadOnlyAccess": MORE})
    removed, put, detached = map(shlex.split, rights(Role.SECRETS, found))
    assert removed[2:] == ["delete-role-policy", "--role-name", "CsocLink-f1b2c3d4e5-secrets", "--policy-name", "more"]
    assert (put[2], json.loads(put[-1])) == ("put-role-policy", ROLES[Role.SECRETS].inline["secrets"])
    assert detached[2:4] == ["detach-role-policy", "--role-name"]
    assert detached[-1] == "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.mark.parametrize("name", ["$(reboot)", "a b", "--all; id", "`id`", "a\nb"])
def test_what_is_no_name_of_iams_gets_no_command(name: str) -> None:
    assert rights(Role.SECRETS, facts(Role.SECRETS, {name: MORE})) == []
    assert rights(Role.SECRETS, facts(Role.SECRETS, attached={f"arn:aws:iam::aws:policy/{name}": MORE})) == []


def test_a_managed_policy_says_again_what_it_said_and_one_that_denied_is_attached_again() -> None:
    expected = ROLES[Role.EXECUTION].managed["execution-edge"]
    arn = names.policy_arn("aws", "222222222222", "f1b2c3d4e5", "execution-edge")
    [command] = rights(
        Role.EXECUTION, facts(Role.EXECUTION, attached={arn: policy(*expected["Statement"], *MORE["Statement"])})
    )
    words = shlex.split(command)
    assert words[2:6] == ["create-policy-version", "--set-as-default", "--policy-arn", arn]
    assert json.loads(words[-1]) == expected
    assert restoring.policy_commands(arn, expected, expected) == ""


def test_trust_is_put_back_with_an_external_id_that_is_read_where_it_is_typed() -> None:
    found = replace(facts(Role.SECRETS), trust=MORE, longest_session_seconds=43_200)
    text = restoring.trust_commands(TERMS, LINK, "CsocLink-f1b2c3d4e5", ROLES[Role.SECRETS], found, 3600)
    asked, put, shorter = text.splitlines()
    assert EXTERNAL_ID not in text, "this is shown to others than those who link"
    assert asked.startswith("EXTERNAL_ID=$(aws cloudformation describe-stacks --region ap-southeast-2")
    assert '"$EXTERNAL_ID"' in put
    assert shorter.endswith("--max-session-duration 3600")


def test_each_fix_says_how_csoc_looks_again_or_links_anew() -> None:
    fixes = [make(LINK) for make in (restoring.update, restoring.by_hand, restoring.unseen, restoring.anew)]
    fixes.append(restoring.as_shown(LINK, "a test"))
    assert len(set(fixes)) == 5
    assert [
        one for one in fixes if "`csoc account verify research`" not in one and "csoc account link" not in one
    ] == []
