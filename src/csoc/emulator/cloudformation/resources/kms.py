"""Keys of KMS and their aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import as_list, call, is_true, unless_gone

_DEFAULT_WINDOW_DAYS = 30
_FOR_GOOD = ("KeySpec", "KeyUsage", "MultiRegion", "Origin")


class Key(ServiceType):
    """AWS::KMS::Key. Deleting it schedules the deletion; until then the service still tells about it.

    Source: CloudFormation Template Reference, AWS::KMS::Key: what a key is for cannot change, and the change fails
    rather than replacing the key.
    """

    type_name, service = "AWS::KMS::Key", "kms"
    create_call, id_path = "create_key", "KeyMetadata.KeyId"
    takes = ("Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin", "BypassPolicyLockoutSafetyCheck")
    renamed = {"KeyPolicy": "Policy"}
    also, afterwards = ("PendingWindowInDays",), ("Enabled", "EnableKeyRotation", "RotationPeriodInDays")
    unread = ("BypassPolicyLockoutSafetyCheck", "PendingWindowInDays")
    changes = (
        Change(
            ("Description",),
            "update_key_description",
            lambda key, wanted: {"KeyId": key, "Description": wanted["Description"]},
        ),
        Change(
            ("KeyPolicy", "BypassPolicyLockoutSafetyCheck"),
            "put_key_policy",
            lambda key, wanted: {
                "KeyId": key,
                "PolicyName": "default",
                "Policy": wanted["KeyPolicy"],
                "BypassPolicyLockoutSafetyCheck": wanted["BypassPolicyLockoutSafetyCheck"],
            },
        ),
    )
    defaults = {"Description": "", "BypassPolicyLockoutSafetyCheck": False}
    described = Describe("describe_key", "KeyId", "KeyMetadata", many=False)
    attributes = {"Arn": "Arn", "KeyId": "KeyId"}
    tag_calls = TagCalls("tag_resource", "untag_resource", "KeyId", listing="list_resource_tags")

    def tag_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        tags = self.wanted_tags(context, properties)
        return {"Tags": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]} if tags else {}

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        if gone:
            client.untag_resource(KeyId=physical_id, TagKeys=gone)
        if wanted:
            pairs = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in as_list(wanted)]
            client.tag_resource(KeyId=physical_id, Tags=pairs)

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        fixed = sorted(left & set(_FOR_GOOD))
        if fixed:
            raise ResourceError(
                f"You cannot change {', '.join(fixed)} of an existing KMS key; make a new key instead", "InvalidRequest"
            )
        return {"PendingWindowInDays"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = super().describe(client, physical_id)
        return None if found is None or found["KeyState"] == "PendingDeletion" else found

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        policy = client.get_key_policy(KeyId=physical_id, PolicyName="default")["Policy"]
        told = {"KeyPolicy": policy}
        if found.get("KeySpec") == "SYMMETRIC_DEFAULT" and found["Enabled"]:
            rotation = client.get_key_rotation_status(KeyId=physical_id)
            told["EnableKeyRotation"] = rotation["KeyRotationEnabled"]
            if rotation["KeyRotationEnabled"]:
                told["RotationPeriodInDays"] = rotation.get("RotationPeriodInDays")
        return told

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        days = int(properties.get("PendingWindowInDays", _DEFAULT_WINDOW_DAYS))
        if not 7 <= days <= _DEFAULT_WINDOW_DAYS:
            raise ResourceError(f"PendingWindowInDays is {days}: it is between 7 and 30", "InvalidRequest")
        unless_gone(lambda: client.schedule_key_deletion(KeyId=physical_id, PendingWindowInDays=days))

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        rotates, rotated = (
            is_true(after.get("EnableKeyRotation", False)),
            is_true(before.get("EnableKeyRotation", False)),
        )
        period = after.get("RotationPeriodInDays")
        enabled, was_enabled = is_true(after.get("Enabled", True)), is_true(before.get("Enabled", True))
        if enabled and not was_enabled:
            client.enable_key(KeyId=physical_id)
        if rotates and (not rotated or period != before.get("RotationPeriodInDays")):
            given = {"KeyId": physical_id} | ({"RotationPeriodInDays": period} if period else {})
            call(client, "enable_key_rotation", given)
        if rotated and not rotates:
            client.disable_key_rotation(KeyId=physical_id)
        if was_enabled and not enabled:
            client.disable_key(KeyId=physical_id)


class Alias(ServiceType):
    """AWS::KMS::Alias."""

    type_name, service = "AWS::KMS::Alias", "kms"
    create_call, delete_call, delete_member = "create_alias", "delete_alias", "AliasName"
    takes, tags = ("AliasName", "TargetKeyId"), ""
    changes = (
        Change(
            ("TargetKeyId",),
            "update_alias",
            lambda alias, wanted: {"AliasName": alias, "TargetKeyId": wanted["TargetKeyId"]},
        ),
    )

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        call(client, self.create_call, self.parameters(context, properties))
        return str(properties["AliasName"])

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        pages = client.get_paginator("list_aliases").paginate()
        for page in pages:
            for found in page["Aliases"]:
                if found["AliasName"] == physical_id:
                    return dict(found)
        return None


HANDLERS = (Key(), Alias())
