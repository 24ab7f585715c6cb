"""File systems of EFS, where they are mounted, and access points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import call, is_true, text, unless_gone

_TAGS = TagCalls("tag_resource", "untag_resource", "ResourceId")


class FileSystem(ServiceType):
    """AWS::EFS::FileSystem. One that is mounted is not deleted."""

    type_name, service = "AWS::EFS::FileSystem", "efs"
    create_call, id_path = "create_file_system", "FileSystemId"
    delete_call, delete_member, tags = "delete_file_system", "FileSystemId", "FileSystemTags"
    takes = ("AvailabilityZoneName", "Encrypted", "KmsKeyId", "PerformanceMode", "ThroughputMode")
    afterwards = ("BackupPolicy", "BypassPolicyLockoutSafetyCheck", "FileSystemPolicy", "LifecyclePolicies")
    unread = ("BypassPolicyLockoutSafetyCheck",)
    changes = (
        Change(
            ("ThroughputMode", "ProvisionedThroughputInMibps"),
            "update_file_system",
            lambda name, wanted: {
                "FileSystemId": name,
                "ThroughputMode": wanted["ThroughputMode"],
                **(
                    {"ProvisionedThroughputInMibps": wanted["ProvisionedThroughputInMibps"]}
                    if "ProvisionedThroughputInMibps" in wanted
                    else {}
                ),
            },
        ),
    )
    defaults = {"ThroughputMode": "bursting"}
    described = Describe("describe_file_systems", "FileSystemId", "FileSystems.0", many=False)
    attributes = {"Arn": "FileSystemArn", "FileSystemId": "FileSystemId"}
    tag_calls = _TAGS

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = {**super().parameters(context, properties), "CreationToken": context.token[:64]}
        if properties.get("ProvisionedThroughputInMibps"):
            given["ProvisionedThroughputInMibps"] = properties["ProvisionedThroughputInMibps"]
        return given

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        told: dict[str, Any] = {}
        backup = unless_gone(lambda: client.describe_backup_policy(FileSystemId=physical_id))
        if backup and backup.get("BackupPolicy"):
            told["BackupPolicy"] = backup["BackupPolicy"]
        lifecycle = client.describe_lifecycle_configuration(FileSystemId=physical_id)["LifecyclePolicies"]
        if lifecycle:
            told["LifecyclePolicies"] = lifecycle
        policy = unless_gone(lambda: client.describe_file_system_policy(FileSystemId=physical_id))
        if policy and policy.get("Policy"):
            told["FileSystemPolicy"] = policy["Policy"]
        if not found.get("ProvisionedThroughputInMibps"):
            told["ProvisionedThroughputInMibps"] = None
        return told

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        asked = {"FileSystemId": physical_id}
        if before.get("BackupPolicy") != after.get("BackupPolicy"):
            policy = after.get("BackupPolicy") or {"Status": "DISABLED"}
            call(client, "put_backup_policy", {**asked, "BackupPolicy": policy})
        if before.get("LifecyclePolicies") != after.get("LifecyclePolicies"):
            policies = after.get("LifecyclePolicies") or []
            call(client, "put_lifecycle_configuration", {**asked, "LifecyclePolicies": policies})
        if before.get("FileSystemPolicy") != after.get("FileSystemPolicy"):
            if after.get("FileSystemPolicy"):
                bypass = is_true(after.get("BypassPolicyLockoutSafetyCheck", False))
                given = {"Policy": text(after["FileSystemPolicy"]), "BypassPolicyLockoutSafetyCheck": bypass}
                client.put_file_system_policy(**asked, **given)
            else:
                client.delete_file_system_policy(**asked)


class MountTarget(ServiceType):
    """AWS::EFS::MountTarget."""

    type_name, service, tags = "AWS::EFS::MountTarget", "efs", ""
    create_call, id_path = "create_mount_target", "MountTargetId"
    delete_call, delete_member = "delete_mount_target", "MountTargetId"
    takes = ("FileSystemId", "IpAddress", "SecurityGroups", "SubnetId")
    changes = (
        Change(
            ("SecurityGroups",),
            "modify_mount_target_security_groups",
            lambda name, wanted: {"MountTargetId": name, "SecurityGroups": wanted["SecurityGroups"]},
        ),
    )
    described = Describe("describe_mount_targets", "MountTargetId", "MountTargets.0", many=False)
    attributes = {"Id": "MountTargetId"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        groups = client.describe_mount_target_security_groups(MountTargetId=physical_id)["SecurityGroups"]
        return {"SecurityGroups": groups}

    def settled(self, context: Context, physical_id: str) -> bool:
        """True once it can be mounted."""
        found = self.describe(context.clients(self.service), physical_id)
        if found is None:
            raise ResourceError(f"{physical_id} was deleted while it was made", "NotStabilized")
        return bool(found["LifeCycleState"] == "available")


class AccessPoint(ServiceType):
    """AWS::EFS::AccessPoint."""

    type_name, service, tags = "AWS::EFS::AccessPoint", "efs", "AccessPointTags"
    create_call, id_path = "create_access_point", "AccessPointId"
    delete_call, delete_member = "delete_access_point", "AccessPointId"
    takes, also = ("FileSystemId", "PosixUser", "RootDirectory"), ("ClientToken",)
    described = Describe("describe_access_points", "AccessPointId", "AccessPoints.0", many=False)
    attributes = {"AccessPointId": "AccessPointId", "Arn": "AccessPointArn"}
    tag_calls = _TAGS

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        token = properties.get("ClientToken") or context.token[:64]
        return {**super().parameters(context, properties), "ClientToken": token}


HANDLERS = (FileSystem(), MountTarget(), AccessPoint())
