"""The clusters behind EKS: simulated ones of this process, which live."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from csoc.emulator.cloud.eks import config_map, members, pods
from csoc.emulator.cloud.eks.config_map import AuthMap
from csoc.emulator.cloud.eks.facts import ADDONS
from csoc.emulator.cloud.eks.records import Authenticate, Body, ClusterRecord, ClusterUser, MadeCluster
from csoc.emulator.kubernetes.access.access_policies import Association
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.living import LivingClusters
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.store import Base, Key
from csoc.emulator.kubernetes.users import AUTHENTICATED, User

_MOST_REMEMBERED = 10_000
_MANAGER, _BOOTSTRAP = "eks", "eks-bootstrap"
_AGAIN_SECONDS = 0.1
_AUTH = Key("", "configmaps", config_map.NAMESPACE, config_map.NAME)


@dataclass(frozen=True, slots=True)
class KeptCluster:
    """base: the objects. key: of its service account tokens, None if it was never needed."""

    base: Base
    key: rsa.RSAPrivateKey | None


class SimulatedMaker:
    """Makes clusters among `living`. ca: PEM of the authority that their endpoint's certificate is signed by."""

    def __init__(self, living: LivingClusters, ca: str) -> None:
        self._living = living
        self._ca = ca
        self._policies: dict[tuple[str, str], ClusterUser] = {}
        self._auth_maps: dict[str, tuple[str, AuthMap]] = {}
        self._kept: dict[str, KeptCluster] = {}
        self._fresh: set[str] = set()
        self._lock = threading.Lock()

    def create(self, cluster_id: str, version: str, issuer: str, authenticate: Authenticate) -> MadeCluster:
        """See ClusterMaker."""
        cluster = self._living.all.get(cluster_id)
        if cluster is None:
            kept = self._kept.pop(cluster_id, None)
            cluster = self._living.all.create(
                cluster_id,
                version,
                issuer=issuer,
                outside=lambda token: self._user(cluster_id, authenticate(token)),
                associations=lambda user: self._associated(cluster_id, user),
                kept=kept.base if kept is not None else None,
            )
            if kept is not None:
                cluster.access.signer.take(kept.key)
                self._living.living(cluster_id).resume()
            else:
                self._fresh.add(cluster_id)
        return MadeCluster(cluster.endpoint, self._ca)

    def members(self, account: str, region: str, record: ClusterRecord) -> None:
        """See ClusterMaker."""
        cluster = self._living.all.get(record.id)
        if cluster is None:
            return
        inside = self._living.living(record.id)

        def admit(pod: Body) -> None:
            _give_role(cluster, record, region, pod)

        cluster.objects.admit_pod = admit
        inside.settings = replace(inside.settings, region=region, version=str(record.body["version"]))
        self._addons(cluster, inside, region, record)
        _bring(inside, members.nodes_of(account, region, record))

    def upgrade(self, cluster_id: str, version: str) -> None:
        """See ClusterMaker."""
        cluster = self._living.all.get(cluster_id)
        if cluster is not None:
            cluster.version = version

    def issuer_keys(self, cluster_id: str) -> Mapping[str, Any] | None:
        """See ClusterMaker."""
        cluster = self._living.all.get(cluster_id)
        return cluster.access.signer.key_set() if cluster is not None else None

    def config_map(self, cluster_id: str) -> AuthMap:
        """See ClusterMaker. Read anew only when it has changed, since every request of a user asks."""
        cluster = self._living.all.get(cluster_id)
        body = cluster.store.get(_AUTH) if cluster is not None else None
        if body is None:
            return AuthMap()
        mark = str(body["metadata"]["resourceVersion"])
        with self._lock:
            known = self._auth_maps.get(cluster_id)
        if known is not None and known[0] == mark:
            return known[1]
        found = config_map.read(body.get("data") or {})
        with self._lock:
            self._auth_maps[cluster_id] = (mark, found)
        return found

    def delete(self, cluster_id: str) -> None:
        """See ClusterMaker."""
        with self._lock:
            self._auth_maps.pop(cluster_id, None)
        self._living.delete(cluster_id)

    def kept(self) -> dict[str, KeptCluster]:
        """What is in the clusters, to be kept over a restart."""
        return {
            cluster.id: KeptCluster(cluster.store.as_base(), cluster.access.signer.key)
            for cluster in self._living.all.__iter__()
        }

    def restore(self, kept: dict[str, KeptCluster]) -> None:
        """Clusters of these ids begin with what was kept, once they are made again."""
        self._kept = dict(kept)

    def _addons(self, cluster: SimulatedCluster, inside: Cluster, region: str, record: ClusterRecord) -> None:
        wanted = members.installed(record)
        if record.id in self._fresh:
            self._fresh.discard(record.id)
            if record.body.get("bootstrapSelfManagedAddons") is not False:
                for name in members.SELF_MANAGED:
                    version = members.default_version(name, str(record.body["version"]))
                    for body in members.documents(name, version, region):
                        _apply(cluster, body, _BOOTSTRAP)
        for name in ADDONS:
            for body in members.documents(name, wanted.get(name, ""), region):
                if name in wanted:
                    _apply(cluster, body, _MANAGER)
                elif (key := _managed(cluster, body)) is not None:
                    inside.delete(key)

    def _user(self, cluster_id: str, found: ClusterUser | None) -> User | None:
        """The user for the API server. Which access policies count is asked for later, by the same user."""
        if found is None:
            return None
        with self._lock:
            if len(self._policies) >= _MOST_REMEMBERED:
                self._policies.clear()
            self._policies[cluster_id, found.extra["arn"][0]] = found
        return User(found.name, (*found.groups, AUTHENTICATED), found.uid, found.extra)

    def _associated(self, cluster_id: str, user: User) -> Iterable[Association]:
        arn = user.extra.get("arn", ("",))[0]
        with self._lock:
            found = self._policies.get((cluster_id, arn))
        return [Association(name, namespaces) for name, _, namespaces in found.policies] if found is not None else []


