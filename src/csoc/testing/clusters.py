"""Ways into clusters, in memory."""

from __future__ import annotations

from collections.abc import Mapping

from csoc.clusters.access import ClusterReference
from csoc.clusters.client import ClusterClient
from csoc.errors import NotFoundError


class MemoryClusterAccess:
    """See csoc.clusters.access.ClusterAccess. clients: by the name of the Cluster. opened: who came, and for what."""

    def __init__(self, clients: Mapping[str, ClusterClient]) -> None:
        self._clients = dict(clients)
        self.opened: list[tuple[str, str, str]] = []

    def open(self, reference: ClusterReference, *, person: str, task: str) -> ClusterClient:
        found = self._clients.get(reference.cluster)
        if found is None:
            raise NotFoundError(
                f"There is no way into the cluster {reference.cluster}", place=f"cluster {reference.cluster}"
            )
        self.opened.append((reference.cluster, person, task))
        return found
