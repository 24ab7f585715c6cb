"""What EKS keeps of a cluster, and who makes the cluster itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from csoc.emulator.cloud.eks.config_map import AuthMap

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClusterUser:
    """Who a token stands for, as the API server sees it. policies: EKS's access policies that apply, as (name, scope
    "cluster" or "namespace", namespaces)."""

    name: str
    uid: str
    groups: tuple[str, ...]
    extra: Mapping[str, tuple[str, ...]]
    policies: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


Authenticate = Callable[[str], ClusterUser | None]
"""From a bearer token to a user; None if it stands for nobody in this cluster."""


@dataclass(frozen=True, slots=True)
class MadeCluster:
    """A cluster that answers. ca: PEM of the authority that signed its certificate."""

    endpoint: str
    ca: str


class ClusterMaker(Protocol):
    """Makes simulated clusters. Both are idempotent: a cluster that is there already is given, one that is gone stays
    gone."""

    def create(self, cluster_id: str, version: str, issuer: str, authenticate: Authenticate) -> MadeCluster:
        """cluster_id: unique over accounts and regions. issuer: URL that its service account tokens name."""
        ...

    def members(self, account: str, region: str, record: ClusterRecord) -> None:
        """Its nodegroups and addons are as the record says: nodes come and go, addons' workloads as well."""
        ...

    def upgrade(self, cluster_id: str, version: str) -> None:
        """The cluster runs another Kubernetes version from here on."""
        ...

    def issuer_keys(self, cluster_id: str) -> Mapping[str, Any] | None:
        """The key set that service account tokens are signed with; None if there is no such cluster."""
        ...

    def config_map(self, cluster_id: str) -> AuthMap:
        """What its ConfigMap aws-auth says; an empty one if there is none."""
        ...

    def delete(self, cluster_id: str) -> None: ...


@dataclass(slots=True)
class ClusterRecord:
    """A cluster with everything that belongs to it, each as the API describes it. creator: ARN of the principal that
    made it. policies: associated access policies by principal. updates: oldest first, as (kind, name, body)."""

    body: Body
    id: str
    creator: str
    nodegroups: dict[str, Body] = field(default_factory=dict)
    addons: dict[str, Body] = field(default_factory=dict)
    entries: dict[str, Body] = field(default_factory=dict)
    policies: dict[str, list[Body]] = field(default_factory=dict)
    associations: dict[str, Body] = field(default_factory=dict)
    updates: list[tuple[str, str, Body]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def mode(self) -> str:
        """How principals get in: CONFIG_MAP, API_AND_CONFIG_MAP or API."""
        return str(self.body["accessConfig"]["authenticationMode"])

    def tagged(self) -> dict[str, Body]:
        """Everything that has tags, by ARN."""
        found = {self.body["arn"]: self.body}
        for bodies, key in (
            (self.nodegroups, "nodegroupArn"), (self.addons, "addonArn"), (self.entries, "accessEntryArn"),
            (self.associations, "associationArn"),
        ):  # fmt: skip
            found |= {body[key]: body for body in bodies.values()}
        return found
