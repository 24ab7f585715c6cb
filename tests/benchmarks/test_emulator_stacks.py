"""How long a stack of 60 resources takes when time runs fast: what the emulator itself costs, without waiting.

Real handlers of several types, over HTTP, with the guards that every call passes.
"""

from __future__ import annotations

import json
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


def test_a_stack_of_sixty_resources(emulator: Emulator) -> None:
    text, took = _template(), []
    for number in range(3):
        stacks = _client(emulator, f"30000000000{number}")
        started = time.perf_counter()
        made = stacks.create_stack(StackName="many", TemplateBody=text)["StackId"]
        assert _waited(stacks, made) == "CREATE_COMPLETE"
        took.append(time.perf_counter() - started)
        assert len(stacks.describe_stack_resources(StackName=made)["StackResources"]) == RESOURCES
    print(f"a stack of {RESOURCES} resources: {min(took):.2f} s at best, {max(took):.2f} s at worst")
    assert min(took) < SECONDS
