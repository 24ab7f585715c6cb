"""What one sync is to do: the plan, and the tasks that it comes to.

Source: gitops-engine pkg/sync/sync_context.go, getSyncTasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes.argocd import marks
from csoc.emulator.kubernetes.argocd.applying import Manner
from csoc.emulator.kubernetes.argocd.state import Resource, managed_namespace, type_of
from csoc.emulator.kubernetes.argocd.tasks import Task
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects.parts import name_of, namespace_of
from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to sync and how. selected: whether an object is part of this sync. permitted: why an object may not be
    (AppProject), "" if it may. namespace_metadata: of CreateNamespace; None with create_namespace False."""

    namespace: str
    resources: Sequence[Resource]
    hooks: Sequence[Object]
    revision: str
    started_at: datetime
    manner: Manner
    prune: bool = False
    prune_confirmed: bool = False
    prune_last: bool = False
    dry_run: bool = False
    skip_hooks: bool = False
    out_of_sync_only: bool = False
    skip_dry_run_on_missing: bool = False
    create_namespace: bool = False
    namespace_metadata: Any = None
    selected: Callable[[Resource], bool] = lambda _: True
    permitted: Callable[[Object, ResourceType], str] = lambda *_: ""


def tasks_of(plan: Plan, objects: Objects) -> list[Task]:
    """Every task of a sync, in no order yet."""
    tasks = []
    for resource in plan.resources:
        body = resource.target if resource.target is not None else resource.body
        if plan.selected(resource) and not marks.is_hook(body):
            tasks += [Task(phase, resource.target, resource.live) for phase in marks.phases(body)]
    for hook in [] if plan.skip_hooks else plan.hooks:
        tasks += [Task(phase, _hook(plan, hook, phase)) for phase in marks.phases(hook)]
    for one in tasks:
        if one.target is not None and not namespace_of(one.target) and _is_namespaced(objects, one.target):
            one.target = marks.copied(one.target)
            one.target["metadata"]["namespace"] = plan.namespace
    if plan.create_namespace and plan.namespace:
        tasks += _namespace_task(plan, objects)
    for one in tasks:
        if one.target is not None and one.live is None:
            one.live = live_of(objects, one.target)
    return tasks


def _is_namespaced(objects: Objects, body: Object) -> bool:
    type_ = type_of(objects, body)
    return type_ is None or type_.namespaced


def _hook(plan: Plan, hook: Object, phase: str) -> Object:
    target = marks.copied(hook)
    metadata = target["metadata"]
    if not metadata.get("name"):
        revision = plan.revision[:7] if len(plan.revision) >= 8 else plan.revision
        ending = f"{revision}-{phase}-{int(plan.started_at.timestamp())}".lower()
        metadata["name"] = f"{metadata.pop('generateName', '')}{ending}"
    finalizers = metadata.get("finalizers") or []
    if marks.HOOK_FINALIZER not in finalizers:
        metadata["finalizers"] = [*finalizers, marks.HOOK_FINALIZER]
    return target


def _namespace_task(plan: Plan, objects: Objects) -> list[Task]:
    name = plan.namespace
    wanted = [one.target for one in plan.resources if one.target is not None]
    if any(one["kind"] == "Namespace" and group_of(one) == "" and name_of(one) == name for one in wanted):
        return []
    body = managed_namespace(name, plan.namespace_metadata)
    live = live_of(objects, body)
    if live is not None and plan.namespace_metadata is None:
        return []
    return [Task("PreSync", body, live)]


def live_of(objects: Objects, target: Object) -> Object | None:
    """What the cluster has of an object; None for what is not there, or not served."""
    type_ = type_of(objects, target)
    if type_ is None or not target["metadata"].get("name"):
        return None
    try:
        return objects.get(type_, namespace_of(target), name_of(target))
    except ApiError as error:
        if error.reason == "NotFound":
            return None
        raise


def may_skip_dry_run(plan: Plan, one: Task) -> bool:
    """True if a kind that is not served yet is no mistake: it is wished so, or this sync brings it."""
    if plan.skip_dry_run_on_missing or marks.has_option(one.target, "SkipDryRunOnMissingResource=true"):
        return True
    for body in [*plan.hooks, *(each.target for each in plan.resources)]:
        spec = (body or {}).get("spec") or {}
        if body is not None and body["kind"] == "CustomResourceDefinition":
            names = spec.get("names") or {}
            if spec.get("group") == group_of(one.body) and names.get("kind") == one.kind:
                return True
    return False


def not_served(objects: Objects, one: Task) -> str:
    """AugmentSyncMsg of util/argo/argo.go: what the bare words mean."""
    group, kind, namespace, name, _ = one.key
    same = next((found for found in objects.types if (found.group, found.kind) == (group, kind)), None)
    if same is None:
        return (
            f"The Kubernetes API could not find {group}/{kind} for requested resource {namespace}/{name}. Make "
            f'sure the "{kind}" CRD is installed on the destination cluster.'
        )
    version = str(one.body["apiVersion"]).rpartition("/")[2]
    return (
        f'The Kubernetes API could not find version "{version}" of {group}/{kind} for requested resource '
        f'{namespace}/{name}. Version "{same.version}" of {group}/{kind} is installed on the destination cluster.'
    )
