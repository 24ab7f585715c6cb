"""What AWS brings into every account takes memory only where somebody looks at it, and is whole then."""

from __future__ import annotations

import itertools
import threading
import tracemalloc
from datetime import UTC, datetime

import pytest
from moto.ec2.models import EC2Backend, ec2_backends
from moto.iam.models import iam_backends

from csoc.emulator.cloud import moto_accounts
from csoc.emulator.cloud.accounts import Accounts
from csoc.emulator.cloud.calls import Call, Identity
from csoc.emulator.cloud.corrections import aws_images
from csoc.emulator.cloud.corrections.ec2 import ec2

_ACCOUNTS = itertools.count(310_000_000_000)
REGION = "ap-southeast-2"
MOST_BYTES = 200_000
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _late() -> None:
    aws_images.load_late()


@pytest.fixture
def account() -> str:
    return str(next(_ACCOUNTS))


def backend(account: str) -> EC2Backend:
    found: EC2Backend = ec2_backends[account][REGION]
    return found


def test_an_account_takes_next_to_no_memory_before_something_is_made_in_it() -> None:
    def come_into_being() -> None:
        name = str(next(_ACCOUNTS))
        Accounts().owner(name)
        assert backend(name).describe_vpcs()

    come_into_being()  # with what all of them share
    tracemalloc.start()
    try:
        for _ in range(10):
            come_into_being()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 10 * MOST_BYTES


def test_who_looks_at_images_finds_those_of_aws_each_with_its_snapshot(account: str) -> None:
    images = backend(account).describe_images(owners=["amazon"])
    assert len(images) > 100
    assert {image.ebs_snapshot.id for image in images} <= set(backend(account).snapshots)


def test_who_looks_at_snapshots_first_finds_those_of_the_images_too(account: str) -> None:
    who = Identity(account, f"arn:aws:iam::{account}:user/owner", f"arn:aws:iam::{account}:user/owner", "AIDAOWNER")
    ec2().before["DescribeSnapshots"](Call(who, "ec2", "DescribeSnapshots", REGION, {}, NOON, "one"))
    assert len(backend(account).snapshots) == len(backend(account).amis) > 100


def test_many_who_look_at_once_see_all_images(account: str) -> None:
    seen: list[int] = []
    together = threading.Barrier(8)

    def look() -> None:
        together.wait()
        seen.append(len(backend(account).describe_images()))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert seen[0] > 100


def test_an_image_that_is_made_stands_beside_those_of_aws(account: str) -> None:
    made = backend(account).register_image("mine")
    assert [image.id for image in backend(account).describe_images(owners=["self"])] == [made.id]
    assert len(backend(account).describe_images()) > 100


def test_a_policy_of_aws_is_there_once_it_is_named(account: str) -> None:
    Accounts().owner(account)
    assert not iam_backends[account]["aws"].managed_policies
    arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
    policy = moto_accounts.managed_policy(account, arn)
    assert policy is not None
    assert policy["Statement"]
    assert list(iam_backends[account]["aws"].managed_policies) == [arn]
