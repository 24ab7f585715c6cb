"""Merging and comparing objects by their types, as server-side apply needs it.

Source: structured-merge-diff v6, typed/merge.go, compare.go, tofieldset.go, remove.go. Values are plain JSON; a value
that is not what its type says is handled by what it is, since validation comes before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds.schemas import ANY, LIST, MAP, UNKNOWN, Schema
from csoc.emulator.kubernetes.objects import fieldsets
from csoc.emulator.kubernetes.objects.fieldsets import EMPTY, FieldSet, Path

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two objects."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    def without(self, ignored: FieldSet) -> Change:
        """Without some fields and everything below them."""
        if not ignored:
            return self
        return Change(*(without_below(part, ignored) for part in (self.added, self.modified, self.removed)))

    @property
    def empty(self) -> bool:
        return not (self.added or self.modified or self.removed)


def without_below(paths: FieldSet, ignored: FieldSet) -> FieldSet:
    """Paths that are neither ignored nor below something ignored."""
    if not ignored:
        return paths
    lengths = {len(path) for path in ignored}
    return frozenset(path for path in paths if not any(path[:length] in ignored for length in lengths))


def field_set(schema: Schema, value: Any) -> FieldSet:
    """The fields that an object sets, as who applies it owns them. Raises ApiError for lists without keys."""
    found: set[Path] = set()
    _fields(schema, value, (), found)
    found.discard(())
    return frozenset(found)


def _fields(schema: Schema, value: Any, path: Path, found: set[Path]) -> None:
    if isinstance(value, dict) and schema.kind in (MAP, ANY):
        if schema.atomic:
            found.add(path)
            return
        for name, part in value.items():
            below = (*path, f"f:{name}")
            _fields(schema.child(name), part, below, found)
            if part is None or part == {} or name not in schema.fields:
                found.add(below)
    elif isinstance(value, list) and schema.associative:
        for element, item in _keyed(schema, value):
            _fields(schema.element or UNKNOWN, item, (*path, element), found)
            found.add((*path, element))
    elif value is not None or schema.kind not in (MAP, LIST) or schema.atomic or _is_atomic_list(schema):
        found.add(path)


def _is_atomic_list(schema: Schema) -> bool:
    return schema.kind == LIST and not schema.associative


def merge(schema: Schema, old: Any, new: Any) -> Any:
    """The old value with what the new one says: maps and lists with keys merge, everything else is replaced. Raises
    ApiError if a list holds the same key twice."""
    if isinstance(new, dict) and schema.kind in (MAP, ANY) and not schema.atomic:
        before = old if isinstance(old, dict) else {}
        made = {name: part for name, part in before.items() if name not in new}
        return made | {name: merge(schema.child(name), before.get(name), part) for name, part in new.items()}
    if isinstance(new, list) and schema.associative:
        return _merged_list(schema, old if isinstance(old, list) else [], new)
    return new


def _merged_list(schema: Schema, old: list[Any], new: list[Any]) -> list[Any]:
    """Items of both sides; those of both in the order of the new side, those of one near where they were."""
    element = schema.element or UNKNOWN
    left, right = _keyed(schema, old), _unique(schema, new)
    before = dict(left)
    shared = [key for key in right if key in before]
    made: list[Any] = []
    merged: set[str] = set()
    keys = list(right)
    at_left = at_right = 0
    while at_left < len(left) or at_right < len(keys):
        if at_left < len(left) and at_right < len(keys):
            key = left[at_left][0]
            if key == keys[at_right]:
                merged.add(key)
                made.append(merge(element, before[key], right[key]))
                at_left, at_right = at_left + 1, at_right + 1
                shared = shared[1:]
                continue
            if key in right and shared and shared[0] != key:
                at_left += 1
                continue
        if at_left < len(left):
            key, item = left[at_left]
            if key not in right:
                made.append(item)
                at_left += 1
                continue
            if key in merged:
                at_left += 1
        if at_right < len(keys):
            key = keys[at_right]
            merged.add(key)
            made.append(merge(element, before[key], right[key]) if key in before else merge(element, None, right[key]))
            at_right += 1
            if shared and shared[0] == key:
                shared = shared[1:]
    return made


def _keyed(schema: Schema, items: Iterable[Any]) -> list[tuple[str, Any]]:
    """Items with their path elements; doubled ones of a live object may be there, each time."""
    return [(key, item) for item in items if (key := fieldsets.item(schema, item)) is not None]


def _unique(schema: Schema, items: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for index, item in enumerate(items):
        key = fieldsets.item(schema, item)
        if key is None:
            told = ", ".join(f'"{name}"' for name in schema.keys)
            why = f"element {index}: associative list with keys has an element that omits key field {told}"
            raise errors.ApiError(500, "InternalError", f"Internal error occurred: {why}")
        if key in found:
            why = f"element {index}: duplicate entries for key {fieldsets.shown((key,))}"
            raise errors.ApiError(500, "InternalError", f"Internal error occurred: {why}")
        found[key] = item
    return found


def compare(schema: Schema, old: Any, new: Any) -> Change:
    """What differs. Containers that are only on one side are part of the answer, as well as what is in them."""
    comparison = _Comparison()
    comparison.walk(schema, old, new, ())
    return Change(frozenset(comparison.added), frozenset(comparison.modified), frozenset(comparison.removed))


class _Comparison:
    def __init__(self) -> None:
        self.added: set[Path] = set()
        self.modified: set[Path] = set()
        self.removed: set[Path] = set()

    def walk(self, schema: Schema, old: Any, new: Any, path: Path) -> None:
        if old is not _ABSENT and new is not _ABSENT and (old is new or (old == new and type(old) is type(new))):
            return
        if self._is_map(schema, old, new):
            self._map(schema, old, new, path)
        elif schema.associative and self._is_list(old, new):
            self._list(schema, old, new, path)
        else:
            self._leaf(old, new, path)
            return
        if path and old is _ABSENT:
            self.added.add(path)
        elif path and new is _ABSENT:
            self.removed.add(path)

    @staticmethod
    def _is_map(schema: Schema, old: Any, new: Any) -> bool:
        if schema.kind not in (MAP, ANY) or schema.atomic:
            return False
        sides = [side for side in (old, new) if side is not _ABSENT and side is not None]
        return bool(sides) and all(isinstance(side, dict) for side in sides) and any(sides)

    @staticmethod
    def _is_list(old: Any, new: Any) -> bool:
        sides = [side for side in (old, new) if side is not _ABSENT and side is not None]
        return bool(sides) and all(isinstance(side, list) for side in sides) and any(sides)

    def _map(self, schema: Schema, old: Any, new: Any, path: Path) -> None:
        left = old if isinstance(old, dict) else {}
        right = new if isinstance(new, dict) else {}
        for name in left.keys() | right.keys():
            below = (*path, f"f:{name}")
            self.walk(schema.child(name), left.get(name, _ABSENT), right.get(name, _ABSENT), below)

    def _list(self, schema: Schema, old: Any, new: Any, path: Path) -> None:
        element = schema.element or UNKNOWN
        left = _grouped(schema, old if isinstance(old, list) else [])
        right = _grouped(schema, new if isinstance(new, list) else [])
        for key in left.keys() | right.keys():
            below = (*path, key)
            before, after = left.get(key, []), right.get(key, [])
            if len(before) <= 1 and len(after) <= 1:
                first, second = (*before, _ABSENT)[0], (*after, _ABSENT)[0]
                self.walk(element, first, second, below)
            elif len(before) >= 2 and len(after) >= 2:
                if before != after:
                    self.modified.add(below)
            elif len(before) >= 2:
                if after:
                    self.walk(element, _ABSENT, after[0], below)
                self.removed.add(below)
            else:
                if before:
                    self.walk(element, before[0], _ABSENT, below)
                self.added.add(below)

    def _leaf(self, old: Any, new: Any, path: Path) -> None:
        if old is _ABSENT:
            self.added.add(path)
        elif new is _ABSENT:
            self.removed.add(path)
        elif old != new or isinstance(old, bool) != isinstance(new, bool):
            self.modified.add(path)


def _grouped(schema: Schema, items: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, item in _keyed(schema, items):
        found.setdefault(key, []).append(item)
    return found


def removed(schema: Schema, value: Any, paths: FieldSet) -> Any:
    """The value without the fields and items at these paths. What is left empty by that is None."""
    return _removed(schema, value, _tree(paths))


def _tree(paths: FieldSet) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = None
    return tree


def _removed(schema: Schema, value: Any, tree: dict[str, Any]) -> Any:
    if isinstance(value, dict) and schema.kind in (MAP, ANY):
        if not value or schema.atomic:
            return None
        made = {}
        for name, part in value.items():
            below = tree.get(f"f:{name}")
            if below is not None and "." in below:
                continue
            made[name] = part if below is None else _removed(schema.child(name), part, below)
        return made or None
    if isinstance(value, list) and schema.kind in (LIST, ANY):
        if not value or not schema.associative:
            return None
        kept = []
        for item in value:
            key = fieldsets.item(schema, item)
            below = tree.get(key) if key is not None else None
            if below is not None and "." in below:
                continue
            kept.append(item if below is None else _removed(schema.element or UNKNOWN, item, below))
        return kept or None
    return value


def pruned(schema: Schema, merged: Any, last: FieldSet, owned: FieldSet) -> Any:
    """A merged object without what its applier set last time, does not set any more, and nobody else owns.

    last: what it owned before. owned: what all managers own, the applier's new fields among them.
    """
    named_last = fieldsets.named(last, schema)
    result = removed(schema, merged, named_last)
    everything = fieldsets.named(field_set(schema, merged), schema)

    def left(value: Any) -> FieldSet:
        return fieldsets.named(field_set(schema, value), schema) if value is not None else EMPTY

    # What others own, or the applier still sets, comes back.
    result = removed(schema, merged, everything - left(result) - fieldsets.named(owned, schema))
    # So does what was swept away with its container although the applier never set it.
    result = removed(schema, merged, (everything - left(result)) & named_last)
    return {} if result is None else result
