"""How long a stack of 60 resources takes when time runs fast: what the emulator itself costs, without waiting.

Real handlers of several types, over HTTP, with the guards that every call passes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(120)]

SECONDS, RESOURCES = 3.0, 60


def _template() -> str:
    """A VPC with 20 subnets and 15 security groups, and 24 SSM parameters that name them."""
    made: dict[str, Any] = {"Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}
    for number in range(20):
        made[f"Subnet{number}"] = {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Net"},
                "CidrBlock": {"Fn::Select": [number, {"Fn::Cidr": ["10.0.0.0/16", 20, 8]}]},
                "Tags": [{"Key": "Name", "Value": {"Fn::Sub": f"${{AWS::StackName}}-{number}"}}],
            },
        }
    for number in range(15):
        made[f"Group{number}"] = {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": f"group {number}", "VpcId": {"Ref": "Net"}},
        }
    for number in range(RESOURCES - len(made)):
        made[f"Told{number}"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Ref": f"Subnet{number % 20}"}},
        }
    return json.dumps({"Resources": made})


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=10_000)) as started:
        yield started


def _client(emulator: Emulator, account: str) -> Any:
    key = emulator.accounts.owner(account)
    return boto3.client(
        "cloudformation",
        region_name="ap-southeast-2",
        endpoint_url=emulator.endpoint,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret,
    )


def _waited(stacks: Any, name: str) -> str:
    status = "CREATE_IN_PROGRESS"
    while status.endswith("_IN_PROGRESS"):
        time.sleep(0.02)
        status = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    return status


def _seconds(emulator: Emulator, account: str, text: str) -> float:
    stacks = _client(emulator, account)
    started = time.perf_counter()
    made = stacks.create_stack(StackName="many", TemplateBody=text)["StackId"]
    assert _waited(stacks, made) == "CREATE_COMPLETE"
    took = time.perf_counter() - started
    assert len(stacks.describe_stack_resources(StackName=made)["StackResources"]) == RESOURCES
    return took


def test_a_stack_of_sixty_resources(emulator: Emulator) -> None:
    text = _template()
    first, *others = (_seconds(emulator, f"30000000000{number}", text) for number in range(4))
    print(
        f"a stack of {RESOURCES} resources: {first:.2f} s for the first, which loads models and schemas, "
        f"then {min(others):.2f} to {max(others):.2f} s"
    )
    assert max(others) < SECONDS


@pytest.fixture
def busy() -> Iterator[int]:
    """As many processes as there are cores, each of which never rests; how many."""
    number = os.cpu_count() or 1
    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield number
    finally:
        for process in burning:
            process.kill()
            process.wait(timeout=30)


def test_a_stack_of_sixty_resources_while_the_machine_is_busy(emulator: Emulator, busy: int) -> None:
    text = _template()
    _seconds(emulator, "300000000100", text)
    took = [_seconds(emulator, f"30000000020{number}", text) for number in range(3)]
    figures = f"{min(took):.2f} to {max(took):.2f} s"
    print(f"a stack of {RESOURCES} resources beside {busy} processes that never rest: {figures}")
    assert max(took) < SECONDS
