"""RDS: operations that moto lacks, or gets wrong altogether.

Source: RDS API Reference.
"""

from __future__ import annotations

from typing import Any

from moto.rds.models import rds_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction
from csoc.emulator.cloud.corrections.rds_checks import backend_of, subnets_of, world_of


def missing() -> Correction:
    """They act on what moto keeps."""
    return Correction(
        "rds",
        {
            "CreateGlobalCluster": _create_global,
            "DescribeGlobalClusters": _describe_global,
            "ModifyGlobalCluster": _modify_global,
            "RemoveFromGlobalCluster": _leave_global,
            "AddTagsToResource": _tag,
            "RemoveTagsFromResource": _untag,
            "ListTagsForResource": _list_tags,
            "ModifyDBSubnetGroup": _modify_subnet_group,
            "ModifyEventSubscription": _modify_subscription,
            "AddSourceIdentifierToSubscription": _add_source,
            "RemoveSourceIdentifierFromSubscription": _remove_source,
            "ModifyDBProxy": _modify_proxy,
            "ResetDBParameterGroup": _reset_parameters,
            "ResetDBClusterParameterGroup": _reset_parameters,
        },
    )


def _global(call: Call) -> Any:
    name = str(call.parameters["GlobalClusterIdentifier"]).lower()
    found = world_of(call).global_clusters.get(name)
    if found is None:
        raise AwsError("GlobalClusterNotFoundFault", f"Global cluster {name} not found", 404)
    return found


def _told_global(found: Any) -> dict[str, Any]:
    return {
        "GlobalClusterIdentifier": found.global_cluster_identifier,
        "GlobalClusterArn": found.global_cluster_arn,
        "GlobalClusterResourceId": found.global_cluster_resource_id,
        "Engine": found.engine,
        "EngineVersion": found.engine_version,
        "Status": found.status,
        "StorageEncrypted": found.storage_encrypted,
        "DeletionProtection": found.deletion_protection,
        "Endpoint": found.endpoint,
        "GlobalClusterMembers": found.global_cluster_members,
        "TagList": found.tags,
    }


def _create_global(call: Call) -> Answer | None:
    """moto looks for the source in one region only, and drops tags."""
    given = call.parameters
    if str(given["GlobalClusterIdentifier"]).lower() in world_of(call).global_clusters:
        message = f"The global cluster {given['GlobalClusterIdentifier']} already exists."
        raise AwsError("GlobalClusterAlreadyExistsFault", message, 400)
    source = str(given.get("SourceDBClusterIdentifier") or "")
    if not source:
        if not given.get("Engine"):
            message = "When creating standalone global cluster, value for engineName should be specified"
            raise AwsError("InvalidParameterValue", message, 400)
        return {"GlobalCluster": _told_global(_made_global(call, given["Engine"], given.get("EngineVersion")))}
    if given.get("Engine"):
        message = "Engine is that of the source cluster and must not be given."
        raise AwsError("InvalidParameterCombination", message, 400)
    parts = source.split(":")
    regional = rds_backends[call.owner or call.account].get(parts[3]) if len(parts) > 6 else None
    cluster: Any = regional.clusters.get(parts[-1]) if regional is not None else None
    if cluster is None:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {source} not found.", 404)
    made = _made_global(call, cluster.engine, cluster.engine_version, cluster.storage_encrypted)
    made.members.append(cluster)
    cluster.is_writer = True
    return {"GlobalCluster": _told_global(made)}


def _made_global(call: Call, engine: str, version: str | None, encrypted: bool | None = None) -> Any:
    given = call.parameters
    made: Any = world_of(call).create_global_cluster(
        str(given["GlobalClusterIdentifier"]).lower(),
        None,
        engine,
        version,
        given.get("StorageEncrypted", encrypted),
        given.get("DeletionProtection"),
    )
    made.tags = list(given.get("Tags", ()))
    return made


def _tags_of_global(call: Call) -> Any:
    """The global database whose ARN a call about tags names; None if it names something else."""
    _, _, name = str(call.parameters["ResourceName"]).partition(":global-cluster:")
    return world_of(call).global_clusters.get(name) if name else None


def _tag(call: Call) -> Answer | None:
    found = _tags_of_global(call)
    if found is None:
        return None
    new = {tag["Key"]: tag for tag in call.parameters["Tags"]}
    found.tags = [tag for tag in found.tags if tag["Key"] not in new] + list(new.values())
    return {}


def _untag(call: Call) -> Answer | None:
    found = _tags_of_global(call)
    if found is None:
        return None
    found.tags = [tag for tag in found.tags if tag["Key"] not in call.parameters["TagKeys"]]
    return {}


def _list_tags(call: Call) -> Answer | None:
    found = _tags_of_global(call)
    return None if found is None else {"TagList": found.tags}


def _describe_global(call: Call) -> Answer | None:
    """moto tells all, whichever was asked for."""
    if not call.parameters.get("GlobalClusterIdentifier"):
        return None
    return {"GlobalClusters": [_told_global(_global(call))]}


