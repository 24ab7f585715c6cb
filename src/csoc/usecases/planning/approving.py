"""Approves plans, and says whether one is approved.

The rule is part of the plan: that of the documents, or that of the plan of this owner which was applied last, whichever
is stricter. So a change cannot loosen the rule that it has to pass; the looser one holds from the next plan on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from csoc.access.people import People, Person, sts_person
from csoc.errors import ConflictError, CsocError, NotFoundError
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.model import StageApproval
from csoc.operations.runs import Run, RunState
from csoc.operations.services import ApprovalStanding, Standing
from csoc.provisioning.approvals import (
    ApprovalRule,
    check_approver,
    is_approved,
    missing,
    rule_of,
    stricter,
    wants_proof,
)
from csoc.provisioning.layers import OwnerKind
from csoc.provisioning.plans import Approval, Plan
from csoc.usecases.cloud_ports import CloudPorts
from csoc.usecases.planning.owners import Owner, environments_on
from csoc.usecases.provisioning_ports import ProvisioningPorts


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval, and what is still missing ("" if nothing is)."""

    plan: Plan
    approval: Approval
    missing: str


def approve(ports: ProvisioningPorts, plan_id: str) -> Approved:
    """Approves exactly what the plan shows, as the person who uses this csoc.

    Raises NotFoundError, DeniedError (this person's yes does not count), RejectedError (the plan is blocked),
    ConflictError (it was applied already).
    """
    plan = ports.plans.get(plan_id)
    if ports.plans.applied(plan_id):
        raise ConflictError(
            "The plan was applied already, so there is nothing to approve",
            place=f"plan {plan_id}",
            fix=f"See how it stands: csoc status {plan.owner_name}; plan again: csoc plan {plan.owner_name}",
        )
    rule, people = rule_of(plan), people_of(ports.cloud, plan.account)
    person = proven_person(ports, plan.account) if wants_proof(rule) else ports.person()
    check_approver(plan, person, rule, people)
    approval = Approval(plan.id, plan.digest, person.id, ports.cloud.clock())
    ports.plans.approve(approval)
    return Approved(plan, approval, missing(plan, rule, ports.plans.approvals(plan.id), people))


def people_of(cloud: CloudPorts, account: str) -> People:
    """Who counts where more than one person is wanted: people of csoc's own account, which is that of the roles that
    the link trusts, and of what csoc's settings name. account: name of the Account that is planned for."""
    aws, link = cloud.settings.aws, cloud.links.get(account)
    principals = [aws.worker_principal, aws.observer_principal]
    # What a link says that is not verified is what somebody said who tried.
    principals += [link.principal, link.observer] if link is not None and link.is_usable else []
    own = {arn.split(":")[4] for arn in principals if arn.count(":") >= 5}
    return People(frozenset({*own, *aws.people_accounts}), aws.people_roles, tuple(aws.pinned_roles))


def proven_person(ports: ProvisioningPorts, account: str) -> Person:
    """Who uses this csoc, as the STS says that the account's link was verified with, and no variable. Raises
    DeniedError where another one is asked."""
    link = ports.cloud.links.get(account)
    try:
        caller = ports.cloud.cloud().proven_caller(link.endpoint if link is not None else "")
    except NotFoundError:
        return ports.person()
    return sts_person(caller.arn, caller.role_arn if caller.is_exact else "")


class StoredApprovals:
    """See csoc.operations.services.PlanApprovals."""

    def __init__(self, ports: ProvisioningPorts) -> None:
        self._ports = ports

    def standing(self, plan: str) -> ApprovalStanding:
        found = self._ports.plans.get(plan)
        given = self._ports.plans.approvals(plan)
        rule, people = rule_of(found), people_of(self._ports.cloud, found.account)
        by = ", ".join(dict.fromkeys(one.by for one in given if one.digest == found.digest))
        if found.blocking:
            first = found.blocking[0]
            return ApprovalStanding(Standing.REFUSED, "a policy", f"{first.subject}: {first.cause}")
        if is_approved(found, rule, given, people):
            return ApprovalStanding(Standing.APPROVED, by)
        return ApprovalStanding(Standing.WANTED, by, missing(found, rule, given, people))


def approved_since(ports: ProvisioningPorts, run: Run) -> str:
    """The plan whose approval a run says that it waits for, if it is approved by now: what it says is what its last
    look found. "" if it waits for none, or that cannot be found out."""
    if run.state is not RunState.WAITING:
        return ""
    # How a step tells a person which plan it waits for is all that the run's record has of it.
    fixes = [step.fix.split() for step in run.steps if step.waits_for]
    plan = next((words[2] for words in fixes if words[:2] == ["csoc", "approve"] and len(words) > 2), "")
    try:
        is_given = plan and StoredApprovals(ports).standing(plan).standing is Standing.APPROVED
    except CsocError:
        return ""
    return plan if is_given else ""


def rule_for(documents: Documents, owner: Owner) -> ApprovalRule:
    """What the documents want for an owner: for a cluster, what the strictest stage on it wants."""
    if documents.fleet is None:
        return ApprovalRule()
    return rule_of_stages(documents.fleet.document.spec.approvals, stages_of(documents, owner))


def stages_of(documents: Documents, owner: Owner) -> set[str]:
    """The stages that an owner serves."""
    if owner.kind is OwnerKind.CLUSTER:
        return {documents.environments[name].document.spec.stage for name in environments_on(documents, owner.name)}
    return {owner.environment.spec.stage} if owner.environment else set()


def rule_of_stages(wanted: Mapping[str, StageApproval], stages: Iterable[str]) -> ApprovalRule:
    """What satisfies the rules of all these stages."""
    rule = ApprovalRule()
    for stage in stages:
        if stage in wanted:
            rule = stricter(rule, _rule(wanted[stage]))
    return rule


def rule_before(applied: Plan | None) -> ApprovalRule:
    """What was wanted of the plan that was applied last: to want less of the next one is a change that has to pass it
    as well."""
    return rule_of(applied) if applied is not None else ApprovalRule()


def _rule(stage: StageApproval) -> ApprovalRule:
    return ApprovalRule(stage.people, stage.second_person)
