"""Which clusters there are, and on which one an Application runs.

An Application that an Argo CD in the cluster itself applies names no cluster ("https://kubernetes.default.svc"). What
tells them apart is where the files stand: the folder that holds a cluster's own values or, failing that, the topmost
folder. The name is then the one that the cluster's values give, which is often not the folder's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from csoc.fleet.argocd.model import Application
from csoc.fleet.location import Location
from csoc.fleet.values import Layer, Path, look_up
from csoc.gen3.adoption.naming import distinct_names, document_name
from csoc.gen3.aws_accounts import account_in, is_account_id
from csoc.gen3.views import ClusterView, Fact, unknown

IN_CLUSTER = frozenset({"", "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local"})
IN_CLUSTER_NAMES = frozenset({"", "in-cluster"})

_AMI_VERSION = re.compile(r"(?<![0-9])1[-.](2[0-9]|3[0-9]|4[0-9])(?![0-9])")
_MINIMUM_SHAPE = 3
_SHAPE = (
    "cluster",
    "accountNumber",
    "karpenter",
    "karpenter-crds",
    "alb-controller",
    "coreDNS",
    "vpc-cni",
    "kube-proxy",
    "external-secrets",
    "ebs-csi-driver",
    "cert-manager",
    "calico",
)


@dataclass(frozen=True, slots=True)
class ClusterValues:
    """A file that configures a cluster (recognised by its shape), parsed. locate: the place of a path in it."""

    location: Location
    data: Mapping[str, object]
    locate: Callable[[Path], Location] | None = None

    def at(self, *path: str) -> Location:
        """The place of a path, or of the file."""
        return self.locate(path) if self.locate else self.location

    def layer(self) -> Layer:
        """What the file holds, as a layer that knows where each path stands."""
        return Layer(self.location.path, self.data, self.locate or (lambda _: self.location))


@dataclass(frozen=True, slots=True)
class StatedCluster:
    """A csoc Cluster document: its name, how Applications address it (name or server), and the folder that is its
    own."""

    name: str
    location: Location
    destination: str = ""
    servers: tuple[str, ...] = ()
    folder: str = ""
    account: str = ""
    kubernetes_version: str = ""


def looks_like_cluster_values(data: object) -> bool:
    """True for a mapping that configures a cluster's add-ons and names the cluster or its account."""
    if not isinstance(data, Mapping):
        return False
    named = any(isinstance(data.get(key), (str, int)) for key in ("cluster", "accountNumber"))
    return named and sum(1 for key in _SHAPE if key in data) >= _MINIMUM_SHAPE


