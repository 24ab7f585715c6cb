"""Makes a plan of an owner's layers from the fleet as it stands at one commit, and stores it."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass, replace

from csoc.errors import CsocError, DeniedError, RejectedError
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.infrastructure import Size
from csoc.fleet.documents.model import Environment
from csoc.provisioning import names
from csoc.provisioning.approvals import rule_of, stricter, wants_proof
from csoc.provisioning.infrastructure import DEFAULT_SIZE, providers_of_environment
from csoc.provisioning.layers import LAYERS, OwnerKind
from csoc.provisioning.places import Place
from csoc.provisioning.planning import Asked, Planner, Target
from csoc.provisioning.plans import Plan, PlanKind, Purpose
from csoc.provisioning.stacks import StackState
from csoc.usecases.planning.approving import proven_person, rule_before, rule_for
from csoc.usecases.planning.authors import Since
from csoc.usecases.planning.fleets import FleetAt, fleet_at
from csoc.usecases.planning.gen3_layer import GEN3
from csoc.usecases.planning.infrastructure_read import (
    Infrastructure,
    existing_layers,
    gen3_of,
    gen3_removal_of,
    infrastructure_of,
)
from csoc.usecases.planning.owners import Owner, environments_on, find_owner
from csoc.usecases.planning.residents import staying
from csoc.usecases.planning.taken_names import with_taken_names
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.reaching import check_fleet_url


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be planned: whose layers (None: all), for what, and which data may be lost."""

    owner: str
    purpose: Purpose = Purpose.APPLY
    layers: tuple[str, ...] | None = None
    unlocks: tuple[str, ...] = ()


def make_plan(ports: ProvisioningPorts, fleet: FleetAt, wanted: Wanted) -> Plan:
    """Makes a plan and stores it. Nothing but change sets is made in the account, and these change nothing.

    Raises what `infrastructure_of`, `Planner.plan` and `check_fleet_url` do.
    """
    plan_id = ports.cloud.ids()
    infra = infrastructure_of(ports, fleet, wanted.owner, task=f"plan-{plan_id}")
    owner = infra.owner
    if wanted.purpose is Purpose.APPLY and _has_fleet_fetched(owner, wanted.layers):
        check_fleet_url(ports)
    deployed = functools.cache(lambda layer: _deployed_size(ports, fleet, owner, layer))
    costs = ports.costs(_size(owner), deployed=deployed) if ports.costs is not None else None
    planner = Planner(infra.place.stacks, ports.synthesizer, ports.cloud.clock, lambda: plan_id, costs)
    stacks = tuple(one for one in wanted.layers if one != GEN3) if wanted.layers is not None else None
    asked = Asked(ports.person().id, wanted.purpose, stacks, wanted.unlocks)
    if wanted.purpose is Purpose.DESTROY:
        check_unused(fleet.documents, owner, infra.place)
        if owner.kind is OwnerKind.CLUSTER:
            asked = replace(asked, staying=staying(ports, infra, task=f"plan-{plan_id}"))
    plan, templates = planner.plan(infra.document, _target(fleet, infra), asked)
    if wanted.purpose is Purpose.APPLY:
        plan = with_taken_names(ports, owner, plan, templates, task=f"plan-{plan_id}")
    if wanted.purpose is Purpose.APPLY and plans_gen3(owner, wanted.layers):
        plan = replace(
            plan, layers=(*plan.layers, gen3_of(ports, fleet, owner, person=asked.by, task=f"plan-{plan_id}").plan())
        )
    if removes_gen3(plan, owner):
        plan = replace(plan, layers=(gen3_removal_of(ports, fleet, owner).plan(), *plan.layers))
    elif wanted.purpose is Purpose.DESTROY and GEN3 in (wanted.layers or ()):
        raise RejectedError(
            f"Gen3 goes out of its cluster only with all layers of {owner.shown}",
            place="--layer gen3",
            fix=f"Look at all of it: csoc destroy {owner.name}",
        )
    plan = replace(_with_rule(ports, fleet, owner, plan), authors=_authors(ports, fleet, owner, plan))
    _check_maker(ports, plan)
    ports.plans.put(plan, templates)
    return plan


