"""Services by environments: which version runs where, what lags behind what, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from csoc.errors import NotFoundError
from csoc.fleet.values import Path, as_path
from csoc.gen3 import catalogue
from csoc.gen3.facts import EnvironmentFacts, ServiceFact
from csoc.gen3.images import newer
from csoc.gen3.service_names import nearest_services
from csoc.gen3.views import EnvironmentView
from csoc.usecases.history import Timelines
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports


@dataclass(frozen=True, slots=True)
class Cell:
    """One service in one environment. tag: the effective one; pinned: the environment's own values name it. since: the
    commit date of the present tag, where history says. uncommitted: no commit has the tag, it stands in the work tree.
    behind: the environment of a lower stage of the same commons that runs a newer tag, "" if none."""

    tag: str
    repository: str
    pinned: bool
    since: datetime | None = None
    behind: str = ""
    uncommitted: bool = False


@dataclass(frozen=True, slots=True)
class Matrix:
    """cells: service to environment to cell; services that are off are left out of an environment."""

    environments: tuple[EnvironmentView, ...]
    services: tuple[str, ...]
    cells: Mapping[str, Mapping[str, Cell]]


def matrix(
    ports: Ports,
    fleet: LoadedFleet,
    facts: Mapping[str, EnvironmentFacts],
    *,
    environments: Sequence[EnvironmentView] = (),
    services: Sequence[str] = (),
    history: bool = True,
) -> Matrix:
    """The matrix of these environments (none given: all) and services (none given: those that run somewhere).

    Raises NotFoundError for a service that neither the catalogue nor any environment has, with the nearest names.
    """
    known = {*catalogue.load().services, *(name for item in facts.values() for name in item.services)}
    for service in services:
        if service not in known:
            raise NotFoundError(f"There is no service {service}", fix=nearest_services(service, known))
    views = tuple(environments or fleet.view.environments)
    timelines = Timelines(ports, fleet)
    cells: dict[str, dict[str, Cell]] = {}
    for view in views:
        for fact in facts[view.name].services.values():
            if fact.enabled and (not services or fact.name in services):
                row = cells.setdefault(fact.name, {})
                row[view.name] = _cell(view, fact, views, facts, fleet, timelines if history else None)
    return Matrix(views, tuple(sorted(cells)), cells)


def _cell(
    view: EnvironmentView,
    service: ServiceFact,
    views: Sequence[EnvironmentView],
    facts: Mapping[str, EnvironmentFacts],
    fleet: LoadedFleet,
    timelines: Timelines | None,
) -> Cell:
    since, uncommitted = None, False
    if timelines is not None and service.pinned_here:
        path = _tag_path(fleet, view, service)
        uncommitted = timelines.uncommitted(view, path)
        change = None if uncommitted else timelines.since(view, path)
        since = change.at if change else None
    ahead = _ahead(view, service, views, facts, fleet)
    return Cell(service.tag, service.repository, service.pinned_here, since, ahead, uncommitted)


def _tag_path(fleet: LoadedFleet, view: EnvironmentView, service: ServiceFact) -> Path:
    """Where the environment's values say the tag: the path whose place is the fact's."""
    values = fleet.resolved[view.name].values
    name, _, part = service.name.partition("/")
    known = catalogue.load().get(name)
    images = [image for image in known.images if not part or image.role == part] if known else []
    paths = [as_path(path) for image in images for path in (image.tag_key, image.path)]
    paths += [(name, "image", "tag"), (name, part, "image", "tag"), (name, "image", part)]
    prefix = (view.wrapper,) if view.wrapper else ()
    for path in paths:
        if values.has((*prefix, *path)) and values.origin((*prefix, *path)) == service.location:
            return (*prefix, *path)
    return (*prefix, name, "image", "tag")


def _ahead(
    view: EnvironmentView,
    service: ServiceFact,
    views: Sequence[EnvironmentView],
    facts: Mapping[str, EnvironmentFacts],
    fleet: LoadedFleet,
) -> str:
    stages = list(fleet.view.stages)
    if view.stage.value not in stages:
        return ""
    mine = stages.index(view.stage.value)
    for other in views:
        if other.commons.value != view.commons.value or other.stage.value not in stages[:mine]:
            continue
        theirs = facts[other.name].services.get(service.name)
        if theirs is not None and theirs.enabled and newer(theirs.tag, service.tag):
            return other.name
    return ""
