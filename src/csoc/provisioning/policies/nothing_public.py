"""No database, search domain, bucket or API server is open to the world.

Sizes and overrides come from documents that many people write; what must never be open is looked at in the template
itself, whichever way it came there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.provisioning.plans import PolicyFinding, Purpose
from csoc.provisioning.policies.policy import Considered

NAME = "nothing-public"
_WORLD = ("0.0.0.0/0", "::/0")
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def judge(considered: Considered) -> Iterator[PolicyFinding]:
    """One finding for each resource that is open to the world."""
    if considered.purpose is Purpose.DESTROY:
        return
    for logical_id, resource in considered.resources.items():
        for cause, fix in _open(str(resource.get("Type")), resource.get("Properties") or {}):
            yield PolicyFinding(NAME, f"{considered.layer}/{logical_id}", cause, fix, True)


def _open(kind: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if kind == "AWS::S3::Bucket":
        blocks = properties.get("PublicAccessBlockConfiguration") or {}
        if not all(blocks.get(name) is True for name in _BLOCKS):
            yield "The bucket does not block public access", "Block all four kinds of it"
    if kind in ("AWS::RDS::DBInstance",) and properties.get("PubliclyAccessible") is True:
        yield "The database gets a public address", "Take PubliclyAccessible away"
    if kind == "AWS::OpenSearchService::Domain" and not properties.get("VPCOptions"):
        yield "The search domain stands outside of the network", "Give it subnets"
    if kind == "AWS::EKS::Cluster":
        access = properties.get("ResourcesVpcConfig") or {}
        networks = access.get("PublicAccessCidrs")
        if access.get("EndpointPublicAccess") is True and (not networks or any(one in _WORLD for one in networks)):
            yield "The cluster's API server is open to the world", "Name the networks in apiAccess"
    if kind == "AWS::EC2::SecurityGroup":
        for rule in properties.get("SecurityGroupIngress") or []:
            if isinstance(rule, Mapping) and (rule.get("CidrIp") in _WORLD or rule.get("CidrIpv6") in _WORLD):
                if rule.get("FromPort") in (80, 443) and rule.get("ToPort") == rule.get("FromPort"):
                    continue
                yield "The security group admits the world", "Name networks or other groups"