def _size(owner: Owner) -> Size:
    return owner.document.spec.size or DEFAULT_SIZE


def _deployed_size(ports: ProvisioningPorts, fleet: FleetAt, owner: Owner, layer: str) -> Size:
    """The size in the documents of the plan that was applied last of a layer; that of now where nobody can tell any
    more, since prices are in no plan's way."""
    applied = ports.plans.last_applied(owner.uid, layer)
    if applied is None:
        return _size(owner)
    try:
        then = fleet_at(ports.git, fleet.source, applied.commit)
        return _size(find_owner(then.documents, f"{owner.kind.value}/{owner.name}"))
    except CsocError:
        return _size(owner)


def _has_fleet_fetched(owner: Owner, layers: Collection[str] | None) -> bool:
    """True if Argo CD fetches the fleet for what is planned."""
    fetched = {"platform", GEN3}.intersection(made_by_csoc(owner))
    return bool(fetched if layers is None else fetched.intersection(layers))


def removes_gen3(plan: Plan, owner: Owner) -> bool:
    """True if a plan takes Gen3 out of its cluster: it destroys the whole environment, and csoc deployed it."""
    is_csocs = owner.kind is OwnerKind.ENVIRONMENT and GEN3 in made_by_csoc(owner)
    return plan.purpose is Purpose.DESTROY and is_csocs and is_whole(plan, owner)


def is_whole(plan: Plan, owner: Owner) -> bool:
    """True if the plan is of all layers, so that what runs on them can follow."""
    planned = {layer.layer for layer in plan.layers}
    return set(made_by_csoc(owner)) - {GEN3} <= planned


def plans_gen3(owner: Owner, layers: Collection[str] | None) -> bool:
    """True if the layer gen3 is among those that are planned. Raises RejectedError if it is asked for and there is
    none."""
    is_there = owner.kind is OwnerKind.ENVIRONMENT and GEN3 in made_by_csoc(owner)
    if layers is not None and GEN3 in layers and not is_there:
        raise RejectedError(
            f"csoc does not deploy Gen3 of {owner.shown}",
            place=owner.shown,
            fix="Name the layer gen3 with the provider aws in its document, and in spec.application where it stands",
        )
    return is_there and (layers is None or GEN3 in layers)


def rehearse(ports: ProvisioningPorts, fleet: FleetAt, owner: str) -> Plan:
    """What a plan of a new owner would say before CloudFormation is asked: the same documents, templates, policies and
    rule of approval. Nothing is stored, and nothing is made in the account, so the documents need not be in Git yet.

    Raises what `make_plan` does, but for what CloudFormation itself refuses.
    """
    plan_id = ports.cloud.ids()
    infra = infrastructure_of(ports, fleet, owner, task=f"plan-{plan_id}")
    planner = Planner(infra.place.stacks, ports.synthesizer, ports.cloud.clock, lambda: plan_id)
    asked = Asked(ports.person().id, is_rehearsal=True)
    plan, _ = planner.plan(infra.document, _target(fleet, infra), asked)
    if plans_gen3(infra.owner, None):
        plan = replace(
            plan,
            layers=(*plan.layers, gen3_of(ports, fleet, infra.owner, person=asked.by, task=f"plan-{plan_id}").plan()),
        )
    return _with_rule(ports, fleet, infra.owner, plan)


def _target(fleet: FleetAt, infra: Infrastructure) -> Target:
    owner = infra.owner
    return Target(
        installation=infra.place.installation,
        owner=owner.uid,
        owner_kind=owner.kind.value,
        owner_name=owner.name,
        account=owner.account.metadata.name,
        account_id=owner.account.spec.id,
        region=str(infra.document["region"]),
        stage=owner.environment.spec.stage if owner.environment else "",
        execution_role=infra.place.execution_role,
        documents=infra.digest,
        commit=fleet.tree.commit,
        existing=existing_layers(infra),
        radius=_radius(fleet.documents, owner),
    )


