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
from testbed.servers.argocd import Credential, Delivery, project
from testbed.servers.control_plane import PLAYED
from tests.contract.cluster_worlds import SimulatedWorld
from tests.testbed.gitea import Gitea, GiteaRepository, GiteaUser

Object = dict[str, Any]
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


class RealArgo:
    """The testbed's Argo CD with the testbed's Gitea."""

    def __init__(self, delivery: Delivery, gitea: Gitea) -> None:
        self.client = from_kubeconfig_file(delivery.cluster.kubeconfig, "real")
        self.namespace, self.project = delivery.namespace, delivery.project
        self._delivery = delivery
        self._reader: GiteaUser = gitea.create_user("reader")
        self._repository: GiteaRepository = gitea.create_repository(private=True)
        self._repository.add_collaborator(self._reader, "read")
        self._credential: Credential | None = None

    @property
    def url(self) -> str:
        return f"{self._repository.url}.git"

    def push(self, files: Mapping[str, str | bytes | None]) -> str:
        return self._repository.push(dict(files))

    def grant(self, *, wrongly: bool = False) -> None:
        gitea = self._repository.gitea
        asked: dict[str, Any] = {"name": "argocd", "scopes": ["read:repository"]}
        answer = gitea.client.post(
            f"{gitea.url}/api/v1/users/{self._reader.name}/tokens",
            json=asked,
            auth=(self._reader.name, self._reader.password),
        )
        prefix = f"{gitea.url}/{self._repository.owner}"
        self._credential = self._delivery.add_credential(
            prefix, self._reader.name, "0" * 40 if wrongly else answer.json()["sha1"]
        )

    def revoke(self) -> None:
        if self._credential is not None:
            self._credential.delete()

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


class SimulatedArgo:
    """The Argo CD of a simulated cluster, with the testbed's Gitea."""

    def __init__(self, world: SimulatedWorld, gitea: Gitea) -> None:
        self.client = world.admin
        self.namespace = self.project = f"test-{secrets.token_hex(4)}"
        self._reader: GiteaUser = gitea.create_user("reader")
        self._repository: GiteaRepository = gitea.create_repository(private=True)
        self._repository.add_collaborator(self._reader, "read")
        self._credential = ""
        self.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        self.client.create(project(self.project, namespaces=[self.namespace]))

    @property
    def url(self) -> str:
        return f"{self._repository.url}.git"

    def push(self, files: Mapping[str, str | bytes | None]) -> str:
        return self._repository.push(dict(files))

    def grant(self, *, wrongly: bool = False) -> None:
        gitea = self._repository.gitea
        asked: dict[str, Any] = {"name": "argocd", "scopes": ["read:repository"]}
        answer = gitea.client.post(
            f"{gitea.url}/api/v1/users/{self._reader.name}/tokens",
            json=asked,
            auth=(self._reader.name, self._reader.password),
        )
        self._credential = f"repositories-{secrets.token_hex(4)}"
        about = {
            "name": self._credential,
            "namespace": "argocd",
            "labels": {"argocd.argoproj.io/secret-type": "repo-creds"},
        }
        content = {
            "type": "git",
            "url": f"{gitea.url}/{self._repository.owner}",
            "username": self._reader.name,
            "password": "0" * 40 if wrongly else answer.json()["sha1"],
        }
        self.client.create({"apiVersion": "v1", "kind": "Secret", "metadata": about, "stringData": content})

    def revoke(self) -> None:
        if self._credential:
            self.client.delete("v1", "Secret", self._credential, "argocd")

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
