"""Argo CDs that the contract of Applications is held on: the testbed's, and the one of a simulated cluster."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import from_kubeconfig_file
from csoc.clusters.applications import API, KIND, NAMESPACE
from csoc.clusters.client import Where
from csoc.emulator.kubernetes.argocd import customhealth, health
from testbed.servers.argocd import Delivery, credential, project
from testbed.servers.control_plane import PLAYED
from testbed.servers.gitea import Gitea, GiteaRepository, GiteaUser
from tests.contract.cluster_worlds import SimulatedWorld

Object = dict[str, Any]
NO_TOKEN = "0" * 40
PLAYED_POD = dict([PLAYED.split("=")])
_OWNED = (("apps/v1", "ReplicaSet"), ("batch/v1", "Job"), ("v1", "Pod"), ("v1", "PersistentVolumeClaim"))


@dataclass(frozen=True, order=True, slots=True)
class Seen:
    """How well Argo CD finds one object. status: "" for a kind of which it says nothing."""

    group: str
    kind: str
    name: str
    status: str
    message: str


class ArgoWorld(Protocol):
    """A private repository, a namespace of one's own with an AppProject bound to it, and an Argo CD that may read
    it."""

    client: KubeClient
    namespace: str
    project: str

    @property
    def url(self) -> str: ...

    def push(self, files: Mapping[str, str | bytes | None]) -> str:
        """Commits files to main (None deletes) and gives the commit."""
        ...

    def grant(self, *, wrongly: bool = False) -> None:
        """Lets Argo CD read the repository, and nothing more. wrongly: with a token that opens nothing."""
        ...

    def revoke(self) -> None:
        """Takes that away."""
        ...

    def seen(self, application: str) -> list[Seen]:
        """How well Argo CD finds each object of an Application and what those own, in order."""
        ...

    def play_kubelet(self, status: Object) -> None:
        """Lets the kubelet say this of the only Pod of the namespace once it has a node, where no kubelet finds it out
        by itself. The Pod's annotations are `PLAYED_POD`."""
        ...


class _Private:
    """What any of them has: a private repository of the testbed's Gitea, and a person who may read it."""

    def __init__(self, client: KubeClient, namespace: str, gitea: Gitea) -> None:
        """namespace: where Applications put things; the AppProject has the same name."""
        self.client = client
        self.namespace = self.project = namespace
        self._reader: GiteaUser = gitea.create_user("reader")
        self._repository: GiteaRepository = gitea.create_repository(private=True)
        self._repository.add_collaborator(self._reader, "read")
        self._credential = ""

    @property
    def url(self) -> str:
        return f"{self._repository.url}.git"

    def push(self, files: Mapping[str, str | bytes | None]) -> str:
        return self._repository.push(dict(files))

    def grant(self, *, wrongly: bool = False) -> None:
        gitea = self._repository.gitea
        token = NO_TOKEN if wrongly else gitea.create_token(self._reader, "read:repository")
        secret = credential(f"{gitea.url}/{self._repository.owner}", self._reader.name, token, self.project)
        self._credential = secret["metadata"]["name"]
        self.client.create(secret)

    def revoke(self) -> None:
        if self._credential:
            self.client.delete("v1", "Secret", self._credential, NAMESPACE)


class RealArgo(_Private):
    """The testbed's Argo CD with the testbed's Gitea."""

    def __init__(self, delivery: Delivery, gitea: Gitea) -> None:
        super().__init__(from_kubeconfig_file(delivery.cluster.kubeconfig, "real"), delivery.namespace, gitea)
        self._delivery = delivery

    def seen(self, application: str) -> list[Seen]:
        found = []
        for node in self._delivery.tree(application):
            says = node.get("health") or {}
            found.append(
                Seen(node.get("group", ""), node["kind"], node["name"], says.get("status", ""), says.get("message", ""))
            )
        return sorted(found)

    def play_kubelet(self, status: Object) -> None:
        changes = self.client.watch("v1", "Pod", "0", Where(self.namespace), seconds=60)
        placed = (change.object["metadata"]["name"] for change in changes if change.object["spec"].get("nodeName"))
        name = next(placed, None)
        if name is None:
            raise TimeoutError("no Pod of the namespace has a node after 60 s")
        self.client.merge("v1", "Pod", name, {"status": status}, self.namespace, part="status")


class SimulatedArgo(_Private):
    """The Argo CD of a simulated cluster, with the testbed's Gitea."""

    def __init__(self, world: SimulatedWorld, gitea: Gitea) -> None:
        super().__init__(world.admin, f"test-{secrets.token_hex(4)}", gitea)
        self.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        self.client.create(project(self.project, namespaces=[self.namespace]))

    def seen(self, application: str) -> list[Seen]:
        body = self.client.get(API, KIND, application, NAMESPACE)
        objects = [
            self.client.get(
                "/".join(part for part in (one.get("group"), one["version"]) if part),
                one["kind"],
                one["name"],
                one.get("namespace", ""),
            )
            for one in body["status"]["resources"]
            if one.get("status")
        ]
        for api_version, kind in _OWNED:
            owned, _ = self.client.list_all(api_version, kind, Where(self.namespace))
            objects += [{"apiVersion": api_version, "kind": kind, **one} for one in owned]
        found = {one["metadata"]["uid"]: _judged(one) for one in objects}
        return sorted(found.values())

    def play_kubelet(self, status: Object) -> None:
        """The simulated kubelet finds it out by itself."""


def _judged(body: Object) -> Seen:
    group = body["apiVersion"].rpartition("/")[0]
    says = health.health_of(body, customhealth.RULES)
    status, message = (says.status, says.message) if says is not None else ("", "")
    return Seen(group, body["kind"], body["metadata"]["name"], status, message)
