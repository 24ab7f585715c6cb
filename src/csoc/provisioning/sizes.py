"""What a size means, layer by layer, and how single settings differ from it.

A size is an opinion about a whole: what fails together, how much there is of everything, how long things are kept.
Every setting of every layer is written out here, so that each can be named and changed, and a name that nobody knows is
refused with the nearest. What no size can know (addresses, host names, secrets, roles) is given.

small: one team tries Gen3, or tests a change. One of everything; a zone that fails takes it along; nothing is cheaper
without leaving something out. medium: a commons that people rely on: two zones, so that one may fail, and room to grow.
large: several commons, or one with many users and workspaces: three zones, and machines that nobody else's load slows.
"""

from __future__ import annotations

import copy
import difflib
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.documents.infrastructure import Size

KUBERNETES_VERSION = "1.35"
"""In EKS's standard support until 2027-03-27; the autoscaler's chart has no newer one (endoflife.date, August 2026)."""
DATABASE_VERSION = "16.11"
"""Offered by Aurora, as aws-cdk-lib 2.275 of 2026-10 says; PostgreSQL 16 is in its standard support until 2029-02-28
(endoflife.date, August 2026)."""

_ENDPOINTS = (
    # What every node and every service calls all the time. An endpoint costs about ten dollars a month in each zone
    # (Sydney, 2026) and saves five cents a gigabyte against NAT, so that it pays from some 200 GB a month in a zone:
    # images that are pulled for many nodes, and logs. Buckets have a gateway, which costs nothing, in every size.
    "ecr.api",
    "ecr.dkr",
    "kms",
    "logs",
    "secretsmanager",
    "sqs",
    "sts",
)

_WEB_ACL: Mapping[str, Any] = {
    "mode": "block",
    "groups": [
        {"name": "AWSManagedRulesAmazonIpReputationList", "counted": []},
        {"name": "AWSManagedRulesKnownBadInputsRuleSet", "counted": []},
        # Submissions of metadata are bodies over 8 kB.
        {"name": "AWSManagedRulesCommonRuleSet", "counted": ["SizeRestrictions_BODY"]},
        {"name": "AWSManagedRulesSQLiRuleSet", "counted": []},
    ],
    "rate_limit": 10_000,
    "log_days": 365,
}
"""The same in every size: an attacker does not ask how big somebody is."""

_ADDONS = [
    {"name": name, "version": ""}
    for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server")
]


def _pool(name: str, purpose: str, types: list[str], smallest: int, largest: int, **more: Any) -> dict[str, Any]:
    """A pool with every setting written out. Images of Gen3 are built for x86, so no machine is ARM."""
    return {
        "name": name,
        "purpose": purpose,
        "instance_types": types,
        "smallest": smallest,
        "largest": largest,
        "capacity": "on-demand",
        "disk_gib": 80,
        "labels": {},
        "taints": [],
        "metadata_hops": 1,
        **more,
    }


_NETWORK = {
    "small": {
        "zones": 2,  # EKS and Aurora want subnets in two, also where only one is used.
        "nat_gateways": "one",
        "interface_endpoints": [],
    },
    "medium": {"zones": 2, "nat_gateways": "one-a-zone", "interface_endpoints": []},
    "large": {"zones": 3, "nat_gateways": "one-a-zone", "interface_endpoints": list(_ENDPOINTS)},
}

_EGRESS = {
    # t4g: the proxies run csoc's own program, not Gen3's images.
    "small": {"zones": 2, "instance_type": "t4g.small"},
    "medium": {"zones": 2, "instance_type": "t4g.small"},
    # Uploads and workflows pass; t3 and t4g have their bandwidth only in bursts.
    "large": {"zones": 3, "instance_type": "c7g.large"},
}

_POOLS = {
    # The services of a standard bundle ask for about 8 GiB and 4 CPUs, the portal's build for 4 GiB more while it
    # starts. So two machines of 16 GiB hold them, and one of them for a while.
    "small": [_pool("general", "general", ["t3.xlarge", "t3a.xlarge"], 2, 4)],
    # Two copies of what people wait for, on machines without bursts; notebooks come and go.
    "medium": [
        _pool("general", "general", ["m6i.xlarge", "m7i.xlarge", "m6a.xlarge"], 3, 8),
        _pool("jupyter", "jupyter", ["m6i.xlarge", "m7i.xlarge", "m6a.xlarge"], 0, 10),
    ],
    "large": [
        _pool("general", "general", ["m6i.2xlarge", "m7i.2xlarge", "m6a.2xlarge"], 3, 15, disk_gib=120),
        _pool("jupyter", "jupyter", ["r6i.xlarge", "r7i.xlarge", "r6a.xlarge"], 0, 30, disk_gib=120),
        # A workflow's step can be started again, so its machines may be taken away.
        _pool(
            "workflow",
            "workflow",
            ["c6i.2xlarge", "c7i.2xlarge", "c6a.2xlarge", "m6i.2xlarge"],
            0,
            30,
            capacity="spot",
            disk_gib=200,
        ),
    ],
}
_LOG_DAYS = {"small": 30, "medium": 365, "large": 365}

