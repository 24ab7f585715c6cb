"""The clusters behind EKS: simulated ones of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from csoc.emulator.cloud.eks_records import Authenticate, ClusterUser, MadeCluster
from csoc.emulator.kubernetes.access_policies import Association
from csoc.emulator.kubernetes.fleet import SimulatedCluster, SimulatedClusters
from csoc.emulator.kubernetes.store import Base, Key, unpacked
from csoc.emulator.kubernetes.users import AUTHENTICATED, User

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class KeptCluster:
    """base: the objects. key: of its service account tokens, None if it was never needed."""

    base: Base
    key: rsa.RSAPrivateKey | None


class SimulatedMaker:
    """Makes clusters in `clusters`. ca: PEM of the authority that their endpoint's certificate is signed by."""

    def __init__(self, clusters: SimulatedClusters, ca: str) -> None:
        self._clusters = clusters
        self._ca = ca
        self._policies: dict[tuple[str, str], ClusterUser] = {}
        self._kept: dict[str, KeptCluster] = {}
        self._lock = threading.Lock()

    def create(self, cluster_id: str, version: str, issuer: str, authenticate: Authenticate) -> MadeCluster:
        """See ClusterMaker."""
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            cluster = self._clusters.create(
                cluster_id,
                version,
                issuer=issuer,
                outside=lambda token: self._user(cluster_id, authenticate(token)),
                associations=lambda user: self._associated(cluster_id, user),
            )
            kept = self._kept.pop(cluster_id, None)
            if kept is not None:
                self._fill(cluster, kept)
        return MadeCluster(cluster.endpoint, self._ca)

    def upgrade(self, cluster_id: str, version: str) -> None:
        """See ClusterMaker."""
        cluster = self._clusters.get(cluster_id)
        if cluster is not None:
            cluster.version = version

    def issuer_keys(self, cluster_id: str) -> Mapping[str, Any] | None:
        """See ClusterMaker."""
        cluster = self._clusters.get(cluster_id)
        return cluster.access.signer.key_set() if cluster is not None else None

    def delete(self, cluster_id: str) -> None:
        """See ClusterMaker."""
        self._clusters.delete(cluster_id)

    def kept(self) -> dict[str, KeptCluster]:
        """What is in the clusters, to be kept over a restart."""
        return {
            cluster.id: KeptCluster(cluster.store.as_base(), cluster.access.signer.key)
            for cluster in self._clusters.__iter__()
        }

    def restore(self, kept: dict[str, KeptCluster]) -> None:
        """Clusters of these ids begin with what was kept, once they are made again."""
        self._kept = dict(kept)

    def _fill(self, cluster: SimulatedCluster, kept: KeptCluster) -> None:
        """Puts the objects of before into a new cluster, and takes away what it began with."""
        cluster.access.signer.take(kept.key)
        for (group, resource), bucket in cluster.store.as_base().buckets.items():
            for place in bucket.keys() - kept.base.buckets.get((group, resource), {}).keys():
                cluster.store.remove(Key(group, resource, *place))
        for (group, resource), bucket in kept.base.buckets.items():
            for place, body in bucket.items():
                cluster.store.put(Key(group, resource, *place), unpacked(body))

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
