"""Resource types of RDS: clusters, instances, and what they stand in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.emulator.resource_cases import CHECKS, Bench, Case

TAGS = [{"Key": "team", "Value": "data"}]
OTHER_TAGS = [{"Key": "owner", "Value": "data"}]


def key_arn(bench: Bench) -> str:
    return str(bench.make("AWS::KMS::Key").attributes["Arn"])


def subnet_group(bench: Bench) -> str:
    made = bench.make("AWS::RDS::DBSubnetGroup", DBSubnetGroupDescription="of data", SubnetIds=bench.subnets())
    return str(made.physical_id)


def aurora(bench: Bench, **properties: Any) -> str:
    given = {"Engine": "aurora-postgresql", "MasterUsername": "gen3", "ManageMasterUserPassword": True, **properties}
    return str(bench.make("AWS::RDS::DBCluster", **given).physical_id)


def snapshot_of(bench: Bench) -> str:
    name = f"kept-{bench.unique()}"
    bench.client("rds").create_db_cluster_snapshot(DBClusterIdentifier=aurora(bench), DBClusterSnapshotIdentifier=name)
    return name


def postgres(bench: Bench, **properties: Any) -> str:
    given = {"Engine": "postgres", "DBInstanceClass": "db.t4g.small", "AllocatedStorage": "20"}
    login = {"MasterUsername": "gen3", "MasterUserPassword": "not-a-secret"}
    return str(bench.make("AWS::RDS::DBInstance", **given, **login, **properties).physical_id)


def instance_snapshot_of(bench: Bench) -> str:
    name = f"kept-{bench.unique()}"
    bench.client("rds").create_db_snapshot(DBInstanceIdentifier=postgres(bench), DBSnapshotIdentifier=name)
    return name


DATABASES = (
    Case(
        "AWS::RDS::DBCluster",
        [
            lambda bench: {
                "DBClusterIdentifier": f"gen3-{bench.unique()}",
                "AutoMinorVersionUpgrade": False,
                "AvailabilityZones": [f"{bench.region}a", f"{bench.region}b"],
                "BackupRetentionPeriod": 7,
                "CopyTagsToSnapshot": True,
                "DatabaseInsightsMode": "standard",
                "DatabaseName": "gen3",
                "DBClusterParameterGroupName": bench.make(
                    "AWS::RDS::DBClusterParameterGroup",
                    Description="of data",
                    Family="aurora-postgresql16",
                    Parameters={"rds.force_ssl": 1},
                ).physical_id,
                "DBSubnetGroupName": subnet_group(bench),
                "DeleteAutomatedBackups": True,
                "DeletionProtection": False,
                "EnableCloudwatchLogsExports": ["postgresql"],
                "EnableHttpEndpoint": True,
                "EnableIAMDatabaseAuthentication": True,
                "Engine": "aurora-postgresql",
                "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
                "EngineMode": "provisioned",
                "EngineVersion": "16.4",
                "KmsKeyId": (key := key_arn(bench)),
                "ManageMasterUserPassword": True,
                "MasterUsername": "gen3",
                "MasterUserSecret": {"KmsKeyId": key},
                "MonitoringInterval": 60,
                "MonitoringRoleArn": bench.role(),
                "NetworkType": "IPV4",
                "PerformanceInsightsEnabled": True,
                "PerformanceInsightsKmsKeyId": key,
                "PerformanceInsightsRetentionPeriod": 7,
                "Port": 5433,
                "PreferredBackupWindow": "16:00-16:30",
                "PreferredMaintenanceWindow": "sun:17:00-sun:17:30",
                "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 8},
                "StorageEncrypted": True,
                "StorageType": "aurora-iopt1",
                "Tags": TAGS,
                "VpcSecurityGroupIds": [bench.group()],
            },
            lambda bench: {
                "Engine": "aurora-postgresql",
                "MasterUsername": "gen3",
                "MasterUserPassword": "not-a-secret",
                "GlobalClusterIdentifier": bench.make(
                    "AWS::RDS::GlobalCluster", Engine="aurora-postgresql"
                ).physical_id,
            },
            lambda bench: {"Engine": "aurora-postgresql", "SnapshotIdentifier": snapshot_of(bench)},
        ],
        lambda bench, given: {
            **given,
            "BackupRetentionPeriod": 14,
            "DeletionProtection": False,
            "EnableCloudwatchLogsExports": [],
            "MonitoringInterval": 30,
            "PerformanceInsightsEnabled": False,
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 1, "MaxCapacity": 16},
            "Tags": OTHER_TAGS,
            "VpcSecurityGroupIds": [bench.group()],
        },
        without={"StorageThroughput": "Aurora has none"},
    ),
    Case(
        "AWS::RDS::DBInstance",
        [
            lambda bench: {
                "DBInstanceIdentifier": f"gen3-{bench.unique()}",
                "AllocatedStorage": "100",
                "AllowMajorVersionUpgrade": False,
                "AutoMinorVersionUpgrade": True,
                "AvailabilityZone": f"{bench.region}b",
                "BackupRetentionPeriod": 7,
                "CACertificateIdentifier": "rds-ca-rsa2048-g1",
                "CopyTagsToSnapshot": True,
                "DBInstanceClass": "db.m6g.large",
                "DBName": "gen3",
                "DBParameterGroupName": bench.make(
                    "AWS::RDS::DBParameterGroup", Description="of data", Family="postgres16"
                ).physical_id,
                "DBSubnetGroupName": subnet_group(bench),
                "DatabaseInsightsMode": "standard",
                "DeleteAutomatedBackups": True,
                "DeletionProtection": False,
                "EnableCloudwatchLogsExports": ["postgresql"],
                "EnableIAMDatabaseAuthentication": True,
                "EnablePerformanceInsights": True,
                "Engine": "postgres",
                "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
                "EngineVersion": "16.4",
                "Iops": 3000,
                "KmsKeyId": (key := key_arn(bench)),
                "LicenseModel": "postgresql-license",
                "ManageMasterUserPassword": True,
                "MasterUsername": "gen3",
                "MasterUserSecret": {"KmsKeyId": key},
                "MaxAllocatedStorage": 200,
                "MonitoringInterval": 60,
                "MonitoringRoleArn": bench.role(),
                "MultiAZ": False,
                "NetworkType": "IPV4",
                "PerformanceInsightsKMSKeyId": key,
                "PerformanceInsightsRetentionPeriod": 7,
                "Port": "5433",
                "PreferredBackupWindow": "16:00-16:30",
                "PreferredMaintenanceWindow": "sun:17:00-sun:17:30",
                "PubliclyAccessible": False,
                "StorageEncrypted": True,
                "StorageThroughput": 125,
                "StorageType": "gp3",
                "Tags": TAGS,
                "VPCSecurityGroups": [bench.group()],
            },
            lambda bench: {
                "DBClusterIdentifier": aurora(bench),
                "DBInstanceClass": "db.serverless",
                "Engine": "aurora-postgresql",
                "PromotionTier": 1,
                "PubliclyAccessible": False,
            },
            lambda bench: {
                "DBInstanceClass": "db.t4g.small",
                "AllocatedStorage": "20",
                "Engine": "postgres",
                "MasterUsername": "gen3",
                "MasterUserPassword": "not-a-secret",
            },
            lambda bench: {"DBInstanceClass": "db.t4g.small", "DBSnapshotIdentifier": instance_snapshot_of(bench)},
        ],
        lambda bench, given: {
            **given,
            "AllocatedStorage": "200",
            "BackupRetentionPeriod": 14,
            "DBInstanceClass": "db.m6g.xlarge",
            "EnablePerformanceInsights": False,
            "MonitoringInterval": 30,
            "Tags": OTHER_TAGS,
            "VPCSecurityGroups": [bench.group()],
        },
        without={
            "AdditionalStorageVolumes.*.StorageOperationStatus": "volumes besides the first are refused",
            "AdditionalStorageVolumes.*.StorageOperationPercentProgress": "volumes besides the first are refused",
            "AutomaticRestartTime": "of a stopped instance only",
            "IsStorageConfigUpgradeAvailable": "the emulated service has no old storage",
            "LatestRestorableTime": "there is none before the first backup",
            "ListenerEndpoint.Address": "of SQL Server only",
            "ListenerEndpoint.Port": "of SQL Server only",
            "ListenerEndpoint.HostedZoneId": "of SQL Server only",
            "PercentProgress": "of storage that is converted only",
            "ReadReplicaDBClusterIdentifiers": "replicas are refused",
            "ReadReplicaDBInstanceIdentifiers": "replicas are refused",
            "ResumeFullAutomationModeTime": "of RDS Custom only",
            "SecondaryAvailabilityZone": "the emulated service puts nothing in a second zone",
            "StatusInfos": "of replicas only",
            "StorageOperationStatus": "of storage that is converted only",
            "StorageOperationPercentProgress": "of storage that is converted only",
        },
    ),
    Case(
        "AWS::RDS::DBSubnetGroup",
        [
            lambda bench: {
                "DBSubnetGroupName": f"data-{bench.unique()}",
                "DBSubnetGroupDescription": "of data",
                "SubnetIds": bench.subnets(),
                "Tags": TAGS,
            }
        ],
        lambda bench, given: {
            **given,
            "DBSubnetGroupDescription": "of other data",
            "SubnetIds": bench.subnets(),
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::RDS::DBClusterParameterGroup",
        [
            lambda bench: {
                "DBClusterParameterGroupName": f"data-{bench.unique()}",
                "Description": "of data",
                "Family": "aurora-postgresql16",
                "Parameters": {"rds.force_ssl": 1, "log_statement": "ddl"},
                "Tags": TAGS,
            }
        ],
        lambda bench, given: {**given, "Parameters": {"rds.force_ssl": 0}, "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::RDS::DBParameterGroup",
        [
            lambda bench: {
                "DBParameterGroupName": f"data-{bench.unique()}",
                "Description": "of data",
                "Family": "postgres16",
                "Parameters": {"log_statement": "ddl"},
                "Tags": TAGS,
            }
        ],
        lambda bench, given: {**given, "Parameters": {"log_min_duration_statement": 500}, "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::RDS::EventSubscription",
        [
            lambda bench: {
                "SubscriptionName": f"data-{bench.unique()}",
                "Enabled": True,
                "EventCategories": ["failure"],
                "SnsTopicArn": bench.make("AWS::SNS::Topic").physical_id,
                "SourceIds": [aurora(bench)],
                "SourceType": "db-cluster",
                "Tags": TAGS,
            }
        ],
        lambda bench, given: {
            **given,
            "Enabled": False,
            "EventCategories": ["failover"],
            "SourceIds": [aurora(bench)],
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::RDS::GlobalCluster",
        [
            lambda bench: {
                "GlobalClusterIdentifier": f"world-{bench.unique()}",
                "DeletionProtection": False,
                "Engine": "aurora-postgresql",
                "EngineLifecycleSupport": "open-source-rds-extended-support",
                "EngineVersion": "16.4",
                "StorageEncrypted": True,
                "Tags": TAGS,
            },
            lambda bench: {
                "SourceDBClusterIdentifier": bench.client("rds").describe_db_clusters(
                    DBClusterIdentifier=aurora(bench)
                )["DBClusters"][0]["DBClusterArn"]
            },
        ],
        lambda bench, given: {**given, "EngineVersion": "16.6"},
    ),
    Case(
        "AWS::RDS::DBProxy",
        [
            lambda bench: {
                "DBProxyName": f"proxy-{bench.unique()}",
                "Auth": [{"AuthScheme": "SECRETS", "IAMAuth": "REQUIRED", "SecretArn": "arn:aws:secretsmanager:a:1:s"}],
                "DebugLogging": True,
                "EngineFamily": "POSTGRESQL",
                "IdleClientTimeout": 900,
                "RequireTLS": True,
                "RoleArn": bench.role(),
                "Tags": TAGS,
                "VpcSecurityGroupIds": [bench.group()],
                "VpcSubnetIds": bench.subnets(),
            }
        ],
        lambda bench, given: {
            **given,
            "DebugLogging": False,
            "IdleClientTimeout": 60,
            "VpcSecurityGroupIds": [bench.group()],
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::RDS::DBProxyTargetGroup",
        [
            lambda bench: {
                "DBProxyName": proxy(bench),
                "TargetGroupName": "default",
                "DBClusterIdentifiers": [aurora(bench)],
                "ConnectionPoolConfigurationInfo": {"MaxConnectionsPercent": 80, "MaxIdleConnectionsPercent": 40},
            },
            lambda bench: {
                "DBProxyName": proxy(bench),
                "TargetGroupName": "default",
                "DBInstanceIdentifiers": [postgres(bench)],
            },
        ],
        lambda bench, given: {
            **given,
            "ConnectionPoolConfigurationInfo": {"MaxConnectionsPercent": 60, "MaxIdleConnectionsPercent": 30},
        },
        stays="RDS keeps the group as long as its proxy",
    ),
)


def proxy(bench: Bench) -> str:
    auth = [{"AuthScheme": "SECRETS", "SecretArn": "arn:aws:secretsmanager:a:1:s"}]
    given = {"DBProxyName": f"proxy-{bench.unique()}", "EngineFamily": "POSTGRESQL", "RoleArn": bench.role()}
    return str(bench.make("AWS::RDS::DBProxy", **given, Auth=auth, VpcSubnetIds=bench.subnets()).physical_id)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", DATABASES, ids=lambda case: case.type_name)
def test_types_of_databases(case: Case, check: Callable[[Case, Bench], None], bench: Bench) -> None:
    check(case, bench)
