"""What services of data refuse, what they need time for, and what is left of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.durations import SECONDS
from csoc.emulator.cloudformation.resources.handler import Made, ResourceError
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import SteppedTimeline
from tests.functional.emulator.resource_cases import Bench, statement

AURORA = {"Engine": "aurora-postgresql", "MasterUsername": "gen3", "ManageMasterUserPassword": True}


@pytest.fixture(scope="module")
def stepped() -> Iterator[tuple[Emulator, SteppedTimeline]]:
    """An emulator whose time passes only when a test says so."""
    timeline = SteppedTimeline(datetime.now(UTC))
    with running(timeline=timeline) as started:
        yield started, timeline


def handler_of(kind: str) -> Any:
    """A handler with what it may have besides, which differs from type to type."""
    return HANDLERS[kind]


def said(action: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def delete(bench: Bench, kind: str, physical_id: str, **properties: Any) -> None:
    HANDLERS[kind].delete(bench.context(), physical_id, properties)


# Buckets


def test_a_bucket_that_holds_an_object_is_kept(bench: Bench) -> None:
    name = bench.make("AWS::S3::Bucket", VersioningConfiguration={"Status": "Enabled"}).physical_id
    s3 = bench.client("s3")
    s3.put_object(Bucket=name, Key="a", Body=b"a")
    assert said(lambda: delete(bench, "AWS::S3::Bucket", name))[0] == "BucketNotEmpty"
    s3.delete_object(Bucket=name, Key="a")
    assert said(lambda: delete(bench, "AWS::S3::Bucket", name))[0] == "BucketNotEmpty"  # its versions are there


def test_a_new_bucket_is_closed_and_encrypted(bench: Bench) -> None:
    name, s3 = bench.make("AWS::S3::Bucket").physical_id, bench.client("s3")
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    owner = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert set(block.values()) == {True}
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert owner == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_a_policy_for_everybody_is_refused_as_long_as_public_access_is_blocked(bench: Bench) -> None:
    name = bench.make("AWS::S3::Bucket").physical_id
    public = statement("s3:GetObject", Principal="*", Resource=f"arn:aws:s3:::{name}/*")

    def put() -> Made:
        return bench.make("AWS::S3::BucketPolicy", Bucket=name, PolicyDocument=public)

    code, message = said(put)
    assert (code, "BlockPublicPolicy" in message) == ("AccessDenied", True)
    bench.client("s3").delete_public_access_block(Bucket=name)
    assert put().physical_id == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Resource": "arn:aws:s3:::another/*"}, "Policy has invalid resource"),
        ({"Principal": None}, "Missing required field Principal"),
        ({"Action": "ec2:RunInstances"}, "Policy has invalid action"),
        ({"Principal": {"AWS": "arn:aws:iam::100000000000:role/nobody-at-all"}}, "Invalid principal in policy"),
    ],
)
def test_a_bucket_policy_that_makes_no_sense_is_refused(bench: Bench, change: dict[str, Any], message: str) -> None:
    name = bench.make("AWS::S3::Bucket").physical_id
    given = {"Principal": {"AWS": bench.account}, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    changed = {key: value for key, value in {"Effect": "Allow", **given, **change}.items() if value is not None}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [changed]})
    refused = said(lambda: bench.client("s3").put_bucket_policy(Bucket=name, Policy=policy))
    assert refused == ("MalformedPolicy", message)


def test_a_bucket_that_exists_is_not_taken_over(emulator: Emulator, account: str) -> None:
    bench = Bench(emulator, account, "us-east-1")
    given = {"BucketName": f"only-one-{account}"}
    bench.make("AWS::S3::Bucket", **given)
    with pytest.raises(ResourceError, match="already exists"):
        bench.make("AWS::S3::Bucket", **given)


# Databases


def test_a_protected_cluster_and_one_with_instances_are_kept(bench: Bench) -> None:
    guarded = bench.make("AWS::RDS::DBCluster", **AURORA, DeletionProtection=True).physical_id
    code, message = said(lambda: delete(bench, "AWS::RDS::DBCluster", guarded))
    assert (code, "protected" in message) == ("InvalidParameterCombination", True)
    used = bench.make("AWS::RDS::DBCluster", **AURORA).physical_id
    instance = {"Engine": "aurora-postgresql", "DBInstanceClass": "db.serverless", "DBClusterIdentifier": used}
    bench.make("AWS::RDS::DBInstance", **instance)
    assert said(lambda: delete(bench, "AWS::RDS::DBCluster", used))[0] == "InvalidDBClusterStateFault"


def test_a_snapshot_is_left_of_a_cluster_and_another_is_made_of_it(bench: Bench) -> None:
    context, rds = bench.context("Database"), bench.client("rds")
    handler = handler_of("AWS::RDS::DBCluster")
    cluster = handler.create(context, AURORA).physical_id
    handler.snapshot(context, cluster, AURORA)
    handler.snapshot(context, cluster, AURORA)
    assert handler.read(context, cluster) is None
    manual = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert [found["DBClusterIdentifier"] for found in manual] == [cluster]
    name = manual[0]["DBClusterSnapshotIdentifier"]
    assert name.startswith("fleet-snapshot-database-")
    again = bench.make("AWS::RDS::DBCluster", Engine="aurora-postgresql", SnapshotIdentifier=name)
    assert again.attributes["Endpoint.Address"].startswith(again.physical_id)


def test_a_snapshot_is_left_of_an_instance_and_none_of_a_member_of_a_cluster(bench: Bench) -> None:
    own = {"Engine": "postgres", "DBInstanceClass": "db.t4g.small", "AllocatedStorage": "20", "MasterUsername": "gen3"}
    own["MasterUserPassword"] = "not-a-secret"
    handler, context = handler_of("AWS::RDS::DBInstance"), bench.context()
    instance = handler.create(context, own).physical_id
    handler.snapshot(context, instance, own)
    kept = bench.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [found["DBInstanceIdentifier"] for found in kept] == [instance]
    with pytest.raises(ResourceError, match="the cluster has"):
        handler.snapshot(context, "member", {"DBClusterIdentifier": "cluster"})


def test_a_subnet_group_covers_two_zones_and_is_kept_while_it_is_used(bench: Bench) -> None:
    one = bench.subnets()[:1]
    given = {"DBSubnetGroupDescription": "of data"}
    refused = said(lambda: bench.make("AWS::RDS::DBSubnetGroup", **given, SubnetIds=one))
    assert refused[0] == "DBSubnetGroupDoesNotCoverEnoughAZs"
    group = bench.make("AWS::RDS::DBSubnetGroup", **given, SubnetIds=bench.subnets()).physical_id
    bench.make("AWS::RDS::DBCluster", **AURORA, DBSubnetGroupName=group)
    refused = said(lambda: delete(bench, "AWS::RDS::DBSubnetGroup", group))
    assert refused[0] == "InvalidDBSubnetGroupStateFault"


def test_a_cluster_needs_what_it_names_and_a_name_of_its_own(bench: Bench) -> None:

    def make(**more: Any) -> Made:
        return bench.make("AWS::RDS::DBCluster", **AURORA, **more)

    assert said(lambda: make(DBSubnetGroupName="nothing"))[0] == "DBSubnetGroupNotFoundFault"
    assert said(lambda: make(DBClusterParameterGroupName="nothing"))[0] == "DBClusterParameterGroupNotFound"
    make(DBClusterIdentifier="Only-One")
    assert said(lambda: make(DBClusterIdentifier="only-one"))[0] == "DBClusterAlreadyExistsFault"


def test_what_cannot_change_in_place_is_refused_by_name(bench: Bench) -> None:
    handler, context = handler_of("AWS::RDS::DBCluster"), bench.context()
    made = handler.create(context, AURORA)
    with pytest.raises(ResourceError, match="MasterUsername"):
        handler.update(context, made.physical_id, AURORA, {**AURORA, "MasterUsername": "other"})


# Time


@pytest.mark.parametrize(
    ("kind", "properties", "service", "asked", "path"),
    [
        ("AWS::RDS::DBCluster", AURORA, "rds", "describe_db_clusters", ("DBClusters", "Status")),
        (
            "AWS::RDS::DBInstance",
            {
                "Engine": "postgres",
                "DBInstanceClass": "db.t4g.small",
                "AllocatedStorage": "20",
                "MasterUsername": "gen3",
                "MasterUserPassword": "not-a-secret",
            },
            "rds",
            "describe_db_instances",
            ("DBInstances", "DBInstanceStatus"),
        ),
    ],
)
def test_a_database_is_creating_for_its_time(
    stepped: tuple[Emulator, SteppedTimeline],
    account: str,
    kind: str,
    properties: dict[str, Any],
    service: str,
    asked: str,
    path: tuple[str, str],
) -> None:
    emulator, timeline = stepped
    bench = Bench(emulator, account)
    context, handler = bench.context(), handler_of(kind)
    made = handler.create(context, properties)

    def status() -> str:
        return str(getattr(bench.client(service), asked)()[path[0]][0][path[1]])

    assert (status(), status(), handler.settled(context, made.physical_id)) == ("creating", "creating", False)
    timeline.advance(SECONDS[kind].seconds - 1)
    assert (status(), handler.settled(context, made.physical_id)) == ("creating", False)
    timeline.advance(1)
    assert (status(), handler.settled(context, made.physical_id)) == ("available", True)
    changed = {**properties, "BackupRetentionPeriod": 9}
    handler.update(context, made.physical_id, properties, changed)
    assert (status(), handler.settled(context, made.physical_id)) == ("modifying", False)
    timeline.advance(600)
    assert status() == "available"


def test_a_domain_is_processed_for_its_time(stepped: tuple[Emulator, SteppedTimeline], account: str) -> None:
    emulator, timeline = stepped
    bench = Bench(emulator, account)
    handler, context = handler_of("AWS::OpenSearchService::Domain"), bench.context()
    made = handler.create(context, {"EngineVersion": "OpenSearch_2.11"})
    told = bench.client("opensearch").describe_domain(DomainName=made.physical_id)["DomainStatus"]
    assert (told["Processing"], told["DomainProcessingStatus"]) == (True, "Creating")
    assert not handler.settled(context, made.physical_id)
    timeline.advance(SECONDS["AWS::OpenSearchService::Domain"].seconds)
    told = bench.client("opensearch").describe_domain(DomainName=made.physical_id)["DomainStatus"]
    assert (told["Processing"], told["DomainProcessingStatus"]) == (False, "Active")
    assert handler.settled(context, made.physical_id)


def test_a_database_that_is_deleted_while_it_is_made_does_not_settle(bench: Bench) -> None:
    context, handler = bench.context(), handler_of("AWS::RDS::DBCluster")
    cluster = handler.create(context, AURORA).physical_id
    bench.client("rds").delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True)
    with pytest.raises(ResourceError, match="was deleted while it was made"):
        handler.settled(context, cluster)


# What else is kept


def test_a_plan_with_selections_is_kept(bench: Bench) -> None:
    vault = bench.make("AWS::Backup::BackupVault", BackupVaultName="vault").physical_id
    rules = [{"RuleName": "daily", "TargetBackupVault": vault}]
    given = {"BackupPlan": {"BackupPlanName": "plan", "BackupPlanRule": rules}}
    plan = bench.make("AWS::Backup::BackupPlan", **given).physical_id
    selection = {"SelectionName": "all", "IamRoleArn": bench.role(), "Resources": ["*"]}
    made = bench.make("AWS::Backup::BackupSelection", BackupPlanId=plan, BackupSelection=selection)
    assert said(lambda: delete(bench, "AWS::Backup::BackupPlan", plan, **given))[0] == "InvalidRequestException"
    delete(bench, "AWS::Backup::BackupSelection", made.physical_id)
    delete(bench, "AWS::Backup::BackupPlan", plan, **given)


def test_a_repository_with_images_is_kept_unless_the_template_says_otherwise(bench: Bench) -> None:
    ecr = bench.client("ecr")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": f"sha256:{'0' * 64}"}
    image = json.dumps({**manifest, "config": config})
    name = bench.make("AWS::ECR::Repository").physical_id
    ecr.put_image(repositoryName=name, imageManifest=image, imageTag="1")
    assert said(lambda: delete(bench, "AWS::ECR::Repository", name))[0] == "RepositoryNotEmptyException"
    delete(bench, "AWS::ECR::Repository", name, EmptyOnDelete=True)
    assert HANDLERS["AWS::ECR::Repository"].read(bench.context(), name) is None


def test_a_file_system_that_is_mounted_is_kept(bench: Bench) -> None:
    files = bench.make("AWS::EFS::FileSystem").physical_id
    bench.make("AWS::EFS::MountTarget", FileSystemId=files, SubnetId=bench.subnets()[0], SecurityGroups=[])
    assert said(lambda: delete(bench, "AWS::EFS::FileSystem", files))[0] == "FileSystemInUse"


def test_a_function_is_kept_and_not_run(bench: Bench) -> None:
    trust = statement("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    role = bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=trust).attributes["Arn"]
    code = {"Code": {"ZipFile": "def handler(event, context): return 1"}, "Handler": "index.handler"}
    name = bench.make("AWS::Lambda::Function", **code, Runtime="python3.12", Role=role).physical_id
    code_of_refusal, message = said(lambda: bench.client("lambda").invoke(FunctionName=name))
    assert (code_of_refusal, "does not run them" in message) == ("InvalidAction", True)
