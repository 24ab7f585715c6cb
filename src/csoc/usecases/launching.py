"""From answers to a commons that is on its way: one commit, plans, and runs that wait for what they need.

Everything that planning refuses is found before the commit, on the documents as they would be: what cannot be planned
does not get into Git, nor into a pull request.

Asked again with the same answers, it finds what the first time left: documents that are there are planned, and a run
of a launch that is going on is the one that is watched. What has nothing to do gets no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress

from csoc.clusters.hostnames import Answer
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.model import Account
from csoc.fleet.githost import PullRequest
from csoc.fleet.repositories import SourceAddress
from csoc.gen3.launch.answers import NEW, Answers
from csoc.gen3.launch.documents import Launch, Surroundings, secrets_of
from csoc.gen3.launch.documents import launch as documents_of
from csoc.gen3.launch.values import Member
from csoc.operations.runs import HERE, Run
from csoc.operations.services import needed
from csoc.provisioning import names
from csoc.provisioning.infrastructure import has_nodes_for_workspaces, providers_of_cluster
from csoc.provisioning.plans import Plan
from csoc.usecases import runs as run_cases
from csoc.usecases.launch_checks import account_of, check_names, check_stage, known_later, region_of
from csoc.usecases.launch_differences import check_same
from csoc.usecases.launch_proposals import Pending, find_pending, head_of
from csoc.usecases.planning.approving import StoredApprovals, approve
from csoc.usecases.planning.fleets import FleetAt, fleet_with, open_fleet
from csoc.usecases.planning.making import Wanted, make_plan, rehearse
from csoc.usecases.planning.owners import find_owner
from csoc.usecases.planning.runs_of_plans import check_fresh, has_nothing_to_do, is_of_launch, run_of
from csoc.usecases.planning.standing import OwnerStanding, standing
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.publish import Proposal, Published, publish
from csoc.usecases.reaching import check_fleet_url
from csoc.usecases.run_ports import RunPorts

_PLANS_BACK = 50


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be launched. source: the fleet's repository. auto_approve: the person who launches approves the plans
    at once. pull_request: documents and outputs go through pull requests. user_yaml: content of the file that the
    answers name. where: the place whose workers execute the runs."""

    source: str
    answers: Answers
    auto_approve: bool = False
    pull_request: bool = False
    user_yaml: str = ""
    where: str = HERE


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
    known_later: tuple[str, ...] = ()
    """What of the answers no plan can know to be right."""

    @property
    def pull_request(self) -> PullRequest | None:
        """What somebody has to merge before anything can be planned."""
        return self.published.pull_request if self.published is not None else None


@dataclass(frozen=True, slots=True)
class Launched:
    """Plans and runs, that of the cluster first. missing: what approval each plan lacks, "" for none. runs: those of
    plans that have something to do. standings: how the owners stand, where no plan has; answer: of the hostname,
    then."""

    prepared: Prepared
    plans: tuple[Plan, ...]
    missing: Mapping[str, str]
    runs: tuple[Run, ...] = field(default=())
    standings: tuple[OwnerStanding, ...] = ()
    answer: Answer | None = None

    @property
    def is_healthy(self) -> bool:
        """True if nothing is to be done, the layers are well, and Gen3 answers."""
        answers = self.answer is not None and self.answer.is_up
        return bool(self.standings) and answers and all(one.is_well for one in self.standings)


def prepare(ports: ProvisioningPorts, request: Request) -> Prepared:
    """Writes the documents of a new commons as one commit or pull request, once it is known that they can be planned.

    Raises RejectedError (an answer does not fit this fleet, or a policy refuses its plan), NotFoundError, DeniedError
    (the account is not linked or not verified, or the person's own approval would not be enough), ConflictError (a
    document of that name is there and is another one), and what planning and publishing raise. After an error nothing
    is in Git.
    """
    check_fleet_url(ports)
    fleet = open_fleet(ports, request.source)
    fleet.installation  # noqa: B018 - refuses what is no fleet
    answers = request.answers
    account = account_of(ports, fleet.documents, answers)
    check_stage(fleet.documents, answers)
    there = fleet.documents.environments.get(answers.environment_name)
    if there is not None:
        check_same(there, fleet.documents, fleet.tree, answers, request.user_yaml)
        return Prepared(
            answers.environment_name, there.document.spec.cluster, answers.cluster == NEW, None, fleet.tree.commit,
            uid=there.uid,
        )  # fmt: skip
    pending = (
        find_pending(ports.git, fleet, request.source, answers, request.user_yaml) if request.pull_request else None
    )
    if pending is not None:
        return _waiting(pending, answers)
    check_names(fleet.documents, answers)
    region = region_of(ports, fleet.documents, account, answers)
    made = documents_of(answers, _surroundings(fleet.documents, account, region, request), ports.cloud.ids)
    _rehearse(ports, fleet, request, made)
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
        known_later(answers, made, fleet_is_local=lambda: _is_local(ports, request.source)),
    )


