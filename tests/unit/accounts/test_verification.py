"""What the tests of a link say about it and how each finding is mended, with accounts in memory."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from csoc.accounts import names, restoring
from csoc.accounts.cloud import RoleFacts
from csoc.accounts.links import FAIL, OK, OLDER, SUCCEED, UNKNOWN, WRONG, Check, Link, LinkState, Role, new_external_id
from csoc.accounts.template import LinkTemplate, link_template
from csoc.accounts.terms import Terms, policy, statement
from csoc.accounts.verification import STACK, Verifier, taking
from csoc.errors import DeniedError
from csoc.testing.cloud import WORKER, MemoryAccounts

ROOT = Path(__file__).parents[3]
INSTALLATION, ACCOUNT, REGION = "f1b2c3d4e5", "222222222222", "ap-southeast-2"
OBSERVER = replace(WORKER, role_arn="arn:aws:iam::111111111111:role/csoc-observer")
MORE = policy(statement("More", ["sns:Publish"]))
MAY_MAKE_ROLES, RIGHTS = "role without the boundary, by the provisioner role", "rights beyond the template"


class World:
    """An account that was linked, and csoc as its worker. observer: the role of csoc that only looks."""

    def __init__(self, observer: str = WORKER.role_arn) -> None:
        whole = Terms(INSTALLATION, WORKER.role_arn, observer)
        self.template = link_template(whole)
        self.link = Link(
            "research", ACCOUNT, INSTALLATION, new_external_id(), "aws", REGION, WORKER.role_arn, LinkState.BEGUN,
            datetime(2026, 11, 23, 8, tzinfo=UTC), observer=observer,
        )  # fmt: skip
        self.terms = whole.of(account_id=ACCOUNT, partition="aws", external_id=self.link.external_id)
        self.clouds = {one.role_arn: MemoryAccounts(one) for one in (WORKER, OBSERVER)}
        self.account = self.clouds[WORKER.role_arn].link(self.terms, self.template)
        self.clouds[OBSERVER.role_arn].accounts[ACCOUNT] = self.account
        self.ids = map("v{:09}".format, itertools.count())

    def verify(self, principal: str = WORKER.role_arn) -> Mapping[str, Check]:
        """Verifies the link, and gives what was found by the names of the tests."""
        verifier = Verifier(
            cloud=self.clouds[principal],
            principal=principal,
            terms=self.terms,
            template=self.template,
            person="ada@example.org",
            run="verify",
            ids=lambda: next(self.ids),
            external_ids=new_external_id,
            clock=lambda: datetime(2026, 11, 23, 9, tzinfo=UTC),
        )
        self.link = verifier.verify(self.link)
        return {one.name: one for one in self.link.checks}

    def state(self) -> LinkState:
        return self.link.state

    def change(self, role: Role, **changed: Any) -> None:
        """What somebody does to a role past the stack."""
        name = names.link_role(INSTALLATION, role)
        self.account.roles[name] = replace(self.account.roles[name], **changed)

    def role(self, role: Role) -> RoleFacts:
        return self.account.roles[names.link_role(INSTALLATION, role)]

    def older_stack(self) -> None:
        """The stack has the template of an earlier csoc, which the link was made from."""
        body = self.account.stack.template + " "
        self.account.stack = replace(self.account.stack, template=body)
        self.link = replace(self.link, made_from=LinkTemplate(body, self.template.stack).digest)


def both() -> World:
    """A link whose worker and observer are two, each of which verified it."""
    world = World(OBSERVER.role_arn)
    world.verify()
    world.verify(OBSERVER.role_arn)
    assert world.state() is LinkState.VERIFIED
    return world


def counts() -> Iterator[tuple[str, int]]:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for number in re.findall(r"\d+ of (\d+) tests went well", page.read_text("utf-8")):
            yield page.name, int(number)


def test_the_pages_give_the_number_of_tests_that_there_is() -> None:
    number = len(World().verify())
    told = list(counts())
    assert {page for page, _ in told} >= {"link-an-account.md", "launch-a-commons.md"}
    assert [one for one in told if one[1] != number] == [], f"there are {number} tests"


def test_most_of_the_tests_must_fail() -> None:
    expected = [one.expectation for one in World().verify().values()]
    assert expected.count(FAIL) > expected.count(SUCCEED) > 0
    assert "Most of the tests must fail" in (ROOT / "docs/how-to/link-an-account.md").read_text("utf-8")


def test_each_test_says_which_role_it_is_about_and_who_made_it() -> None:
    checks = World().verify()
    assert [name for name, one in checks.items() if not one.role] == ["boundary, as in the template", STACK]
    assert {one.role for one in checks.values() if one.role} == set(Role)
    assert {one.by for one in checks.values()} == {WORKER.role_arn}
    named = {name: re.search(r"^(\w+) role[ ,]|by the (\w+) role$", name) for name in checks}
    said = {name: found[1] or found[2] for name, found in named.items() if found}
    assert len(said) > len(checks) / 2
    assert said == {name: checks[name].role for name in said}


@pytest.mark.parametrize("made_by", [WORKER.role_arn, OBSERVER.role_arn])
def test_a_test_that_there_is_no_more_goes_when_the_principal_that_made_it_verifies_again(made_by: str) -> None:
    world = both()
    past = Check("a name of the past", FAIL, WRONG, "it was so", by=made_by)
    world.link = replace(world.link, checks=(*world.link.checks, past), state=LinkState.WEAKENED)
    other = OBSERVER.role_arn if made_by == WORKER.role_arn else WORKER.role_arn
    assert world.verify(other)["a name of the past"] == past
    assert world.state() is LinkState.WEAKENED, "only its maker can tell"
    assert "a name of the past" not in world.verify(made_by)
    assert world.state() is LinkState.VERIFIED


def test_what_one_principal_found_wrong_stays_until_it_finds_it_right() -> None:
    world = both()
    world.account.may[Role.OBSERVER] = {"get_secret_value"}
    world.verify(OBSERVER.role_arn)
    assert world.verify()["secret value, by the observer role"].outcome == WRONG
    assert world.state() is LinkState.WEAKENED
    world.account.may.clear()
    world.verify()
    assert world.state() is LinkState.WEAKENED, "the worker cannot tell"
    world.verify(OBSERVER.role_arn)
    assert world.state() is LinkState.VERIFIED


def test_what_both_try_is_kept_of_each() -> None:
    world = both()
    trust = world.role(Role.EXECUTION).trust
    let_in = {"Effect": "Allow", "Principal": {"AWS": OBSERVER.role_arn}, "Action": "sts:AssumeRole"}
    world.change(Role.EXECUTION, trust=policy(*trust["Statement"], let_in))
    world.verify(OBSERVER.role_arn)
    world.verify()
    tried = {one.by: one.outcome for one in world.link.checks if one.name == "execution role, by csoc"}
    assert tried == {WORKER.role_arn: OK, OBSERVER.role_arn: WRONG}


@pytest.mark.parametrize("state", [LinkState.VERIFIED, LinkState.WEAKENED])
def test_what_an_earlier_csoc_kept_of_the_other_principal_is_made_anew_and_the_state_stays_till_then(
    state: LinkState,
) -> None:
    world = both()
    earlier = [replace(one, role="", by="") for one in world.link.checks]
    world.link = replace(world.link, checks=(*earlier, Check("a name of the past", FAIL, WRONG)), state=state)
    checks = world.verify()
    assert "a name of the past" not in checks
    assert (checks[taking(Role.OBSERVER)].outcome, world.link.state) == (UNKNOWN, state)
    assert "csoc-observer too" in checks[taking(Role.OBSERVER)].fix
    world.verify(OBSERVER.role_arn)
    assert world.state() is LinkState.VERIFIED


def test_where_the_stack_is_not_csocs_every_finding_is_mended_with_the_stack() -> None:
    world = World()
    world.account.stack = replace(world.account.stack, template='{"Resources": {}}')
    world.change(Role.PROVISIONER, inline={**world.role(Role.PROVISIONER).inline, "more": MORE})
    world.account.may[Role.PROVISIONER] = {"create_role"}
    checks = world.verify()
    for name in (MAY_MAKE_ROLES, f"provisioner role, {RIGHTS}"):
        assert (checks[name].outcome, checks[name].fix) == (WRONG, restoring.update(world.link))
    assert not [name for name, one in checks.items() if one.commands]


def test_what_a_role_does_too_much_past_the_stack_is_taken_back_by_the_commands_of_its_rights() -> None:
    world = World()
    world.change(Role.PROVISIONER, inline={**world.role(Role.PROVISIONER).inline, "more": MORE})
    world.account.may[Role.PROVISIONER] = {"create_role", "tag_role"}
    checks = world.verify()
    first = f"provisioner role, {RIGHTS}"
    assert "delete-role-policy" in checks[first].commands
    for name in (MAY_MAKE_ROLES, "roles of the link, by the provisioner role"):
        assert checks[name].fix == restoring.as_shown(world.link, first)
        assert checks[name].commands == "", "they are shown once"


def test_what_no_command_is_known_for_is_made_anew() -> None:
    world = World()
    world.account.may[Role.PROVISIONER] = {"create_role"}
    assert world.verify()[MAY_MAKE_ROLES].fix == restoring.anew(world.link)


def test_what_an_older_template_lets_a_role_do_goes_with_an_update_of_the_stack() -> None:
    world = World()
    world.older_stack()
    world.account.may[Role.PROVISIONER] = {"create_role"}
    found = world.verify()
    assert (found[STACK].outcome, found[STACK].fix) == (OLDER, restoring.update(world.link))
    assert (found[MAY_MAKE_ROLES].outcome, found[MAY_MAKE_ROLES].fix) == (WRONG, restoring.update(world.link))


@pytest.mark.parametrize("what", ["role", "boundary"])
def test_what_is_gone_is_made_by_no_update_also_of_an_older_stack(what: str) -> None:
    world = World()
    world.older_stack()
    if what == "role":
        del world.account.roles[names.link_role(INSTALLATION, Role.SECRETS)]
    else:
        world.account.policies.clear()
    gone = [one for one in world.verify().values() if one.detail.endswith("is gone")]
    assert [(one.outcome, one.fix) for one in gone] == [(WRONG, restoring.anew(world.link))]


def test_who_gets_in_past_the_stack_is_kept_out_by_the_commands_of_the_roles_trust() -> None:
    world = World()
    trusted = [{**one, "Condition": {}} for one in world.role(Role.SECRETS).trust["Statement"]]
    world.change(Role.SECRETS, trust=policy(*trusted))
    checks = world.verify()
    for how in ("without the ExternalId", "with another ExternalId", "without a person's name"):
        finding = checks[f"secrets role, {how}"]
        assert (finding.outcome, finding.fix) == (WRONG, restoring.by_hand(world.link))
        assert "update-assume-role-policy --role-name CsocLink-f1b2c3d4e5-secrets" in finding.commands
        assert world.link.external_id not in finding.commands


def test_what_is_hidden_is_told_at_each_test_with_the_commands_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr("csoc.testing.cloud.MemorySession._only", _denied)
    hidden = [one for one in world.verify().values() if one.fix == restoring.unseen(world.link)]
    assert len(hidden) == 2 * len(Role) + 2
    assert [one.commands for one in hidden if one.commands] == [restoring.seeing_commands(world.terms)]
    assert world.state() is LinkState.WEAKENED


def _denied(*_: object) -> None:
    raise DeniedError("AWS refuses")
