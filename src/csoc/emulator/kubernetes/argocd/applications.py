"""The application controller: Applications are compared, synced on their own if they say so, operated, deleted.

Source: Argo CD controller/appcontroller.go (processAppRefreshQueueItem, needRefreshAppStatus, refreshAppConditions,
autoSync). It is woken by changes of Applications and of everything that carries their mark; `poll` asks for new
commits, as the real one's `timeout.reconciliation` does, for all clusters at once. Applications live in the
namespace `argocd`. Impersonation, source hydrators and signature keys are not followed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from csoc.emulator.kubernetes.argocd import (
    configuration,
    deletion,
    marks,
    operations,
    orphans,
    projects,
    state,
    statuses,
    windows,
)
from csoc.emulator.kubernetes.argocd.applicationsets import ApplicationSets
from csoc.emulator.kubernetes.argocd.fetching import Fetching, Outcome
from csoc.emulator.kubernetes.argocd.ports import Background, Generating, Manifests, at_once, without_repositories
from csoc.emulator.kubernetes.argocd.refreshing import (
    FORCE,
    LATEST,
    NAME,
    RECENT,
    in_grace,
    needed,
    project_of,
    request,
    served,
)
from csoc.emulator.kubernetes.argocd.state import Comparison
from csoc.emulator.kubernetes.argocd.statuses import GROUP, RESOURCE
from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller
from csoc.emulator.kubernetes.objects.parts import annotations_of, deleting, key_of, labels_of, uid_of
from csoc.emulator.kubernetes.store import Key
from csoc.emulator.timeline import Timeline

Object = dict[str, Any]
_HEAL_SECONDS, _HEAL_FACTOR, _HEAL_MOST, _COOL_SECONDS = 2.0, 3, 300.0, 330.0
_POLL_SECONDS = 180.0
_SKIP = "argocd.argoproj.io/skip-reconcile"
_EVALUATED = (state.COMPARISON_ERROR, state.SHARED, state.REPEATED, state.EXCLUDED)


class ArgoCd:
    """One for all clusters of the process; it keeps nothing of any of them."""

    def __init__(self, manifests: Manifests, background: Background = at_once) -> None:
        self._manifests = manifests
        self._fetching = Fetching(manifests, background, NAME)
        generate = manifests.generate if isinstance(manifests, Generating) else without_repositories
        self._sets = ApplicationSets(generate, background)

    @property
    def controllers(self) -> tuple[Controller, ...]:
        """For the hearing of clusters that have Argo CD."""
        heard = {
            (GROUP, RESOURCE): self._of_application,
            (GROUP, "appprojects"): self._of_project,
            ("", "secrets"): self._of_secret,
        }
        return (Controller(NAME, self._reconcile, heard, every=_of_object), self._sets.controller)

    def poll(self, timeline: Timeline, clusters: Callable[[], Iterable[Cluster]]) -> None:
        """From now on looks every three minutes which repositories have moved, and refreshes what comes from them."""

        def look() -> None:
            moved = {projects.normalised(url) for url in self._manifests.moved()}
            if moved:
                for cluster in clusters():
                    self.repositories_moved(cluster, moved)
            timeline.later(_POLL_SECONDS, look)

        timeline.later(_POLL_SECONDS, look)

    def repositories_moved(self, cluster: Cluster, urls: Iterable[str]) -> None:
        """Refreshes the Applications of a cluster that come from these repositories, as a webhook does."""
        wanted = {projects.normalised(url) for url in urls}
        for application in cluster.list(GROUP, RESOURCE, configuration.NAMESPACE):
            sources = projects.sources_of(application.get("spec") or {})
            if any(projects.normalised(str(one.get("repoURL", ""))) in wanted for one in sources):
                request(cluster, application, LATEST)

    # Who wakes it

    def _of_application(self, cluster: Cluster, change: Change) -> Iterable[Key]:
        _of_object(cluster, change)
        own = change.key.namespace == configuration.NAMESPACE and not change.gone
        return (change.key,) if own else ()

    def _of_project(self, cluster: Cluster, change: Change) -> Iterable[Key]:
        for application in cluster.list(GROUP, RESOURCE, configuration.NAMESPACE):
            if ((application.get("spec") or {}).get("project") or "default") == change.key.name:
                request(cluster, application, LATEST)
        return ()

    def _of_secret(self, cluster: Cluster, change: Change) -> Iterable[Key]:
        """A credential came: what could not be fetched is tried again, sooner than the real one, which tries at its
        next poll."""
        if labels_of(change.object).get("argocd.argoproj.io/secret-type") in ("repository", "repo-creds"):
            for application in cluster.list(GROUP, RESOURCE, configuration.NAMESPACE):
                conditions = (application.get("status") or {}).get("conditions") or ()
                if any(one.get("type") == state.COMPARISON_ERROR for one in conditions):
                    request(cluster, application, FORCE)
        return _of_object(cluster, change)

    # What it does

    def _reconcile(self, cluster: Cluster, key: Key) -> None:
        application = cluster.store.get(key)
        if application is None or annotations_of(application).get(_SKIP) == "true":
            return
        if deleting(application):
            deletion.finalize(cluster, application, self._fetching)
            return
        if application.get("operation") is not None:
            operations.proceed(cluster, application, self._fetching)
            application = cluster.store.get(key)
        if application is not None:
            self._refresh(cluster, application)

    def _refresh(self, cluster: Cluster, application: Object) -> None:
        level, hard = needed(cluster, application)
        if not level:
            return
        status = dict(marks.copied(application.get("status") or {}))
        project, errors = project_of(cluster, application)
        now = cluster.stamp()
        status["conditions"] = statuses.with_conditions(
            status, [(state.INVALID, text) for text in errors], (state.INVALID, "UnknownError"), now
        )
        if errors or project is None:
            status["sync"] = dict(status.get("sync") or {}) | {"status": "Unknown"}
            status["sync"]["comparedTo"] = statuses.compared_to(application["spec"])
            status["health"] = {"status": "Unknown"}
            status.setdefault("reconciledAt", now)
            served(cluster, application)
            statuses.written(cluster, application, _plain(status))
            return
        outcome = self._wanted(cluster, application, level, hard=hard)
        if outcome is None:
            return
        served(cluster, application)
        if outcome.manifested is None and level < FORCE and in_grace(cluster, application):
            return
        settings = configuration.read(cluster)
        objects = cluster.objects
        found = state.compare(cluster, objects, application, project, settings, outcome.manifested, outcome.failure)
        self._conclude(cluster, application, project, status, found, level)

    def _wanted(self, cluster: Cluster, application: Object, level: int, *, hard: bool) -> Outcome | None:
        spec = application["spec"]
        sources = projects.sources_of(spec)
        sync = (application.get("status") or {}).get("sync") or {}
        recent = sync.get("revisions") or ([sync["revision"]] if sync.get("revision") else [])
        revisions = [str(one.get("targetRevision") or "") for one in sources]
        if level == RECENT and len(recent) == len(sources):
            revisions = [str(one) for one in recent]
        return self._fetching.get(
            cluster, application, sources, revisions, force=level == FORCE, hard=hard, purpose="refresh"
        )

    def _conclude(
        self,
        cluster: Cluster,
        application: Object,
        project: Mapping[str, Any],
        status: Object,
        found: Comparison,
        level: int,
    ) -> None:
        """Writes what was found; begins a sync if the Application syncs by itself."""
        spec, now = application["spec"], cluster.stamp()
        several = bool(spec.get("sources"))
        before = status.get("sync") or {}
        sync: Object = {"status": found.sync, "comparedTo": statuses.compared_to(spec)}
        if several:
            sync["revisions"] = found.revisions or before.get("revisions") or []
        else:
            sync["revision"] = (found.revisions or [before.get("revision", "")])[0]
        conditions = [one for one in found.conditions if one[0] in _EVALUATED]
        status["conditions"] = statuses.with_conditions(status, conditions, _EVALUATED, now)
        status["sync"] = sync
        found_orphans = orphans.condition(cluster, application, project, found)
        status["conditions"] = statuses.with_conditions(status, found_orphans, (orphans.TYPE,), now)
        operation, error = None, ""
        if not windows.blocked(project, application, cluster.now(), manual=False):
            operation, error = self._by_itself(cluster, application, status, found)
        elif found.sync == "OutOfSync" and (spec.get("syncPolicy") or {}).get("automated") is not None:
            # Nothing tells of the end of a window: the real one looks again with its next poll.
            again = functools.partial(request, cluster, application, RECENT)
            cluster.later((uid_of(application), "window"), _POLL_SECONDS, again)
        if found.loaded:
            deletion.mark_hooks(application, wanted=found.post_delete)
        failed = [("SyncError", error)] if error else []
        status["conditions"] = statuses.with_conditions(status, failed, ("SyncError",), now)
        status["health"] = {"status": found.health}
        status["resources"] = sorted(
            found.summaries,
            key=lambda one: "/".join(str(one.get(part, "")) for part in ("group", "kind", "namespace", "name")),
        )
        status.pop("sourceType" if several else "sourceTypes", None)
        if found.types:
            status |= {"sourceTypes": found.types} if several else {"sourceType": found.types[0]}
        status["summary"] = statuses.summary(cluster, application, found)
        status["controllerNamespace"] = configuration.NAMESPACE
        status["resourceHealthSource"] = "inline" if configuration.read(cluster).persist_health else "appTree"
        if level >= LATEST or not status.get("reconciledAt"):
            status["reconciledAt"] = now
        statuses.written(cluster, application, _plain(status), operation=operation)
        if operation is not None:
            shown = " ".join(found.revisions)
            statuses.tell(cluster, application, "OperationStarted", f"Initiated automated sync to [{shown}]")

    def _by_itself(
        self, cluster: Cluster, application: Object, status: Object, found: Comparison
    ) -> tuple[Object | None, str]:
        """(the operation to begin, or None, and why it is not begun although it should be)."""
        spec = application["spec"]
        policy = spec.get("syncPolicy") or {}
        automated = policy.get("automated")
        if automated is None or automated.get("enabled") is False or application.get("operation") is not None:
            return None, ""
        if found.sync != "OutOfSync":
            return None, ""
        extra_only = all(one.get("status") == "Synced" or one.get("requiresPruning") for one in found.summaries)
        if not automated.get("prune") and extra_only:
            return None, ""
        operation = _operation(spec, found, automated, policy)
        last = status.get("operationState") or {}
        if last and _attempted(spec, last, found.revisions):
            shown = " ".join(found.revisions)
            if last.get("phase") != "Succeeded":
                result = last.get("syncResult") or {}
                tried = " ".join(result.get("revisions") or [result.get("revision", "")]) if result else ""
                return None, f"Failed last sync attempt to [{tried}]: {last.get('message', '')}"
            if not automated.get("selfHeal") or not _may_heal(cluster, application, operation, last):
                return None, ""
            operation["sync"]["resources"] = [
                {part: one[part] for part in ("group", "kind", "name") if one.get(part)}
                for one in found.summaries
                if one.get("status") != "Synced"
            ]
            operation["sync"]["autoHealAttemptsCount"] = operation["sync"].get("autoHealAttemptsCount", 0) + 1
        everything = all(one.get("requiresPruning") for one in found.summaries)
        if automated.get("prune") and not automated.get("allowEmpty") and everything:
            shown = " ".join(found.revisions)
            return None, f"Skipping sync attempt to [{shown}]: auto-sync will wipe out all resources"
        return operation, ""


def _plain(status: Object) -> Object:
    return {name: value for name, value in status.items() if value not in ([], None)} | {
        name: status[name] for name in ("summary", "sync", "health") if name in status
    }


def _of_object(cluster: Cluster, change: Change) -> Iterable[Key]:
    """Something that carries an Application's mark changed or went."""
    if change.key.resource in ("events", "endpointslices", "leases") or not change.mentions(_MARKS):
        return ()
    settings = configuration.read(cluster)
    names = {
        marks.application_of(body, settings.tracking, settings.label)
        for body in (change.object, change.before)
        if body and not body["metadata"].get("ownerReferences")
    }
    found = []
    for name in sorted(names - {""}):
        application = cluster.get(GROUP, RESOURCE, configuration.NAMESPACE, name)
        if application is None or uid_of(application) == uid_of(change.object):
            continue
        if deleting(application) or application.get("operation") is not None:
            found.append(key_of(GROUP, RESOURCE, application))
        request(cluster, application, RECENT)
    return found


