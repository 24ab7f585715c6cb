"""How a layer of values stands in its file: as the file itself, or somewhere inside an Application or a kustomization.

Changing a value and reading what it was at an earlier commit both need to know this, and neither may guess: what cannot
be told is said to be elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.argocd import kustomize
from csoc.fleet.location import Location
from csoc.fleet.shapes import mapping
from csoc.fleet.values import EffectiveValues, Layer, Path, look_up
from csoc.fleet.yaml import yamltext
from csoc.gen3.adoption import cloud_automation
from csoc.gen3.views import MANIFEST, EnvironmentView
from csoc.usecases.change.operations import parse_key

_OVERRIDES = ".argocd-source"
_APPLICATION = "Application"


class Form(Enum):
    """What a layer is in its file."""

    FILE = "file"  # the whole file
    OBJECT = "object"  # a mapping inside the file (valuesObject, valuesInline)
    TEXT = "text"  # YAML in a text inside the file (helm.values)
    PARAMETER = "parameter"  # one item of a list of names and values
    MANIFEST = "manifest"  # a manifest.json or a file beside it, translated
    ELSEWHERE = "elsewhere"  # in no file that is at hand


@dataclass(frozen=True, slots=True)
class Written:
    """Where a layer stands. prefix: the path to it inside the document; for parameters the path to their list, and
    name is the parameter's. label: the layer's own."""

    form: Form
    location: Location | None
    label: str = ""
    document: int = 0
    prefix: Path = ()
    name: str = ""
    application: str = ""

    @property
    def path(self) -> str:
        return self.location.path if self.location else ""


def written(view: EnvironmentView, layer: Layer) -> Written:
    """How a layer of an environment's values is written."""
    place = layer.locate(())
    if view.system == MANIFEST:
        return Written(Form.MANIFEST, place or Location(*_home(view), layer.label), layer.label)
    name = layer.label.removeprefix("parameter ") if layer.label.startswith("parameter ") else ""
    if name:
        return _parameter(view, layer, place, name)
    if place is None:
        return Written(Form.ELSEWHERE, None, layer.label)
    if place.path == layer.label:
        return Written(Form.FILE, place, layer.label)
    if not layer.label.startswith("inline values of "):
        return Written(Form.ELSEWHERE, place, layer.label)
    return _inline(view, layer, place)


def full_path(view: EnvironmentView, steps: Path, values: EffectiveValues) -> Path:
    """A setting's path in the values of an environment: below the wrapper, where there is one. Globals count at the top
    and below the wrapper, so where they are written decides, and the top wins as it does for Helm."""
    if not view.wrapper or steps[:1] == (view.wrapper,):
        return steps
    below = (view.wrapper, *steps)
    if steps[:1] != ("global",):
        return below
    for length in range(len(steps), 0, -1):
        if values.has(steps[:length]):
            return steps
        if values.has(below[: length + 1]):
            return below
    return steps


def _home(view: EnvironmentView) -> tuple[str, str]:
    return view.application.location.repository, view.application.location.commit


def _helm(view: EnvironmentView, path: str) -> tuple[int, Path] | None:
    """Document and path of the Helm options that a file holds for an environment."""
    application = view.application
    if path.rpartition("/")[2].startswith(_OVERRIDES):
        return 0, ("helm",)
    if path != application.location.path:
        return None
    return application.document, (*source_path(view), "helm")


def source_path(view: EnvironmentView) -> Path:
    """The path of an environment's source inside its Application."""
    application = view.application
    if application.multiple:
        return ("spec", "sources", application.sources.index(view.source))
    return ("spec", "source")


def _parameter(view: EnvironmentView, layer: Layer, place: Location | None, name: str) -> Written:
    found = _helm(view, place.path) if place else None
    if found is None:
        return Written(Form.ELSEWHERE, place, layer.label)
    document, prefix = found
    return Written(
        Form.PARAMETER, place, layer.label, document, (*prefix, "parameters"), name, application=view.application.name
    )


