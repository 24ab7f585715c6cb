"""Argo CDs that the contract of Applications is held on: the testbed's, and the one of a simulated cluster."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import from_kubeconfig_file
from testbed.servers.argocd import Credential, Delivery, project
from tests.contract.cluster_worlds import SimulatedWorld
from tests.testbed.gitea import Gitea, GiteaRepository, GiteaUser


class ArgoWorld(Protocol):
    """A private repository, a namespace of one's own with an AppProject bound to it, and an Argo CD that may read
    it."""

    client: KubeClient
    namespace: str
    project: str

    @property
    def url(self) -> str: ...

    def push(self, files: Mapping[str, str | None]) -> str:
        """Commits files to main (None deletes) and gives the commit."""
        ...

    def grant(self) -> None:
        """Lets Argo CD read the repository."""
        ...

    def revoke(self) -> None:
        """Takes that away."""
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

    def push(self, files: Mapping[str, str | None]) -> str:
        return self._repository.push(dict(files))

    def grant(self) -> None:
        gitea = self._repository.gitea
        asked: dict[str, Any] = {"name": "argocd", "scopes": ["read:repository"]}
        answer = gitea.client.post(
            f"{gitea.url}/api/v1/users/{self._reader.name}/tokens",
            json=asked,
            auth=(self._reader.name, self._reader.password),
        )
        prefix = f"{gitea.url}/{self._repository.owner}"
        self._credential = self._delivery.add_credential(prefix, self._reader.name, answer.json()["sha1"])

    def revoke(self) -> None:
        if self._credential is not None:
            self._credential.delete()


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

    def push(self, files: Mapping[str, str | None]) -> str:
        return self._repository.push(dict(files))

    def grant(self) -> None:
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
            "password": answer.json()["sha1"],
        }
        self.client.create({"apiVersion": "v1", "kind": "Secret", "metadata": about, "stringData": content})

    def revoke(self) -> None:
        if self._credential:
            self.client.delete("v1", "Secret", self._credential, "argocd")
