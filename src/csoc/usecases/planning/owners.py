"""Whose layers are meant: a cluster or an environment, by the name that people type."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from csoc.errors import CsocError, NotFoundError, RejectedError
from csoc.fleet.documents import reserved
from csoc.fleet.documents.absent import no_fleet
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.model import Account, Cluster, Environment
from csoc.provisioning.infrastructure import providers_of_cluster, providers_of_environment, region_of_cluster
from csoc.provisioning.layers import OwnerKind


@dataclass(frozen=True, slots=True)
class Owner:
    """A cluster, or an environment with its cluster, and the account that both are in."""

    kind: OwnerKind
    cluster: Cluster
    account: Account
    environment: Environment | None = None

    @property
    def document(self) -> Cluster | Environment:
        """Its own document."""
        return self.environment or self.cluster

    @property
    def name(self) -> str:
        return self.document.metadata.name

    @property
    def uid(self) -> str:
        return self.document.metadata.uid

    @property
    def shown(self) -> str:
        """ "environment heart-prod" """
        return f"{self.kind} {self.name}"

    @property
    def providers(self) -> Mapping[str, str]:
        """What realises each of its layers, by name."""
        if self.environment is None:
            return providers_of_cluster(self.cluster)
        return providers_of_environment(self.environment)

    @property
    def region(self) -> str:
        """Where its stacks are. Raises RejectedError if nobody says so."""
        return region_of_cluster(self.cluster, self.account)


def find_owner(documents: Documents, name: str) -> Owner:
    """By its name, or with the kind before it ("cluster/heart") where both have one.

    Raises NotFoundError (with the nearest names), RejectedError: the name means two things, the document cannot be
    planned (a copied uid), or it does not say on which cluster or in which account.
    """
    kind, slash, rest = name.partition("/")
    found: dict[OwnerKind, Placed[Cluster] | Placed[Environment]] = {}
    wanted = rest if slash else name
    if (not slash or kind == OwnerKind.CLUSTER) and wanted in documents.clusters:
        found[OwnerKind.CLUSTER] = documents.clusters[wanted]
    if (not slash or kind == OwnerKind.ENVIRONMENT) and wanted in documents.environments:
        found[OwnerKind.ENVIRONMENT] = documents.environments[wanted]
    if not found:
        raise _not_there(documents, name)
    if len(found) > 1:
        raise RejectedError(
            f"{name} is a cluster and an environment", fix=f"Write cluster/{name} or environment/{name}"
        )
    [(which, placed)] = found.items()
    _check_plannable(documents, placed)
    if which is OwnerKind.CLUSTER:
        cluster = documents.clusters[wanted].document
        return Owner(which, cluster, _account(documents, documents.clusters[wanted]))
    environment = documents.environments[wanted]
    _check_not_reserved(environment)
    on = environment.document.spec.cluster
    if on not in documents.clusters:
        raise RejectedError(
            f"The environment {wanted} runs on the cluster {on}, which has no document",
            place=str(environment.locate("spec.cluster")),
            fix="Name a cluster of this fleet",
        )
    _check_plannable(documents, documents.clusters[on])
    return Owner(
        which, documents.clusters[on].document, _account(documents, documents.clusters[on]), environment.document
    )


def environment_of(owner: Owner) -> Environment:
    """Raises RejectedError for a cluster."""
    if owner.environment is None:
        raise RejectedError(f"{owner.shown} is no environment", place=owner.shown, fix="Name one of its environments")
    return owner.environment


def environments_on(documents: Documents, cluster: str) -> tuple[str, ...]:
    """Names of the environments that run on a cluster, sorted."""
    found: Mapping[str, Placed[Environment]] = documents.environments
    return tuple(sorted(name for name, one in found.items() if one.document.spec.cluster == cluster))


def _check_plannable(documents: Documents, placed: Placed[Cluster] | Placed[Environment]) -> None:
    reason = documents.unplannable.get((placed.kind, placed.name))
    if reason is not None:
        raise RejectedError(
            f"{placed.kind} {placed.name} cannot be planned: {reason}",
            place=str(placed.locate("metadata.uid")),
            fix="A copied folder needs a uid of its own: write ten other letters and digits there",
        )


def _check_not_reserved(environment: Placed[Environment]) -> None:
    for field, expected, found in reserved.mistakes(environment.document):
        raise RejectedError(
            f"The environment {environment.name} cannot be planned: {field} is {found}, and expected is {expected}",
            place=str(environment.locate(field)),
            fix="Choose another one",
        )


def _account(documents: Documents, cluster: Placed[Cluster]) -> Account:
    name = cluster.document.spec.account
    if name is None:
        raise RejectedError(
            f"The cluster {cluster.name} does not say in which account it is",
            place=str(cluster.locate("spec")),
            fix="Add account: with the name of an Account; csoc account link makes one",
        )
    if name not in documents.accounts:
        known = ", ".join(sorted(documents.accounts)) or "none"
        raise RejectedError(
            f"The cluster {cluster.name} is in the account {name}, which has no document",
            place=str(cluster.locate("spec.account")),
            fix=f"csoc account link {name} makes it. Accounts of this fleet: {known}",
        )
    return documents.accounts[name].document


def _not_there(documents: Documents, name: str) -> CsocError:
    names = [*documents.clusters, *documents.environments]
    if documents.fleet is None and not names:
        return no_fleet()
    near = difflib.get_close_matches(name.rpartition("/")[2], names, n=3, cutoff=0.6)
    known = f"Did you mean {', '.join(near)}?" if near else f"There are {', '.join(sorted(names)[:20]) or 'none'}"
    return NotFoundError(f"There is no cluster or environment {name}", fix=known)
