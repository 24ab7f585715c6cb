"""The cloud that the cases run on: the emulator, or a real account.

CSOC_CONTRACT_AWS=real takes boto3's own credentials and region instead; the cases make VPCs, parameters and topics,
delete them, and cost nothing but time. Between two looks so many seconds of the cloud's own world pass: of the
emulator's, which are quick and stand still while it works, or real ones.
"""

from __future__ import annotations

import itertools
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline, Timeline
from tests.contract.aws.query_shapes import problems

_ACCOUNTS = itertools.count(200_000_000_000)
_REAL = os.environ.get("CSOC_CONTRACT_AWS") == "real"
LOOK_AGAIN_SECONDS = 10.0
LOOKS = 1000
NEW_KEY_SECONDS = 15.0
"""Until a new key is known everywhere, on the real one. All of them are seconds of the cloud's world."""
_FASTEST = 1000
_STUCK_SECONDS = 60.0  # of the clock, for one pause that the timeline does not end


class Cloud:
    """Clients of one account, whose answers are held against botocore's models. name: unlike those of other cases."""

    def __init__(self, client: Callable[..., Any], timeline: Timeline) -> None:
        """client: for a service, and for somebody else's keys where they are given. timeline: of the cloud's world."""
        self.name = f"csoc-contract-{uuid.uuid4().hex[:8]}"
        self.client = client
        self.stacks = client("cloudformation")
        self.stacks.meta.events.register("after-call.cloudformation.*", _looked_at)
        self._timeline = timeline
        self.afterwards: list[Callable[[], Any]] = []

    def settled(self, name: str) -> str:
        """The status of a stack once nothing is under way; "DELETE_COMPLETE" if it is gone."""
        number = name if name.startswith("arn:") else self.stack(name)["StackId"]
        for _ in range(LOOKS):
            status: str = self.stack(number)["StackStatus"]
            if not status.endswith("IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return status
            self.wait()
        raise TimeoutError(f"{name} is still in {status}")

    def planned(self, name: str, change_set: str) -> Any:
        """A change set with its property values once it was planned."""
        for _ in range(LOOKS):
            told = self.stacks.describe_change_set(StackName=name, ChangeSetName=change_set, IncludePropertyValues=True)
            if told["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                return told
            self.wait()
        raise TimeoutError(f"{change_set} is still being planned")

    def as_user(self, policy: str) -> Any:
        """A client of CloudFormation for a new user who has this policy and nothing else."""
        iam, name = self.client("iam"), f"csoc-contract-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.afterwards += [
            lambda: iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"]),
            lambda: iam.delete_user_policy(UserName=name, PolicyName="may"),
            lambda: iam.delete_user(UserName=name),
        ]
        self.wait(NEW_KEY_SECONDS)
        return self.client(
            "cloudformation", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )

    def stack(self, name: str) -> Any:
        return self.stacks.describe_stacks(StackName=name)["Stacks"][0]

    def wait(self, seconds: float = LOOK_AGAIN_SECONDS) -> None:
        """Lets so many seconds of the cloud's world pass."""
        passed = threading.Event()
        self._timeline.later(seconds, passed.set)
        if not passed.wait(seconds + _STUCK_SECONDS):
            raise TimeoutError(f"{seconds:g} s of the cloud's world do not pass")


# Events of a stack itself have its status, which the model does not list among those of resources. Source: User Guide,
# "View stack events", and its example of an update.
_ALSO = {
    "ResourceStatus": frozenset({"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"})
}


def _looked_at(http_response: Any, model: Any, **_: Any) -> None:
    if http_response.status_code < 300:
        found = problems(http_response.content, model, _ALSO)
        assert not found, f"{model.name} answers against its model: {found}"


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=_FASTEST)) as started:
        yield started


@pytest.fixture(scope="session")
def real_time() -> Iterator[RunningTimeline]:
    """A real cloud cannot be told to hurry."""
    timeline = RunningTimeline()
    yield timeline
    timeline.stop()


@pytest.fixture
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    if _REAL:
        found = Cloud(
            lambda service, **given: boto3.client(service, **given),
            request.getfixturevalue("real_time"),
        )
    else:
        emulator: Emulator = request.getfixturevalue("emulator")
        key = emulator.accounts.owner(str(next(_ACCOUNTS)))
        config = Config(retries={"max_attempts": 0})
        found = Cloud(
            lambda service, **given: boto3.client(
                service,
                region_name="ap-southeast-2",
                endpoint_url=emulator.endpoint,
                config=config,
                **{"aws_access_key_id": key.access_key, "aws_secret_access_key": key.secret, **given},
            ),
            emulator.timeline,
        )
    yield found
    if _REAL:
        found.stacks.delete_stack(StackName=found.name)
        for undo in found.afterwards:
            undo()
