"""Two environments side by side: what their files say, what the chart makes of it, and what is deployed.

Two environments of one commons always differ in their own names, so a difference that vanishes once each side's
hostname, namespace, release, account and the like are taken out is folded: counted, and shown only when asked for.
Long texts are compared line by line, JSON inside them after being laid out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.fleet.location import Location
from csoc.fleet.manifests import identity, mask_objects, normalise
from csoc.fleet.masking import MASK, mask_text, mask_tree, masked
from csoc.fleet.values import EffectiveValues, Path, look_up, same
from csoc.gen3.facts import EnvironmentFacts, Kind
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, EnvironmentView
from csoc.usecases.lines import is_long, lines_of, text_lines

OWN = "<own>"
HIDDEN = "differs, hidden"
_ABSENT = object()
_ABSENT_TEXT = "not set"
_SHORTEST_NAME = 3
_NAMED = frozenset(  # claims whose identity is a name of the environment's own
    (
        Kind.HOSTNAME,
        Kind.ROLE,
        Kind.CERTIFICATE,
        Kind.QUEUE,
        Kind.SEARCH_ENDPOINT,
        Kind.WEB_ACL,
        Kind.SECRET,
        Kind.BUCKET,
    )
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that differs. left and right are masked, "not set" where absent; right says so where they differ only in
    what is hidden. folded: only own names differ. diff: of long texts and of lists, the lines that differ (masked, own
    names taken out)."""

    path: str
    left: str
    right: str
    left_at: Location | None = None
    right_at: Location | None = None
    folded: bool = False
    diff: tuple[str, ...] = ()


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
    """One environment to compare. twin: the same rendered a second time, to tell what is made anew each time. reason:
    why it was not rendered, where that is known."""

    state: EnvironmentState
    facts: EnvironmentFacts
    twin: EnvironmentState | None = None
    reason: str = ""


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
        if claim.kind in _NAMED:
            names.add(claim.identity)
        scope = claim.scope.split("/")[0]
        if scope.isdigit():
            names.add(scope)
    return sorted((name for name in names if len(name) >= _SHORTEST_NAME), key=len, reverse=True)


def _without(text: str, names: Sequence[str]) -> str:
    for name in names:
        text = text.replace(name, "\0")  # which no value holds, so that a name within OWN cannot be found again
    return text.replace("\0", OWN)


def _differences(
    left: Mapping[str, Any],
    right: Mapping[str, Any],
    left_values: EffectiveValues,
    right_values: EffectiveValues,
    folding: Folding,
) -> list[Difference]:
    paths: dict[Path, None] = dict.fromkeys(_leaves(left))
    paths |= dict.fromkeys(_leaves(right))
    # Whole trees are masked, since a value may be secret only by what stands beside it or above.
    hidden = (mask_tree(left), mask_tree(right))
    found = []
    for path in sorted(paths, key=_sorting):
        one, other = look_up(left, path, _ABSENT), look_up(right, path, _ABSENT)
        if same(one, other):
            continue
        if all(isinstance(side, (Mapping, list)) and side and not _is_plain_list(side) for side in (one, other)):
            continue  # their leaves are compared themselves
        sides = (look_up(hidden[0], path, _ABSENT), look_up(hidden[1], path, _ABSENT))
        diff = _line_diff(*sides, folding)
        found.append(
            Difference(
                ".".join(str(step) for step in path),
                *_both_shown(*sides, diff),
                left_values.origin(path) if left_values.has(path) else None,
                right_values.origin(path) if right_values.has(path) else None,
                _is_folded(one, other, folding),
                diff,
            )
        )
    return _without_parts(found, paths)


def _sorting(path: Path) -> list[tuple[int, int, str]]:
    return [(0, step, "") if isinstance(step, int) else (1, 0, step) for step in path]


