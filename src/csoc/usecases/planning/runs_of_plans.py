"""From an approved plan to a run: what is done, in which order, and why not if the plan is not the world's any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from csoc.errors import ConflictError, RejectedError
from csoc.operations.runs import HERE, Run, RunState, RunStore, Step
from csoc.operations.services import Standing
from csoc.provisioning.existing import changed_since
from csoc.provisioning.layers import OwnerKind
from csoc.provisioning.plans import LayerPlan, Plan, PlanKind, Purpose
from csoc.usecases.planning.approving import StoredApprovals
from csoc.usecases.planning.fleets import FleetAt
from csoc.usecases.planning.gen3_layer import GEN3
from csoc.usecases.planning.infrastructure_read import existing_layers, gen3_of, gen3_removal_of, infrastructure_of
from csoc.usecases.planning.making import check_unused, is_whole, removes_gen3
from csoc.usecases.planning.owners import Owner
from csoc.usecases.provisioning_ports import ProvisioningPorts

StepToCome = tuple[str, str, dict[str, Any]]
"""Name, kind, arguments."""

CLUSTER_STEPS: tuple[StepToCome, ...] = (
    ("bootstrap cluster", "bootstrap cluster", {}),
    ("write platform", "write platform", {}),
)
"""What follows the layers of a cluster."""

PUBLISH = "publish address"
"""The layer `edge` once more: though its kind is of the plan, it does what the plan cannot show, with what an earlier
step gave."""
_LAUNCH = "launch"
_OF_THE_PLAN = ("wait for approval", "wait for run", "apply layer", "remember applied")
"""Steps that do nothing but what the plan shows."""
_RUNS_BACK = 50


def check_no_run(ports: ProvisioningPorts, runs: RunStore, plan: Plan) -> None:
    """Raises ConflictError, with what lets it go on, if a run does the plan already."""
    for other in runs.newest(owner=plan.owner, limit=_RUNS_BACK):
        if other.plan != plan.id or other.state.is_over:
            continue
        is_wanted = StoredApprovals(ports).standing(plan.id).standing is Standing.WANTED
        first = f"Approve it: csoc approve {plan.id}; " if is_wanted else ""
        raise ConflictError(
            f"The run {other.id} is there for this plan already, and is {other.state}",
            place=f"plan {plan.id}",
            fix=f"{first}go on with it: csoc runs resume {other.id}; watch it: csoc runs watch {other.id}; "
            f"give it up: csoc runs cancel {other.id}",
        )


def check_fresh(ports: ProvisioningPorts, fleet: FleetAt, plan: Plan) -> Owner:
    """The owner of a plan that still says what would happen, as far as documents decide that; stacks are compared
    when each is changed.

    Raises RejectedError (blocked), ConflictError (applied before, or stale), and what `infrastructure_of` raises.
    """
    if plan.blocking:
        first = plan.blocking[0]
        raise RejectedError(
            f"The plan is blocked: {first.subject}: {first.cause}", place=f"plan {plan.id}", fix=first.fix
        )
    if ports.plans.applied(plan.id):
        raise ConflictError("The plan was applied already", place=f"plan {plan.id}", fix=_again(plan))
    name = f"{plan.owner_kind}/{plan.owner_name}"
    infra = infrastructure_of(ports, fleet, name, task=f"apply-{plan.id}")
    if infra.owner.uid != plan.owner or infra.digest != plan.documents:
        raise ConflictError(
            f"The plan is stale: the documents of {plan.owner_name} say something else since it was made",
            place=f"plan {plan.id}",
            fix=_again(plan),
        )
    if plan.purpose is Purpose.DESTROY:
        check_unused(fleet.documents, infra.owner, infra.place)
    _check_gen3(ports, fleet, infra.owner, plan)
    now = existing_layers(infra)
    for shown in plan.layers:
        changed = changed_since(shown.parameters, now.get(shown.layer, {})) if shown.kind is PlanKind.EXISTING else ()
        if changed:
            raise ConflictError(
                f"The plan is stale: of the layer {shown.layer}, which csoc only reads, {changed[0]}",
                place=f"plan {plan.id}",
                fix=_again(plan),
            )
    return infra.owner


def _check_gen3(ports: ProvisioningPorts, fleet: FleetAt, owner: Owner, plan: Plan) -> None:
    shown = next((one for one in plan.layers if one.layer == GEN3), None)
    if plan.purpose is Purpose.DESTROY:
        _check_removal(ports, fleet, owner, plan, shown)
        return
    if shown is None:
        return
    found = gen3_of(ports, fleet, owner, person=ports.person().id, task=f"apply-{plan.id}")
    if found.inputs() == shown.template_digest and found.state() == shown.stack_state:
        return
    what = "its values, chart or Application" if found.inputs() != shown.template_digest else "what is deployed"
    raise _stale(plan, what)


def _check_removal(ports: ProvisioningPorts, fleet: FleetAt, owner: Owner, plan: Plan, shown: LayerPlan | None) -> None:
    if (shown is not None) != removes_gen3(plan, owner):
        raise _stale(plan, "whether Gen3 goes out of the cluster with the layers")
    what = gen3_removal_of(ports, fleet, owner).stale(shown) if shown is not None else ""
    if what:
        raise _stale(plan, what)


def _stale(plan: Plan, what: str) -> ConflictError:
    return ConflictError(
        f"The plan is stale: {what} of {plan.owner_name} changed since it was made",
        place=f"plan {plan.id}",
        fix=_again(plan),
    )


def _again(plan: Plan) -> str:
    """What to type for another plan. A destruction is planned by the command that says so."""
    words = "destroy" if plan.purpose is Purpose.DESTROY else "plan"
    return f"Plan again: csoc {words} {plan.owner_name}"


def run_of(
    ports: ProvisioningPorts,
    plan: Plan,
    owner: Owner,
    source: str,
    *,
    after: str = "",
    pull_request: bool = False,
    where: str = HERE,
    launch: str = "",
) -> Run:
    """The run that applies a plan. source: the fleet's repository. after: id of a run that must succeed first.
    pull_request: what the run writes into Git goes through one. where: the place whose workers execute it. launch: the
    environment whose launch begins it, "" where somebody applies a plan."""
    kinds = list(_steps(plan, owner, after))
    steps = tuple(Step(number, name, kind, arguments) for number, (name, kind, arguments) in enumerate(kinds, 1))
    arguments: dict[str, Any] = {"fleet": source, "commit": plan.commit, "pull_request": pull_request}
    if owner.environment is not None:
        arguments["environment"] = owner.name
    if launch:
        arguments[_LAUNCH] = launch
    return Run(
        id=ports.cloud.ids(),
        kind=plan.purpose.value,
        owner=plan.owner,
        owner_name=f"{plan.owner_kind} {plan.owner_name}",
        by=ports.person().id,
        created_at=ports.cloud.clock(),
        plan=plan.id,
        steps=steps,
        arguments=arguments,
        where=where,
    )


def is_of_launch(run: Run) -> bool:
    """True if a launch began the run, so that the launch asked for again goes on with it."""
    return run.kind == Purpose.APPLY and bool(run.plan) and bool(run.arguments.get(_LAUNCH))


def has_nothing_to_do(runs: RunStore, plan: Plan, run: Run) -> bool:
    """True if nothing is planned, and what a run does besides its layers was done by the run that did it last.

    Steps are known by their names, so one that no run of the owner ever had is still to be done.
    """
    if plan.purpose is not Purpose.APPLY or not plan.is_empty:
        return False
    besides = [step.name for step in run.steps if step.kind not in _OF_THE_PLAN or step.name == PUBLISH]
    if not besides:
        return True
    steps = [step for one in runs.newest(owner=run.owner, limit=_RUNS_BACK) for step in one.steps if step.started_at]
    last = [next((step for step in steps if step.name == name), None) for name in besides]
    return all(step is not None and step.state is RunState.SUCCEEDED for step in last)


def _steps(plan: Plan, owner: Owner, after: str) -> Iterator[StepToCome]:
    yield "approval", "wait for approval", {"plan": plan.id}
    if after:
        yield f"wait for {after}", "wait for run", {"run": after}
    place = {"account": plan.account, "account_id": plan.account_id, "region": plan.region}
    if plan.purpose is Purpose.DESTROY:
        yield from _destroying(plan, owner)
    else:
        for layer in (one for one in plan.layers if one.layer != GEN3):
            yield f"apply {layer.layer}", "apply layer", {"plan": plan.id, "layer": layer.layer}
            if layer.layer == "credentials":
                yield "put secrets", "put secrets", place
        yield from _afterwards(plan, owner)
    yield "remember", "remember applied", {"plan": plan.id}


def _destroying(plan: Plan, owner: Owner) -> Iterator[StepToCome]:
    """What runs on the layers goes first; the documents go once nothing is there that they speak of."""
    whole = is_whole(plan, owner)
    exact = [layer.layer for layer in plan.layers if layer.kind is PlanKind.EXACT]
    if removes_gen3(plan, owner):
        yield "remove gen3", "remove gen3", {"plan": plan.id}
    if "cluster" in exact:
        yield "check cluster", "check cluster unused", {}
    for layer in exact:
        yield f"destroy {layer}", "destroy layer", {"plan": plan.id, "layer": layer}
    yield "list what is left", "list left", {"plan": plan.id}
    if whole and owner.environment is not None:
        yield "remove documents", "remove documents", {}


def _afterwards(plan: Plan, owner: Owner) -> Iterator[StepToCome]:
    """What follows once the layers of an owner are as planned."""
    if owner.kind is OwnerKind.CLUSTER:
        if is_whole(plan, owner):
            yield from CLUSTER_STEPS
    elif any(layer.layer == GEN3 for layer in plan.layers):
        yield "write outputs", "write outputs", {}
        # The load balancer comes into being with Gen3's Ingress, and the record points to it.
        has_record = any(layer.layer == "edge" and layer.later for layer in plan.layers)
        yield from environment_steps(plan.id, has_edge=has_record)


def environment_steps(plan: str, *, has_edge: bool) -> tuple[StepToCome, ...]:
    """What follows the layers of an environment, and the commit of their outputs: what a step gives here comes too late
    for "write outputs", and so for the values that are deployed. plan: its id. has_edge: its layer `edge` keeps the
    hostname's record, which is made once the load balancer is known."""
    given = {"LoadBalancerDnsName": "follow gen3/address"}
    record = (PUBLISH, "apply layer", {"plan": plan, "layer": "edge", "given": given})
    return (
        ("deploy gen3", "deploy gen3", {"plan": plan}),
        ("follow gen3", "follow gen3", {}),
        *((record,) if has_edge else ()),
        ("wait for https", "wait for https", {}),
    )
