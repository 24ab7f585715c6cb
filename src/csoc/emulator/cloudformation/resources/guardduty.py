"""Detectors of GuardDuty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, pieces
from csoc.emulator.cloudformation.resources.translation import at_path, call, unless_gone


class Detector(ServiceType):
    """AWS::GuardDuty::Detector. A region has one."""

    type_name, service = "AWS::GuardDuty::Detector", "guardduty"
    create_call, id_path = "create_detector", "DetectorId"
    delete_call, delete_member = "delete_detector", "DetectorId"
    takes = ("DataSources", "Enable", "Features", "FindingPublishingFrequency")
    described = Describe("get_detector", "DetectorId", "", many=False)
    attributes = {"Id": ""}
    tag_calls = TagCalls("tag_resource", "untag_resource", "ResourceArn", resource="Arn", pairs=False)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        try:
            found = super().describe(client, physical_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BadRequestException":
                raise
            return None
        region, role = client.meta.region_name, str((found or {}).get("ServiceRole", ""))
        account = role.split(":")[4] if role.count(":") > 4 else ""
        arn = f"arn:aws:guardduty:{region}:{account}:detector/{physical_id}"
        return {**found, "Arn": arn, "Enable": found["Status"] == "ENABLED"} if found else None

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        given = {name: after[name] for name in left & set(self.takes) if name in after}
        if given:
            call(client, "update_detector", {"DetectorId": physical_id, **given})
        return set(self.takes)

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        features = [
            {name: value for name, value in feature.items() if name != "UpdatedAt" and value}
            for feature in found.get("Features", ())
        ]
        sources = found.get("DataSources", {})
        told = {
            "S3Logs": {"Enable": _on(sources, "S3Logs")},
            "Kubernetes": {"AuditLogs": {"Enable": _on(sources, "Kubernetes.AuditLogs")}},
        }
        return {"DataSources": told} | ({"Features": features} if features else {})


def _on(sources: Mapping[str, Any], path: str) -> bool:
    return bool(at_path(sources, f"{path}.Status") == "ENABLED")


class Filter(ServiceType):
    """AWS::GuardDuty::Filter of a detector's findings."""

    type_name, service, tags = "AWS::GuardDuty::Filter", "guardduty", ""
    create_call = "create_filter"
    takes = ("Action", "Description", "DetectorId", "FindingCriteria", "Name", "Rank")

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        call(client, self.create_call, self.parameters(context, properties))
        return f"{properties['DetectorId']}|{properties['Name']}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        defaults = {"Action": "NOOP", "Description": "", "Rank": 1}
        wanted = {name: {**defaults, **after}[name] for name in left}
        call(client, "update_filter", {**_filter(physical_id), **wanted})
        return set(left)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        try:
            found = unless_gone(lambda: client.get_filter(**_filter(physical_id)))
        except ClientError as error:
            if error.response["Error"]["Code"] != "BadRequestException":
                raise
            return None
        return None if found is None else {**found, "DetectorId": _filter(physical_id)["DetectorId"]}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_filter(**_filter(physical_id)))

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return str(found["Name"])


def _filter(physical_id: str) -> dict[str, str]:
    detector, name = pieces(physical_id)
    return {"DetectorId": detector, "FilterName": name}


HANDLERS = (Detector(), Filter())