def _leaves(data: Any, path: Path = ()) -> Iterator[Path]:
    """Paths to compare: leaves, where a list of plain values is one, since an item more moves all others."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(data, list) and data and not _is_plain_list(data):
        for index, value in enumerate(data):
            yield from _leaves(value, (*path, index))
    else:
        yield path


def _is_plain_list(data: Any) -> bool:
    return isinstance(data, list) and not any(isinstance(item, (Mapping, list)) for item in data)


def _is_folded(one: Any, other: Any, folding: Folding) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return _without(one, folding[0]) == _without(other, folding[1])
    if _is_plain_list(one) and _is_plain_list(other) and len(one) == len(other):
        return all(same(a, b) or _is_folded(a, b, folding) for a, b in zip(one, other, strict=True))
    return False


def _line_diff(one: Any, other: Any, folding: Folding) -> tuple[str, ...]:
    """The lines that differ between two masked long texts or two lists; () for anything else."""
    sides = (one, other)
    if all(_is_plain_list(side) for side in sides) and any(sides):
        texts = [[str(item) for item in side] for side in sides]
    elif all(isinstance(side, str) for side in sides) and any(map(is_long, sides)):
        texts = [text_lines(side) for side in sides]
    else:
        return ()
    texts = [[_without(line, names) for line in text] for text, names in zip(texts, folding, strict=True)]
    return tuple(list(difflib.unified_diff(texts[0], texts[1], lineterm="", n=1))[2:])


def _without_parts(found: Sequence[Difference], paths: Mapping[Path, None]) -> list[Difference]:
    """A list on one side and something else on the other is told once, not item by item as well."""
    told = {item.path for item in found}
    parts = {
        ".".join(map(str, path))
        for path in paths
        if any(".".join(map(str, path[:length])) in told for length in range(1, len(path)))
    }
    return [item for item in found if item.path not in parts]


def _both_shown(one: Any, other: Any, diff: Sequence[str]) -> tuple[str, str]:
    """Two masked values that differ, for readers."""
    left, right = (_ABSENT_TEXT if side is _ABSENT else masked((), side) for side in (one, other))
    if left == right and MASK in left and not diff:
        right = f"{right} ({HIDDEN})"
    return left, right


def value_differences(left: EffectiveValues, right: EffectiveValues) -> list[Difference]:
    """What two sets of written values say differently; nothing is folded."""
    return _differences(left.data, right.data, left, right, ((), ()))


def changed_objects(
    before: tuple[EnvironmentState, EnvironmentState],
    after: tuple[EnvironmentState, EnvironmentState],
    reasons: tuple[str, str] = ("", ""),
) -> tuple[tuple[ObjectDifference, ...] | None, tuple[str, ...]]:
    """Objects that differ between two states of one environment; None and the reasons if one was not rendered. Each
    state comes rendered twice, so that what a chart makes up anew does not pass for a change. reasons: why a side was
    not rendered."""
    left, right = (
        Side(state, EnvironmentFacts(state.view.name), twin, reason)
        for (state, twin), reason in zip((before, after), reasons, strict=True)
    )
    return _objects(left, right, ((), ()))


def _objects(left: Side, right: Side, folding: Folding) -> tuple[tuple[ObjectDifference, ...] | None, tuple[str, ...]]:
    reasons = tuple(dict.fromkeys(reason for side in (left, right) if (reason := _not_rendered(side))))
    if reasons:
        return None, reasons
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


def _not_rendered(side: Side) -> str:
    """Why a side has no manifests; "" if it has."""
    name, rendering = side.state.view.name, side.state.rendering
    if side.state.view.system != HELM:
        return f"{name}: it is not deployed by a Helm chart"
    if rendering is None:
        return f"{name}: {side.reason or 'its chart could not be had'}"
    if rendering.failure is not None:
        return f"{name}: it does not render: {rendering.failure.message}"
    return ""


def _texts(side: Side, names: Sequence[str]) -> dict[str, list[str]]:
    """Each object's masked lines by kind and name, own names taken out."""
    rendering = side.state.rendering
    twin = side.twin.rendering.objects if side.twin is not None and side.twin.rendering is not None else None
    made: dict[str, list[str]] = {}
    for item in mask_objects(normalise(rendering.objects if rendering else (), twin)):
        _, kind, namespace, name = identity(item.body)
        key = _without(f"{kind} {name}", names)
        if key in made:
            key = _without(f"{kind} {namespace}/{name}", names)
        while key in made:
            key += " (another)"
        made[key] = [_without(line, names) for line in map(mask_text, lines_of(item.body))]
    return made
