"""A small template that stands for terabytes, against an emulator that may take little memory.

The emulator is a process of its own whose address space is limited, so that what is built in spite of the bounds ends
it here as it would end a whole machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import WaiterError

_MOST_BYTES = 2_500_000_000
_SERVER = """
import resource
import sys
from csoc.emulator.running import running
from csoc.emulator.timeline import RunningTimeline
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
with running(timeline=RunningTimeline(speed=1000)) as started:
    key = started.accounts.owner("111111111111")
    print(started.endpoint, key.access_key, key.secret, flush=True)
    sys.stdin.read()
"""


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"Fn::Sub": ["${a}" * 40, {"a": value}]}
    return value


COMMAS = {"Fn::Split": ["x", nested(3)]}
GOOD: dict[str, Any] = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}}
HOSTILE: Mapping[str, Any] = {
    "sub": nested(9),
    "join": {"Fn::Join": ["d" * 10_000, COMMAS]},
    "lists": {"Fn::Select": [0, [{"Fn::Join": ["", COMMAS]} for _ in range(70)]]},
}


@pytest.fixture(scope="module")
def stacks() -> Iterator[Any]:
    """A client of an emulator of little memory."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(_MOST_BYTES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        endpoint, key, secret = child.stdout.readline().split()
        yield boto3.client(
            "cloudformation",
            region_name="ap-southeast-2",
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}),
        )
        child.stdin.close()
        assert child.wait(timeout=60) == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_it_fails_with_its_property_and_the_emulator_goes_on(stacks: Any, name: str) -> None:
    bad = {**GOOD, "Properties": {**GOOD["Properties"], "Value": HOSTILE[name]}}
    body = json.dumps({"Resources": {"Good": GOOD, "Bad": {**bad, "DependsOn": "Good"}}})
    stacks.create_stack(StackName=name, TemplateBody=body, OnFailure="DO_NOTHING")
    waiter = stacks.get_waiter("stack_create_complete")
    with pytest.raises(WaiterError, match="CREATE_FAILED"):
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    events = stacks.describe_stack_events(StackName=name)["StackEvents"]
    reasons = {
        e["LogicalResourceId"]: e["ResourceStatusReason"] for e in events if e["ResourceStatus"] == "CREATE_FAILED"
    }
    assert reasons["Bad"].startswith("Template error: the functions at [/Resources/Bad/Properties/Value"), reasons
    assert "the most that the emulator makes" in reasons["Bad"]
    assert len(json.dumps(events, default=str)) < 100_000
