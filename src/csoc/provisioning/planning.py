"""Makes plans: from an infrastructure document and the stacks as they are to what would be done.

Nothing here changes a stack. A change set is CloudFormation's own answer to "what would you do", so for a layer whose
inputs exist the plan is that answer and no guess; where inputs do not exist yet, the plan says so and shows what the
template holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.clock import Clock, Ids
from csoc.errors import ConflictError, NotFoundError, RejectedError
from csoc.gen3.launch.secrets import MASTER_LOGIN
from csoc.provisioning import master_login, names, stack_notes
from csoc.provisioning.explain import NOT_PUT_BACK, STUCK, undeletable
from csoc.provisioning.layers import LAYERS
from csoc.provisioning.plans import Cost, LayerPlan, Plan, PlanKind, PolicyFinding, Purpose
from csoc.provisioning.policies.policy import Considered
from csoc.provisioning.policies.table import judge
from csoc.provisioning.service_roles import services_of, told
from csoc.provisioning.stack_states import FAILED_CREATION, is_half_deleted, is_there, state_digest
from csoc.provisioning.stacks import Action, ResourceChange, StackRequest, Stacks, StackState
from csoc.provisioning.synthesis import Synthesizer, Template
from csoc.provisioning.templates import later_in, only_resources, parameters_of, resources_of

_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")
_FROM_SSM = "AWS::SSM::Parameter::Value"


@dataclass(frozen=True, slots=True)
class Target:
    """Whose layers, where, and from which documents. execution_role: CloudFormation's in that account. existing: layers
    that are only read, with their outputs."""

    installation: str
    owner: str
    owner_kind: str
    owner_name: str
    account: str
    account_id: str
    region: str
    stage: str
    execution_role: str
    documents: str
    commit: str
    existing: Mapping[str, Mapping[str, str]]
    radius: tuple[str, ...] = ()


def target_of(plan: Plan, installation: str, execution_role: str) -> Target:
    """The target of a stored plan, for its application."""
    return Target(
        installation=installation,
        owner=plan.owner,
        owner_kind=plan.owner_kind,
        owner_name=plan.owner_name,
        account=plan.account,
        account_id=plan.account_id,
        region=plan.region,
        stage="",
        execution_role=execution_role,
        documents=plan.documents,
        commit=plan.commit,
        existing={},
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be planned. layers: only these, None for all. unlocks: "layer/LogicalId" whose data may be lost.
    is_rehearsal: CloudFormation is not asked for change sets, so that nothing is left in the account. staying: layers
    that are not destroyed though they are asked for, with the reason."""

    by: str
    purpose: Purpose = Purpose.APPLY
    layers: tuple[str, ...] | None = None
    unlocks: tuple[str, ...] = ()
    is_rehearsal: bool = False
    staying: Mapping[str, str] = field(default_factory=dict)


