"""Simulated clusters that live: with controllers, pods that run, and an Argo CD that syncs."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes.access.access_policies import Associations
from csoc.emulator.kubernetes.access.callers import Outside
from csoc.emulator.kubernetes.argocd.applications import ArgoCd
from csoc.emulator.kubernetes.argocd.own_definitions import DEFINITIONS
from csoc.emulator.kubernetes.argocd.ports import Manifests
from csoc.emulator.kubernetes.clusters import SimulatedCluster, SimulatedClusters
from csoc.emulator.kubernetes.controllers import kubelet
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.runtime import SimulatedPods
from csoc.emulator.kubernetes.controllers.settings import Settings
from csoc.emulator.kubernetes.controllers.table import attach, hearing
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.pod_runtime import PodRuntime
from csoc.emulator.timeline import Timeline

_LOG = logging.getLogger(__name__)
ARGO_NAMESPACE = "argocd"


class LivingClusters:
    """Clusters with what makes them live. all: the clusters themselves, for whoever serves or makes them.

    manifests: None means that Applications stay as they are written. The threads that fetch and render are ended by
    `close`; the clusters' time is the timeline's.
    """

    def __init__(
        self,
        timeline: Timeline,
        settings: Settings,
        manifests: Manifests | None = None,
        *,
        outside: Callable[[str], Outside] | None = None,
        associations: Callable[[str], Associations] | None = None,
    ) -> None:
        self._timeline = timeline
        self._settings = settings
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="repo-server")
        self._argo = ArgoCd(manifests, self._background) if manifests is not None else None
        self._hearing = hearing(*(self._argo.controllers if self._argo is not None else ()))
        self._living: dict[str, Cluster] = {}
        if self._argo is not None:
            self._argo.poll(timeline, lambda: list(self._living.values()))
        self._lock = threading.Lock()
        self.all = SimulatedClusters(
            timeline.now, DEFINITIONS, outside=outside, associations=associations, runtime=self._begin
        )

    def living(self, cluster_id: str) -> Cluster:
        """A cluster as its controllers see it. Raises KeyError."""
        return self._living[cluster_id]

    def delete(self, cluster_id: str) -> None:
        """Takes a cluster away with everything that works in it."""
        with self._lock:
            gone = self._living.pop(cluster_id, None)
        if gone is not None:
            gone.detach()
        self.all.delete(cluster_id)

    def reconsider(self) -> None:
        """Has every pod looked at again, after the rules of what goes wrong have changed."""
        with self._lock:
            living = list(self._living.values())
        for cluster in living:
            kubelet.reconsider(cluster)

    def close(self) -> None:
        """Ends what works in the clusters."""
        with self._lock:
            living, self._living = list(self._living.values()), {}
        for cluster in living:
            cluster.detach()
        self._threads.shutdown(cancel_futures=True)

    def _background(self, job: Callable[[], None]) -> None:
        def run() -> None:
            try:
                job()
            except Exception:  # noqa: BLE001 - an executor would keep it to itself, and the Application would wait
                _LOG.exception("rendering an Application failed in a way that Argo CD has no words for")

        self._threads.submit(run)

    def _begin(self, cluster: SimulatedCluster) -> PodRuntime:
        made = attach(cluster.id, cluster.store, self._settings, self._timeline, self._hearing, cluster.objects)
        with self._lock:
            self._living[cluster.id] = made
        return SimulatedPods(made, cluster.access.signer)


def install_argocd(cluster: SimulatedCluster, now: Callable[[], datetime]) -> None:
    """What Argo CD's installation puts into a cluster before it works: namespace, settings, the project `default`."""
    for body in _installation(now):
        kind = cluster.objects.types.kind(body["apiVersion"], body["kind"])
        if kind is None:
            raise LookupError(f"the cluster knows no {body['kind']}")
        cluster.objects.create(
            kind, body["metadata"].get("namespace", ""), body, Options(manager="argocd-installation")
        )


def _installation(now: Callable[[], datetime]) -> list[dict[str, Any]]:
    about = {"namespace": ARGO_NAMESPACE}
    everything = [{"group": "*", "kind": "*"}]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ARGO_NAMESPACE}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**about, "name": "argocd-cm"}, "data": {}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {**about, "name": "argocd-secret"},
            "stringData": {"server.secretkey": secrets.token_hex(32), "admin.passwordMtime": now().isoformat()},
        },
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {**about, "name": "default"},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"namespace": "*", "server": "*"}],
                "clusterResourceWhitelist": everything,
            },
        },
    ]
