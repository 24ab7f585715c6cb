"""What a change takes away: environments, documents, files that could be read, stages.

Rules speak of what is there, so a change that breaks or deletes an environment would leave less to find and pass for
one that mends. What the base had and the fleet has no more is therefore found by comparing the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.reading import UNREADABLE
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.location import Location
from csoc.gen3.checking import compared_finding
from csoc.gen3.findings import Evidence, Finding, Severity
from csoc.gen3.own_rules import DOCUMENT_GONE, ENVIRONMENT_GONE, FILE_UNREADABLE, STAGE_LOWERED
from csoc.gen3.views import EnvironmentView
from csoc.usecases.load import LoadedFleet

_PRODUCTION = "prod"


@dataclass(frozen=True, slots=True)
class TakenAway:
    """See the module. unseen: what the base saw and nobody can see now, for readers."""

    findings: tuple[Finding, ...] = ()
    unseen: tuple[str, ...] = ()


def what_it_takes_away(before: LoadedFleet, now: LoadedFleet, renamed: Mapping[str, str]) -> TakenAway:
    """renamed: names of environments before to their names now, where they differ."""
    present = {view.name for view in now.view.environments}
    gone = [view for view in before.view.environments if renamed.get(view.name, view.name) not in present]
    broken = _broken(before, now)
    found = [
        *_unreadable(before, now, renamed, broken, gone),
        *_gone(before, now, gone, broken),
        *_documents_gone(before, now, gone),
        *_lowered(before, now, renamed),
    ]
    unseen = [f"the environment {view.name}" for view in gone] + [f"the file {path}" for path in broken]
    return TakenAway(tuple(found), tuple(unseen))


def _broken(before: LoadedFleet, now: LoadedFleet) -> dict[str, Problem]:
    """Files of the fleet's own repository that could be read before and cannot be now."""
    entries = before.tree.entries()
    then = {problem.location.path for problem in before.view.problems if problem.kind == UNREADABLE}
    found: dict[str, Problem] = {}
    for problem in now.view.problems:
        place = problem.location
        home = (place.repository, place.commit) == (now.tree.repository, now.tree.commit)
        if problem.kind == UNREADABLE and home and place.path in entries and place.path not in then:
            found.setdefault(place.path, problem)
    return found


def _reads(fleet: LoadedFleet, view: EnvironmentView) -> set[str]:
    """Paths of the fleet's own files that an environment was made of."""
    layers = fleet.resolved[view.name].values.layers
    places = [view.application.location, view.application.generated_by, view.document]
    places += [layer.locate(()) for layer in layers]
    home = fleet.tree.repository, fleet.tree.commit
    return {place.path for place in places if place is not None and (place.repository, place.commit) == home}


def _unreadable(
    before: LoadedFleet,
    now: LoadedFleet,
    renamed: Mapping[str, str],
    broken: Mapping[str, Problem],
    gone: Sequence[EnvironmentView],
) -> Iterator[Finding]:
    users: dict[str, list[EnvironmentView]] = defaultdict(list)
    for view in before.view.environments:
        name = renamed.get(view.name, view.name)
        paths = _reads(before, view) & broken.keys()
        unread = now.resolved[name].unread if name in now.resolved else ()
        if unread and not before.resolved[view.name].unread and not paths:
            paths = set(unread)
        for path in paths:
            users[path].append(view)
    lost = {view.name for view in gone}
    for path in dict.fromkeys((*broken, *users)):
        views = users.get(path, [])
        names = tuple(renamed.get(view.name, view.name) for view in views)
        not_seen = [view.name for view in views if view.name in lost]
        cause = f"{path} could be read in the base and cannot be read"
        if path in broken:
            cause += f": {broken[path].cause}"
        if not_seen:
            cause += f"; {', '.join(not_seen)} cannot be seen without it"
        place = broken[path].location if path in broken else None
        evidence = [Evidence(f"{path} cannot be read", place, name) for name in names or ("",)]
        severity = max((_severity(view) for view in views), default=Severity.MEDIUM)
        yield compared_finding(FILE_UNREADABLE, cause, path, evidence, names, severity)


def _gone(
    before: LoadedFleet, now: LoadedFleet, gone: Sequence[EnvironmentView], broken: Mapping[str, Problem]
) -> Iterator[Finding]:
    entries = now.tree.entries()
    for view in gone:
        if _reads(before, view) & broken.keys():
            continue  # the file that cannot be read says so
        place = view.application.location
        home = place.repository == now.tree.repository
        if home and place.path not in entries:
            why, shown = f"{place.path} was deleted", place
        else:
            why = f"{place.path} holds no Application of it any more"
            shown = Location(now.tree.repository, now.tree.commit, place.path) if home else place
        stage = f" (stage {view.stage.value})" if view.stage.known else ""
        yield compared_finding(
            ENVIRONMENT_GONE,
            f"The environment {view.name}{stage} is gone: {why}",
            f"{view.cluster.value} {view.namespace} {view.release}",
            [Evidence(f"the Application {view.application.name}, as the base has it", shown, view.name)],
            (view.name,),
            _severity(view),
        )


