"""In which file, and where in it, a setting of an environment is to be written.

A value that is written somewhere is changed there. One that is not goes beside its nearest relative, so that settings
of one service stay together; and never into a file that csoc cannot edit without touching other bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.argocd.values import ResolvedValues
from csoc.fleet.repositories import Tree
from csoc.fleet.values import Layer, Path, look_up
from csoc.fleet.yamledit import Edit
from csoc.fleet.yamltext import YamlDocument
from csoc.gen3.views import EnvironmentView
from csoc.usecases.change.operations import Operation, dotted
from csoc.usecases.load import LoadedFleet

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class FileEdit:
    """An edit of one file of the fleet's repository, for one environment."""

    path: str
    edit: Edit
    environment: str


def edit_for(fleet: LoadedFleet, view: EnvironmentView, operation: Operation) -> FileEdit:
    """Where an operation is to be done for an environment.

    Raises RejectedError, naming the place, where that cannot be done safely or is not in this repository.
    """
    if operation.action == "chart":
        return _chart_edit(fleet, view, operation)
    resolved = fleet.resolved[view.name]
    steps = _full_path(view, operation.path)
    layer = _layer_of(resolved, steps, operation, view)
    value = operation.value
    if operation.action == "set" and isinstance(look_up(layer.data, steps), str) and not isinstance(value, str):
        value = _as_written(value)
    place = layer.locate(())
    if place is None or layer.label.startswith("parameter "):
        return _parameter_edit(fleet, view, steps, operation)
    if place.repository != fleet.tree.repository:
        raise RejectedError(
            f"{dotted(steps)} is written in another repository, {place.repository}",
            place=str(place),
            fix="Change it there",
        )
    if layer.label.startswith("inline values "):
        prefix = _inline_prefix(fleet, view, place.path)
        edit = Edit((*prefix, *steps), operation.action, value, view.application.document)
        return FileEdit(place.path, edit, view.name)
    return FileEdit(place.path, Edit(steps, operation.action, value), view.name)


def _full_path(view: EnvironmentView, steps: Path) -> Path:
    if not view.wrapper or steps[0] in (view.wrapper, "global"):
        return steps
    return (view.wrapper, *steps)


def _as_written(value: Any) -> str:
    """A value that replaces text stays text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _layer_of(resolved: ResolvedValues, steps: Path, operation: Operation, view: EnvironmentView) -> Layer:
    layers = list(resolved.values.layers)
    for layer in reversed(layers):
        if look_up(layer.data, steps, _ABSENT) is not _ABSENT:
            return layer
    if operation.action != "set":
        raise RejectedError(f"{view.name} does not write {dotted(steps)}", fix="`csoc fleet where` finds keys by name")
    files = [layer for layer in layers if not layer.label.startswith(("parameter ", "inline values "))]
    if not files:
        raise RejectedError(
            f"{view.name} has no value file that could be changed",
            place=str(view.application.location),
            fix="Add a file to valueFiles of its Application first",
        )
    for length in range(len(steps) - 1, 0, -1):
        for layer in reversed(files):
            if isinstance(look_up(layer.data, steps[:length], _ABSENT), dict):
                return layer
    return files[-1]


def _document(fleet: LoadedFleet, view: EnvironmentView) -> YamlDocument:
    """The Application's own document; raises RejectedError if no file holds it as it is."""
    application = view.application
    if application.generated_by is not None or application.location.repository != fleet.tree.repository:
        raise RejectedError(
            f"The Application {application.name} is not written in this repository as it is, but generated",
            place=str(application.generated_by or application.location),
            fix="Change the template or generator that makes it",
        )
    tree: Tree = fleet.tree
    file = fleet.discovery.library.files(tree)[application.location.path]
    for document in file.documents:
        if document.index == application.document and look_up(document.data, ("kind",)) == "Application":
            return document
    raise RejectedError(
        f"The Application {application.name} stands inside a list",
        place=str(application.location),
        fix="Edit it by hand",
    )


def _source_path(view: EnvironmentView) -> Path:
    application = view.application
    if application.multiple:
        return ("spec", "sources", application.sources.index(view.source))
    return ("spec", "source")


def _inline_prefix(fleet: LoadedFleet, view: EnvironmentView, path: str) -> Path:
    document = _document(fleet, view)
    prefix = (*_source_path(view), "helm", "valuesObject")
    if look_up(document.data, prefix, _ABSENT) is _ABSENT:
        raise RejectedError(
            "The value stands in the text of helm.values, which cannot be edited without rewriting it",
            place=path,
            fix="Move it to helm.valuesObject or to a value file, or edit it by hand",
        )
    return prefix


def _parameter_edit(fleet: LoadedFleet, view: EnvironmentView, steps: Path, operation: Operation) -> FileEdit:
    document = _document(fleet, view)
    parameters = (*_source_path(view), "helm", "parameters")
    listed = look_up(document.data, parameters, [])
    for number, item in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(item, dict) and item.get("name") == dotted(steps):
            if operation.action == "set":
                edit = Edit(
                    (*parameters, number, "value"), "set", _as_written(operation.value), view.application.document
                )
            else:
                value = dotted((*steps[:-1], operation.value)) if operation.action == "rename" else None
                where: Path = (*parameters, number, "name") if operation.action == "rename" else (*parameters, number)
                action = "set" if operation.action == "rename" else "remove"
                edit = Edit(where, action, value, view.application.document)
            return FileEdit(view.application.location.path, edit, view.name)
    raise RejectedError(
        f"{dotted(steps)} is set by a parameter of another form",
        place=str(view.application.location),
        fix="Change helm.parameters by hand",
    )


def _chart_edit(fleet: LoadedFleet, view: EnvironmentView, operation: Operation) -> FileEdit:
    _document(fleet, view)
    path = (*_source_path(view), "targetRevision")
    edit = Edit(path, "set", str(operation.value), view.application.document)
    return FileEdit(view.application.location.path, edit, view.name)
