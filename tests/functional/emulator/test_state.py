"""What survives an end of the emulator, and whose folder is not trusted."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tests.functional.emulator.running_command import Started, csoc, started

TEMPLATE = json.dumps(
    {
        "Resources": {"Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.5.0.0/16"}}},
        "Outputs": {"Id": {"Value": {"Ref": "Net"}}},
    }
)
FAST = {"Delay": 1, "MaxAttempts": 60}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cloud"


def test_accounts_resources_stacks_and_sessions_survive_a_restart(folder: Path) -> None:
    with started(data=folder) as before:
        variables = before.variables
        before.client("kms").create_key(Description="kept")
        before.client("ssm").put_parameter(Name="/a", Value="kept", Type="String")
        before.client("secretsmanager").create_secret(Name="csoc/a", SecretString="kept")
        before.client("acm").request_certificate(DomainName="example.org")
        stacks = before.client("cloudformation")
        stacks.create_stack(StackName="net", TemplateBody=TEMPLATE)
        stacks.get_waiter("stack_create_complete").wait(StackName="net", WaiterConfig=FAST)
        vpc = stacks.describe_stacks(StackName="net")["Stacks"][0]["Outputs"][0]["OutputValue"]
    with started(data=folder) as after:
        assert after.variables["AWS_ACCESS_KEY_ID"] == variables["AWS_ACCESS_KEY_ID"]
        assert after.variables["AWS_SECRET_ACCESS_KEY"] == variables["AWS_SECRET_ACCESS_KEY"]
        assert after.client("ssm").get_parameter(Name="/a")["Parameter"]["Value"] == "kept"
        assert after.client("secretsmanager").get_secret_value(SecretId="csoc/a")["SecretString"] == "kept"
        assert len(after.client("kms").list_keys()["Keys"]) == 1
        assert len(after.client("acm").list_certificates()["CertificateSummaryList"]) == 1
        stacks = after.client("cloudformation")
        assert stacks.describe_stacks(StackName="net")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        stacks.delete_stack(StackName="net")
        stacks.get_waiter("stack_delete_complete").wait(StackName="net", WaiterConfig=FAST)
        assert vpc not in {found["VpcId"] for found in after.client("ec2").describe_vpcs()["Vpcs"]}


def test_what_was_there_some_seconds_before_a_kill_is_there_after_it(folder: Path) -> None:
    with started(data=folder) as before:
        before.client("sqs").create_queue(QueueName="kept")
        first = wait_for_snapshot(folder)
        before.client("sqs").create_queue(QueueName="later")
        wait_for_snapshot(folder, after=first)
        before.process.kill()
        before.process.wait(timeout=30)
    with started(data=folder) as after:
        names = [address.rpartition("/")[2] for address in after.client("sqs").list_queues()["QueueUrls"]]
        assert sorted(names) == ["kept", "later"]


def test_clusters_and_what_is_in_them_survive(folder: Path) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    with started(data=folder) as before:
        ec2, iam, eks = before.client("ec2"), before.client("iam"), before.client("eks")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"ap-southeast-2{zone}")[
                "Subnet"
            ]["SubnetId"]
            for n, zone in enumerate("ab")
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName="control", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        network = {"subnetIds": subnets}
        eks.create_cluster(name="tide", roleArn=role, resourcesVpcConfig=network)
        eks.get_waiter("cluster_active").wait(name="tide", WaiterConfig=FAST)
        eks.create_cluster(name="begun", roleArn=role, resourcesVpcConfig=network)
        authority = eks.describe_cluster(name="tide")["cluster"]["certificateAuthority"]
    with started(data=folder) as after:
        eks = after.client("eks")
        there = eks.describe_cluster(name="tide")["cluster"]
        assert (there["status"], there["certificateAuthority"]) == ("ACTIVE", authority)
        eks.get_waiter("cluster_active").wait(name="begun", WaiterConfig=FAST)


def test_a_database_that_was_being_made_is_not_done_because_of_a_restart(folder: Path) -> None:
    def status(of: Started) -> str:
        (found,) = of.client("rds").describe_db_clusters(DBClusterIdentifier="tide")["DBClusters"]
        return str(found["Status"])

    with started("--speed", "1", data=folder) as before:
        before.client("rds").create_db_cluster(
            DBClusterIdentifier="tide",
            Engine="aurora-postgresql",
            MasterUsername="owner",
            ManageMasterUserPassword=True,
        )
        assert status(before) == "creating"
    with started("--speed", "1", data=folder) as after:
        assert status(after) == "creating"


def test_a_folder_that_others_may_read_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    refused = csoc("emulator", "--port", "0", "--data", str(folder))
    assert (refused.returncode, "chmod 700" in refused.stderr) == (3, True)


def test_a_link_in_place_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert csoc("emulator", "--port", "0", "--data", str(folder)).returncode == 1


def test_a_file_in_place_of_the_folder_is_refused(folder: Path) -> None:
    folder.write_text("")
    refused = csoc("emulator", "--port", "0", "--data", str(folder))
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr


def test_two_emulators_do_not_share_a_folder(folder: Path) -> None:
    with started(data=folder):
        refused = csoc("emulator", "--port", "0", "--data", str(folder))
    assert refused.returncode == 5
    assert "Another emulator" in refused.stderr


@pytest.mark.parametrize("spoilt", [b"5.2.5", b"end"])
def test_a_snapshot_of_another_version_or_a_damaged_one_is_refused_with_the_reason(folder: Path, spoilt: bytes) -> None:
    with started(data=folder) as before:
        before.client("sqs").list_queues()
    kept = (folder / "state").read_bytes()
    changed = kept.replace(b"moto 5.2.5", b"moto 5.2.4", 1) if spoilt == b"5.2.5" else kept[:-20]
    (folder / "state").write_bytes(changed)
    refused = csoc("emulator", "--port", "0", "--data", str(folder))
    assert refused.returncode == 1
    assert ("moto 5.2.4" if spoilt == b"5.2.5" else "damaged") in refused.stderr


def test_the_folder_keeps_its_secrets_to_its_owner(folder: Path) -> None:
    with started(data=folder):
        pass
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert oct((folder / "state").stat().st_mode & 0o777) == "0o600"


def wait_for_snapshot(folder: Path, after: int = 0) -> int:
    """Until two snapshots have been written, so that the second began after the call; returns its time in ns."""
    seen, ticking = {after}, threading.Event()
    for _ in range(200):
        path = folder / "state"
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
        if len(seen) > 1:
            return max(seen)
        ticking.wait(0.1)
    raise AssertionError("no snapshot was written in 20 seconds")
