"""Calls to the emulated cloud: what one costs through the endpoint, and what one service's call to another costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline

pytestmark = pytest.mark.benchmark

ACCOUNT, REGION = "111122223333", "ap-southeast-2"
USER = f"arn:aws:iam::{ACCOUNT}:user/owner"
CALLS = 100
MOST_INSIDE_MS = 5.0
MOST_OVER_HTTP_MS = 20.0


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


COMMON: list[tuple[str, Callable[[Any], Any]]] = [
    ("ec2", lambda client: client.describe_vpcs()),
    ("ec2", lambda client: client.create_security_group(GroupName=f"g{time.monotonic_ns()}", Description="d")),
    ("sqs", lambda client: client.create_queue(QueueName="queue")),
    ("ssm", lambda client: client.put_parameter(Name="/a", Value="b", Type="String", Overwrite=True)),
    ("iam", lambda client: client.get_user(UserName="owner")),
    ("cloudformation", lambda client: client.list_stacks()),
]


def milliseconds(call: Callable[[], Any]) -> float:
    """One call, from the fastest tenth of many: the rest is what else the machine does."""
    call()
    taken = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        call()
        taken.append((time.perf_counter() - begun) * 1000)
    return sorted(taken)[CALLS // 10]


@pytest.mark.parametrize(("service", "call"), COMMON)
def test_a_call_from_service_to_service_takes_a_few_milliseconds(
    emulator: Emulator, service: str, call: Callable[[Any], Any]
) -> None:
    emulator.accounts.owner(ACCOUNT)
    emulator.inside.act_as(Identity(ACCOUNT, USER, USER, "AIDAOWNER"), "cloudformation.amazonaws.com")
    client = emulator.inside.client(service, REGION)
    taken = milliseconds(lambda: call(client))
    print(f"\n{service} inside: {taken:.1f} ms, {1000 / taken:.0f} calls a second")
    assert taken < MOST_INSIDE_MS


def test_a_call_over_http_waits_for_nobodys_acknowledgement(emulator: Emulator) -> None:
    key = emulator.accounts.owner(ACCOUNT)
    client = boto3.client(
        "ec2", region_name=REGION, endpoint_url=emulator.endpoint, aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret,
    )  # fmt: skip
    taken = milliseconds(client.describe_vpcs)
    print(f"\nec2 over HTTP: {taken:.1f} ms, {1000 / taken:.0f} calls a second")
    assert taken < MOST_OVER_HTTP_MS
