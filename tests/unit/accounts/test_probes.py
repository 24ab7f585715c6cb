"""What the sessions of a link try: nothing that exists, nothing that stays, and each with a name of its own."""

from __future__ import annotations

import json

import pytest

from csoc.accounts import probes
from csoc.accounts.cloud import Probe
from csoc.accounts.links import FAIL, SUCCEED
from csoc.accounts.roles import ASSUMED
from csoc.accounts.terms import Terms

UID = "v000000001"
WORKER = "arn:aws:iam::111111111111:role/csoc-worker"
TERMS = Terms("f1b2c3d4e5", WORKER, WORKER).of(
    account_id="222222222222", partition="aws", external_id="csoc-aaaaaaaaaa-" + "a" * 30
)
TRIED = [(role, attempt) for role in ASSUMED for attempt in probes.of(role, TERMS, UID)]
LOOKS = ("describe_", "get_", "list_")


def named(probe: Probe) -> str:
    return json.dumps(probe.arguments)


def test_each_has_a_name_of_its_own_that_says_by_which_role_it_is_tried() -> None:
    names = [attempt.name for _, attempt in TRIED]
    assert len(set(names)) == len(names)
    assert [one.name for role, one in TRIED if f"{role} role" not in one.name] == []


def test_each_role_is_tried_for_what_it_must_do_and_for_what_it_must_not() -> None:
    assert {role: {one.expectation for of, one in TRIED if of is role} for role in ASSUMED} == {
        role: {SUCCEED, FAIL} for role in ASSUMED
    }
    assert [one.name for _, one in TRIED if not one.meaning] == []


def test_what_must_succeed_only_looks_and_what_would_make_something_says_how_it_is_taken_back() -> None:
    changing = {one.name: one for _, one in TRIED if not one.probe.operation.startswith(LOOKS)}
    assert changing
    assert [name for name, one in changing.items() if one.expectation == SUCCEED or not one.probe.undo] == []


@pytest.mark.parametrize(("role", "attempt"), TRIED, ids=[one.name for _, one in TRIED])
def test_what_is_named_exists_nowhere_or_is_the_links_own(role: str, attempt: probes.Attempt) -> None:
    text = named(attempt.probe)
    assert text == "{}" or UID in text, role
    if "CsocLink-" in text and attempt.probe.operation == "create_change_set" and "UPDATE" in text:
        assert attempt.probe.arguments["UsePreviousTemplate"], "where it is let through, it changes nothing"


def test_the_stack_that_must_not_be_made_is_the_one_that_must_without_the_boundary() -> None:
    good, bad = (probes.trial(TERMS, UID, bounded=bounded) for bounded in (True, False))
    roles = [json.loads(one.template)["Resources"]["Role"]["Properties"] for one in (good, bad)]
    assert roles[0].pop("PermissionsBoundary") == TERMS.boundary
    assert roles[0] == roles[1]
    assert (good.stack, good.role, good.tags) == (bad.stack, bad.role, bad.tags)
