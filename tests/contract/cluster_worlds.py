"""The clusters that the contract of ClusterClient is held on: a real one, and a simulated one behind the same API."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import Endpoint, connect, from_kubeconfig_file
from csoc.clusters.client import Where
from testbed.servers.cluster import Cluster


class ClusterWorld(Protocol):
    """One cluster, as somebody who may do everything, and ways to be somebody else."""

    admin: KubeClient

    @property
    def endpoint(self) -> Endpoint:
        """Where it is, with a token that is none."""
        ...

    def identity(self, namespace: str, rules: Sequence[dict[str, Any]]) -> AbstractContextManager[KubeClient]:
        """A service account with these rights in a namespace, and nothing else."""
        ...


class RealCluster:
    """The testbed's cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.admin = from_kubeconfig_file(cluster.kubeconfig, "real")

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self._cluster.server, lambda: "none", self._authority())

    @contextmanager
    def identity(self, namespace: str, rules: Sequence[dict[str, Any]]) -> Iterator[KubeClient]:
        with self._cluster.service_account(namespace, rules=rules) as account:
            client = connect(Endpoint(self._cluster.server, lambda: account.token, self._authority()), "real")
            yield client
            client.close()

    def _authority(self) -> str:
        return Path(self._cluster.address["certificate"]).read_text(encoding="ascii")


@contextmanager
def namespace_in(client: KubeClient) -> Iterator[str]:
    """A new namespace, gone afterwards."""
    name = f"contract-{secrets.token_hex(4)}"
    _, version = client.list_all("v1", "ConfigMap")
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    # A controller puts the cluster's authority into it, and a test that counts has to know when.
    next(
        change for change in client.watch("v1", "ConfigMap", version, Where(name), seconds=60) if change.type == "ADDED"
    )
    yield name
    client.delete("v1", "Namespace", name)
