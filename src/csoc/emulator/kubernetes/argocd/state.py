"""The comparison of an Application: what is wanted, what is there, which of it is in sync, how well it all is.

Source: Argo CD controller/state.go (CompareAppState), controller/health.go (setApplicationHealth); gitops-engine
pkg/sync/reconcile.go, pkg/cache/cluster.go (GetManagedLiveObjs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes.argocd import health, marks, projects
from csoc.emulator.kubernetes.argocd.configuration import Configuration
from csoc.emulator.kubernetes.argocd.differences import Comparer, comparison_error
from csoc.emulator.kubernetes.argocd.jqpaths import JqError
from csoc.emulator.kubernetes.argocd.ports import Manifested
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.kinds.lookup import group_of, resource_of
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects.parts import annotations_of, name_of, namespace_of
from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
Body = Mapping[str, Any]
Place = tuple[str, str, str, str]
"""group, kind, namespace ("" for what belongs to the cluster), name."""

COMPARISON_ERROR, SHARED, REPEATED, EXCLUDED, INVALID = (
    "ComparisonError",
    "SharedResourceWarning",
    "RepeatedResourceWarning",
    "ExcludedResourceWarning",
    "InvalidSpecError",
)


@dataclass(slots=True)
class Resource:
    """One object of an Application. target: None if it is to go; live: None if it is not there yet."""

    target: Object | None
    live: Object | None
    type_: ResourceType | None = None
    modified: bool = False
    status: str = ""
    requires_pruning: bool = False

    @property
    def body(self) -> Object:
        found = self.live if self.live is not None else self.target
        assert found is not None  # noqa: S101 - one of them is there
        return found


@dataclass(slots=True)
class Comparison:
    """sync: Synced, OutOfSync or Unknown. conditions: (type, message). summaries: as status.resources."""

    sync: str
    health: str
    revisions: list[str]
    types: list[str]
    resources: list[Resource]
    hooks: list[Object]
    conditions: list[tuple[str, str]] = field(default_factory=list)
    summaries: list[Object] = field(default_factory=list)
    loaded: bool = True
    post_delete: bool = False


def type_of(objects: Objects, body: Body) -> ResourceType | None:
    """The resource type of an object; None if the cluster does not serve its version."""
    return objects.types.kind(str(body["apiVersion"]), str(body["kind"]))


def place_of(body: Body, cluster: Cluster, namespace: str) -> Place:
    """Where an object is or will be; namespace: the Application's, for those that name none."""
    group, kind = group_of(body), str(body["kind"])
    found = resource_of(cluster.store, group, kind)
    if found is not None and not found.namespaced:
        return group, kind, "", name_of(body)
    return group, kind, namespace_of(body) or namespace, str(body["metadata"].get("name") or "")


def live_objects(cluster: Cluster, application: str, settings: Configuration) -> dict[Place, Object]:
    """Everything in the cluster that carries the Application's mark and has no owner. The text is searched first,
    since few of thousands of objects do."""
    by_label = settings.tracking == "label"
    mark = (f'"{settings.label}":"{application}"' if by_label else f'"{marks.TRACKING}":"{application}:').encode()
    found: dict[Place, Object] = {}
    for group, resource in cluster.store.resources():
        if resource in ("events", "endpointslices"):
            continue
        for key, text in cluster.store.texts(group, resource)[0]:
            if mark not in text:
                continue
            body = cluster.store.get(key)
            if body is None or body["metadata"].get("ownerReferences"):
                continue
            if marks.application_of(body, settings.tracking, settings.label) == application:
                found[group_of(body), str(body["kind"]), key.namespace, key.name] = body
    return found


