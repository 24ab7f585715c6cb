"""Global databases of RDS, which clusters of several regions join."""

from __future__ import annotations

from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.rds import TAG_CALLS
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import unless_gone


class GlobalCluster(ServiceType):
    """AWS::RDS::GlobalCluster."""

    type_name, service = "AWS::RDS::GlobalCluster", "rds"
    create_call, id_path = "create_global_cluster", "GlobalCluster.GlobalClusterIdentifier"
    delete_call, delete_member = "delete_global_cluster", "GlobalClusterIdentifier"
    name, small, longest = "GlobalClusterIdentifier", True, 63
    takes = ("DeletionProtection", "Engine", "EngineLifecycleSupport", "EngineVersion", "SourceDBClusterIdentifier")
    also = ("StorageEncrypted",)
    unread = ("SourceDBClusterIdentifier",)
    changes = (
        Change(
            ("DeletionProtection", "EngineVersion"),
            "modify_global_cluster",
            lambda name, wanted: {
                "GlobalClusterIdentifier": name,
                "DeletionProtection": wanted["DeletionProtection"],
                **({"EngineVersion": wanted["EngineVersion"]} if "EngineVersion" in wanted else {}),
            },
        ),
    )
    defaults = {"DeletionProtection": False}
    described = Describe("describe_global_clusters", "GlobalClusterIdentifier", "GlobalClusters.0", many=False)
    attributes = {"GlobalEndpoint.Address": "Endpoint"}
    tag_calls = TagCalls(TAG_CALLS.tag, TAG_CALLS.untag, "ResourceName", resource="GlobalClusterArn", path="TagList")

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        # Engine and encryption come from the source; RDS refuses them beside it.
        if "StorageEncrypted" in properties and "SourceDBClusterIdentifier" not in properties:
            given["StorageEncrypted"] = properties["StorageEncrypted"]
        return given

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        # The cluster that it was made of leaves first; others that joined keep it from being deleted.
        source = properties.get("SourceDBClusterIdentifier")
        if source:
            asked = {"GlobalClusterIdentifier": physical_id, "DbClusterIdentifier": source}
            unless_gone(lambda: client.remove_from_global_cluster(**asked))
        super().remove(context, client, physical_id, properties)


HANDLERS = (GlobalCluster(),)
