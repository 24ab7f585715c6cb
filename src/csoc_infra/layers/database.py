"""What an environment's data is in: Aurora PostgreSQL, and a search domain where a service needs one.

Two services of Gen3 (arborist, gen3-embeddings) cannot speak TLS to PostgreSQL, so it cannot be demanded. What stands
instead: subnets without a way out, a security group that lets the cluster's nodes in and nobody else, and encrypted
storage. Other ports than 5432 are not understood by fence, wts and requestor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

from csoc_infra.checks import between, each, matches, retention
from csoc_infra.context import Given
from csoc_infra.mistakes import MistakeError
from csoc_infra.parts import search
from csoc_infra.parts.doors import door
from csoc_infra.parts.keys import key, logs_use
from csoc_infra.parts.shared import log_group, retained
from csoc_infra.settings import setting

NAME = "database"
INPUTS = ("NetworkVpcId", "NetworkIsolatedSubnetIds", "ClusterClusterSecurityGroupId")
OPTIONAL_INPUTS: tuple[str, ...] = ()
OUTPUTS = (
    "DatabaseEndpoint",
    "DatabasePort",
    "DatabaseSecretArn",
    "DatabaseSecretName",
    "DatabaseKeyArn",
    "DatabaseSecurityGroupId",
    "SearchEndpoint",
    "SearchDomainArn",
)

_PORT = 5432
_MASTER = "postgres"
_PASSWORD_LENGTH = 40
_DESCRIPTION = (
    "csoc: layer database. Connections to PostgreSQL may be unencrypted (rds.force_ssl is 0), because arborist and "
    "gen3-embeddings cannot speak TLS to it; therefore only the cluster's own security group is let in, from subnets "
    "without a way out. The key and the master login outlive the stack; with removal retain, everything does."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Sizes of the database. Capacities are in ACU (about 2 GiB of memory each)."""

    engine_version: str = setting(check=matches(r"1[4-7]\.\d{1,2}", "a version of Aurora PostgreSQL like 16.11"))
    minimum_capacity: float = setting(check=between(0.5, 256))
    """Never 0: Gen3 holds connections, so that a database that may pause never does."""
    maximum_capacity: float = setting(check=between(1, 256))
    readers: int = setting(check=between(0, 5))
    """Instances besides the writer, each in another zone, which take over if it fails."""
    zones: int = setting(check=between(2, 3))
    """How many zones the network's isolated subnets are in: the region's first ones."""
    zone_names: tuple[str, ...] = setting(
        default=(), check=each(matches(r"[a-z]{2,3}(-[a-z]{2,10}){1,3}-\d[a-z]", "a zone like ap-southeast-2a"))
    )
    """These zones instead, for a network that is not csoc's."""
    backup_days: int = setting(check=between(1, 35))
    backup_window: str = setting(default="", check=matches(r"(\d\d:\d\d-\d\d:\d\d)?", "a time (UTC) like 16:00-17:00"))
    maintenance_window: str = setting(
        default="", check=matches(r"([a-z]{3}:\d\d:\d\d-[a-z]{3}:\d\d:\d\d)?", "a time (UTC) like sun:17:00-sun:18:00")
    )
    log_days: int = setting(check=retention)
    deletion_protection: bool = setting(default=True)
    """RDS refuses to delete the cluster then, whoever asks, CloudFormation too. With removal "snapshot" a change of its
    own switches it off before the stack is deleted. An instance that fails when the stack is first made leaves
    ROLLBACK_FAILED: the protection has to be switched off at the cluster, and the cluster deleted, before the next
    attempt."""
    removal: Literal["retain", "snapshot"] = setting(default="retain")
    """What becomes of the database when its stack is deleted: it stays as it is, or only a last snapshot of it does.
    The master user's secret and the key stay with both."""
    search: search.Settings | None = None

    def __post_init__(self) -> None:
        for name in ("minimum_capacity", "maximum_capacity"):
            if getattr(self, name) % 0.5:
                raise MistakeError(name, "wanted is a multiple of 0.5")
        if self.minimum_capacity > self.maximum_capacity:
            raise MistakeError("minimum_capacity", f"it is above maximum_capacity ({self.maximum_capacity:g})")
        if self.zone_names and len(self.zone_names) != self.zones:
            raise MistakeError("zone_names", f"{len(self.zone_names)} are named, and zones says {self.zones}")
        if self.search is not None and self.search.zones > self.zones:
            raise MistakeError("search.zones", f"the network has subnets in {self.zones} zones")

    @property
    def family(self) -> str:
        """Of the parameter group."""
        return f"aurora-postgresql{self.engine_version.partition('.')[0]}"


