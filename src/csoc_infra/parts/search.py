"""A search domain that answers as Elasticsearch 7.10 does, for guppy and the ETL. A part of the layer database.

What is in it is made from the database again at any time, so it is sized and kept as something that may be lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_opensearchservice as opensearch

from csoc_infra.checks import between, matches
from csoc_infra.context import Given, policy
from csoc_infra.mistakes import MistakeError
from csoc_infra.parts.doors import door
from csoc_infra.parts.shared import log_group, retained
from csoc_infra.settings import setting

_HTTPS = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
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
    """Both answer as Elasticsearch 7.10, which is what guppy and tube understand. Both are in standard support until
    2027-11-07 and in extended support, which costs, until 2030-11-07 (AWS by way of endoflife.date, September 2026)."""

    def __post_init__(self) -> None:
        if self.nodes < self.zones:
            raise MistakeError("zones", f"{self.nodes} nodes cannot be spread over {self.zones} zones")
        if self.zones > 1 and self.nodes % self.zones:
            raise MistakeError("nodes", f"wanted is a multiple of the {self.zones} zones, or one zone has more to bear")


def log_group_name(given: Given) -> str:
    """Of the group that the domain logs to."""
    return f"/csoc/{given.uid}/search"


def build(
    stack: cdk.Stack, settings: Settings, given: Given, key_arn: str, log_days: int, *, stays: bool
) -> opensearch.CfnDomain:
    """The domain. stays: it outlives its stack.

    The account's service-linked role of OpenSearch Service has to be there already: a stack that makes it fails where
    another one did before.
    """
    name = given.name("search")
    domain_arn = given.arn("es", f"domain/{name}")
    log_name = log_group_name(given)
    group = log_group(stack, "SearchLogs", log_name, log_days, key_arn=key_arn)
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
    entry = door(stack, given, "SearchDoor", "search", "Search from nodes of the cluster", _HTTPS, stays=stays)
    log = opensearch.CfnDomain.LogPublishingOptionProperty(
        cloud_watch_logs_log_group_arn=given.arn("logs", f"log-group:{log_name}"), enabled=True
    )
    domain = opensearch.CfnDomain(
        stack,
        "Search",
        domain_name=name,
        engine_version=settings.engine_version,
        # Clients of Elasticsearch 7.10 ask for the version and refuse OpenSearch's.
        advanced_options={"override_main_response_version": "true"}
        if settings.engine_version.startswith("OpenSearch")
        else None,
        cluster_config=_nodes(settings),
        ebs_options=opensearch.CfnDomain.EBSOptionsProperty(
            ebs_enabled=True, volume_type="gp3", volume_size=settings.volume_gigabytes
        ),
        vpc_options=opensearch.CfnDomain.VPCOptionsProperty(
            subnet_ids=list(given.items("NetworkIsolatedSubnetIds", settings.zones)),
            security_group_ids=[entry.attr_group_id],
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
    if stays:
        retained(writes)
        retained(domain)
    return domain


def _nodes(settings: Settings) -> opensearch.CfnDomain.ClusterConfigProperty:
    spread = settings.zones > 1
    return opensearch.CfnDomain.ClusterConfigProperty(
        instance_type=settings.node_type,
        instance_count=settings.nodes,
        zone_awareness_enabled=spread,
        zone_awareness_config=opensearch.CfnDomain.ZoneAwarenessConfigProperty(availability_zone_count=settings.zones)
        if spread
        else None,
        dedicated_master_enabled=bool(settings.main_node_type),
        dedicated_master_type=settings.main_node_type or None,
        dedicated_master_count=3 if settings.main_node_type else None,
    )
