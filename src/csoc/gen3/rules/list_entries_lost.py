"""Helm merges mappings and replaces lists: a later file that means to add an entry loses all earlier ones.

A later list that only leaves entries out, or that keeps the earlier ones, is meant; one that brings new names and has
none of the old ones looks like an addition. Only lists whose entries have names are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.shapes import mappings
from csoc.fleet.values import Layer, Path, look_up
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState

_NAMES = ("name", "index", "idp")
_MAX_DEPTH = 20


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a list that a later layer replaces by one with other entries."""
    seen: dict[Path, tuple[Layer, frozenset[str]]] = {}
    for layer in state.values.layers:
        for path, names in _lists(layer.data):
            earlier = seen.get(path)
            seen[path] = (layer, names)
            if earlier is None or not earlier[1] or not names or earlier[1] & names:
                continue
            if look_up(state.values.data, path) != look_up(layer.data, path):
                continue  # A still later layer replaced both.
            first, lost = earlier
            name = ".".join(map(str, path))
            yield Hit(
                cause=f"{name} is written twice, and the later list drops {', '.join(sorted(lost))}"[:300],
                key=name,
                evidence=(
                    Evidence(f"{name}: {', '.join(sorted(lost))}"[:120], first.locate(path), state.view.name),
                    Evidence(f"{name}: {', '.join(sorted(names))}"[:120], layer.locate(path), state.view.name),
                ),
            )


def _lists(data: Any, path: Path = ()) -> Iterator[tuple[Path, frozenset[str]]]:
    """Lists of named entries below data, with the names."""
    if isinstance(data, Mapping) and len(path) < _MAX_DEPTH:
        for key, value in data.items():
            yield from _lists(value, (*path, key))
    elif isinstance(data, list):
        entries = mappings(data)
        named = [next((entry[key] for key in _NAMES if isinstance(entry.get(key), str)), None) for entry in entries]
        if entries and len(entries) == len(data) and None not in named:
            yield path, frozenset(str(name) for name in named)


RULE = Rule(
    id="list-entries-lost",
    title="A list that replaces another",
    severity=Severity.LOW,
    consequence="The entries of the earlier file are gone, since Helm replaces lists and does not join them.",
    fix="Repeat the earlier entries in the later list if they are still wanted.",
    covers=("M28",),
    environment=check,
)
