"""What every Leftovers promises: in memory, and the account's own list behind the emulator."""

from __future__ import annotations

import pytest

from csoc.adapters.aws.leftovers import AccountLeftovers
from csoc.emulator.running import running
from csoc.emulator.timeline import RunningTimeline
from csoc.errors import NotFoundError
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
    return AccountLeftovers(owner.client)


@pytest.mark.parametrize("kind", ["memory", "account"])
def test_what_has_the_owners_tag_is_named_with_type_and_layer_and_nothing_else_is(kind: str) -> None:
    if kind == "memory":
        check(in_memory())
        return
    with running(timeline=RunningTimeline(speed=1000)) as emulator:
        check(filled(Owner(emulator, ACCOUNT)))


VALIDATED = "_3f2a.heart.example.org"


def networked_in_memory() -> tuple[Leftovers, str, str]:
    made = MemoryLeftovers()
    made.doors = {
        ("vpc-1", "sg-1", "database"): {"csoc:owner": UID, "csoc:layer": "database"},
        ("vpc-1", "sg-2", "theirs"): {},
        ("vpc-2", "sg-3", "elsewhere"): {"csoc:owner": UID},
    }
    made.zones = {"Z1": [VALIDATED, "heart.example.org", "_9.reef.example.org"]}
    return made, "vpc-1", "Z1"


def networked(owner: Owner) -> tuple[Leftovers, str, str]:
    ec2, route53 = owner.client("ec2"), owner.client("route53")
    vpcs = [ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2)]
    database = [{"Key": "csoc:owner", "Value": UID}, {"Key": "csoc:layer", "Value": "database"}]
    for vpc, name, tags in ((vpcs[0], "database", database), (vpcs[0], "theirs", []), (vpcs[1], "elsewhere", database)):
        specified = [{"ResourceType": "security-group", "Tags": tags}] if tags else []
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc, TagSpecifications=specified)
    zone = route53.create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    validates = "_1.abc.acm-validations.aws."
    records = ((VALIDATED, validates), ("_9.reef.example.org", validates), ("_other.heart.example.org", "elsewhere."))
    for name, value in records:
        record = {"Name": name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": value}]}
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    return AccountLeftovers(owner.client), vpcs[0], zone


@pytest.mark.parametrize("kind", ["memory", "account"])
def test_doors_in_a_network_and_records_that_validated_a_domain_are_named(kind: str) -> None:
    if kind == "memory":
        check_networked(*networked_in_memory())
        return
    with running(timeline=RunningTimeline(speed=1000)) as emulator:
        check_networked(*networked(Owner(emulator, ACCOUNT)))


def check_networked(leftovers: Leftovers, vpc: str, zone: str) -> None:
    [door] = leftovers.doors_in(vpc)
    assert (door.type, door.name, door.layer, door.owner) == ("ec2 security-group", "database", "database", UID)
    assert door.arn.startswith("security-group/sg-")
    assert list(leftovers.validation_records_in(zone, "heart.example.org")) == [VALIDATED]
    with pytest.raises(NotFoundError):
        leftovers.validation_records_in("Z0000000000", "heart.example.org")


def check(leftovers: Leftovers) -> None:
    found = leftovers.of_owner(UID)
    assert [(one.type, one.name, one.layer) for one in found] == [
        ("s3 bucket", "data", "resources"),
        ("sqs queue", "uploads", ""),
    ]
    assert not leftovers.of_owner("nobody1234")
