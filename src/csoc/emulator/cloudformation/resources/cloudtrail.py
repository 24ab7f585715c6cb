"""Trails of CloudTrail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import call, is_true, own_tags, unless_gone


class Trail(ServiceType):
    """AWS::CloudTrail::Trail."""

    type_name, service = "AWS::CloudTrail::Trail", "cloudtrail"
    create_call, id_path, delete_call, delete_member = "create_trail", "Name", "delete_trail", "Name"
    name, name_member, longest, creation_tags = "TrailName", "Name", 128, "TagsList"
    takes = (
        "EnableLogFileValidation",
        "IncludeGlobalServiceEvents",
        "IsMultiRegionTrail",
        "IsOrganizationTrail",
        "S3BucketName",
        "S3KeyPrefix",
        "SnsTopicName",
    )
    renamed = {
        "CloudWatchLogsLogGroupArn": "CloudWatchLogsLogGroupArn",
        "CloudWatchLogsRoleArn": "CloudWatchLogsRoleArn",
        "KMSKeyId": "KmsKeyId",
    }
    afterwards, at_first = (
        ("AdvancedEventSelectors", "EventSelectors", "InsightSelectors", "IsLogging"),
        {"IsLogging": False},
    )
    described = Describe("get_trail", "Name", "Trail", many=False)
    read_as = {
        "TrailName": "Name",
        "EnableLogFileValidation": "LogFileValidationEnabled",
        "KMSKeyId": "KmsKeyId",
    }
    attributes = {"Arn": "TrailARN", "SnsTopicArn": "SnsTopicARN"}
    tag_calls = TagCalls("add_tags", "remove_tags", "ResourceId", tags="TagsList", resource="TrailARN")

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        names = {**{name: name for name in self.takes}, **self.renamed}
        given = {names[name]: after.get(name, "") for name in left & names.keys()}
        if given:
            call(client, "update_trail", {"Name": physical_id, **given})
        return set(names)

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        calls = self._tag_calls()
        arn = self._tagged(client, physical_id, calls)
        if gone:
            kept = own_tags({"Tags": self.live_tags(client, physical_id, {"TrailARN": arn})})
            pairs = [{"Key": key, "Value": kept[key]} for key in gone if key in kept]
            client.remove_tags(ResourceId=arn, TagsList=pairs)
        if wanted:
            pairs = [{"Key": key, "Value": value} for key, value in wanted.items()]
            client.add_tags(ResourceId=arn, TagsList=pairs)

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        told = client.list_tags(ResourceIdList=[found["TrailARN"]])["ResourceTagList"]
        return {tag["Key"]: tag["Value"] for entry in told for tag in entry.get("TagsList", ())}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        told: dict[str, Any] = {"IsLogging": client.get_trail_status(Name=physical_id)["IsLogging"]}
        selectors = client.get_event_selectors(TrailName=physical_id)
        for name in ("EventSelectors", "AdvancedEventSelectors"):
            if selectors.get(name):
                told[name] = selectors[name]
        insights = unless_gone(lambda: client.get_insight_selectors(TrailName=physical_id)) or {}
        if insights.get("InsightSelectors"):
            told["InsightSelectors"] = insights["InsightSelectors"]
        return told

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        for name in ("EventSelectors", "AdvancedEventSelectors"):
            if before.get(name) != after.get(name) and after.get(name):
                call(client, "put_event_selectors", {"TrailName": physical_id, name: after[name]})
        if before.get("InsightSelectors") != after.get("InsightSelectors"):
            wanted = after.get("InsightSelectors") or []
            call(client, "put_insight_selectors", {"TrailName": physical_id, "InsightSelectors": wanted})
        logs, logged = is_true(after["IsLogging"]), is_true(before["IsLogging"])
        if logs and not logged:
            client.start_logging(Name=physical_id)
        elif logged and not logs:
            client.stop_logging(Name=physical_id)


HANDLERS = (Trail(),)
