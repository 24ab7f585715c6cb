"""From documents of the fleet to the infrastructure document that templates are made from.

Everything that a template needs is decided here, from Git and the link alone: names, sizes, what each layer is given
and from where. The same documents give the same JSON, so that whoever has it can make the same templates without csoc.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.documents.infrastructure import LayerChoice, LayerSource, Size
from csoc.fleet.documents.model import Account, Cluster, Environment
from csoc.gen3.launch.documents import needs_search, resources_of, secrets_of
from csoc.provisioning import master_login, names
from csoc.provisioning.egress_domains import GEN3_DOMAINS
from csoc.provisioning.layers import LAYERS, Layer, Need, OwnerKind, layers_of
from csoc.provisioning.sizes import settings

VERSION = 1
_DEFAULT_CIDR = "10.20.0.0/16"
DEFAULT_SIZE: Size = "small"


@dataclass(frozen=True, slots=True)
class Around:
    """What documents do not hold. installation: uid of the fleet. cluster_role: ARN of the link's role for clusters.
    existing: outputs of layers that are there already, by owner's uid and layer."""

    installation: str
    partition: str
    cluster_role: str
    existing: Mapping[tuple[str, str], Mapping[str, str]]


def providers_of_cluster(cluster: Cluster) -> Mapping[str, str]:
    """What realises each of a cluster's layers; egress only where the network's way out is the proxy."""
    found = {
        layer.name: _chosen(cluster.spec.layers, layer.name) or cluster.spec.provider
        for layer in layers_of(OwnerKind.CLUSTER)
    }
    if not _through_proxy(cluster) and _choice(cluster.spec.layers, "egress") is None:
        del found["egress"]
    return found


def providers_of_environment(environment: Environment) -> Mapping[str, str]:
    """What realises each of an environment's layers; one that is not named exists already."""
    return {
        layer.name: _chosen(environment.spec.layers, layer.name) or "existing"
        for layer in layers_of(OwnerKind.ENVIRONMENT)
    }


def region_of_cluster(cluster: Cluster, account: Account) -> str:
    """Where the stacks of a cluster and of its environments are: the cluster's own region, or the first of its account.

    The region of the account's link is none of these: it says where the link's stack is. Raises RejectedError.
    """
    if cluster.spec.region:
        return cluster.spec.region
    if account.spec.regions:
        return account.spec.regions[0]
    raise RejectedError(
        "Nobody says in which region", place=f"cluster {cluster.metadata.name}", fix="Add region to the Cluster"
    )


def sources_of(owner: Cluster | Environment) -> Mapping[str, LayerSource]:
    """Where the outputs of existing layers stand, by layer, as far as the document says it."""
    layers: Iterable[LayerChoice] = owner.spec.layers
    return {choice.name: choice.source for choice in layers if choice.source is not None}


def has_nodes_for_workspaces(cluster: Cluster) -> bool:
    """Whether a pool of a cluster is for workspaces alone, as far as its document says it: of a cluster that csoc does
    not make it says nothing. Raises RejectedError: an override cannot be."""
    spec = cluster.spec
    if providers_of_cluster(cluster)["cluster"] != "aws":
        return False
    given = {"link_role": "", "public_networks": ()}
    overrides = _overrides(spec.layers, "cluster")
    made = settings("cluster", spec.size or DEFAULT_SIZE, given=given, overrides=overrides)
    return any(pool["purpose"] == "jupyter" and pool["largest"] > 0 for pool in made["pools"])


