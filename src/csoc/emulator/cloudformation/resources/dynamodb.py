"""Tables of DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import at_path, call, is_true, text, unless_gone

_AT_ONCE = ("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput", "TableClass")


class Table(ServiceType):
    """AWS::DynamoDB::Table."""

    type_name, service, name, longest = "AWS::DynamoDB::Table", "dynamodb", "TableName", 255
    create_call, delete_call, delete_member = "create_table", "delete_table", "TableName"
    takes = (*_AT_ONCE, "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes", "OnDemandThroughput")
    also = ("SSESpecification", "StreamSpecification")
    afterwards = ("PointInTimeRecoverySpecification", "ResourcePolicy", "TimeToLiveSpecification")
    described = Describe("describe_table", "TableName", "Table", many=False)
    read_as = {"BillingMode": "BillingModeSummary.BillingMode", "TableClass": "TableClassSummary.TableClass"}
    attributes = {"Arn": "TableArn", "StreamArn": "LatestStreamArn"}
    tag_calls = TagCalls(
        "tag_resource", "untag_resource", "ResourceArn", resource="TableArn", listing="list_tags_of_resource"
    )

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        if "SSESpecification" in properties:
            given["SSESpecification"] = _encryption(properties["SSESpecification"])
        if "StreamSpecification" in properties:
            given["StreamSpecification"] = _stream(properties["StreamSpecification"])
        return given

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        given = {name: after[name] for name in left & set(_AT_ONCE) if name in after}
        if "SSESpecification" in left:
            given["SSESpecification"] = _encryption(after.get("SSESpecification") or {"SSEEnabled": False})
        if "StreamSpecification" in left:
            wanted = after.get("StreamSpecification")
            given["StreamSpecification"] = _stream(wanted) if wanted else {"StreamEnabled": False}
        if given:
            call(client, "update_table", {"TableName": physical_id, **given})
        if "GlobalSecondaryIndexes" in left:
            self._index(client, physical_id, before, after)
        return {*_AT_ONCE, *self.also, "GlobalSecondaryIndexes"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        told: dict[str, Any] = {}
        if at_path(found, "SSEDescription.Status") == "ENABLED":
            kind = {"SSEType": found["SSEDescription"].get("SSEType")}
            told["SSESpecification"] = {"SSEEnabled": True, **kind}
            if found["SSEDescription"].get("KMSMasterKeyArn"):
                told["SSESpecification"]["KMSMasterKeyId"] = found["SSEDescription"]["KMSMasterKeyArn"]
        if at_path(found, "StreamSpecification.StreamEnabled"):
            told["StreamSpecification"] = {"StreamViewType": found["StreamSpecification"]["StreamViewType"]}
        backups = client.describe_continuous_backups(TableName=physical_id)["ContinuousBackupsDescription"]
        recovery = backups["PointInTimeRecoveryDescription"]
        if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
            told["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": True}
        living = client.describe_time_to_live(TableName=physical_id)["TimeToLiveDescription"]
        if living["TimeToLiveStatus"] == "ENABLED":
            told["TimeToLiveSpecification"] = {"AttributeName": living["AttributeName"], "Enabled": True}
        policy = unless_gone(lambda: client.get_resource_policy(ResourceArn=found["TableArn"]))
        if policy and policy.get("Policy"):
            told["ResourcePolicy"] = {"PolicyDocument": policy["Policy"]}
        return told

    def settled(self, context: Context, physical_id: str) -> bool:
        """True once the table is active."""
        found = self.describe(context.clients(self.service), physical_id)
        if found is None:
            raise ResourceError(f"{physical_id} was deleted while it was made", "NotStabilized")
        return bool(found["TableStatus"] == "ACTIVE")

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        recovery = "PointInTimeRecoverySpecification"
        if before.get(recovery) != after.get(recovery):
            wanted = after.get(recovery) or {"PointInTimeRecoveryEnabled": False}
            call(client, "update_continuous_backups", {"TableName": physical_id, recovery: wanted})
        living = "TimeToLiveSpecification"
        if before.get(living) != after.get(living):
            wanted = after.get(living) or {**before[living], "Enabled": False}
            call(client, "update_time_to_live", {"TableName": physical_id, living: wanted})
        if before.get("ResourcePolicy") != after.get("ResourcePolicy"):
            arn = client.describe_table(TableName=physical_id)["Table"]["TableArn"]
            if after.get("ResourcePolicy"):
                client.put_resource_policy(ResourceArn=arn, Policy=text(after["ResourcePolicy"]["PolicyDocument"]))
            else:
                client.delete_resource_policy(ResourceArn=arn)

    @staticmethod
    def _index(client: Any, table: str, before: Properties, after: Properties) -> None:
        was = {index["IndexName"]: index for index in before.get("GlobalSecondaryIndexes") or ()}
        wanted = {index["IndexName"]: index for index in after.get("GlobalSecondaryIndexes") or ()}
        steps = [{"Delete": {"IndexName": name}} for name in was.keys() - wanted.keys()]
        steps += [{"Create": index} for name, index in wanted.items() if name not in was]
        if len(steps) > 1:
            raise ResourceError(
                "Cannot perform more than one GSI creation or deletion in a single update", "InvalidRequest"
            )
        changed = [name for name in wanted.keys() & was.keys() if wanted[name] != was[name]]
        for name in sorted(changed):
            if {**wanted[name], "ProvisionedThroughput": 0} != {**was[name], "ProvisionedThroughput": 0}:
                raise ResourceError(f"Cannot update GSI's properties other than throughput of {name}", "NotUpdatable")
            throughput = wanted[name]["ProvisionedThroughput"]
            steps.append({"Update": {"IndexName": name, "ProvisionedThroughput": throughput}})
        for step in steps:
            given = {"TableName": table, "GlobalSecondaryIndexUpdates": [step]}
            call(client, "update_table", {**given, "AttributeDefinitions": after["AttributeDefinitions"]})


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value[name] for name in ("SSEType", "KMSMasterKeyId") if name in value}
    return {"Enabled": is_true(value.get("SSEEnabled", True)), **given}


def _stream(value: Mapping[str, Any]) -> dict[str, Any]:
    if set(value) - {"StreamViewType"}:
        raise ResourceError("The emulator keeps only StreamViewType of a StreamSpecification", "InvalidRequest")
    return {"StreamEnabled": True, "StreamViewType": value["StreamViewType"]}


HANDLERS = (Table(),)
