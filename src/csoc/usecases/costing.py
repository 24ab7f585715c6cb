"""What a commons would cost: of documents in a fleet, or of answers before there is a document, an account or a link.

Templates are made as for a plan and priced; nobody is asked anything. What exists already (layers that csoc only reads)
is left out and named, since csoc knows nothing of how it was made.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from csoc.accounts.names import role_arn
from csoc.clock import Clock
from csoc.costs.assumptions import assume
from csoc.costs.estimate import Basis, Estimate, estimate
from csoc.costs.lines import NOTHING, Range
from csoc.costs.prices.tables import price_table
from csoc.errors import RejectedError
from csoc.fleet.documents.base import Metadata
from csoc.fleet.documents.infrastructure import Size
from csoc.fleet.documents.model import Account, AccountSpec, Cluster, ClusterSpec
from csoc.gen3.launch.answers import Answers
from csoc.gen3.launch.documents import Surroundings, launch
from csoc.provisioning import names
from csoc.provisioning.infrastructure import (
    DEFAULT_SIZE,
    Around,
    cluster_infrastructure,
    environment_infrastructure,
    providers_of_cluster,
    providers_of_environment,
)
from csoc.provisioning.layers import LAYERS, OwnerKind
from csoc.provisioning.synthesis import Synthesizer
from csoc.usecases.planning.fleets import FleetAt
from csoc.usecases.planning.owners import Owner, find_owner

_FLEET = "estimates0"
_THERE = "thecluster"
_ACCOUNT = AccountSpec(provider="aws", id="000000000000", purpose="workload")
_ROLE = "cluster"
_STANDS_FOR = "is-there-already"


@dataclass(frozen=True, slots=True)
class Asked:
    """How to reckon. size: as if it were of that size; None for its own. assumed: assumptions, replaced. region: where
    nothing says it."""

    size: Size | None = None
    assumed: Mapping[str, object] = field(default_factory=dict)
    region: str = ""


@dataclass(frozen=True, slots=True)
class Costing:
    """What an owner costs. kind: cluster or environment. without: layers that are not in it, each with the reason."""

    kind: OwnerKind
    name: str
    region: str
    size: Size
    layers: Mapping[str, Estimate]
    without: tuple[str, ...]

    @property
    def usd(self) -> Range:
        """A month of all layers."""
        found = NOTHING
        for one in self.layers.values():
            found = found.plus(one.usd)
        return found


def of_owner(fleet: FleetAt, name: str, synthesizer: Synthesizer, clock: Clock, asked: Asked) -> Costing:
    """What a cluster or an environment of a fleet costs by its documents.

    Raises NotFoundError (no such owner, or no prices of its region), RejectedError, UnavailableError (no templates).
    """
    owner = find_owner(fleet.documents, name)
    found = _costing(owner, fleet.installation, synthesizer, clock, asked)
    if owner.environment is None:
        return found
    return replace(found, without=(*found.without, _beside(owner.cluster.metadata.name)))


def of_answers(answers: Answers, synthesizer: Synthesizer, clock: Clock, asked: Asked) -> tuple[Costing, ...]:
    """What answers would cost: the new cluster, if they want one, and the environment. Raises as `of_owner`."""
    region = answers.region or asked.region
    if not region:
        raise RejectedError(
            "Nobody says in which region", place="region", fix="Add it to the answers, or give --region"
        )
    account = Account.make(metadata=Metadata(name="estimate", uid=_FLEET), spec=_ACCOUNT)
    around = Surroundings(account.metadata.name, region, names.secret)
    made = launch(answers.model_copy(update={"members": ()}), around, _numbered())
    if made.cluster is None:
        there = Cluster.make(
            metadata=Metadata(name=answers.cluster, uid=_THERE),
            spec=ClusterSpec(account=account.metadata.name, provider="aws", region=region, size=answers.size),
        )
        owner = Owner(OwnerKind.ENVIRONMENT, there, account, made.environment)
        found = _costing(owner, _FLEET, synthesizer, clock, asked)
        return (replace(found, without=(*found.without, _beside(answers.cluster))),)
    owners = (
        Owner(OwnerKind.CLUSTER, made.cluster, account),
        Owner(OwnerKind.ENVIRONMENT, made.cluster, account, made.environment),
    )
    return tuple(_costing(owner, _FLEET, synthesizer, clock, asked) for owner in owners)


def _costing(owner: Owner, installation: str, synthesizer: Synthesizer, clock: Clock, asked: Asked) -> Costing:
    owner = _sized(owner, asked.size)
    size = owner.document.spec.size or DEFAULT_SIZE
    around = Around(
        installation=installation,
        partition="aws",
        cluster_role=role_arn("aws", owner.account.spec.id, installation, _ROLE),
        existing=_stand_ins(owner),
    )
    if owner.environment is None:
        document = cluster_infrastructure(owner.cluster, owner.account, around)
    else:
        document = environment_infrastructure(owner.environment, owner.cluster, owner.account, around)
    region = str(document["region"])
    basis = Basis(price_table(region), assume(size, asked.assumed), clock().date())
    made = synthesizer.synthesize(document) if document["layers"] else {}
    layers = {name: estimate(made[name].body, basis, layer=name) for name in LAYERS if name in made}
    return Costing(owner.kind, owner.name, region, size, layers, tuple(_without(owner.providers)))


def _sized(owner: Owner, size: Size | None) -> Owner:
    """The owner as if it were of a size; its cluster stays as it is, if it is an environment."""
    if size is None:
        return owner
    if owner.environment is None:
        return replace(owner, cluster=_with_size(owner.cluster, size))
    return replace(owner, environment=_with_size(owner.environment, size))


def _with_size(document: Any, size: Size) -> Any:
    return document.model_copy(update={"spec": document.spec.model_copy(update={"size": size})})


def _stand_ins(owner: Owner) -> dict[tuple[str, str], Mapping[str, str]]:
    """Something for each output of what exists already: prices do not depend on what it is."""
    parts: list[tuple[str, Mapping[str, str]]] = [(owner.cluster.metadata.uid, providers_of_cluster(owner.cluster))]
    if owner.environment is not None:
        parts.append((owner.uid, providers_of_environment(owner.environment)))
    return {
        (uid, name): {one.name: _STANDS_FOR for one in LAYERS[name].outputs}
        for uid, providers in parts
        for name, provider in providers.items()
        if provider != "aws"
    }


def _without(providers: Mapping[str, str]) -> Iterator[str]:
    for name, provider in providers.items():
        if provider != "aws" and LAYERS[name].has_stack:
            yield f"{name}: it is there already ({provider}), and csoc does not know how it was made"


def _beside(cluster: str) -> str:
    return f"the cluster {cluster} that it runs on: csoc cost estimate cluster/{cluster}"


def _numbered() -> Callable[[], str]:
    """Identities for documents that nobody stores."""
    numbers = itertools.count(1)
    return lambda: f"e{next(numbers):09d}"
