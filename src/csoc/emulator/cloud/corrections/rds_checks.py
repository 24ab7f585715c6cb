"""RDS: what has to exist before something is made, and what has to be gone before something is deleted.

Source: RDS API Reference, the errors of each operation.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.rds.models import RDSBackend, rds_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction


def backend_of(call: Call) -> RDSBackend:
    """moto's RDS of the account and region that a call is for."""
    backend: RDSBackend = rds_backends[call.owner or call.account][call.region]
    return backend


def world_of(call: Call) -> RDSBackend:
    """Where moto keeps global databases."""
    backend: RDSBackend = rds_backends[call.owner or call.account]["us-east-1"]
    return backend


def subnets_of(call: Call) -> list[Any]:
    """The subnets that a call names, as far as they exist."""
    ec2 = ec2_backends[call.owner or call.account][call.region]
    wanted = set(call.parameters["SubnetIds"])
    return [subnet for zone in ec2.subnets.values() for subnet in zone.values() if subnet.id in wanted]


def checks() -> Correction:
    """What RDS refuses and moto does not."""
    return Correction(
        "rds",
        {
            "CreateDBCluster": _create_cluster,
            "CreateDBInstance": _create_instance,
            "CreateDBSubnetGroup": _subnet_group,
            "ModifyDBSubnetGroup": _subnet_group,
            "DeleteDBSubnetGroup": _delete_subnet_group,
            "CreateDBClusterParameterGroup": _create_cluster_parameters,
            "DeleteDBClusterParameterGroup": _delete_cluster_parameters,
            "DeleteDBParameterGroup": _delete_parameters,
            "DeleteGlobalCluster": _delete_global,
            "DeleteDBCluster": _delete_cluster,
        },
    )


def _create_cluster(call: Call) -> Answer | None:
    backend, given = backend_of(call), call.parameters
    if str(given["DBClusterIdentifier"]).lower() in backend.clusters:
        raise AwsError("DBClusterAlreadyExistsFault", "DB Cluster already exists", 400)
    _subnet_group_exists(call)
    group = given.get("DBClusterParameterGroupName", "")
    if group and not group.startswith("default.") and group not in backend.db_cluster_parameter_groups:
        message = f"DBClusterParameterGroup not found: {group}"
        raise AwsError("DBClusterParameterGroupNotFound", message, 404)
    if given.get("ManageMasterUserPassword") and given.get("MasterUserPassword"):
        message = "You can't specify MasterUserPassword when ManageMasterUserPassword is on."
        raise AwsError("InvalidParameterCombination", message, 400)
    return None


def _create_instance(call: Call) -> Answer | None:
    backend, given = backend_of(call), call.parameters
    _subnet_group_exists(call)
    cluster = given.get("DBClusterIdentifier")
    if cluster and str(cluster).lower() not in backend.clusters:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {cluster} not found.", 404)
    return None


def _subnet_group_exists(call: Call) -> None:
    group = str(call.parameters.get("DBSubnetGroupName", ""))
    if group and group != "default" and group.lower() not in backend_of(call).subnet_groups:
        raise AwsError("DBSubnetGroupNotFoundFault", f"DB subnet group '{group}' does not exist.", 404)


def _subnet_group(call: Call) -> Answer | None:
    name = str(call.parameters["DBSubnetGroupName"])
    if call.operation == "CreateDBSubnetGroup" and name.lower() in backend_of(call).subnet_groups:
        message = f"The DB subnet group '{name}' already exists."
        raise AwsError("DBSubnetGroupAlreadyExists", message, 400)
    found, wanted = subnets_of(call), set(call.parameters["SubnetIds"])
    missing = sorted(wanted - {subnet.id for subnet in found})
    if missing:
        raise AwsError("InvalidSubnet", f"The requested subnet {missing[0]} is invalid", 400)
    zones = sorted({subnet.availability_zone for subnet in found})
    if len(zones) < 2:
        raise AwsError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            f"{', '.join(zones)}. Add subnets to cover at least 2 AZs.",
            400,
        )
    return None


def _delete_subnet_group(call: Call) -> Answer | None:
    name = str(call.parameters["DBSubnetGroupName"]).lower()
    backend = backend_of(call)
    users = [cluster.db_cluster_identifier for cluster in backend.clusters.values() if cluster.db_subnet_group == name]
    users += [found.db_instance_identifier for found in backend.databases.values() if _group_of(found) == name]
    if users:
        message = f"Cannot delete the subnet group '{name}' because at least one database instance: {users[0]} is still"
        raise AwsError("InvalidDBSubnetGroupStateFault", f"{message} using it.", 400)
    return None


def _group_of(instance: Any) -> str:
    return str(getattr(getattr(instance, "db_subnet_group", None), "name", ""))


def _create_cluster_parameters(call: Call) -> Answer | None:
    name = str(call.parameters["DBClusterParameterGroupName"])
    if name in backend_of(call).db_cluster_parameter_groups:
        message = f"Parameter group {name} already exists"
        raise AwsError("DBParameterGroupAlreadyExists", message, 400)
    return None


def _delete_cluster_parameters(call: Call) -> Answer | None:
    name = str(call.parameters["DBClusterParameterGroupName"])
    if any(cluster.parameter_group == name for cluster in backend_of(call).clusters.values()):
        message = f"One or more DB clusters are still members of this parameter group {name}, so the group cannot be"
        raise AwsError("InvalidDBParameterGroupState", f"{message} deleted", 400)
    return None


def _delete_parameters(call: Call) -> Answer | None:
    name = str(call.parameters["DBParameterGroupName"])
    if any(found.db_parameter_group_name == name for found in backend_of(call).databases.values()):
        message = f"One or more database instances are still members of this parameter group {name}, so the group"
        raise AwsError("InvalidDBParameterGroupState", f"{message} cannot be deleted", 400)
    return None


def _delete_global(call: Call) -> Answer | None:
    found = world_of(call).global_clusters.get(str(call.parameters["GlobalClusterIdentifier"]))
    if found is None:
        message = f"Global cluster {call.parameters['GlobalClusterIdentifier']} not found"
        raise AwsError("GlobalClusterNotFoundFault", message, 404)
    if found.deletion_protection:
        message = "Cannot delete protected Global Cluster, please disable deletion protection and try again."
        raise AwsError("InvalidParameterCombination", message, 400)
    return None


def _delete_cluster(call: Call) -> Answer | None:
    if not call.parameters.get("SkipFinalSnapshot") and not call.parameters.get("FinalDBSnapshotIdentifier"):
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise AwsError("InvalidParameterCombination", message, 400)
    return None