def _leave_global(call: Call) -> Answer:
    """moto looks for the global database in the region of the call only."""
    found, wanted = _global(call), str(call.parameters["DbClusterIdentifier"])
    members = [member for member in found.members if wanted in (member.db_cluster_arn, member.db_cluster_identifier)]
    if not members:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {wanted} not found.", 404)
    found.members = [member for member in found.members if member not in members]
    for member in members:
        member.global_cluster_identifier = None
    return {"GlobalCluster": _told_global(found)}


def _modify_global(call: Call) -> Answer:
    found = _global(call)
    if "DeletionProtection" in call.parameters:
        found.deletion_protection = call.parameters["DeletionProtection"]
    if "EngineVersion" in call.parameters:
        found.engine_version = call.parameters["EngineVersion"]
    return {"GlobalCluster": _told_global(found)}


def _modify_subnet_group(call: Call) -> Answer:
    """moto forgets the group as it changes it."""
    group: Any = backend_of(call).subnet_groups.get(str(call.parameters["DBSubnetGroupName"]).lower())
    if group is None:
        message = f"DB subnet group '{call.parameters['DBSubnetGroupName']}' does not exist."
        raise AwsError("DBSubnetGroupNotFoundFault", message, 404)
    group.subnets = subnets_of(call)
    if call.parameters.get("DBSubnetGroupDescription"):
        group.description = call.parameters["DBSubnetGroupDescription"]
    return {
        "DBSubnetGroup": {
            "DBSubnetGroupName": group.name,
            "DBSubnetGroupDescription": group.description,
            "VpcId": group.vpc_id,
            "SubnetGroupStatus": group.subnet_group_status,
            "Subnets": group.subnets,
            "DBSubnetGroupArn": group.arn,
        }
    }


def _subscription(call: Call) -> Any:
    name = str(call.parameters["SubscriptionName"])
    found = backend_of(call).event_subscriptions.get(name)
    if found is None:
        raise AwsError("SubscriptionNotFound", f"Subscription {name} not found.", 404)
    return found


def _told_subscription(found: Any) -> Answer:
    return {
        "EventSubscription": {
            "CustSubscriptionId": found.subscription_name,
            "SnsTopicArn": found.sns_topic_arn,
            "Status": found.status,
            "SourceType": found.source_type,
            "SourceIdsList": found.source_ids,
            "EventCategoriesList": found.event_categories,
            "Enabled": found.enabled,
            "EventSubscriptionArn": found.arn,
        }
    }


def _modify_subscription(call: Call) -> Answer:
    found = _subscription(call)
    kept = {
        "Enabled": "enabled",
        "EventCategories": "event_categories",
        "SourceType": "source_type",
        "SnsTopicArn": "sns_topic_arn",
    }
    for name, attribute in kept.items():
        if name in call.parameters:
            setattr(found, attribute, call.parameters[name])
    return _told_subscription(found)


def _add_source(call: Call) -> Answer:
    found = _subscription(call)
    if call.parameters["SourceIdentifier"] not in found.source_ids:
        found.source_ids = [*found.source_ids, call.parameters["SourceIdentifier"]]
    return _told_subscription(found)


def _remove_source(call: Call) -> Answer:
    found = _subscription(call)
    found.source_ids = [source for source in found.source_ids if source != call.parameters["SourceIdentifier"]]
    return _told_subscription(found)


def _modify_proxy(call: Call) -> Answer:
    found: Any = backend_of(call).db_proxies.get(str(call.parameters["DBProxyName"]))
    if found is None:
        message = f"DBProxy {call.parameters['DBProxyName']} not found."
        raise AwsError("DBProxyNotFoundFault", message, 404)
    kept = {
        "Auth": "auth",
        "RequireTLS": "require_tls",
        "IdleClientTimeout": "idle_client_timeout",
        "DebugLogging": "debug_logging",
        "RoleArn": "role_arn",
        "SecurityGroups": "vpc_security_group_ids",
    }
    for name, attribute in kept.items():
        if name in call.parameters:
            setattr(found, attribute, call.parameters[name])
    return {"DBProxy": {"DBProxyName": found.db_proxy_name, "DBProxyArn": found.arn, "Status": found.status}}


def _reset_parameters(call: Call) -> Answer:
    backend: Any = backend_of(call)
    cluster = call.operation == "ResetDBClusterParameterGroup"
    member = "DBClusterParameterGroupName" if cluster else "DBParameterGroupName"
    groups = backend.db_cluster_parameter_groups if cluster else backend.db_parameter_groups
    name = str(call.parameters[member])
    if name not in groups:
        raise AwsError("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    if call.parameters.get("ResetAllParameters"):
        groups[name].parameters.clear()
    for entry in call.parameters.get("Parameters", ()):
        groups[name].parameters.pop(entry["ParameterName"], None)
    return {member: name}
