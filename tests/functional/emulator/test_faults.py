"""Planned trouble, as clients meet it; and the counts by which tests see what was called."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from csoc.emulator.cloud.faults import FaultError, parse_rule
from csoc.emulator.effects import FaultRule
from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner


@pytest.fixture
def planned(emulator: Emulator, account: str) -> Iterator[Any]:
    """Sets rules for the test's account, which end with it."""
    names = []

    def plan(effect: str, **rule: Any) -> str:
        names.append(emulator.faults.add(parse_rule({"effect": effect, "account": account, **rule})))
        return names[-1]

    yield plan
    for name in names:
        emulator.faults.remove(name)


def patient(emulator: Emulator, owner: Owner, service: str, attempts: int = 1, seconds: int = 2) -> Any:
    """A client that gives up after some seconds, and tries so many times."""
    key = emulator.accounts.owner(owner.account)
    return boto3.client(
        service,
        region_name="ap-southeast-2",
        endpoint_url=emulator.endpoint,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret,
        config=Config(read_timeout=seconds, retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ec2", "describe_vpcs", "RequestLimitExceeded"),
        ("cloudformation", "list_stacks", "Throttling"),
        ("s3", "list_buckets", "SlowDown"),
        ("eks", "list_clusters", "ThrottlingException"),
    ],
)
def test_throttling_has_the_services_own_code(
    owner: Owner, planned: Any, service: str, operation: str, code: str
) -> None:
    planned("throttle", service=service)
    with pytest.raises(ClientError) as refused:
        getattr(owner.client(service), operation)()
    assert refused.value.response["Error"]["Code"] == code


def test_boto3s_own_retries_see_throttling_through(emulator: Emulator, owner: Owner, planned: Any) -> None:
    planned("throttle", service="sqs", calls=1)
    emulator.counts.clear()
    patient(emulator, owner, "sqs", attempts=3).create_queue(QueueName="made")
    counted = [number for kind, number in emulator.counts.all().items() if kind.account == owner.account]
    assert counted == [1], "a call that was throttled was not carried out"


def test_only_the_next_calls_are_hit(owner: Owner, planned: Any) -> None:
    planned("error", service="sqs", code="Out", calls=2)
    sqs = owner.client("sqs")
    for _ in range(2):
        with pytest.raises(ClientError, match="Out"):
            sqs.list_queues()
    assert "ResponseMetadata" in sqs.list_queues()


def test_a_rule_is_for_whom_and_for_what_it_says(owner: Owner, planned: Any) -> None:
    planned("deny", service="sqs", operation="Create*", role="owner")
    sqs = owner.client("sqs")
    with pytest.raises(ClientError, match="not authorized"):
        sqs.create_queue(QueueName="a")
    assert "ResponseMetadata" in sqs.list_queues()


def test_a_client_that_gives_up_leaves_the_others_answered(emulator: Emulator, owner: Owner, planned: Any) -> None:
    planned("timeout", service="sqs")
    waiting = [patient(emulator, owner, "sqs", seconds=1) for _ in range(2)]
    with pytest.raises(ReadTimeoutError):
        waiting[0].create_queue(QueueName="never")
    assert "ResponseMetadata" in owner.client("sns").list_topics()


