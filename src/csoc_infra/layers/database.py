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
from aws_cdk import aws_logs as logs
from aws_cdk import aws_opensearchservice as opensearch
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

from csoc_infra.checks import between, each, matches, retention
from csoc_infra.context import Given, policy
from csoc_infra.layers.keys import key, logs_use
from csoc_infra.layers.shared import CLOSED_EGRESS, retained
from csoc_infra.mistakes import MistakeError
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
_HTTPS = 443
_MASTER = "postgres"
_PASSWORD_LENGTH = 40
_DESCRIPTION = (
    "csoc: layer database. Connections to PostgreSQL may be unencrypted (rds.force_ssl is 0), because arborist and "
    "gen3-embeddings cannot speak TLS to it; therefore only the cluster's own security group is let in, from subnets "
    "without a way out. Everything here outlives the stack."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search domain. zones: over how many its nodes are spread; one node is in one zone."""

    nodes: int = setting(check=between(1, 30))
    node_type: str = setting(
        check=matches(r"[a-z][a-z0-9]{1,10}\.[a-z0-9]{2,12}\.search", "a type like t3.small.search")
    )
    volume_gigabytes: int = setting(check=between(10, 3_000))
    zones: int = setting(check=between(1, 3))
    main_node_type: str = setting(
        default="", check=matches(r"([a-z][a-z0-9]{1,10}\.[a-z0-9]{2,12}\.search)?", "a type, or nothing for none")
    )
    """Type of three nodes that hold no data and keep the domain together; "" for none."""
    engine_version: Literal["OpenSearch_1.3", "Elasticsearch_7.10"] = setting(default="OpenSearch_1.3")
    """Both answer as Elasticsearch 7.10, which is what guppy and tube understand."""

    def __post_init__(self) -> None:
        if self.nodes < self.zones:
            raise MistakeError("zones", f"{self.nodes} nodes cannot be spread over {self.zones} zones")
        if self.zones > 1 and self.nodes % self.zones:
            raise MistakeError("nodes", f"wanted is a multiple of the {self.zones} zones, or one zone has more to bear")


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
    removal: Literal["retain", "snapshot"] = setting(default="retain")
    """What becomes of the database when its stack is deleted: it stays as it is, or only a last snapshot of it does.
    The master user's secret and the key stay with both."""
    search: Search | None = None

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
    identifier = given.name("database")
    sql_logs, search_logs = f"/aws/rds/cluster/{identifier}/postgresql", f"/csoc/{given.uid}/search"
    groups = (sql_logs, search_logs) if settings.search else (sql_logs,)
    encryption = key(stack, given, "database", f"Data of the environment {given.owner}", [logs_use(given, *groups)])
    domain = (
        _search(stack, settings, settings.search, given, encryption.attr_arn, search_logs) if settings.search else None
    )

    door = _door(stack, settings, given, "DatabaseDoor", "database", "PostgreSQL from nodes of the cluster", _PORT)
    secret = _master_secret(stack, given, encryption.attr_arn)
    cluster = _cluster(stack, settings, given, identifier, encryption.attr_arn, door, secret)
    # RDS writes the log anyway; made here, it is encrypted and has an end.
    sql_group = _log_group(stack, "DatabaseLogs", sql_logs, settings.log_days, encryption.attr_arn)
    cluster.add_resource_dependency(sql_group)
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
        "DatabaseSecurityGroupId": door.attr_group_id,
        "SearchEndpoint": domain.attr_domain_endpoint if domain else "",
        "SearchDomainArn": domain.attr_arn if domain else "",
    }


def _door(
    stack: cdk.Stack, settings: Settings, given: Given, logical_id: str, purpose: str, description: str, port: int
) -> ec2.CfnSecurityGroup:
    """A security group that lets the cluster's nodes in, and nothing out."""
    group = ec2.CfnSecurityGroup(
        stack,
        logical_id,
        group_name=given.name(purpose),
        group_description=description,
        vpc_id=given["NetworkVpcId"],
        security_group_ingress=[
            ec2.CfnSecurityGroup.IngressProperty(
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                source_security_group_id=given["ClusterClusterSecurityGroupId"],
                description=description,
            )
        ],
        security_group_egress=[CLOSED_EGRESS],
    )
    _stays(settings, group)
    return group


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
    door: ec2.CfnSecurityGroup,
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
        vpc_security_group_ids=[door.attr_group_id],
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
    _stays(settings, subnets, parameters, cluster, *instances)
    if settings.removal == "snapshot":
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


