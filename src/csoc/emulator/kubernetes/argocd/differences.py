"""Whether a live object differs from what is wanted, after everything that is not to be seen was taken away.

Source: gitops-engine pkg/diff/diff.go (Diff, ThreeWayDiff, ServerSideDiff, Normalize); Argo CD
util/argo/normalizers/{diff_normalizer,knowntypes_normalizer}.go, util/argo/diff/{diff,normalize}.go,
util/argo/managedfields/managed_fields.go. Objects that are applied server-side are compared by a dry run of that apply.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from csoc.emulator.kubernetes.argocd import jqpaths, threeway
from csoc.emulator.kubernetes.argocd.configuration import Configuration
from csoc.emulator.kubernetes.argocd.marks import COMPARE_OPTIONS, LAST_APPLIED, TRACKING, copied, has_option
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.kinds import conforming, defaults, schemas
from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.kinds.schemas import LIST, MAP, SCALAR, Schema
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects import fieldsets, managers
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.parts import annotations_of, labels_of, quantity
from csoc.emulator.kubernetes.objects.writing import Objects

MANAGER = "argocd-controller"
Object = dict[str, Any]
_MOST_ANSWERS = 20_000


class _Answers:
    """Answers by question, for all Applications of the process: an object that did not change since it was compared is
    not compared again. The oldest are forgotten. Threads may share it."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, bool] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, asked: bytes) -> bool | None:
        with self._lock:
            return self._known.get(asked)

    def keep(self, asked: bytes, found: bool) -> None:
        with self._lock:
            self._known[asked] = found
            while len(self._known) > _MOST_ANSWERS:
                self._known.popitem(last=False)


_ANSWERS = _Answers()
_SERVER_FIELDS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")


