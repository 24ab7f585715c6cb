"""The kinds of documents that describe the fleet.

Only what csoc reads today has a field. A setting that nothing reads would be believed by the one who writes it; adding
a field later breaks no document, while removing one does. Facts that csoc can infer are optional: what is left out is
inferred, what is written counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from csoc.fleet.documents.base import (
    ACCOUNT_ID,
    RELEASE_PATTERN,
    UNKNOWN,
    ChartReference,
    Document,
    FileReference,
    FolderPath,
    Hostname,
    Label,
    Metadata,
    Name,
    NameOrUnknown,
    Part,
    Provider,
    Text,
    Url,
    wrong_field,
)
from csoc.fleet.documents.infrastructure import (
    ClusterNetwork,
    DnsZone,
    Edge,
    LayerChoice,
    Network,
    SignIn,
    Size,
)

_ACCOUNT_ID = {
    "aws": (rf"^{ACCOUNT_ID}$", 'the 12 digits of the AWS account in quotes, e.g. "012345678901"'),
    "gcp": (r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$", 'the id of the GCP project, e.g. "my-commons-12345"'),
    "azure": (r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "the id of the Azure subscription (a UUID)"),
    "on-premises": (r"^.{1,100}$", "a short name of the site"),
}


class StageApproval(Part):
    """Whose yes a plan needs before it is applied."""

    people: Annotated[int, Field(ge=1, le=5)] = 1
    """How many people must approve."""
    second_person: bool = False
    """true: people other than the one who made the plan and the authors of its changes, each proven by a sign-in."""


class FleetSpec(Part):
    """What holds for the whole fleet."""

    stages: tuple[Label, ...] = ()
    """Stages in the order of promotion, production last, e.g. [dev, staging, prod]. Left out: those found, in usual
    order."""
    approvals: Mapping[Label, StageApproval] = Field(default_factory=dict)
    """By stage, whose yes a plan needs. Left out: one person's, who may be the one who made it."""

    @field_validator("stages")
    @classmethod
    def _distinct(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(stages)) != len(stages) or UNKNOWN in stages:
            raise ValueError('each stage once, and none named "unknown"')
        return stages

    @model_validator(mode="after")
    def _approvals_are_of_stages(self) -> FleetSpec:
        unknown = sorted(set(self.approvals) - set(self.stages)) if self.stages else []
        if unknown:
            raise wrong_field("approvals", f"stages of this fleet ({', '.join(self.stages)}), and not {unknown[0]}")
        return self


class Fleet(Document):
    """Everything that one organisation runs. One document a repository; its place says where all others are."""

    kind: Literal["Fleet"]
    """Fleet"""
    metadata: Metadata
    """Name and identity."""
    spec: FleetSpec = FleetSpec()
    """What holds for the whole fleet."""


class AccountSpec(Part):
    """Where an account is and what it is for. Never a role or a secret: csoc keeps links outside of Git."""

    provider: Literal["aws", "gcp", "azure", "on-premises"]
    """Whose account it is."""
    id: str
    """AWS account (12 digits, in quotes), GCP project id, Azure subscription id, or the name of a site."""
    purpose: Literal["tools", "workload", "network", "monitoring", "backup"]
    """What runs there."""
    regions: tuple[Label, ...] = ()
    """Regions that are in use, the main one first."""

    @model_validator(mode="after")
    def _id_fits_provider(self) -> AccountSpec:
        pattern, expected = _ACCOUNT_ID[self.provider]
        if not re.fullmatch(pattern, self.id):
            raise wrong_field("id", expected)
        return self


class Account(Document):
    """An AWS account, a GCP project, an Azure subscription or an on-premises site."""

    kind: Literal["Account"]
    """Account"""
    metadata: Metadata
    """Name and identity."""
    spec: AccountSpec
    """Where it is and what it is for."""


class Destination(Part):
    """How Argo CD Applications address a cluster (`spec.destination`)."""

    server: Url | None = None
    """Address of the API server, as Applications write it."""
    name: str = Field(default="", max_length=250)
    """Argo CD's name for the cluster, as Applications write it."""


class ClusterLayer(LayerChoice):
    """A part of a cluster that is planned and applied as one."""

    name: Literal["network", "cluster", "egress", "platform"]
    """Which layer."""


class ClusterSpec(Part):
    """Where a cluster is, and what in Git belongs to it."""

    account: Name | None = None
    """Name of the Account that it runs in."""
    provider: Provider = "existing"
    """What realises its layers, unless a layer says otherwise."""
    region: Label | None = None
    """Region of the account, e.g. us-east-1."""
    kubernetes_version: Annotated[str, Field(pattern=r"^1\.[0-9]{1,3}$")] | None = None
    """Kubernetes version in quotes, e.g. "1.33"; it is what charts are rendered for."""
    size: Size | None = None
    """With provider aws: nodes and network for trying it (small), one commons (medium), several (large)."""
    network: ClusterNetwork | None = None
    """With provider aws: its network, where it differs from the size's."""
    api_access: tuple[Network, ...] = ()
    """With provider aws: networks that may reach the Kubernetes API; left out, only what is inside of its VPC may."""
    zone: DnsZone | None = None
    """Hosted zone in which ExternalDNS keeps records of this cluster's environments."""
    destination: Destination | None = None
    """How Applications address it."""
    folder: FolderPath | None = None
    """Folder of the repository whose Applications run on it."""
    applications: FolderPath | None = None
    """Folder that the cluster's root Application reads."""
    layers: tuple[ClusterLayer, ...] = ()
    """Layers that differ from `provider`, come from elsewhere, or have settings of their own."""

    @field_validator("layers")
    @classmethod
    def _each_once(cls, layers: tuple[ClusterLayer, ...]) -> tuple[ClusterLayer, ...]:
        if len({layer.name for layer in layers}) != len(layers):
            raise ValueError("each layer once")
        return layers


