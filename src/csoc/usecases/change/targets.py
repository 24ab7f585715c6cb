"""In which file, and where in it, a setting of an environment is to be written.

A value that is written somewhere is changed there, unless other environments use that file and this one has a later
file of its own: then it is written there, so that asking for one environment changes one. A value that is new goes
beside its nearest relative, so that settings of one service stay together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.argocd import kustomize
from csoc.fleet.argocd.values.resolution import UNREAD
from csoc.fleet.revisions import check_revision
from csoc.fleet.values import Layer, Path, look_up
from csoc.fleet.yaml import yamledit, yamltext
from csoc.fleet.yaml.yamledit import Edit
from csoc.gen3.views import MANIFEST, EnvironmentView
from csoc.usecases.change.operations import Operation, dotted, parse_key
from csoc.usecases.load import LoadedFleet
from csoc.usecases.values_in_files import Form, Written, full_path, source_path, written

ABSENT = object()
_EDITABLE = (Form.FILE, Form.OBJECT, Form.TEXT)
_IN_APPLICATION = (Form.OBJECT, Form.TEXT, Form.PARAMETER)


@dataclass(frozen=True, slots=True)
class FileEdit:
    """An edit of one file of the fleet's repository, for one environment. inside: the edit is of the YAML in the text
    at this path of the document, not of the document itself."""

    path: str
    edit: Edit
    environment: str
    inside: Path = ()

    def apply(self, content: bytes) -> bytes:
        """The file with the edit. Raises RejectedError."""
        if not self.inside:
            return yamledit.apply(content, [self.edit])
        documents = yamltext.every_document(yamltext.decode(content))
        text = look_up(documents.get(self.edit.document), self.inside)
        if not isinstance(text, str):
            raise RejectedError(f"{dotted(self.inside)} is not text any more", place=self.path)
        edited = yamledit.apply(text.encode(), [Edit(self.edit.path, self.edit.action, self.edit.value)]).decode()
        if text.endswith("\n") and not text.endswith("\n\n"):
            edited = edited.rstrip("\n") + "\n"  # or a literal block could not hold it
        after = yamledit.apply(content, [Edit(self.inside, "set", edited, self.edit.document)])
        if _lines(after) - _lines(content) != _lines(edited.encode()) - _lines(text.encode()):
            raise RejectedError(
                f"The text of {dotted(self.inside)} would have to be written in another way as a whole",
                fix="Write it as a block (values: |), move it to valuesObject, or change it by hand",
            )
        return after

    @property
    def order(self) -> tuple[int, int, tuple[tuple[int, int, str], ...]]:
        """Renames come first, so that a new value finds the new name; removals last and from the end, so that items of
        lists keep their numbers until it is their turn."""
        rank = {"rename": 0, "remove": 2}.get(self.edit.action, 1)
        steps = tuple((0, -step, "") if isinstance(step, int) else (1, 0, step) for step in self.edit.path)
        return rank, 0, steps if rank == 2 else ()


@dataclass(slots=True)
class Targets:
    """Finds targets in one fleet. asked: names of the environments that the change is for."""

    fleet: LoadedFleet
    asked: Collection[str]
    _users: Mapping[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        users: dict[str, set[str]] = defaultdict(set)
        for name, resolved in self.fleet.resolved.items():
            for layer in resolved.values.layers:
                place = layer.locate(())
                if place is not None and place.repository == self.fleet.tree.repository:
                    users[place.path].add(name)
        self._users = users

    def edits(self, view: EnvironmentView, operation: Operation, default: Any = None) -> list[FileEdit]:
        """The edits that an operation needs for one environment. default: what the chart itself sets there.

        Raises RejectedError, naming the place, where that cannot be done safely or is not in this repository.
        """
        if view.disputes:
            dispute = view.disputes[0]
            cause = f"It is not certain which environment this is: {dispute.cause}"
            raise RejectedError(cause, place=str(dispute.places[0]), fix=dispute.fix)
        if view.system == MANIFEST:
            raise self._only_by_hand(view, operation)
        self._check_read(view)
        if operation.action == "chart":
            return [self._chart(view, operation)]
        values = self.fleet.resolved[view.name].values
        steps = full_path(view, operation.path, values)
        layers = list(values.layers)
        if operation.action == "set":
            return self._set(view, layers, steps, operation, default)
        holders = [layer for layer in layers if look_up(layer.data, steps, ABSENT) is not ABSENT]
        if not holders:
            raise RejectedError(
                f"None of its files writes {dotted(steps)}",
                fix="`csoc fleet where` finds keys by a part of their name",
            )
        return [self._edit(view, layer, steps, operation, operation.value) for layer in holders]

    def _only_by_hand(self, view: EnvironmentView, operation: Operation) -> RejectedError:
        """The refusal for the older system, with the line that says now what is to be changed."""
        cause = "It is described by a manifest.json of the older system, which csoc reads and does not change"
        values = self.fleet.resolved[view.name].values
        if operation.action == "chart":
            fix = "It has no chart: its versions stand in this file, one for each service"
        elif operation.path and values.has(operation.path):
            fix = "Change it by hand in this line; `csoc check --base HEAD` then says what that brings up"
        elif operation.action != "set":
            fix = f"Nothing in it says {dotted(operation.path)}: there is nothing to do"
        else:
            fix = (
                f"Nothing in it says {dotted(operation.path)}: add it by hand, as cloud-automation calls it; "
                "`csoc check --base HEAD` then says what that brings up"
            )
        place = values.origin(operation.path) if operation.path and values.has(operation.path) else None
        return RejectedError(cause, place=str(place or view.application.location), fix=fix)

    def _check_read(self, view: EnvironmentView) -> None:
        """Raises RejectedError if a value file of this repository cannot be read: what it says could decide."""
        tree = self.fleet.tree
        for problem in self.fleet.resolved[view.name].problems:
            place = problem.location
            at_hand = (place.repository, place.commit) == (tree.repository, tree.commit)
            if problem.kind == UNREAD and at_hand and place.path != view.application.location.path:
                fix = f"{problem.fix.rstrip('.')}; then set it again" if problem.fix else "Correct the file first"
                raise RejectedError(problem.cause, place=str(place), fix=fix)

    def _set(
        self, view: EnvironmentView, layers: Sequence[Layer], steps: Path, operation: Operation, default: Any
    ) -> list[FileEdit]:
        for number in range(len(layers) - 1, -1, -1):
            present = look_up(layers[number].data, steps, ABSENT)
            if present is not ABSENT:
                value = operation.replacing(present)
                return self._replace(view, layers, number, steps, operation, value)
            self._check_not_blocked(layers[number], steps)
        value = operation.replacing(default)
        new = self._new_place(view, layers, steps)
        return [self._edit(view, new, steps, operation, value)]

    def _replace(
        self,
        view: EnvironmentView,
        layers: Sequence[Layer],
        number: int,
        steps: Path,
        operation: Operation,
        value: Any,
    ) -> list[FileEdit]:
        holder = layers[number]
        at_hand = self._is_home(view, holder)
        shared = at_hand and not self._is_own(view, holder)
        if look_up(holder.data, steps) == value and at_hand and type(look_up(holder.data, steps)) is type(value):
            return [self._edit(view, holder, steps, operation, value)]
        in_list = any(isinstance(step, int) for step in steps)
        if (shared or not at_hand) and not in_list and not isinstance(value, dict):
            later = [layer for layer in layers[number + 1 :] if self._is_own(view, layer)]
            if later:
                return [self._edit(view, _nearest(later, steps), steps, operation, value)]
        return [self._edit(view, holder, steps, operation, value)]

    @staticmethod
    def _check_not_blocked(layer: Layer, steps: Path) -> None:
        """Raises RejectedError if a layer says that nothing stands below a part of the path."""
        for length in range(1, len(steps)):
            found = look_up(layer.data, steps[:length], ABSENT)
            if found is ABSENT or isinstance(found, dict):
                continue
            step = steps[length]
            if isinstance(found, list) and isinstance(step, int) and step < len(found):
                continue
            what = "a list that has no such item" if isinstance(found, list) else "null" if found is None else "a value"
            raise RejectedError(
                f"{dotted(steps[:length])} is {what}, so nothing can stand at {dotted(steps)}",
                place=str(layer.locate(steps[:length]) or layer.label),
                fix=f"Set {dotted(steps[:length])} itself",
            )

    def _new_place(self, view: EnvironmentView, layers: Sequence[Layer], steps: Path) -> Layer:
        files = [layer for layer in layers if self._is_home(view, layer)]
        own = [layer for layer in files if self._is_own(view, layer)]
        own = [layer for layer in own if written(view, layer).form is Form.FILE] or own
        if not files:
            raise RejectedError(
                "It has no value file in this repository that could be changed",
                place=str(view.application.location),
                fix="Add a file to valueFiles of its Application first",
            )
        return _nearest(own or files, steps)

    def _is_home(self, view: EnvironmentView, layer: Layer) -> bool:
        """True for a layer that stands in this repository in a form that can be edited."""
        where = written(view, layer)
        if where.form not in _EDITABLE or where.location is None:
            return False
        tree = self.fleet.tree
        same = (where.location.repository, where.location.commit) == (tree.repository, tree.commit)
        return same and not self._is_generated(view, where)

    def _is_generated(self, view: EnvironmentView, where: Written) -> bool:
        application = view.application
        return where.path == application.location.path and application.generated_by is not None

    def _is_own(self, view: EnvironmentView, layer: Layer) -> bool:
        """True if only environments that the change is for use the layer's file."""
        where = written(view, layer)
        if not self._is_home(view, layer):
            return False
        if where.form in _IN_APPLICATION and where.path == view.application.location.path:
            return True
        return self._users.get(where.path, set()) <= set(self.asked)

    def _edit(self, view: EnvironmentView, layer: Layer, steps: Path, operation: Operation, value: Any) -> FileEdit:
        where = written(view, layer)
        self._check_at_hand(view, where, steps)
        if where.form is Form.PARAMETER:
            return self._parameter(view, where, steps, operation, value)
        if where.form is Form.TEXT:
            return FileEdit(where.path, Edit(steps, operation.action, value, where.document), view.name, where.prefix)
        prefix = where.prefix if where.form is Form.OBJECT else ()
        if prefix[:1] == ("helmCharts",):
            prefix = (*self._helm_chart(view, where)[1], "valuesInline")
        if prefix and not isinstance(look_up(self._data(where.path, where.document), prefix), Mapping):
            raise RejectedError(
                f"{dotted(steps)} stands in a text or list of this file that csoc cannot change",
                place=str(where.location),
                fix="Change it by hand",
            )
        edit = Edit((*prefix, *steps), operation.action, value, where.document)
        return FileEdit(where.path, edit, view.name)

    def _check_at_hand(self, view: EnvironmentView, where: Written, steps: Path) -> None:
        if where.form is Form.ELSEWHERE or where.location is None:
            raise RejectedError(
                f"{dotted(steps)} stands in no file that csoc can change ({where.label})",
                place=str(where.location or view.application.location),
                fix="Change it by hand",
            )
        if where.location.repository != self.fleet.tree.repository:
            raise RejectedError(
                f"{dotted(steps)} is written in another repository, {where.location.repository}",
                place=str(where.location),
                fix="Change it there",
            )
        if where.location.commit != self.fleet.tree.commit:
            raise RejectedError(
                f"{dotted(steps)} is read from another revision of this repository",
                place=str(where.location),
                fix="Name that revision with --revision, and the environment's settings there will be changed",
            )
        if where.path == view.application.location.path:
            self._check_application(view)

    def _check_application(self, view: EnvironmentView) -> None:
        """Raises RejectedError if the Application's own file does not hold it as it is."""
        application = view.application
        if application.generated_by is not None:
            raise RejectedError(
                f"The Application {application.name} is generated, and not written here as it is",
                place=str(application.generated_by),
                fix="Change the template or generator that makes it",
            )
        if application.location.repository != self.fleet.tree.repository:
            raise RejectedError(
                f"The Application {application.name} is written in another repository, "
                f"{application.location.repository}",
                place=str(application.location),
                fix="Change it there",
            )
        files = self.fleet.discovery.library.files(self.fleet.tree)
        path = application.location.path
        for document in files[path].documents if path in files else ():
            if document.index == application.document and look_up(document.data, ("kind",)) == "Application":
                return
        raise RejectedError(
            f"The Application {application.name} stands inside a list or a template",
            place=str(application.location),
            fix="Change it by hand",
        )

    def _parameter(
        self, view: EnvironmentView, where: Written, steps: Path, operation: Operation, value: Any
    ) -> FileEdit:
        listed = look_up(self._data(where.path, where.document), where.prefix, [])
        for number, item in enumerate(listed if isinstance(listed, list) else []):
            if not isinstance(item, dict) or item.get("name") != where.name or parse_key(where.name) != steps:
                continue
            at: Path = (*where.prefix, number)
            if operation.action == "set":
                if isinstance(value, (dict, list)):
                    break
                text = operation.written if value is not None else "null"
                edit = Edit((*at, "value"), "set", text, where.document)
            elif operation.action == "rename":
                edit = Edit((*at, "name"), "set", dotted((*steps[:-1], value)), where.document)
            else:
                edit = Edit(at, "remove", None, where.document)
            return FileEdit(where.path, edit, view.name)
        raise RejectedError(
            f"{dotted(steps)} is set by the parameter {where.name}",
            place=str(where.location),
            fix="Change helm.parameters by hand",
        )

    def _data(self, path: str, document: int) -> Any:
        files = self.fleet.discovery.library.files(self.fleet.tree)
        found = files[path].documents if path in files else ()
        return next((item.data for item in found if item.index == document), None)

    # The chart's revision

    def _chart(self, view: EnvironmentView, operation: Operation) -> FileEdit:
        folder = kustomize.find(self.fleet.tree, view.source.path.strip("/"))
        packed = bool(view.wrapper or view.chart.chart)
        revision = check_revision(str(operation.value), packed=packed)
        if view.wrapper:
            return self._dependency(view, revision)
        if view.chart.chart != view.source.chart and folder is not None:
            where = Written(Form.OBJECT, None, name=view.chart.chart)
            path, steps = self._helm_chart(view, where)
            return FileEdit(path, Edit((*steps, "version"), "set", revision), view.name)
        self._check_application(view)
        edit = Edit((*source_path(view), "targetRevision"), "set", revision, view.application.document)
        return FileEdit(view.application.location.path, edit, view.name)

    def _dependency(self, view: EnvironmentView, version: str) -> FileEdit:
        """A wrapper chart names the Gen3 chart as a dependency; its own revision is that of this repository."""
        folder = view.source.path.strip("/")
        path = f"{folder}/Chart.yaml" if folder else "Chart.yaml"
        lock = path.replace("Chart.yaml", "Chart.lock")
        if lock in self.fleet.tree.entries():
            raise RejectedError(
                "The chart's dependencies are locked, and csoc cannot work out a new Chart.lock",
                place=lock,
                fix=f"Set the version in {path} and run: helm dependency update {folder or '.'}",
            )
        listed = look_up(self._data(path, 0), ("dependencies",), [])
        for number, item in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(item, dict) and view.wrapper in (item.get("alias"), item.get("name")):
                return FileEdit(path, Edit(("dependencies", number, "version"), "set", version), view.name)
        raise RejectedError(f"The chart has no dependency {view.wrapper} in this repository", place=path)

    def _helm_chart(self, view: EnvironmentView, where: Written) -> tuple[str, Path]:
        """The file and path of one of a kustomization's helmCharts."""
        folder = where.path.rpartition("/")[0] if where.path else view.source.path.strip("/")
        path = where.path or kustomize.find(self.fleet.tree, folder) or ""
        listed = look_up(self._data(path, 0), ("helmCharts",), [])
        for number, item in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(item, dict) and item.get("name") == where.name:
                return path, ("helmCharts", number)
        raise RejectedError(
            f"The kustomization names no chart {where.name} itself", place=path, fix="Change the base that names it"
        )


def _lines(content: bytes) -> int:
    return content.count(b"\n")


def _nearest(layers: Sequence[Layer], steps: Path) -> Layer:
    """The layer that holds most of the way to a path, of equal ones the last; else the one that is named after its
    first step or just "values"; else the last."""
    for length in range(len(steps) - 1, 0, -1):
        for layer in reversed(layers):
            if isinstance(look_up(layer.data, steps[:length], ABSENT), Mapping):
                return layer
    for name in (str(steps[0]), "values"):
        for layer in reversed(layers):
            if layer.label.rpartition("/")[2].split(".")[0] == name:
                return layer
    return layers[-1]
