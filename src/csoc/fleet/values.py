"""Values as Helm merges them, with the place where each one was written.

An environment's values come from several files, inline values and parameters. Helm's rules: later wins; mappings merge;
lists and scalars replace; null stays in the merged values and removes the chart's default when the chart is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.fleet.location import Location
from csoc.fleet.masking import judged_path, masked

Path = tuple[str | int, ...]
_ABSENT = object()


def as_path(path: str | Path) -> Path:
    """ "a.b" as ("a", "b"); a tuple stays. Keys that hold dots need the tuple."""
    return tuple(path.split(".")) if isinstance(path, str) else path


def look_up(data: Any, path: Path, default: Any = None) -> Any:
    """The value at a path through mappings and lists; default where any step is missing."""
    for step in path:
        in_list = isinstance(data, (list, tuple)) and isinstance(step, int) and 0 <= step < len(data)
        if not in_list and not (isinstance(data, Mapping) and step in data):
            return default
        data = data[step]
    return data


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values: a file, inline values, or one parameter.

    locate: the place of a path inside this layer, or None if the layer does not hold it. label: for readers.
    locate_text: where the first line of the text at a path stands, or None where the text's lines are no lines of the
    file (quoted, folded, or no text).
    """

    label: str
    data: Mapping[str, Any]
    locate: Callable[[Path], Location | None]
    locate_text: Callable[[Path], Location | None] | None = None


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A value file that does not exist: as written, resolved, where it is written; tolerated says that Argo CD was told
    to go on without it."""

    written: str
    resolved: str
    location: Location | None
    tolerated: bool


@dataclass(frozen=True, slots=True)
class EffectiveValues:
    """Merged values (without chart defaults) and where each comes from. Layers are in order, the last one wins."""

    layers: Sequence[Layer] = ()
    missing: Sequence[MissingFile] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def merge(cls, layers: Sequence[Layer], missing: Sequence[MissingFile] = ()) -> EffectiveValues:
        """Merges the layers in order."""
        data: dict[str, Any] = {}
        for layer in layers:
            data = merge_mappings(data, layer.data)
        return cls(tuple(layers), tuple(missing), data)

    def get(self, path: str | Path, default: Any = None) -> Any:
        """The merged value at a path."""
        return look_up(self.data, as_path(path), default)

    def has(self, path: str | Path) -> bool:
        """True if some layer writes the path, null included, and no later layer replaced what holds it."""
        return look_up(self.data, as_path(path), _ABSENT) is not _ABSENT

    def origin(self, path: str | Path) -> Location | None:
        """Where the effective value stands: the last layer that writes the path, or its nearest written ancestor."""
        steps = as_path(path)
        while steps:
            for layer in reversed(self.layers):
                if look_up(layer.data, steps, _ABSENT) is not _ABSENT:
                    return layer.locate(steps)
            steps = steps[:-1]
        return None

    def text_origin(self, path: str | Path, line: int) -> Location | None:
        """Where a line (from 1) of the effective text at a path stands; the place of the path itself where the text's
        lines are no lines of the file."""
        steps = as_path(path)
        for layer in reversed(self.layers):
            if look_up(layer.data, steps, _ABSENT) is not _ABSENT:
                first = layer.locate_text(steps) if layer.locate_text is not None else None
                if first is None:
                    return layer.locate(steps)
                return Location(first.repository, first.commit, first.path, first.line + line - 1)
        return self.origin(steps)

    def describe(self, path: str | Path) -> str:
        """ "path: value" in one short line, masked where it looks secret; "path is not set" where it is not."""
        steps = as_path(path)
        name = ".".join(str(step) for step in steps)
        value = look_up(self.data, steps, _ABSENT)
        if value is _ABSENT:
            return f"{name} is not set"
        return f"{name}: {masked(judged_path(self.data, steps), value)}"

    def walk(self) -> Iterator[tuple[Path, Any]]:
        """Every leaf (scalars, empty mappings and lists), depth first, in written order."""
        yield from walk(self.data)


def walk(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf below data with its path."""
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from walk(value, (*path, key))
    elif isinstance(data, list) and data:
        for index, value in enumerate(data):
            yield from walk(value, (*path, index))
    else:
        yield path, data


def merge_mappings(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Two layers as `helm -f low -f high` merges them: neither argument is changed."""
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = merge_mappings(below, value)
        else:
            merged[key] = value
    return merged


def same(one: Any, other: Any) -> bool:
    """Equal as a chart sees it: true is not 1, and 1 is not 1.0."""
    if one is other:
        return True
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)