class Clusters:
    """Assigns Applications to clusters. Built once from everything that was read of one repository."""

    def __init__(
        self,
        applications: Sequence[Application],
        values: Sequence[ClusterValues],
        stated: Sequence[StatedCluster] = (),
        registered: Mapping[str, str] | None = None,
    ) -> None:
        """registered: API server URL to cluster name, from Argo CD's cluster Secrets in Git."""
        self._stated = tuple(stated)
        # Of two with one destination or folder the first counts, which is a fault of the other.
        backwards = self._stated[::-1]
        self._stated_by_name = {item.name: item for item in stated}
        # How Argo CD calls it wins over how csoc does, where another document has that name.
        self._stated_by_name |= {item.destination: item for item in backwards if item.destination}
        self._stated_by_server = {server: item for item in backwards for server in item.servers}
        self._stated_by_folder = {item.folder.strip("/"): item for item in backwards if item.folder}
        self._registered = dict(registered or {})
        named = {application.destination_name for application in applications} - IN_CLUSTER_NAMES
        self._names = distinct_names({*named, *self._registered.values()}, document_name)
        servers = {application.destination_server for application in applications} - IN_CLUSTER
        self._servers = distinct_names(servers, lambda server: document_name(_host(server)))
        self._values_in: dict[str, list[ClusterValues]] = defaultdict(list)
        self._folders = self._cluster_folders(applications, values)

    def _cluster_folders(self, applications: Sequence[Application], values: Sequence[ClusterValues]) -> set[str]:
        folders: set[str] = set()
        inhabitants = _inhabitants(values)
        for item in values:
            folder = _own_folder(item, inhabitants)
            folders.add(folder)
            self._values_in[folder].append(item)
        tops: dict[str, int] = defaultdict(int)
        for application in applications:
            if not self._named(application) and _deepest(application.location.path, folders) is None:
                tops[application.location.path.split("/")[0] if "/" in application.location.path else ""] += 1
        # One topmost folder tells nothing apart ("apps/", "argocd/"), unless other clusters are told apart already.
        if len(tops) > 1 or (folders - {""} and tops):
            folders |= {top for top in tops if top}
        return folders

    def _named(self, application: Application) -> Fact | None:
        name, server = application.destination_name, application.destination_server
        stated = self._stated_by_name.get(name) or self._stated_by_server.get(server)
        if stated:
            return Fact(stated.name, "its csoc document names this destination", stated.location, stated=True)
        folder = _deepest(application.location.path, self._stated_by_folder)
        if folder is not None:
            stated = self._stated_by_folder[folder]
            reason = f"its csoc document says that {folder} is its folder"
            return Fact(stated.name, reason, stated.location, stated=True)
        if name not in IN_CLUSTER_NAMES:
            return Fact(self._names[name], "the Application's destination names it", application.location)
        if server in self._registered:
            name = self._names[self._registered[server]]
            return Fact(name, "a cluster Secret in Git has this API server", application.location)
        if server not in IN_CLUSTER:
            reason = "the Application's destination is this API server"
            return Fact(self._servers[server], reason, application.location)
        return None

    def of(self, application: Application) -> Fact:
        """The cluster on which an Application runs, with the reason."""
        named = self._named(application)
        if named:
            return named
        folder = _deepest(application.location.path, self._folders)
        if folder is None:
            return unknown("its Argo CD deploys to its own cluster, and no folder tells clusters apart")
        name, reason, location = self._name_of(folder)
        return Fact(name, reason, location)

    def _name_of(self, folder: str) -> tuple[str, str, Location | None]:
        for item in self._values_in.get(folder, ()):
            for path in (("cluster",), ("clusterName",), ("settings", "clusterName")):
                name = look_up(item.data, path)
                if isinstance(name, str) and name:
                    where = f"; the folder is {folder}" if folder and folder != name else ""
                    return document_name(name), f"{'.'.join(path)} in {item.location.path}{where}", item.at(*path)
        if not folder:
            return "default", "the repository has values for one cluster, which do not name it", None
        return document_name(folder.split("/")[-1]), f"the folder {folder} is all that tells it from others", None

    def views(self, applications: Sequence[Application]) -> list[ClusterView]:
        """Every cluster that is stated, has values, or runs an Application; by name."""
        running: dict[str, list[Application]] = defaultdict(list)
        reasons: dict[str, str] = {}
        for application in applications:
            fact = self.of(application)
            if fact.known:
                running[fact.value].append(application)
                reasons.setdefault(fact.value, fact.reason)
        folder_of: dict[str, str] = {}
        for folder in self._folders:
            name, reason, _ = self._name_of(folder)
            if self._values_in.get(folder) or name in running:
                folder_of.setdefault(name, folder)
                reasons.setdefault(name, reason)
        stated_of = {item.name: item for item in self._stated}
        return [
            self._view(name, reasons.get(name, "a csoc document"), folder_of.get(name, ""), running[name], stated_of)
            for name in sorted({*reasons, *stated_of})
        ]

    def _view(
        self,
        name: str,
        reason: str,
        folder: str,
        applications: Sequence[Application],
        stated_of: Mapping[str, StatedCluster],
    ) -> ClusterView:
        stated = stated_of.get(name)
        files = self._values_in.get(folder, []) if folder or not applications else self._values_in.get("", [])
        account, version = _account(files), kubernetes_version(files)
        if stated and stated.account:
            account = Fact(stated.account, "written in its csoc document", stated.location, stated=True)
        if stated and stated.kubernetes_version:
            version = Fact(stated.kubernetes_version, "written in its csoc document", stated.location, stated=True)
        return ClusterView(
            name=name,
            reason=reason,
            account=account,
            kubernetes_version=version,
            folder=stated.folder if stated and stated.folder else folder,
            values=tuple(item.location for item in files),
            applications=tuple(applications),
            document=stated.location if stated else None,
            layers=tuple(item.layer() for item in files),
            external_secrets=external_secrets_version(files),
        )


