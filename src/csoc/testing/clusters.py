"""Ways into clusters, in memory."""

from __future__ import annotations

from collections.abc import Mapping

from csoc.clusters.access import ClusterReference
from csoc.clusters.client import ClusterClient
from csoc.errors import NotFoundError


class MemoryClusterAccess:
    """See csoc.clusters.access.ClusterAccess. clients: by the name of the Cluster. opened: who came, and for what.
    rights: "raised" and "lowered", in order."""

    def __init__(self, clients: Mapping[str, ClusterClient]) -> None:
        self._clients = dict(clients)
        self.opened: list[tuple[str, str, str]] = []
        self.rights: list[str] = []

    def open(self, reference: ClusterReference, *, person: str, task: str) -> ClusterClient:
        found = self._clients.get(reference.cluster)
        if found is None:
            raise NotFoundError(
                f"There is no way into the cluster {reference.cluster}", place=f"cluster {reference.cluster}"
            )
        self.opened.append((reference.cluster, person, task))
        return found

    def raise_rights(self, reference: ClusterReference, *, person: str, task: str) -> None:  # noqa: ARG002 - the port's
        self.rights.append("raised")

    def lower_rights(self, reference: ClusterReference, *, person: str, task: str) -> None:  # noqa: ARG002 - the port's
        self.rights.append("lowered")
