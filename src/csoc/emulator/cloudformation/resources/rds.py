"""Databases of RDS: Aurora clusters, their instances, and instances of their own.

Passwords are given on and never told; what RDS manages itself is a secret of Secrets Manager, and only its ARN is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, gone_and_new
from csoc.emulator.cloudformation.resources.translation import at_path, call, is_true, unless_gone

TAG_CALLS = TagCalls("add_tags_to_resource", "remove_tags_from_resource", "ResourceName")
_BROKEN = ("failed", "incompatible", "inaccessible")


def final_snapshot(context: Context, physical_id: str) -> str:
    """The name of the snapshot that DeletionPolicy Snapshot leaves; the same one over repeated attempts."""
    digest = hashlib.sha256(f"{context.stack_id}/{physical_id}".encode()).hexdigest()[:12]
    return f"{context.stack_name}-snapshot-{context.logical_id}-{digest}".lower()


class Database(ServiceType):
    """What clusters and instances have in common. identifier: the parameter that names one. modify_call: what changes
    one. snapshot_property: what asks for a restore; restore_call, restored: that call and what it takes."""

    service = "rds"
    identifier: ClassVar[str]
    modify_call: ClassVar[str]
    restore_call: ClassVar[str]
    restored: ClassVar[tuple[str, ...]]
    snapshot_property: ClassVar[str]
    longest, small = 63, True
    tag_calls = TAG_CALLS

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        given[self.name] = str(given[self.name]).lower()
        kms = at_path(properties, "MasterUserSecret.KmsKeyId")
        if kms:
            given["MasterUserSecretKmsKeyId"] = kms
        return given

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        if self.snapshot_property not in properties:
            return super().make(context, client, properties)
        asked = {**self.parameters(context, properties), **self.tag_parameters(context, properties)}
        given = {name: value for name, value in asked.items() if name in (*self.restored, self.identifier, "Tags")}
        given[self.snapshot_parameter] = properties[self.snapshot_property]
        call(client, self.restore_call, given)
        later: dict[str, Any] = {
            name: asked[name] for name in ("BackupRetentionPeriod", "MasterUserPassword") if name in asked
        }
        if later:
            self._modify(client, asked[self.identifier], later)
        return str(asked[self.identifier])

    @property
    def snapshot_parameter(self) -> str:
        """The restore call's parameter for the snapshot."""
        return self.snapshot_property

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        names = {name: name for name in self.takes} | dict(self.renamed)
        given = {names[name]: after[name] for name in left & names.keys() if name in after}
        if "EnableCloudwatchLogsExports" in left:
            given.pop("EnableCloudwatchLogsExports", None)
            old, new = gone_and_new(
                before.get("EnableCloudwatchLogsExports") or (), after.get("EnableCloudwatchLogsExports") or ()
            )
            given["CloudwatchLogsExportConfiguration"] = {"EnableLogTypes": new, "DisableLogTypes": old}
        if "MasterUserSecret" in left and at_path(after, "MasterUserSecret.KmsKeyId"):
            given["MasterUserSecretKmsKeyId"] = after["MasterUserSecret"]["KmsKeyId"]
            given["ManageMasterUserPassword"] = True
        if given:
            self._modify(client, physical_id, given)
        return {*names, "MasterUserSecret", *self.unread}

    def _modify(self, client: Any, physical_id: str, given: Mapping[str, Any]) -> None:
        shape = client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[self.modify_call]
        ).input_shape
        fixed = sorted(set(given) - set(shape.members))
        if fixed:
            raise ResourceError(f"RDS does not change {', '.join(fixed)} of {physical_id}", "NotUpdatable")
        call(client, self.modify_call, {self.identifier: physical_id, "ApplyImmediately": True, **given})

    def settled(self, context: Context, physical_id: str) -> bool:
        """True once the database is available. Raises ResourceError if it went bad."""
        found = self.describe(context.clients(self.service), physical_id)
        if found is None:
            raise ResourceError(f"{physical_id} was deleted while it was made", "NotStabilized")
        status = str(found.get("Status", found.get("DBInstanceStatus", "")))
        if status.startswith(_BROKEN):
            raise ResourceError(f"{physical_id} is {status}", "NotStabilized")
        return status == "available"