class Planner:
    """See the module. costs: what a template costs a month, or None where nothing is known of prices."""

    def __init__(
        self,
        stacks: Stacks,
        synthesizer: Synthesizer,
        clock: Clock,
        ids: Ids,
        costs: Callable[[str, str, str, str], Cost] | None = None,
    ) -> None:
        self._stacks = stacks
        self._synthesizer = synthesizer
        self._clock = clock
        self._ids = ids
        self._costs = costs

    def plan(self, document: Mapping[str, Any], target: Target, asked: Asked) -> tuple[Plan, Mapping[str, str]]:
        """A plan, and the text of its layers' templates.

        Raises RejectedError (the document, or a layer or unlock that is not there), ConflictError (a stack is busy, or
        another installation's), and what the ports raise.
        """
        # Nothing is to be made of a cluster that was brought along; what runs there is brought to it all the same.
        has_templates = document["layers"] or asked.purpose is Purpose.DESTROY
        templates = self._synthesizer.synthesize(document) if has_templates else {}
        wanted = _wanted(document, target.existing, asked)
        plan_id = self._ids()
        order = wanted if asked.purpose is Purpose.APPLY else tuple(reversed(wanted))
        layers = [
            self._existing(name, target)
            if name in target.existing
            else self._layer(plan_id, templates[name], target, asked)
            for name in order
        ]
        _check_unlocks(asked.unlocks, layers)
        plan = Plan(
            id=plan_id,
            purpose=asked.purpose,
            owner=target.owner,
            owner_kind=target.owner_kind,
            owner_name=target.owner_name,
            account=target.account,
            account_id=target.account_id,
            region=target.region,
            made_by=asked.by,
            made_at=self._clock(),
            documents=target.documents,
            commit=target.commit,
            layers=tuple(layers),
            radius=target.radius,
            unlocks=tuple(sorted(asked.unlocks)),
        )
        return plan, {name: template.body for name, template in templates.items()}

    def _existing(self, name: str, target: Target) -> LayerPlan:
        outputs = target.existing[name]
        note = "read, never changed: " + ", ".join(f"{key}={value}" for key, value in outputs.items())
        if name == "database" and master_login.is_asked(target.owner, outputs):
            note += (
                ". No secret with its master login is named that pods may read and that the chart can use (csoc-..., "
                "lower-case letters, digits and hyphens), so csoc asks for the login: "
                f"csoc secret put {target.owner_name} {MASTER_LOGIN}"
            )
        return LayerPlan(name, "", PlanKind.EXISTING, parameters=dict(outputs), note=note)

    def _layer(self, plan_id: str, template: Template, target: Target, asked: Asked) -> LayerPlan:
        state = self._stacks.find(template.stack)
        _check_state(state, target)
        if asked.purpose is Purpose.DESTROY:
            return self._destroyed(template, state, asked, target)
        check_changeable(state, template.layer, target)
        if asked.is_rehearsal:
            return self._preview(template, state, {}, (), asked, target)
        given, unknown = self._inputs(template)
        if unknown or (state is not None and state.status in (*FAILED_CREATION, NOT_PUT_BACK)):
            return self._preview(template, state, given, unknown, asked, target)
        return self._exact(plan_id, template, state, asked, target)

    def _inputs(self, template: Template) -> tuple[dict[str, str], tuple[str, ...]]:
        """What the template's parameters are now, and which are not there yet."""
        known: dict[str, str] = {}
        unknown: list[str] = []
        for name, one in parameters_of(template.body).items():
            if not str(one.get("Type", "")).startswith(_FROM_SSM):
                known[name] = str(one.get("Default", ""))
                continue
            try:
                known[name] = self._stacks.parameter(str(one.get("Default", "")))
            except NotFoundError:
                unknown.append(name)
        return known, tuple(sorted(unknown))

    def _preview(
        self,
        template: Template,
        state: StackState | None,
        given: Mapping[str, str],
        unknown: tuple[str, ...],
        asked: Asked,
        target: Target,
    ) -> LayerPlan:
        resources = resources_of(template.body)
        changes = tuple(ResourceChange(Action.ADD, key, str(one.get("Type"))) for key, one in sorted(resources.items()))
        note = told(services_of(resources))
        if state is not None and state.status in FAILED_CREATION:
            note = ". ".join(filter(None, (stack_notes.deleted_first(self._stacks, template.stack), note)))
        if state is not None and state.status == NOT_PUT_BACK:
            # Nothing that comes after is shown, so whatever the run then wants waits for an approval of its own.
            changes, note = (), stack_notes.put_back_first(self._stacks, template.stack)
        return LayerPlan(
            layer=template.layer,
            stack=template.stack,
            kind=PlanKind.PREVIEW,
            template_digest=template.digest,
            parameters=dict(given),
            unknown=unknown,
            changes=changes,
            stack_state=state_digest(state),
            cost=self._cost(template.layer, "", template.body, target),
            findings=self._judged(template, PlanKind.PREVIEW, changes, "", asked, target),
            note=note,
            later=later_in(template),
        )

    def _exact(
        self,
        plan_id: str,
        template: Template,
        state: StackState | None,
        asked: Asked,
        target: Target,
    ) -> LayerPlan:
        before = self._stacks.template(template.stack) if is_there(state) else ""
        request = stack_request(template, target, state)
        change_set = self._stacks.make_change_set(request, change_set_name(plan_id))
        if change_set.status == "FAILED" and not change_set.is_empty:
            self._stacks.drop_change_set(template.stack, change_set.name)
            raise RejectedError(
                f"CloudFormation cannot plan the layer {template.layer}: {change_set.reason}",
                place=template.stack,
                fix="Correct what it names, and plan again",
            )
        if change_set.is_empty:
            self._stacks.drop_change_set(template.stack, change_set.name)
        kind = PlanKind.UNCHANGED if change_set.is_empty else PlanKind.EXACT
        return LayerPlan(
            layer=template.layer,
            stack=template.stack,
            kind=kind,
            template_digest=template.digest,
            parameters=dict(change_set.parameters),
            changes=change_set.changes,
            stack_state=state_digest(state),
            change_set="" if change_set.is_empty else change_set.name,
            cost=self._cost(template.layer, before, template.body, target),
            findings=self._judged(template, kind, change_set.changes, before, asked, target),
            note="" if change_set.is_empty else told(services_of(resources_of(template.body))),
            later=self._later(template, state),
        )

    def _later(self, template: Template, state: StackState | None) -> tuple[str, ...]:
        found = later_in(template)
        return later_in(template, self._stacks.resources(template.stack)) if found and is_there(state) else found

    def _destroyed(self, template: Template, state: StackState | None, asked: Asked, target: Target) -> LayerPlan:
        if state is None or state.status == "REVIEW_IN_PROGRESS":
            return LayerPlan(template.layer, template.stack, PlanKind.UNCHANGED, note="There is no such stack")
        there = self._stacks.resources(template.stack)
        before = self._stacks.template(template.stack)
        if state.status in FAILED_CREATION:
            # Of the rest nothing was ever made, or it was taken back.
            before = only_resources(before, there)
        if template.layer in asked.staying:
            cost = self._cost(template.layer, before, before, target)
            note = asked.staying[template.layer]
            return LayerPlan(
                template.layer,
                template.stack,
                PlanKind.UNCHANGED,
                stack_state=state_digest(state),
                cost=cost,
                note=note,
            )
        resources = resources_of(before)
        # Asked for a second time, CloudFormation would fail at the same resources again.
        failed = undeletable(self._stacks.events(template.stack), template.stack) if is_half_deleted(state) else {}
        changes = tuple(
            ResourceChange(
                Action.REMOVE,
                logical_id,
                str(resources.get(logical_id, {}).get("Type", "")),
                physical_id,
                kept=resources.get(logical_id, {}).get("DeletionPolicy") in _KEPT or logical_id in failed,
            )
            for logical_id, physical_id in sorted(there.items())
        )
        return LayerPlan(
            layer=template.layer,
            stack=template.stack,
            kind=PlanKind.EXACT,
            changes=changes,
            stack_state=state_digest(state),
            cost=self._cost(template.layer, before, "", target),
            findings=self._judged(template, PlanKind.EXACT, changes, before, asked, target),
            note=stack_notes.of_destruction(state, failed),
        )

    def _judged(
        self,
        template: Template,
        kind: PlanKind,
        changes: tuple[ResourceChange, ...],
        before: str,
        asked: Asked,
        target: Target,
    ) -> tuple[PolicyFinding, ...]:
        considered = Considered(
            layer=template.layer,
            kind=kind,
            purpose=asked.purpose,
            stage=target.stage,
            changes=changes,
            resources=resources_of(template.body),
            before=resources_of(before) if before else {},
            unlocks=frozenset(asked.unlocks),
        )
        return tuple(judge(considered))

    def _cost(self, layer: str, before: str, after: str, target: Target) -> Cost | None:
        return self._costs(layer, before, after, target.region) if self._costs is not None else None


