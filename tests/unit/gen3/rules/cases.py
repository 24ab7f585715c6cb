"""What the tests of rules share: manifests made by a subchart, small pods, and values of types that nobody foresaw."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from csoc.fleet.charts import RenderedObject, Rendering
from csoc.fleet.values import EffectiveValues, Layer, MissingFile
from csoc.gen3.rules.model import Hit
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_state

ODD: tuple[Any, ...] = ("text", [1, None, {"a": [None]}], 7, 1.5, True, None, {}, {"a": {"b": 1}}, "")


def hostile(base: str, *paths: str) -> Iterator[str]:
    """The base values with every step of every path replaced by something of another type, one at a time."""
    for path in paths:
        steps = path.split(".")
        for length in range(1, len(steps) + 1):
            for odd in ODD:
                data = yaml.safe_load(base) or {}
                _put(data, steps[:length], copy.deepcopy(odd))
                yield yaml.safe_dump(data)


def _put(data: dict[str, Any], steps: Sequence[str], value: object) -> None:
    for step in steps[:-1]:
        if not isinstance(data.get(step), dict):
            data[step] = {}
        data = data[step]
    data[steps[-1]] = value


def hostile_objects(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The manifest with every part of it replaced by something of another type, one at a time."""
    for path in _paths(body):
        for odd in ODD:
            changed = copy.deepcopy(dict(body))
            place: Any = changed
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = copy.deepcopy(odd)
            changed["kind"] = body["kind"]
            yield changed


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    for step, value in steps:
        yield (*path, step)
        yield from _paths(value, (*path, step))


def rendered_by(
    services: Mapping[str, Sequence[Mapping[str, Any]]], values: str = "", **facts: Any
) -> EnvironmentState:
    """A state whose manifests come from the templates of these subcharts."""
    state = environment_state(values, objects=[], **facts)
    objects = [
        RenderedObject(f"gen3/charts/{service}/templates/made.yaml", body)
        for service, bodies in services.items()
        for body in bodies
    ]
    return replace(state, rendering=Rendering(objects=objects, values=state.values.data))


def incomplete(state: EnvironmentState) -> EnvironmentState:
    """The same, with a value file that the Application names and that does not exist."""
    gone = MissingFile("gone.yaml", "gone.yaml", None, tolerated=False)
    return replace(state, values=EffectiveValues(state.values.layers, (gone,), state.values.data))


def layered(*layers: Layer) -> EnvironmentState:
    """A state with several value files."""
    return replace(environment_state(), values=EffectiveValues.merge(layers))


def workload(
    name: str,
    *,
    kind: str = "Deployment",
    labels: Mapping[str, str] | None = None,
    replicas: int | None = None,
    annotations: Mapping[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
    **container: Any,
) -> dict[str, Any]:
    """Something that makes pods with one container. spec: more of the pods."""
    box = {"name": "main", "image": "quay.io/cdis/one:1.0", **container}
    template = {"metadata": {"labels": dict(labels or {"app": name})}, "spec": {"containers": [box], **(spec or {})}}
    outer: dict[str, Any] = {"template": template}
    if replicas is not None:
        outer["replicas"] = replicas
    if kind == "CronJob":
        outer = {"jobTemplate": {"spec": outer}}
    metadata: dict[str, Any] = {"name": name}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": outer}


def made(kind: str, name: str, **parts: Any) -> dict[str, Any]:
    """A manifest of another kind; parts stand at its top."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **parts}


def line(hit: Hit, number: int = 0) -> int | None:
    """The line of a piece of evidence."""
    place = hit.evidence[number].location
    return place.line if place else None
