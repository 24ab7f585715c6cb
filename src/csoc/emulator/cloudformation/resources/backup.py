"""Vaults, plans and selections of AWS Backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import call, text, unless_gone

_RULE = {"TargetBackupVault": "TargetBackupVaultName"}


class BackupVault(ServiceType):
    """AWS::Backup::BackupVault."""

    type_name, service = "AWS::Backup::BackupVault", "backup"
    create_call, id_path = "create_backup_vault", "BackupVaultName"
    delete_call, delete_member = "delete_backup_vault", "BackupVaultName"
    name, tags, creation_tags = "BackupVaultName", "BackupVaultTags", "BackupVaultTags"
    takes, afterwards = ("EncryptionKeyArn",), ("AccessPolicy", "LockConfiguration", "Notifications")
    described = Describe("describe_backup_vault", "BackupVaultName", "", many=False)
    attributes = {"BackupVaultArn": "BackupVaultArn", "BackupVaultName": "BackupVaultName"}
    tag_calls = TagCalls(
        "tag_resource",
        "untag_resource",
        "ResourceArn",
        keys="TagKeyList",
        resource="BackupVaultArn",
        listing="list_tags",
        pairs=False,
    )

    def template_tags(self, tags: Mapping[str, str]) -> Any:
        return dict(tags)

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        told: dict[str, Any] = {}
        policy = unless_gone(lambda: client.get_backup_vault_access_policy(BackupVaultName=physical_id))
        if policy:
            told["AccessPolicy"] = policy["Policy"]
        bells = unless_gone(lambda: client.get_backup_vault_notifications(BackupVaultName=physical_id))
        if bells:
            told["Notifications"] = {name: bells[name] for name in ("BackupVaultEvents", "SNSTopicArn")}
        if found.get("Locked"):
            names = ("MinRetentionDays", "MaxRetentionDays")
            told["LockConfiguration"] = {name: found[name] for name in names if found.get(name) is not None}
        return told

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        asked = {"BackupVaultName": physical_id}
        if before.get("AccessPolicy") != after.get("AccessPolicy"):
            if after.get("AccessPolicy"):
                client.put_backup_vault_access_policy(**asked, Policy=text(after["AccessPolicy"]))
            else:
                client.delete_backup_vault_access_policy(**asked)
        if before.get("Notifications") != after.get("Notifications"):
            if after.get("Notifications"):
                call(client, "put_backup_vault_notifications", {**asked, **after["Notifications"]})
            else:
                client.delete_backup_vault_notifications(**asked)
        if before.get("LockConfiguration") != after.get("LockConfiguration"):
            if after.get("LockConfiguration"):
                call(client, "put_backup_vault_lock_configuration", {**asked, **after["LockConfiguration"]})
            else:
                client.delete_backup_vault_lock_configuration(**asked)


class BackupPlan(ServiceType):
    """AWS::Backup::BackupPlan. One with selections is not deleted."""

    type_name, service = "AWS::Backup::BackupPlan", "backup"
    delete_call, delete_member, tags = "delete_backup_plan", "BackupPlanId", "BackupPlanTags"
    creation_tags, also = "BackupPlanTags", ("BackupPlan",)
    create_call, id_path = "create_backup_plan", "BackupPlanId"
    attributes = {"BackupPlanArn": "BackupPlanArn", "BackupPlanId": "BackupPlanId", "VersionId": "VersionId"}
    tag_calls = TagCalls(
        "tag_resource",
        "untag_resource",
        "ResourceArn",
        keys="TagKeyList",
        resource="BackupPlanArn",
        listing="list_tags",
        pairs=False,
    )

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {"BackupPlan": _plan(properties["BackupPlan"])}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if "BackupPlan" in left:
            given = {"BackupPlanId": physical_id, "BackupPlan": _plan(after["BackupPlan"])}
            call(client, "update_backup_plan", given)
        return {"BackupPlan"}

    def template_tags(self, tags: Mapping[str, str]) -> Any:
        return dict(tags)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.get_backup_plan(BackupPlanId=physical_id))
        return None if found is None or found.get("DeletionDate") else dict(found)

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        plan = dict(found["BackupPlan"])
        rules = [
            {**{key: value for key, value in rule.items() if key != "TargetBackupVaultName"}}
            | {"TargetBackupVault": rule["TargetBackupVaultName"]}
            for rule in plan.pop("Rules", ())
        ]
        return {"BackupPlan": {**plan, "BackupPlanRule": rules}}


def _plan(value: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: inner for key, inner in value.items() if key != "BackupPlanRule"}
    rules = [{_RULE.get(key, key): inner for key, inner in rule.items()} for rule in value["BackupPlanRule"]]
    return {**given, "Rules": rules}


class BackupSelection(ServiceType):
    """AWS::Backup::BackupSelection."""

    type_name, service, tags = "AWS::Backup::BackupSelection", "backup", ""
    also = ("BackupPlanId", "BackupSelection")
    attributes = {"Id": "Id", "SelectionId": "SelectionId", "BackupPlanId": "BackupPlanId"}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {"BackupPlanId": properties["BackupPlanId"], "BackupSelection": properties["BackupSelection"]}
        made = call(client, "create_backup_selection", given)
        return f"{made['SelectionId']}_{made['BackupPlanId']}"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        selection, plan = self._parts(physical_id)
        asked = {"BackupPlanId": plan, "SelectionId": selection}
        found = unless_gone(lambda: client.get_backup_selection(**asked))
        return {**found, "Id": physical_id} if found else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        selection, plan = self._parts(physical_id)
        unless_gone(lambda: client.delete_backup_selection(BackupPlanId=plan, SelectionId=selection))

    @staticmethod
    def _parts(physical_id: str) -> tuple[str, str]:
        selection, _, plan = physical_id.partition("_")
        if not plan:
            raise ResourceError(f"{physical_id!r} is no selection and plan joined by _", "InvalidRequest")
        return selection, plan


HANDLERS = (BackupVault(), BackupPlan(), BackupSelection())
