"""Argo CD's repo server and application controller beside a cluster, and what tests prepare in it.

They run as processes of this machine and not in Pods, which takes a few settings that an installation does not have.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed import debian
from testbed.binaries import MANIFESTS
from testbed.servers import control_plane, process
from testbed.servers.cluster import Cluster, definitions
from testbed.servers.kube import Document, KubeClient
from testbed.servers.process import ServerError

NAMESPACE = "argocd"
API = "argoproj.io/v1alpha1"
READY_SECONDS = 60
_CACHE_VERSION = "1.8.3"  # Argo CD 3.2, common/common.go, CacheVersion
REFRESH = "argocd.argoproj.io/refresh"
HEARD_SECONDS = 10.0
TIMES_ASKED = 12
RESYNC_SECONDS = 180  # Argo CD's own usual; a test that wants it earlier asks for a refresh


def start_with_cluster(stack: contextlib.ExitStack, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The address of a new cluster with Argo CD in its namespace. Raises ServerError.

    settings: kubernetes, kwok, helm (folders of what the testbed built) and nodes (how many).
    """
    programs = Path(settings["kubernetes"])
    address, client = control_plane.start(
        stack, folder, programs=programs, kwok=Path(settings["kwok"]), nodes=int(settings["nodes"])
    )
    _install(client, programs / MANIFESTS)
    address["redis_port"] = _start_servers(stack, folder, programs, Path(settings["helm"]))
    return address


def _install(client: KubeClient, manifests: Path) -> None:
    """What Argo CD's own installation would put into the cluster, as far as its two servers need it."""
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    client.install_definitions(definitions(manifests / "argocd-crds"))
    settings = yaml.load((manifests / "argocd-cm.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    settings["metadata"]["namespace"] = NAMESPACE
    client.create(settings)
    client.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "argocd-secret",
                "namespace": NAMESPACE,
                "labels": {"app.kubernetes.io/part-of": "argocd"},
            },
            "stringData": {"server.secretkey": secrets.token_hex(32)},
        }
    )
    client.create(project("default"))


def _start_servers(stack: contextlib.ExitStack, folder: Path, programs: Path, helm: Path) -> int:
    """The port of the Redis where they leave what they know."""
    redis_port, repo_port, repo_metrics, metrics = process.free_ports(4)
    redis = process.start(
        "redis",
        [
            debian.path_of("redis-server"),
            *("--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", folder),
        ],
        folder,
    )
    stack.callback(redis.stop)
    redis.wait_until(lambda: process.listens(redis_port), READY_SECONDS)
    for name in ("tls", "ssh", "plugins"):
        (folder / name).mkdir()
    repo_server: list[str | Path] = [
        programs / "argocd-repo-server",
        *("--redis", f"127.0.0.1:{redis_port}"),
        *("--address", "127.0.0.1", "--port", str(repo_port)),
        *("--metrics-address", "127.0.0.1", "--metrics-port", str(repo_metrics)),
        *("--disable-tls", "--loglevel", "warn"),
    ]
    environment = {
        # Its own git askpass program is the "argocd" beside it; the socket between them must be this cluster's own.
        "PATH": f"{programs}:{helm}:{debian.path_of('git').parent}:/usr/bin:/bin",
        "KUBECONFIG": str(folder / "kubeconfig"),
        "ARGOCD_ASK_PASS_SOCK": str(folder / "askpass.sock"),
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
        "ARGOCD_SSH_DATA_PATH": str(folder / "ssh"),
        "ARGOCD_PLUGINSOCKFILEPATH": str(folder / "plugins"),
        "ARGOCD_EXEC_TIMEOUT": "180s",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    controller: list[str | Path] = [
        programs / "argocd-application-controller",
        *("--kubeconfig", folder / "kubeconfig", "--namespace", NAMESPACE),
        *("--redis", f"127.0.0.1:{redis_port}"),
        *("--repo-server", f"127.0.0.1:{repo_port}", "--repo-server-plaintext"),
        *("--metrics-port", str(metrics), "--app-resync", str(RESYNC_SECONDS), "--loglevel", "warn"),
    ]
    outside_of_a_pod = {
        "ARGOCD_FAKE_IN_CLUSTER": "true",  # then it reads KUBECONFIG for https://kubernetes.default.svc
        "KUBECONFIG": str(folder / "kubeconfig"),
        "ARGOCD_CONTROLLER_REPLICAS": "1",
        "ARGOCD_CONTROLLER_SHARD": "0",
    }
    for name, command, its_environment, port in (
        ("argocd-repo-server", repo_server, environment, repo_metrics),
        ("argocd-application-controller", controller, outside_of_a_pod, metrics),
    ):
        server = process.start(name, command, folder, environment=its_environment)
        stack.callback(server.stop)
        server.wait_until(lambda port=port: process.answers(f"http://127.0.0.1:{port}/healthz"), READY_SECONDS)  # type: ignore[misc]
    return redis_port


def project(
    name: str, *, repositories: Sequence[str] = ("*",), namespaces: Sequence[str] = ("*",), cluster_wide: bool = True
) -> Document:
    """An AppProject that allows these repositories and namespaces; cluster_wide: kinds without a namespace too."""
    anything = [{"group": "*", "kind": "*"}]
    return {
        "apiVersion": API,
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "sourceRepos": list(repositories),
            "destinations": [{"namespace": namespace, "server": "*"} for namespace in namespaces],
            "clusterResourceWhitelist": anything if cluster_wide else [],
        },
    }