def _severity(view: EnvironmentView) -> Severity:
    """By the stage that the base gives it; where none is known it may be production."""
    if view.stage.value == _PRODUCTION:
        return Severity.CRITICAL
    return Severity.MEDIUM if view.stage.known else Severity.HIGH


_Identity = tuple[str, str]


def _documents(documents: Documents) -> dict[_Identity, Placed[Any]]:
    """Documents by kind and uid (or name, where a kind has none), so that they can move and be renamed. Without those
    of decisions: what they silenced counts again when they are gone."""
    placed: list[Placed[Any]] = [] if documents.fleet is None else [documents.fleet]
    for group in (documents.accounts, documents.clusters, documents.commons, documents.environments):
        placed += group.values()
    placed += documents.releases.values()
    placed += [item for group in documents.namesakes.values() for item in group]
    return {(item.kind, item.uid or item.name): item for item in placed}


def _documents_gone(before: LoadedFleet, now: LoadedFleet, gone: Sequence[EnvironmentView]) -> Iterator[Finding]:
    """Documents that are in no file any more; one that has a fault is told by the fault."""
    kept = _documents(now.documents)
    faulty = {fault.location.path for fault in now.documents.faults}
    stages = {view.document: view for view in before.view.environments if view.document is not None}
    lost = {view.document for view in gone if view.document is not None}
    for identity, placed in _documents(before.documents).items():
        place = placed.locate()
        if identity in kept or place.path in faulty:
            continue
        view = next((item for where, item in stages.items() if where.path == place.path), None)
        if view is not None and any(where.path == place.path for where in lost):
            continue  # with its environment
        severity = _severity(view) if view is not None else Severity.MEDIUM
        names = (view.name,) if view is not None else ()
        yield compared_finding(
            DOCUMENT_GONE,
            f"The {placed.kind} {placed.name} is in no document any more; the base has it in {place.path}",
            f"{placed.kind} {identity[1]}",
            [Evidence(f"{placed.kind} {placed.name}, as the base has it", place, name) for name in names or ("",)],
            names,
            severity,
        )


def _lowered(before: LoadedFleet, now: LoadedFleet, renamed: Mapping[str, str]) -> Iterator[Finding]:
    for then, view in _lowered_pairs(before, now, renamed):
        was, stage = then.stage.value, view.stage.value
        place = _stage_place(now, view)
        ends = was == _PRODUCTION
        now_is = f"becomes {stage}" if view.stage.known else "has no known stage any more"
        yield compared_finding(
            STAGE_LOWERED,
            f"{view.name} is {was} in the base and {now_is}"
            + ("; it stops being production" if ends else "")
            + f"; the change is judged as one of {was}",
            f"{view.name} {was}",
            [Evidence(f"stage: {stage}", place, view.name)],
            (view.name,),
            # What was inferred goes with what it was inferred from; nobody says that it is another stage.
            Severity.CRITICAL if ends and (then.stage.stated or view.stage.known) else Severity.MEDIUM,
        )


def _stage_place(fleet: LoadedFleet, view: EnvironmentView) -> Location:
    for placed in fleet.documents.environments.values():
        if view.document is not None and placed.file.path == view.document.path:
            return placed.locate("spec.stage")
    return view.stage.location or view.application.location


def _lowered_pairs(
    before: LoadedFleet, now: LoadedFleet, renamed: Mapping[str, str]
) -> Iterator[tuple[EnvironmentView, EnvironmentView]]:
    """Environments then and now whose stage comes before the one that they had; the base's own order counts."""
    order = {stage: number for number, stage in enumerate(before.view.stages)}
    order[_PRODUCTION] = len(order)
    present = {view.name: view for view in now.view.environments}
    for then in before.view.environments:
        view = present.get(renamed.get(then.name, then.name))
        if view is None or not then.stage.known or view.stage.value == then.stage.value:
            continue
        if order.get(view.stage.value, -1) < order.get(then.stage.value, 0):
            yield then, view


def stages_raised(before: LoadedFleet, now: LoadedFleet, renamed: Mapping[str, str]) -> LoadedFleet:
    """The fleet now, with the stages that environments had before where those were higher."""
    raised = {view.name: then.stage for then, view in _lowered_pairs(before, now, renamed)}
    stages = [*now.view.stages, *(stage for stage in before.view.stages if stage not in now.view.stages)]
    if not raised:
        return now
    views = [
        replace(view, stage=replace(view.stage, value=raised[view.name].value)) if view.name in raised else view
        for view in now.view.environments
    ]
    return replace(now, view=replace(now.view, environments=views, stages=stages))
