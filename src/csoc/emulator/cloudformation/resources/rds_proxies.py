"""Proxies of RDS, and which databases are behind them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.rds import TAG_CALLS
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, gone_and_new
from csoc.emulator.cloudformation.resources.translation import call, unless_gone

_TARGET_GROUP = "default"


class DbProxy(ServiceType):
    """AWS::RDS::DBProxy."""

    type_name, service = "AWS::RDS::DBProxy", "rds"
    create_call, id_path = "create_db_proxy", "DBProxy.DBProxyName"
    delete_call, delete_member = "delete_db_proxy", "DBProxyName"
    name = "DBProxyName"
    takes = ("Auth", "DebugLogging", "EngineFamily", "IdleClientTimeout", "RequireTLS", "RoleArn", "VpcSubnetIds")
    also = ("VpcSecurityGroupIds",)
    changes = (
        Change(
            ("Auth", "DebugLogging", "IdleClientTimeout", "RequireTLS", "RoleArn"),
            "modify_db_proxy",
            lambda name, wanted: {
                "DBProxyName": name,
                **{
                    key: wanted[key]
                    for key in ("Auth", "DebugLogging", "IdleClientTimeout", "RequireTLS", "RoleArn")
                    if key in wanted
                },
            },
        ),
        Change(
            ("VpcSecurityGroupIds",),
            "modify_db_proxy",
            lambda name, wanted: {"DBProxyName": name, "SecurityGroups": wanted["VpcSecurityGroupIds"]},
        ),
    )
    defaults = {"DebugLogging": False, "IdleClientTimeout": 1800, "RequireTLS": False}
    described = Describe("describe_db_proxies", "DBProxyName", "DBProxies.0", many=False)
    attributes = {"DBProxyArn": "DBProxyArn", "Endpoint": "Endpoint", "VpcId": "VpcId"}
    tag_calls = TagCalls(
        TAG_CALLS.tag,
        TAG_CALLS.untag,
        "ResourceName",
        resource="DBProxyArn",
        listing="list_tags_for_resource",
        path="TagList",
    )

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        groups = properties.get("VpcSecurityGroupIds")
        return {**given, "VpcSecurityGroupIds": groups} if groups else given


class DbProxyTargetGroup(ServiceType):
    """AWS::RDS::DBProxyTargetGroup. RDS makes the one group of a proxy itself; this says what it holds."""

    type_name, service, tags = "AWS::RDS::DBProxyTargetGroup", "rds", ""
    also = (
        "ConnectionPoolConfigurationInfo",
        "DBClusterIdentifiers",
        "DBInstanceIdentifiers",
        "DBProxyName",
        "TargetGroupName",
    )
    attributes = {"TargetGroupArn": "TargetGroupArn"}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        if properties["TargetGroupName"] != _TARGET_GROUP:
            raise ResourceError("The target group of a proxy is called default", "InvalidRequest")
        self._set(client, {}, properties)
        groups = client.describe_db_proxy_target_groups(DBProxyName=properties["DBProxyName"])["TargetGroups"]
        return str(groups[0]["TargetGroupArn"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self._set(client, before, after)
        return {"ConnectionPoolConfigurationInfo", "DBClusterIdentifiers", "DBInstanceIdentifiers"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        for proxy in client.describe_db_proxies()["DBProxies"]:
            groups = client.describe_db_proxy_target_groups(DBProxyName=proxy["DBProxyName"])["TargetGroups"]
            for group in groups:
                if group["TargetGroupArn"] == physical_id:
                    return dict(group)
        return None

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = {"DBProxyName": found["DBProxyName"], "TargetGroupName": _TARGET_GROUP}
        targets = client.describe_db_proxy_targets(**asked)["Targets"]
        told: dict[str, Any] = {"ConnectionPoolConfigurationInfo": found.get("ConnectionPoolConfig")}
        clusters = [target["RdsResourceId"] for target in targets if target["Type"] == "TRACKED_CLUSTER"]
        instances = [target["RdsResourceId"] for target in targets if target["Type"] == "RDS_INSTANCE"]
        if clusters:
            told["DBClusterIdentifiers"] = clusters
        elif instances:
            told["DBInstanceIdentifiers"] = instances
        return told

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        """The group stays with its proxy, without targets."""
        asked = {"DBProxyName": properties["DBProxyName"], "TargetGroupName": _TARGET_GROUP}
        for name in ("DBClusterIdentifiers", "DBInstanceIdentifiers"):
            if properties.get(name):
                given = {**asked, name: properties[name]}
                unless_gone(partial(client.deregister_db_proxy_targets, **given))

    @staticmethod
    def _set(client: Any, before: Properties, after: Properties) -> None:
        asked = {"DBProxyName": after["DBProxyName"], "TargetGroupName": _TARGET_GROUP}
        pool = after.get("ConnectionPoolConfigurationInfo")
        if pool and pool != before.get("ConnectionPoolConfigurationInfo"):
            call(client, "modify_db_proxy_target_group", {**asked, "ConnectionPoolConfig": pool})
        for name in ("DBClusterIdentifiers", "DBInstanceIdentifiers"):
            old, new = gone_and_new(before.get(name) or (), after.get(name) or ())
            if old:
                call(client, "deregister_db_proxy_targets", {**asked, name: old})
            if new:
                call(client, "register_db_proxy_targets", {**asked, name: new})


HANDLERS = (DbProxy(), DbProxyTargetGroup())
