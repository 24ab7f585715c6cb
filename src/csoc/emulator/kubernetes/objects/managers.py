"""Who owns which field: metadata.managedFields, kept as the API server keeps them.

Sources: structured-merge-diff v6, merge/update.go; apimachinery, pkg/util/managedfields/internal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds.schemas import Schema
from csoc.emulator.kubernetes.objects import fieldsets, merging
from csoc.emulator.kubernetes.objects.fieldsets import EMPTY, FieldSet

Object = dict[str, Any]
APPLY, UPDATE = "Apply", "Update"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_UPDATERS = 10
_ANCIENT = "ancient-changes"
_NEVER_OWNED = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                *("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation"),
                *("managedFields", "resourceVersion"),
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One manager. operation: Apply or Update. time: when it last changed what it owns."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    fields: FieldSet
    time: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Entries of the same identity are one; who applies is the same one in all versions."""
        version = "" if self.operation == APPLY else self.api_version
        return self.manager, self.operation, version, self.subresource


Managers = dict[tuple[str, str, str, str], Entry]


def read(written: Sequence[Mapping[str, Any]] | None) -> Managers:
    """The managers of an object. Entries that make no sense are as if there were none at all."""
    found: Managers = {}
    for row in written or ():
        known = (
            row.get("operation") in (APPLY, UPDATE) and row.get("apiVersion") and row.get("fieldsType") == "FieldsV1"
        )
        fields = row.get("fieldsV1", {})
        if not known or not isinstance(fields, Mapping):
            return {}
        entry = Entry(
            str(row.get("manager", "")),
            row["operation"],
            row["apiVersion"],
            row.get("subresource", ""),
            fieldsets.decoded(fields),
            row.get("time", ""),
        )
        found[entry.identity] = entry
    return found