class Comparer:
    """Compares the objects of one Application."""

    def __init__(self, objects: Objects, settings: Configuration, application: Mapping[str, Any]) -> None:
        self._objects = objects
        self._settings = settings
        spec = application["spec"]
        self._rules = [*(spec.get("ignoreDifferences") or ()), *settings.ignored]
        options = (spec.get("syncPolicy") or {}).get("syncOptions") or ()
        self._server_side = has_option(application, "ServerSideDiff=true", COMPARE_OPTIONS) or (
            "ServerSideApply=true" in options and not has_option(application, "ServerSideDiff=false", COMPARE_OPTIONS)
        )

    def differs(self, type_: ResourceType | None, target: Object, live: Object) -> bool:
        """Whether an apply would change the live object. Raises JqError, ApiError."""
        asked = self._question(type_, target, live)
        found = _ANSWERS.get(asked)
        if found is None:
            predicted, shown = self._pair(type_, target, live)
            found = predicted != shown
            _ANSWERS.keep(asked, found)
        return found

    def _question(self, type_: ResourceType | None, target: Object, live: Object) -> bytes:
        """Names everything that the answer depends on."""
        there = {name: value for name, value in live.items() if name != "status" or not self._ignores_status(live)}
        metadata = {name: value for name, value in live["metadata"].items() if name != "resourceVersion"}
        server_side = self._server_side or has_option(target, "ServerSideApply=true")
        settings = [self._settings.tracking, self._settings.label, self._settings.aggregated_roles]
        own = self._objects.store.version if server_side else 0
        custom = type_ is None or type_.custom is not None
        asked = [target, there | {"metadata": metadata}, self._rules, settings, own, custom]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).digest()

    def _pair(self, type_: ResourceType | None, target: Object, live: Object) -> tuple[Object, Object]:
        wanted, there = self._normalised(type_, target, live), self._normalised(type_, live, live)
        self._same_tracking(wanted, there)
        if type_ is not None and (self._server_side or has_option(target, "ServerSideApply=true")):
            predicted = self._applied(type_, target)
            return self._shown(type_, self._normalised(type_, predicted, live)), self._shown(type_, there)
        text = annotations_of(live).get(LAST_APPLIED)
        original = _loaded(text)
        before = self._normalised(type_, original, live) if original is not None else copied(wanted)
        for body in (before, wanted):
            body["metadata"].pop("namespace", None)
            if not body["metadata"].get("annotations"):
                body["metadata"].pop("annotations", None)
        predicted = threeway.merged(_schema(type_), before, wanted, there)
        return self._shown(type_, predicted), self._shown(type_, there)

    def _same_tracking(self, wanted: Object, live: Object) -> None:
        """What another way of tracking marked is not different for that alone (resource_tracking.Normalize)."""
        if self._settings.tracking == "label" or self._settings.label not in labels_of(live):
            return
        mine = annotations_of(wanted).get(TRACKING)
        if mine is not None:
            live["metadata"]["annotations"] = dict(annotations_of(live)) | {TRACKING: mine}
        if self._settings.label not in labels_of(wanted):
            live["metadata"]["labels"] = {k: v for k, v in labels_of(live).items() if k != self._settings.label}

    def _applied(self, type_: ResourceType, target: Object) -> Object:
        namespace = str(target["metadata"].get("namespace") or "")
        options = Options(manager=MANAGER, force=True, dry_run=True)
        sent = copied(target)
        sent.pop("status", None)
        return self._objects.apply(type_, namespace, sent, options)

    def _normalised(self, type_: ResourceType | None, body: Object, live: Object) -> Object:
        """A copy without what is never compared and what rules say to ignore."""
        made = copied(body)
        metadata = made.setdefault("metadata", {})
        metadata.pop("creationTimestamp", None)
        if made.get("kind") == "Secret" and group_of(made) == "":
            _normalise_secret(made)
        if group_of(made) == "rbac.authorization.k8s.io" and made.get("kind") in ("Role", "ClusterRole"):
            if self._settings.aggregated_roles and isinstance(made.get("aggregationRule"), Mapping):
                made["rules"] = None
            if made.get("rules") == []:
                made["rules"] = None
        if self._ignores_status(made):
            made.pop("status", None)
        self._ignore(type_, made, live)
        return made

    def _ignores_status(self, body: Object) -> bool:
        is_definition = body.get("kind") == "CustomResourceDefinition"
        return self._settings.status_ignored == "all" or (self._settings.status_ignored == "crd" and is_definition)

    def _ignore(self, type_: ResourceType | None, body: Object, live: Object) -> None:
        for rule in self._rules:
            if not concerns(rule, body):
                continue
            found = [_pointer(one) for one in rule.get("jsonPointers") or ()]
            for expression in rule.get("jqPathExpressions") or ():
                found += jqpaths.paths(str(expression), body)
            jqpaths.remove(body, found)
            trusted = rule.get("managedFieldsManagers") or ()
            if trusted and type_ is not None:
                for entry in managers.read(live["metadata"].get("managedFields")).values():
                    if entry.manager in trusted:
                        _without_fields(type_.schema, body, entry.fields)

    def _shown(self, type_: ResourceType | None, body: Object) -> Object:
        """As it is compared: with defaults, quantities in one form, without what the server alone writes."""
        made = copied(body)
        for name in _SERVER_FIELDS:
            made["metadata"].pop(name, None)
        annotations = {name: text for name, text in annotations_of(made).items() if name != LAST_APPLIED}
        made["metadata"].pop("annotations", None)
        if annotations:
            made["metadata"]["annotations"] = annotations
        if type_ is None or type_.custom is not None:
            return made
        try:
            known: Object = conforming.conform(type_.schema, made, [])
        except conforming.WrongTypeError:
            return made  # not of its type: compared as it is written, and refused when it is applied
        found: Object = schemas.with_values(type_.schema, known)
        defaults.fill(type_, found)
        shown: Object = _plain(type_.schema, found)
        return shown

    def patched_for_ignored(self, target: Object, live: Object) -> Object:
        """The target with the live values where differences are ignored (normalizeTargetResources)."""
        made = copied(target)
        for rule in self._rules:
            if not concerns(rule, target):
                continue
            found = [_pointer(one) for one in rule.get("jsonPointers") or ()]
            for expression in rule.get("jqPathExpressions") or ():
                found += jqpaths.paths(str(expression), live)
            for path in found:
                _put(made, path, jqpaths.get(live, path))
            trusted = rule.get("managedFieldsManagers") or ()
            for entry in managers.read(live["metadata"].get("managedFields")).values() if trusted else ():
                if entry.manager in trusted:
                    for fields in entry.fields:
                        path = tuple(one[2:] for one in fields if one.startswith("f:"))
                        if len(path) == len(fields):
                            _put(made, path, jqpaths.get(live, path))
        return made


