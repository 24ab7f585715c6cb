"""What every Leftovers promises: in memory, and the account's own list behind the emulator."""

from __future__ import annotations

import pytest

from csoc.adapters.aws.leftovers import AccountLeftovers
from csoc.emulator.running import running
from csoc.emulator.timeline import RunningTimeline
from csoc.provisioning.leftovers import Leftovers
from csoc.testing.leftovers import MemoryLeftovers
from tests.functional.emulator.conftest import Owner

UID, ANOTHER = "c1b2c3d4e5", "d1b2c3d4e5"
ACCOUNT = "300000000001"


def in_memory() -> Leftovers:
    return MemoryLeftovers(
        {
            "arn:aws:s3:::data": {"csoc:owner": UID, "csoc:layer": "resources"},
            f"arn:aws:sqs:ap-southeast-2:{ACCOUNT}:uploads": {"csoc:owner": UID},
            f"arn:aws:sqs:ap-southeast-2:{ACCOUNT}:theirs": {"csoc:owner": ANOTHER},
        }
    )


def filled(owner: Owner) -> Leftovers:
    tags = [{"Key": "csoc:owner", "Value": UID}, {"Key": "csoc:layer", "Value": "resources"}]
    where = {"LocationConstraint": "ap-southeast-2"}
    owner.client("s3").create_bucket(Bucket="data", CreateBucketConfiguration=where)
    owner.client("s3").put_bucket_tagging(Bucket="data", Tagging={"TagSet": tags})
    owner.client("sqs").create_queue(QueueName="uploads", tags={"csoc:owner": UID})
    owner.client("sqs").create_queue(QueueName="theirs", tags={"csoc:owner": ANOTHER})
    return AccountLeftovers(lambda: owner.client("resourcegroupstaggingapi"))


@pytest.mark.parametrize("kind", ["memory", "account"])
def test_what_has_the_owners_tag_is_named_with_type_and_layer_and_nothing_else_is(kind: str) -> None:
    if kind == "memory":
        check(in_memory())
        return
    with running(timeline=RunningTimeline(speed=1000)) as emulator:
        check(filled(Owner(emulator, ACCOUNT)))


def check(leftovers: Leftovers) -> None:
    found = leftovers.of_owner(UID)
    assert [(one.type, one.name, one.layer) for one in found] == [
        ("s3 bucket", "data", "resources"),
        ("sqs queue", "uploads", ""),
    ]
    assert not leftovers.of_owner("nobody1234")
