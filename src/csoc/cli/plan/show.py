"""A plan as a person reads it before saying yes: the dangerous first, then layer by layer, then what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from csoc.cli.output import count, say, table
from csoc.cli.runs.session import who
from csoc.provisioning.plans import Cost, LayerPlan, Plan, PlanKind, Purpose
from csoc.provisioning.plans import to_json as stored
from csoc.provisioning.stacks import Action, ResourceChange
from csoc.provisioning.templates import IS_THERE

_SIGNS = {
    Action.ADD: ("+", "green"),
    Action.IMPORT: ("+", "green"),
    Action.MODIFY: ("~", "yellow"),
    Action.MAYBE_REPLACE: ("?", "bold red"),
    Action.REPLACE: ("!", "bold red"),
    Action.REMOVE: ("-", "bold red"),
}
_WORDS = {
    PlanKind.PREVIEW: "preview: what it needs does not exist yet",
    PlanKind.UNCHANGED: "nothing to do",
    PlanKind.EXISTING: "exists already, is only read",
}
_MOST_VALUE = 160
_MOST_LINES = 5
_NOT_KNOWN_BEFORE = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What CloudFormation writes for what a change of the same change set decides."""


def print_plan(plan: Plan, missing: str, *, whole: bool = False, gets_run: bool = False) -> None:
    """whole: every addition and property, not only what is changed, replaced or removed. missing: what approval it
    lacks, in words. gets_run: it has a run that is not over, perhaps though nothing of its layers is to be done."""
    what = "Destroying" if plan.purpose is Purpose.DESTROY else "Plan for"
    say(f"{what} {plan.owner_kind} {plan.owner_name} in {plan.account} ({plan.account_id}, {plan.region})", "bold")
    made = f"made by {who(plan.made_by)} at {plan.made_at:%Y-%m-%d %H:%M} UTC"
    say(f"plan {plan.id}, {made} from commit {plan.commit[:12]}")
    for finding in (one for layer in plan.layers for one in layer.findings):
        style = "bold red" if finding.blocks else "yellow"
        say(f"{'blocked' if finding.blocks else 'note'}: {finding.subject}: {finding.cause}", style)
        if finding.fix:
            say(f"  fix: {finding.fix}")
    if plan.radius:
        say(f"What lives from it: {', '.join(plan.radius)}", "yellow")
    for layer in plan.layers:
        _print_layer(layer, whole=whole)
    _print_cost([layer.cost for layer in plan.layers if layer.cost is not None])
    say()
    if plan.blocking:
        say("It cannot be approved as it is.", "bold red")
    elif plan.is_empty and not gets_run:
        say("There is nothing to do.")
    elif plan.is_empty:
        say("Its layers are as they should be; its run does what is to follow them and did not come to its end yet.")
        say(f"It needs {missing}" if missing else "It is approved.")
    elif missing:
        say(f"It needs {missing}")
    elif gets_run:
        say("It is approved, and has a run that does it.")
    else:
        say(f"It is approved: csoc apply {plan.id}")


def plan_json(plan: Plan, missing: str) -> dict[str, Any]:
    """A plan for programs."""
    return {**_spelled(stored(plan)), "missing": missing, "blocked": bool(plan.blocking), "empty": plan.is_empty}


def _spelled(data: Any) -> Any:
    """The names of fields as all JSON of csoc's commands has them: ownerName. Names of a template's parameters are
    data."""
    if isinstance(data, list | tuple):
        return [_spelled(one) for one in data]
    if not isinstance(data, dict):
        return data
    return {to_camel(name): value if name == "parameters" else _spelled(value) for name, value in data.items()}