def _log_group(stack: cdk.Stack, logical_id: str, name: str, days: int, key_arn: str) -> logs.CfnLogGroup:
    group = logs.CfnLogGroup(stack, logical_id, log_group_name=name, retention_in_days=days, kms_key_id=key_arn)
    retained(group)
    return group


def _stays(settings: Settings, *resources: cdk.CfnResource) -> None:
    """What the database cannot be without stays as long as it does."""
    if settings.removal == "retain":
        for one in resources:
            retained(one)


def _search(
    stack: cdk.Stack, settings: Settings, wanted: Search, given: Given, key_arn: str, log_name: str
) -> opensearch.CfnDomain:
    """The domain. The account's service-linked role of OpenSearch Service has to be there already: a stack that makes
    it fails where another one did before."""
    name = given.name("search")
    domain_arn = given.arn("es", f"domain/{name}")
    group = _log_group(stack, "SearchLogs", log_name, settings.log_days, key_arn)
    # An account has room for ten of these policies in a region: the eleventh environment with search has to wait for
    # a higher quota.
    writes = logs.CfnResourcePolicy(
        stack,
        "SearchLogsPolicy",
        policy_name=given.name("search"),
        policy_document=stack.to_json_string(
            policy(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "es.amazonaws.com"},
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:PutLogEventsBatch"],
                    "Resource": given.arn("logs", f"log-group:{log_name}:*"),
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": given.account},
                        "ArnEquals": {"aws:SourceArn": domain_arn},
                    },
                }
            )
        ),
    )
    door = _door(stack, settings, given, "SearchDoor", "search", "Search from nodes of the cluster", _HTTPS)
    log = opensearch.CfnDomain.LogPublishingOptionProperty(
        cloud_watch_logs_log_group_arn=given.arn("logs", f"log-group:{log_name}"), enabled=True
    )
    domain = opensearch.CfnDomain(
        stack,
        "Search",
        domain_name=name,
        engine_version=wanted.engine_version,
        # Clients of Elasticsearch 7.10 ask for the version and refuse OpenSearch's.
        advanced_options={"override_main_response_version": "true"}
        if wanted.engine_version.startswith("OpenSearch")
        else None,
        cluster_config=_nodes(wanted),
        ebs_options=opensearch.CfnDomain.EBSOptionsProperty(
            ebs_enabled=True, volume_type="gp3", volume_size=wanted.volume_gigabytes
        ),
        vpc_options=opensearch.CfnDomain.VPCOptionsProperty(
            subnet_ids=list(given.items("NetworkIsolatedSubnetIds", wanted.zones)),
            security_group_ids=[door.attr_group_id],
        ),
        encryption_at_rest_options=opensearch.CfnDomain.EncryptionAtRestOptionsProperty(
            enabled=True, kms_key_id=key_arn
        ),
        node_to_node_encryption_options=opensearch.CfnDomain.NodeToNodeEncryptionOptionsProperty(enabled=True),
        domain_endpoint_options=opensearch.CfnDomain.DomainEndpointOptionsProperty(
            enforce_https=True, tls_security_policy="Policy-Min-TLS-1-2-PFS-2023-10"
        ),
        log_publishing_options=dict.fromkeys(("ES_APPLICATION_LOGS", "INDEX_SLOW_LOGS", "SEARCH_SLOW_LOGS"), log),
        access_policies=policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{given.partition}:iam::{given.account}:root"},
                "Action": "es:ESHttp*",
                "Resource": f"{domain_arn}/*",
                "Condition": {
                    "ArnLike": {
                        "aws:PrincipalArn": f"arn:{given.partition}:iam::{given.account}:role/csoc/{given.uid}/*"
                    }
                },
            }
        ),
    )
    for before in (group, writes):
        domain.add_resource_dependency(before)
    # With removal "snapshot" nothing of it is left: the ETL makes its contents from the database.
    _stays(settings, writes, domain)
    return domain


def _nodes(wanted: Search) -> opensearch.CfnDomain.ClusterConfigProperty:
    spread = wanted.zones > 1
    return opensearch.CfnDomain.ClusterConfigProperty(
        instance_type=wanted.node_type,
        instance_count=wanted.nodes,
        zone_awareness_enabled=spread,
        zone_awareness_config=opensearch.CfnDomain.ZoneAwarenessConfigProperty(availability_zone_count=wanted.zones)
        if spread
        else None,
        dedicated_master_enabled=bool(wanted.main_node_type),
        dedicated_master_type=wanted.main_node_type or None,
        dedicated_master_count=3 if wanted.main_node_type else None,
    )
