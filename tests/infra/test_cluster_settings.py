"""No setting of a cluster's layers is asked for and then ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from csoc_infra.layers import table
from tests.infra.documents import cluster_document
from tests.infra.templates import made

OTHER: Mapping[str, Mapping[str, Any]] = {
    "network": {
        "cidr": "10.99.0.0/16",
        "zones": 2,
        "zone_names": ["ap-southeast-2c", "ap-southeast-2b", "ap-southeast-2a"],
        "default_route": "nat",
        "nat_gateways": "one",
        "interface_endpoints": ["kms"],
        "dynamodb_endpoint": True,
        "flow_log_days": 30,
        "web_acl": {"mode": "count"},
        "web_acl.groups": [],
        "web_acl.rate_limit": 500,
        "web_acl.log_days": 30,
    },
    "egress": {
        "allowed": ["example.org"],
        "zones": 2,
        "instance_type": "t3.small",
        "image": "ami-0123456789abcdef0",
        "disk_gib": 33,
        "refresh_days": 3,
        "log_days": 30,
        "alarm_emails": [],
    },
    "cluster": {
        "version": "1.33",
        "link_role": "arn:aws:iam::111111111111:role/csoc-link/Other",
        "pools": [{"name": "general", "instance_types": ["t3.large"], "smallest": 1, "largest": 2}],
        "link_access": "view",
        "administrators": [],
        "public_networks": ["203.0.113.0/24"],
        "private_networks": [],
        "addons": [{"name": "vpc-cni"}, {"name": "kube-proxy"}, {"name": "coredns"}],
        "log_days": 30,
        "extended_support": True,
    },
    "platform": {
        "dns_zones": [],
        "storage_driver": False,
        "storage_driver_version": "v1.50.1-eksbuild.1",
        "load_balancer_account": "other:controller",
        "external_dns_account": "other:dns",
        "autoscaler_account": "other:scaler",
    },
}


def test_every_setting_of_these_layers_is_tried_below() -> None:
    for layer, values in OTHER.items():
        fields = set(table.LAYERS[layer].load().Settings.__dataclass_fields__)
        assert {name.partition(".")[0] for name in values} == fields


@pytest.mark.parametrize(("layer", "setting"), [(layer, name) for layer, values in OTHER.items() for name in values])
def test_no_setting_is_read_and_then_ignored(layer: str, setting: str) -> None:
    document = cluster_document("medium")
    if setting == "nat_gateways":
        document["layers"]["network"]["settings"]["default_route"] = "nat"
    before = made(document)[layer]
    outer, _, inner = setting.partition(".")
    settings = document["layers"][layer]["settings"]
    if inner:
        settings[outer] = {**settings.get(outer, {}), inner: OTHER[layer][setting]}
    else:
        settings[outer] = OTHER[layer][setting]
    assert made(document)[layer] != before
