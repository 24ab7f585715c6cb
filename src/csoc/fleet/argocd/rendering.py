"""Charts whose templates make Applications: rendered, and each Application traced back to its template.

Fetching and rendering are the ports of `fleet.charts`; here is only what to ask of them, and how to say where in the
template an object that came out stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.paths import inside
from csoc.fleet.argocd.reading import FixedPlace, Manifest
from csoc.fleet.argocd.same_repository import repository_key
from csoc.fleet.argocd.scanning import ARGO_GROUP
from csoc.fleet.charts import ChartArchive, ChartRef, ChartRenderer, ChartSources, Rendering, RenderRequest
from csoc.fleet.location import Location
from csoc.fleet.repositories import Tree

NOT_RENDERED = "chart not rendered"
_KINDS = ("Application", "ApplicationSet", "AppProject")


@dataclass(frozen=True, slots=True)
class Order:
    """One rendering to make. templates: paths in the tree of the templates that are wanted; place: where a Problem
    points to if nothing comes of it."""

    ref: ChartRef
    values: Mapping[str, Any]
    release: str
    namespace: str
    place: Location
    tree: Tree | None = None
    folder: str = ""
    templates: Sequence[str] = ()


class ApplicationCharts:
    """Renders charts of Applications; without ports, each chart is a Problem instead."""

    def __init__(self, sources: ChartSources | None, renderer: ChartRenderer | None) -> None:
        self._sources = sources
        self._renderer = renderer
        self._archives: dict[ChartRef, ChartArchive | CsocError] = {}

    def render(self, order: Order, problems: list[Problem]) -> list[Manifest]:
        """The Applications, ApplicationSets and AppProjects that a chart makes. Appends a Problem where it fails."""
        if self._sources is None or self._renderer is None:
            problems.append(_failed(order, "nothing was given to render it with"))
            return []
        archive = self._archive(order)
        if isinstance(archive, CsocError):
            problems.append(_failed(order, archive.cause, fix=archive.fix))
            return []
        request = RenderRequest(archive, order.values, order.release, order.namespace or "default")
        try:
            rendering = self._renderer.render(request)
        except CsocError as error:
            problems.append(_failed(order, error.cause, fix=error.fix))
            return []
        if rendering.failure is not None:
            failure = rendering.failure
            path = _path_of(order, failure.template) if failure.template else ""
            problems.append(_failed(order, failure.message, path=path, line=failure.line))
            return []
        return self._manifests(order, rendering, problems)

    def _archive(self, order: Order) -> ChartArchive | CsocError:
        assert self._sources is not None  # noqa: S101 - render() checked
        if order.ref not in self._archives:
            local, wanted = {}, order.ref
            if order.tree is not None:
                local = {order.tree.repository: order.tree, repository_key(order.ref.repo_url): order.tree}
                wanted = replace(order.ref, revision=order.tree.commit)  # whatever branch it is called by
            try:
                self._archives[order.ref] = self._sources.fetch(wanted, local=local)
            except CsocError as error:
                self._archives[order.ref] = error
        return self._archives[order.ref]

    def _manifests(self, order: Order, rendering: Rendering, problems: list[Problem]) -> list[Manifest]:
        wanted = set(order.templates)
        found: list[Manifest] = []
        seen: Counter[str] = Counter()
        for item in rendering.objects:
            path = _path_of(order, item.template)
            manifest = Manifest(item.body, FixedPlace(order.place))
            if manifest.group != ARGO_GROUP or manifest.kind not in _KINDS or (wanted and path not in wanted):
                continue
            number = seen[path]
            seen[path] += 1
            found.append(Manifest(item.body, FixedPlace(_place(order, path, item.body, number)), number))
        for template, reason in rendering.unparsed:
            path = _path_of(order, template)
            if not wanted or path in wanted:
                problems.append(_failed(order, f"its output is not YAML: {reason}", path=path))
        return found


def _failed(order: Order, why: str, *, path: str = "", line: int = 0, fix: str = "") -> Problem:
    place = order.place
    if path and order.tree is not None and path in order.tree.entries():
        place = Location(order.tree.repository, order.tree.commit, path, line)
    return Problem(NOT_RENDERED, f"the Applications of chart {order.ref} are not known: {why}", place, fix)


def _path_of(order: Order, template: str) -> str:
    """The path in the tree of a template that Helm names "<chart>/templates/x.yaml"."""
    return inside(order.folder, template.partition("/")[2]) or template


def _place(order: Order, path: str, body: Mapping[str, Any], number: int) -> Location:
    """Where in the template an object comes from: the line with its name, else the one that begins the object of that
    number, else the file. number: from 0, among the objects of this template."""
    if order.tree is None or path not in order.tree.entries():
        return order.place
    try:
        lines = order.tree.read(path).decode("utf-8", "replace").split("\n")
    except CsocError:
        lines = []
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    literal = re.compile(rf"^\s*name:\s*[\"']?{re.escape(str(name))}[\"']?\s*(#.*)?$")
    kind = re.compile(rf"^\s*-?\s*kind:\s*[\"']?{re.escape(str(body.get('kind')))}[\"']?\s*$")
    named = [at for at, line in enumerate(lines, 1) if literal.match(line)]
    begun = [at for at, line in enumerate(lines, 1) if kind.match(line)]
    line = named[0] if named else begun[min(number, len(begun) - 1)] if begun else 0
    return Location(order.tree.repository, order.tree.commit, path, line)