def build(stack: cdk.Stack, settings: Settings, given: Given) -> Mapping[str, str]:
    """Puts the layer's resources into its stack."""
    stack.template_options.description = _DESCRIPTION
    identifier, stays = given.name("database"), settings.removal == "retain"
    log_name = f"/aws/rds/cluster/{identifier}/postgresql"
    groups = (log_name, search.log_group_name(given)) if settings.search else (log_name,)
    encryption = key(stack, given, "database", f"Data of the environment {given.owner}", [logs_use(given, *groups)])
    domain = None
    if settings.search:
        domain = search.build(stack, settings.search, given, encryption.attr_arn, settings.log_days, stays=stays)

    entry = door(stack, given, "DatabaseDoor", "database", "PostgreSQL from nodes of the cluster", _PORT, stays=stays)
    secret = _master_secret(stack, given, encryption.attr_arn)
    cluster = _cluster(stack, settings, given, identifier, encryption.attr_arn, entry, secret)
    # RDS writes the log anyway; made here, it is encrypted and has an end.
    group = log_group(stack, "DatabaseLogs", log_name, settings.log_days, key_arn=encryption.attr_arn)
    cluster.add_resource_dependency(group)
    if domain is not None:
        # A protected database cannot be rolled back. So what fails most often, the domain, is made before.
        cluster.add_resource_dependency(domain)
    attachment = secretsmanager.CfnSecretTargetAttachment(
        stack, "MasterSecretAddress", secret_id=secret.ref, target_id=cluster.ref, target_type="AWS::RDS::DBCluster"
    )
    retained(attachment)
    return {
        "DatabaseEndpoint": cluster.attr_endpoint_address,
        "DatabasePort": cluster.attr_endpoint_port,
        "DatabaseSecretArn": secret.ref,
        "DatabaseSecretName": given.name("database-master"),
        "DatabaseKeyArn": encryption.attr_arn,
        "DatabaseSecurityGroupId": entry.attr_group_id,
        "SearchEndpoint": domain.attr_domain_endpoint if domain else "",
        "SearchDomainArn": domain.attr_arn if domain else "",
    }


def _master_secret(stack: cdk.Stack, given: Given, key_arn: str) -> secretsmanager.CfnSecret:
    """The master user's secret, with a value that Secrets Manager makes up and that no template holds.

    RDS could manage it, but then it would hold no host and port, which the chart's jobs read from it. The chart has one
    name for it, in Secrets Manager and in Kubernetes, where names have no slash.
    """
    secret = secretsmanager.CfnSecret(
        stack,
        "MasterSecret",
        name=given.name("database-master"),
        description=f"Master user of the database of {given.owner}",
        kms_key_id=key_arn,
        generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
            secret_string_template=f'{{"username":"{_MASTER}"}}',
            generate_string_key="password",
            password_length=_PASSWORD_LENGTH,
            # Gen3 puts passwords into URLs as they are.
            exclude_punctuation=True,
        ),
    )
    retained(secret)
    return secret


def _cluster(
    stack: cdk.Stack,
    settings: Settings,
    given: Given,
    identifier: str,
    key_arn: str,
    entry: ec2.CfnSecurityGroup,
    secret: secretsmanager.CfnSecret,
) -> rds.CfnDBCluster:
    subnets = rds.CfnDBSubnetGroup(
        stack,
        "DatabaseSubnets",
        db_subnet_group_name=identifier,
        db_subnet_group_description="Subnets without a way out",
        subnet_ids=given.list("NetworkIsolatedSubnetIds"),
    )
    parameters = rds.CfnDBClusterParameterGroup(
        stack,
        "DatabaseParameters",
        db_cluster_parameter_group_name=f"{identifier}-{settings.family}",
        family=settings.family,
        description="Gen3 in PostgreSQL",
        parameters={
            "rds.force_ssl": "0",
            # Statements that make users have their passwords in them, so no statement goes to the log.
            "log_statement": "none",
            "log_min_error_statement": "panic",
            "log_min_duration_statement": "-1",
        },
    )
    cluster = rds.CfnDBCluster(
        stack,
        "Database",
        db_cluster_identifier=identifier,
        engine="aurora-postgresql",
        engine_version=settings.engine_version,
        port=_PORT,
        master_username=_MASTER,
        master_user_password=f"{{{{resolve:secretsmanager:{secret.ref}:SecretString:password}}}}",
        db_subnet_group_name=subnets.ref,
        db_cluster_parameter_group_name=parameters.ref,
        vpc_security_group_ids=[entry.attr_group_id],
        serverless_v2_scaling_configuration=rds.CfnDBCluster.ServerlessV2ScalingConfigurationProperty(
            min_capacity=settings.minimum_capacity, max_capacity=settings.maximum_capacity
        ),
        storage_encrypted=True,
        kms_key_id=key_arn,
        backup_retention_period=settings.backup_days,
        preferred_backup_window=settings.backup_window or None,
        preferred_maintenance_window=settings.maintenance_window or None,
        copy_tags_to_snapshot=True,
        delete_automated_backups=False,
        deletion_protection=settings.deletion_protection,
        enable_iam_database_authentication=True,
        enable_cloudwatch_logs_exports=["postgresql"],
    )
    instances = [_instance(stack, settings, cluster, number, key_arn) for number in range(settings.readers + 1)]
    if settings.removal == "retain":
        for one in (subnets, parameters, cluster, *instances):
            retained(one)
    else:
        cluster.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.SNAPSHOT
        cluster.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.SNAPSHOT
    return cluster


def _instance(
    stack: cdk.Stack, settings: Settings, cluster: rds.CfnDBCluster, number: int, key_arn: str
) -> rds.CfnDBInstance:
    """The writer, which is number 0, or a reader."""
    zone = number % settings.zones
    return rds.CfnDBInstance(
        stack,
        f"DatabaseInstance{number}",
        db_instance_identifier=f"{cluster.db_cluster_identifier}-{number}",
        db_cluster_identifier=cluster.ref,
        db_instance_class="db.serverless",
        engine="aurora-postgresql",
        # Without it RDS takes any zone, also the writer's.
        availability_zone=settings.zone_names[zone] if settings.zone_names else cdk.Fn.select(zone, cdk.Fn.get_azs()),
        promotion_tier=min(number, 1),
        publicly_accessible=False,
        # A version is changed by a plan that somebody approves.
        auto_minor_version_upgrade=False,
        enable_performance_insights=True,
        performance_insights_kms_key_id=key_arn,
        performance_insights_retention_period=7,
    )
