"""All simulated clusters of a process.

A cluster is a few small objects until something happens in it: what every cluster has (roles, definitions, namespaces)
is made once and shared until it is changed.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from csoc.emulator.kubernetes.access import aggregated_roles, rbac
from csoc.emulator.kubernetes.access.access_policies import Associations
from csoc.emulator.kubernetes.access.callers import Access, Outside
from csoc.emulator.kubernetes.access.tokens import Signer
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.kinds import facts
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.pod_runtime import NoRuntime, PodRuntime
from csoc.emulator.kubernetes.store import Base, Key, Store

Object = dict[str, Any]
NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_KEPT_SECONDS = 300.0
"""Of the history of changes, as etcd keeps it."""

RuntimeOf = Callable[["SimulatedCluster"], PodRuntime]


class SimulatedCluster:
    """One cluster. objects: its API for who is inside of the process. endpoint: where clients find it, "" until it is
    served. running: False makes it refuse connections."""

    __slots__ = ("_compacted", "access", "endpoint", "id", "objects", "running", "runtime", "store", "version")

    def __init__(
        self, cluster_id: str, version: str, store: Store, now: Callable[[], datetime], access: Access
    ) -> None:
        self.id = cluster_id
        self.version = version
        self.store = store
        self.access = access
        self.objects = Objects(store, now, (access.guard,))
        self.endpoint = ""
        self.running = True
        self.runtime: PodRuntime = NoRuntime()
        self._compacted: tuple[float, int] = (0.0, store.version)

    @property
    def git_version(self) -> str:
        """As /version says it."""
        return facts.GIT_VERSION if self.version == "1.34" else f"v{self.version}.0"

    def compact(self, at: float) -> None:
        """Forgets changes that are older than some minutes. at: seconds of a clock that only goes forward."""
        since, version = self._compacted
        if at - since < _KEPT_SECONDS:
            return
        newer = self.store.version - version
        self.store.compact(newer)
        self._compacted = (at, self.store.version)


class SimulatedClusters:
    """Clusters by id. Threads may share it.

    documents: what every cluster has besides what Kubernetes brings along (definitions of Argo CD, for instance).
    outside, associations: for a cluster's id, whom tokens that it did not make stand for, and which access policies
    somebody has (EKS gives both). runtime: what runs in the pods of a cluster. address: the endpoint's, without a path.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        documents: Sequence[Object] = (),
        *,
        outside: Callable[[str], Outside] | None = None,
        associations: Callable[[str], Associations] | None = None,
        runtime: RuntimeOf | None = None,
    ) -> None:
        self.address = ""
        self._now = now
        self._documents = tuple(documents)
        self._outside = outside
        self._associations = associations
        self._runtime = runtime
        self._clusters: dict[str, SimulatedCluster] = {}
        self._lock = threading.Lock()
        self._base: Base | None = None

    def create(
        self,
        cluster_id: str,
        version: str = "1.34",
        *,
        issuer: str = "",
        outside: Outside | None = None,
        associations: Associations | None = None,
        kept: Base | None = None,
    ) -> SimulatedCluster:
        """A new cluster. issuer: of its service accounts' tokens; by default the cluster's own address. kept: what was
        in it before, for one that comes back.

        Raises ValueError if there is one with this id, or if the id cannot be part of a path.
        """
        if not cluster_id or any(char in cluster_id for char in "/?#% ") or not cluster_id.isascii():
            raise ValueError(f"{cluster_id!r} is no id of a cluster: use letters, digits, '-', '.' and '_'")
        store = Store(base=kept or self._shared())
        outside = outside or (self._outside(cluster_id) if self._outside else None)
        associations = associations or (self._associations(cluster_id) if self._associations else None)
        endpoint = f"{self.address}/clusters/{cluster_id}" if self.address else ""
        signer = Signer(issuer or endpoint or f"https://kubernetes.default.svc/{cluster_id}")
        access = Access(store, signer, self._now, outside, associations)
        made = SimulatedCluster(cluster_id, version, store, self._now, access)
        made.endpoint = endpoint
        if kept is None:
            _found(made.objects)
        if self._runtime is not None:
            made.runtime = self._runtime(made)
        with self._lock:
            if cluster_id in self._clusters:
                raise ValueError(f"there is a cluster {cluster_id} already")
            self._clusters[cluster_id] = made
        return made

    def get(self, cluster_id: str) -> SimulatedCluster | None:
        """The cluster; None if there is none."""
        return self._clusters.get(cluster_id)

    def __iter__(self) -> Iterator[SimulatedCluster]:
        with self._lock:
            return iter(list(self._clusters.values()))

    def __len__(self) -> int:
        return len(self._clusters)

    def delete(self, cluster_id: str) -> None:
        """Takes a cluster away; one that is not there is fine."""
        with self._lock:
            gone = self._clusters.pop(cluster_id, None)
        if gone is not None:
            gone.running = False

    def stop(self, cluster_id: str) -> None:
        """From now on the cluster refuses connections. Raises KeyError."""
        self._clusters[cluster_id].running = False

    def start(self, cluster_id: str) -> None:
        """The cluster answers again. Raises KeyError."""
        self._clusters[cluster_id].running = True

    def compact(self, at: float | None = None) -> None:
        """Lets all clusters forget old changes."""
        moment = time.monotonic() if at is None else at
        for cluster in list(self._clusters.values()):
            cluster.compact(moment)

    def _shared(self) -> Base:
        with self._lock:
            if self._base is None:
                self._base = base(self._now, self._documents)
            return self._base


