"""Value files, inline text and parameters as layers that know where each of their values stands."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from csoc.fleet.argocd.model import HelmOptions, Parameter
from csoc.fleet.argocd.paths import ReadValues, inside, read_values
from csoc.fleet.location import Location
from csoc.fleet.repositories import Tree
from csoc.fleet.values import EffectiveValues, Layer, Path, look_up
from csoc.fleet.yaml import yamltext

ABSENT = object()


def chart_layer(tree: Tree, folder: str, read: ReadValues = read_values) -> Layer | None:
    """The values.yaml of a chart folder as the lowest layer; None if the folder has none. Raises CsocError if it cannot
    be read as values."""
    path = inside(folder, "values.yaml") or ""
    if path not in tree.entries():
        return None
    return file_layer(tree, path, read)


def file_layer(tree: Tree, path: str, read: ReadValues = read_values) -> Layer:
    """A file of a tree as a layer that knows the line of each key. Raises CsocError if it cannot be read as values."""
    document = read(tree, path)

    def locate(steps: Path) -> Location | None:
        if look_up(document.data, steps, ABSENT) is ABSENT:
            return None
        # The place of the whole is asked for every file of a fleet, and finding a position composes the file.
        at = (document.position(steps) if steps else None) or (document.line, 0)
        return Location(tree.repository, tree.commit, path, at[0], at[1])

    def locate_text(steps: Path) -> Location | None:
        line = document.text_line(steps)
        return Location(tree.repository, tree.commit, path, line) if line else None

    return Layer(path, document.data or {}, locate, locate_text)


def text_locator(helm: HelmOptions, place: Location) -> Callable[[Path], Location | None]:
    """Finds a path of the text in `values`: its line in the file where the text is a literal block, else the key's."""
    parsed: list[yamltext.YamlDocument] = []

    def locate(steps: Path) -> Location | None:
        if not helm.inline_text_line:
            return place
        if not parsed:
            parsed.append(yamltext.values_document(helm.inline_text.encode()))
        at = parsed[0].position(steps)
        if at is None:
            return place
        return Location(place.repository, place.commit, place.path, helm.inline_text_line + at[0] - 1)

    return locate


def parameter_layer(
    layers: list[Layer], data: Mapping[str, Any], written: Sequence[Path], parameter: Parameter
) -> Layer:
    """One parameter as a layer that, merged over the layers so far, gives `data`: since lists replace, it carries the
    whole of a list of which the parameter set one item, and asks the layers below where the other items stand."""
    below = len(layers)
    layer: dict[str, Any] = {}
    for path in written:
        names = path[: next((at for at, step in enumerate(path) if isinstance(step, int)), len(path))]
        target = layer
        for name in names[:-1]:
            target = target.setdefault(str(name), {})
        target[str(names[-1])] = copy.deepcopy(look_up(data, names))

    def locate(steps: Path) -> Location | None:
        if look_up(layer, steps, ABSENT) is ABSENT:
            return None
        own = any(path[: len(steps)] == steps or steps[: len(path)] == path for path in written)
        return parameter.location if own else EffectiveValues(layers[:below]).origin(steps)

    return Layer(f"parameter {parameter.name}", layer, locate)


def lists(data: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """The lists directly in a tree of mappings."""
    for value in data.values():
        if isinstance(value, list):
            yield value
        elif isinstance(value, Mapping):
            yield from lists(value)