def _with_rule(ports: ProvisioningPorts, fleet: FleetAt, owner: Owner, plan: Plan) -> Plan:
    since = _since(ports, fleet, owner, ports.plans.last_applied(owner.uid))
    rule = stricter(stricter(rule_for(fleet.documents, owner), rule_before(since.applied)), since.rule())
    return replace(plan, people=rule.people, second_person=rule.second)


def _check_maker(ports: ProvisioningPorts, plan: Plan) -> None:
    """Raises DeniedError where more than one person is wanted and whoever makes the plan is somebody else by the STS
    that vouches for all of them: the maker's yes must not count as another person's."""
    if wants_proof(rule_of(plan)) and proven_person(ports, plan.account).id != plan.made_by:
        raise DeniedError(
            f"Nobody vouches for {plan.made_by}, who makes this plan, and {plan.owner_name} wants more than one person",
            place=plan.owner_name,
            fix="Sign in with a role, and unset AWS_ENDPOINT_URL_STS",
        )


def _radius(documents: Documents, owner: Owner) -> tuple[str, ...]:
    """What else lives from the owner."""
    if owner.kind is not OwnerKind.CLUSTER:
        return ()
    return tuple(f"environment {name}" for name in environments_on(documents, owner.name))


def _authors(ports: ProvisioningPorts, fleet: FleetAt, owner: Owner, plan: Plan) -> tuple[str, ...]:
    """Who wrote what a plan would do, since each of its layers was applied last: what was applied of another layer says
    nothing about this one."""
    layers = [one.layer for one in plan.layers if one.kind is not PlanKind.EXISTING]
    applied = [ports.plans.last_applied(owner.uid, layer) for layer in layers]
    bases = {one.id if one is not None else "": one for one in applied}
    found = (_since(ports, fleet, owner, base).authors() for base in bases.values())
    return tuple(sorted({author for authors in found for author in authors}))


def _since(ports: ProvisioningPorts, fleet: FleetAt, owner: Owner, applied: Plan | None) -> Since:
    return Since(ports.git, fleet.tree, fleet.documents, owner, applied)


def check_unused(documents: Documents, owner: Owner, place: Place) -> None:
    """A cluster is not destroyed under its environments, whatever is made of them by now: a run of theirs may begin at
    any moment, and would find no cluster."""
    if owner.kind is not OwnerKind.CLUSTER:
        return
    on = environments_on(documents, owner.name)
    if not on:
        return
    csocs = {name: _is_csocs(documents.environments[name], place) for name in on}
    first = [f"csoc destroy environment/{name}" for name in on if csocs[name]]
    others = [str(documents.environments[name].locate("")) for name in on if not csocs[name]]
    fixes = [f"Destroy these first: {'; '.join(first)}"] if first else []
    if others:
        fixes.append(f"Nothing of these is csoc's, so take their documents out of Git: {', '.join(others)}")
    raise RejectedError(f"The cluster {owner.name} is used by {', '.join(on)}", place=owner.shown, fix=". ".join(fixes))


def _is_csocs(placed: Placed[Environment], place: Place) -> bool:
    """True if destroying the environment does something: of one whose layers are others', and of which no stack is
    there, csoc takes nothing away, not even its document."""
    made = [layer for layer, provider in providers_of_environment(placed.document).items() if provider == "aws"]
    return GEN3 in made or any(
        _is_made(place.stacks.find(names.stack(placed.uid, layer))) for layer in made if LAYERS[layer].has_stack
    )


def _is_made(state: StackState | None) -> bool:
    return state is not None and state.status != "REVIEW_IN_PROGRESS"


def made_by_csoc(owner: Owner) -> tuple[str, ...]:
    """Layers of an owner that csoc makes."""
    return tuple(layer for layer, provider in owner.providers.items() if provider == "aws")
