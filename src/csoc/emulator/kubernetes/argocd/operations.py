"""Operations of Applications: begun, carried on step by step, retried, ended.

Source: Argo CD controller/appcontroller.go (processRequestedAppOperation), controller/sync.go (SyncAppState),
pkg/apis/application/v1alpha1/types.go (RetryStrategy.NextRetryAt).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from csoc.emulator.kubernetes.argocd import configuration, marks, projects, state, statuses, windows
from csoc.emulator.kubernetes.argocd.applying import Manner
from csoc.emulator.kubernetes.argocd.differences import Comparer
from csoc.emulator.kubernetes.argocd.fetching import Fetching
from csoc.emulator.kubernetes.argocd.refreshing import FORCE, NAME, project_of, request
from csoc.emulator.kubernetes.argocd.state import Comparison, Resource
from csoc.emulator.kubernetes.argocd.statuses import GROUP, RESOURCE
from csoc.emulator.kubernetes.argocd.sync_plan import Plan
from csoc.emulator.kubernetes.argocd.syncing import Result, Sync
from csoc.emulator.kubernetes.argocd.tasks import ERROR, FAILED, RUNNING, SUCCEEDED, TERMINATING
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects.parts import annotations_of, key_of, name_of, namespace_of, uid_of
from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
_PURPOSE = "operation"
_WAVE_SECONDS = 2.0
_WINDOW_SECONDS = 60.0
_APPROVED = "argocd.argoproj.io/deletion-approved"
_MIGRATION = "argocd.argoproj.io/client-side-apply-migration-manager"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PROPAGATIONS = {
    "PrunePropagationPolicy=background": "Background",
    "PrunePropagationPolicy=foreground": "Foreground",
    "PrunePropagationPolicy=orphan": "Orphan",
}


def proceed(cluster: Cluster, application: Object, fetching: Fetching) -> None:
    """Begins the operation that is asked for, or carries it on."""
    uid = uid_of(application)
    now = (application.get("status") or {}).get("operationState")
    if now is None or statuses.completed(now):
        now = {"phase": RUNNING, "operation": marks.copied(application["operation"]), "startedAt": cluster.stamp()}
        application = statuses.with_state(cluster, application, dict(now))
    current = marks.copied(now)
    if cluster.waits((uid, "wave")):
        return
    if current["phase"] == RUNNING and current.get("finishedAt"):
        if not _retries_now(cluster, application, current):
            return
        application = statuses.with_state(cluster, application, current)
    was_terminating = current["phase"] == TERMINATING
    if not _sync(cluster, application, current, fetching):
        return
    if current["phase"] in (FAILED, ERROR):
        _failed(cluster, application, current, was_terminating=was_terminating)
    statuses.with_state(cluster, application, current)
    if statuses.completed(current) or current.get("finishedAt"):
        fetching.forget(cluster, application, _PURPOSE)
    if statuses.completed(current) and not (current["operation"].get("sync") or {}).get("dryRun"):
        request(cluster, application, FORCE)


def seconds_of(text: Any, default: float) -> float:
    """A duration as Argo CD reads it: "5s", "3m", or a number of seconds."""
    written = str(text or "")
    if written.isdecimal():
        return float(written)
    parts = _DURATION.findall(written)
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else default


def _wait_seconds(retry: Mapping[str, Any], count: int) -> float:
    back_off = retry.get("backoff") or {}
    seconds = seconds_of(back_off.get("duration"), 5.0)
    most = seconds_of(back_off.get("maxDuration"), 180.0)
    factor = int(back_off["factor"]) if back_off.get("factor") is not None else 2
    waited = seconds * float(factor) ** count
    return min(waited, most) if most > 0 else waited


def _retries_now(cluster: Cluster, application: Object, current: Object) -> bool:
    """A failed operation that is to be tried again: whether its time has come."""
    uid, count = uid_of(application), int(current.get("retryCount", 0))
    if not cluster.memory.pop((uid, "retry", count), False):
        if not cluster.waits((uid, "retry", count)):
            _retry_later(cluster, application, current, count)
        return False
    retry = current["operation"].get("retry") or {}
    extra = ""
    if retry.get("refresh"):
        extra = " with latest revisions"
        current["operation"]["sync"].pop("revision", None)
        current["operation"]["sync"].pop("revisions", None)
    current["message"] = f"Retrying operation{extra}. Attempt #{count}"
    current.pop("finishedAt", None)
    current.pop("syncResult", None)
    return True


def _retry_later(cluster: Cluster, application: Object, current: Object, count: int) -> None:
    uid, key = uid_of(application), key_of(GROUP, RESOURCE, application)
    seconds = _wait_seconds(current["operation"].get("retry") or {}, max(count - 1, 0))

    def again() -> None:
        cluster.memory[uid, "retry", count] = True
        cluster.wake(NAME, key)

    cluster.later((uid, "retry", count), seconds, again)


def _failed(cluster: Cluster, application: Object, current: Object, *, was_terminating: bool) -> None:
    retry = current["operation"].get("retry") or {}
    count, limit = int(current.get("retryCount", 0)), int(retry.get("limit", 0))
    if not was_terminating and (count < limit or limit < 0):
        at = cluster.now() + timedelta(seconds=_wait_seconds(retry, count))
        shown = at.strftime("%I:%M%p").lstrip("0")
        current |= {"phase": RUNNING, "finishedAt": cluster.stamp(), "retryCount": count + 1}
        current["message"] = f"{current['message']}. Retrying attempt #{count + 1} at {shown}."
        _retry_later(cluster, application, current, count + 1)
    elif count:
        current["message"] = f"{current['message']} (retried {count} times)."


def _sync(cluster: Cluster, application: Object, current: Object, fetching: Fetching) -> bool:
    """One step of a sync, written into the state. Gives False while its manifests are under way."""
    wish = current["operation"].get("sync")
    if wish is None:
        current |= {"phase": ERROR, "message": "Invalid operation request: no operation specified"}
        return True
    spec = application["spec"]
    project, errors = project_of(cluster, application)
    if project is None:
        name = spec.get("project") or "default"
        why = f'appproject.argoproj.io "{name}" not found'
        current |= {"phase": ERROR, "message": f"Failed to load application project: {why}"}
        return True
    if _blocked(cluster, application, project, current):
        return True
    result = current.setdefault("syncResult", _first_result(spec, wish))
    sources, revisions = _wanted(result)
    outcome = fetching.get(cluster, application, sources, revisions, force=True, purpose=_PURPOSE, keep=True)
    if outcome is None:
        return False
    settings = configuration.read(cluster)
    objects = cluster.objects
    found = state.compare(cluster, objects, application, project, settings, outcome.manifested, outcome.failure)
    if found.revisions and not result.get("resolved"):
        if result.get("sources"):
            result["revisions"] = list(found.revisions)
        else:
            result["revision"] = found.revisions[0]
    refused = _refused(found, wish, errors)
    if refused is not None:
        current |= refused
        return True
    sync = Sync(
        objects,
        settings,
        _plan(application, project, found, current, wish, settings, objects),
        current["phase"],
        str(current.get("message", "")),
        _results(result),
    )
    if current["phase"] == TERMINATING:
        sync.terminate()
    else:
        sync.step()
    current["phase"], current["message"] = sync.phase, sync.message
    result["resources"] = [_written(one) for one in sync.results.values()]
    if sync.wave_ended and sync.phase == RUNNING:
        _wave(cluster, application)
    elif sync.phase == RUNNING:
        cluster.wake(NAME, key_of(GROUP, RESOURCE, application), seconds=_WAVE_SECONDS)
    if sync.phase == SUCCEEDED and not wish.get("dryRun") and not wish.get("resources"):
        _remember(cluster, application, found, current)
    return True


def _wanted(result: Mapping[str, Any]) -> tuple[list[Object], list[str]]:
    """The sources of a sync and their revisions, as it was asked for or as the sources say."""
    sources = result.get("sources") or [result.get("source") or {}]
    revisions = result.get("revisions") or [result.get("revision", "")]
    if len(revisions) != len(sources) or not any(revisions):
        revisions = [str(one.get("targetRevision") or "") for one in sources]
    return sources, revisions


def _blocked(cluster: Cluster, application: Object, project: Object, current: Object) -> bool:
    """Whether a sync window of the project holds the operation up; it goes on by itself once that is over."""
    if current["phase"] == TERMINATING:
        return False
    manual = not (current["operation"].get("initiatedBy") or {}).get("automated")
    why = windows.blocked(project, application, cluster.now(), manual=manual)
    if why:
        current["message"] = why
        cluster.wake(NAME, key_of(GROUP, RESOURCE, application), seconds=_WINDOW_SECONDS)
    return bool(why)


def _first_result(spec: Mapping[str, Any], wish: Mapping[str, Any]) -> Object:
    result: Object = {}
    if wish.get("sources") or wish.get("source"):
        result |= {"sources": marks.copied(wish["sources"])} if wish.get("sources") else {}
        result |= {"source": marks.copied(wish["source"])} if wish.get("source") else {}
    elif spec.get("sources"):
        result["sources"] = marks.copied(spec["sources"])
    else:
        result["source"] = marks.copied(spec.get("source") or {})
    if result.get("sources"):
        result["revisions"] = list(wish.get("revisions") or [])
    else:
        result["revision"] = str(wish.get("revision") or "")
    return result


def _refused(found: Comparison, wish: Mapping[str, Any], errors: Sequence[str]) -> Object | None:
    options = wish.get("syncOptions") or ()
    shared = [message for kind, message in found.conditions if kind == state.SHARED]
    if "FailOnSharedResource=true" in options and shared:
        return {"phase": FAILED, "message": f"Shared resource found: {shared[0]}"}
    problems = [one for one in found.conditions if one[0] in (state.COMPARISON_ERROR, state.INVALID)]
    problems += [(state.INVALID, text) for text in errors]
    if problems:
        return {"phase": ERROR, "message": ";".join(f"{kind}: {message}" for kind, message in problems)}
    return None


def _plan(
    application: Object,
    project: Object,
    found: Comparison,
    current: Object,
    wish: Mapping[str, Any],
    settings: configuration.Configuration,
    objects: Objects,
) -> Plan:
    spec = application["spec"]
    options = list(wish.get("syncOptions") or ())
    strategy = wish.get("syncStrategy") or {}
    chosen = wish.get("resources") or ()
    resources: Sequence[Resource] = found.resources
    if "RespectIgnoreDifferences=true" in options:
        comparer = Comparer(objects, settings, application)
        resources = [_respecting(comparer, one) for one in resources]
    migrate = annotations_of(application).get(_MIGRATION, "kubectl-client-side-apply")
    manner = Manner(
        server_side="ServerSideApply=true" in options,
        replace="Replace=true" in options,
        force=bool((strategy.get("apply") or strategy.get("hook") or {}).get("force")),
        validate="Validate=false" not in options,
        migrate="" if "ClientSideApplyMigration=false" in options else migrate,
        propagation=next((_PROPAGATIONS[one] for one in options if one in _PROPAGATIONS), "Foreground"),
    )
    return Plan(
        namespace=str((spec.get("destination") or {}).get("namespace") or ""),
        resources=resources,
        hooks=found.hooks,
        revision=(found.revisions or [""])[0],
        started_at=_time(current["startedAt"]),
        manner=manner,
        prune=bool(wish.get("prune")),
        prune_confirmed=_confirmed(application, current["startedAt"]),
        prune_last="PruneLast=true" in options,
        dry_run=bool(wish.get("dryRun")),
        skip_hooks=strategy.get("apply") is not None or bool(chosen),
        out_of_sync_only="ApplyOutOfSyncOnly=true" in options,
        skip_dry_run_on_missing="SkipDryRunOnMissingResource=true" in options,
        create_namespace="CreateNamespace=true" in options,
        namespace_metadata=(spec.get("syncPolicy") or {}).get("managedNamespaceMetadata"),
        selected=lambda one: _selected(one, chosen) and marks.is_own(one.live, one.target, settings.tracking),
        permitted=lambda body, type_: _permitted(project, body, type_),
    )


def _respecting(comparer: Comparer, one: Resource) -> Resource:
    if one.target is None or one.live is None:
        return one
    target = comparer.patched_for_ignored(one.target, one.live)
    return Resource(target, one.live, one.type_, one.modified, one.status, one.requires_pruning)


def _selected(one: Resource, chosen: Sequence[Mapping[str, Any]]) -> bool:
    if not chosen:
        return True
    body = one.body
    mine = (group_of(body), str(body["kind"]), name_of(body))
    return any(
        mine == (str(each.get("group") or ""), str(each.get("kind")), str(each.get("name")))
        and str(each.get("namespace") or namespace_of(body)) == namespace_of(body)
        for each in chosen
    )


def _permitted(project: Object, body: Object, type_: ResourceType) -> str:
    name, kind = name_of(project), str(body["kind"])
    if not projects.kind_permitted(project, type_.group, kind, namespaced=type_.namespaced):
        return f"resource {type_.group}:{kind} is not permitted in project {name}"
    namespace = namespace_of(body)
    if type_.namespaced and not projects.destination_permitted(project, namespace):
        return f"namespace {namespace} is not permitted in project '{name}'"
    return ""


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _confirmed(application: Object, since: str) -> bool:
    """Whether somebody has approved of deletions after that time."""
    text = annotations_of(application).get(_APPROVED, "")
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")) >= _time(since)
    except (ValueError, TypeError):
        return False


def _results(result: Mapping[str, Any]) -> dict[tuple[str, str, str, str, str], Result]:
    found = {}
    for one in result.get("resources") or ():
        parts = ("group", "kind", "namespace", "name", "syncPhase")
        key = tuple(str(one.get(part) or "") for part in parts)
        group, kind, namespace, name, phase = key
        found[group, kind, namespace, name, phase] = Result(
            (group, kind, namespace, name, phase),
            str(one.get("version", "")),
            str(one.get("status") or ""),
            str(one.get("hookPhase") or ""),
            str(one.get("message") or ""),
            bool(one.get("hookType")),
            one.get("images") or (),
        )
    return found


def _written(one: Result) -> Object:
    group, kind, namespace, name, phase = one.key
    found: Object = {"group": group, "version": one.version, "kind": kind, "namespace": namespace, "name": name}
    found |= {"status": one.status, "message": one.message, "hookPhase": one.state, "syncPhase": phase}
    found |= {"hookType": phase} if one.is_hook else {}
    found |= {"images": list(one.images)} if one.images else {}
    required = ("group", "version", "kind", "namespace", "name")
    return {part: value for part, value in found.items() if value or part in required}


def _wave(cluster: Cluster, application: Object) -> None:
    """Lets other controllers react before the next wave, as the real one does for two seconds."""
    key = key_of(GROUP, RESOURCE, application)
    cluster.later((uid_of(application), "wave"), _WAVE_SECONDS, lambda: cluster.wake(NAME, key))


def _remember(cluster: Cluster, application: Object, found: Comparison, current: Object) -> None:
    fresh = cluster.store.get(key_of(GROUP, RESOURCE, application))
    if fresh is not None:
        status = dict(fresh.get("status") or {})
        status["history"] = statuses.history_with(application, status, found, current, cluster.stamp())
        cluster.save_status(GROUP, RESOURCE, fresh, status)