def compare(
    cluster: Cluster,
    objects: Objects,
    application: Object,
    project: Body,
    settings: Configuration,
    manifested: Manifested | None,
    failure: str = "",
) -> Comparison:
    """Compares. manifested: None if the wanted objects could not be had, with why in failure."""
    spec = application["spec"]
    namespace = str((spec.get("destination") or {}).get("namespace") or "")
    name = name_of(application)
    found = Comparison("Unknown", health.HEALTHY, [], [], [], [])
    if manifested is None:
        found.loaded = False
        found.conditions.append((COMPARISON_ERROR, f"Failed to load target state: {failure}"))
        targets: list[Object] = []
    else:
        targets = _targets(cluster, manifested.objects, name, namespace, settings, found)
        found.revisions, found.types = list(manifested.revisions), list(manifested.types)
    found.post_delete = any(map(marks.is_post_delete, targets))
    there = {
        place: body
        for place, body in _managed(cluster, targets, name, namespace, settings).items()
        if projects.kind_permitted(project, place[0], place[1], namespaced=bool(place[2]))
        and (not place[2] or projects.destination_permitted(project, place[2]))
    }
    _shared(found, there, application, settings)
    _managed_namespace(cluster, spec, namespace, targets, there)
    found.hooks = [body for body in targets if marks.is_hook(body)]
    for target in targets:
        if not marks.is_hook(target):
            live = there.pop(place_of(target, cluster, namespace), None)
            found.resources.append(Resource(target, live, type_of(objects, target)))
    found.resources += [Resource(None, body, type_of(objects, body)) for body in there.values()]
    _judge(cluster, objects, application, project, settings, found)
    return found


def _targets(
    cluster: Cluster,
    rendered: Sequence[Object],
    name: str,
    namespace: str,
    settings: Configuration,
    found: Comparison,
) -> list[Object]:
    """The wanted objects, each once, with their namespaces and the Application's mark."""
    by_place: dict[Place, list[Object]] = {}
    for number, original in enumerate(rendered):
        body = marks.copied(dict(original))
        body.setdefault("metadata", {})
        group, kind, place, called = place_of(_named(body), cluster, namespace)
        if settings.excludes(group, kind):
            found.conditions.append((EXCLUDED, f"Resource {group}/{kind} {called} is excluded in the settings"))
            continue
        body["metadata"].pop("namespace", None)
        if place:
            body["metadata"]["namespace"] = place
        if not called and body["metadata"].get("generateName"):
            called = f"{body['metadata']['generateName']}{number}"
        by_place.setdefault((group, kind, place, called), []).append(body)
    targets = []
    for place_, bodies in by_place.items():
        if len(bodies) > 1:
            text = f"Resource {'/'.join(place_)} appeared {len(bodies)} times among application resources."
            found.conditions.append((REPEATED, text))
        body = bodies[-1]
        marks.track(body, name, namespace, settings.tracking, settings.label)
        targets.append(body)
    return targets


def _named(body: Object) -> Object:
    """An object that only has a generateName has no name yet."""
    body["metadata"].setdefault("name", "")
    return body


def _managed(
    cluster: Cluster, targets: Sequence[Object], name: str, namespace: str, settings: Configuration
) -> dict[Place, Object]:
    """What is the Application's, and what is there under the names that it wants."""
    found = live_objects(cluster, name, settings)
    for target in targets:
        place = place_of(target, cluster, namespace)
        kind = resource_of(cluster.store, place[0], place[1])
        if place not in found and kind is not None and place[3]:
            body = cluster.store.get(kind.key(place[2], place[3]))
            if body is not None:
                found[place] = body
    return found


def _shared(found: Comparison, there: Mapping[Place, Object], application: Object, settings: Configuration) -> None:
    name = name_of(application)
    for body in there.values():
        other = marks.application_of(body, settings.tracking, settings.label)
        if other and other != name:
            mine = f"{namespace_of(application)}/{name}"
            text = f"{body['kind']}/{name_of(body)} is part of applications {mine} and {other.replace('_', '/')}"
            found.conditions.append((SHARED, text))


def _managed_namespace(
    cluster: Cluster, spec: Body, namespace: str, targets: list[Object], there: Mapping[Place, Object]
) -> None:
    """A namespace that the Application manages by managedNamespaceMetadata is wanted, so that it is not pruned."""
    given = (spec.get("syncPolicy") or {}).get("managedNamespaceMetadata")
    place = ("", "Namespace", "", namespace)
    if given is None or place not in there or any(place_of(one, cluster, namespace) == place for one in targets):
        return
    targets.append(managed_namespace(namespace, given))


def managed_namespace(namespace: str, given: Body | None) -> Object:
    """The namespace as CreateNamespace makes it."""
    body: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    if given is not None:
        if given.get("labels"):
            body["metadata"]["labels"] = dict(given["labels"])
        options = {marks.SYNC_OPTIONS: "ServerSideApply=true"}
        body["metadata"]["annotations"] = dict(given.get("annotations") or {}) | options
    return body


