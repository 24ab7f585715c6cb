"""What steps may use of the outside world, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from csoc.clusters.access import ClusterAccess, ClusterReference
from csoc.clusters.arriving import Arrival
from csoc.clusters.bootstrap.acting import Bootstrap
from csoc.clusters.client import ClusterClient
from csoc.clusters.following.looking import Wanted
from csoc.clusters.hostnames import Hostnames
from csoc.clusters.removing import Removal
from csoc.errors import RejectedError
from csoc.operations.runs import Run, RunStore
from csoc.provisioning.leftovers import LeftoverPlaces
from csoc.provisioning.places import Places
from csoc.provisioning.plans import LayerPlan, Plans
from csoc.provisioning.secrets import SecretPlaces

ABSENT = "absent"
"""State of an Application that does not stand in Git."""

T = TypeVar("T")


class Standing(StrEnum):
    """Where the approval of a plan stands."""

    APPROVED = "approved"
    WANTED = "wanted"
    STALE = "stale"  # what it shows is not what would happen any more
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ApprovalStanding:
    """standing; by: who approved or refused; why: what is missing, or what became stale, in words."""

    standing: Standing
    by: str = ""
    why: str = ""


class PlanApprovals(Protocol):
    """Port: whether a plan is approved, as the rules of the fleet see it."""

    def standing(self, plan: str) -> ApprovalStanding:
        """Raises NotFoundError if there is no such plan, UnavailableError if it cannot be found out."""
        ...


class Filling(Protocol):
    """What an environment's steps need of its documents: which secrets there are, their values, and where outputs go.
    All of it is read at the commit that the run names."""

    def outputs(self, run: Run) -> Mapping[str, str]:
        """Outputs of the environment's layers as they are in the account, those that exist already among them."""
        ...

    def secret_names(self, run: Run, outputs: Mapping[str, str]) -> tuple[str, ...]:
        """Full names of the environment's secrets, in order."""
        ...

    def secret_values(self, run: Run, lacking: Sequence[str], outputs: Mapping[str, str]) -> Mapping[str, str]:
        """Values by full name, for those that lack one and all that must agree with them. Raises NotFoundError, naming
        the command that puts it, for one that only a person has and that nobody gave."""
        ...

    def write_outputs(self, run: Run, outputs: Mapping[str, str]) -> Written:
        """Commits the outputs as values, if they are not there already."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a change of Git: a commit, or a pull request that waits for its merge. commit: "" until then.
    repository, pull_request: where it is merged, "" for none. lacks: what it needs before that, one phrase each."""

    commit: str
    repository: str = ""
    pull_request: str = ""
    lacks: tuple[str, ...] = ()


class Delivery(Protocol):
    """What steps in clusters need of documents, charts and Git. outputs: of the cluster's layers, from earlier steps;
    where they are not among them, they are read in the account."""

    def reference(self, run: Run, outputs: Mapping[str, str]) -> ClusterReference:
        """The cluster that the run is about, or on which its environment runs."""
        ...

    def is_cluster_made(self, run: Run) -> bool:
        """False if csoc was to make that cluster and its stack is not there, so that nothing can run in it."""
        ...

    def bootstrap(self, run: Run, outputs: Mapping[str, str], client: ClusterClient) -> Bootstrap:
        """What the cluster is to become. Raises NotFoundError, UnavailableError (the chart), RejectedError."""
        ...

    def write_platform(self, run: Run, outputs: Mapping[str, str], present: Collection[str]) -> Written:
        """Commits the Applications of the platform, if they are not there already, but for what the cluster has from
        somebody else (present: names of components)."""
        ...

    def gen3(self, run: Run, values_commit: str, client: ClusterClient) -> LayerPlan:
        """What moving the pins would change, rendered for the cluster as it is, as the layer gen3 of a plan."""
        ...

    def move_pins(self, run: Run, values_commit: str) -> Written:
        """Commits the environment's Application with the chart's version and the commit of its values, if that is not
        what it says already."""
        ...

    def arrival(self, run: Run, values_commit: str) -> Arrival:
        """What has to be free in the cluster, or the environment's own already, before the pins move."""
        ...

    def wanted(self, run: Run, values_commit: str) -> Wanted:
        """What is followed after that."""
        ...

    def hostname(self, run: Run) -> str:
        """Of the environment."""
        ...

    def removal(self, run: Run) -> Removal:
        """What goes out of the cluster when the environment is destroyed."""
        ...

    def application_state(self, run: Run) -> str:
        """Digest of the environment's Application as it stands in Git now, ABSENT if it does not."""
        ...

    def remove_application(self, run: Run) -> Written:
        """Takes the file of the environment's Application out of Git, if it is there."""
        ...

    def remove_documents(self, run: Run) -> Written:
        """Takes the environment's document and its value files out of Git, if they are there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Ports of the steps. A command that needs few of them leaves the others out."""

    approvals: PlanApprovals | None = None
    plans: Plans | None = None
    places: Places | None = None
    secrets: SecretPlaces | None = None
    leftovers: LeftoverPlaces | None = None
    filling: Filling | None = None
    runs: RunStore | None = None
    clusters: ClusterAccess | None = None
    delivery: Delivery | None = None
    hostnames: Hostnames | None = None


def needed(service: T | None, name: str) -> T:
    """A service that a step cannot do without. Raises RejectedError: it is csoc's own composition that lacks it."""
    if service is None:
        raise RejectedError(
            f"This executor has nothing to ask about {name}", fix="Run `csoc worker`, which brings all that steps use"
        )
    return service