def concerns(rule: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a rule of ignoreDifferences is about an object."""
    metadata = body.get("metadata") or {}
    wanted = (
        (rule.get("group") or "", group_of(body)),
        (rule.get("kind") or "", str(body.get("kind", ""))),
        (rule.get("namespace") or "*", str(metadata.get("namespace") or "")),
        (rule.get("name") or "*", str(metadata.get("name") or "")),
    )
    return all(fnmatchcase(found, str(pattern)) for pattern, found in wanted)


def _put(body: Object, path: jqpaths.Path, value: Any) -> None:
    parent: Any = body
    for step in path[:-1]:
        below = jqpaths.get(parent, (step,))
        if below is None and isinstance(parent, dict) and isinstance(step, str) and value is not None:
            below = parent[step] = {}
        parent = below
    step = path[-1] if path else ""
    if isinstance(parent, dict):
        if value is None:
            parent.pop(step, None)
        else:
            parent[step] = copied(value)
    elif isinstance(parent, list) and isinstance(step, int) and step < len(parent):
        parent[step] = copied(value)


def _schema(type_: ResourceType | None) -> Schema | None:
    return type_.schema if type_ is not None and type_.custom is None else None


def _loaded(text: str | None) -> Object | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("metadata"), dict) else None


def _pointer(text: str) -> jqpaths.Path:
    """A JSON pointer (RFC 6901) as a path."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in str(text).split("/")[1:]]
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def _normalise_secret(body: Object) -> None:
    """stringData is what the server makes of it; nothing is an empty text."""
    given = body.pop("stringData", None)
    data = {name: _unbroken(value) for name, value in (body.get("data") or {}).items()}
    for name, value in (given or {}).items():
        data[name] = base64.b64encode(value.encode()).decode() if isinstance(value, str) else value
    body.pop("data", None)
    if data:
        body["data"] = data


def _unbroken(value: Any) -> Any:
    """Base64 without line breaks, which Go's decoder skips, so that the server keeps none."""
    return value.replace("\n", "").replace("\r", "") if isinstance(value, str) else value or ""


def _without_fields(schema: Schema, body: Any, fields: fieldsets.FieldSet) -> None:
    """Takes the fields of a manager out of an object."""
    for path in sorted(fields, key=len, reverse=True):
        _drop(schema, body, path)


def _drop(schema: Schema, value: Any, path: fieldsets.Path) -> None:
    first, rest = path[0], path[1:]
    if first.startswith("f:") and isinstance(value, dict):
        name = first[2:]
        if name not in value:
            return
        if rest:
            _drop(schema.child(name), value[name], rest)
        else:
            del value[name]
    elif isinstance(value, list) and schema.kind == LIST:
        for number, item in enumerate(value):
            if fieldsets.item(schema, item) == first:
                if rest and schema.element is not None:
                    _drop(schema.element, item, rest)
                elif not rest:
                    del value[number]
                return


def _plain(schema: Schema, value: Any) -> Any:
    """Without nulls, and with quantities as numbers."""
    if value is None:
        return None
    if schema.kind == SCALAR and schema.scalar == "quantity":
        try:
            return quantity(value)
        except ValueError:
            return value
    if isinstance(value, dict) and schema.kind == MAP:
        return {name: _plain(schema.child(name), part) for name, part in value.items() if part is not None}
    if isinstance(value, list) and schema.kind == LIST and schema.element is not None:
        return [_plain(schema.element, part) for part in value]
    return value


def comparison_error(error: ApiError | jqpaths.JqError) -> str:
    return error.message if isinstance(error, ApiError) else str(error)