_DATABASE = {
    # Half an ACU idles for about 50 dollars a month; Gen3's connections keep it from pausing. Two ACUs (4 GiB) bear the
    # creation of all databases at once and a small ETL.
    "small": {"minimum_capacity": 0.5, "maximum_capacity": 2.0, "readers": 0, "zones": 2, "backup_days": 7},
    # Below one ACU the number of connections is too small for two copies of each service. The reader takes over in
    # less than a minute; a new writer alone takes about ten.
    "medium": {"minimum_capacity": 1.0, "maximum_capacity": 8.0, "readers": 1, "zones": 2, "backup_days": 14},
    # ETL and peregrine read a lot at once: memory is what they want. A reader in each other zone.
    "large": {"minimum_capacity": 2.0, "maximum_capacity": 32.0, "readers": 2, "zones": 3, "backup_days": 35},
}

_SEARCH = {
    # Indices are made from the database again at any time, so a node that fails costs an evening.
    "small": {
        "nodes": 1, "zones": 1, "node_type": "t3.small.search", "main_node_type": "", "volume_gigabytes": 10,
    },
    "medium": {
        "nodes": 2, "zones": 2, "node_type": "m6g.large.search", "main_node_type": "", "volume_gigabytes": 50,
    },
    # Three nodes that hold no data keep the domain together when a zone fails.
    "large": {
        "nodes": 3, "zones": 3, "node_type": "r6g.large.search", "main_node_type": "m6g.large.search",
        "volume_gigabytes": 100,
    },
}  # fmt: skip

_ALWAYS: Mapping[str, Mapping[str, Any]] = {
    "network": {
        "zone_names": [],
        "default_route": "nat",
        "dynamodb_endpoint": False,
        "web_acl": _WEB_ACL,
    },
    "egress": {"image": "", "disk_gib": 20, "refresh_days": 14, "alarm_emails": []},
    "cluster": {
        "version": KUBERNETES_VERSION,
        "link_access": "view",
        "administrators": [],
        "public_networks": [],
        "private_networks": [],
        "addons": _ADDONS,
        "extended_support": False,
    },
    "platform": {
        "dns_zones": [],
        "storage_driver": True,
        "storage_driver_version": "",
        "load_balancer_account": "kube-system:aws-load-balancer-controller",
        "external_dns_account": "external-dns:external-dns",
        "autoscaler_account": "kube-system:cluster-autoscaler",
    },
    "database": {
        "engine_version": DATABASE_VERSION,
        "zone_names": [],
        "backup_window": "",
        "maintenance_window": "",
        "deletion_protection": True,
        "removal": "retain",
    },
    "credentials": {"master_login": False},
    "resources": {},
    "edge": {
        "certificate_arn": "",
        "request_certificate": False,
        "hosted_zone_id": "",
        "load_balancer_zone_id": "",
        "allowed": [],
        "web_acl": _WEB_ACL,
    },
}
"""What is the same in every size."""


def _by_size(layer: str, size: Size) -> dict[str, Any]:
    logs = {"log_days": _LOG_DAYS[size]}
    found: Mapping[str, Mapping[str, Any]] = {
        "network": {**_NETWORK[size], "flow_log_days": _LOG_DAYS[size]},
        "egress": {**_EGRESS[size], **logs},
        "cluster": {"pools": _POOLS[size], **logs},
        "platform": {},
        "database": {**_DATABASE[size], **logs, "search": {**_SEARCH[size], "engine_version": "OpenSearch_1.3"}},
        "credentials": {},
        # Who asked for which object is what a data access committee asks after a year.
        "resources": {"access_log_days": 90 if size == "small" else 730},
        "edge": {},
    }
    return dict(found[layer])


GIVEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "network": ("cidr",),
        "egress": ("allowed",),
        "cluster": ("link_role",),
        "platform": (),
        "database": (),
        "credentials": ("secrets",),
        "resources": ("hostname", "buckets", "queues", "topics", "roles"),
        "edge": ("hostname",),
    }
)
"""Settings that no size knows, by layer."""

_LONGEST_PATH = 200


