"""What databases of RDS stand in and are set up by: subnet groups, parameter groups, event subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, gone_and_new
from csoc.emulator.cloudformation.resources.translation import call, text

_PER_CALL = 20
"""Parameters that one call takes at most. Source: RDS API Reference, ModifyDBParameterGroup."""


def _by_arn(path: str) -> TagCalls:
    return TagCalls(
        "add_tags_to_resource",
        "remove_tags_from_resource",
        "ResourceName",
        resource=path,
        listing="list_tags_for_resource",
        path="TagList",
    )


class DbSubnetGroup(ServiceType):
    """AWS::RDS::DBSubnetGroup."""

    type_name, service = "AWS::RDS::DBSubnetGroup", "rds"
    create_call, id_path = "create_db_subnet_group", "DBSubnetGroup.DBSubnetGroupName"
    delete_call, delete_member = "delete_db_subnet_group", "DBSubnetGroupName"
    name, small, longest = "DBSubnetGroupName", True, 255
    takes = ("DBSubnetGroupDescription", "SubnetIds")
    changes = (
        Change(
            takes,
            "modify_db_subnet_group",
            lambda group, wanted: {
                "DBSubnetGroupName": group,
                "DBSubnetGroupDescription": wanted["DBSubnetGroupDescription"],
                "SubnetIds": wanted["SubnetIds"],
            },
        ),
    )
    described = Describe("describe_db_subnet_groups", "DBSubnetGroupName", "DBSubnetGroups.0", many=False)
    attributes = {"DBSubnetGroupArn": "DBSubnetGroupArn"}
    tag_calls = _by_arn("DBSubnetGroupArn")

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        return {**given, "DBSubnetGroupName": given["DBSubnetGroupName"].lower()}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"SubnetIds": [subnet["SubnetIdentifier"] for subnet in found["Subnets"]]}


class _ParameterGroup(ServiceType):
    """Parameters of clusters or instances. kind: RDS's word for them."""

    kind: ClassVar[str]
    service, small, longest = "rds", True, 255
    takes, renamed, afterwards = ("Description",), {"Family": "DBParameterGroupFamily"}, ("Parameters",)
    read_as = {"Family": "DBParameterGroupFamily"}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        return {**given, self.name: given[self.name].lower()}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        pages = client.get_paginator(f"describe_{self.kind}_parameters").paginate(**{self.name: physical_id})
        told = {
            entry["ParameterName"]: entry["ParameterValue"]
            for page in pages
            for entry in page["Parameters"]
            if "ParameterValue" in entry
        }
        return {"Parameters": told} if told else {}

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        was, wanted = before.get("Parameters") or {}, after.get("Parameters") or {}
        entries = [
            {"ParameterName": name, "ParameterValue": text(value), "ApplyMethod": "pending-reboot"}
            for name, value in wanted.items()
            if was.get(name) != value
        ]
        for start in range(0, len(entries), _PER_CALL):
            given = {self.name: physical_id, "Parameters": entries[start : start + _PER_CALL]}
            call(client, f"modify_{self.kind}_parameter_group", given)
        gone = [{"ParameterName": name, "ApplyMethod": "pending-reboot"} for name in was.keys() - wanted.keys()]
        if gone:
            call(client, f"reset_{self.kind}_parameter_group", {self.name: physical_id, "Parameters": gone})


class DbClusterParameterGroup(_ParameterGroup):
    """AWS::RDS::DBClusterParameterGroup."""

    type_name, kind = "AWS::RDS::DBClusterParameterGroup", "db_cluster"
    create_call, id_path = "create_db_cluster_parameter_group", "DBClusterParameterGroup.DBClusterParameterGroupName"
    delete_call, delete_member = "delete_db_cluster_parameter_group", "DBClusterParameterGroupName"
    name = "DBClusterParameterGroupName"
    described = Describe("describe_db_cluster_parameter_groups", name, "DBClusterParameterGroups.0", many=False)
    tag_calls = _by_arn("DBClusterParameterGroupArn")


class DbParameterGroup(_ParameterGroup):
    """AWS::RDS::DBParameterGroup."""

    type_name, kind = "AWS::RDS::DBParameterGroup", "db"
    create_call, id_path = "create_db_parameter_group", "DBParameterGroup.DBParameterGroupName"
    delete_call, delete_member = "delete_db_parameter_group", "DBParameterGroupName"
    name = "DBParameterGroupName"
    described = Describe("describe_db_parameter_groups", name, "DBParameterGroups.0", many=False)
    attributes = {"DBParameterGroupArn": "DBParameterGroupArn"}
    tag_calls = _by_arn("DBParameterGroupArn")


class EventSubscription(ServiceType):
    """AWS::RDS::EventSubscription."""

    type_name, service = "AWS::RDS::EventSubscription", "rds"
    create_call, id_path = "create_event_subscription", "EventSubscription.CustSubscriptionId"
    delete_call, delete_member = "delete_event_subscription", "SubscriptionName"
    name, longest, small = "SubscriptionName", 255, True
    takes = ("Enabled", "EventCategories", "SnsTopicArn", "SourceIds", "SourceType")
    changes = (
        Change(
            ("Enabled", "EventCategories", "SourceType"),
            "modify_event_subscription",
            lambda name, wanted: {
                "SubscriptionName": name,
                "Enabled": wanted["Enabled"],
                "EventCategories": wanted["EventCategories"],
                **({"SourceType": wanted["SourceType"]} if "SourceType" in wanted else {}),
            },
        ),
    )
    defaults = {"Enabled": True, "EventCategories": []}
    described = Describe("describe_event_subscriptions", "SubscriptionName", "EventSubscriptionsList.0", many=False)
    read_as = {"SubscriptionName": "CustSubscriptionId", "EventCategories": "EventCategoriesList"}
    tag_calls = _by_arn("EventSubscriptionArn")

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        old, new = gone_and_new(before.get("SourceIds") or (), after.get("SourceIds") or ())
        for source in new:
            given = {"SubscriptionName": physical_id, "SourceIdentifier": source}
            client.add_source_identifier_to_subscription(**given)
        for source in old:
            given = {"SubscriptionName": physical_id, "SourceIdentifier": source}
            client.remove_source_identifier_from_subscription(**given)
        return {"SourceIds"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"SourceIds": found["SourceIdsList"]} if found.get("SourceIdsList") else {}


HANDLERS = (DbSubnetGroup(), DbClusterParameterGroup(), DbParameterGroup(), EventSubscription())