def cluster_infrastructure(cluster: Cluster, account: Account, around: Around) -> dict[str, Any]:
    """The infrastructure document of a cluster: its layers of the provider aws.

    Raises RejectedError: the region is missing, a setting cannot be, or an existing layer lacks what others need.
    """
    spec = cluster.spec
    size = spec.size or DEFAULT_SIZE
    network = spec.network
    given: dict[str, dict[str, Any]] = {
        "network": {
            "cidr": network.cidr if network else _DEFAULT_CIDR,
            "default_route": "egress" if _through_proxy(cluster) else "nat",
        },
        "egress": {"allowed": _reachable(network.allow_domains if network else ())},
        "cluster": {"link_role": around.cluster_role, "public_networks": list(spec.api_access)},
        "platform": {"dns_zones": [spec.zone.id] if spec.zone else []},
    }
    if network is not None and network.zones is not None:
        given["network"]["zones"] = given["egress"]["zones"] = network.zones
    if spec.kubernetes_version is not None:
        given["cluster"]["version"] = spec.kubernetes_version
    providers = providers_of_cluster(cluster)
    made = {
        name: settings(name, size, given=given[name], overrides=_overrides(spec.layers, name))
        for name, provider in providers.items()
        if provider == "aws"
    }
    owners = dict.fromkeys(providers, cluster.metadata.uid)
    region = region_of_cluster(cluster, account)
    return _document(cluster, OwnerKind.CLUSTER, account, region, made, providers, owners, around)


def environment_infrastructure(
    environment: Environment, cluster: Cluster, account: Account, around: Around
) -> dict[str, Any]:
    """The infrastructure document of an environment on a cluster; gen3 is no part of it. Raises as
    `cluster_infrastructure`."""
    spec = environment.spec
    size = spec.size or DEFAULT_SIZE
    edge = spec.edge
    zone = edge.zone if edge and edge.zone else cluster.spec.zone
    zones = cluster.spec.network.zones if cluster.spec.network else None
    given: dict[str, dict[str, Any]] = {
        # What may be deleted is not protected: RDS would refuse it even when its stack is deleted.
        "database": {
            "removal": "retain" if "database" in spec.retain else "snapshot",
            "deletion_protection": "database" in spec.retain,
        }
        | ({"zones": zones} if zones is not None else {})
        | ({} if needs_search(environment) else {"search": None}),
        "credentials": {
            "secrets": list(secrets_of(environment).names),
            "master_login": _asks_for_login(environment, around),
        },
        "resources": dict(resources_of(environment)),
        "edge": {
            "hostname": spec.hostname,
            "certificate_arn": (edge.certificate or "") if edge else "",
            "request_certificate": edge is None or edge.certificate is None,
            "hosted_zone_id": zone.id if zone else "",
            "allowed": list(edge.allow) if edge else [],
        },
    }
    own, clusters = providers_of_environment(environment), providers_of_cluster(cluster)
    if own["credentials"] == "aws":
        _check_host(environment, around)
    if zones is None and clusters.get("network") == "aws" and "zones" not in given["database"]:
        given["database"]["zones"] = settings(
            "network", cluster.spec.size or DEFAULT_SIZE, given={"cidr": _DEFAULT_CIDR}
        )["zones"]
    made = {
        name: settings(
            name,
            size,
            given=given[name],
            overrides=_overrides(spec.layers, name),
        )
        for name, provider in own.items()
        if provider == "aws" and LAYERS[name].has_stack
    }
    owners = {**dict.fromkeys(clusters, cluster.metadata.uid), **dict.fromkeys(own, environment.metadata.uid)}
    region = region_of_cluster(cluster, account)
    return _document(environment, OwnerKind.ENVIRONMENT, account, region, made, {**clusters, **own}, owners, around)


def _document(
    owner: Cluster | Environment,
    kind: OwnerKind,
    account: Account,
    region: str,
    made: Mapping[str, Mapping[str, Any]],
    providers: Mapping[str, str],
    owners: Mapping[str, str],
    around: Around,
) -> dict[str, Any]:
    uid = owner.metadata.uid
    return {
        "version": VERSION,
        "installation": around.installation,
        "owner": {"kind": kind.value, "name": owner.metadata.name, "uid": uid},
        "account": account.spec.id,
        "region": region,
        "partition": around.partition,
        "boundary": names.boundary_arn(around.partition, account.spec.id, around.installation),
        "layers": {
            name: {
                "stack": names.stack(uid, name),
                "outputs": {one.name: names.parameter(uid, name, one.name) for one in LAYERS[name].outputs},
                "inputs": _inputs(LAYERS[name], made[name], providers, owners, around),
                "settings": dict(made[name]),
            }
            for name in LAYERS
            if name in made
        },
    }


