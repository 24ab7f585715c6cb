"""Who changed a setting of an environment, and when, by the history of the files that give its values.

Only commits that changed a file are looked at, and only those after which the value differs are told. A file that was
renamed starts anew, since Git records no renames; whoever needs what was before asks for the old environment's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from csoc.errors import CsocError, NotFoundError
from csoc.fleet import yamltext
from csoc.fleet.location import Location
from csoc.fleet.masking import masked
from csoc.fleet.repositories import CommitInfo, Tree
from csoc.fleet.values import Path, as_path, look_up
from csoc.gen3.views import EnvironmentView
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports

_ABSENT = object()
_COMMITS = 500


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
    """Reads values at past commits. Parsed contents are kept by blob, since neighbours ask for the same files."""

    ports: Ports
    fleet: LoadedFleet
    _parsed: dict[str, Any] = field(default_factory=dict)
    _history: dict[tuple[str, str], Sequence[tuple[CommitInfo, str | None]]] = field(default_factory=dict)

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
            self._history[key] = self.ports.repositories.history(tree, path, limit=_COMMITS)
        return self._history[key]

    def value(self, tree: Tree, blob: str | None, steps: Path, document: int = 0) -> Any:
        """The value at a path in a past content; _ABSENT if it is not there or the content cannot be read as YAML."""
        if blob is None:
            return _ABSENT
        if blob not in self._parsed:
            try:
                parsed = yamltext.parse(self.ports.repositories.read_blob(tree, blob))
                self._parsed[blob] = {item.index: item.data for item in parsed}
            except CsocError:
                self._parsed[blob] = {}
        return look_up(self._parsed[blob].get(document), steps, _ABSENT)

    def changes(self, tree: Tree, path: str, steps: Path) -> Iterator[ValueChange]:
        """Each commit after which a file says something else at a path, newest first."""
        commits = list(self.commits(tree, path))
        for number, (info, blob) in enumerate(commits):
            after = self.value(tree, blob, steps)
            older = commits[number + 1][1] if number + 1 < len(commits) else None
            before = self.value(tree, older, steps)
            if before is after or before == after:
                continue
            yield ValueChange(
                info.commit, info.author, info.at, info.subject, path, _shown(steps, before), _shown(steps, after)
            )

    def since(self, place: Location, steps: Path) -> ValueChange | None:
        """The change that gave a value its present content, or None where the history does not say."""
        tree = self.tree_of(place)
        if tree is None:
            return None
        return next(self.changes(tree, place.path, steps), None)


def _shown(steps: Path, value: Any) -> str:
    return "not set" if value is _ABSENT else masked(steps, value)


def value_history(ports: Ports, fleet: LoadedFleet, view: EnvironmentView, key: str) -> ValueHistory:
    """The changes of a setting in every file that gives this environment its values.

    key: dotted path. Raises NotFoundError if no file of the environment writes it, now or ever.
    """
    steps = as_path(key)
    resolved = fleet.resolved[view.name]
    timelines = Timelines(ports, fleet)
    changes: list[ValueChange] = []
    notes: list[str] = []
    seen: set[tuple[str, str]] = set()
    for layer in resolved.values.layers:
        place = layer.locate(())
        if place is None or (place.repository, place.path) in seen:
            continue
        seen.add((place.repository, place.path))
        tree = timelines.tree_of(place)
        if tree is None:
            continue
        if not timelines.commits(tree, place.path):
            notes.append(f"{place.path} has no history here")
        changes += timelines.changes(tree, place.path, steps)
    if not changes and not resolved.values.has(steps):
        raise NotFoundError(
            f"No file of {view.name} writes {key}, now or before",
            fix="`csoc fleet where` finds keys by a part of their name",
        )
    changes.sort(key=lambda change: change.at, reverse=True)
    value = resolved.values.get(steps, _ABSENT)
    return ValueHistory(key, _shown(steps, value), resolved.values.origin(steps), tuple(changes), tuple(notes))
