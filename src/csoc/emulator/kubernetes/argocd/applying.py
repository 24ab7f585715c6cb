"""How one object is written: applied by the client, by the server, replaced, created, deleted.

Source: gitops-engine pkg/sync/sync_context.go (applyObject, pruneObject), pkg/utils/kube/resource_ops.go; kubectl
v0.34 pkg/cmd/apply (messages). A dry run of a client-side apply asks no server, as there, so it fails for what is no
object of its kind alone.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes.argocd import marks, threeway
from csoc.emulator.kubernetes.argocd.differences import MANAGER
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects.options import IGNORE, STRICT, Options
from csoc.emulator.kubernetes.objects.parts import annotations_of, name_of, namespace_of
from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
SYNCED, FAILED, PRUNED, PRUNE_SKIPPED = "Synced", "SyncFailed", "Pruned", "PruneSkipped"
_TRIES = 5
_CLIENT_MANAGER = "kubectl-client-side-apply"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sync writes, as its options say."""

    server_side: bool = False
    replace: bool = False
    force: bool = False
    validate: bool = True
    migrate: str = _CLIENT_MANAGER
    propagation: str = "Foreground"


def apply(
    objects: Objects, type_: ResourceType, target: Object, live: Object | None, manner: Manner, *, dry_run: bool
) -> tuple[str, str]:
    """(Synced or SyncFailed, kubectl's words)."""
    wanted = marks.copied(target)
    if not type_.namespaced:
        wanted["metadata"].pop("namespace", None)
    strict = manner.validate and not marks.has_option(target, "Validate=false")
    options = Options(manager=MANAGER, dry_run=dry_run, validation=STRICT if strict else IGNORE)
    replace = (manner.replace or marks.has_option(target, "Replace=true")) and not marks.has_option(
        target, "Replace=false"
    )
    force = manner.force or marks.has_option(target, "Force=true")
    server_side = not dry_run and _server_side(target, manner)
    try:
        if dry_run:
            return SYNCED, f"{_shown(type_, wanted)} {'configured' if live else 'created'} (dry run)"
        if replace:
            return SYNCED, _replaced(objects, type_, wanted, live, options, force=force)
        if server_side:
            return SYNCED, _applied_by_server(objects, type_, wanted, live, options, manner)
        return SYNCED, _applied_by_client(objects, type_, wanted, options, force=force)
    except ApiError as error:
        return FAILED, error.message


def _server_side(target: Object, manner: Manner) -> bool:
    if marks.has_option(target, "ServerSideApply=false"):
        return False
    return manner.server_side or marks.has_option(target, "ServerSideApply=true")


def _shown(type_: ResourceType, body: Mapping[str, Any]) -> str:
    """As kubectl names what it changed: "deployment.apps/web"."""
    full = f"{type_.kind.lower()}.{type_.group}" if type_.group else type_.kind.lower()
    return f"{full}/{name_of(body)}"


def _get(objects: Objects, type_: ResourceType, body: Object) -> Object | None:
    try:
        return objects.get(type_, namespace_of(body), name_of(body))
    except ApiError as error:
        if error.reason == "NotFound":
            return None
        raise


def _with_last_applied(wanted: Object) -> Object:
    made = marks.copied(wanted)
    annotations = {name: text for name, text in annotations_of(made).items() if name != marks.LAST_APPLIED}
    plain = marks.copied(made)
    plain["metadata"]["annotations"] = annotations
    kept = json.dumps(plain, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    made["metadata"]["annotations"] = annotations | {marks.LAST_APPLIED: kept}
    return made


def _applied_by_client(objects: Objects, type_: ResourceType, wanted: Object, options: Options, *, force: bool) -> str:
    sent = _with_last_applied(wanted)
    for attempt in range(_TRIES):
        live = _get(objects, type_, wanted)
        if live is None:
            objects.create(type_, namespace_of(wanted), sent, options)
            return f"{_shown(type_, wanted)} created"
        before = _last_applied(live) or {}
        merged = threeway.merged(type_.schema if type_.custom is None else None, before, sent, live)
        if merged == live:
            return f"{_shown(type_, wanted)} unchanged"
        try:
            after = objects.update(type_, namespace_of(wanted), name_of(wanted), merged, options)
        except ApiError as error:
            if error.reason == "Conflict" and attempt < _TRIES - 1:
                continue
            if force and error.reason in ("Invalid", "Conflict"):
                return _recreated(objects, type_, sent, options)
            raise
        same = after["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
        return f"{_shown(type_, wanted)} {'unchanged' if same else 'configured'}"
    raise AssertionError("the last try raises")


def _last_applied(live: Object) -> Object | None:
    text = annotations_of(live).get(marks.LAST_APPLIED)
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _applied_by_server(
    objects: Objects,
    type_: ResourceType,
    wanted: Object,
    live: Object | None,
    options: Options,
    manner: Manner,
) -> str:
    options.force = True
    fields = (live or {"metadata": {}})["metadata"].get("managedFields") or ()
    if live is not None and manner.migrate and any(one.get("manager") == manner.migrate for one in fields):
        mine = copy.copy(options)
        mine.manager = manner.migrate
        _applied_by_client(objects, type_, wanted, mine, force=False)
    objects.apply(type_, namespace_of(wanted), wanted, options)
    return f"{_shown(type_, wanted)} serverside-applied"


def _replaced(
    objects: Objects, type_: ResourceType, wanted: Object, live: Object | None, options: Options, *, force: bool
) -> str:
    if live is None:
        objects.create(type_, namespace_of(wanted), wanted, options)
        return f"{_shown(type_, wanted)} created"
    if type_.kind in ("CustomResourceDefinition", "Namespace"):
        wanted["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        objects.update(type_, namespace_of(wanted), name_of(wanted), wanted, options)
        return f"{type_.kind}/{name_of(wanted)} updated"
    if force:
        return _recreated(objects, type_, wanted, options, word="replaced")
    objects.update(type_, namespace_of(wanted), name_of(wanted), wanted, options)
    return f"{_shown(type_, wanted)} replaced"


def _recreated(
    objects: Objects, type_: ResourceType, wanted: Object, options: Options, word: str = "configured"
) -> str:
    """Deleted at once and made anew, as `--force` does."""
    delete(objects, type_, namespace_of(wanted), name_of(wanted), "Background", grace_seconds=0)
    wanted["metadata"].pop("resourceVersion", None)
    objects.create(type_, namespace_of(wanted), wanted, options)
    return f"{_shown(type_, wanted)} {word}"


def prune(
    objects: Objects, type_: ResourceType, live: Object, propagation: str, *, allowed: bool, dry_run: bool
) -> tuple[str, str]:
    """(Pruned, PruneSkipped or SyncFailed, why)."""
    if not allowed:
        return PRUNE_SKIPPED, "ignored (requires pruning)"
    if marks.has_option(live, "Prune=false"):
        return PRUNE_SKIPPED, "ignored (no prune)"
    if dry_run:
        return PRUNED, "pruned (dry run)"
    if not live["metadata"].get("deletionTimestamp"):
        try:
            delete(objects, type_, namespace_of(live), name_of(live), propagation)
        except ApiError as error:
            return FAILED, error.message
    return PRUNED, "pruned"


def delete(
    objects: Objects, type_: ResourceType, namespace: str, name: str, propagation: str, grace_seconds: int | None = None
) -> None:
    """Asks for a deletion; what is not there is no error. Raises ApiError."""
    try:
        objects.delete(type_, namespace, name, Options(propagation=propagation, grace_seconds=grace_seconds))
    except ApiError as error:
        if error.reason != "NotFound":
            raise
