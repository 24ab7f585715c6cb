"""Who changed a setting of an environment, and when, by the history of the files that give its values.

Only commits that changed a file are looked at, and only those after which the value is another than before them are
told; a merge tells a value only if none of its sides had it. Values inside an Application (valuesObject, values,
parameters) are followed as those in files are. A file that was renamed starts anew, since Git records no renames;
whoever needs what was before asks for the old environment's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from csoc.errors import CsocError, NotFoundError
from csoc.fleet.location import Location
from csoc.fleet.masking import judged_path, mask_text, masked
from csoc.fleet.repositories import CommitInfo, Tree
from csoc.fleet.values import Path, look_up, same
from csoc.gen3.views import EnvironmentView
from csoc.usecases.change.operations import dotted, parse_key
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.values_in_files import Written, data_in, full_path, written

MOST_COMMITS = 500
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One change of a value. before and after are for readers, masked; "not set" where the file does not write it.
    author is Git's, unproven."""

    commit: str
    author: str
    at: datetime
    subject: str
    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ValueHistory:
    """The changes of one setting, newest first. current: what it is now, masked; location: where. notes: files whose
    history could not be looked at, or that have none."""

    key: str
    current: str
    location: Location | None
    changes: tuple[ValueChange, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Timelines:
    """Reads values at past commits. What was read is kept by content, since neighbours ask for the same files."""

    ports: Ports
    fleet: LoadedFleet
    _data: dict[tuple[str, Written], Mapping[str, Any]] = field(default_factory=dict)
    _history: dict[tuple[str, str], Sequence[tuple[CommitInfo, str | None]]] = field(default_factory=dict)
    _dated: dict[str, bool] = field(default_factory=dict)

    def tree_of(self, place: Location) -> Tree | None:
        """The open tree that a place is in."""
        for tree in self.fleet.discovery.trees.opened():
            if tree.repository == place.repository and tree.commit == place.commit:
                return tree
        return None

    def commits(self, tree: Tree, path: str) -> Sequence[tuple[CommitInfo, str | None]]:
        """Commits that changed a file, newest first, at most 500."""
        key = (tree.commit, path)
        if key not in self._history:
            self._history[key] = self.ports.repositories.history(tree, path, limit=MOST_COMMITS)
        return self._history[key]

    def _value(self, tree: Tree, blob: str | None, where: Written, steps: Path) -> Any:
        """The value in a past content; _ABSENT if it is not there or the content cannot be read."""
        return look_up(self._content(tree, blob, where), steps, _ABSENT)

    def _content(self, tree: Tree, blob: str | None, where: Written) -> Mapping[str, Any]:
        if blob is None:
            return {}
        # The same layer at two commits of a fleet differs in its location only, which past contents do not depend on.
        key = (blob, replace(where, location=None, label=where.path))
        if key not in self._data:
            try:
                self._data[key] = data_in(where, self.ports.repositories.read_blob(tree, blob))
            except CsocError:
                self._data[key] = {}
        return self._data[key]

    def _shown(self, tree: Tree, blob: str | None, where: Written, steps: Path) -> str:
        """The value for readers, judged with what stood beside it then."""
        return _shown(judged_path(self._content(tree, blob, where), steps), self._value(tree, blob, where, steps))

    def changes(self, tree: Tree, where: Written, steps: Path) -> Iterator[ValueChange]:
        """Each commit after which a layer says something else at a path than before, newest first."""
        for info, blob in self.commits(tree, where.path):
            after = self._value(tree, blob, where, steps)
            before = [self._value(tree, older, where, steps) for older in info.before] or [_ABSENT]
            if any(same(after, value) for value in before):
                continue
            yield ValueChange(
                info.commit,
                mask_text(info.author),
                info.at,
                mask_text(info.subject),
                where.path,
                self._shown(tree, next(iter(info.before), None), where, steps),
                self._shown(tree, blob, where, steps),
            )

    def since(self, view: EnvironmentView, steps: Path) -> ValueChange | None:
        """The change that gave an environment's written value its present content, or None where no file writes it or
        the history does not say."""
        tree, where, _ = self._writer(view, steps)
        return next(self.changes(tree, where, steps), None) if tree and where else None

    def uncommitted(self, view: EnvironmentView, steps: Path) -> bool:
        """True if an environment's written value stands in the work tree and in no commit. A folder without a history
        has nothing that could be committed."""
        tree, where, value = self._writer(view, steps)
        if tree is None or where is None:
            return False
        last = next((blob for _, blob in self.commits(tree, where.path)), None)
        if last is None:
            return self._has_history(tree)
        return blob_now(tree, where.path) != last and not same(self._value(tree, last, where, steps), value)

    def _writer(self, view: EnvironmentView, steps: Path) -> tuple[Tree | None, Written | None, Any]:
        """The layer that decides a value, where it stands, and the value."""
        for layer in reversed(self.fleet.resolved[view.name].values.layers):
            value = look_up(layer.data, steps, _ABSENT)
            if value is not _ABSENT:
                where = written(view, layer)
                return (self.tree_of(where.location) if where.location else None), where, value
        return None, None, _ABSENT

    def _has_history(self, tree: Tree) -> bool:
        if tree.commit not in self._dated:
            try:
                self.ports.repositories.merge_base(tree, "HEAD")
                self._dated[tree.commit] = True
            except CsocError:
                self._dated[tree.commit] = False
        return self._dated[tree.commit]


def _shown(steps: Path, value: Any) -> str:
    return "not set" if value is _ABSENT else masked(steps, value)


def value_history(ports: Ports, fleet: LoadedFleet, view: EnvironmentView, key: str) -> ValueHistory:
    """The changes of a setting in every file that gives this environment its values.

    key: dotted path, as `csoc fleet set` takes it. Raises NotFoundError if no file of the environment writes it, now or
    ever, and RejectedError if it is no key.
    """
    values = fleet.resolved[view.name].values
    steps = full_path(view, parse_key(key), values)
    timelines = Timelines(ports, fleet)
    changes: list[ValueChange] = []
    notes: dict[str, None] = {}
    seen: set[Written] = set()
    for layer in values.layers:
        where = written(view, layer)
        tree = timelines.tree_of(where.location) if where.location else None
        known = replace(where, location=None, label=where.path)
        if tree is None or known in seen:
            continue
        seen.add(known)
        commits = timelines.commits(tree, where.path)
        if not commits:
            notes[f"{where.path} has no history here"] = None
        elif len(commits) >= MOST_COMMITS:
            notes[f"{where.path}: only its last {MOST_COMMITS} commits were looked at"] = None
        elif blob_now(tree, where.path) != commits[0][1]:
            notes[f"{where.path} has changes that are not committed"] = None
        changes += timelines.changes(tree, where, steps)
    if not changes and not values.has(steps):
        raise NotFoundError(
            f"No file of {view.name} writes {dotted(steps)}, now or before",
            fix="`csoc fleet where` finds keys by a part of their name",
        )
    changes.sort(key=lambda change: change.at, reverse=True)
    value = values.get(steps, _ABSENT)
    return ValueHistory(
        dotted(steps),
        _shown(judged_path(values.data, steps), value),
        values.origin(steps),
        tuple(changes),
        tuple(notes),
    )


def blob_now(tree: Tree, path: str) -> str | None:
    """The blob of a path in a tree, None if it is not there."""
    entries = tree.entries()
    return entries[path].blob if path in entries else None
