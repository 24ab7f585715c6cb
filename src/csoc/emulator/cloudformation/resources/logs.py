"""Log groups of CloudWatch Logs, their streams and filters, and who may write to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, made_up_name, pieces
from csoc.emulator.cloudformation.resources.translation import call, unless_gone


class LogGroup(ServiceType):
    """AWS::Logs::LogGroup."""

    type_name, service = "AWS::Logs::LogGroup", "logs"
    create_call, delete_call, delete_member = "create_log_group", "delete_log_group", "logGroupName"
    name, name_member, longest, creation_tags = "LogGroupName", "logGroupName", 512, "tags"
    takes, afterwards = ("KmsKeyId", "LogGroupClass"), ("RetentionInDays",)
    attributes = {"Arn": "arn"}
    tag_calls = TagCalls(
        "tag_resource",
        "untag_resource",
        "resourceArn",
        keys="tagKeys",
        tags="tags",
        resource="logGroupArn",
        listing="list_tags_for_resource",
        path="tags",
        pairs=False,
    )

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if "KmsKeyId" in left and after.get("KmsKeyId"):
            client.associate_kms_key(logGroupName=physical_id, kmsKeyId=after["KmsKeyId"])
        elif "KmsKeyId" in left:
            client.disassociate_kms_key(logGroupName=physical_id)
        return {"KmsKeyId"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=physical_id):
            for found in page["logGroups"]:
                if found["logGroupName"] == physical_id:
                    # GetAtt gives the ARN with the pattern for its streams; tags are asked for without.
                    plain = found["arn"].removesuffix(":*")
                    return {**found, "arn": f"{plain}:*", "logGroupArn": plain}
        return None

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        if after.get("RetentionInDays"):
            given = {"logGroupName": physical_id, "retentionInDays": after["RetentionInDays"]}
            call(client, "put_retention_policy", given)
        else:
            client.delete_retention_policy(logGroupName=physical_id)


class _InGroup(ServiceType):
    """Something in a log group, known by the group's name and its own."""

    service, tags = "logs", ""

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return pieces(physical_id)[1]


class LogStream(_InGroup):
    """AWS::Logs::LogStream."""

    type_name, also = "AWS::Logs::LogStream", ("LogGroupName", "LogStreamName")

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        group, name = properties["LogGroupName"], properties.get("LogStreamName") or made_up_name(context, 512)
        client.create_log_stream(logGroupName=group, logStreamName=name)
        return f"{group}|{name}"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        group, name = pieces(physical_id)
        asked = {"logGroupName": group, "logStreamNamePrefix": name}
        found = unless_gone(lambda: client.describe_log_streams(**asked))
        for stream in (found or {}).get("logStreams", ()):
            if stream["logStreamName"] == name:
                return {"logGroupName": group, "logStreamName": name}
        return None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        group, name = pieces(physical_id)
        unless_gone(lambda: client.delete_log_stream(logGroupName=group, logStreamName=name))


class _Filter(_InGroup):
    """A filter of a log group. put, told, drop: its calls; many: where the answer has them."""

    put: str
    told: str
    drop: str
    many: str

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        name = properties.get("FilterName") or made_up_name(context, 512)
        self._put(client, properties, name)
        return f"{properties['LogGroupName']}|{name}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self._put(client, after, pieces(physical_id)[1])
        return set(self.also)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        group, name = pieces(physical_id)
        ask = getattr(client, self.told)
        found = unless_gone(lambda: ask(logGroupName=group, filterNamePrefix=name))
        for entry in (found or {}).get(self.many, ()):
            if entry["filterName"] == name:
                return {**entry, "logGroupName": group}
        return None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        group, name = pieces(physical_id)
        drop = getattr(client, self.drop)
        unless_gone(lambda: drop(logGroupName=group, filterName=name))

    def _put(self, client: Any, properties: Properties, name: str) -> None:
        given = {key: properties[key] for key in self.also if key in properties}
        call(client, self.put, {**given, "FilterName": name})


class MetricFilter(_Filter):
    """AWS::Logs::MetricFilter."""

    type_name = "AWS::Logs::MetricFilter"
    also = ("FilterName", "FilterPattern", "LogGroupName", "MetricTransformations")
    put, told, drop, many = "put_metric_filter", "describe_metric_filters", "delete_metric_filter", "metricFilters"

    def _put(self, client: Any, properties: Properties, name: str) -> None:
        # Dimensions are a list in templates and a map in the API.
        transformed = [
            {**entry, "Dimensions": {pair["Key"]: pair["Value"] for pair in entry["Dimensions"]}}
            if "Dimensions" in entry
            else entry
            for entry in properties["MetricTransformations"]
        ]
        super()._put(client, {**properties, "MetricTransformations": transformed}, name)

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        transformed = [
            {**entry, "dimensions": [{"Key": key, "Value": value} for key, value in entry["dimensions"].items()]}
            if entry.get("dimensions")
            else entry
            for entry in found["metricTransformations"]
        ]
        return {"metricTransformations": transformed}


class SubscriptionFilter(_Filter):
    """AWS::Logs::SubscriptionFilter."""

    type_name = "AWS::Logs::SubscriptionFilter"
    also = ("DestinationArn", "Distribution", "FilterName", "FilterPattern", "LogGroupName", "RoleArn")
    put, told = "put_subscription_filter", "describe_subscription_filters"
    drop, many = "delete_subscription_filter", "subscriptionFilters"


class LogPolicy(ServiceType):
    """AWS::Logs::ResourcePolicy."""

    type_name, service, tags = "AWS::Logs::ResourcePolicy", "logs", ""
    create_call, id_path = "put_resource_policy", "resourcePolicy.policyName"
    delete_call, delete_member = "delete_resource_policy", "policyName"
    takes = ("PolicyName", "PolicyDocument")
    changes = (
        Change(
            ("PolicyDocument",),
            "put_resource_policy",
            lambda name, wanted: {"policyName": name, "policyDocument": wanted["PolicyDocument"]},
        ),
    )
    described = Describe("describe_resource_policies", "", "")

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        for policy in client.describe_resource_policies()["resourcePolicies"]:
            if policy["policyName"] == physical_id:
                return dict(policy)
        return None


HANDLERS = (LogGroup(), LogStream(), MetricFilter(), SubscriptionFilter(), LogPolicy())
