"""Two environments side by side: what their files say, what the chart makes of it, and what is deployed.

Two environments of one commons always differ in their own names, so a difference that vanishes once each side's
hostname, namespace, release, account and the like are taken out is folded: counted, and shown only when asked for.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.fleet.location import Location
from csoc.fleet.manifests import identity, mask_objects, normalise
from csoc.fleet.masking import masked
from csoc.fleet.values import EffectiveValues, Path, look_up, walk
from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.rules.model import EnvironmentState
from csoc.gen3.views import EnvironmentView

_ABSENT = object()
_SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that differs. left and right are masked, "not set" where absent. folded: only own names differ."""

    path: str
    left: str
    right: str
    left_at: Location | None = None
    right_at: Location | None = None
    folded: bool = False


@dataclass(frozen=True, slots=True)
class ObjectDifference:
    """One Kubernetes object that differs: "kind name"; state: "left only", "right only" or "differs", with a unified
    diff of its masked YAML-like text."""

    name: str
    state: str
    diff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """written: what the files say. effective: chart defaults included. objects: None if not both rendered, and then
    `unrendered` says why."""

    left: str
    right: str
    written: tuple[Difference, ...]
    effective: tuple[Difference, ...]
    objects: tuple[ObjectDifference, ...] | None
    unrendered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """One environment to compare. twin: the objects of a second rendering, to tell what is made anew each time."""

    state: EnvironmentState
    facts: EnvironmentFacts
    twin: EnvironmentState | None = None
    own_names: tuple[str, ...] = field(default_factory=tuple)


def compare(left: Side, right: Side) -> Comparison:
    """Both sides; see the module."""
    folding = (own_names(left), own_names(right))
    objects, reasons = _objects(left, right, folding)
    return Comparison(
        left.state.view.name,
        right.state.view.name,
        tuple(
            _differences(
                left.state.values.data, right.state.values.data, left.state.values, right.state.values, folding
            )
        ),
        tuple(_differences(left.state.merged, right.state.merged, left.state.values, right.state.values, folding)),
        objects,
        reasons,
    )


Folding = tuple[Sequence[str], Sequence[str]]


def own_names(side: Side) -> list[str]:
    """What an environment is called in all places, longest first, so that parts do not hide wholes."""
    view: EnvironmentView = side.state.view
    names = {view.namespace, view.release, view.name, view.application.name}
    names |= {fact.value for fact in (view.hostname, view.cluster) if fact.known}
    environment = side.state.get("global.environment")
    names |= {environment} if isinstance(environment, str) else set()
    for claim in side.facts.claims:
        if claim.kind in ("hostname", "role", "certificate", "queue", "search endpoint", "web acl", "secret", "bucket"):
            names.add(claim.identity)
        scope = claim.scope.split("/")[0]
        if scope.isdigit():
            names.add(scope)
    return sorted((name for name in names if len(name) >= _SHORTEST_NAME), key=len, reverse=True)


def _without(text: str, names: Sequence[str]) -> str:
    for name in names:
        text = text.replace(name, "\0")
    return text


def _differences(
    left: Mapping[str, Any],
    right: Mapping[str, Any],
    left_values: EffectiveValues,
    right_values: EffectiveValues,
    folding: Folding,
) -> list[Difference]:
    paths: dict[Path, None] = dict.fromkeys(path for path, _ in walk(left))
    paths |= dict.fromkeys(path for path, _ in walk(right))
    found = []
    for path in sorted(paths, key=lambda steps: [str(step) for step in steps]):
        one, other = look_up(left, path, _ABSENT), look_up(right, path, _ABSENT)
        if one is other or one == other:
            continue
        if all(isinstance(side, (Mapping, list)) and side for side in (one, other)):
            continue  # their leaves are compared themselves
        folded = (
            isinstance(one, str) and isinstance(other, str) and _without(one, folding[0]) == _without(other, folding[1])
        )
        found.append(
            Difference(
                ".".join(str(step) for step in path),
                _shown(path, one),
                _shown(path, other),
                left_values.origin(path) if left_values.has(path) else None,
                right_values.origin(path) if right_values.has(path) else None,
                folded,
            )
        )
    return found


def _shown(path: Path, value: Any) -> str:
    return "not set" if value is _ABSENT else masked(path, value)


def value_differences(left: EffectiveValues, right: EffectiveValues) -> list[Difference]:
    """What two sets of written values say differently; nothing is folded."""
    return _differences(left.data, right.data, left, right, ((), ()))


def changed_objects(
    before: EnvironmentState, before_twin: EnvironmentState, after: EnvironmentState, after_twin: EnvironmentState
) -> tuple[tuple[ObjectDifference, ...] | None, tuple[str, ...]]:
    """Objects that differ between two states of one environment; None and the reasons if one was not rendered. Each
    state comes rendered twice, so that what a chart makes up anew does not pass for a change."""
    left = Side(before, EnvironmentFacts(before.view.name), before_twin)
    right = Side(after, EnvironmentFacts(after.view.name), after_twin)
    return _objects(left, right, ((), ()))


def _objects(left: Side, right: Side, folding: Folding) -> tuple[tuple[ObjectDifference, ...] | None, tuple[str, ...]]:
    reasons = []
    for side in (left, right):
        rendering = side.state.rendering
        if rendering is None:
            reasons.append(f"{side.state.view.name}: its chart could not be had")
        elif rendering.failure is not None:
            reasons.append(f"{side.state.view.name}: {rendering.failure.message}")
    if reasons:
        return None, tuple(reasons)
    one, other = _texts(left, folding[0]), _texts(right, folding[1])
    found = []
    for name in sorted(one.keys() | other.keys()):
        if name not in one:
            found.append(ObjectDifference(name, "right only"))
        elif name not in other:
            found.append(ObjectDifference(name, "left only"))
        elif one[name] != other[name]:
            diff = difflib.unified_diff(
                one[name], other[name], left.state.view.name, right.state.view.name, lineterm="", n=2
            )
            found.append(ObjectDifference(name, "differs", tuple(diff)))
    return tuple(found), ()


def _texts(side: Side, names: Sequence[str]) -> dict[str, list[str]]:
    """Each object's masked text by kind and name, own names taken out."""
    rendering = side.state.rendering
    twin = side.twin.rendering.objects if side.twin is not None and side.twin.rendering is not None else None
    made: dict[str, list[str]] = {}
    for item in mask_objects(normalise(rendering.objects if rendering else (), twin)):
        _, kind, _, name = identity(item.body)
        key = _without(f"{kind} {name}", names).replace("\0", "<own>")
        text = _without(json.dumps(item.body, indent=1, sort_keys=True, default=str), names).replace("\0", "<own>")
        made[key] = text.splitlines()
    return made