def unheard() -> dict[str, str]:
    """Annotations that make Argo CD look at what an Application is by now.

    It writes the answer to each of its own writes over what it has heard of the Application meanwhile (3.2.1,
    controller/appcontroller.go, writeBackToInformer). So what is asked while such an answer is on its way, a look, a
    sync, a deletion, can be lost to it until RESYNC_SECONDS are over, unless the Application changes once more.
    """
    return {"testbed/asked-again": secrets.token_hex(4)}


def credential(prefix: str, username: str, password: str, owner: str) -> Document:
    """A Secret by which Argo CD reads all repositories whose URL starts with the prefix, with a name of its own.

    owner: the AppProject of the test that it is removed with.
    """
    # Without forceHttpBasicAuth git asks the askpass program, which is the way of most installations.
    content = {"type": "git", "url": prefix, "username": username, "password": password}
    metadata = {
        "name": f"repositories-{secrets.token_hex(4)}",
        "namespace": NAMESPACE,
        "labels": {"argocd.argoproj.io/secret-type": "repo-creds", "testbed": owner},
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": content}


@dataclass(frozen=True)
class Credential:
    """A Secret by which Argo CD reads repositories; delete() takes the access away."""

    client: KubeClient
    name: str

    def delete(self) -> None:
        """Argo CD has no access from here on."""
        self.client.delete("v1", "Secret", self.name, NAMESPACE)


@dataclass(frozen=True)
class Delivery:
    """What one test has in a cluster's Argo CD: a namespace and an AppProject bound to it."""

    cluster: Cluster
    namespace: str
    project: str

    def add_credential(self, prefix: str, username: str, password: str) -> Credential:
        """Lets Argo CD read all repositories whose URL starts with the prefix."""
        secret = credential(prefix, username, password, self.project)
        self.cluster.admin.create(secret)
        return Credential(self.cluster.admin, secret["metadata"]["name"])

    def create_application(
        self, sources: Sequence[Document], *, name: str | None = None, options: Sequence[str] = (), **spec: object
    ) -> str:
        """A new Application of this test's project into its namespace, synced by Argo CD itself; its name."""
        name = name or f"application-{secrets.token_hex(4)}"
        content = {
            "project": self.project,
            "sources": list(sources),
            "destination": {"server": "https://kubernetes.default.svc", "namespace": self.namespace},
            "syncPolicy": {"automated": {"prune": True}, "syncOptions": list(options)},
            **spec,
        }
        metadata = {"name": name, "namespace": NAMESPACE, "labels": {"testbed": self.project}}
        self.cluster.admin.create({"apiVersion": API, "kind": "Application", "metadata": metadata, "spec": content})
        # It may look before it has heard of a credential, and looks again by itself only after RESYNC_SECONDS.
        first = self.wait_for(name, lambda one: bool({"reconciledAt", "conditions"} & set(one.get("status", {}))))
        if "authentication" in json.dumps(first["status"].get("conditions", [])):
            self.refresh(name)
        return name

    def application(self, name: str) -> Document:
        """The Application as it is."""
        return self.cluster.admin.get(API, "Application", name, NAMESPACE)

    def refresh(self, name: str, *, hard: bool = False) -> None:
        """Asks Argo CD to look into Git again, and comes back when it has; hard: past its caches too."""
        self._annotate(name, {REFRESH: "hard" if hard else "normal"})
        for _ in range(TIMES_ASKED):
            with contextlib.suppress(TimeoutError):
                self.wait_for(name, lambda one: REFRESH not in one["metadata"].get("annotations", {}), HEARD_SECONDS)
                return
            self._annotate(name, unheard())
        raise ServerError(f"Argo CD does not look at {name}, though it was asked {TIMES_ASKED} times")

    def look_until(self, name: str, is_so: Callable[[Document], bool]) -> Document:
        """The Application once it is as asked, which follows from something that Argo CD may hear of later than of the
        look; so it looks past its caches again and again. Raises ServerError."""
        for _ in range(TIMES_ASKED):
            self.refresh(name, hard=True)
            with contextlib.suppress(TimeoutError):
                return self.wait_for(name, is_so, HEARD_SECONDS)
        raise ServerError(f"{name} is not as awaited after {TIMES_ASKED} looks")

    def wait_for(self, name: str, is_so: Callable[[Document], bool], seconds: float = 120) -> Document:
        """The Application once it is as asked. Raises TimeoutError with its state."""
        return self.cluster.admin.wait_for(API, "Application", name, is_so, namespace=NAMESPACE, seconds=seconds)

    def wait_until_synced(self, name: str, commit: str | None = None, seconds: float = 120) -> Document:
        """The Application once it is Synced and its last sync succeeded, to a commit if one is given."""

        def is_synced(document: Document) -> bool:
            status = document.get("status", {})
            sync = status.get("sync", {})
            reached = [*sync.get("revisions", []), sync.get("revision")]
            done = status.get("operationState", {}).get("phase") == "Succeeded"
            return sync.get("status") == "Synced" and done and (commit is None or commit in reached)

        return self.wait_for(name, is_synced, seconds)

    def tree(self, name: str) -> list[Document]:
        """The objects of an Application and what those own, each with the health that Argo CD sees; its page shows
        that, the Application does not."""
        kept = _kept(int(self.cluster.address["redis_port"]), f"app|resources-tree|{name}|{_CACHE_VERSION}.gz")
        nodes: list[Document] = json.loads(gzip.decompress(kept))["nodes"]
        return nodes

    def remove(self) -> None:
        """Applications, what they made, credentials, project and namespace are deleted."""
        client = self.cluster.admin
        for application in client.list(API, "Application", NAMESPACE, labelSelector=f"testbed={self.project}"):
            client.delete(API, "Application", application["metadata"]["name"], NAMESPACE)
            for row in application.get("status", {}).get("resources", []):
                if "namespace" not in row:  # what is in the namespace goes with it
                    version = "/".join(part for part in (row.get("group"), row["version"]) if part)
                    client.delete(version, row["kind"], row["name"])
        for secret in client.list("v1", "Secret", NAMESPACE, labelSelector=f"testbed={self.project}"):
            client.delete("v1", "Secret", secret["metadata"]["name"], NAMESPACE)
        client.delete(API, "AppProject", self.project, NAMESPACE)
        client.delete("v1", "Namespace", self.namespace)

    def _annotate(self, name: str, annotations: Document) -> None:
        self.cluster.admin.merge(API, "Application", name, {"metadata": {"annotations": annotations}}, NAMESPACE)


def _kept(port: int, key: str) -> bytes:
    """What Redis keeps under a key. Raises KeyError."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, connection.makefile("rwb") as stream:
        stream.write(f"*2\r\n$3\r\nGET\r\n${len(key.encode())}\r\n{key}\r\n".encode())
        stream.flush()
        length = int(stream.readline().removeprefix(b"$"))
        if length < 0:
            raise KeyError(key)
        return stream.read(length)


@contextlib.contextmanager
def delivery(cluster: Cluster, **limits: Any) -> Iterator[Delivery]:
    """A namespace and a project of its own for one test. limits: as of `project`."""
    namespace = cluster.create_namespace()
    cluster.admin.create(project(namespace, namespaces=[namespace], **limits))
    made = Delivery(cluster, namespace, namespace)
    try:
        yield made
    finally:
        made.remove()
