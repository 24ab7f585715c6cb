"""What a client-side apply would make of a live object: the three-way merge of last applied, wanted and live.

Source: gitops-engine pkg/diff/diff.go (threeWayMergePatch), pkg/utils/json/json.go (RemoveMapFields);
k8s.io/apimachinery v0.34 pkg/util/strategicpatch/patch.go (CreateThreeWayMergePatch) and jsonmergepatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.kubernetes.argocd.marks import copied
from csoc.emulator.kubernetes.kinds.schemas import LIST, MAP, Schema

Object = dict[str, Any]


def merged(schema: Schema | None, original: Mapping[str, Any], wanted: Object, live: Object) -> Object:
    """The live object with what is wanted, without what was applied last and is wanted no longer.

    schema: of a built-in kind, whose lists merge by their keys; None for custom resources, where a list that differs is
    replaced as a whole.
    """
    if schema is not None:
        made: Object = _strategic(schema, original, wanted, live)
        return made
    reduced = without_others(original, live)
    found: Object = _json(original, wanted, reduced, live)
    return found


def _strategic(schema: Schema, original: Any, wanted: Any, live: Any) -> Any:
    if isinstance(wanted, Mapping) and isinstance(live, Mapping) and not _replaces(schema, wanted):
        before = original if isinstance(original, Mapping) else {}
        made = {name: copied(live[name]) for name in live if name not in wanted and name not in before}
        for name, value in wanted.items():
            if value is None:
                continue
            if name in live:
                made[name] = _strategic(schema.child(name), before.get(name), value, live[name])
            else:
                made[name] = copied(value)
        return made
    if isinstance(wanted, list) and isinstance(live, list) and schema.kind == LIST and schema.patch_key is not None:
        return _list(schema, original if isinstance(original, list) else [], wanted, live)
    return copied(wanted)


def _replaces(schema: Schema, wanted: Mapping[str, Any]) -> bool:
    """Whether a map is taken as it is: an atomic one."""
    return schema.kind == MAP and schema.atomic and not wanted.get("$retainKeys")


def _list(schema: Schema, original: list[Any], wanted: list[Any], live: list[Any]) -> list[Any]:
    key = schema.patch_key
    element = schema.element

    def name(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, Mapping) else repr(item)

    mine = {name(item): item for item in wanted}
    was = {name(item): item for item in original}
    there = {name(item): item for item in live}
    if key and any(one is None for one in (*mine, *there)):
        return copied(wanted)
    made = []
    for one, item in mine.items():
        if key and element is not None and one in there:
            made.append(_strategic(element, was.get(one), item, there[one]))
        else:
            made.append(copied(item))
    others = [copied(item) for one, item in there.items() if one not in mine and one not in was]
    order = {one: number for number, one in enumerate(there)}
    if not others:
        return made
    # What others added keeps its place among what was there.
    return sorted([*made, *others], key=lambda item: order.get(name(item), len(order)))


def without_others(original: Any, live: Any) -> Any:
    """The live value with only the fields that the original has, also inside lists, whose items pair by position."""
    if isinstance(original, Mapping) and isinstance(live, Mapping):
        return {name: without_others(original[name], value) for name, value in live.items() if name in original}
    if isinstance(original, list) and isinstance(live, list):
        paired = [without_others(mine, theirs) for mine, theirs in zip(original, live, strict=False)]
        return [*paired, *live[len(original) :]]
    return live


def _json(original: Any, wanted: Any, reduced: Any, live: Any) -> Any:
    """As a JSON merge patch from reduced to wanted would change live."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        before = original if isinstance(original, Mapping) else {}
        shown = reduced if isinstance(reduced, Mapping) else {}
        made = {name: copied(live[name]) for name in live if name not in wanted and name not in before}
        for name, value in wanted.items():
            if value is None:
                continue
            if name in live:
                made[name] = _json(before.get(name), value, shown.get(name), live[name])
            else:
                made[name] = copied(value)
        return made
    return copied(live) if wanted == reduced else copied(wanted)
