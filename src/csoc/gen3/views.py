"""The fleet as it was understood: clusters, commons, environments, and everything that is not Gen3.

Views are made from csoc's own documents where they exist and inferred from the shape of the repositories where they do
not; each inferred fact carries its reason, and "unknown" is an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from csoc.fleet.argocd.model import Application, ApplicationSource, Problem
from csoc.fleet.charts import ChartRef
from csoc.fleet.location import Location, one_line
from csoc.fleet.values import Layer

UNKNOWN = "unknown"

HELM = "helm"
MANIFEST = "cloud-automation"


@dataclass(frozen=True, slots=True)
class Fact:
    """A value with the reason for it, which is kept to one line whatever it quotes. value is UNKNOWN where the
    repositories do not say. stated: a person wrote it down in a csoc document."""

    value: str
    reason: str
    location: Location | None = None
    stated: bool = False

    def __post_init__(self) -> None:
        for name in ("value", "reason"):
            object.__setattr__(self, name, one_line(getattr(self, name)))

    @property
    def known(self) -> bool:
        return self.value != UNKNOWN


def unknown(reason: str) -> Fact:
    """Says why a fact could not be found out."""
    return Fact(UNKNOWN, reason)


@dataclass(frozen=True, slots=True)
class Dispute:
    """Documents of environments of which none counts, since they claim the same, or what is another commons' by the
    files. names: of the environments that they describe. places: what the cause names, a document first."""

    names: tuple[str, ...]
    cause: str
    places: tuple[Location, ...]
    fix: str


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """One running (or wanted) instance of a commons.

    name: unique in the fleet; what a person types. application: the Argo CD Application that deploys it. source: that
    Application's Gen3 source. chart: what it names. wrapper: the key below which values for the Gen3 chart stand, where
    an own chart has it as a dependency ("" otherwise). gated: the values' and the chart's revisions are pinned.
    system: HELM, or MANIFEST for the older cloud-automation, whose manifest.json is read for migration: its values are
    a translation to the chart's keys, and no chart is rendered. disputes: documents that claim its Application or have
    its name, and do not count; whoever asks for it by name may mean another one.
    """

    name: str
    commons: Fact
    cluster: Fact
    stage: Fact
    slot: Fact
    hostname: Fact
    namespace: str
    release: str
    application: Application
    source: ApplicationSource
    chart: ChartRef
    wrapper: str = ""
    gated: bool = False
    document: Location | None = None
    system: str = HELM
    disputes: tuple[Dispute, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterView:
    """A Kubernetes cluster. values: the files that configure it (cluster-level values); layers: what they hold.
    external_secrets: the version of the operator that they install."""

    name: str
    reason: str
    account: Fact
    kubernetes_version: Fact
    folder: str = ""
    values: Sequence[Location] = ()
    applications: Sequence[Application] = ()
    document: Location | None = None
    layers: Sequence[Layer] = field(default=(), compare=False, repr=False)
    external_secrets: Fact = field(default_factory=lambda: unknown("nothing says which version runs"))


@dataclass(frozen=True, slots=True)
class CommonsView:
    """A commons and its environments' names, in stage order."""

    name: str
    reason: str
    environments: Sequence[str]
    document: Location | None = None


@dataclass(frozen=True, slots=True)
class OtherApplication:
    """An Application that is not a Gen3 environment, and what it is: "platform", "redirect", "load balancer",
    "app of apps", "workload"; with the reason."""

    application: Application
    cluster: Fact
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlainSecret:
    """A Kubernetes Secret that stands in the repository as it is applied. keys: those of its data that hold something
    that is no placeholder and no reference; private: whether one of them is a private or a cloud's key."""

    name: str
    namespace: str
    keys: tuple[str, ...]
    private: bool
    location: Location


@dataclass(frozen=True, slots=True)
class FleetView:
    """Everything together. read: (repository, revision asked for, commit) of each tree that was read. secrets: in YAML
    files of the fleet's own repository."""

    environments: Sequence[EnvironmentView]
    clusters: Sequence[ClusterView]
    commons: Sequence[CommonsView]
    others: Sequence[OtherApplication]
    problems: Sequence[Problem]
    read: Sequence[tuple[str, str, str]]
    stages: Sequence[str] = ()
    notes: Sequence[str] = ()
    secrets: Sequence[PlainSecret] = ()
    disputes: Sequence[Dispute] = ()

    def environment(self, name: str) -> EnvironmentView | None:
        """The environment of that name, or None."""
        return next((view for view in self.environments if view.name == name), None)
