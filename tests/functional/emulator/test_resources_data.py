"""Resource types that keep data: buckets, databases, search, tables, file systems, images, backups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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

LIFECYCLE_OF_IMAGES = (
    '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan",'
    '"countNumber":3},"action":{"type":"expire"}}]}'
)


def file_system(bench: Bench) -> str:
    return str(bench.make("AWS::EFS::FileSystem").physical_id)


def plan(bench: Bench, rule: str) -> dict[str, Any]:
    vault = bench.make("AWS::Backup::BackupVault", BackupVaultName=f"vault-{bench.unique()}").physical_id
    return {
        "BackupPlanName": f"plan-{bench.unique()}",
        "BackupPlanRule": [
            {
                "RuleName": rule,
                "TargetBackupVault": vault,
                "ScheduleExpression": "cron(0 5 ? * * *)",
                "StartWindowMinutes": 60,
                "CompletionWindowMinutes": 180,
                "Lifecycle": {"DeleteAfterDays": 30},
                "RecoveryPointTags": {"kind": "backup"},
            }
        ],
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
    Case(
        "AWS::DynamoDB::Table",
        [
            lambda bench: {
                "TableName": f"locks-{bench.unique()}",
                "AttributeDefinitions": [
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "at", "AttributeType": "N"},
                    {"AttributeName": "by", "AttributeType": "S"},
                ],
                "BillingMode": "PAY_PER_REQUEST",
                "DeletionProtectionEnabled": False,
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "by-person",
                        "KeySchema": [{"AttributeName": "by", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ],
                "KeySchema": [
                    {"AttributeName": "id", "KeyType": "HASH"},
                    {"AttributeName": "at", "KeyType": "RANGE"},
                ],
                "LocalSecondaryIndexes": [
                    {
                        "IndexName": "local",
                        "KeySchema": [
                            {"AttributeName": "id", "KeyType": "HASH"},
                            {"AttributeName": "by", "KeyType": "RANGE"},
                        ],
                        "Projection": {"ProjectionType": "KEYS_ONLY"},
                    }
                ],
                "OnDemandThroughput": {"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 50},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "ResourcePolicy": {
                    "PolicyDocument": statement("dynamodb:GetItem", Principal={"AWS": bench.account}, Resource="*")
                },
                "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key_arn(bench)},
                "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
                "TableClass": "STANDARD",
                "Tags": TAGS,
                "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
            },
            lambda bench: {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2},
            },
        ],
        lambda bench, given: {
            **given,
            "GlobalSecondaryIndexes": [],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False},
            "DeletionProtectionEnabled": False,
            "Tags": OTHER_TAGS,
            "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": False},
        },
        shown=lambda given: {
            name: value
            for name, value in given.items()
            if value not in ({"PointInTimeRecoveryEnabled": False}, {"AttributeName": "until", "Enabled": False})
        },
    ),
    Case(
        "AWS::EFS::FileSystem",
        [
            lambda bench: {
                "BackupPolicy": {"Status": "ENABLED"},
                "BypassPolicyLockoutSafetyCheck": True,
                "Encrypted": True,
                "FileSystemPolicy": statement("elasticfilesystem:ClientMount", Principal={"AWS": "*"}, Resource="*"),
                "FileSystemTags": TAGS,
                "KmsKeyId": key_arn(bench),
                "LifecyclePolicies": [{"TransitionToIA": "AFTER_30_DAYS"}],
                "PerformanceMode": "generalPurpose",
                "ProvisionedThroughputInMibps": 64,
                "ThroughputMode": "provisioned",
            },
            lambda bench: {"AvailabilityZoneName": f"{bench.region}a"},
        ],
        lambda bench, given: {
            **{name: value for name, value in given.items() if name != "ProvisionedThroughputInMibps"},
            "BackupPolicy": {"Status": "DISABLED"},
            "FileSystemTags": OTHER_TAGS,
            "LifecyclePolicies": [{"TransitionToIA": "AFTER_7_DAYS"}],
            "ThroughputMode": "elastic",
        },
        without={
            "ReplicationConfiguration.Destinations.*.Status": "replication is refused",
            "ReplicationConfiguration.Destinations.*.StatusMessage": "replication is refused",
        },
    ),
    Case(
        "AWS::EFS::MountTarget",
        [
            lambda bench: {
                "FileSystemId": file_system(bench),
                "IpAddress": "10.0.1.77",
                "SecurityGroups": [bench.group()],
                "SubnetId": bench.subnets()[0],
            }
        ],
        lambda bench, given: {**given, "SecurityGroups": [bench.group()]},
    ),
    Case(
        "AWS::EFS::AccessPoint",
        [
            lambda bench: {
                "AccessPointTags": TAGS,
                "ClientToken": f"token-{bench.unique()}",
                "FileSystemId": file_system(bench),
                "PosixUser": {"Uid": "1000", "Gid": "1000", "SecondaryGids": ["100"]},
                "RootDirectory": {
                    "Path": "/data",
                    "CreationInfo": {"OwnerUid": "1000", "OwnerGid": "1000", "Permissions": "750"},
                },
            }
        ],
        lambda bench, given: {**given, "AccessPointTags": OTHER_TAGS},
    ),
    Case(
        "AWS::ECR::Repository",
        [
            lambda bench: {
                "RepositoryName": f"gen3/fence-{bench.unique()}",
                "EmptyOnDelete": True,
                "EncryptionConfiguration": {"EncryptionType": "KMS", "KmsKey": key_arn(bench)},
                "ImageScanningConfiguration": {"ScanOnPush": True},
                "ImageTagMutability": "IMMUTABLE",
                "LifecyclePolicy": {"LifecyclePolicyText": LIFECYCLE_OF_IMAGES},
                "RepositoryPolicyText": statement("ecr:BatchGetImage", Principal={"AWS": bench.account}),
                "Tags": TAGS,
            }
        ],
        lambda bench, given: {
            **{name: value for name, value in given.items() if name != "LifecyclePolicy"},
            "ImageScanningConfiguration": {"ScanOnPush": False},
            "ImageTagMutability": "MUTABLE",
            "RepositoryPolicyText": statement("ecr:PutImage", Principal={"AWS": bench.account}),
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::OpenSearchService::Domain",
        [
            lambda bench: {
                "DomainName": f"gen3-{bench.unique()}",
                "AccessPolicies": statement("es:*", Principal={"AWS": bench.account}, Resource="*"),
                "AdvancedOptions": {"rest.action.multi.allow_explicit_index": "true"},
                "AdvancedSecurityOptions": {
                    "Enabled": True,
                    "InternalUserDatabaseEnabled": True,
                    "MasterUserOptions": {"MasterUserName": "gen3", "MasterUserPassword": "Not-a-secret-1"},
                },
                "ClusterConfig": {
                    "InstanceCount": 2,
                    "InstanceType": "r6g.large.search",
                    "DedicatedMasterEnabled": False,
                    "ZoneAwarenessEnabled": True,
                    "ZoneAwarenessConfig": {"AvailabilityZoneCount": 2},
                },
                "CognitoOptions": {"Enabled": False},
                "DomainEndpointOptions": {
                    "EnforceHTTPS": True,
                    "TLSSecurityPolicy": "Policy-Min-TLS-1-2-2019-07",
                },
                "EBSOptions": {"EBSEnabled": True, "VolumeSize": 50, "VolumeType": "gp3"},
                "EncryptionAtRestOptions": {"Enabled": True, "KmsKeyId": key_arn(bench)},
                "EngineVersion": "OpenSearch_2.11",
                "IPAddressType": "ipv4",
                "LogPublishingOptions": {
                    "ES_APPLICATION_LOGS": {
                        "CloudWatchLogsLogGroupArn": bench.make("AWS::Logs::LogGroup").attributes["Arn"],
                        "Enabled": True,
                    }
                },
                "NodeToNodeEncryptionOptions": {"Enabled": True},
                "OffPeakWindowOptions": {
                    "Enabled": True,
                    "OffPeakWindow": {"WindowStartTime": {"Hours": 15, "Minutes": 0}},
                },
                "SnapshotOptions": {"AutomatedSnapshotStartHour": 3},
                "SoftwareUpdateOptions": {"AutoSoftwareUpdateEnabled": True},
                "Tags": TAGS,
                "VPCOptions": {"SubnetIds": bench.subnets(), "SecurityGroupIds": [bench.group()]},
            },
            lambda bench: {"EngineVersion": "Elasticsearch_7.10"},
        ],
        lambda bench, given: {
            **given,
            "ClusterConfig": {**given["ClusterConfig"], "InstanceCount": 4},
            "EBSOptions": {"EBSEnabled": True, "VolumeSize": 100, "VolumeType": "gp3"},
            "EngineVersion": "OpenSearch_2.13",
            "SnapshotOptions": {"AutomatedSnapshotStartHour": 5},
            "Tags": OTHER_TAGS,
        },
        without={
            "AdvancedSecurityOptions.AnonymousAuthDisableDate": "anonymous access is never on",
            "DomainEndpoints": "of domains in a network; others have one endpoint",
            "IdentityCenterOptions.IdentityCenterApplicationARN": "Identity Center is refused",
            "IdentityCenterOptions.IdentityStoreId": "Identity Center is refused",
        },
        shown=lambda given: {
            **given,
            **(
                {"AdvancedSecurityOptions": {"Enabled": True, "InternalUserDatabaseEnabled": True}}
                if "AdvancedSecurityOptions" in given
                else {}
            ),
        },
    ),
    Case(
        "AWS::Backup::BackupVault",
        [
            lambda bench: {
                "BackupVaultName": f"vault-{bench.unique()}",
                "AccessPolicy": statement("backup:DeleteRecoveryPoint", Principal={"AWS": bench.account}, Resource="*"),
                "BackupVaultTags": {"team": "data"},
                "EncryptionKeyArn": key_arn(bench),
                "LockConfiguration": {"MinRetentionDays": 7, "MaxRetentionDays": 365},
                "Notifications": {
                    "BackupVaultEvents": ["BACKUP_JOB_FAILED"],
                    "SNSTopicArn": bench.make("AWS::SNS::Topic").physical_id,
                },
            }
        ],
        lambda bench, given: {
            **{name: value for name, value in given.items() if name != "Notifications"},
            "BackupVaultTags": {"owner": "data"},
            "LockConfiguration": {"MinRetentionDays": 14, "MaxRetentionDays": 365},
        },
    ),
    Case(
        "AWS::Backup::BackupPlan",
        [lambda bench: {"BackupPlan": plan(bench, "daily"), "BackupPlanTags": {"team": "data"}}],
        lambda bench, given: {"BackupPlan": plan(bench, "hourly"), "BackupPlanTags": {"owner": "data"}},
    ),
    Case(
        "AWS::Backup::BackupSelection",
        [
            lambda bench: {
                "BackupPlanId": bench.make("AWS::Backup::BackupPlan", BackupPlan=plan(bench, "daily")).physical_id,
                "BackupSelection": {
                    "SelectionName": "databases",
                    "IamRoleArn": bench.role(),
                    "ListOfTags": [
                        {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "yes"}
                    ],
                    "Resources": ["*"],
                },
            }
        ],
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_data(case: Case, check: Callable[[Case, Bench], None], bench: Bench) -> None:
    check(case, bench)
