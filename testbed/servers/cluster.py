"""What tests do with a running cluster: namespaces, identities with given rights, other projects' kinds."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from testbed.binaries import MANIFESTS
from testbed.servers import control_plane
from testbed.servers.kube import Document, KubeClient, client_from
from testbed.servers.process import ServerError

RBAC = "rbac.authorization.k8s.io"
DEFINITIONS = ("external-secrets", "cluster-api", "cluster-api-aws")


@dataclass(frozen=True)
class ServiceAccount:
    """An identity in the cluster with exactly the rights that it was given."""

    namespace: str
    name: str
    token: str = field(repr=False)
    client: KubeClient = field(repr=False)
    kubeconfig: Document = field(repr=False)


@dataclass(frozen=True)
class Cluster:
    """A running cluster. address is what control_plane.start (and Argo CD's start) say of it."""

    address: dict[str, Any] = field(repr=False)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self.address["server"])

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return Path(self.address["kubeconfig"])

    @cached_property
    def admin(self) -> KubeClient:
        """A client that may do everything."""
        return client_from(self.address)

    def create_namespace(self, prefix: str = "test") -> str:
        """The name of a new namespace."""
        name = f"{prefix}-{secrets.token_hex(4)}"
        self.admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    @contextlib.contextmanager
    def service_account(
        self,
        namespace: str,
        *,
        rules: Sequence[Document] = (),
        cluster_rules: Sequence[Document] = (),
        seconds: int = 3600,
    ) -> Iterator[ServiceAccount]:
        """A new identity. rules: RBAC rules in its namespace; cluster_rules: everywhere. seconds: its token's life."""
        name = f"account-{secrets.token_hex(4)}"
        self.admin.create(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
        )
        subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        for scope, granted in (("", rules), ("Cluster", cluster_rules)):
            if granted:
                metadata = {"name": name} if scope else {"name": name, "namespace": namespace}
                role = {"apiVersion": f"{RBAC}/v1", "kind": f"{scope}Role", "metadata": metadata}
                self.admin.create({**role, "rules": list(granted)})
                reference = {"apiGroup": RBAC, "kind": f"{scope}Role", "name": name}
                binding = {"apiVersion": f"{RBAC}/v1", "kind": f"{scope}RoleBinding", "metadata": metadata}
                self.admin.create({**binding, "roleRef": reference, "subjects": [subject]})
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        path = self.admin.path("v1", "ServiceAccount", namespace, name)
        token = self.admin.request("POST", f"{path}/token", {**asked, "spec": {"expirationSeconds": seconds}})[
            "status"
        ]["token"]
        client = client_from(self.address, token)
        try:
            yield ServiceAccount(
                namespace, name, token, client, control_plane.kubeconfig(self.address, token, namespace)
            )
        finally:
            client.close()
            if cluster_rules:
                self.admin.delete(f"{RBAC}/v1", "ClusterRoleBinding", name)
                self.admin.delete(f"{RBAC}/v1", "ClusterRole", name)

    def apply_definitions(self, project: str) -> None:
        """CustomResourceDefinitions of one of DEFINITIONS; already there is fine. They belong to the whole cluster."""
        if project not in DEFINITIONS:
            raise ServerError(f"there are no definitions of {project}; there are {', '.join(DEFINITIONS)}")
        self.admin.install_definitions(definitions(Path(self.address["programs"]) / MANIFESTS / project))

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """kubectl as the administrator; its output. Raises ServerError with what it says."""
        done = subprocess.run(
            [str(Path(self.address["programs"]) / "kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.kubeconfig.parent)},
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode != 0:
            raise ServerError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def close(self) -> None:
        """Lets the connections go."""
        if "admin" in self.__dict__:
            self.admin.close()


def definitions(folder: Path) -> list[Document]:
    """The CustomResourceDefinitions in a folder's files; other files of theirs (kustomizations) are left out.

    Webhooks that would convert old versions are left out too: nobody answers them here.
    """
    found = []
    for path in sorted(folder.glob("*.yaml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader):
            if document and document.get("kind") == "CustomResourceDefinition":
                document.pop("status", None)
                document["spec"].pop("conversion", None)
                found.append(json.loads(json.dumps(document)))
    return found