def _print_layer(layer: LayerPlan, *, whole: bool) -> None:
    say()
    say(f"{layer.layer}: {_WORDS.get(layer.kind) or _summary(layer.changes)}", "bold")
    if layer.kind is PlanKind.EXISTING:
        say(f"  {layer.note}")
        return
    if "chart" in layer.parameters:
        say(f"  chart {layer.parameters['chart']}")
    if layer.unknown:
        say(f"  not known yet: {', '.join(layer.unknown)}")
    if layer.note:
        say(f"  {layer.note}", "yellow")
    additions = [change for change in layer.changes if change.action in (Action.ADD, Action.IMPORT)]
    where = "cluster" if layer.kind is PlanKind.RENDERED else "account"
    for change in layer.changes:
        if change.action not in (Action.ADD, Action.IMPORT):
            _print_change(change, where)
    if whole:
        for change in additions:
            _print_change(change, where)
    elif additions:
        say(f"  + {_by_type(additions)}", "green")
    later = [one for one in layer.later if not one.endswith(IS_THERE)]
    if later:
        say(f"  later in the run: {', '.join(later)}")
    changed = [one.removesuffix(IS_THERE) for one in layer.later if one.endswith(IS_THERE)]
    if changed:
        say(f"  may change later in the run: {', '.join(changed)}")


def _print_change(change: ResourceChange, where: str) -> None:
    sign, style = _SIGNS[change.action]
    said = f"{change.action} (the old one stays in the {where})" if change.kept else str(change.action)
    if _only_stays(change):
        sign, style, said = "=", "yellow", f"kept in the {where}"
    known = f" {change.physical_id}" if change.physical_id else ""
    say(f"  {sign} {change.logical_id} ({_type(change)}){known}: {said}", style)
    for one in change.properties:
        why = (
            "  <- replaces it" if one.replaces == "always" else "  <- may replace it" if one.replaces == "maybe" else ""
        )
        if any("\n" in side for side in (one.before, one.after) if side is not None):
            say(f"      {one.path}:{why}")
            for sign, side in (("-", one.before), ("+", one.after)):
                for line in (side or "").splitlines():
                    say(f"        {sign} {line}")
        else:
            say(f"      {one.path}: {_value(one.before)} -> {_value(one.after)}{why}")


def _only_stays(change: ResourceChange) -> bool:
    """True if a removal takes nothing away: what csoc has of it goes, and it itself stays."""
    return change.kept and change.action is Action.REMOVE


def _type(change: ResourceChange) -> str:
    """Of an object of a cluster, whose name begins with its kind, no more than the version of that."""
    version, _, kind = change.type.partition(" ")
    return version if kind and change.logical_id.startswith(f"{kind} ") else change.type


def _value(value: str | None) -> str:
    if value is None:
        return "(nothing)"
    if value == _NOT_KNOWN_BEFORE:
        return "(known once it is done)"
    return value if len(value) <= _MOST_VALUE else f"{value[:_MOST_VALUE]}..."


def _summary(changes: Sequence[ResourceChange]) -> str:
    done = [change for change in changes if not _only_stays(change)]
    numbers = {action: sum(change.action is action for change in done) for action in _SIGNS}
    said = [f"{number} to {action}" for action, number in numbers.items() if number]
    if len(done) < len(changes):
        said.append(f"{len(changes) - len(done)} kept")
    return ", ".join(said) or "nothing to do"


def _by_type(changes: Sequence[ResourceChange]) -> str:
    types = sorted({change.type for change in changes})
    parts = [f"{sum(change.type == kind for change in changes)} {kind.removeprefix('AWS::')}" for kind in types]
    return f"{count(len(changes), 'resource')}: {', '.join(parts)}"


def _print_cost(costs: Sequence[Cost]) -> None:
    if not costs:
        return
    say()
    before, after = sum(cost.before for cost in costs), sum(cost.after for cost in costs)
    say(f"Cost a month: {after:,.0f} USD ({after - before:+,.0f}). {costs[0].source}", "bold")
    rows = [
        [line.layer, line.thing, f"{line.usd_per_month:,.2f}" if line.usd_per_month is not None else line.because]
        for cost in costs
        for line in sorted(cost.lines, key=lambda line: -(line.usd_per_month or 0))[:_MOST_LINES]
    ]
    if rows:
        table(["layer", "thing", "USD a month"], rows)
    cut = [f"{_MOST_LINES} largest of {len(cost.lines)} of {cost.lines[0].layer}" for cost in costs
           if len(cost.lines) > _MOST_LINES]  # fmt: skip
    if cut:
        say(f"Listed are the {', the '.join(cut)}; --json has all", "dim")
    unpriced = sorted({name for cost in costs for name in cost.unpriced})
    if unpriced:
        say(f"Without a price here: {', '.join(unpriced)}")
