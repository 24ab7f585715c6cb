"""Resource types that keep data: buckets, databases, search, tables, file systems, images, backups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from csoc.emulator.running import Emulator
from tests.functional.emulator.resource_cases import CHECKS, Bench, Case, statement

TAGS = [{"Key": "team", "Value": "data"}]
OTHER_TAGS = [{"Key": "owner", "Value": "data"}]


def bucket(bench: Bench, **properties: Any) -> str:
    return str(bench.make("AWS::S3::Bucket", **properties).physical_id)


def key_arn(bench: Bench) -> str:
    return str(bench.make("AWS::KMS::Key").attributes["Arn"])


def notified(bench: Bench) -> str:
    return str(bench.make("AWS::SQS::Queue").attributes["Arn"])


LIFECYCLE = {
    "Rules": [
        {
            "Id": "old",
            "Status": "Enabled",
            "Prefix": "logs/",
            "TagFilters": [{"Key": "kind", "Value": "log"}],
            "ExpirationInDays": 90,
            "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 14},
            "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 7}],
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
        },
        {"Id": "all", "Status": "Disabled", "ExpirationInDays": 365},
    ]
}


CASES = (
    Case(
        "AWS::S3::Bucket",
        [
            lambda bench: {
                "BucketName": f"gen3-data-{bench.account}-{bench.unique()}",
                "AccelerateConfiguration": {"AccelerationStatus": "Enabled"},
                "AccessControl": "Private",
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": key_arn(bench),
                            },
                        }
                    ]
                },
                "CorsConfiguration": {
                    "CorsRules": [
                        {
                            "AllowedHeaders": ["*"],
                            "AllowedMethods": ["GET"],
                            "AllowedOrigins": ["https://gen3.example.org"],
                            "ExposedHeaders": ["ETag"],
                            "Id": "portal",
                            "MaxAge": 3000,
                        }
                    ]
                },
                "IntelligentTieringConfigurations": [
                    {
                        "Id": "cold",
                        "Prefix": "data/",
                        "Status": "Enabled",
                        "TagFilters": [{"Key": "kind", "Value": "raw"}],
                        "Tierings": [{"AccessTier": "ARCHIVE_ACCESS", "Days": 90}],
                    }
                ],
                "LifecycleConfiguration": LIFECYCLE,
                "LoggingConfiguration": {
                    "DestinationBucketName": bucket(bench, AccessControl="LogDeliveryWrite"),
                    "LogFilePrefix": "data/",
                },
                "NotificationConfiguration": {
                    "QueueConfigurations": [
                        {
                            "Event": "s3:ObjectCreated:*",
                            "Queue": notified(bench),
                            "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}},
                        }
                    ],
                    "EventBridgeConfiguration": {"EventBridgeEnabled": True},
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": False,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "Tags": TAGS,
                "VersioningConfiguration": {"Status": "Enabled"},
                "WebsiteConfiguration": {"IndexDocument": "index.html", "ErrorDocument": "error.html"},
            },
            lambda bench: {
                "ObjectLockEnabled": True,
                "ObjectLockConfiguration": {
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": {"Days": 30, "Mode": "GOVERNANCE"}},
                },
            },
        ],
        lambda bench, given: {
            **{name: value for name, value in given.items() if name != "CorsConfiguration"},
            "AccelerateConfiguration": {"AccelerationStatus": "Suspended"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "IntelligentTieringConfigurations": [],
            "LifecycleConfiguration": {"Rules": [{"Id": "all", "Status": "Enabled", "ExpirationInDays": 30}]},
            "Tags": OTHER_TAGS,
            "VersioningConfiguration": {"Status": "Suspended"},
        },
        without={
            "MetadataTableConfiguration.S3TablesDestination.TableNamespace": "metadata tables are refused",
            "MetadataTableConfiguration.S3TablesDestination.TableArn": "metadata tables are refused",
            "MetadataConfiguration.Destination": "metadata tables are refused",
            "MetadataConfiguration.JournalTableConfiguration.TableName": "metadata tables are refused",
            "MetadataConfiguration.JournalTableConfiguration.TableArn": "metadata tables are refused",
            "MetadataConfiguration.InventoryTableConfiguration.TableName": "metadata tables are refused",
            "MetadataConfiguration.InventoryTableConfiguration.TableArn": "metadata tables are refused",
            "MetadataConfiguration.AnnotationTableConfiguration.TableName": "metadata tables are refused",
            "MetadataConfiguration.AnnotationTableConfiguration.TableArn": "metadata tables are refused",
        },
    ),
    Case(
        "AWS::S3::BucketPolicy",
        [
            lambda bench: {
                "Bucket": (name := bucket(bench)),
                "PolicyDocument": statement(
                    "s3:GetObject", Principal={"AWS": bench.account}, Resource=f"arn:aws:s3:::{name}/*"
                ),
            }
        ],
        lambda bench, given: {
            **given,
            "PolicyDocument": statement(
                "s3:PutObject", Principal={"AWS": bench.account}, Resource=f"arn:aws:s3:::{given['Bucket']}/*"
            ),
        },
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_data(case: Case, check: Callable[[Case, Bench], None], emulator: Emulator, account: str) -> None:
    check(case, Bench(emulator, account))