def _give_role(cluster: SimulatedCluster, record: ClusterRecord, region: str, pod: Body) -> None:
    namespace, name = pod["metadata"]["namespace"], str(pod["spec"]["serviceAccountName"])
    account = cluster.store.get(Key("", "serviceaccounts", namespace, name))
    if account is not None:
        associated = any(
            (one["namespace"], one["serviceAccount"]) == (namespace, name) for one in list(record.associations.values())
        )
        pods.give_role(pod, account, region, associated=associated)


def _bring(inside: Cluster, nodes: list[Node]) -> None:
    """At once, so that a nodegroup that is active has its nodes; again if somebody wrote to a node meanwhile."""
    inside.cancel(_MANAGER)
    try:
        set_nodes(inside, nodes)
    except ApiError as error:
        if error.reason not in ("Conflict", "AlreadyExists", "NotFound"):
            raise
        inside.later(_MANAGER, _AGAIN_SECONDS, lambda: _bring(inside, nodes))


def _apply(cluster: SimulatedCluster, body: Body, manager: str) -> None:
    kind = cluster.objects.types.kind(body["apiVersion"], body["kind"])
    if kind is None:
        raise LookupError(f"the cluster knows no {body['kind']} of {body['apiVersion']}")
    cluster.objects.apply(kind, body["metadata"]["namespace"], body, Options(manager=manager, force=True))


def _managed(cluster: SimulatedCluster, body: Body) -> Key | None:
    """Where an object is that EKS put there for an addon; None if there is none."""
    kind = cluster.objects.types.kind(body["apiVersion"], body["kind"])
    if kind is None:
        return None
    key = cluster.objects.key(kind, body["metadata"]["namespace"], body["metadata"]["name"])
    found = cluster.store.get(key)
    fields = found["metadata"].get("managedFields") or () if found is not None else ()
    return key if any(one.get("manager") == _MANAGER for one in fields) else None
