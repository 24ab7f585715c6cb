"""Brings one layer of an approved plan to what the plan shows.

What a Preview could not show comes to light here, once the inputs exist. If CloudFormation then wants more than was
approved, the run makes a plan of exactly that and waits for its approval; nothing is done meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from csoc.errors import NotFoundError, RejectedError
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting, text_argument, unapproved
from csoc.provisioning.applying import Applied, Failed, Held, LayerApplier, NotShown
from csoc.provisioning.explain import NOT_PUT_BACK
from csoc.provisioning.planning import Asked, Planner, target_of
from csoc.provisioning.plans import Plan, PlanKind
from csoc.provisioning.synthesis import Template


def _run(context: Context) -> Result:
    plan_id, layer = text_argument(context, "plan"), text_argument(context, "layer")
    plans = needed(context.services.plans, "plans")
    plan = plans.get(plan_id)
    waiting = unapproved(context, plan_id)
    if waiting is not None:
        return waiting
    shown = plan.layer(layer)
    if shown.kind is PlanKind.EXISTING:
        return Done({"outputs": dict(shown.parameters)})
    place = needed(context.services.places, "accounts").at(
        plan.account, plan.account_id, plan.region, person=context.run.by, task=context.run.id
    )
    template = Template(layer, shown.stack, plans.template(plan_id, layer))
    target = target_of(plan, place.installation, place.execution_role)
    more_id = _more_id(plan_id, layer)
    more = _stored(context, more_id)
    if more is not None:
        waiting = unapproved(context, more_id)
        if waiting is not None:
            return waiting
        shown = more.layer(layer)
    given = {name: _given(context, where) for name, where in _wanted(context).items()}
    applier = LayerApplier(place.stacks, context, context.log)
    token = f"{context.run.id}-{layer}-{context.run.attempt}{'-later' if given else ''}"
    outcome = applier.apply(
        more_id if more else plan_id, shown, template, target, token, plan.unlocks, given, _skipped(context, layer)
    )
    if isinstance(outcome, Applied):
        if not outcome.changed:
            context.log(f"{layer}: nothing to do")
        return Done({"outputs": dict(outcome.outputs), "changed": outcome.changed})
    if isinstance(outcome, Held):
        return _held(outcome)
    if isinstance(outcome, NotShown):
        return _ask_for_more(context, plan, template, outcome)
    raise _failed(outcome, layer, shown.stack, context.run.id)


def _held(outcome: Held) -> Waiting:
    """For a certificate whose domain belongs to whoever can make a record in it."""
    records = "; ".join(map(str, outcome.records))
    many = len(outcome.records) > 1
    each = "; ".join(f"name {one.name}, type {one.type}, value {one.value}" for one in outcome.records)
    return Waiting(
        f"the record{'s' * many} that let{'' if many else 's'} AWS issue the certificate: {records}",
        fix=f"Make {'them' if many else 'it'} where the domain's records are kept: {each}. The run goes on by itself; "
        "after 72 hours AWS gives up",
        seconds=2,
        most_seconds=60,
    )


def _ask_for_more(context: Context, plan: Plan, template: Template, outcome: NotShown) -> Result:
    """Stores a plan of what is wanted now, and waits for its approval."""
    plans = needed(context.services.plans, "plans")
    place = needed(context.services.places, "accounts").at(
        plan.account, plan.account_id, plan.region, person=context.run.by, task=context.run.id
    )
    more_id = _more_id(plan.id, template.layer)
    planner = Planner(place.stacks, _Approved(template), context.clock, lambda: more_id)
    target = target_of(plan, place.installation, place.execution_role)
    document: dict[str, Any] = {"layers": {template.layer: {}}}
    asked = Asked(by=plan.made_by, layers=(template.layer,))
    context.check()
    made, templates = planner.plan(document, target, asked)
    more = replace(made, radius=plan.radius, authors=plan.authors, people=plan.people, second_person=plan.second_person)
    plans.put(more, templates)
    context.log(f"{outcome.because}: plan {more_id} shows them", "warning")
    return Waiting(f"the approval of plan {more_id}, which shows what {plan.id} did not", fix=f"csoc approve {more_id}")


class _Approved:
    """Gives the approved template, whatever the documents say by now."""

    def __init__(self, template: Template) -> None:
        self._template = template

    def synthesize(self, document: object) -> dict[str, Template]:  # noqa: ARG002 - the port's
        return {self._template.layer: self._template}


def _more_id(plan_id: str, layer: str) -> str:
    return f"{plan_id}-{layer}"


def _stored(context: Context, plan_id: str) -> Plan | None:
    try:
        return needed(context.services.plans, "plans").get(plan_id)
    except NotFoundError:
        return None


def _wanted(context: Context) -> dict[str, str]:
    found = context.step.arguments.get("given", {})
    return {str(name): str(where) for name, where in found.items()} if isinstance(found, dict) else {}


def _given(context: Context, where: str) -> str:
    """A result of an earlier step: "follow gen3/address"."""
    step, _, name = where.rpartition("/")
    value = context.results.get(step, {}).get(name)
    if not isinstance(value, str) or not value:
        raise RejectedError(f"The step {step!r} gave no {name}", fix="Resume the run once it has")
    return value


def _skipped(context: Context, layer: str) -> tuple[str, ...]:
    """Resources of the layer that a person named to be left as they are, as "layer/LogicalId"."""
    named = context.run.arguments.get("skip", [])
    found = [str(one).partition("/") for one in named] if isinstance(named, list) else []
    return tuple(resource for of, _, resource in found if of == layer)


def _failed(outcome: Failed, layer: str, stack: str, run: str) -> RejectedError:
    failure = outcome.failure
    if outcome.status == NOT_PUT_BACK:
        name, said = (failure.logical_id, failure.said) if failure else ("RESOURCE", "nothing")
        return RejectedError(
            f"{layer} could not be changed, and what was changed before could not all be put back. The first that "
            f"failed: {name}. AWS says: {said}",
            place=stack,
            fix=f"Mend what is named, then csoc runs resume {run} puts back the rest and goes on. What can never "
            f"be put back is left as it is only if you name it: csoc runs resume {run} --skip {layer}/{name}",
        )
    if failure is None:
        return RejectedError(
            f"{layer} failed, and CloudFormation does not say why ({outcome.status})",
            place=stack,
            fix="Look at the stack's events; then csoc runs resume",
        )
    return RejectedError(
        f"{layer} failed at {failure.logical_id} ({failure.type}): {failure.cause}. AWS says: {failure.said}",
        place=stack,
        fix=f"{failure.fix}{_what_became(outcome)}: csoc runs resume {run}",
    )


def _what_became(outcome: Failed) -> str:
    """Of what was made before the failure."""
    if outcome.left:
        left = "; ".join(f"{name}: {said}" for name, said in sorted(outcome.left.items()))
        first = (
            f". Of that, switch off the protection of {', '.join(outcome.taken)} and delete it in the account first: "
            "the next stack needs the name"
        )
        return (
            f". What was made before could not all be taken back ({left}), and nothing of it was ever used"
            f"{first * bool(outcome.taken)}. Going on deletes the failed stack, says what stays in the account, and "
            "begins anew"
        )
    if outcome.status == "ROLLBACK_COMPLETE":
        return ". What was made before was taken back, so going on begins anew"
    if outcome.status == "UPDATE_ROLLBACK_COMPLETE":
        return ". What was changed before was put back, so nothing is lost. To go on"
    return ". To go on"


STEP = StepKind(
    kind="apply layer",
    run=_run,
    touches="the layer's stack",
    arguments={
        "plan": "id of the plan",
        "layer": "which layer",
        "given": "parameters that earlier steps bring about: name to step/result",
    },
    timeout_seconds=4 * 3600,
)