class Cluster(Document):
    """A Kubernetes cluster, provisioned by csoc or brought along."""

    kind: Literal["Cluster"]
    """Cluster"""
    metadata: Metadata
    """Name and identity."""
    spec: ClusterSpec = ClusterSpec()
    """Where it is, and what in Git belongs to it."""


class CommonsSpec(Part):
    """What a commons is made of."""

    members: tuple[Name, ...] = ()
    """For a mesh: names of the commons that it joins."""


class Commons(Document):
    """A Gen3 commons, or a mesh of several."""

    kind: Literal["Commons"]
    """Commons"""
    metadata: Metadata
    """Name and identity."""
    spec: CommonsSpec = CommonsSpec()
    """What it is made of."""


class ApplicationReference(FileReference):
    """The Argo CD Application that deploys an environment, and where it is written."""

    name: str = Field(min_length=1, max_length=253)
    """Its metadata.name."""
    document: int = Field(default=0, ge=0, le=10_000)
    """Which document of the file, counted from 0."""


class EnvironmentLayer(LayerChoice):
    """A part of an environment that is planned and applied as one."""

    name: Literal["database", "credentials", "resources", "edge", "gen3"]
    """Which layer."""


class EnvironmentSpec(Part):
    """What an environment is an instance of, where it runs, and from which files."""

    commons: Name
    """Name of the Commons that it is an instance of."""
    cluster: NameOrUnknown
    """Name of the Cluster that it runs on, or unknown."""
    stage: Label = UNKNOWN
    """Stage of the fleet's promotion order, or unknown."""
    slot: Label | None = None
    """blue or green, where two environments of a commons share a stage."""
    hostname: Hostname = UNKNOWN
    """The DNS name that people open, or unknown."""
    namespace: Label | None = None
    """Kubernetes namespace."""
    release: Annotated[str, Field(pattern=RELEASE_PATTERN, max_length=53)] | None = None
    """Name of the Helm release."""
    application: ApplicationReference | None = None
    """The Argo CD Application that deploys it."""
    values: tuple[FileReference, ...] = ()
    """Value files in the order in which they count, the last one winning. Inline values stay in the Application."""
    chart: ChartReference | None = None
    """The chart that it is deployed with."""
    gated: bool = False
    """true: values and chart are pinned, and only an apply moves the pins. false: what is committed runs."""
    size: Size | None = None
    """Database, search and replicas: small (to try it), medium (production) or large (many users)."""
    services: tuple[Label, ...] = ()
    """Bundles and services that were asked for, e.g. [standard, workspaces]; what they need comes by itself."""
    sign_in: SignIn | None = None
    """Who tells it who its users are."""
    edge: Edge | None = None
    """How it is reached from outside."""
    retain: tuple[Literal["database", "buckets", "keys", "secrets"], ...] = ("database", "buckets", "keys", "secrets")
    """What destroying it leaves in the account. Buckets, keys and secrets always stay, so none of them can be left out.
    With `database` the database and its search domain stay as they are; without it a last snapshot of the database
    stays, and the search domain goes."""
    layers: tuple[EnvironmentLayer, ...] = ()
    """What realises its layers; a layer that is not named exists already."""

    @field_validator("retain")
    @classmethod
    def _nothing_left_out_that_stays(cls, retain: tuple[str, ...]) -> tuple[str, ...]:
        left_out = [name for name in ("buckets", "keys", "secrets") if name not in retain]
        if left_out:
            raise ValueError(f"{' and '.join(left_out)} among it: csoc deletes none; only database can be left out")
        return retain

    @field_validator("layers")
    @classmethod
    def _each_once(cls, layers: tuple[EnvironmentLayer, ...]) -> tuple[EnvironmentLayer, ...]:
        if len({layer.name for layer in layers}) != len(layers):
            raise ValueError("each layer once")
        return layers


class Environment(Document):
    """One running (or wanted) instance of a commons."""

    kind: Literal["Environment"]
    """Environment"""
    metadata: Metadata
    """Name and identity; the name is unique in the fleet, and what people type."""
    spec: EnvironmentSpec
    """What it is an instance of, where it runs, and from which files."""


class ReleaseSpec(Part):
    """Versions that belong together."""

    chart: ChartReference
    """The chart, at an exact version or commit."""
    images: Mapping[Label, Annotated[str, Field(min_length=1, max_length=128)]] = Field(default_factory=dict)
    """Image tag of each service, in quotes, e.g. fence: "2025.10"."""
    dictionary: Text | None = None
    """Address of the data dictionary."""

    @model_validator(mode="after")
    def _pinned(self) -> ReleaseSpec:
        if not self.chart.revision:
            raise wrong_field("chart", 'a "revision", since a release pins what it names')
        return self


class Release(Document):
    """A pinned set of versions that is promoted as a whole."""

    kind: Literal["Release"]
    """Release"""
    metadata: Metadata
    """Name and identity."""
    spec: ReleaseSpec
    """Versions that belong together."""
