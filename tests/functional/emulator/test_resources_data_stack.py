"""A stack of data through the whole engine: made, in sync, without a secret in its events, deleted with a snapshot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.functional.emulator.conftest import Owner

_FAST = {"Delay": 1, "MaxAttempts": 120}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}}],
}
_GENERATED = {"SecretStringTemplate": '{"username":"gen3"}', "GenerateStringKey": "password"}


def subnet(number: int, zone: str) -> dict[str, Any]:
    place = {"AvailabilityZone": f"ap-southeast-2{zone}", "CidrBlock": f"10.0.{number}.0/24"}
    return {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Network"}, **place}}


TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True, "PendingWindowInDays": 7}},
        "Network": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "One": subnet(1, "a"),
        "Two": subnet(2, "b"),
        "Group": {
            "Type": "AWS::RDS::DBSubnetGroup",
            "Properties": {"DBSubnetGroupDescription": "of data", "SubnetIds": [{"Ref": "One"}, {"Ref": "Two"}]},
        },
        "Database": {
            "Type": "AWS::RDS::DBCluster",
            "DeletionPolicy": "Snapshot",
            "Properties": {
                "Engine": "aurora-postgresql",
                "MasterUsername": "gen3",
                "ManageMasterUserPassword": True,
                "DBSubnetGroupName": {"Ref": "Group"},
                "StorageEncrypted": True,
                "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
                "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4},
            },
        },
        "Writer": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "Engine": "aurora-postgresql",
                "DBClusterIdentifier": {"Ref": "Database"},
                "DBInstanceClass": "db.serverless",
            },
        },
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": _GENERATED}},
        "Attachment": {
            "Type": "AWS::SecretsManager::SecretTargetAttachment",
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "TargetId": {"Ref": "Database"},
                "TargetType": "AWS::RDS::DBCluster",
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": _TRUST,
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/SecurityAudit"],
            },
        },
        "Reads": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"PolicyName": "reads", "Roles": [{"Ref": "Role"}], "PolicyDocument": _READ},
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Search": {"Type": "AWS::OpenSearchService::Domain", "Properties": {"EngineVersion": "OpenSearch_2.11"}},
    },
    "Outputs": {
        "Host": {"Value": {"Fn::GetAtt": ["Database", "Endpoint.Address"]}},
        "Master": {"Value": {"Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"]}},
        "Secret": {"Value": {"Ref": "Secret"}},
    },
}


@pytest.fixture
def made(owner: Owner) -> dict[str, str]:
    """The outputs of the stack, which is complete."""
    stacks = owner.client("cloudformation")
    stacks.create_stack(StackName="data", TemplateBody=json.dumps(TEMPLATE), Capabilities=["CAPABILITY_IAM"])
    stacks.get_waiter("stack_create_complete").wait(StackName="data", WaiterConfig=_FAST)
    told = stacks.describe_stacks(StackName="data")["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in told}


def test_a_stack_of_data_is_in_sync_and_holds_no_secret(owner: Owner, made: dict[str, str]) -> None:
    stacks, secrets = owner.client("cloudformation"), owner.client("secretsmanager")
    drifts = [
        stacks.detect_stack_resource_drift(StackName="data", LogicalResourceId=name)["StackResourceDrift"]
        for name in TEMPLATE["Resources"]
    ]
    apart = {
        drift["LogicalResourceId"]: drift.get("PropertyDifferences")
        for drift in drifts
        if drift["StackResourceDriftStatus"] not in ("IN_SYNC", "NOT_CHECKED")
    }
    assert apart == {}
    values = [
        json.loads(secrets.get_secret_value(SecretId=made[name])["SecretString"]) for name in ("Secret", "Master")
    ]
    assert values[0]["host"] == made["Host"]
    told = repr(
        (stacks.describe_stack_events(StackName="data"), stacks.describe_stack_resources(StackName="data"), made)
    )
    assert not any(value["password"] in told for value in values)


def test_a_stack_of_data_leaves_a_snapshot_and_nothing_else(owner: Owner, made: dict[str, str]) -> None:
    stacks, rds = owner.client("cloudformation"), owner.client("rds")
    stacks.delete_stack(StackName="data")
    stacks.get_waiter("stack_delete_complete").wait(StackName="data", WaiterConfig=_FAST)
    kept = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert [found["DBClusterSnapshotIdentifier"].rsplit("-", 1)[0] for found in kept] == ["data-snapshot-database"]
    assert rds.describe_db_clusters()["DBClusters"] == []
    assert owner.client("s3").list_buckets()["Buckets"] == []
    assert owner.client("opensearch").list_domain_names()["DomainNames"] == []
