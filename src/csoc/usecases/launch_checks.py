"""Whether answers fit this fleet, found out before anything is written: its accounts, regions, stages and names.

Each error names the answer that it is about. What nobody can know before something of the launch exists is said, not
guessed: `known_later`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from csoc.accounts.links import LinkState
from csoc.accounts.terms import check_region
from csoc.errors import ConflictError, DeniedError, NotFoundError, RejectedError
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.model import Account
from csoc.gen3.launch.answers import NEW, Answers
from csoc.gen3.launch.documents import Launch
from csoc.usecases.provisioning_ports import ProvisioningPorts


def account_of(ports: ProvisioningPorts, documents: Documents, answers: Answers) -> Account:
    """The account of a launch, linked and verified. Raises RejectedError (nobody says which), NotFoundError,
    DeniedError."""
    name = answers.account
    if answers.cluster != NEW and answers.cluster in documents.clusters:
        where = documents.clusters[answers.cluster].document.spec.account
        if name is not None and where is not None and where != name:
            raise RejectedError(
                f"The cluster {answers.cluster} is in the account {where}, and the answers say {name}",
                place="account",
                fix="Leave it out: an environment is where its cluster is",
            )
        name = where or name
    if name is None:
        workload = [one for one in documents.accounts.values() if one.document.spec.purpose == "workload"]
        if len(workload) != 1:
            known = ", ".join(sorted(one.name for one in workload)) or "none"
            raise RejectedError(
                f"Nobody says in which account: there are {len(workload)} for workloads ({known})",
                place="account",
                fix="Add it to the answers; csoc account link makes one",
            )
        name = workload[0].name
    if name not in documents.accounts:
        known = ", ".join(sorted(documents.accounts)) or "none"
        raise NotFoundError(
            f"There is no account {name} in this fleet; there are: {known}",
            place="account",
            fix=f"Name one of these, or make it: csoc account link {name} --account-id ID --region REGION",
        )
    link = ports.cloud.links.get(name)
    if link is None or link.state is not LinkState.VERIFIED:
        state = link.state if link is not None else "not linked"
        raise DeniedError(
            f"The account {name} is {state}, so nothing can be launched in it",
            place="account",
            fix=f"csoc account {'verify' if link is not None else 'link'} {name}",
        )
    return documents.accounts[name].document


def region_of(ports: ProvisioningPorts, documents: Documents, account: Account, answers: Answers) -> str:
    """The region of a launch. Raises RejectedError: nobody says which, or it is none of AWS, of the account or of the
    cluster."""
    used = account.spec.regions
    cluster = documents.clusters.get(answers.cluster) if answers.cluster != NEW else None
    there = cluster.document.spec.region if cluster is not None else None
    if there is not None and answers.region not in (None, there):
        raise RejectedError(
            f"The cluster {answers.cluster} is in {there}, and the answers say {answers.region}",
            place="region",
            fix="Leave it out: an environment is where its cluster is",
        )
    region = answers.region or there or (used[0] if used else "")
    if not region:
        raise RejectedError("Nobody says in which region", place="region", fix="Add it to the answers")
    if used and region not in used:
        name = account.metadata.name
        raise RejectedError(
            f"The account {name} is not used in {region}",
            place="region",
            fix=f"Name one of {', '.join(used)}, or add {region} to the regions in the document of the account {name}",
        )
    try:
        return check_region(region, ports.cloud.cloud().regions())
    except RejectedError as error:
        error.place = "region"
        raise


def check_stage(documents: Documents, answers: Answers) -> None:
    """Raises RejectedError: the stage is none of the fleet's."""
    stages = documents.fleet.document.spec.stages if documents.fleet is not None else ()
    if stages and answers.stage not in stages:
        raise RejectedError(
            f"{answers.stage} is no stage of this fleet", place="stage", fix=f"Its stages are {', '.join(stages)}"
        )


def check_names(documents: Documents, answers: Answers) -> None:
    """Raises ConflictError (a cluster, a hostname, a namespace is somebody's already), NotFoundError (no such
    cluster)."""
    if answers.cluster == NEW and answers.cluster_document in documents.clusters:
        raise ConflictError(
            f"There is a cluster {answers.cluster_document} already",
            place="cluster",
            fix=f"Use it (cluster: {answers.cluster_document}), or name the new one (clusterName)",
        )
    if answers.cluster != NEW and answers.cluster not in documents.clusters:
        known = ", ".join(sorted(documents.clusters)) or "none"
        raise NotFoundError(
            f"There is no cluster {answers.cluster}; there are: {known}",
            place="cluster",
            fix="Name one of these, or write cluster: new, with its name in clusterName",
        )
    for other in documents.environments.values():
        spec = other.document.spec
        if spec.hostname == answers.hostname_name:
            raise ConflictError(
                f"The environment {other.name} has the hostname {answers.hostname_name}",
                place="hostname",
                fix="Choose another one",
            )
        if spec.cluster == answers.cluster_document and (spec.namespace or other.name) == answers.namespace_name:
            raise ConflictError(
                f"{other.name} has the namespace {answers.namespace_name} of the cluster {spec.cluster}",
                place="namespace",
                fix="Choose another one",
            )


def known_later(answers: Answers, made: Launch, *, fleet_is_local: Callable[[], bool]) -> tuple[str, ...]:
    """What of the answers nobody can know to be right before a part of the launch is there, and which part."""
    return tuple(_known_later(answers, made, fleet_is_local))


def _known_later(answers: Answers, made: Launch, fleet_is_local: Callable[[], bool]) -> Iterator[str]:
    if made.cluster is not None:
        yield f"whether EKS offers Kubernetes {answers.kubernetes}: when the layer cluster is made"
    if answers.zone is not None:
        yield (
            f"whether the hosted zone {answers.zone.id} of {answers.zone.name} is in the account: when the layer edge "
            "is made"
        )
    if answers.zone is None and answers.certificate is None:
        yield "which record somebody must make so that AWS issues the certificate: when the layer edge is made"
    if answers.zone is None:
        yield "which record leads to the load balancer, for somebody to make: when Gen3 runs"
    if answers.certificate is not None:
        yield "whether the certificate is there and issued: when Gen3's load balancer takes it"
    if fleet_is_local():
        yield (
            "how Argo CD reaches the fleet, which is a folder on this machine: push it to a Git host or set "
            "platform.fleet_url before the cluster is bootstrapped"
        )