def settings(
    layer: str,
    size: Size,
    *,
    given: Mapping[str, Any] = MappingProxyType({}),
    overrides: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The settings of a layer, as csoc_infra takes them.

    given: what is in `GIVEN`, and whatever else the owner's documents say, by setting (`search` is None where no
    service needs a search domain). overrides: values by path ("maximum_capacity", "search.nodes",
    "pools.general.largest": an item of a list goes by its name, purpose or number); they come last.

    Raises RejectedError: a setting is missing, there is none with such a name, or a value is of another kind.
    """
    if layer not in GIVEN:
        raise RejectedError(
            f"the layer {layer} has no sizes", place=f"layers.{layer}", fix=f"There are {', '.join(GIVEN)}"
        )
    made: dict[str, Any] = copy.deepcopy({**_ALWAYS[layer], **_by_size(layer, size)})
    for name, value in given.items():
        if name not in made and name not in GIVEN[layer]:
            raise _unknown(layer, name, {*made, *GIVEN[layer]})
        made[name] = copy.deepcopy(value)
    for name in GIVEN[layer]:
        if name not in made:
            raise RejectedError("the setting is missing, and no size knows it", place=_place(layer, name))
    if made.get("search") is not None:
        made["search"] = _fitting(made["search"], made["zones"])
    for path, value in overrides.items():
        _override(layer, made, path, value)
    return made


def _fitting(search: Any, zones: int) -> Any:
    """Search in no more zones than the network has, with as many nodes in each."""
    if not isinstance(search, dict) or search["zones"] <= zones:
        return search
    return {**search, "zones": zones, "nodes": math.ceil(search["nodes"] / zones) * zones}


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Every path in settings, parts before what is in them."""
    if isinstance(value, dict):
        items: list[tuple[str, Any]] = list(value.items())
    elif isinstance(value, list):
        items = [(_called(item, number), item) for number, item in enumerate(value) if isinstance(item, dict)]
    else:
        return
    for name, inner in items:
        path = f"{prefix}.{name}" if prefix else name
        yield path
        yield from paths(inner, path)


def _called(item: Mapping[str, Any], number: int) -> str:
    """What an item of a list goes by."""
    return str(item.get("name") or item.get("purpose") or item.get("service_account") or number)


def _override(layer: str, made: dict[str, Any], path: str, value: Any) -> None:
    where: Any = made
    *parts, last = path[:_LONGEST_PATH].split(".")
    for part in parts:
        where = _inner(where, part)
    holder, key = _holder(where, last)
    if holder is None or len(path) > _LONGEST_PATH:
        raise _unknown(layer, path, set(paths(made)))
    before = holder[key]
    wanted = _kind(before)
    if not wanted:
        fix = f"Its parts are {', '.join(paths(before)) or 'none'}"
        raise RejectedError("only its parts can be set, and not the whole", place=_place(layer, path), fix=fix)
    if not _is_like(before, value):
        raise RejectedError(f"{wanted} is wanted", place=_place(layer, path), fix=f"It was {before!r}")
    if isinstance(before, list):
        value = list(value)
    holder[key] = float(value) if isinstance(before, float) else value


def _inner(where: Any, part: str) -> Any:
    holder, key = _holder(where, part)
    return None if holder is None else holder[key]


def _holder(where: Any, part: str) -> tuple[Any, Any]:
    """What holds a part, and the key or index that it has there; (None, None) if there is none."""
    if isinstance(where, dict) and part in where:
        return where, part
    if isinstance(where, list):
        for number, item in enumerate(where):
            if isinstance(item, dict) and _called(item, number) == part:
                return where, number
    return None, None


def _kind(before: Any) -> str:
    """What may stand where a value was, in words; "" for what has parts of its own."""
    if isinstance(before, bool):
        return "true or false"
    if isinstance(before, int):
        return "a whole number"
    if isinstance(before, float):
        return "a number"
    if isinstance(before, str):
        return "a text"
    if isinstance(before, list) and all(isinstance(item, str) for item in before):
        return "a list of texts"
    return ""


def _is_like(before: Any, value: Any) -> bool:
    if isinstance(before, list):
        return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
    if isinstance(before, bool) or isinstance(value, bool):
        return isinstance(before, bool) and isinstance(value, bool)
    if isinstance(before, float):
        return isinstance(value, (int, float)) and math.isfinite(value)
    return type(value) is type(before)


def _unknown(layer: str, path: str, known: set[str]) -> RejectedError:
    near = difflib.get_close_matches(path[:_LONGEST_PATH], sorted(known), n=1, cutoff=0.5)
    fix = (
        f"Did you mean {near[0]}?" if near else f"There are {', '.join(sorted(one for one in known if '.' not in one))}"
    )
    return RejectedError("there is no such setting", place=_place(layer, path), fix=fix)


def _place(layer: str, path: str) -> str:
    clean = "".join(char if char.isprintable() else "?" for char in path[:60])
    return f"layers.{layer}.settings.{clean}"
