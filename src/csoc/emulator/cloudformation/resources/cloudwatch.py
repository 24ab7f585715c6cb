"""Alarms and dashboards of CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import call, unless_gone


class _AnyAlarm(ServiceType):
    """An alarm. Putting one again changes it. kind: CloudWatch's word for it."""

    kind: str
    service, name, longest = "cloudwatch", "AlarmName", 255
    tag_calls = TagCalls(
        "tag_resource", "untag_resource", "ResourceARN", resource="AlarmArn", listing="list_tags_for_resource"
    )
    attributes = {"Arn": "AlarmArn"}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        given = {**self.parameters(context, after), "AlarmName": physical_id}
        call(client, self.create_call, given)
        return set(self.takes)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        asked = {"AlarmNames": [physical_id], "AlarmTypes": [f"{self.kind}Alarm"]}
        found = client.describe_alarms(**asked)[f"{self.kind}Alarms"]
        return dict(found[0]) if found else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_alarms(AlarmNames=[physical_id]))


class Alarm(_AnyAlarm):
    """AWS::CloudWatch::Alarm."""

    type_name, kind, create_call = "AWS::CloudWatch::Alarm", "Metric", "put_metric_alarm"
    takes = (
        "ActionsEnabled",
        "AlarmActions",
        "AlarmDescription",
        "ComparisonOperator",
        "DatapointsToAlarm",
        "Dimensions",
        "EvaluateLowSampleCountPercentile",
        "EvaluationPeriods",
        "ExtendedStatistic",
        "InsufficientDataActions",
        "MetricName",
        "Metrics",
        "Namespace",
        "OKActions",
        "Period",
        "Statistic",
        "Threshold",
        "ThresholdMetricId",
        "TreatMissingData",
        "Unit",
    )


class CompositeAlarm(_AnyAlarm):
    """AWS::CloudWatch::CompositeAlarm."""

    type_name, kind, create_call = "AWS::CloudWatch::CompositeAlarm", "Composite", "put_composite_alarm"
    takes = (
        "ActionsEnabled",
        "ActionsSuppressor",
        "ActionsSuppressorExtensionPeriod",
        "ActionsSuppressorWaitPeriod",
        "AlarmActions",
        "AlarmDescription",
        "AlarmRule",
        "InsufficientDataActions",
        "OKActions",
    )


class Dashboard(ServiceType):
    """AWS::CloudWatch::Dashboard."""

    type_name, service, name, longest, tags = "AWS::CloudWatch::Dashboard", "cloudwatch", "DashboardName", 255, ""
    create_call, takes = "put_dashboard", ("DashboardBody",)
    changes = (
        Change(
            ("DashboardBody",),
            "put_dashboard",
            lambda name, wanted: {"DashboardName": name, "DashboardBody": wanted["DashboardBody"]},
        ),
    )
    described = Describe("get_dashboard", "DashboardName", "", many=False)

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_dashboards(DashboardNames=[physical_id]))


HANDLERS = (Alarm(), CompositeAlarm(), Dashboard())
