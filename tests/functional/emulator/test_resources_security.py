"""Resource types that keep secrets and data safe: keys, secrets, trails, detectors, recorders, budgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.emulator.resource_cases import CHECKS, Bench, Case, statement

TAGS = [{"Key": "team", "Value": "data"}]


def key_policy(bench: Bench, **more: Any) -> dict[str, Any]:
    return statement("kms:*", Principal={"AWS": f"arn:aws:iam::{bench.account}:root"}, Resource="*", **more)


def key(bench: Bench) -> str:
    return str(bench.make("AWS::KMS::Key").physical_id)


def secret(bench: Bench) -> str:
    return str(bench.make("AWS::SecretsManager::Secret", SecretString='{"username": "a", "password": "b"}').physical_id)


def bucket(bench: Bench) -> str:
    return str(bench.make("AWS::S3::Bucket").physical_id)


def topic_name(bench: Bench) -> str:
    return str(bench.make("AWS::SNS::Topic").attributes["TopicName"])


def cluster(bench: Bench) -> str:
    given = {"Engine": "aurora-postgresql", "MasterUsername": "gen3", "ManageMasterUserPassword": True}
    return str(bench.make("AWS::RDS::DBCluster", **given, DatabaseName="gen3").physical_id)


def rotator(bench: Bench) -> str:
    trust = statement("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    role = bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=trust).attributes["Arn"]
    code = {"ZipFile": "def handler(event, context): return 1"}
    given = {"Code": code, "Handler": "index.handler", "Runtime": "python3.12", "Role": role}
    return str(bench.make("AWS::Lambda::Function", **given).attributes["Arn"])


def recorded(bench: Bench) -> str:
    """A recorder in the region, which channels and rules need; its name."""
    config = bench.client("config")
    if not config.describe_configuration_recorders()["ConfigurationRecorders"]:
        bench.make("AWS::Config::ConfigurationRecorder", Name="default", RoleARN=bench.role())
    return "default"


def budget(name: str, limit: int) -> dict[str, Any]:
    return {
        "BudgetName": name,
        "BudgetLimit": {"Amount": limit, "Unit": "USD"},
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "CostFilters": {"TagKeyValue": ["user:csoc$gen3"]},
    }


CASES = (
    Case(
        "AWS::KMS::Key",
        [
            lambda bench: {
                "BypassPolicyLockoutSafetyCheck": False,
                "Description": "of data",
                "EnableKeyRotation": True,
                "Enabled": True,
                "KeyPolicy": key_policy(bench),
                "KeySpec": "SYMMETRIC_DEFAULT",
                "KeyUsage": "ENCRYPT_DECRYPT",
                "MultiRegion": False,
                "Origin": "AWS_KMS",
                "PendingWindowInDays": 7,
                "RotationPeriodInDays": 180,
                "Tags": TAGS,
            },
            lambda bench: {"Enabled": "false"},
            lambda bench: {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        ],
        lambda bench, given: {
            **given,
            "Description": "of other data",
            "EnableKeyRotation": False,
            "KeyPolicy": key_policy(bench, Sid="other"),
            "Tags": [{"Key": "owner", "Value": "data"}],
            "PendingWindowInDays": 14,
            "RotationPeriodInDays": "",
        },
    ),
    Case(
        "AWS::KMS::Alias",
        [lambda bench: {"AliasName": f"alias/data-{bench.unique()}", "TargetKeyId": key(bench)}],
        lambda bench, given: {**given, "TargetKeyId": key(bench)},
    ),
    Case(
        "AWS::SecretsManager::Secret",
        [
            lambda bench: {
                "Name": f"csoc/env/{bench.unique()}",
                "Description": "of the database",
                "KmsKeyId": key(bench),
                "SecretString": "not-a-secret",
                "ReplicaRegions": [{"Region": "us-east-1"}],
                "Tags": TAGS,
            },
            lambda bench: {
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"username": "gen3"}',
                    "GenerateStringKey": "password",
                    "PasswordLength": "40",
                    "ExcludePunctuation": True,
                }
            },
        ],
        lambda bench, given: {
            **given,
            "Description": "of another database",
            "KmsKeyId": key(bench),
            "ReplicaRegions": [{"Region": "us-west-2"}],
            "Tags": [{"Key": "owner", "Value": "data"}],
        },
    ),
    Case(
        "AWS::SecretsManager::ResourcePolicy",
        [
            lambda bench: {
                "SecretId": secret(bench),
                "ResourcePolicy": statement("secretsmanager:*", Principal={"AWS": bench.account}, Resource="*"),
                "BlockPublicPolicy": True,
            }
        ],
        lambda bench, given: {
            **given,
            "ResourcePolicy": statement("secretsmanager:Get*", Principal={"AWS": bench.account}, Resource="*"),
        },
    ),
    Case(
        "AWS::SecretsManager::SecretTargetAttachment",
        [lambda bench: {"SecretId": secret(bench), "TargetId": cluster(bench), "TargetType": "AWS::RDS::DBCluster"}],
        lambda bench, given: {**given, "TargetId": cluster(bench)},
    ),
    Case(
        "AWS::SecretsManager::RotationSchedule",
        [
            lambda bench: {
                "SecretId": secret(bench),
                "RotateImmediatelyOnUpdate": False,
                "RotationLambdaARN": rotator(bench),
                "RotationRules": {"AutomaticallyAfterDays": 30},
            }
        ],
        lambda bench, given: {**given, "RotationRules": {"AutomaticallyAfterDays": 60}},
    ),
    Case(
        "AWS::CloudTrail::Trail",
        [
            lambda bench: {
                "TrailName": f"all-{bench.unique()}",
                "CloudWatchLogsLogGroupArn": bench.make("AWS::Logs::LogGroup").attributes["Arn"],
                "CloudWatchLogsRoleArn": bench.role(),
                "EnableLogFileValidation": True,
                "EventSelectors": [
                    {
                        "ReadWriteType": "All",
                        "IncludeManagementEvents": True,
                        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::data/"]}],
                    }
                ],
                "IncludeGlobalServiceEvents": True,
                "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}],
                "IsLogging": True,
                "IsMultiRegionTrail": True,
                "IsOrganizationTrail": False,
                "KMSKeyId": bench.make("AWS::KMS::Key").attributes["Arn"],
                "S3BucketName": bucket(bench),
                "S3KeyPrefix": "trail",
                "SnsTopicName": topic_name(bench),
                "Tags": TAGS,
            },
            lambda bench: {
                "AdvancedEventSelectors": [
                    {"Name": "all", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
                ],
                "IsLogging": False,
                "S3BucketName": bucket(bench),
            },
        ],
        lambda bench, given: {
            **given,
            "EnableLogFileValidation": False,
            "IsLogging": False,
            "S3BucketName": bucket(bench),
            "Tags": [{"Key": "owner", "Value": "data"}],
        },
    ),
    Case(
        "AWS::GuardDuty::Detector",
        [
            lambda bench: {
                "DataSources": {"S3Logs": {"Enable": True}},
                "Enable": True,
                "FindingPublishingFrequency": "ONE_HOUR",
                "Tags": TAGS,
            },
            lambda bench: {
                "Enable": True,
                "Features": [{"Name": "EKS_AUDIT_LOGS", "Status": "ENABLED"}],
            },
        ],
        lambda bench, given: {
            **given,
            "Enable": False,
            "FindingPublishingFrequency": "SIX_HOURS",
            "Tags": [{"Key": "owner", "Value": "data"}],
        },
    ),
    Case(
        "AWS::Config::ConfigurationRecorder",
        [
            lambda bench: {
                "Name": "default",
                "RecordingGroup": {"AllSupported": True, "IncludeGlobalResourceTypes": True},
                "RecordingMode": {"RecordingFrequency": "DAILY"},
                "RoleARN": bench.role(),
            }
        ],
        lambda bench, given: {
            **given,
            "RecordingGroup": {"AllSupported": False, "ResourceTypes": ["AWS::S3::Bucket"]},
            "RecordingMode": {"RecordingFrequency": "CONTINUOUS"},
        },
    ),
    Case(
        "AWS::Config::DeliveryChannel",
        [
            lambda bench: {
                "Name": recorded(bench),
                "ConfigSnapshotDeliveryProperties": {"DeliveryFrequency": "TwentyFour_Hours"},
                "S3BucketName": bucket(bench),
                "S3KeyPrefix": "config",
                "S3KmsKeyArn": bench.make("AWS::KMS::Key").attributes["Arn"],
                "SnsTopicARN": bench.make("AWS::SNS::Topic").physical_id,
            }
        ],
        lambda bench, given: {
            **given,
            "ConfigSnapshotDeliveryProperties": {"DeliveryFrequency": "One_Hour"},
        },
    ),
    Case(
        "AWS::Config::ConfigRule",
        [
            lambda bench: {
                "ConfigRuleName": (recorded(bench), f"closed-{bench.unique()}")[1],
                "Description": "buckets are closed",
                "EvaluationModes": [{"Mode": "DETECTIVE"}],
                "InputParameters": {"tag1Key": "team"},
                "MaximumExecutionFrequency": "One_Hour",
                "Scope": {"ComplianceResourceTypes": ["AWS::S3::Bucket"]},
                "Source": {"Owner": "AWS", "SourceIdentifier": "REQUIRED_TAGS"},
            }
        ],
        lambda bench, given: {**given, "Description": "buckets are tagged", "InputParameters": {"tag1Key": "owner"}},
    ),
    Case(
        "AWS::Budgets::Budget",
        [
            lambda bench: {
                "Budget": budget(f"month-{bench.unique()}", 100),
                "NotificationsWithSubscribers": [
                    {
                        "Notification": {
                            "ComparisonOperator": "GREATER_THAN",
                            "NotificationType": "ACTUAL",
                            "Threshold": 80,
                            "ThresholdType": "PERCENTAGE",
                        },
                        "Subscribers": [{"Address": "ops@example.org", "SubscriptionType": "EMAIL"}],
                    }
                ],
                "ResourceTags": TAGS,
            }
        ],
        lambda bench, given: {
            **given,
            "Budget": budget(given["Budget"]["BudgetName"], 200),
            "ResourceTags": [{"Key": "owner", "Value": "data"}],
        },
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_security(case: Case, check: Callable[[Case, Bench], None], bench: Bench) -> None:
    check(case, bench)