def _inline(view: EnvironmentView, layer: Layer, place: Location) -> Written:
    if place.path.rpartition("/")[2] in kustomize.FILE_NAMES:
        chart = layer.label.removeprefix("inline values of ")
        return Written(Form.OBJECT, place, layer.label, 0, ("helmCharts", "valuesInline"), name=chart)
    found = _helm(view, place.path)
    if found is None:
        return Written(Form.ELSEWHERE, place, layer.label)
    document, prefix = found
    # Where an override file gives the values, the Application's own options say nothing about their form.
    own = view.source.helm if place.path == view.application.location.path else None
    is_text = bool(own and own.inline_text)
    form, key = (Form.TEXT, "values") if is_text else (Form.OBJECT, "valuesObject")
    return Written(form, place, layer.label, document, (*prefix, key), application=view.application.name)


def data_in(where: Written, content: bytes) -> Mapping[str, Any]:
    """What a layer held in another version of its file; {} if it was not there or could not be read."""
    try:
        return _data_in(where, content)
    except CsocError:
        return {}


def _data_in(where: Written, content: bytes) -> Mapping[str, Any]:
    if where.form is Form.FILE:
        return mapping(yamltext.values_document(content).data)
    if where.form is Form.MANIFEST:
        return _manifest(where, content)
    if where.form is Form.ELSEWHERE:
        return {}
    document = _document(where, content)
    if where.prefix[0] == "helmCharts":
        charts = look_up(document, ("helmCharts",), [])
        named = [item for item in charts if look_up(item, ("name",)) == where.name] if isinstance(charts, list) else []
        return mapping(look_up(named[0], ("valuesInline",))) if named else {}
    for helm in _options(where, document):
        found = look_up(helm, where.prefix[-1:])
        if where.form is Form.PARAMETER and isinstance(found, list):
            return _parameters(where, found)
        if where.form is Form.TEXT and isinstance(found, str):
            return mapping(yamltext.values_document(found.encode()).data)
        if where.form is Form.OBJECT and isinstance(found, Mapping):
            return found
    return {}


def _document(where: Written, content: bytes) -> Any:
    documents = yamltext.parse(content)
    for document in documents:
        named = look_up(document.data, ("metadata", "name")) == where.application
        if where.application and named and look_up(document.data, ("kind",)) == _APPLICATION:
            return document.data
    return next((document.data for document in documents if document.index == where.document), None)


def _options(where: Written, document: Any) -> list[Mapping[str, Any]]:
    """The Helm options that are meant, then those of the Application's other sources: it may have had one only."""
    sources = look_up(document, ("spec", "sources"), [])
    paths: list[Path] = [where.prefix[:-1], ("spec", "source", "helm")]
    paths += [("spec", "sources", n, "helm") for n in range(len(sources) if isinstance(sources, list) else 0)]
    found = [look_up(document, path) for path in dict.fromkeys(paths)]
    return [helm for helm in found if isinstance(helm, Mapping)]


def _parameters(where: Written, listed: list[Any]) -> Mapping[str, Any]:
    """The last item of the name, below the steps that the name stands for."""
    for item in reversed(listed):
        if isinstance(item, Mapping) and item.get("name") == where.name and "value" in item:
            return _nested(parse_key(where.name), item["value"])
    return {}


def _manifest(where: Written, content: bytes) -> Mapping[str, Any]:
    name = where.path.rpartition("/")[2]
    if name == "manifest.json":
        documents = yamltext.parse(content)
        data = documents[0].data if documents else None
        if not isinstance(data, Mapping) or not cloud_automation.looks_like_manifest(data):
            return {}
        return cloud_automation.translate(data, lambda _: None, "").data
    for target, sibling in cloud_automation.SIBLINGS:
        if where.path.endswith(sibling):
            text = content.decode("utf-8", "replace")
            return _nested(target, text if sibling.endswith(".json") else _first(content))
    return {}


def _first(content: bytes) -> Any:
    documents = yamltext.parse(content)
    return documents[0].data if documents else {}


def _nested(path: Path, value: Any) -> Mapping[str, Any]:
    data = value
    for step in reversed(path):
        data = {step: data}  # an item of a list too: `look_up` takes the number either way
    return mapping(data)