def _judge(
    cluster: Cluster,
    objects: Objects,
    application: Object,
    project: Body,
    settings: Configuration,
    found: Comparison,
) -> None:
    """Which objects are in sync, and how well they are."""
    comparer = Comparer(objects, settings, application)
    code = "Synced"
    try:
        for one in found.resources:
            if one.target is not None and one.live is not None:
                one.modified = comparer.differs(one.type_, one.target, one.live)
    except (JqError, ApiError) as error:
        found.loaded = False
        text = f"Failed to compare desired state to live state: {comparison_error(error)}"
        found.conditions.append((COMPARISON_ERROR, text))
    for one in found.resources:
        code = _sync_of(cluster, project, settings, found, one, code)
    found.sync = code if found.loaded else "Unknown"
    _health(application, settings, found)


def _sync_of(
    cluster: Cluster,
    project: Body,
    settings: Configuration,
    found: Comparison,
    one: Resource,
    code: str,
) -> str:
    body, target, live = one.body, one.target, one.live
    own = marks.is_own(live, target, settings.tracking)
    one.requires_pruning = target is None and live is not None and own
    namespaced = bool(place_of(body, cluster, "-")[2])
    if marks.is_hook(body) or marks.is_ignored(body) or (target is not None and marks.is_skipped(target)) or not own:
        one.status = ""
    elif one.modified or target is None or live is None:
        one.status = "OutOfSync"
        extraneous = target is None and marks.has_option(body, "IgnoreExtraneous", marks.COMPARE_OPTIONS)
        code = code if extraneous else "OutOfSync"
    else:
        one.status = "Synced"
    if not projects.kind_permitted(project, group_of(body), str(body["kind"]), namespaced=namespaced):
        one.status = "Unknown"
    if one.type_ is not None and one.type_.namespaced and not namespace_of(body):
        version = str(body["apiVersion"]).rpartition("/")[2]
        kind = f"{group_of(body)}/{version}, Kind={body['kind']}"
        found.conditions.append((INVALID, f"Namespace for {name_of(body)} {kind} is missing."))
    if not found.loaded:
        one.status = "Unknown"
    found.summaries.append(_summary(one))
    return code


def _summary(one: Resource) -> Object:
    body = one.body
    group, _, version = str(body["apiVersion"]).rpartition("/")
    found: Object = {"group": group, "version": version, "kind": body["kind"], "namespace": namespace_of(body)}
    found |= {"name": name_of(body), "status": one.status}
    if marks.is_hook(body):
        found["hook"] = True
    if one.requires_pruning:
        found["requiresPruning"] = True
    if marks.has_option(one.target, "Delete=confirm") or marks.has_option(one.live, "Delete=confirm"):
        found["requiresDeletionConfirmation"] = True
    if one.target is not None:
        found["syncWave"] = marks.wave(one.target)
    return {name: value for name, value in found.items() if value}


def _health(application: Object, settings: Configuration, found: Comparison) -> None:
    whole = health.HEALTHY
    expected = living = False
    for one, summary in zip(found.resources, found.summaries, strict=True):
        live = one.live
        if one.target is not None and marks.is_skipped(one.target):
            continue
        if live is not None and (marks.is_hook(live) or marks.is_ignored(live)):
            continue
        expected, living = True, living or live is not None
        if live is not None and (
            annotations_of(live).get("argocd.argoproj.io/ignore-healthcheck") == "true"
            or live["metadata"].get("uid") == application["metadata"].get("uid")
        ):
            continue
        kind = (group_of(one.body), str(one.body["kind"]))
        state = health.Health(health.MISSING) if live is None else health.health_of(live, settings.health)
        if state is None:
            continue
        if settings.persist_health:
            summary["health"] = {"status": state.status} | ({"message": state.message} if state.message else {})
        if state.status == health.MISSING and not health.has_rule(kind, settings.health):
            continue
        if kind == ("argoproj.io", "Application") and state.status in (health.MISSING, health.UNKNOWN):
            continue
        if health.is_worse(whole, state.status):
            whole = state.status
    # What should hold something and holds nothing at all is missing, whatever its kinds say.
    if expected and not living and health.is_worse(whole, health.MISSING):
        whole = health.MISSING
    found.health = whole
