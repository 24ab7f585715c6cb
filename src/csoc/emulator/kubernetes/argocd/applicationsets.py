"""The ApplicationSet controller: generators give parameters, the template with these gives Applications.

Generating is csoc's own reading of ApplicationSets (fleet.argocd.applicationsets): list, git, clusters, matrix and
merge. What asks a code host, a plugin or another resource is refused by name in the set's conditions, and so is what a
Go template needs beyond csoc's own subset. Progressive syncs and `status.resources` are not followed.
Source: Argo CD applicationset/controllers/applicationset_controller.go (Reconcile, createOrUpdateInCluster,
deleteInCluster, validateGeneratedApplications, setApplicationSetStatusCondition).
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from csoc.emulator.kubernetes.argocd import configuration, marks, refreshing
from csoc.emulator.kubernetes.argocd.ports import Background, Credential, Generate
from csoc.emulator.kubernetes.argocd.statuses import GROUP, REFRESH
from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.parts import (
    annotations_of,
    controller_of,
    deleting,
    digest,
    key_of,
    labels_of,
    name_of,
    owner_reference,
    uid_of,
    with_condition,
)
from csoc.emulator.kubernetes.store import Key
from csoc.fleet.argocd.applicationsets.expansion import Expansion
from csoc.fleet.argocd.applicationsets.generators import CANNOT_EXPAND
from csoc.fleet.argocd.model import KnownCluster
from csoc.fleet.argocd.reading import FixedPlace, Manifest
from csoc.fleet.location import Location

Object = dict[str, Any]
NAME, SETS, APPLICATIONS = "application sets", "applicationsets", "applications"
_AGAIN_SECONDS = 180.0
"""So often what comes from Git is generated again (requeueAfterSeconds)."""
_GENERATED = "Successfully generated parameters for all Applications"
_KEPT_ANNOTATIONS = (REFRESH, "notified.notifications.argoproj.io")
_CLUSTER = "argocd.argoproj.io/secret-type"
_CREATES, _UPDATES = ("create-only", "create-update", "create-delete", "sync"), ("create-update", "sync")
_DELETES = ("create-delete", "sync")


class ApplicationSets:
    """One for all clusters of the process."""

    def __init__(self, generate: Generate, background: Background) -> None:
        self._generate = generate
        self._background = background

    @property
    def controller(self) -> Controller:
        heard = {(GROUP, SETS): _itself, (GROUP, APPLICATIONS): _its_set, ("", "secrets"): _all_for_clusters}
        return Controller(NAME, self._reconcile, heard)

    def _reconcile(self, cluster: Cluster, key: Key) -> None:
        body = cluster.store.get(key)
        if body is None or deleting(body):
            return
        clusters = _clusters(cluster)
        asked = digest([body.get("spec") or {}, [[one.name, one.server, dict(one.labels)] for one in clusters]])
        place = (uid_of(body), "generated")
        found = cluster.memory.get(place)
        if found is None or found[0] != asked:
            self._begin(cluster, body, clusters, (place, asked))
            found = cluster.memory.get(place)
        if found is not None and found[0] == asked and found[1] is not None:
            _conclude(cluster, body, found[1])

    def _begin(
        self, cluster: Cluster, body: Object, clusters: Sequence[KnownCluster], under: tuple[tuple[str, str], str]
    ) -> None:
        place, asked = under
        manifest = Manifest(body, FixedPlace(Location("", "", f"{SETS}/{name_of(body)}")))
        urls = list(_urls(body.get("spec") or {}))
        credentials: Mapping[str, Credential] = configuration.credentials(cluster, urls, "")
        cluster.memory[place] = (asked, None)
        key = key_of(GROUP, SETS, body)

        def work() -> None:
            try:
                made = self._generate(manifest, clusters, credentials)
            finally:
                with cluster.store.lock:
                    cluster.under_way -= 1
            with cluster.store.lock:
                if cluster.memory.get(place, ("", None))[0] == asked:
                    cluster.memory[place] = (asked, made)
            cluster.wake(NAME, key)

        with cluster.store.lock:
            cluster.under_way += 1
        self._background(work)
        if urls:
            cluster.later((uid_of(body), "generate"), _AGAIN_SECONDS, lambda: _again(cluster, key, place))


def _again(cluster: Cluster, key: Key, place: tuple[str, str]) -> None:
    cluster.memory.pop(place, None)
    cluster.wake(NAME, key)


# Who wakes it


def _itself(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    return (change.key,) if change.key.namespace == configuration.NAMESPACE and not change.gone else ()


def _its_set(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    """An Application went, or somebody changed what it should be."""
    owner = controller_of(change.object)
    if owner is None or owner.get("kind") != "ApplicationSet" or change.type == "ADDED":
        return ()
    if not change.gone and all(_wanted(change.object)[part] == value for part, value in _wanted(change.before).items()):
        return ()
    return (Key(GROUP, SETS, change.key.namespace, str(owner["name"])),)


def _all_for_clusters(cluster: Cluster, change: Change) -> Iterable[Key]:
    """A cluster became known to Argo CD, or is no more."""
    if (
        labels_of(change.object).get(_CLUSTER) != "cluster"
        and labels_of(change.before or change.object).get(_CLUSTER) != "cluster"
    ):
        return ()
    return [key for key, _ in cluster.store.texts(GROUP, SETS, configuration.NAMESPACE)[0]]


# What it does


def _clusters(cluster: Cluster) -> list[KnownCluster]:
    """The clusters that Argo CD knows besides its own: Secrets, of which the credential is not read."""
    found = []
    for body in cluster.list("", "secrets", configuration.NAMESPACE):
        if labels_of(body).get(_CLUSTER) == "cluster":
            data = {
                part: base64.b64decode(str((body.get("data") or {}).get(part) or "")).decode("utf-8", "replace")
                for part in ("name", "server", "project")
            }
            found.append(
                KnownCluster(data["name"], data["server"], None, labels_of(body), annotations_of(body), data["project"])
            )
    return found


def _urls(value: Any) -> Iterable[str]:
    """The repositories that git generators name."""
    if isinstance(value, Mapping):
        git = value.get("git")
        if isinstance(git, Mapping) and isinstance(git.get("repoURL"), str):
            yield git["repoURL"]
        for name, part in value.items():
            if name in ("generators", "matrix", "merge"):
                yield from _urls(part)
    elif isinstance(value, list):
        for part in value:
            yield from _urls(part)


def _wanted(body: Mapping[str, Any]) -> Object:
    """The part of an Application that the set decides."""
    metadata = body.get("metadata") or {}
    kept = {key: text for key, text in (metadata.get("annotations") or {}).items() if key not in _KEPT_ANNOTATIONS}
    ends = [one for one in metadata.get("finalizers") or () if not one.startswith("post-delete-finalizer.")]
    return {
        "spec": body.get("spec") or {},
        "labels": metadata.get("labels") or {},
        "annotations": kept,
        "finalizers": ends,
    }


def _conclude(cluster: Cluster, body: Object, generated: Expansion) -> None:
    # That no cluster is known is no fault of a set: it makes no Applications then.
    told = [one.cause for one in generated.problems if not (one.kind == CANNOT_EXPAND and "no cluster" in one.cause)]
    if told:
        _tell(cluster, body, "ApplicationParamsGenerationError", "; ".join(told)[:4_000])
        return
    names = Counter(str(one["metadata"].get("name") or "") for one in generated.bodies)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        why = f"ApplicationSet {name_of(body)} contains applications with duplicate name: {twice[0]}"
        _tell(cluster, body, "ApplicationValidationError", why)
        return
    wrong = _apply(cluster, body, generated.bodies)
    _tell(cluster, body, "ApplicationValidationError" if wrong else "", "; ".join(wrong)[:4_000])


def _apply(cluster: Cluster, body: Object, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
    """Makes, changes and deletes Applications; what is wrong with some of them."""
    policy = str((body["spec"].get("syncPolicy") or {}).get("applicationsSync") or "sync")
    if policy not in _CREATES:
        return [f"applicationsSync {policy[:100]!r} is none of {', '.join(_CREATES)}"]
    wrong, names = [], set()
    for one in wanted:
        names.add(str(one["metadata"].get("name") or ""))
        try:
            why = _invalid(cluster, one) or _put(cluster, body, one, update=policy in _UPDATES)
        except ApiError as error:
            why = error.message
        if why:
            wrong.append(why)
    for key, _ in cluster.store.texts(GROUP, APPLICATIONS, configuration.NAMESPACE)[0] if policy in _DELETES else ():
        live = cluster.store.get(key)
        if live is not None and key.name not in names and (controller_of(live) or {}).get("uid") == uid_of(body):
            cluster.delete(key)
    return wrong


def _invalid(cluster: Cluster, application: Mapping[str, Any]) -> str:
    made = dict(application)
    project, problems = refreshing.project_of(cluster, made)
    if project is None:
        name = (made.get("spec") or {}).get("project") or "default"
        return f"application references project {name} which does not exist"
    return f"application spec is invalid: {'; '.join(problems)}" if problems else ""


def _put(cluster: Cluster, body: Object, wanted: Mapping[str, Any], *, update: bool) -> str:
    objects = cluster.objects
    type_ = objects.types.kind(str(wanted["apiVersion"]), str(wanted["kind"]))
    assert type_ is not None  # noqa: S101 - its definition comes with that of the set
    name, namespace = str(wanted["metadata"].get("name") or ""), configuration.NAMESPACE
    live = cluster.get(GROUP, APPLICATIONS, namespace, name)
    options = Options(manager="argocd-applicationset-controller")
    if live is None:
        made = marks.copied(dict(wanted))
        made["metadata"] |= {"namespace": namespace, "ownerReferences": [owner_reference(body)]}
        objects.create(type_, namespace, made, options)
        return ""
    owner = controller_of(live)
    if owner is not None and owner.get("uid") != uid_of(body):
        return (
            f"Object {namespace}/{name} is already owned by another {owner.get('kind')} controller {owner.get('name')}"
        )
    if owner is not None and (not update or deleting(live) or _wanted(live) == _wanted(wanted)):
        return ""
    changed = marks.copied(live)
    metadata, given = changed["metadata"], _wanted(wanted)
    kept = {key: text for key, text in annotations_of(live).items() if key in _KEPT_ANNOTATIONS}
    ends = [one for one in metadata.get("finalizers") or () if one.startswith("post-delete-finalizer.")]
    metadata |= {"labels": given["labels"], "annotations": given["annotations"] | kept}
    metadata |= {"finalizers": [*given["finalizers"], *ends], "ownerReferences": [owner_reference(body)]}
    changed["spec"] = marks.copied(given["spec"])
    objects.update(type_, namespace, name, changed, options)
    return ""


def _tell(cluster: Cluster, body: Object, reason: str, why: str) -> None:
    """The conditions of the set. reason: "" if all is well."""
    status, now = dict(body.get("status") or {}), cluster.stamp()
    well, message = not reason, why or _GENERATED
    reason = reason or "ApplicationSetUpToDate"
    generated = reason != "ApplicationParamsGenerationError"
    conditions = status.get("conditions") or []
    conditions = with_condition(conditions, "ErrorOccurred", not well, reason, message, now)
    told = ("ParametersGenerated", _GENERATED) if generated else ("ErrorOccurred", message)
    conditions = with_condition(conditions, "ParametersGenerated", generated, *told, now)
    told = ("ApplicationSetUpToDate", "ApplicationSet up to date") if well else (reason, message)
    status["conditions"] = with_condition(conditions, "ResourcesUpToDate", well, *told, now)
    cluster.save_status(GROUP, SETS, body, status)