def change_set_name(plan_id: str) -> str:
    """The change set of a plan; asked for again, it is found."""
    return f"csoc-{plan_id}"


def stack_request(
    template: Template, target: Target, state: StackState | None, given: Mapping[str, str] | None = None
) -> StackRequest:
    """What a layer's change set is made from: the template, and its parameters' own defaults where nothing else is
    given, so that whoever deploys the template without csoc gets the same. What an earlier run brought about and gave
    to the stack (where the load balancer is) stays."""
    tags = {
        names.INSTALLATION_TAG: target.installation,
        names.OWNER_TAG: target.owner,
        names.LAYER_TAG: template.layer,
    }
    defaults = {name: str(one.get("Default", "")) for name, one in parameters_of(template.body).items()}
    return StackRequest(
        stack=template.stack,
        template=template.body,
        parameters={**defaults, **_brought_about(defaults, state), **(given or {})},
        tags=tags,
        role=target.execution_role,
        description=f"{target.owner_kind} {target.owner_name}: {template.layer}",
    )


def _brought_about(defaults: Mapping[str, str], state: StackState | None) -> dict[str, str]:
    """Values of parameters that no template can have, as the stack has them."""
    there = state.parameters if state is not None and is_there(state) else {}
    return {name: there[name] for name, default in defaults.items() if not default and there.get(name)}