def _host(server: str) -> str:
    return re.sub(r"^https?://", "", server).split("/")[0].rpartition("@")[2].split(":")[0]


def _deepest(path: str, folders: Container[str]) -> str | None:
    """The deepest of the folders that holds the path; "" is the whole repository."""
    parts = path.split("/")[:-1]
    for depth in range(len(parts), -1, -1):
        folder = "/".join(parts[:depth])
        if folder in folders:
            return folder
    return None


def _identity(item: ClusterValues) -> object:
    """Files of one cluster name it alike, or stand in one folder."""
    return item.data.get("cluster") or item.location.path.rpartition("/")[0]


def _inhabitants(values: Sequence[ClusterValues]) -> dict[str, set[object]]:
    """Folder to the clusters whose values stand below it."""
    found: dict[str, set[object]] = defaultdict(set)
    for item in values:
        parents = item.location.path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            found["/".join(parents[:depth])].add(str(_identity(item)))
    return found


def _own_folder(item: ClusterValues, inhabitants: Mapping[str, set[object]]) -> str:
    """The topmost folder that holds this cluster's values and no other cluster's."""
    parents = item.location.path.split("/")[:-1]
    for depth in range(1, len(parents) + 1):
        folder = "/".join(parents[:depth])
        if len(inhabitants[folder]) == 1:
            return folder
    return "/".join(parents)


def _account(files: Sequence[ClusterValues]) -> Fact:
    for item in files:
        number = item.data.get("accountNumber")
        if isinstance(number, (str, int)) and is_account_id(str(number)):
            return Fact(str(number), "accountNumber", item.at("accountNumber"))
    for item in files:
        for text in _strings(item.data):
            found = account_in(text)
            if found:
                return Fact(found, "an ARN in its values", item.location)
    return unknown("no accountNumber and no ARN in its values")


def _strings(data: object, depth: int = 0) -> Iterable[str]:
    if isinstance(data, str):
        yield data
    elif depth < 20 and isinstance(data, Mapping):
        for value in data.values():
            yield from _strings(value, depth + 1)
    elif depth < 20 and isinstance(data, list):
        for value in data:
            yield from _strings(value, depth + 1)


# Where a Kubernetes version shows in cluster-level values, best witness first.
_VERSION_PATHS: tuple[tuple[Path, str], ...] = (
    (("kubernetesVersion",), "kubernetesVersion"),
    (("karpenter-crds", "amiSelectorName"), "the nodes' image"),
    (("kube-proxy", "image", "tag"), "kube-proxy's image"),
)


def kubernetes_version(files: Sequence[ClusterValues]) -> Fact:
    """The minor version ("1.35") that a cluster's values give away. Nodes may lag behind the control plane by three
    minors, so this is what its nodes run, not a promise about the API server."""
    for path, witness in _VERSION_PATHS:
        for item in files:
            value = look_up(item.data, path)
            found = _AMI_VERSION.search(str(value)) if value is not None else None
            if found:
                place = item.at(*map(str, path))
                return Fact(f"1.{found.group(1)}", f"{witness} ({'.'.join(map(str, path))}: {value})", place)
    return unknown("its values name no version of Kubernetes")


# What the chart cluster-level-resources installs where values name no version (its values.yaml of August 2026).
_EXTERNAL_SECRETS_DEFAULT = "0.9.13"


def external_secrets_version(files: Sequence[ClusterValues]) -> Fact:
    """The version of the External Secrets operator that a cluster's values install."""
    for item in files:
        if look_up(item.data, ("external-secrets", "enabled")) is not True:
            continue
        stated = look_up(item.data, ("external-secrets", "targetRevision"))
        if isinstance(stated, (str, int, float)) and not isinstance(stated, bool):
            place = item.at("external-secrets", "targetRevision")
            return Fact(str(stated), f"external-secrets.targetRevision: {stated}", place)
        reason = f"default of cluster-level-resources: {_EXTERNAL_SECRETS_DEFAULT}"
        return Fact(_EXTERNAL_SECRETS_DEFAULT, reason, item.at("external-secrets"))
    return unknown("its values install no External Secrets operator")
