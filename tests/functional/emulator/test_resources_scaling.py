"""Resource types that stand beside others: scaling of databases, layers and aliases of functions, filters, archives."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.functional.emulator.resource_cases import CHECKS, Bench, Case
from tests.functional.emulator.test_resources_messaging import OTHER_TAGS, TAGS, function, queue_arn

READERS = "rds:cluster:ReadReplicaCount"


def cluster_name(bench: Bench) -> str:
    """A cluster of a database, as Application Auto Scaling names it."""
    given = {"Engine": "aurora-postgresql", "MasterUsername": "gen3", "ManageMasterUserPassword": True}
    return f"cluster:{bench.make('AWS::RDS::DBCluster', **given).physical_id}"


def target(bench: Bench) -> str:
    given = {"MaxCapacity": 4, "MinCapacity": 1, "ScalableDimension": READERS, "ServiceNamespace": "rds"}
    made = bench.make("AWS::ApplicationAutoScaling::ScalableTarget", **given, ResourceId=cluster_name(bench))
    return str(made.physical_id)


def archive_of_layer(bench: Bench) -> dict[str, str]:
    """The address of an archive in a bucket."""
    name = str(bench.make("AWS::S3::Bucket").physical_id)
    bench.client("s3").put_object(Bucket=name, Key="layer.zip", Body=b"PK\x05\x06" + bytes(18))
    return {"S3Bucket": name, "S3Key": "layer.zip"}


def version(bench: Bench) -> dict[str, object]:
    name = function(bench)
    digest = bench.client("lambda").get_function_configuration(FunctionName=name)["CodeSha256"]
    return {"CodeSha256": digest, "Description": "first", "FunctionName": name}


def changes_of_table(bench: Bench) -> str:
    """The ARN of a table's stream."""
    made = bench.make(
        "AWS::DynamoDB::Table",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
    )
    return str(made.attributes["StreamArn"])


def function_arn(bench: Bench) -> str:
    return f"arn:aws:lambda:{bench.region}:{bench.account}:function:{function(bench)}"


def detector(bench: Bench) -> str:
    """The detector of the account, of which there is one."""
    known = bench.client("guardduty").list_detectors()["DetectorIds"]
    return str(known[0] if known else bench.make("AWS::GuardDuty::Detector", Enable=True).physical_id)


def bus(bench: Bench) -> str:
    return str(bench.make("AWS::Events::EventBus", Name=f"bus-{bench.unique()}").physical_id)


def bus_arn(bench: Bench) -> str:
    return str(bench.make("AWS::Events::EventBus", Name=f"bus-{bench.unique()}").attributes["Arn"])


def sending(bench: Bench, action: str, name: str) -> dict[str, object]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Principal": {"AWS": f"arn:aws:iam::{bench.account}:root"},
        "Resource": f"arn:aws:events:{bench.region}:{bench.account}:event-bus/{name}",
    }


def bus_policy(bench: Bench) -> dict[str, object]:
    name = bus(bench)
    return {"EventBusName": name, "Statement": sending(bench, "events:PutEvents", name), "StatementId": "members"}


def registry_policy(bench: Bench, action: str = "ecr:ReplicateImage") -> dict[str, object]:
    principal = {"AWS": f"arn:aws:iam::{bench.account}:root"}
    where = f"arn:aws:ecr:{bench.region}:{bench.account}:repository/*"
    found = {"Sid": "copies", "Effect": "Allow", "Principal": principal, "Action": action, "Resource": where}
    return {"Version": "2012-10-17", "Statement": [found]}


def copies_to(bench: Bench, region: str) -> dict[str, object]:
    return {"Rules": [{"Destinations": [{"Region": region, "RegistryId": bench.account}]}]}