def _check_state(state: StackState | None, target: Target) -> None:
    if state is None:
        return
    owner = state.tags.get(names.INSTALLATION_TAG)
    if state.status != "REVIEW_IN_PROGRESS" and owner != target.installation:
        raise ConflictError(
            f"The stack {state.name} is not of this csoc: its tag {names.INSTALLATION_TAG} is {owner or 'missing'}",
            place=state.id,
            fix="Plan with the csoc that made it; nothing was changed",
        )
    if state.is_busy:
        raise ConflictError(
            f"The stack {state.name} is busy: {state.status}", place=state.id, fix="Wait for it, then plan again"
        )


def check_changeable(state: StackState | None, layer: str, target: Target) -> None:
    """Raises RejectedError, with what can be done, for a stack in which CloudFormation changes nothing any more."""
    stuck = STUCK.get(state.status) if state is not None and state.status != NOT_PUT_BACK else None
    if stuck is not None and state is not None:
        raise RejectedError(
            f"Nothing can be changed in the stack {state.name} ({state.status}). {stuck.cause}",
            place=state.id,
            fix=stuck.fix.format(stack=state.name, layer=layer, owner=f"{target.owner_kind}/{target.owner_name}"),
        )


def _wanted(document: Mapping[str, Any], existing: Mapping[str, object], asked: Asked) -> tuple[str, ...]:
    # What is only read is never destroyed.
    read = existing if asked.purpose is Purpose.APPLY else {}
    there = [name for name in LAYERS if name in document["layers"] or name in read]
    if asked.layers is None:
        return tuple(there)
    missing = [name for name in asked.layers if name not in there]
    if missing:
        raise RejectedError(f"There is no layer {missing[0]} here", fix=f"Layers of this owner: {', '.join(there)}")
    return tuple(name for name in there if name in asked.layers)


def _check_unlocks(unlocks: Iterable[str], layers: Sequence[LayerPlan]) -> None:
    """An unlock that unlocks nothing is a mistake: whoever wrote it meant another resource."""
    losing = {
        f"{layer.layer}/{change.logical_id}"
        for layer in layers
        for change in layer.changes
        if change.action in (Action.REPLACE, Action.MAYBE_REPLACE, Action.REMOVE)
    }
    for unlock in unlocks:
        if unlock not in losing:
            known = ", ".join(sorted(losing)) or "nothing"
            raise RejectedError(f"{unlock} is neither replaced nor removed by this plan", fix=f"It touches: {known}")
