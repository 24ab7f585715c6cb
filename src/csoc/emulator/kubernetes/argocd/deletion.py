"""Deleted Applications: what they brought goes first, if their finalizer says so; then their hooks for the end run.

Source: Argo CD controller/appcontroller.go (finalizeApplicationDeletion, shouldBeDeleted), controller/sort_delete.go,
controller/hook.go (executePostDeleteHooks, cleanupPostDeleteHooks).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.argocd import applying, configuration, health, marks, projects, state, statuses
from csoc.emulator.kubernetes.argocd.differences import MANAGER
from csoc.emulator.kubernetes.argocd.fetching import Fetching
from csoc.emulator.kubernetes.argocd.refreshing import NAME
from csoc.emulator.kubernetes.argocd.statuses import GROUP, RESOURCE
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.parts import annotations_of, key_of, name_of, namespace_of, uid_of
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.fleet.argocd.model import RESOURCES_FINALIZER

_BACKGROUND = f"{RESOURCES_FINALIZER}/background"
_CASCADING = (RESOURCES_FINALIZER, _BACKGROUND, f"{RESOURCES_FINALIZER}/foreground")
_HOOKS = ("post-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io/cleanup")
_PURPOSE = "post delete"
_AGAIN_SECONDS = 10.0
Object = dict[str, Any]


def mark_hooks(application: Object, *, wanted: bool) -> None:
    """Gives an Application with hooks for its end the finalizers that let them run, or takes these off."""
    finalizers = [one for one in application["metadata"].get("finalizers") or () if one not in _HOOKS]
    finalizers += _HOOKS if wanted else ()
    if finalizers:
        application["metadata"]["finalizers"] = finalizers
    else:
        application["metadata"].pop("finalizers", None)


def finalize(cluster: Cluster, application: Object, fetching: Fetching) -> None:
    """One look at an Application that is being deleted: deletes the objects of its last wave, then runs the hooks for
    its end, then takes these away as they say, and lets it go."""
    finalizers = application["metadata"].get("finalizers") or []
    mine = [one for one in finalizers if one in _CASCADING]
    if not mine and not any(one in finalizers for one in _HOOKS):
        return
    spec = application.get("spec") or {}
    project = cluster.get(GROUP, "appprojects", configuration.NAMESPACE, str(spec.get("project") or "default"))
    if projects.destination_problem(spec.get("destination") or {}):
        _let_go(cluster, application, (*_CASCADING, *_HOOKS))
        return
    if project is None:
        name = spec.get("project") or "default"
        _cannot(cluster, application, f'appproject.argoproj.io "{name}" not found')
        return
    objects = cluster.objects
    if mine:
        propagation = "Background" if _BACKGROUND in mine else "Foreground"
        _next_wave(cluster, objects, application, project, propagation)
    elif _HOOKS[0] in finalizers:
        if _hooks_ran(cluster, objects, application, project, fetching):
            _let_go(cluster, application, _HOOKS[:1])
    elif _hooks_gone(cluster, objects, application):
        _let_go(cluster, application, _HOOKS[1:])


def _next_wave(cluster: Cluster, objects: Objects, application: Object, project: Object, propagation: str) -> None:
    """Deletes the objects of the last wave that is left; if none is, the Application waits for them no more."""
    there = _deletable(cluster, application, project)
    if any(body["metadata"].get("deletionTimestamp") for body in there):
        return  # the end of the last one wakes this again
    if _asks(application, there):
        return
    waves = {marks.wave(body) for body in there}
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
        _let_go(cluster, application, _CASCADING)
    elif all(not body["metadata"].get("deletionTimestamp") for body in _deletable(cluster, application, project)):
        cluster.wake(NAME, key_of(GROUP, RESOURCE, application))  # the next wave


def _hooks_of(cluster: Cluster, application: Object) -> list[Object]:
    settings = configuration.read(cluster)
    found = state.live_objects(cluster, name_of(application), settings).values()
    return [body for body in found if marks.is_post_delete(body)]


def _hooks_ran(cluster: Cluster, objects: Objects, application: Object, project: Object, fetching: Fetching) -> bool:
    """Makes the hooks that are not there yet; whether all of them are over (hook.go, executePostDeleteHooks)."""
    sources = projects.sources_of(application["spec"])
    revisions = [str(one.get("targetRevision") or "") for one in sources]
    outcome = fetching.get(cluster, application, sources, revisions, force=False, purpose=_PURPOSE, keep=True)
    if outcome is None:
        return False
    settings, key = configuration.read(cluster), key_of(GROUP, RESOURCE, application)
    if outcome.manifested is None:
        fetching.forget(cluster, application, _PURPOSE)
        _cannot(cluster, application, outcome.failure)
        cluster.wake(NAME, key, seconds=_AGAIN_SECONDS)
        return False
    running = {_place(body): body for body in _hooks_of(cluster, application)}
    found = state.compare(cluster, objects, application, project, settings, outcome.manifested)
    missing = [body for body in found.hooks if marks.is_post_delete(body) and _place(body) not in running]
    for body in missing:
        type_ = state.type_of(objects, body)
        try:
            if type_ is None:
                raise errors.bad_request(f'no matches for kind "{body["kind"]}" in version "{body["apiVersion"]}"')
            objects.create(type_, namespace_of(body), body, Options(manager=MANAGER))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                _cannot(cluster, application, error.message)
                cluster.wake(NAME, key, seconds=_AGAIN_SECONDS)
                return False
    if missing:
        return False
    states = [health.health_of(body, settings.health) for body in running.values()]
    return not any(one is not None and one.status == health.PROGRESSING for one in states)


def _place(body: Object) -> tuple[str, str, str, str]:
    return group_of(body), str(body["kind"]), namespace_of(body), name_of(body)


def _hooks_gone(cluster: Cluster, objects: Objects, application: Object) -> bool:
    """Deletes the hooks whose policies say so; whether none of these is left (hook.go, cleanupPostDeleteHooks)."""
    settings, whole = configuration.read(cluster), health.HEALTHY
    hooks = _hooks_of(cluster, application)
    for body in hooks:
        one = health.health_of(body, settings.health)
        if one is not None and health.is_worse(whole, one.status):
            whole = one.status
    policy = {health.HEALTHY: "HookSucceeded", health.DEGRADED: "HookFailed"}.get(whole, "")
    going = [body for body in hooks if policy in marks.delete_policies(body)]
    for body in going:
        type_ = state.type_of(objects, body)
        if type_ is not None and not body["metadata"].get("deletionTimestamp"):
            applying.delete(objects, type_, namespace_of(body), name_of(body), "Background")
    return not going


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


def _let_go(cluster: Cluster, application: Object, finalizers: Sequence[str]) -> None:
    fresh = cluster.store.get(key_of(GROUP, RESOURCE, application))
    if fresh is not None:
        left = [one for one in fresh["metadata"].get("finalizers") or () if one not in finalizers]
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