CASES = (
    Case(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        [
            lambda bench: {
                "MaxCapacity": 4,
                "MinCapacity": 1,
                "ResourceId": cluster_name(bench),
                "RoleARN": f"arn:aws:iam::{bench.account}:role/scaling",
                "ScalableDimension": READERS,
                "ServiceNamespace": "rds",
                "SuspendedState": {
                    "DynamicScalingInSuspended": True,
                    "DynamicScalingOutSuspended": False,
                    "ScheduledScalingSuspended": False,
                },
                "Tags": TAGS,
            }
        ],
        lambda bench, given: {
            **{name: value for name, value in given.items() if name != "SuspendedState"},
            "MaxCapacity": 8,
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        [
            lambda bench: {
                "PolicyName": "busy",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": target(bench),
                "TargetTrackingScalingPolicyConfiguration": {
                    "PredefinedMetricSpecification": {"PredefinedMetricType": "RDSReaderAverageCPUUtilization"},
                    "ScaleInCooldown": 300,
                    "TargetValue": 60,
                },
            },
            lambda bench: {
                "PolicyName": "steps",
                "PolicyType": "StepScaling",
                **dict(
                    zip(("ResourceId", "ScalableDimension", "ServiceNamespace"), target(bench).split("|"), strict=True)
                ),
                "StepScalingPolicyConfiguration": {
                    "AdjustmentType": "ChangeInCapacity",
                    "Cooldown": 60,
                    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
                },
            },
        ],
        lambda bench, given: {
            **given,
            "TargetTrackingScalingPolicyConfiguration": {
                "PredefinedMetricSpecification": {"PredefinedMetricType": "RDSReaderAverageCPUUtilization"},
                "TargetValue": 80,
            },
        },
    ),
    Case(
        "AWS::Lambda::LayerVersion",
        [
            lambda bench: {
                "CompatibleArchitectures": ["x86_64"],
                "CompatibleRuntimes": ["python3.12"],
                "Content": archive_of_layer(bench),
                "Description": "what functions share",
                "LayerName": f"shared-{bench.unique()}",
                "LicenseInfo": "Apache-2.0",
            }
        ],
    ),
    Case(
        "AWS::Lambda::Version",
        [version],
    ),
    Case(
        "AWS::Lambda::Alias",
        [
            lambda bench: {
                "Description": "what is called",
                "FunctionName": function(bench),
                "FunctionVersion": "$LATEST",
                "Name": "live",
            }
        ],
        lambda bench, given: {**given, "Description": "what was called"},
    ),
    Case(
        "AWS::Lambda::EventSourceMapping",
        [
            lambda bench: {
                "BatchSize": 5,
                "DestinationConfig": {"OnFailure": {"Destination": queue_arn(bench)}},
                "Enabled": True,
                "EventSourceArn": queue_arn(bench),
                "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["upload"]}})}]},
                "FunctionName": function_arn(bench),
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "MaximumBatchingWindowInSeconds": 10,
                "ScalingConfig": {"MaximumConcurrency": 5},
                "Tags": TAGS,
            },
            lambda bench: {
                "BisectBatchOnFunctionError": True,
                "EventSourceArn": changes_of_table(bench),
                "FunctionName": function_arn(bench),
                "MaximumRecordAgeInSeconds": 120,
                "MaximumRetryAttempts": 3,
                "ParallelizationFactor": 2,
                "StartingPosition": "LATEST",
                "TumblingWindowInSeconds": 30,
            },
        ],
        lambda bench, given: {**given, "BatchSize": 7, "Enabled": False, "MaximumBatchingWindowInSeconds": 20},
    ),
    Case(
        "AWS::Events::EventBusPolicy",
        [bus_policy],
        lambda bench, given: {**given, "Statement": sending(bench, "events:PutRule", given["EventBusName"])},
    ),
    Case(
        "AWS::Events::Archive",
        [
            lambda bench: {
                "ArchiveName": f"kept-{bench.unique()}",
                "Description": "what was sent",
                "EventPattern": {"source": ["aws.guardduty"]},
                "RetentionDays": 30,
                "SourceArn": bus_arn(bench),
            }
        ],
        lambda bench, given: {**given, "Description": "what was kept", "RetentionDays": 60},
    ),
    Case(
        "AWS::ECR::RegistryPolicy",
        [lambda bench: {"PolicyText": registry_policy(bench)}],
        lambda bench, given: {"PolicyText": registry_policy(bench, "ecr:CreateRepository")},
    ),
    Case(
        "AWS::ECR::ReplicationConfiguration",
        [lambda bench: {"ReplicationConfiguration": copies_to(bench, "ap-southeast-4")}],
        lambda bench, given: {"ReplicationConfiguration": copies_to(bench, "us-west-2")},
    ),
    Case(
        "AWS::GuardDuty::Filter",
        [
            lambda bench: {
                "Action": "ARCHIVE",
                "Description": "what is known",
                "DetectorId": detector(bench),
                "FindingCriteria": {"Criterion": {"type": {"Eq": ["Recon:EC2/Portscan"]}}},
                "Name": "known",
                "Rank": 1,
            }
        ],
        lambda bench, given: {**given, "Action": "NOOP", "Rank": 2},
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_that_stand_beside_others(case: Case, check: Callable[[Case, Bench], None], bench: Bench) -> None:
    check(case, bench)
