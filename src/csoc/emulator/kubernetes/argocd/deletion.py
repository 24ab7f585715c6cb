"""Deleted Applications: what they brought goes first, if their finalizer says so.

Source: Argo CD controller/appcontroller.go (finalizeApplicationDeletion, shouldBeDeleted), controller/sort_delete.go.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes.argocd import applying, configuration, marks, projects, state, statuses
from csoc.emulator.kubernetes.argocd.refreshing import NAME
from csoc.emulator.kubernetes.argocd.statuses import GROUP, RESOURCE
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.objects import annotations_of, key_of, name_of, namespace_of, uid_of
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects import Objects
from csoc.fleet.argocd.model import RESOURCES_FINALIZER

_BACKGROUND = f"{RESOURCES_FINALIZER}/background"
_CASCADING = (RESOURCES_FINALIZER, _BACKGROUND, f"{RESOURCES_FINALIZER}/foreground")
Object = dict[str, Any]


def finalize(cluster: Cluster, application: Object) -> None:
    """One look at an Application that is being deleted: deletes the objects of its last wave, or lets it go."""
    finalizers = application["metadata"].get("finalizers") or []
    mine = [one for one in finalizers if one in _CASCADING]
    if not mine:
        return
    spec = application.get("spec") or {}
    project = cluster.get(GROUP, "appprojects", configuration.NAMESPACE, str(spec.get("project") or "default"))
    if projects.destination_problem(spec.get("destination") or {}):
        _let_go(cluster, application)
        return
    if project is None:
        name = spec.get("project") or "default"
        _cannot(cluster, application, f'appproject.argoproj.io "{name}" not found')
        return
    objects = Objects(cluster.store, cluster.now)
    there = _deletable(cluster, application, project)
    if any(body["metadata"].get("deletionTimestamp") for body in there):
        return  # the end of the last one wakes this again
    if _asks(application, there):
        return
    waves = {marks.wave(body) for body in there}
    propagation = "Background" if _BACKGROUND in mine else "Foreground"
    for body in there:
        if marks.wave(body) == max(waves):
            type_ = state.type_of(objects, body)
            if type_ is None:
                continue
            try:
                applying.delete(objects, type_, namespace_of(body), name_of(body), propagation)
            except ApiError as error:
                _cannot(cluster, application, error.message)
                return
    if not _deletable(cluster, application, project):
        _let_go(cluster, application)
    elif all(not body["metadata"].get("deletionTimestamp") for body in _deletable(cluster, application, project)):
        cluster.wake(NAME, key_of(GROUP, RESOURCE, application))  # the next wave


def _deletable(cluster: Cluster, application: Object, project: Object) -> list[Object]:
    settings = configuration.read(cluster)
    found = []
    for place, body in state.live_objects(cluster, name_of(application), settings).items():
        group, kind, namespace, _ = place
        permitted = projects.kind_permitted(project, group, kind, namespaced=bool(namespace)) and (
            not namespace or projects.destination_permitted(project, namespace)
        )
        kept = (
            kind == "CustomResourceDefinition"
            or uid_of(body) == uid_of(application)
            or marks.has_option(body, "Delete=false")
            or "keep" in marks.listed(body, "helm.sh/resource-policy")
        )
        if permitted and not kept:
            found.append(body)
    return found


def _asks(application: Object, there: list[Object]) -> bool:
    """Whether something must not go before a person has said so."""
    if not any(marks.has_option(body, "Delete=confirm") for body in there):
        return False
    approved = annotations_of(application).get("argocd.argoproj.io/deletion-approved", "")
    since = str(application["metadata"]["deletionTimestamp"])
    try:
        given = datetime.fromisoformat(approved.replace("Z", "+00:00"))
        return given < datetime.fromisoformat(since.replace("Z", "+00:00"))
    except (ValueError, TypeError):
        return True


def _let_go(cluster: Cluster, application: Object) -> None:
    fresh = cluster.store.get(key_of(GROUP, RESOURCE, application))
    if fresh is not None:
        left = [one for one in fresh["metadata"].get("finalizers") or () if one not in _CASCADING]
        fresh["metadata"].pop("finalizers", None)
        if left:
            fresh["metadata"]["finalizers"] = left
        cluster.save(GROUP, RESOURCE, fresh)


def _cannot(cluster: Cluster, application: Object, why: str) -> None:
    status = dict(application.get("status") or {})
    found = statuses.with_conditions(status, [("DeletionError", why)], ("DeletionError",), cluster.stamp())
    if found == (status.get("conditions") or []):
        return
    status["conditions"] = found
    cluster.save_status(GROUP, RESOURCE, application, status)
    text = f"Unable to delete application resources: {why}"
    statuses.tell(cluster, application, "StatusRefreshed", text, warning=True)
