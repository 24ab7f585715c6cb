"""The clusters that the contract of ClusterClient is held on: a real one, and a simulated one behind the same API."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import Endpoint, connect, from_kubeconfig_file
from csoc.bootstrap import repository_server
from csoc.clusters.client import Where
from csoc.config import Settings
from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.controllers.settings import Settings as ClusterSettings
from csoc.emulator.kubernetes.controllers.settings import Timing
from csoc.emulator.kubernetes.living import LivingClusters, install_argocd
from csoc.emulator.kubernetes.users import MASTERS, User
from csoc.emulator.timeline import RunningTimeline
from testbed.servers.cluster import Cluster

# As the testbed's: kwok plays the kubelets, and no cloud gives load balancers.
NEVER_SECONDS = 1e9
AS_KWOK = ClusterSettings(as_kwok=True, timing=Timing(load_balancer=NEVER_SECONDS))


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


class SimulatedWorld:
    """A cluster of the emulator, with its controllers, behind the same API."""

    def __init__(self, cluster: SimulatedCluster, certificate: str) -> None:
        self._cluster = cluster
        self._certificate = certificate
        self.admin = self._connected(User("admin", (MASTERS,)))

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self._cluster.endpoint, lambda: "none", self._certificate)

    @contextmanager
    def identity(self, namespace: str, rules: Sequence[dict[str, Any]]) -> Iterator[KubeClient]:
        rbac, name = "rbac.authorization.k8s.io", f"account-{secrets.token_hex(4)}"
        about = {"name": name, "namespace": namespace}
        self.admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about})
        self.admin.create({"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": about, "rules": list(rules)})
        reference = {"apiGroup": rbac, "kind": "Role", "name": name}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        binding = {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": about}
        self.admin.create({**binding, "roleRef": reference, "subjects": [subject]})
        client = self._connected(
            User(f"system:serviceaccount:{namespace}:{name}", ("system:serviceaccounts", "system:authenticated"))
        )
        yield client
        client.close()

    def _connected(self, user: User) -> KubeClient:
        token = secrets.token_hex(16)
        self._cluster.access.admit(token, user)
        return connect(Endpoint(self._cluster.endpoint, lambda: token, self._certificate), "simulated")


@contextmanager
def simulated_world(cache: Path, *, speed: float = 20, settings: ClusterSettings = AS_KWOK) -> Iterator[SimulatedWorld]:
    """A simulated cluster with Argo CD in it; pods get ready as kwok's do, since they do on the real one, unless the
    settings say otherwise. cache: where what Argo CD fetched is kept. speed: how many times as fast time runs."""
    timeline = RunningTimeline(speed=speed)
    with repository_server(Settings(cache_dir=cache)) as manifests:
        clusters = LivingClusters(timeline, settings, manifests)
        with serving(clusters.all) as served:
            made = clusters.all.create("contract")
            install_argocd(made, timeline.now)
            set_nodes(clusters.living("contract"), [Node("node-1"), Node("node-2")])
            yield SimulatedWorld(made, served.certificate)
        clusters.close()
    timeline.stop()


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
