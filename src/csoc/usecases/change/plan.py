"""What a change would do: to files, to effective values, to manifests, to findings; before anything is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from csoc.errors import CsocError, RejectedError
from csoc.fleet import conflicts
from csoc.fleet.masking import MASK, judged_path, masked
from csoc.fleet.overlay import OverlayTree
from csoc.fleet.values import look_up, same
from csoc.gen3.findings import Finding
from csoc.gen3.views import EnvironmentView
from csoc.usecases.change.images import check_service, image_warnings
from csoc.usecases.change.operations import Operation, check_operations, dotted
from csoc.usecases.change.targets import ABSENT, FileEdit, Targets
from csoc.usecases.checking.against_base import what_changed
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.compare import Difference, ObjectDifference, changed_objects, value_differences
from csoc.usecases.load import LoadedFleet, understand_tree
from csoc.usecases.ports import Ports
from csoc.usecases.states import StateBuilder
from csoc.usecases.values_in_files import full_path

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
        return conflicts.masked_diff(self.before, self.after, (f"a/{self.path}", f"b/{self.path}"), context=3)


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """What happens to one environment. asked: False for those that only share a file. chart: the revision before and
    after, where it changes. objects: None if not rendered, and then `unrendered` says why. renamed: what csoc calls it
    afterwards, where the change gives it another name."""

    environment: str
    asked: bool
    values: tuple[Difference, ...]
    objects: tuple[ObjectDifference, ...] | None
    unrendered: tuple[str, ...] = ()
    chart: tuple[str, str] | None = None
    renamed: str = ""


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """A change, worked out. asked: environments that it is for. unchanged: those in which everything was so already.
    refused: (environment, error) where it cannot be done. findings_new and findings_gone: what the rules say
    afterwards. warnings: what is odd about it, though it can be done."""

    operations: tuple[Operation, ...]
    files: tuple[FileChange, ...]
    environments: tuple[EnvironmentChange, ...]
    unchanged: tuple[str, ...]
    refused: tuple[tuple[str, CsocError], ...]
    findings_new: tuple[Finding, ...]
    findings_gone: tuple[Finding, ...]
    asked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def plan_change(
    ports: Ports,
    fleet: LoadedFleet,
    views: Sequence[EnvironmentView],
    operations: Sequence[Operation],
    *,
    manifests: bool = True,
) -> ChangePlan:
    """Works a change out. One environment in which it cannot be done does not stop the others.

    Raises RejectedError if the operations contradict each other.
    """
    check_operations(operations)
    builder = StateBuilder(ports, fleet)
    attempt = _attempt(ports, fleet, builder, views, operations)
    checker = FleetChecker(ports, rendering=manifests)
    before_outcome = checker.check(fleet)
    after_outcome = checker.check(attempt.after) if attempt.files else before_outcome
    new, gone, uncompared = what_changed(checker, (fleet, before_outcome), (attempt.after, after_outcome))
    asked = {view.name for view in views} - {name for name, _ in attempt.refused}
    paths = {change.path for change in attempt.files}
    changed = _environments(builder, StateBuilder(ports, attempt.after), asked, paths, manifests=manifests)
    touched = {item.environment for item in changed}
    facts = {name: result.facts for name, result in before_outcome.results.items()} if _images(operations) else {}
    return ChangePlan(
        operations=tuple(_judged(builder, views, operation) for operation in operations),
        files=tuple(attempt.files),
        environments=tuple(changed),
        unchanged=tuple(view.name for view in views if view.name in asked - touched),
        refused=tuple(attempt.refused),
        findings_new=new,
        findings_gone=gone,
        asked=tuple(view.name for view in views),
        warnings=(
            *image_warnings(operations, [view for view in views if view.name in asked], facts),
            *(f"{item.environment} is compared by {item.extent}; {item.why}" for item in uncompared),
        ),
    )


def _judged(builder: StateBuilder, views: Sequence[EnvironmentView], operation: Operation) -> Operation:
    """The operation as readers may see it: that {name: DB_PASSWORD, value: ...} is a secret is told by the name."""
    if operation.action != "set" or all(isinstance(step, str) for step in operation.path):
        return operation
    for view in views:
        try:
            data = builder.resolved(view).values.data
        except CsocError:
            continue
        if MASK in masked(judged_path(data, operation.path), operation.value):
            return replace(operation, hidden=True)
    return operation


def _images(operations: Sequence[Operation]) -> bool:
    return any(operation.service for operation in operations)


@dataclass(slots=True)
class _Attempt:
    """Files as they would be, and the fleet that they describe."""

    after: LoadedFleet
    files: list[FileChange] = field(default_factory=list)
    refused: list[tuple[str, CsocError]] = field(default_factory=list)


def _attempt(
    ports: Ports,
    fleet: LoadedFleet,
    builder: StateBuilder,
    views: Sequence[EnvironmentView],
    operations: Sequence[Operation],
) -> _Attempt:
    """Edits the files and reads them again. What did not come to be as it was asked for is refused, and left out."""
    refused: list[tuple[str, CsocError]] = []
    while True:
        out = {name for name, _ in refused}
        wanted = [view for view in views if view.name not in out]
        edits, cannot = _edits(fleet, builder, wanted, operations)
        files, cannot_files = _files(fleet, edits)
        contents = {change.path: change.after for change in files}
        after = understand_tree(ports, fleet.query, OverlayTree(fleet.tree, contents)) if files else fleet
        cannot += cannot_files
        if not cannot:
            cannot = _without_effect(fleet, after, wanted, operations)
        refused += dict(cannot).items()
        # Without the edits of those that cannot be, the others' are worked out anew.
        if not cannot:
            return _Attempt(after, files, refused)


def _edits(
    fleet: LoadedFleet, builder: StateBuilder, views: Sequence[EnvironmentView], operations: Sequence[Operation]
) -> tuple[list[FileEdit], list[tuple[str, CsocError]]]:
    targets = Targets(fleet, {view.name for view in views})
    edits: list[FileEdit] = []
    refused: list[tuple[str, CsocError]] = []
    for view in views:
        try:
            if _images(operations):
                values, defaults = builder.resolved(view).values, builder.chart_defaults(view)
                for operation in operations:
                    check_service(view, operation, values, defaults)
            edits += [
                edit
                for operation in operations
                for edit in targets.edits(view, operation, _default(builder, view, operation))
            ]
        except RejectedError as error:
            refused.append((view.name, error))
    return edits, refused


def _default(builder: StateBuilder, view: EnvironmentView, operation: Operation) -> Any:
    """What the chart itself sets, where it is at hand: its type says what a new value must be."""
    if operation.action != "set" or not isinstance(operation.value, (bool, int, float)):
        return None
    return look_up(builder.chart_defaults(view), full_path(view, operation.path, builder.resolved(view).values))


def _files(fleet: LoadedFleet, edits: Sequence[FileEdit]) -> tuple[list[FileChange], list[tuple[str, CsocError]]]:
    """The edited files. Environments that share a file ask for the same edit, which is done once."""
    by_path: dict[str, dict[str, tuple[FileEdit, list[str]]]] = defaultdict(dict)
    for item in edits:
        _, names = by_path[item.path].setdefault(repr((item.edit, item.inside)), (item, []))
        names.append(item.environment)
    files: list[FileChange] = []
    refused: list[tuple[str, CsocError]] = []
    for path, wanted in sorted(by_path.items()):
        environments = tuple(dict.fromkeys(name for _, names in wanted.values() for name in names))
        try:
            before = after = fleet.tree.read(path)
            for item in sorted((item for item, _ in wanted.values()), key=lambda item: item.order):
                after = item.apply(after)
        except RejectedError as error:
            error.place = f"{path}, {error.place}" if error.place else path
            refused += [(name, error) for name in environments]
            continue
        if after != before:
            files.append(FileChange(path, before, after, environments))
    return files, refused


def _covers(present: Any, wanted: Any) -> bool:
    """True if a value is what was asked for; of a mapping, the parts that were: files below it may add others."""
    if isinstance(wanted, Mapping) and isinstance(present, Mapping):
        return all(key in present and _covers(present[key], value) for key, value in wanted.items())
    return same(present, wanted)


def _without_effect(
    before: LoadedFleet, after: LoadedFleet, views: Sequence[EnvironmentView], operations: Sequence[Operation]
) -> list[tuple[str, CsocError]]:
    """Environments whose values are not what was asked for after all: something else decides them."""
    found: list[tuple[str, CsocError]] = []
    for view in views:
        now = _again(after, view)
        values = after.resolved[now.name].values if now else None
        for operation in operations:
            if values is None or operation.action == "chart":
                continue
            steps = full_path(view, operation.path, before.resolved[view.name].values)
            present = values.get(steps, ABSENT)
            if operation.action == "set":
                right = any(_covers(present, value) for value in (operation.value, operation.written))
            else:  # after an item of a list goes, the next one has its number
                right = present is ABSENT or isinstance(steps[-1], int)
            if not right:
                place = str(values.origin(steps) or view.application.location)
                cause = f"{dotted(steps)} would not become what was asked for: something else decides it"
                found.append((view.name, RejectedError(cause, place=place, fix="Change it by hand")))
                break
    return found


def _again(after: LoadedFleet, view: EnvironmentView) -> EnvironmentView | None:
    """The same environment in another reading, whatever it is called there: a new hostname gives a new name."""
    for other in after.view.environments:
        if other.application.identity == view.application.identity:
            return other
    return None


def _environments(
    before: StateBuilder, after: StateBuilder, asked: Collection[str], changed: Collection[str], *, manifests: bool
) -> list[EnvironmentChange]:
    """Environments whose values or chart differ afterwards, those that only share a file too. changed: paths."""
    found: list[EnvironmentChange] = []
    rendered = 0
    for view in before.fleet.view.environments:
        now = _again(after.fleet, view)
        if now is None:
            reasons: tuple[str, ...] = ("it is not found afterwards",)
            found.append(EnvironmentChange(view.name, view.name in asked, (), None, reasons))
            continue
        values = _value_differences(before, after, view, now, changed)
        chart = (view.chart.revision, now.chart.revision) if view.chart != now.chart else None
        if not values and chart is None:
            continue
        objects: tuple[ObjectDifference, ...] | None = None
        reasons = (f"only the first {MANIFESTS_OF_AT_MOST} environments are rendered for a preview",)
        if not manifests:
            reasons = ()
        elif rendered < MANIFESTS_OF_AT_MOST:
            rendered += 1
            objects, reasons = changed_objects(
                (before.state(view), before.state(view)),
                (after.state(now), after.state(now)),
                (before.why_not(view), after.why_not(now)),
            )
        renamed = now.name if now.name != view.name else ""
        item = EnvironmentChange(view.name, view.name in asked, tuple(values), objects, reasons, chart, renamed)
        found.append(item)
    return found


def _value_differences(
    before: StateBuilder, after: StateBuilder, view: EnvironmentView, now: EnvironmentView, changed: Collection[str]
) -> list[Difference]:
    """What an environment's values say differently; not looked for where no file of it was changed and all is equal."""
    one, other = before.resolved(view).values, after.resolved(now).values
    places = [layer.locate(()) for layer in one.layers]
    if one.data == other.data and not any(place and place.path in changed for place in places):
        return []
    return value_differences(one, other)
