"""From answers to a commons that is on its way: one commit, plans, and runs that wait for what they need.

Asked again with the same answers, it finds what the first time left: documents that are there are planned, and a run
that is going on is the one that is watched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from csoc.accounts.links import LinkState
from csoc.errors import ConflictError, DeniedError, NotFoundError, RejectedError
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.model import Account
from csoc.fleet.repositories import SourceAddress
from csoc.gen3.launch.answers import NEW, Answers
from csoc.gen3.launch.documents import Launch, Surroundings
from csoc.gen3.launch.documents import launch as documents_of
from csoc.gen3.launch.values import Member
from csoc.operations.runs import Run
from csoc.provisioning import names
from csoc.provisioning.infrastructure import has_nodes_for_workspaces
from csoc.provisioning.plans import Plan
from csoc.usecases import runs as run_cases
from csoc.usecases.planning.applying import check_fresh, run_of
from csoc.usecases.planning.approving import StoredApprovals, approve
from csoc.usecases.planning.making import FleetAt, Wanted, make_plan, open_fleet
from csoc.usecases.planning.owners import find_owner
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.publish import Proposal, Published, publish
from csoc.usecases.run_ports import RunPorts


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be launched. source: the fleet's repository. auto_approve: the person who launches approves the plans
    at once. pull_request: documents and outputs go through pull requests. user_yaml: content of the file that the
    answers name."""

    source: str
    answers: Answers
    auto_approve: bool = False
    pull_request: bool = False
    user_yaml: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The documents, in Git. published: None where they were there already."""

    environment: str
    cluster: str
    is_new_cluster: bool
    published: Published | None
    commit: str
    asked: tuple[tuple[str, str, str], ...] = ()
    """What only a person has: secret, field, and what it is."""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Launched:
    """Plans and runs, that of the cluster first. missing: what approval each plan lacks, "" for none."""

    prepared: Prepared
    plans: tuple[Plan, ...]
    missing: Mapping[str, str]
    runs: tuple[Run, ...] = field(default=())


def prepare(ports: ProvisioningPorts, request: Request) -> Prepared:
    """Writes the documents of a new commons as one commit or pull request.

    Raises RejectedError (an answer does not fit this fleet), NotFoundError, DeniedError (the account is not linked or
    not verified), ConflictError (a document of that name is there and is another one), and what publishing raises.
    """
    fleet = open_fleet(ports, request.source)
    fleet.installation  # noqa: B018 - refuses what is no fleet
    answers = request.answers
    account = _account(ports, fleet.documents, answers)
    region = answers.region or (account.spec.regions[0] if account.spec.regions else "")
    if not region:
        raise RejectedError("Nobody says in which region", place="region", fix="Add it to the answers")
    _check_stage(fleet.documents, answers)
    there = fleet.documents.environments.get(answers.environment_name)
    if there is not None:
        if there.document.spec.commons != answers.commons or there.document.spec.hostname != answers.hostname_name:
            raise ConflictError(
                f"There is another environment {answers.environment_name}",
                place=str(there.locate()),
                fix="Give this one another name: environment",
            )
        return Prepared(
            answers.environment_name, there.document.spec.cluster, answers.cluster == NEW, None, fleet.tree.commit,
            uid=there.uid,
        )  # fmt: skip
    _check_names(fleet.documents, answers)
    made = documents_of(answers, _surroundings(fleet.documents, account, region, request), ports.cloud.ids)
    published = _published(ports, fleet, request, made)
    asked = tuple((secret.name, one.name, one.what) for secret, one in made.secrets.asked)
    return Prepared(
        answers.environment_name,
        answers.cluster_document,
        made.cluster is not None,
        published,
        published.commit,
        asked,
        made.environment.metadata.uid,
    )


def begin(ports: ProvisioningPorts, runs: RunPorts, request: Request, prepared: Prepared) -> Launched:
    """Plans what was prepared and begins its runs, which wait for the approvals that are missing.

    Raises DeniedError if the person's own approval is not enough and was asked for, ConflictError if a run of the owner
    is going on, and what planning raises.
    """
    fleet = open_fleet(ports, request.source)
    owners = ([f"cluster/{prepared.cluster}"] if prepared.is_new_cluster else []) + [
        f"environment/{prepared.environment}"
    ]
    going_on = _going_on(runs, fleet, owners)
    if owners[-1] in going_on:
        return _again(ports, prepared, tuple(going_on.values()))
    plans = [
        ports.plans.get(going_on[owner].plan) if owner in going_on else make_plan(ports, fleet, Wanted(owner))
        for owner in owners
    ]
    blocked = [finding for plan in plans for finding in plan.blocking]
    if blocked:
        first = blocked[0]
        raise RejectedError(f"A plan is blocked: {first.subject}: {first.cause}", fix=first.fix)
    if request.auto_approve:
        for plan, owner in zip(plans, owners, strict=True):
            if owner not in going_on:
                _approve_oneself(ports, plan)
    approvals = StoredApprovals(ports.plans)
    missing = {plan.id: approvals.standing(plan.id).why for plan in plans}
    begun: list[Run] = []
    for plan, owner in zip(plans, owners, strict=True):
        if owner in going_on:  # an earlier launch ended between the two
            begun.append(going_on[owner])
            continue
        check_fresh(ports, fleet, plan)
        run = run_of(
            ports,
            plan,
            find_owner(fleet.documents, owner),
            request.source,
            after=begun[-1].id if begun else "",
            pull_request=request.pull_request,
        )
        begun.append(run_cases.begin(runs, run))
    return Launched(prepared, tuple(plans), missing, tuple(begun))


def _going_on(runs: RunPorts, fleet: FleetAt, owners: Sequence[str]) -> dict[str, Run]:
    """The runs of an earlier launch that are not over, by owner."""
    newest = {owner: runs.runs.newest(owner=find_owner(fleet.documents, owner).uid, limit=1) for owner in owners}
    return {owner: run for owner, found in newest.items() for run in found if not run.state.is_over and run.plan}


def _again(ports: ProvisioningPorts, prepared: Prepared, found: tuple[Run, ...]) -> Launched:
    """What an earlier launch began."""
    approvals = StoredApprovals(ports.plans)
    plans = tuple(ports.plans.get(run.plan) for run in found)
    missing = {plan.id: approvals.standing(plan.id).why for plan in plans}
    return Launched(prepared, plans, missing, found)


def _approve_oneself(ports: ProvisioningPorts, plan: Plan) -> None:
    if plan.second_person or plan.people > 1:
        raise DeniedError(
            f"{plan.owner_kind} {plan.owner_name} wants {plan.people} approval(s) of other people, "
            "so the one who launches cannot approve for them",
            place=f"plan {plan.id}",
            fix="Launch without --auto-approve, and have the plan approved: csoc approve " + plan.id,
        )
    approve(ports, plan.id)


def _account(ports: ProvisioningPorts, documents: Documents, answers: Answers) -> Account:
    name = answers.account
    if name is None and answers.cluster != NEW and answers.cluster in documents.clusters:
        name = documents.clusters[answers.cluster].document.spec.account
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
        raise NotFoundError(
            f"There is no account {name} in this fleet",
            place="account",
            fix=f"csoc account link {name} --account-id ID --region REGION",
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


def _check_stage(documents: Documents, answers: Answers) -> None:
    stages = documents.fleet.document.spec.stages if documents.fleet is not None else ()
    if stages and answers.stage not in stages:
        raise RejectedError(
            f"{answers.stage} is no stage of this fleet", place="stage", fix=f"Its stages are {', '.join(stages)}"
        )


def _check_names(documents: Documents, answers: Answers) -> None:
    if answers.cluster == NEW and answers.cluster_document in documents.clusters:
        raise ConflictError(
            f"There is a cluster {answers.cluster_document} already",
            place="cluster",
            fix=f"Use it (cluster: {answers.cluster_document}), or name the new one (clusterName)",
        )
    if answers.cluster != NEW and answers.cluster not in documents.clusters:
        known = ", ".join(sorted(documents.clusters)) or "none"
        raise NotFoundError(f"There is no cluster {answers.cluster}", place="cluster", fix=f"There are: {known}")
    for other in documents.environments.values():
        spec = other.document.spec
        if spec.hostname == answers.hostname_name:
            raise ConflictError(
                f"{other.name} has the hostname {answers.hostname_name}",
                place="hostname",
                fix="Choose another one",
            )
        if spec.cluster == answers.cluster_document and (spec.namespace or other.name) == answers.namespace_name:
            raise ConflictError(
                f"{other.name} has the namespace {answers.namespace_name} of that cluster",
                place="namespace",
                fix="Choose another one",
            )


def _surroundings(documents: Documents, account: Account, region: str, request: Request) -> Surroundings:
    members: dict[str, Member] = {}
    for name in request.answers.members:
        found = [one.document for one in documents.environments.values() if one.document.spec.commons == name]
        if not found:
            raise NotFoundError(
                f"The mesh joins {name}, and this fleet has no environment of it",
                place="members",
                fix="Name commons of this fleet: csoc fleet show lists them",
            )
        chosen = next((one for one in found if one.spec.stage == request.answers.stage), found[-1])
        members[name] = Member(name, name, chosen.spec.hostname)
    there = documents.clusters.get(request.answers.cluster_document)
    return Surroundings(
        account=account.metadata.name,
        region=region,
        secret_name=names.secret,
        top=documents.top or "",
        commons_exists=request.answers.commons in documents.commons,
        members=members,
        user_yaml=request.user_yaml,
        workspace_nodes=there is not None and has_nodes_for_workspaces(there.document),
    )


def _published(ports: ProvisioningPorts, fleet: FleetAt, request: Request, made: Launch) -> Published:
    name = made.environment.metadata.name
    proposal = Proposal(
        address=SourceAddress(request.source, trusted=True),
        tree=fleet.tree,
        files=made.files,
        message=f"Launch {name}",
        pull_request=request.pull_request,
        head=f"csoc/launch-{name}" if request.pull_request else "",
        body=_body(made),
    )
    return publish(ports.git, proposal)


def _body(made: Launch) -> str:
    lines = [f"Documents and values of {made.environment.metadata.name}. Nothing runs before it is merged and applied."]
    lines += [f"- `{path}`" for path in _shown(list(made.files))]
    return "\n".join(lines)


def _shown(paths: Sequence[str]) -> list[str]:
    return sorted(paths)[:50]