def _inputs(
    layer: Layer,
    chosen: Mapping[str, Any],
    providers: Mapping[str, str],
    owners: Mapping[str, str],
    around: Around,
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for need in layer.needs:
        if need.layer not in providers or _is_spared(layer, need, chosen):
            continue
        if providers[need.layer] == "aws":
            found[need.parameter] = {"parameter": names.parameter(owners[need.layer], need.layer, need.output)}
            continue
        outputs = around.existing.get((owners[need.layer], need.layer), {})
        value = outputs.get(need.output)
        if need.output == "DatabaseKeyArn" and master_login.is_asked(owners[need.layer], outputs):
            path = names.parameter(owners["credentials"], "credentials", "SecretsKeyArn")
            found[need.parameter] = {"parameter": path}
        elif value:
            found[need.parameter] = {"value": value}
        elif not need.optional:
            raise RejectedError(
                f"The layer {layer.name} needs {need.output} of the layer {need.layer}, which exists already, and "
                "nobody says what that is",
                place=f"layers.{need.layer}",
                fix=f"Say under `from` of the layer {need.layer} where it stands (stack, parameters or values)",
            )
    return found


def _asks_for_login(environment: Environment, around: Around) -> bool:
    uid = environment.metadata.uid
    return master_login.is_asked(uid, around.existing.get((uid, "database"), {}))


def _check_host(environment: Environment, around: Around) -> None:
    """Logins say where the database is, so credentials of one whose address is not there cannot be filled."""
    outputs = around.existing.get((environment.metadata.uid, "database"))
    if outputs is not None and not outputs.get("DatabaseEndpoint"):
        raise RejectedError(
            "The layer credentials holds logins for the database, which exists already, and what its document names "
            "under `from` has no DatabaseEndpoint",
            place="layers.database",
            fix="Say under `names` what it is called there, or write the outputs themselves under `values`",
        )


def _is_spared(layer: Layer, need: Need, chosen: Mapping[str, Any]) -> bool:
    """True for what these settings have no use for."""
    if layer.name == "resources" and need.output in _OF_DATABASE:
        return not any(
            grant.get("kind") in _OF_DATABASE[need.output] for role in chosen["roles"] for grant in role["grants"]
        )
    return False


_OF_DATABASE: Mapping[str, tuple[str, ...]] = {
    "SearchDomainArn": ("search",),
    "DatabaseSecretArn": ("environment-secrets",),
    "DatabaseKeyArn": ("environment-secrets",),
}


def _reachable(more: Iterable[str]) -> list[str]:
    """What Gen3 needs and what the document adds, without names that another one covers."""
    whole = dict.fromkeys([*GEN3_DOMAINS, *more])
    return [name for name in whole if not any(_covers(other, name) for other in whole)]


def _covers(wide: str, name: str) -> bool:
    return wide != name and wide.startswith(".") and f".{name.removeprefix('.')}".endswith(wide)


def _through_proxy(cluster: Cluster) -> bool:
    return cluster.spec.network is not None and cluster.spec.network.egress == "proxy"


def _choice(layers: Iterable[LayerChoice], name: str) -> LayerChoice | None:
    return next((choice for choice in layers if choice.name == name), None)


def _chosen(layers: Iterable[LayerChoice], name: str) -> str:
    choice = _choice(layers, name)
    return (choice.provider or "") if choice is not None else ""


def _overrides(layers: Iterable[LayerChoice], name: str) -> Mapping[str, Any]:
    choice = _choice(layers, name)
    return choice.settings if choice is not None else {}
