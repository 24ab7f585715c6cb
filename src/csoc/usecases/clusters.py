"""Clusters that somebody brings along: looked at, written down as documents, and used as they are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from csoc.clusters.access import ClusterAccess, ClusterReference, EksReference, KubeconfigReference
from csoc.clusters.client import ClusterClient
from csoc.clusters.connecting import GROUP, LOOK, Survey, refuse_if_lacking, survey
from csoc.clusters.entering import eks_commands, kubeconfig_commands
from csoc.errors import ConflictError, DeniedError, NotFoundError, RejectedError
from csoc.fleet.documents import absent, layout
from csoc.fleet.documents.base import Metadata
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.infrastructure import LayerSource
from csoc.fleet.documents.model import Cluster, ClusterLayer, ClusterSpec
from csoc.fleet.documents.writing import render_document
from csoc.provisioning import names
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, Published, publish

_HEADER = "Written by csoc cluster connect: a cluster that was there before, used as it is."


class KeptKubeconfigs(Protocol):
    """Where kubeconfigs are kept, outside of Git."""

    def put(self, cluster: str, text: str, context: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class ClusterPorts:
    """What use cases about clusters need. opened: a client of a kubeconfig that is not kept yet. person: who asks.
    enters_as: by account, the ARN of the role by which csoc enters clusters of EKS there; "" where it is not linked."""

    access: ClusterAccess
    kubeconfigs: KeptKubeconfigs
    opened: Callable[[str, str, str], ClusterClient]
    person: Callable[[], str]
    enters_as: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A cluster to connect. kubeconfig: the file's content, "" for EKS; context: of it. eks: as EKS calls it. account:
    name of an Account, "" for none."""

    name: str
    kubeconfig: str = ""
    context: str = ""
    eks: str = ""
    account: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """survey: what is there. path: of the Cluster's document; published: None if that was there already."""

    survey: Survey
    path: str
    published: Published | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A Cluster of the fleet. how: in which way csoc enters it."""

    name: str
    account: str
    region: str
    version: str
    how: str
    environments: tuple[str, ...]


def look_before(ports: ClusterPorts, fleet: LoadedFleet, wanted: Wanted) -> Survey:
    """What a cluster has and which rights csoc would use; nothing is written anywhere.

    Raises what opening does, and DeniedError (csoc is not let in, or may not look) with what the owner types.
    """
    installation = _installation(fleet)
    with closing(_open(ports, fleet, wanted)) as client:
        if wanted.eks:
            _check_let_in(ports, fleet, wanted, client)
        return survey(client, installation, GROUP if wanted.eks else None)


def _check_let_in(ports: ClusterPorts, fleet: LoadedFleet, wanted: Wanted, client: ClusterClient) -> None:
    try:
        client.version()
    except DeniedError as error:
        reference = _eks(fleet.documents, wanted.name, wanted.eks, wanted.account, wanted.region)
        role = ports.enters_as(wanted.account)
        if role:
            error.fix = (
                "Let it in as one who may look; whoever owns the cluster types this. What csoc needs besides, the same "
                "command says afterwards"
            )
            error.commands = eks_commands(wanted.eks, reference.region, role, LOOK)
        raise


def connect(
    git: Ports, ports: ClusterPorts, fleet: LoadedFleet, wanted: Wanted, seen: Survey, *, pull_request: bool = False
) -> Connected:
    """Keeps the way in and writes the Cluster's document. Nothing in the cluster changes.

    Raises DeniedError (rights are missing; with the roles that give them), RejectedError (what is there does not fit),
    ConflictError (there is another cluster of that name), and what publishing raises.
    """
    refuse_if_lacking(seen.rights, GROUP if wanted.eks else None)
    if seen.argo.fix:
        raise RejectedError(". ".join(seen.argo.said), place=f"cluster {wanted.name}", fix=seen.argo.fix)
    there = fleet.documents.clusters.get(wanted.name)
    made = _document(git, fleet.documents, wanted, seen)
    path = layout.path_of(made, fleet.documents.top or "")
    if there is not None and not _same(there.document, made):
        raise ConflictError(
            f"There is another cluster {wanted.name}", place=str(there.locate()), fix="Give this one another name"
        )
    if wanted.kubeconfig:
        ports.kubeconfigs.put(wanted.name, wanted.kubeconfig, wanted.context)
    if there is not None:
        return Connected(seen, path, None)
    proposal = Proposal(
        address=fleet.query.address,
        tree=fleet.tree,
        files={path: render_document(made, path=path, header=_HEADER)},
        message=f"Connect the cluster {wanted.name}",
        branch=fleet.query.revision or "",
        pull_request=pull_request,
        head=f"csoc/cluster-{wanted.name}" if pull_request else "",
        by_path=True,
    )
    return Connected(seen, path, publish(git, proposal))


def list_clusters(fleet: LoadedFleet) -> list[Listed]:
    """The clusters that have a document, by name."""
    found = []
    for name, placed in sorted(fleet.documents.clusters.items()):
        spec = placed.document.spec
        on = sorted(key for key, one in fleet.documents.environments.items() if one.document.spec.cluster == name)
        found.append(
            Listed(name, spec.account or "", spec.region or "", spec.kubernetes_version or "",
                   how(placed.document), tuple(on))
        )  # fmt: skip
    return found


def show_cluster(ports: ClusterPorts, fleet: LoadedFleet, name: str) -> tuple[Listed, Survey]:
    """A cluster as it is now. Raises NotFoundError, and what opening it raises."""
    listed = next((one for one in list_clusters(fleet) if one.name == name), None)
    if listed is None:
        known = ", ".join(sorted(fleet.documents.clusters)) or "none"
        raise NotFoundError(f"There is no cluster {name}", fix=f"There are: {known}")
    document = fleet.documents.clusters[name].document
    reference = reference_of(fleet.documents, document)
    with closing(ports.access.open(reference, person=ports.person(), task=f"show-{name}")) as client:
        return listed, survey(client, _installation(fleet))


def eks_name(cluster: Cluster) -> str:
    """As EKS calls a cluster; "" for one that is entered by a kubeconfig."""
    chosen = {layer.name: layer for layer in cluster.spec.layers}.get("cluster")
    if (chosen.provider if chosen is not None and chosen.provider else cluster.spec.provider) == "aws":
        return names.eks_cluster(cluster.metadata.uid)
    return str(chosen.source.values.get("ClusterName", "")) if chosen is not None and chosen.source is not None else ""


def how(cluster: Cluster) -> str:
    """In which way csoc enters a cluster, in words."""
    name = eks_name(cluster)
    return f"EKS {name}" if name else "kubeconfig"


def reference_of(documents: Documents, cluster: Cluster) -> ClusterReference:
    """How a cluster of the fleet is meant. Raises RejectedError: one of EKS without a known account."""
    name = eks_name(cluster)
    if not name:
        return KubeconfigReference(cluster.metadata.name)
    return _eks(documents, cluster.metadata.name, name, cluster.spec.account or "", cluster.spec.region or "")


def _open(ports: ClusterPorts, fleet: LoadedFleet, wanted: Wanted) -> ClusterClient:
    if wanted.kubeconfig:
        try:
            return ports.opened(wanted.kubeconfig, f"cluster {wanted.name}", wanted.context)
        except DeniedError as error:
            error.fix = (
                f"{error.fix}. These make one, typed where kubectl enters the cluster, for a service account that may "
                "look; connect again before its token ends"
            )
            error.commands = kubeconfig_commands(wanted.name, LOOK)
            raise
    reference = _eks(fleet.documents, wanted.name, wanted.eks, wanted.account, wanted.region)
    return ports.access.open(reference, person=ports.person(), task=f"connect-{wanted.name}")


def _eks(documents: Documents, cluster: str, name: str, account: str, region: str) -> EksReference:
    placed = documents.accounts.get(account)
    if placed is None:
        known = ", ".join(sorted(documents.accounts)) or "none"
        raise RejectedError(
            f"The cluster {cluster} is in the account {account or '?'}, which this fleet does not have",
            place=f"cluster {cluster}",
            fix=f"csoc account link makes one. There are: {known}",
        )
    where = region or next(iter(placed.document.spec.regions), "")
    if not where:
        raise RejectedError(
            "Nobody says in which region", place=f"cluster {cluster}", fix=f"Add regions to the Account {account}"
        )
    return EksReference(cluster, account, placed.document.spec.id, where, name)


def _document(git: Ports, documents: Documents, wanted: Wanted, seen: Survey) -> Cluster:
    top, there = documents.top or "", documents.clusters.get(wanted.name)
    source = LayerSource(values={"ClusterName": wanted.eks}) if wanted.eks else None
    version = ".".join(seen.version.removeprefix("v").split(".")[:2])
    region = wanted.region
    if wanted.account and not region and wanted.account in documents.accounts:
        region = next(iter(documents.accounts[wanted.account].document.spec.regions), "")
    return Cluster.make(
        metadata=Metadata(name=wanted.name, uid=there.uid if there is not None else git.ids()),
        spec=ClusterSpec(
            account=wanted.account or None,
            provider="existing",
            region=region or None,
            kubernetes_version=version,
            folder=layout.below(top, f"clusters/{wanted.name}"),
            applications=layout.below(top, f"clusters/{wanted.name}/applications"),
            layers=(_layer(source),) if source is not None else (),
        ),
    )


def _layer(source: LayerSource) -> ClusterLayer:
    return ClusterLayer.model_validate({"name": "cluster", "provider": "existing", "from": source})


def _same(there: Cluster, made: Cluster) -> bool:
    return (there.spec.account, how(there)) == (made.spec.account, how(made))


def _installation(fleet: LoadedFleet) -> str:
    if fleet.documents.fleet is None:
        raise RejectedError(
            "There is no fleet.yaml here, so no fleet to connect a cluster to",
            place=fleet.query.source,
            fix=absent.FIX,
        )
    return fleet.documents.fleet.uid
