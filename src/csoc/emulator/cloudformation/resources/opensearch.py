"""Search domains of OpenSearch Service."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import call

_LONGEST_NAME = 28


class Domain(ServiceType):
    """AWS::OpenSearchService::Domain. The master user's name and password are given on and never told."""

    type_name, service = "AWS::OpenSearchService::Domain", "opensearch"
    create_call, id_path = "create_domain", "DomainStatus.DomainName"
    delete_call, delete_member = "delete_domain", "DomainName"
    name, longest, small, creation_tags = "DomainName", _LONGEST_NAME, True, "TagList"
    takes = (
        "AccessPolicies",
        "AdvancedOptions",
        "AdvancedSecurityOptions",
        "ClusterConfig",
        "CognitoOptions",
        "DomainEndpointOptions",
        "EBSOptions",
        "EncryptionAtRestOptions",
        "EngineVersion",
        "IPAddressType",
        "LogPublishingOptions",
        "NodeToNodeEncryptionOptions",
        "OffPeakWindowOptions",
        "SnapshotOptions",
        "SoftwareUpdateOptions",
        "VPCOptions",
    )
    described = Describe("describe_domain", "DomainName", "DomainStatus", many=False)
    attributes = {
        "Arn": "ARN",
        "DomainArn": "ARN",
        "Id": "DomainId",
        "DomainEndpoint": "Endpoint",
        "DomainEndpointV2": "EndpointV2",
        "DomainEndpoints": "Endpoints",
        "ServiceSoftwareOptions": "ServiceSoftwareOptions",
    }
    tag_calls = TagCalls(
        "add_tags", "remove_tags", "ARN", tags="TagList", resource="ARN", listing="list_tags", path="TagList"
    )

    def name_of(self, context: Context, properties: Properties) -> str:
        given = properties.get("DomainName")
        if given:
            return str(given)
        # 28 characters hold no stack and logical id, so that CloudFormation hashes them.
        digest = hashlib.sha256(context.name.encode()).hexdigest()
        return f"{context.logical_id.lower()[:14]}-{digest[:13]}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if "EngineVersion" in left:
            given = {"DomainName": physical_id, "TargetVersion": after["EngineVersion"]}
            call(client, "upgrade_domain", given)
        names = left & set(self.takes) - {"EngineVersion"}
        given = {name: after[name] for name in names if name in after}
        if given:
            call(client, "update_domain_config", {"DomainName": physical_id, **given})
        return set(self.takes)

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        # A domain in a network tells where it is besides what was asked for.
        network = found.get("VPCOptions") or {}
        told = {"VPCOptions": {name: network[name] for name in ("SubnetIds", "SecurityGroupIds") if network.get(name)}}
        return told if network else {}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        endpoint = found.get("Endpoint") or (found.get("Endpoints") or {}).get("vpc", "")
        return {
            "DomainEndpoint": endpoint,
            "DomainEndpointV2": found.get("EndpointV2") or endpoint,
            "DomainEndpoints": found.get("Endpoints") or {},
        }

    def settled(self, context: Context, physical_id: str) -> bool:
        """True once the domain is no longer processed."""
        found = self.describe(context.clients(self.service), physical_id)
        if found is None:
            raise ResourceError(f"{physical_id} was deleted while it was made", "NotStabilized")
        return not found.get("Processing")


HANDLERS = (Domain(),)