def test_an_answer_that_is_lost_may_have_been_carried_out(emulator: Emulator, owner: Owner, planned: Any) -> None:
    planned("reset", service="sqs", operation="CreateQueue", done=True, calls=1)
    sqs = patient(emulator, owner, "sqs")
    with pytest.raises(ConnectionClosedError):
        sqs.create_queue(QueueName="made")
    assert [url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"]] == ["made"]
    planned("reset", service="sqs", operation="CreateQueue", calls=1)
    with pytest.raises(ConnectionClosedError):
        sqs.create_queue(QueueName="other")
    assert len(sqs.list_queues()["QueueUrls"]) == 1


def test_latency_holds_up_the_answer_for_its_real_seconds(emulator: Emulator, owner: Owner, planned: Any) -> None:
    name = planned("latency", service="sqs", seconds=0.3, calls=1)
    sqs, begun = owner.client("sqs"), time.monotonic()
    sqs.list_queues()
    assert time.monotonic() - begun >= 0.3, "the emulated world is a thousand times faster, the latency is not"
    sqs.list_queues()
    hits = {rule["id"]: rule["hits"] for rule in emulator.faults.all()}
    assert hits[name] == 1


def test_a_refusal_is_held_up_like_an_answer(owner: Owner, planned: Any) -> None:
    planned("latency", service="sqs", seconds=0.3, calls=1)
    planned("deny", service="sqs", calls=1)
    sqs, begun = owner.client("sqs"), time.monotonic()
    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.list_queues()
    assert time.monotonic() - begun >= 0.3


def test_a_resource_of_a_stack_fails_with_the_reason_that_was_set(owner: Owner, planned: Any) -> None:
    planned("resource", stack="tide", resource="Second", action="create", reason="No capacity in this zone")
    queue = {"Type": "AWS::SQS::Queue"}
    template = {"Resources": {"First": queue, "Second": {**queue, "DependsOn": "First"}}}
    stacks = owner.client("cloudformation")
    stacks.create_stack(StackName="tide", TemplateBody=json.dumps(template))
    with pytest.raises(Exception, match="ROLLBACK_COMPLETE"):
        stacks.get_waiter("stack_create_complete").wait(StackName="tide", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    events = stacks.describe_stack_events(StackName="tide")["StackEvents"]
    failed = {event["LogicalResourceId"]: event for event in events if event["ResourceStatus"] == "CREATE_FAILED"}
    assert list(failed) == ["Second"]
    assert "No capacity in this zone" in failed["Second"]["ResourceStatusReason"]


def test_calls_are_counted_with_who_called_and_through_which_service(emulator: Emulator, owner: Owner) -> None:
    stacks = owner.client("cloudformation")
    stacks.create_stack(StackName="tide", TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}))
    stacks.get_waiter("stack_create_complete").wait(StackName="tide", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    mine = {kind: n for kind, n in emulator.counts.all().items() if kind.account == owner.account}
    made = [(kind.by, n) for kind, n in mine.items() if (kind.service, kind.operation) == ("sqs", "CreateQueue")]
    assert made == [("cloudformation.amazonaws.com", 1)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], "an object"),
        ({"effect": "explode"}, "effect"),
        ({"effect": "latency"}, "seconds"),
        ({"effect": "error"}, "code"),
        ({"effect": "resource"}, "reason"),
        ({"effect": "deny", "probability": 0}, "probability"),
        ({"effect": "deny", "probability": "often"}, "must be a number"),
        ({"effect": "deny", "calls": 0}, "calls"),
        ({"effect": "deny", "colour": "red"}, "colour"),
        ({"effect": "deny", "done": 1}, "true or false"),
        ({"effect": "error", "code": "X", "status": 200}, "status"),
        ({"effect": "deny", "service": "nosuch"}, "no service nosuch; there is acm, "),
        ({"effect": "deny", "service": "ec2", "operation": "CreateVPC"}, "no operation CreateVPC; there is CreateVpc"),
        ({"effect": "deny", "service": "ec2", "operation": "Nope*"}, "ec2 has no operation Nope\\*$"),
        ({"effect": "deny", "resource": "Database"}, "resource is for resource, not for deny"),
        ({"effect": "throttle", "seconds": 3}, "seconds is for latency, not for throttle"),
        ({"effect": "latency", "seconds": 1, "code": "X"}, "code is for throttle and deny and error, not for latency"),
        ({"effect": "error", "code": "X", "done": True}, "done is for timeout and reset, not for error"),
        ({"effect": "resource", "reason": "no", "service": "rds"}, "service is for .*, not for resource"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(body: Any, why: str) -> None:
    with pytest.raises(FaultError, match=why):
        parse_rule(body)


def test_the_same_seed_hits_the_same_calls(owner: Owner, planned: Any, emulator: Emulator) -> None:
    sqs, hits = owner.client("sqs"), []
    for _ in range(2):
        name = planned("error", service="sqs", code="Out", probability=0.5, seed=7)
        hits.append([hit(sqs) for _ in range(12)])
        emulator.faults.remove(name)
    assert hits[0] == hits[1]
    assert 0 < sum(hits[0]) < 12


def hit(sqs: Any) -> bool:
    try:
        sqs.list_queues()
    except ClientError:
        return True
    return False


def test_a_rule_for_everything_is_one_without_patterns() -> None:
    assert parse_rule({"effect": "throttle"}) == FaultRule("throttle")
