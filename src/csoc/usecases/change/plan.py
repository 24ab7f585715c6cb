"""What a change would do: to files, to effective values, to manifests, to findings; before anything is written."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from csoc.errors import RejectedError
from csoc.fleet import yamledit
from csoc.fleet.masking import mask_text
from csoc.fleet.overlay import OverlayTree
from csoc.gen3.checking import only
from csoc.gen3.findings import Finding
from csoc.gen3.views import EnvironmentView
from csoc.usecases.change.operations import Operation
from csoc.usecases.change.targets import FileEdit, edit_for
from csoc.usecases.check import CheckOutcome, FleetChecker
from csoc.usecases.compare import Difference, ObjectDifference, changed_objects, value_differences
from csoc.usecases.load import LoadedFleet, understand_tree
from csoc.usecases.ports import Ports
from csoc.usecases.states import StateBuilder

MANIFESTS_OF_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file: its content before and after, for which environments it was edited, and a masked unified diff."""

    path: str
    before: bytes
    after: bytes
    environments: tuple[str, ...]

    def diff(self) -> list[str]:
        """Unified, masked where it looks secret."""
        return [
            mask_text(line)
            for line in difflib.unified_diff(
                self.before.decode("utf-8", "replace").splitlines(),
                self.after.decode("utf-8", "replace").splitlines(),
                f"a/{self.path}",
                f"b/{self.path}",
                lineterm="",
            )
        ]


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """What happens to one environment. asked: False for those that only share a file. objects: None if not rendered,
    and then `unrendered` says why."""

    environment: str
    asked: bool
    values: tuple[Difference, ...]
    objects: tuple[ObjectDifference, ...] | None
    unrendered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """A change, worked out. unchanged: environments in which everything was so already. refused: (environment, reason)
    where it cannot be done. findings_new and findings_gone: what the rules say afterwards."""

    operations: tuple[Operation, ...]
    files: tuple[FileChange, ...]
    environments: tuple[EnvironmentChange, ...]
    unchanged: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    findings_new: tuple[Finding, ...]
    findings_gone: tuple[Finding, ...]


def plan_change(
    ports: Ports,
    fleet: LoadedFleet,
    views: Sequence[EnvironmentView],
    operations: Sequence[Operation],
    *,
    manifests: bool = True,
) -> ChangePlan:
    """Works a change out. One environment in which it cannot be done does not stop the others."""
    edits, refused = _edits(fleet, views, operations)
    files, refused_files = _files(fleet, edits)
    refused += refused_files
    contents = {change.path: change.after for change in files}
    after = understand_tree(ports, fleet.query, OverlayTree(fleet.tree, contents)) if files else fleet
    checker = FleetChecker(ports, rendering=manifests)
    before_outcome = checker.check(fleet)
    after_outcome = checker.check(after) if files else before_outcome
    asked = {view.name for view in views} - {name for name, _ in refused}
    changed = _environments(ports, fleet, after, asked, manifests=manifests)
    touched = {item.environment for item in changed}
    return ChangePlan(
        operations=tuple(operations),
        files=tuple(files),
        environments=tuple(changed),
        unchanged=tuple(name for name in sorted(asked) if name not in touched),
        refused=tuple(refused),
        findings_new=_not_in(after_outcome, before_outcome),
        findings_gone=_not_in(before_outcome, after_outcome),
    )


def _edits(
    fleet: LoadedFleet, views: Sequence[EnvironmentView], operations: Sequence[Operation]
) -> tuple[list[FileEdit], list[tuple[str, str]]]:
    edits: list[FileEdit] = []
    refused: list[tuple[str, str]] = []
    for view in views:
        try:
            edits += [edit_for(fleet, view, operation) for operation in operations]
        except RejectedError as error:
            refused.append((view.name, str(error)))
    return edits, refused


def _files(fleet: LoadedFleet, edits: Sequence[FileEdit]) -> tuple[list[FileChange], list[tuple[str, str]]]:
    """The edited files. Environments that share a file ask for the same edit, which is done once."""
    by_path: dict[str, dict[str, tuple[FileEdit, list[str]]]] = defaultdict(dict)
    for item in edits:
        _, names = by_path[item.path].setdefault(repr(item.edit), (item, []))
        names.append(item.environment)
    files: list[FileChange] = []
    refused: list[tuple[str, str]] = []
    for path, wanted in sorted(by_path.items()):
        before = fleet.tree.read(path)
        environments = tuple(dict.fromkeys(name for _, names in wanted.values() for name in names))
        try:
            after = yamledit.apply(before, [item.edit for item, _ in wanted.values()])
        except RejectedError as error:
            refused += [(name, f"{path}: {error}") for name in environments]
            continue
        if after != before:
            files.append(FileChange(path, before, after, environments))
    return files, refused


def _environments(
    ports: Ports, before: LoadedFleet, after: LoadedFleet, asked: set[str], *, manifests: bool
) -> list[EnvironmentChange]:
    """Environments whose values or chart differ afterwards, those that only share a file too."""
    found: list[EnvironmentChange] = []
    old_builder, new_builder = StateBuilder(ports, before), StateBuilder(ports, after)
    rendered = 0
    for view in before.view.environments:
        now = after.view.environment(view.name)
        if now is None:
            found.append(EnvironmentChange(view.name, view.name in asked, (), None, ("it is not found afterwards",)))
            continue
        values = value_differences(before.resolved[view.name].values, after.resolved[view.name].values)
        if not values and view.chart == now.chart:
            continue
        objects: tuple[ObjectDifference, ...] | None = None
        reasons: tuple[str, ...] = ()
        if manifests and rendered < MANIFESTS_OF_AT_MOST:
            rendered += 1
            states = [
                builder.state(item) for builder, item in ((old_builder, view), (new_builder, now)) for _ in range(2)
            ]
            objects, reasons = changed_objects(states[0], states[1], states[2], states[3])
        elif manifests:
            reasons = (f"only the first {MANIFESTS_OF_AT_MOST} environments are rendered for a preview",)
        found.append(EnvironmentChange(view.name, view.name in asked, tuple(values), objects, reasons))
    return found


def _not_in(one: CheckOutcome, other: CheckOutcome) -> tuple[Finding, ...]:
    """Findings of one outcome that the other does not have, each for the environments that differ."""
    known = {item.fingerprint: set(item.environments) for item in other.report.findings}
    found = []
    for item in one.report.findings:
        if item.fingerprint not in known:
            found.append(item)
            continue
        rest = [name for name in item.environments if name not in known[item.fingerprint]]
        if rest:
            found.append(only(item, rest))
    return tuple(found)
