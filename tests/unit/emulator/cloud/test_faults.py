"""Which calls and resources planned trouble hits, and what becomes of them."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from csoc.emulator.cloud.calls import UNDISTURBED, Call, Disturbance, Identity
from csoc.emulator.cloud.faults import FaultError, Faults, not_there_yet, parse_rule
from csoc.emulator.effects import ACTIONS, COMMON, EFFECTS, TROUBLE, FaultRule

ACCOUNT, OTHER_ACCOUNT = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/csoc/deployer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/run"
PAGE = Path(__file__).resolve().parents[4] / "docs" / "emulator.md"


def call_of(
    service: str = "sqs",
    operation: str = "CreateQueue",
    region: str = "us-east-1",
    account: str = ACCOUNT,
    principal: str = ROLE,
) -> Call:
    identity = Identity(account, SESSION, principal, "AROADEPLOYER:run")
    return Call(identity, service, operation, region, {}, datetime(2026, 1, 1, tzinfo=UTC), "request")


def planned(*rules: dict[str, Any]) -> Faults:
    faults = Faults()
    for rule in rules:
        faults.add(parse_rule(rule))
    return faults


def error_of(rule: dict[str, Any], **call: str) -> tuple[str, int]:
    """Code and status of the error that a rule answers a call with."""
    error = planned(rule).disturb(call_of(**call)).error
    assert error is not None
    return error.code, error.status


@pytest.mark.parametrize(
    ("rule", "call", "hit"),
    [
        ({}, {}, True),
        ({"account": ACCOUNT}, {}, True),
        ({"account": ACCOUNT}, {"account": OTHER_ACCOUNT}, False),
        ({"account": "2*"}, {"account": OTHER_ACCOUNT}, True),
        ({"account": "2*"}, {}, False),
        ({"region": "us-east-1"}, {}, True),
        ({"region": "us-east-1"}, {"region": "us-east-2"}, False),
        ({"region": "us-east-?"}, {"region": "us-east-2"}, True),
        ({"region": "us-east-?"}, {"region": "eu-west-1"}, False),
        ({"service": "sqs"}, {}, True),
        ({"service": "sqs"}, {"service": "sns"}, False),
        ({"service": "sqs", "operation": "CreateQueue"}, {}, True),
        ({"service": "sqs", "operation": "CreateQueue"}, {"operation": "DeleteQueue"}, False),
        ({"operation": "Create*"}, {"service": "sns", "operation": "CreateTopic"}, True),
        ({"operation": "Create*"}, {"operation": "ListQueues"}, False),
        ({"role": ROLE}, {}, True),
        ({"role": "deployer"}, {}, True),
        ({"role": "deploy*"}, {}, True),
        ({"role": "reader"}, {}, False),
        ({"role": "deploy"}, {}, False),
        ({"role": "csoc"}, {}, False),
        ({"role": ROLE}, {"principal": ROLE.replace(ACCOUNT, OTHER_ACCOUNT)}, False),
        ({"role": "owner"}, {"principal": f"arn:aws:iam::{ACCOUNT}:user/owner"}, True),
        ({"account": ACCOUNT, "region": "us-east-1", "service": "sqs", "role": "deployer"}, {}, True),
        ({"account": ACCOUNT, "region": "us-east-2", "service": "sqs", "role": "deployer"}, {}, False),
    ],
)
def test_a_call_is_hit_if_all_patterns_fit_it(rule: dict[str, Any], call: dict[str, str], hit: bool) -> None:
    found = planned({"effect": "error", "code": "Out", **rule}).disturb(call_of(**call))
    assert (found.error is not None) == hit
    assert hit or found is UNDISTURBED


@pytest.mark.parametrize(
    ("rule", "asked", "hit"),
    [
        ({}, {}, True),
        ({"account": ACCOUNT}, {"account": OTHER_ACCOUNT}, False),
        ({"region": "us-east-1"}, {"region": "us-east-2"}, False),
        ({"stack": "tide"}, {}, True),
        ({"stack": "tide"}, {"stack": "ebb"}, False),
        ({"stack": "ti*"}, {"stack": "tile"}, True),
        ({"resource": "Database"}, {}, True),
        ({"resource": "Database"}, {"resource": "Queue"}, False),
        *(({"action": action}, {"action": action}, True) for action in ACTIONS),
        *(({"action": "update"}, {"action": action}, False) for action in ACTIONS if action != "update"),
        ({"stack": "tide", "resource": "Database", "action": "delete"}, {}, False),
    ],
)
def test_a_resource_is_hit_if_all_patterns_fit_it(rule: dict[str, Any], asked: dict[str, str], hit: bool) -> None:
    usual = {"account": ACCOUNT, "region": "us-east-1", "stack": "tide", "resource": "Database", "action": "create"}
    faults = planned({"effect": "resource", "reason": "No capacity", **rule})
    assert faults.resource_failure(**{**usual, **asked}) == ("No capacity" if hit else "")


def test_rules_for_calls_leave_resources_alone_and_the_other_way_round() -> None:
    faults = planned({"effect": "deny"}, {"effect": "latency", "seconds": 1}, {"effect": "resource", "reason": "no"})
    assert faults.resource_failure(ACCOUNT, "us-east-1", "tide", "Database", "create") == "no"
    assert [rule["hits"] for rule in faults.all()] == [0, 0, 1]
    assert planned({"effect": "resource", "reason": "no"}).disturb(call_of()) is UNDISTURBED


def test_a_resource_fails_only_as_often_as_was_said() -> None:
    faults = planned({"effect": "resource", "reason": "no", "calls": 1})
    asked = (ACCOUNT, "us-east-1", "tide", "Database", "create")
    assert [faults.resource_failure(*asked) for _ in range(2)] == ["no", ""]


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("ec2", "UnauthorizedOperation", 403),
        ("s3", "AccessDenied", 403),
        ("iam", "AccessDenied", 403),
        ("cloudformation", "AccessDenied", 403),
        ("sns", "AuthorizationError", 403),
        ("secretsmanager", "AccessDeniedException", 400),
        ("dynamodb", "AccessDeniedException", 400),
        ("eks", "AccessDeniedException", 403),
    ],
)
def test_a_denial_has_the_services_own_code(service: str, code: str, status: int) -> None:
    assert error_of({"effect": "deny"}, service=service) == (code, status)


def test_a_denial_says_who_may_not_do_what() -> None:
    error = planned({"effect": "deny"}).disturb(call_of()).error
    assert error is not None
    assert error.message == f"User: {SESSION} is not authorized to perform: sqs:CreateQueue"


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("ec2", "RequestLimitExceeded", 503),
        ("s3", "SlowDown", 503),
        ("lambda", "TooManyRequestsException", 429),
        ("organizations", "TooManyRequestsException", 400),
        ("sqs", "RequestThrottled", 400),
        ("iam", "Throttling", 400),
        ("eks", "ThrottlingException", 400),
    ],
)
def test_throttling_has_the_services_own_code(service: str, code: str, status: int) -> None:
    assert error_of({"effect": "throttle"}, service=service) == (code, status)


@pytest.mark.parametrize("effect", ["throttle", "deny", "error"])
def test_a_rules_own_words_go_before_the_usual_ones(effect: str) -> None:
    found = planned({"effect": effect, "code": "Out", "message": "of order", "status": 599}).disturb(call_of()).error
    assert found is not None
    assert (found.code, found.message, found.status) == ("Out", "of order", 599)


@pytest.mark.parametrize(
    ("rule", "becomes"),
    [
        ({"effect": "latency", "seconds": 2}, Disturbance(None, 2)),
        ({"effect": "timeout"}, Disturbance(None, 0, "silent")),
        ({"effect": "timeout", "done": True}, Disturbance(None, 0, "silent", done=True)),
        ({"effect": "reset"}, Disturbance(None, 0, "reset")),
        ({"effect": "reset", "done": True}, Disturbance(None, 0, "reset", done=True)),
    ],
)
def test_what_becomes_of_a_call_that_gets_no_error(rule: dict[str, Any], becomes: Disturbance) -> None:
    assert planned(rule).disturb(call_of()) == becomes


def test_latencies_add_up_with_the_first_rule_that_answers() -> None:
    faults = planned(
        {"effect": "latency", "seconds": 1},
        {"effect": "latency", "seconds": 2},
        {"effect": "reset"},
        {"effect": "deny"},
        {"effect": "latency", "seconds": 4},
    )
    assert faults.disturb(call_of()) == Disturbance(None, 3, "reset")
    assert [rule["hits"] for rule in faults.all()] == [1, 1, 1, 0, 0]


def test_latency_holds_up_only_as_many_calls_as_were_said() -> None:
    faults = planned({"effect": "latency", "seconds": 1, "service": "sqs", "calls": 1})
    assert faults.disturb(call_of(service="sns")) is UNDISTURBED
    assert [faults.disturb(call_of()).delay_seconds for _ in range(2)] == [1, 0]


WHOLE: dict[str, dict[str, Any]] = {
    "latency": {"seconds": 1},
    "error": {"code": "Out"},
    "resource": {"reason": "no"},
    "image": {"image": "*/fence:*"},
    **{effect: {"workload": "fence*"} for effect in ("crash", "oom", "unready")},
}
"""What a rule needs besides its effect."""


@pytest.mark.parametrize("effect", sorted(EFFECTS))
def test_every_effect_is_of_calls_or_of_resources_or_of_pods(effect: str) -> None:
    faults = planned({"effect": effect, **WHOLE.get(effect, {})})
    found = faults.disturb(call_of())
    reason = faults.resource_failure(ACCOUNT, "us-east-1", "tide", "Database", "create")
    assert [found is not UNDISTURBED, bool(reason), bool(faults.of_pods())].count(True) == 1
    assert found.error is None or (found.error.code and found.error.message and found.error.status)


@pytest.mark.parametrize("effect", sorted(WHOLE))
def test_what_an_effect_needs_is_asked_for(effect: str) -> None:
    with pytest.raises(FaultError, match=r"needs? "):
        parse_rule({"effect": effect})


def test_an_action_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(FaultError, match="action is 'explode', and must be \\* or one of create, update"):
        parse_rule({"effect": "resource", "reason": "no", "action": "explode"})


def test_every_member_of_a_rule_is_for_some_effect_and_every_effect_takes_members_that_there_are() -> None:
    names = {field.name for field in fields(FaultRule)}
    assert names == set(COMMON) | {name for effect in EFFECTS.values() for name in effect.takes}


@pytest.mark.parametrize("effect", sorted(EFFECTS))
def test_members_that_an_effect_does_not_take_are_refused(effect: str) -> None:
    given: dict[str, Any] = {"seconds": 1, "status": 500, "done": True, "service": "sqs", "operation": "CreateQueue"}
    given |= dict.fromkeys(("role", "code", "message", "stack", "resource", "reason"), "x") | {"action": "create"}
    given |= dict.fromkeys(("image", "namespace", "workload", "container"), "x")
    given |= {"account": ACCOUNT, "region": "us-east-1", "probability": 0.5, "seed": 1, "calls": 1}
    assert given.keys() == {field.name for field in fields(FaultRule)} - {"effect"}
    refused = {name for name in given if not EFFECTS[effect].has(name)}
    assert refused >= given.keys() - set(EFFECTS[effect].takes) - set(COMMON)
    for name in refused:
        with pytest.raises(FaultError, match=f"^{name} is for .*, not for {effect}$"):
            parse_rule({"effect": effect, **WHOLE.get(effect, {}), name: given[name]})


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"account": ""}, "an account id has 12 digits"),
        ({"account": "production"}, "an account id has 12 digits"),
        ({"account": "11111111111"}, "an account id has 12 digits"),
        ({"account": "1111111111111*"}, "an account id has 12 digits"),
        ({"account": "11111111111??"}, "an account id has 12 digits"),
        ({"account": "prod*"}, "an account id has 12 digits"),
        ({"region": ""}, "must be like ap-southeast-2"),
        ({"region": "Sydney, Australia"}, "must be like ap-southeast-2"),
        ({"region": "AP-southeast-2"}, "must be like ap-southeast-2"),
        ({"role": ""}, "must be the name of a user or role"),
        ({"role": "csoc/deployer"}, "without its path"),
        ({"role": "two words"}, "must be the name of a user or role"),
        ({"role": "arn:aws:iam::1111:role/deployer"}, "must be the name of a user or role"),
        ({"role": SESSION}, "or arn:aws:iam::ACCOUNT:role/NAME"),
    ],
)
def test_what_no_account_region_or_role_can_be_called_is_refused(rule: dict[str, str], why: str) -> None:
    with pytest.raises(FaultError, match=why):
        parse_rule({"effect": "deny", **rule})


@pytest.mark.parametrize(
    "rule",
    [
        {"account": "????????????"},
        {"account": "1*1"},
        {"account": "111111111111*"},
        {"region": "*-gov-*"},
        {"role": "arn:aws:iam::*:role/csoc/*"},
        {"role": "*/deployer"},
        {"role": "arn:aws-us-gov:iam::111111111111:user/people/ann"},
        {"role": "a+b=c,d.e@f_g-h"},
    ],
)
def test_a_pattern_that_something_can_be_like_is_taken(rule: dict[str, Any]) -> None:
    assert parse_rule({"effect": "deny", **rule}) == FaultRule("deny", **rule)


THERE = {
    ACCOUNT: [f"arn:aws:iam::{ACCOUNT}:user/owner", ROLE],
    OTHER_ACCOUNT: [f"arn:aws:iam::{OTHER_ACCOUNT}:user/owner"],
}


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        ({}, []),
        ({"account": ACCOUNT, "region": "ap-southeast-2", "role": "deployer"}, []),
        ({"account": "2*", "region": "us-gov-*", "role": "own*"}, []),
        ({"role": ROLE}, []),
        ({"account": "333333333333"}, ["there is no account 333333333333 yet"]),
        ({"region": "ap-southeast-22"}, ["AWS has no region ap-southeast-22"]),
        ({"role": "deploy"}, ["there is no user or role deploy yet in any of the 2 accounts that are meant"]),
        (
            {"account": OTHER_ACCOUNT, "role": "deployer"},
            [f"there is no user or role deployer yet in account {OTHER_ACCOUNT}"],
        ),
        (
            {"account": "3*", "region": "mars-1", "role": "deployer"},
            ["there is no account 3* yet", "AWS has no region mars-1"],
        ),
    ],
)
def test_what_a_rule_names_that_there_is_none_of_is_told(rule: dict[str, str], missing: list[str]) -> None:
    assert not_there_yet(parse_rule({"effect": "deny", **rule}), THERE) == missing


def test_the_emulators_page_names_every_effect() -> None:
    assert f"**Faults** come by rule: {TROUBLE}." in " ".join(PAGE.read_text("utf-8").split())