def _waiting(pending: Pending, answers: Answers) -> Prepared:
    """A launch whose documents wait for their merge."""
    published = Published("", pending.pull.head, pending.pull, "; ".join(pending.lacks), again=True)
    found = pending.environment
    asked = tuple((secret.name, one.name, one.what) for secret, one in secrets_of(found).asked)
    is_new = answers.cluster == NEW
    return Prepared(found.metadata.name, found.spec.cluster, is_new, published, "", asked, found.metadata.uid)


def begin(ports: ProvisioningPorts, runs: RunPorts, request: Request, prepared: Prepared) -> Launched:
    """Plans what was prepared and begins its runs, which wait for the approvals that are missing. What has nothing to
    do gets none.

    Raises DeniedError if the person's own approval is not enough and was asked for, ConflictError if a run of an owner
    is going on that no launch began, and what planning raises.
    """
    fleet = open_fleet(ports, request.source)
    with_cluster = prepared.is_new_cluster or _is_brought_along(ports, fleet, prepared.cluster)
    owners = _owners(prepared.cluster, prepared.environment, with_cluster=with_cluster)
    going_on = _going_on(runs, fleet, owners)
    if owners[-1] in going_on:
        return _again(ports, prepared, tuple(going_on.values()))
    plans = [
        ports.plans.get(going_on[owner].plan) if owner in going_on else make_plan(ports, fleet, Wanted(owner))
        for owner in owners
    ]
    for plan in plans:
        _check_blocking(plan)
    run_for = partial(_run_for, ports, fleet, request, prepared.environment)
    todo = [
        owner not in going_on and not has_nothing_to_do(runs.runs, plan, run_for(plan, owner))
        for plan, owner in zip(plans, owners, strict=True)
    ]
    if request.auto_approve:
        for plan in compress(plans, todo):
            _approve_oneself(ports, plan)
    begun: list[Run] = []
    for plan, owner, is_to_do in zip(plans, owners, todo, strict=True):
        if owner in going_on:  # an earlier launch ended between the two
            begun.append(going_on[owner])
        elif is_to_do:
            check_fresh(ports, fleet, plan)
            begun.append(run_cases.begin(runs, run_for(plan, owner, after=begun[-1].id if begun else "")))
    launched = Launched(prepared, tuple(plans), _missing(ports, plans), tuple(begun))
    if begun:
        return launched
    hostname = fleet.documents.environments[prepared.environment].document.spec.hostname or ""
    standings = tuple(standing(ports, runs.runs, fleet, owner) for owner in owners)
    return replace(launched, standings=standings, answer=needed(runs.services.hostnames, "hostnames").ask(hostname))


def _run_for(
    ports: ProvisioningPorts,
    fleet: FleetAt,
    request: Request,
    environment: str,
    plan: Plan,
    owner: str,
    after: str = "",
) -> Run:
    return run_of(
        ports,
        plan,
        find_owner(fleet.documents, owner),
        request.source,
        after=after,
        pull_request=request.pull_request,
        where=request.where,
        launch=environment,
    )


def _missing(ports: ProvisioningPorts, plans: Sequence[Plan]) -> dict[str, str]:
    approvals = StoredApprovals(ports)
    return {plan.id: approvals.standing(plan.id).why for plan in plans}