def base(now: Callable[[], datetime], documents: Sequence[Object] = ()) -> Base:
    """What clusters are made with. Raises ApiError if a document is not accepted."""
    store = Store()
    objects = Objects(store, now)
    for name in NAMESPACES:
        _create(objects, "v1", "Namespace", {"metadata": {"name": name}})
    for role in facts.roles():
        _create(objects, f"{rbac.GROUP}/v1", role["kind"], _written(role))
    _aggregate(objects)
    for number, name in enumerate(("system-node-critical", "system-cluster-critical")):
        body = {
            "metadata": {"name": name},
            "value": 2_000_001_000 - 1000 * number,
            "description": "Used for system critical pods.",
        }
        _create(objects, "scheduling.k8s.io/v1", "PriorityClass", body)
    service = {
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {"clusterIP": "10.100.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 443}]},
    }
    _create(objects, "v1", "Service", service)
    for document in documents:
        api_version, kind = document["apiVersion"], document["kind"]
        type_ = objects.types.kind(api_version, kind)
        if type_ is None:
            raise ValueError(f"clusters cannot be made with a {kind} of {api_version}: no such kind")
        namespace = document["metadata"].get("namespace", "default")
        objects.apply(type_, namespace, document, Options(manager="csoc-emulator", force=True))
    store.compact()
    made = store.as_base()
    # Namespaces and their accounts have a uid of their own in each cluster: kube-system's names the cluster.
    own = {("", "namespaces"), ("", "serviceaccounts")}
    return Base(
        {kind: found for kind, found in made.buckets.items() if kind not in own or _has_more(kind, found)}, made.version
    )


def _aggregate(objects: Objects) -> None:
    """Fills the roles that are made of others. One may be made of one that is, so it goes on until nothing changes."""
    type_ = objects.types.kind(f"{rbac.GROUP}/v1", "ClusterRole")
    assert type_ is not None  # noqa: S101 - tells the type checker
    before = -1
    while before != objects.store.version:
        before = objects.store.version
        for body in objects.store.objects(*type_.place):
            if body.get("aggregationRule"):
                aggregated_roles.fill(objects, body["metadata"]["name"])


def _has_more(kind: tuple[str, str], found: Any) -> bool:
    return any(place[1 if kind[1] == "namespaces" else 0] not in NAMESPACES for place in found)


def _found(objects: Objects) -> None:
    """Makes the namespaces of a new cluster, each with an identity of its own."""
    for name in NAMESPACES:
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": {"kubernetes.io/metadata.name": name},
                "uid": str(uuid.uuid4()),
                "creationTimestamp": objects.stamp(),
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        }
        objects.store.put(Key("", "namespaces", "", name), body)
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": "default",
                "namespace": name,
                "uid": str(uuid.uuid4()),
                "creationTimestamp": objects.stamp(),
            },
        }
        objects.store.put(Key("", "serviceaccounts", name, "default"), account)
    objects.store.compact()


def _create(objects: Objects, api_version: str, kind: str, body: Object) -> None:
    type_ = objects.types.kind(api_version, kind)
    assert type_ is not None, kind  # noqa: S101 - tells the type checker
    try:
        objects.create(type_, body["metadata"].get("namespace", ""), body, Options(manager="kube-apiserver"))
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise


def _written(role: Object) -> Object:
    metadata: Object = {
        "name": role["name"],
        "labels": {**role.get("labels", {}), "kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }
    if "namespace" in role:
        metadata["namespace"] = role["namespace"]
    kept: Object = {name: role[name] for name in ("aggregationRule", "rules", "roleRef", "subjects") if name in role}
    return {"metadata": metadata, **kept}