_MARKS = (marks.TRACKING.encode(), marks.INSTANCE.encode())


def _operation(spec: Object, found: Comparison, automated: Mapping[str, Any], policy: Mapping[str, Any]) -> Object:
    sync: Object = {"prune": True} if automated.get("prune") else {}
    if spec.get("sources"):
        sync |= {"sources": marks.copied(spec["sources"]), "revisions": list(found.revisions)}
    else:
        sync |= {"source": marks.copied(spec.get("source") or {}), "revision": (found.revisions or [""])[0]}
    if policy.get("syncOptions"):
        sync["syncOptions"] = list(policy["syncOptions"])
    retry = marks.copied(policy.get("retry")) or {"limit": 5}
    return {"sync": sync, "initiatedBy": {"automated": True}, "retry": retry}


def _attempted(spec: Object, last: Mapping[str, Any], revisions: list[str]) -> bool:
    """Whether the last sync was to these revisions of these sources (alreadyAttemptedSync)."""
    result = last.get("syncResult")
    if result is None:
        return statuses.completed(last)
    if spec.get("sources"):
        return bool(result.get("revisions") == revisions and result.get("sources") == spec["sources"])
    same = result.get("revision") == (revisions or [""])[0]
    return bool(same and result.get("source") == (spec.get("source") or {}))


def _may_heal(cluster: Cluster, application: Object, operation: Object, last: Mapping[str, Any]) -> bool:
    """Whether it is time to heal again: each attempt that did not last is followed by a longer wait, until nothing had
    to be healed for a while."""
    uid = uid_of(application)
    attempts = 0
    if cluster.waits((uid, "healed")):
        attempts = int(((last.get("operation") or {}).get("sync") or {}).get("autoHealAttemptsCount", 0))
    operation["sync"]["autoHealAttemptsCount"] = attempts
    ready = cluster.memory.pop((uid, "may heal"), -1)
    if attempts and ready != attempts:
        seconds = min(_HEAL_SECONDS * _HEAL_FACTOR ** (attempts - 1), _HEAL_MOST)

        def again() -> None:
            cluster.memory[uid, "may heal"] = attempts
            request(cluster, application, LATEST)

        cluster.later((uid, "heal"), seconds, again)
        return False
    cluster.cancel((uid, "healed"))
    cluster.later((uid, "healed"), _COOL_SECONDS, lambda: None)
    return True