def _going_on(runs: RunPorts, fleet: FleetAt, owners: Sequence[str]) -> dict[str, Run]:
    """The runs of an earlier launch that are not over, by owner. Raises ConflictError: another run is going on, which
    a launch neither watches nor executes."""
    found: dict[str, Run] = {}
    for owner in owners:
        for run in runs.runs.newest(owner=find_owner(fleet.documents, owner).uid, limit=1):
            if run.state.is_over:
                continue
            if not is_of_launch(run):
                raise ConflictError(
                    f"A run that no launch began is going on for {run.owner_name}: {run.id} ({run.kind}, {run.state})",
                    place=f"run {run.id}",
                    fix=f"Look at it: csoc runs show {run.id}. Let it come to its end (csoc runs resume {run.id}), or "
                    f"give it up (csoc runs cancel {run.id}); then launch again",
                )
            found[owner] = run
    return found


def _again(ports: ProvisioningPorts, prepared: Prepared, found: tuple[Run, ...]) -> Launched:
    """What an earlier launch began."""
    plans = tuple(ports.plans.get(run.plan) for run in found)
    return Launched(prepared, plans, _missing(ports, plans), found)


def _owners(cluster: str, environment: str, *, with_cluster: bool) -> tuple[str, ...]:
    """What a launch plans, in order."""
    return (*((f"cluster/{cluster}",) if with_cluster else ()), f"environment/{environment}")


def _is_brought_along(ports: ProvisioningPorts, fleet: FleetAt, name: str) -> bool:
    """True for a cluster that csoc does not make and has not been in yet, so that its Argo CD cannot read the fleet."""
    placed = fleet.documents.clusters.get(name)
    if placed is None or "aws" in providers_of_cluster(placed.document).values():
        return False
    return not any(ports.plans.applied(plan.id) for plan in ports.plans.newest(placed.uid, _PLANS_BACK))


def _rehearse(ports: ProvisioningPorts, fleet: FleetAt, request: Request, made: Launch) -> None:
    """Makes sure that what the answers became can be planned, while none of it is in Git."""
    future = fleet_with(ports.git, fleet, made.files)
    answers = request.answers
    owners = _owners(answers.cluster_document, answers.environment_name, with_cluster=made.cluster is not None)
    try:
        for plan in [rehearse(ports, future, owner) for owner in owners]:
            _check_blocking(plan)
            if request.auto_approve:
                _check_own_approval(plan)
    except CsocError as error:
        answer = _ANSWERS.get(error.place.rpartition(".")[2])
        if answer is not None:
            error.place, error.fix = answer, "Correct it in the answers"
        error.fix = f"{error.fix}. Nothing was written to Git" if error.fix else "Nothing was written to Git"
        raise


_ANSWERS = {
    "public_networks": "apiAccess",
    "version": "kubernetes",
    "cidr": "network.cidr",
    "zones": "network.zones",
    "certificate_arn": "certificate",
    "hosted_zone_id": "zone",
    "hostname": "hostname",
}
"""Which answer a setting of a layer comes from."""


def _check_blocking(plan: Plan) -> None:
    for finding in plan.blocking:
        raise RejectedError(f"A plan is blocked: {finding.subject}: {finding.cause}", fix=finding.fix)


def _check_own_approval(plan: Plan) -> None:
    if plan.second_person or plan.people > 1:
        raise DeniedError(
            f"{plan.owner_kind} {plan.owner_name} wants {plan.people} approval(s) of other people, "
            "so the one who launches cannot approve for them",
            place=f"{plan.owner_kind} {plan.owner_name}",
            fix="Launch without --auto-approve, and have its plans approved: csoc approve PLAN",
        )


def _approve_oneself(ports: ProvisioningPorts, plan: Plan) -> None:
    _check_own_approval(plan)
    approve(ports, plan.id)


def _is_local(ports: ProvisioningPorts, source: str) -> bool:
    """True if nobody says how a cluster reaches the fleet: it is a folder, and published nowhere."""
    if ports.git.settings.platform.fleet_url or not addresses.parse(source).local:
        return False
    upstream = ports.git.repositories.upstream(SourceAddress(source, trusted=True), None)
    return upstream is None or addresses.parse(upstream.url).local


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
        head=head_of(name) if request.pull_request else "",
        by_path=True,
        body=_body(made),
    )
    return publish(ports.git, proposal)


def _body(made: Launch) -> str:
    lines = [f"Documents and values of {made.environment.metadata.name}. Nothing runs before it is merged and applied."]
    lines += [f"- `{path}`" for path in _shown(list(made.files))]
    return "\n".join(lines)


def _shown(paths: Sequence[str]) -> list[str]:
    return sorted(paths)[:50]
