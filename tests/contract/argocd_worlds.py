"""Argo CDs that the contract of Applications is held on: the testbed's, and the one of a simulated cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import from_kubeconfig_file
from testbed.servers.argocd import Credential, Delivery
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