def written(managers: Managers) -> list[dict[str, Any]]:
    """As the object carries them: who applies first, then by time."""
    rows = []
    for entry in sorted(managers.values(), key=lambda one: (one.operation, one.time, one.manager, one.api_version)):
        row: dict[str, Any] = {"manager": entry.manager, "operation": entry.operation, "apiVersion": entry.api_version}
        row |= {"time": entry.time} if entry.time else {}
        row |= {"fieldsType": "FieldsV1", "fieldsV1": fieldsets.encoded(entry.fields)}
        row |= {"subresource": entry.subresource} if entry.subresource else {}
        rows.append(row)
    return rows


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the manager's name, the version of the API, the subresource, and when. ignored: fields that this way
    of writing does not change, whatever is sent (status, for instance)."""

    manager: str
    api_version: str
    subresource: str = ""
    time: str = ""
    ignored: FieldSet = EMPTY


def update(schema: Schema, live: Object, new: Object, writer: Writer) -> Object:
    """The new object with managers that say what the writer changed. live: {} for one that is created."""
    sent = new["metadata"].pop("managedFields", None)
    old = live.get("metadata", {}).get("managedFields")
    if sent is not None and (not sent or sent == [{}]) and not writer.subresource:
        managers: Managers = {}
    else:
        managers = (read(sent) if not writer.subresource else {}) or read(old)
    before = _without_managers(live)
    change = merging.compare(schema, before, new).without(writer.ignored)
    entry = Entry(writer.manager, UPDATE, writer.api_version, writer.subresource, EMPTY, writer.time)
    kept = managers.get(entry.identity)
    managers = _taken(managers, change, entry.identity)
    mine = kept.fields if kept is not None else EMPTY
    mine = ((mine - change.removed) | change.modified | change.added) - _NEVER_OWNED
    mine = merging.without_below(mine, writer.ignored)
    if not mine:
        managers.pop(entry.identity, None)
    else:
        # Who takes no field keeps its time, so that writing the same again changes nothing.
        time = kept.time if kept is not None and not change.modified and not change.added else writer.time
        managers[entry.identity] = replace(entry, fields=mine, time=time)
    return _with(new, _capped(managers))


def apply(schema: Schema, live: Object, applied: Object, writer: Writer, *, force: bool) -> Object:
    """What server-side apply makes of the live object ({} if there is none) and what was applied.

    Raises ApiError: Conflict with a cause for each field that somebody else owns.
    """
    managers = read(live.get("metadata", {}).get("managedFields"))
    before = _without_managers(live)
    entry = Entry(writer.manager, APPLY, writer.api_version, writer.subresource, EMPTY, writer.time)
    if live.get("metadata", {}).get("uid") and not managers and merging.field_set(schema, before) - _NEVER_OWNED:
        first = Entry("before-first-apply", UPDATE, writer.api_version, "", EMPTY, writer.time)
        managers[first.identity] = replace(first, fields=merging.field_set(schema, before) - _NEVER_OWNED)
    last = managers.get(entry.identity)
    merged = merging.merge(schema, before, applied)
    mine = merging.without_below(merging.field_set(schema, applied), writer.ignored)
    managers[entry.identity] = replace(entry, fields=mine)
    owned: FieldSet = frozenset().union(*(one.fields for one in managers.values()))
    if last is not None and last.fields:
        merged = merging.pruned(schema, merged, last.fields, owned)
    change = merging.compare(schema, before, merged).without(writer.ignored)
    conflicts = _conflicts(managers, change, entry.identity)
    if conflicts and not force:
        raise _conflict(conflicts)
    managers = _taken(managers, change, entry.identity)
    mine = mine - _NEVER_OWNED
    if not mine:
        managers.pop(entry.identity, None)
    else:
        # The time is that of the last change to the object, not of the last request.
        time = writer.time if merged != before else (last.time if last is not None else "")
        managers[entry.identity] = replace(entry, fields=mine, time=time)
    return _with(merged, managers)


def _conflicts(
    managers: Managers, change: merging.Change, mine: tuple[str, str, str, str]
) -> list[tuple[Entry, FieldSet]]:
    found = []
    for identity, entry in managers.items():
        fields = entry.fields & (change.modified | change.added)
        if identity != mine and fields:
            found.append((entry, fields))
    return found


def _taken(managers: Managers, change: merging.Change, mine: tuple[str, str, str, str]) -> Managers:
    """The managers after a change by one of them: others lose what it changed and what is gone."""
    found: Managers = {}
    for identity, entry in managers.items():
        if identity == mine:
            found[identity] = entry
            continue
        left = entry.fields - change.modified - change.added - change.removed
        if left:
            found[identity] = entry if left == entry.fields else replace(entry, fields=left)
    return found


def _conflict(conflicts: Iterable[tuple[Entry, FieldSet]]) -> errors.ApiError:
    """Worded as apimachinery, pkg/util/managedfields/internal/conflict.go does."""
    rows = [
        (_shown(entry), fieldsets.shown(path))
        for entry, fields in sorted(conflicts, key=lambda conflict: conflict[0].identity)
        for path in sorted(fields, key=_order)
    ]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path} for who, path in rows
    ]
    word = "conflict" if len(rows) == 1 else "conflicts"
    managers = list(dict.fromkeys(who for who, _ in rows))
    if len(rows) == 1:
        told = f"conflict with {rows[0][0]}: {rows[0][1]}"
    elif len(managers) == 1:
        told = f"conflicts with {managers[0]}:\n" + "\n".join(f"- {path}" for _, path in rows)
    else:
        parts = []
        for manager in managers:
            parts.append(f"conflicts with {manager}:")
            parts += [f"- {path}" for who, path in rows if who == manager]
        told = "\n".join(parts)
    message = f"Apply failed with {len(rows)} {word}: {told}"
    return errors.ApiError(409, "Conflict", message, {"causes": causes})


def _order(path: fieldsets.Path) -> tuple[tuple[int, str], ...]:
    """Fields of a level before what is below other fields of it."""
    return (*((1, element) for element in path[:-1]), (0, path[-1]))


def _shown(entry: Entry) -> str:
    text = f'"{entry.manager}"'
    if entry.subresource:
        text += f' with subresource "{entry.subresource}"'
    if entry.operation == UPDATE:
        # The identity of a manager holds no time, so the real message has none either.
        text += f" using {entry.api_version}"
    return text


def _capped(managers: Managers) -> Managers:
    """At most ten who update; older ones become one entry a version."""
    updaters = sorted(
        (one for one in managers.values() if one.operation == UPDATE), key=lambda one: (one.time, one.manager)
    )
    count = len(updaters)
    first: dict[str, Entry] = {}
    for entry in updaters:
        if count <= _MOST_UPDATERS:
            break
        older = first.get(entry.api_version)
        if older is None:
            first[entry.api_version] = entry
            continue
        bucket = Entry(_ANCIENT, UPDATE, entry.api_version, "", EMPTY, entry.time)
        kept = managers.get(bucket.identity)
        if kept is None:
            managers.pop(older.identity)
            kept = older
        managers.pop(entry.identity)
        managers[bucket.identity] = replace(bucket, fields=kept.fields | entry.fields)
        count -= 1
    return managers


def _without_managers(body: Object) -> Object:
    if "managedFields" not in body.get("metadata", {}):
        return body
    metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    return {**body, "metadata": metadata}


def _with(body: Object, managers: Managers) -> Object:
    metadata = dict(body.get("metadata", {}))
    rows = written(managers)
    if rows:
        metadata["managedFields"] = rows
    return {**body, "metadata": metadata}
