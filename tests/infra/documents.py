"""Infrastructure documents for tests: a cluster in three sizes, and what any layer's document has besides settings."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from csoc.provisioning import names
from csoc.provisioning.layers import LAYERS

INSTALLATION = "f1b2c3d4e5"
CLUSTER_UID = "c1b2c3d4e5"
ENVIRONMENT_UID = "e1b2c3d4e5"
ACCOUNT = "111111111111"
REGION = "ap-southeast-2"

_ALLOWED = [
    ".docker.io",
    ".docker.com",
    ".quay.io",
    "quay.io.example.org",
    "ghcr.io",
    "pkg-containers.githubusercontent.com",
    "github.com",
    "helm.gen3.org",
    "registry.k8s.io",
    "public.ecr.aws",
]


def document(
    layers: Mapping[str, Mapping[str, Any]],
    *,
    kind: str = "cluster",
    name: str = "research",
    uid: str = CLUSTER_UID,
    installation: str = INSTALLATION,
    account: str = ACCOUNT,
    region: str = REGION,
) -> dict[str, Any]:
    """A document of these layers, which `layer` makes."""
    return {
        "version": 1,
        "installation": installation,
        "owner": {"kind": kind, "name": name, "uid": uid},
        "account": account,
        "region": region,
        "partition": "aws",
        "boundary": names.boundary_arn("aws", account, installation),
        "layers": copy.deepcopy(dict(layers)),
    }


def layer(
    name: str,
    settings: Mapping[str, Any],
    *,
    uid: str = CLUSTER_UID,
    cluster_uid: str = CLUSTER_UID,
    left_out: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A layer's part, by the contract between layers. left_out: names of optional inputs that are not given."""
    contract = LAYERS[name]
    inputs = {}
    for need in contract.needs:
        owner = uid if LAYERS[need.layer].owner is contract.owner else cluster_uid
        if need.parameter not in left_out:
            inputs[need.parameter] = {"parameter": names.parameter(owner, need.layer, need.output)}
    return {
        "stack": names.stack(uid, name),
        "outputs": {output.name: names.parameter(uid, name, output.name) for output in contract.outputs},
        "inputs": inputs,
        "settings": dict(settings),
    }


def cluster_settings(size: str, *, account: str = ACCOUNT, installation: str = INSTALLATION) -> dict[str, Any]:
    """Settings of a cluster's layers: "small", "medium" (which goes out through proxies), "large"."""
    role = f"arn:aws:iam::{account}:role/csoc-link/CsocLink-{installation}-cluster"
    small: dict[str, Any] = {
        "network": {"cidr": "10.20.0.0/16", "zones": 2, "nat_gateways": "one", "web_acl": {"mode": "count"}},
        "cluster": {
            "version": "1.34",
            "link_role": role,
            "pools": [{"name": "general", "instance_types": ["t3.xlarge"], "smallest": 2, "largest": 4}],
        },
        "platform": {},
    }
    medium: dict[str, Any] = {
        "network": {
            "cidr": "10.21.0.0/16",
            "zones": 3,
            "default_route": "egress",
            "interface_endpoints": ["ecr.api", "ecr.dkr", "sts"],
            "web_acl": {
                "groups": [
                    {"name": "AWSManagedRulesCommonRuleSet", "counted": ["SizeRestrictions_BODY"]},
                    {"name": "AWSManagedRulesBotControlRuleSet"},
                ]
            },
        },
        "egress": {"zones": 3, "allowed": _ALLOWED, "alarm_emails": ["on-call@example.org"]},
        "cluster": {
            "version": "1.34",
            "link_role": role,
            "administrators": [f"arn:aws:iam::{account}:role/Platform"],
            "private_networks": ["10.99.0.0/16"],
            "pools": [
                {"name": "general", "instance_types": ["m6g.xlarge"], "smallest": 2, "largest": 8},
                {
                    "name": "jupyter",
                    "purpose": "jupyter",
                    "instance_types": ["m6i.xlarge", "m5.xlarge"],
                    "capacity": "spot",
                    "smallest": 0,
                    "largest": 10,
                },
            ],
        },
        "platform": {"dns_zones": ["Z0123456789ABCDEFGHIJ"]},
    }
    large: dict[str, Any] = {
        "network": {
            "cidr": "10.22.0.0/16",
            "zones": 3,
            "zone_names": ["ap-southeast-2a", "ap-southeast-2b", "ap-southeast-2c"],
            "dynamodb_endpoint": True,
            "interface_endpoints": [
                *("autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms"),
                *("logs", "monitoring", "secretsmanager", "sns", "sqs", "ssm", "sts", "aps-workspaces"),
            ],
        },
        "cluster": {
            "version": "1.33",
            "link_role": role,
            "link_access": "view",
            "administrators": [f"arn:aws:iam::{account}:role/Platform", f"arn:aws:iam::{account}:role/people/OnCall"],
            "public_networks": ["203.0.113.0/24", "198.51.100.7/32"],
            "extended_support": True,
            "pools": [
                {
                    "name": "general",
                    "instance_types": ["m6i.2xlarge"],
                    "smallest": 3,
                    "largest": 20,
                    "labels": {"example.org/team": "research"},
                    "taints": [{"key": "example.org/slow", "effect": "PREFER_NO_SCHEDULE"}],
                },
                {
                    "name": "workflow",
                    "purpose": "workflow",
                    "instance_types": ["c6i.4xlarge"],
                    "capacity": "spot",
                    "smallest": 0,
                    "largest": 50,
                    "metadata_hops": 2,
                    "disk_gib": 500,
                },
            ],
        },
        "platform": {"dns_zones": ["Z0123456789ABCDEFGHIJ", "Z9876543210"], "storage_driver": False},
    }
    return {"small": small, "medium": medium, "large": large}[size]


SIZES = ("small", "medium", "large")


def cluster_document(size: str, **changed: str) -> dict[str, Any]:
    """A whole cluster. changed: what `document` takes."""
    account = changed.get("account", ACCOUNT)
    settings = cluster_settings(size, account=account, installation=changed.get("installation", INSTALLATION))
    uid = changed.get("uid", CLUSTER_UID)
    left_out = () if "egress" in settings else ("EgressProxyInterfaceIds",)
    layers = {
        name: layer(name, one, uid=uid, cluster_uid=uid, left_out=left_out) for name, one in sorted(settings.items())
    }
    return document(layers, **changed)