class DbCluster(Database):
    """AWS::RDS::DBCluster."""

    type_name = "AWS::RDS::DBCluster"
    create_call, id_path, identifier = "create_db_cluster", "DBCluster.DBClusterIdentifier", "DBClusterIdentifier"
    modify_call, name = "modify_db_cluster", "DBClusterIdentifier"
    restore_call, snapshot_property = "restore_db_cluster_from_snapshot", "SnapshotIdentifier"
    restored = (
        "Engine",
        "EngineVersion",
        "Port",
        "DBSubnetGroupName",
        "DatabaseName",
        "VpcSecurityGroupIds",
        "KmsKeyId",
        "EnableCloudwatchLogsExports",
        "EngineMode",
        "DBClusterParameterGroupName",
        "DeletionProtection",
        "CopyTagsToSnapshot",
        "ServerlessV2ScalingConfiguration",
    )
    takes = (
        "AutoMinorVersionUpgrade",
        "AvailabilityZones",
        "BackupRetentionPeriod",
        "CopyTagsToSnapshot",
        "DatabaseInsightsMode",
        "DatabaseName",
        "DBClusterParameterGroupName",
        "DBSubnetGroupName",
        "DeletionProtection",
        "EnableCloudwatchLogsExports",
        "EnableHttpEndpoint",
        "EnableIAMDatabaseAuthentication",
        "Engine",
        "EngineLifecycleSupport",
        "EngineMode",
        "EngineVersion",
        "GlobalClusterIdentifier",
        "KmsKeyId",
        "ManageMasterUserPassword",
        "MasterUsername",
        "MasterUserPassword",
        "MonitoringInterval",
        "MonitoringRoleArn",
        "NetworkType",
        "PerformanceInsightsRetentionPeriod",
        "Port",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "ServerlessV2ScalingConfiguration",
        "StorageEncrypted",
        "StorageType",
        "VpcSecurityGroupIds",
    )
    renamed = {
        "PerformanceInsightsEnabled": "EnablePerformanceInsights",
        "PerformanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    }
    also = ("DeleteAutomatedBackups", "MasterUserSecret", "SnapshotIdentifier")
    unread = ("MasterUserPassword", "DeleteAutomatedBackups", "SnapshotIdentifier", "ManageMasterUserPassword")
    described = Describe("describe_db_clusters", "DBClusterIdentifier", "DBClusters.0", many=False)
    read_as = {
        "DBSubnetGroupName": "DBSubnetGroup",
        "DBClusterParameterGroupName": "DBClusterParameterGroup",
        "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
        "EnableHttpEndpoint": "HttpEndpointEnabled",
        "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
        "PerformanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    }
    attributes = {
        "DBClusterArn": "DBClusterArn",
        "DBClusterResourceId": "DbClusterResourceId",
        "Endpoint.Address": "Endpoint",
        "Endpoint.Port": "Port",
        "ReadEndpoint.Address": "ReaderEndpoint",
        "MasterUserSecret.SecretArn": "MasterUserSecret.SecretArn",
        "StorageEncryptionType": "StorageEncryptionType",
    }
    tag_calls = TagCalls(
        "add_tags_to_resource", "remove_tags_from_resource", "ResourceName", resource="DBClusterArn", path="TagList"
    )

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"VpcSecurityGroupIds": [group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups", ())]}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        kind = "sse-kms" if found.get("StorageEncrypted") else "none"
        return {"Endpoint.Port": str(found["Port"]), "StorageEncryptionType": kind}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        given = {"DBClusterIdentifier": physical_id, "SkipFinalSnapshot": True}
        if "DeleteAutomatedBackups" in properties:
            given["DeleteAutomatedBackups"] = is_true(properties["DeleteAutomatedBackups"])
        unless_gone(lambda: client.delete_db_cluster(**given))

    def snapshot(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Deletes the cluster and leaves a snapshot of it."""
        name = final_snapshot(context, physical_id)
        given = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": name}
        unless_gone(lambda: client_of(context).delete_db_cluster(DBClusterIdentifier=physical_id, **given))


def client_of(context: Context) -> Any:
    return context.clients("rds")


class DbInstance(Database):
    """AWS::RDS::DBInstance, in an Aurora cluster or of its own."""

    type_name = "AWS::RDS::DBInstance"
    create_call, id_path, identifier = "create_db_instance", "DBInstance.DBInstanceIdentifier", "DBInstanceIdentifier"
    modify_call, name = "modify_db_instance", "DBInstanceIdentifier"
    restore_call, snapshot_property = "restore_db_instance_from_db_snapshot", "DBSnapshotIdentifier"
    restored = (
        "AutoMinorVersionUpgrade",
        "AvailabilityZone",
        "CopyTagsToSnapshot",
        "DBInstanceClass",
        "DBParameterGroupName",
        "DBSubnetGroupName",
        "DeletionProtection",
        "EnableIAMDatabaseAuthentication",
        "Engine",
        "MultiAZ",
        "Port",
        "PubliclyAccessible",
        "StorageType",
        "VpcSecurityGroupIds",
    )
    takes = (
        "AllocatedStorage",
        "AutoMinorVersionUpgrade",
        "AvailabilityZone",
        "BackupRetentionPeriod",
        "CACertificateIdentifier",
        "CopyTagsToSnapshot",
        "DBClusterIdentifier",
        "DBInstanceClass",
        "DBName",
        "DBParameterGroupName",
        "DBSubnetGroupName",
        "DatabaseInsightsMode",
        "DeletionProtection",
        "EnableCloudwatchLogsExports",
        "EnableIAMDatabaseAuthentication",
        "EnablePerformanceInsights",
        "Engine",
        "EngineLifecycleSupport",
        "EngineVersion",
        "Iops",
        "KmsKeyId",
        "LicenseModel",
        "ManageMasterUserPassword",
        "MasterUserPassword",
        "MasterUsername",
        "MaxAllocatedStorage",
        "MonitoringInterval",
        "MonitoringRoleArn",
        "MultiAZ",
        "NetworkType",
        "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
        "Port",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "PromotionTier",
        "PubliclyAccessible",
        "StorageEncrypted",
        "StorageThroughput",
        "StorageType",
    )
    renamed = {"VPCSecurityGroups": "VpcSecurityGroupIds"}
    also = ("AllowMajorVersionUpgrade", "DBSnapshotIdentifier", "DeleteAutomatedBackups", "MasterUserSecret")
    unread = (
        "AllowMajorVersionUpgrade",
        "DBSnapshotIdentifier",
        "DeleteAutomatedBackups",
        "ManageMasterUserPassword",
        "MasterUserPassword",
    )
    described = Describe("describe_db_instances", "DBInstanceIdentifier", "DBInstances.0", many=False)
    read_as = {
        "DBSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
        "DBParameterGroupName": "DBParameterGroups.0.DBParameterGroupName",
        "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
        "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
        "EnablePerformanceInsights": "PerformanceInsightsEnabled",
        "Port": "Endpoint.Port",
    }
    attributes = {
        "CertificateDetails.CAIdentifier": "CertificateDetails.CAIdentifier",
        "CertificateDetails.ValidTill": "CertificateDetails.ValidTill",
        "DBInstanceArn": "DBInstanceArn",
        "DBInstanceStatus": "DBInstanceStatus",
        "DbiResourceId": "DbiResourceId",
        "Endpoint.Address": "Endpoint.Address",
        "Endpoint.HostedZoneId": "Endpoint.HostedZoneId",
        "Endpoint.Port": "Endpoint.Port",
        "InstanceCreateTime": "InstanceCreateTime",
        "MasterUserSecret.SecretArn": "MasterUserSecret.SecretArn",
    }
    tag_calls = TagCalls(
        "add_tags_to_resource", "remove_tags_from_resource", "ResourceName", resource="DBInstanceArn", path="TagList"
    )

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"VPCSecurityGroups": [group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups", ())]}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        valid = at_path(found, "CertificateDetails.ValidTill")
        return {
            "Endpoint.Port": str(found["Endpoint"]["Port"]),
            "InstanceCreateTime": found["InstanceCreateTime"].isoformat(),
            "CertificateDetails.ValidTill": valid.isoformat() if valid else "",
        }

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        given: dict[str, Any] = {"DBInstanceIdentifier": physical_id, "SkipFinalSnapshot": True}
        if "DeleteAutomatedBackups" in properties:
            given["DeleteAutomatedBackups"] = is_true(properties["DeleteAutomatedBackups"])
        unless_gone(lambda: client.delete_db_instance(**given))

    def snapshot(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Deletes the instance and leaves a snapshot of it; instances of a cluster have none of their own."""
        if properties.get("DBClusterIdentifier"):
            raise ResourceError("An instance of a cluster has no snapshot; the cluster has", "InvalidRequest")
        name = final_snapshot(context, physical_id)
        given = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": name}
        unless_gone(lambda: client_of(context).delete_db_instance(DBInstanceIdentifier=physical_id, **given))


HANDLERS = (DbCluster(), DbInstance())
