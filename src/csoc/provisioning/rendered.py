"""The layer gen3 in a plan: which objects of its cluster would be others, and how.

No CloudFormation answers here, so the chart is rendered with what runs now and with what would run, and the two are
compared. Values are compared as they are and shown masked: that a secret changes is shown, what it changes to is not.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from csoc.fleet.charts import RenderedObject
from csoc.fleet.manifests import identity, normalise
from csoc.fleet.masking import mask_tree
from csoc.fleet.values import same
from csoc.provisioning.plans import LayerPlan, PlanKind
from csoc.provisioning.stacks import Action, PropertyChange, ResourceChange

_ABSENT = object()
_HIDDEN = "(hidden)"
_HIDDEN_TOO = "(another one, hidden)"
_MOST_PROPERTIES = 100
_MOST_CHARACTERS = 2_000

Objects = Mapping[str, Mapping[str, Any]]
"""Bodies of objects by their names, "Deployment fence-deployment"; not masked."""


def objects_of(rendered: Sequence[RenderedObject], twin: Sequence[RenderedObject]) -> Objects:
    """What was rendered, by names. twin: of a second rendering of the same, so that what a chart makes up anew each
    time is no change."""
    made: dict[str, Mapping[str, Any]] = {}
    for item in normalise(rendered, twin):
        made[_name(made, item.body)] = item.body
    return made


def changes_between(
    before: Objects, after: Objects, shown_as: Mapping[str, str] | None = None
) -> tuple[ResourceChange, ...]:
    """What is added, changed and removed, in the order of names, masked. shown_as: texts that stand for what is not
    known yet, to the words that a reader gets instead."""
    return tuple(_changes(before, after, shown_as or {}))


def beyond(shown: LayerPlan, now: LayerPlan) -> tuple[ResourceChange, ...]:
    """What would be done now and was not shown. With a Preview, objects may become others than they were shown as,
    since it says that its inputs were not known; none may come or go."""
    told = {(change.logical_id, change.action) for change in shown.changes}
    exact = {change.logical_id: change for change in shown.changes}
    return tuple(
        change
        for change in now.changes
        if (change.logical_id, change.action) not in told
        and not (change.action is Action.MODIFY and (shown.kind is PlanKind.PREVIEW or change.logical_id in exact))
    )


def _name(made: Mapping[str, object], body: Mapping[str, Any]) -> str:
    _, kind, namespace, name = identity(body)
    found = f"{kind} {name}" if f"{kind} {name}" not in made else f"{kind} {namespace}/{name}"
    number = 2
    unique = found
    while unique in made:
        unique, number = f"{found} ({number})", number + 1
    return unique


def _changes(before: Objects, after: Objects, shown_as: Mapping[str, str]) -> Iterator[ResourceChange]:
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        there = other if other is not None else one
        kind = f"{(there or {}).get('apiVersion', '')} {(there or {}).get('kind', '')}"
        if one is None:
            yield ResourceChange(Action.ADD, name, kind)
        elif other is None:
            yield ResourceChange(Action.REMOVE, name, kind)
        elif not same(one, other):
            yield ResourceChange(Action.MODIFY, name, kind, properties=_properties(one, other, shown_as))


def _properties(
    before: Mapping[str, Any], after: Mapping[str, Any], shown_as: Mapping[str, str]
) -> tuple[PropertyChange, ...]:
    found: list[PropertyChange] = []
    # Whole bodies are masked, since a value may be secret only by what stands beside it or above.
    sides = (mask_tree(before), mask_tree(after))
    for path, one, other in _differing(before, after, ()):
        if len(found) == _MOST_PROPERTIES:
            found.append(PropertyChange("...", None, "more differs than is shown here"))
            break
        left, right = (_shown(_at(side, path), shown_as) for side in sides)
        if isinstance(one, str) and isinstance(other, str) and left is not None and right is not None:
            left, right = _lines_that_differ(left, right)
        if left == right:
            left, right = _HIDDEN, _HIDDEN_TOO
        found.append(PropertyChange(_written(path), left, right))
    return tuple(found)


def _differing(one: Any, other: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any, Any]]:
    """Paths at which the two are others, as deep as both have the same shape."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in [*one, *(key for key in other if key not in one)]:
            left, right = one.get(key, _ABSENT), other.get(key, _ABSENT)
            if left is _ABSENT or right is _ABSENT or not same(left, right):
                yield from _differing(left, right, (*path, str(key)))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            if not same(left, right):
                yield from _differing(left, right, (*path, number))
    else:
        yield path, one, other


def _at(side: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        is_item = isinstance(side, list) and isinstance(step, int) and step < len(side)
        if is_item or (isinstance(side, Mapping) and step in side):
            side = side[step]
        else:
            return _ABSENT
    return side


def _shown(value: Any, shown_as: Mapping[str, str]) -> str | None:
    if value is _ABSENT:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    for stand_in, words in shown_as.items():
        text = text.replace(stand_in, words)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."


def _lines_that_differ(one: str, other: str) -> tuple[str, str]:
    """Of long texts only the lines that are others."""
    if "\n" not in one and "\n" not in other:
        return one, other
    lines = list(difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=0))[2:]
    before, after = ("\n".join(line[1:] for line in lines if line.startswith(sign)) for sign in ("-", "+"))
    return before, after


def _written(path: Sequence[str | int]) -> str:
    return "/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path)
