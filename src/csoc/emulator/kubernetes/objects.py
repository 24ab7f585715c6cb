"""What the API does with one object: create, update, patch, apply, delete, with all that the server adds and checks.

Clients over HTTP, Argo CD when it syncs, and controllers when they make a pod go this way. Whatever else controllers
write (`controllers.cluster.Cluster`) goes straight into the store: they know what they write, nothing of it is checked
or defaulted, and nobody is told as its owner in managedFields. Deletion is the same for all (`deleting`).
"""

from __future__ import annotations

import copy
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes import (
    admission,
    allocation,
    conforming,
    conversion,
    custom,
    defaults,
    deleting,
    errors,
    fieldsets,
    managers,
    patches,
    schemas,
    subresources,
    validation,
)
from csoc.emulator.kubernetes.bodies import Body
from csoc.emulator.kubernetes.managers import Writer
from csoc.emulator.kubernetes.store import Key, Object, Store
from csoc.emulator.kubernetes.types import ResourceType, Types, types_of
from csoc.emulator.kubernetes.users import SYSTEM, User

IGNORE, WARN, STRICT = "Ignore", "Warn", "Strict"
_NAME_TRIES = 8
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Of generated names. Source: apimachinery, pkg/util/rand."""

Guard = Callable[["Objects", ResourceType, Object, Object | None, "Options"], None]
"""Asked before an object is written, with the new and the old object; raises ApiError to refuse it."""

PodAdmission = Callable[[Object], None]
"""Changes a new pod, as a webhook of its cloud does."""


@dataclass(slots=True)
class Options:
    """How a change is asked for. manager: who owns the fields. validation: what happens to unknown fields. warnings:
    filled with what the client should be told."""

    manager: str = "unknown"
    user: User = SYSTEM
    dry_run: bool = False
    force: bool = False
    validation: str = IGNORE
    warnings: list[str] = field(default_factory=list)
    propagation: str = ""
    grace_seconds: int | None = None
    expected_uid: str = ""
    expected_version: str = ""


class Objects:
    """The objects of one cluster, as its API changes them. Threads may share it."""

    __slots__ = ("_guards", "_now", "admit_pod", "store")

    def __init__(self, store: Store, now: Callable[[], datetime], guards: tuple[Guard, ...] = ()) -> None:
        self.store = store
        self._now = now
        self._guards = guards
        self.admit_pod: PodAdmission | None = None

    @property
    def types(self) -> Types:
        return types_of(self.store)

    def stamp(self) -> str:
        """Now, as objects carry it."""
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def now(self) -> datetime:
        return self._now()

    def key(self, type_: ResourceType, namespace: str, name: str) -> Key:
        """Where an object of a type is kept."""
        return Key(*type_.place, namespace if type_.namespaced else "", name)

    def get(self, type_: ResourceType, namespace: str, name: str) -> Object:
        """The object in the version of the type. Raises ApiError NotFound."""
        found = self.store.get(self.key(type_, namespace, name))
        if found is None:
            raise errors.not_found(type_.plural, type_.group, name)
        return conversion.served(type_, found)

    def create(
        self, type_: ResourceType, namespace: str, body: Body | Object, options: Options | None = None
    ) -> Object:
        """A new object. Raises ApiError."""
        options = options or Options()
        sent = self._received(type_, body, options)
        metadata = sent["metadata"]
        self._place(type_, namespace, metadata)
        generated = not metadata.get("name") and bool(metadata.get("generateName"))
        for attempt in range(_NAME_TRIES):
            new = copy.deepcopy(sent)
            if generated:
                prefix = metadata["generateName"][:58]
                new["metadata"]["name"] = prefix + "".join(secrets.choice(_ALPHABET) for _ in range(5))
            try:
                return self._created(type_, new, options)
            except errors.ApiError as error:
                if not generated or error.reason != "AlreadyExists" or attempt == _NAME_TRIES - 1:
                    raise
        raise AssertionError("the last try raises")

    def _created(self, type_: ResourceType, new: Object, options: Options) -> Object:
        metadata = new["metadata"]
        for name in ("uid", "creationTimestamp", "resourceVersion", "selfLink", "deletionTimestamp"):
            if name == "resourceVersion" and metadata.get(name):
                why = "resourceVersion should not be set on objects to be created"
                raise errors.ApiError(500, "", why)
            metadata.pop(name, None)
        metadata.pop("generation", None)
        metadata.pop("deletionGracePeriodSeconds", None)
        new = self._begun(type_, new)
        writer = replace(self._writer(type_, options, ""), ignored=_ignored(type_, ""))
        new = managers.update(type_.schema, self._nothing(type_), new, writer)
        self._finished(type_, new, options)
        return self._stored(type_, new, None, options, create=True)

    def _begun(self, type_: ResourceType, new: Object) -> Object:
        """A new object with its identity and the defaults of its kind."""
        subresources.for_create(type_, new)
        new["metadata"]["uid"] = str(uuid.uuid4())
        new["metadata"]["creationTimestamp"] = self.stamp()
        if subresources.has_generation(type_):
            new["metadata"]["generation"] = 1
        return self._defaulted(type_, new)

    def _finished(self, type_: ResourceType, new: Object, options: Options) -> None:
        """Adds what admission and storage decide: nobody owns that."""
        admission.admit(self, type_, new, None, options)
        if type_.custom is None:
            allocation.prepare(self, type_, new, None, options.warnings)

    def update(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        body: Body | Object,
        options: Options | None = None,
        subresource: str = "",
    ) -> Object:
        """Replaces an object, or the part of it that a subresource is. Raises ApiError NotFound, Conflict, Invalid."""
        options = options or Options()
        if subresource == "scale":
            return self._scale(type_, namespace, name, lambda _: _data(body), options)
        sent = self._received(type_, body, options)
        self._place(type_, namespace, sent["metadata"], name)
        live = self.store.get(self.key(type_, namespace, name))
        if live is None:
            raise errors.not_found(type_.plural, type_.group, name)
        live = conversion.served(type_, live)
        return self._changed(type_, live, sent, options, subresource)

    def patch(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        kind: str,
        body: Body,
        options: Options | None = None,
        subresource: str = "",
    ) -> Object:
        """Changes an object by a patch. kind: patches.JSON, MERGE, STRATEGIC or APPLY. Raises ApiError."""
        options = options or Options()
        if subresource == "scale":
            if kind == patches.APPLY:
                raise errors.bad_request("the emulator offers no server-side apply of the scale subresource")
            return self._scale(
                type_, namespace, name, lambda scale: patches.patched(None, kind, scale, body.data), options
            )
        for attempt in range(5):
            live = self.store.get(self.key(type_, namespace, name))
            if kind == patches.APPLY:
                return self._applied(type_, namespace, name, live, body, options, subresource)
            if live is None:
                raise errors.not_found(type_.plural, type_.group, name)
            live = conversion.served(type_, live)
            made = patches.patched(type_.schema if type_.custom is None else None, kind, live, body.data)
            given = isinstance(body.data, dict) and (body.data.get("metadata") or {}).get("resourceVersion")
            sent = self._received(type_, Body(made, body.duplicates), options, patch=True)
            if not given and kind != patches.JSON:
                sent["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            self._place(type_, namespace, sent["metadata"], name)
            try:
                return self._changed(type_, live, sent, options, subresource)
            except errors.ApiError as error:
                if error.reason != "Conflict" or given or attempt == 4:
                    raise
        raise AssertionError("the last try raises")

    def apply(
        self,
        type_: ResourceType,
        namespace: str,
        body: Object,
        options: Options | None = None,
        subresource: str = "",
    ) -> Object:
        """Server-side apply of an object that says its name."""
        name = body.get("metadata", {}).get("name", "")
        return self.patch(type_, namespace, name, patches.APPLY, Body(body), options, subresource)

    def delete(
        self, type_: ResourceType, namespace: str, name: str, options: Options | None = None
    ) -> tuple[Object, bool]:
        """The object's last state and whether it is gone; otherwise finalizers or grace keep it. Raises ApiError."""
        options = options or Options()
        for attempt in range(5):
            live = self.get(type_, namespace, name)
            deleting.check_preconditions(type_, live, options.expected_uid, options.expected_version)
            for guard in self._guards:
                guard(self, type_, live, live, options)
            marked = deleting.marked(type_.place, live, self._now(), options.propagation, options.grace_seconds)
            try:
                if marked is None:
                    if options.dry_run:
                        return live, True
                    gone = self.store.remove(self.key(type_, namespace, name), expected=_version(live))
                    return conversion.served(type_, gone), True
                if options.dry_run:
                    return marked, False
                kept = self.store.put(
                    self.key(type_, namespace, name), conversion.kept(type_, marked), expected=_version(live)
                )
                return conversion.served(type_, kept), False
            except errors.ApiError as error:
                if error.reason != "Conflict" or attempt == 4:
                    raise
        raise AssertionError("the last try raises")

    # What all ways of writing share

    def _received(self, type_: ResourceType, body: Body | Object, options: Options, *, patch: bool = False) -> Object:
        """What was sent, as an object of the type with nothing unknown in it."""
        sent = body if isinstance(body, Body) else Body(copy.deepcopy(body))
        data = sent.data
        if not isinstance(data, dict):
            raise errors.bad_request(f"the object provided is unrecognized (must be of type {type_.kind})")
        self._check_kind(type_, data)
        data = {**data, "kind": type_.kind, "apiVersion": type_.api_version}
        if not isinstance(data.get("metadata"), dict):
            if data.get("metadata") is not None:
                raise errors.bad_request(f"{type_.kind}: metadata must be an object")
            data = {**data, "metadata": dict[str, Any]()}
        unknown: list[str] = []
        data = self._conforming(type_, data, unknown)
        problems = [f'unknown field "{path}"' for path in unknown]
        problems += [f'duplicate field "{path}"' for path in sent.duplicates]
        if problems and options.validation == STRICT:
            told = "strict decoding error: " + ", ".join(problems)
            if patch:
                causes = [{"reason": "FieldValueInvalid", "message": told, "field": "patch"}]
                raise errors.invalid(type_.kind, type_.group, data["metadata"].get("name", ""), causes)
            raise errors.bad_request(f"{_handled(type_)}: {told}")
        if options.validation == WARN:
            options.warnings += problems
        if type_.custom is not None and type_.custom.warning:
            options.warnings.append(type_.custom.warning)
        return data

    def _conforming(self, type_: ResourceType, data: Object, unknown: list[str]) -> Object:
        try:
            if type_.custom is None:
                made: Object = conforming.conform(type_.schema, data, unknown)
            else:
                metadata = conforming.conform(schemas.metadata(), data["metadata"], unknown, "metadata")
                made = custom.pruned(type_, {**data, "metadata": metadata}, unknown)
        except conforming.WrongTypeError as error:
            raise errors.bad_request(f"{_handled(type_)}: {error}") from error
        made.setdefault("metadata", {})
        return made

    def _check_kind(self, type_: ResourceType, data: Mapping[str, Any]) -> None:
        kind, api_version = data.get("kind"), data.get("apiVersion")
        if (kind is not None and kind != type_.kind) or (api_version is not None and api_version != type_.api_version):
            group, _, version = str(api_version or type_.api_version).rpartition("/")
            why = (
                f"the API version in the data ({group + '/' if group else ''}{version}) does not match the expected "
                f"API version ({type_.api_version})"
            )
            if kind is not None and kind != type_.kind:
                group_of = type_.group.partition(".")[0] or "core"
                why = f'{kind} in version "{version}" cannot be handled as a {type_.kind}: '
                why += f"converting ({version}.{kind}) to ({group_of}.{type_.kind}): unknown conversion"
            raise errors.bad_request(why)

    def _place(self, type_: ResourceType, namespace: str, metadata: Object, name: str = "") -> None:
        """Name and namespace of the object are those of the request."""
        if type_.namespaced:
            if metadata.get("namespace", namespace) != namespace:
                why = "the namespace of the provided object does not match the namespace sent on the request"
                raise errors.bad_request(why)
            metadata["namespace"] = namespace
        else:
            metadata.pop("namespace", None)
        if name:
            if metadata.get("name", name) != name:
                why = f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
                raise errors.bad_request(why)
            metadata["name"] = name

    def _changed(self, type_: ResourceType, live: Object, sent: Object, options: Options, subresource: str) -> Object:
        """Writes an object that is there in another state."""
        metadata, before = sent["metadata"], live["metadata"]
        expected = metadata.get("resourceVersion", "")
        if expected and expected != before["resourceVersion"]:
            why = "the object has been modified; please apply your changes to the latest version and try again"
            raise errors.conflict(type_.plural, type_.group, before["name"], why)
        if metadata.get("uid") and metadata["uid"] != before["uid"]:
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {before['uid']}"
            raise errors.conflict(type_.plural, type_.group, before["name"], why)
        sent_managers = metadata.get("managedFields")
        new = subresources.for_update(type_, subresource, live, sent)
        new = self._defaulted(type_, new)
        _keep_system_fields(new, live)
        admission.admit(self, type_, new, live, options, subresource)
        if type_.custom is None:
            allocation.prepare(self, type_, new, live, options.warnings)
        if subresources.has_generation(type_):
            grown = before.get("generation", 1) + (1 if subresources.spec_differs(type_, live, new) else 0)
            new["metadata"]["generation"] = grown
        if sent_managers is not None:
            new["metadata"]["managedFields"] = sent_managers
        writer = replace(self._writer(type_, options, subresource), ignored=_ignored(type_, subresource))
        new = managers.update(type_.schema, live, new, writer)
        return self._stored(type_, new, live, options, subresource=subresource)

    def _applied(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        live: Object | None,
        body: Body,
        options: Options,
        subresource: str,
    ) -> Object:
        if live is None and subresource:
            raise errors.not_found(type_.plural, type_.group, name)
        applied = _applicable(type_, namespace, name, body, options)
        ignored = _ignored(type_, subresource)
        writer = replace(self._writer(type_, options, subresource), ignored=ignored)
        if live is None:
            uid = applied["metadata"].get("uid")
            if uid:
                why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: "
                raise errors.conflict(type_.plural, type_.group, name, why)
            applied["metadata"].pop("resourceVersion", None)
            merged = managers.apply(type_.schema, self._nothing(type_), applied, writer, force=options.force)
            return self._apply_created(type_, namespace, merged, options)
        live = conversion.served(type_, live)
        if applied["metadata"].get("resourceVersion", live["metadata"]["resourceVersion"]) != _version(live):
            why = "the object has been modified; please apply your changes to the latest version and try again"
            raise errors.conflict(type_.plural, type_.group, name, why)
        merged = managers.apply(type_.schema, live, applied, writer, force=options.force)
        rows = merged["metadata"].pop("managedFields", None)
        unknown: list[str] = []
        sent = self._conforming(type_, merged, unknown)
        new = subresources.for_update(type_, subresource, live, sent)
        new = self._defaulted(type_, new)
        _keep_system_fields(new, live)
        admission.admit(self, type_, new, live, options, subresource)
        if type_.custom is None:
            allocation.prepare(self, type_, new, live, options.warnings)
        if subresources.has_generation(type_):
            grown = live["metadata"].get("generation", 1) + (1 if subresources.spec_differs(type_, live, new) else 0)
            new["metadata"]["generation"] = grown
        new["metadata"].pop("managedFields", None)
        if rows:
            new["metadata"]["managedFields"] = rows
        return self._stored(type_, new, live, options, subresource=subresource)

    def _apply_created(self, type_: ResourceType, namespace: str, merged: Object, options: Options) -> Object:
        rows = merged["metadata"].pop("managedFields", None)
        unknown: list[str] = []
        new = self._conforming(type_, merged, unknown)
        self._place(type_, namespace, new["metadata"])
        for name in ("uid", "creationTimestamp", "generation", "deletionTimestamp"):
            new["metadata"].pop(name, None)
        new = self._begun(type_, new)
        self._finished(type_, new, options)
        if rows:
            new["metadata"]["managedFields"] = rows
        return self._stored(type_, new, None, options, create=True)

    def _scale(
        self,
        type_: ResourceType,
        namespace: str,
        name: str,
        change: Callable[[Object], Any],
        options: Options,
    ) -> Object:
        live = self.get(type_, namespace, name)
        before = subresources.scale_of(type_, live)
        sent = change(copy.deepcopy(before))
        new = subresources.scaled(type_, live, before, sent)
        changed = self._changed(type_, live, new, options, "scale")
        return subresources.scale_of(type_, changed)

    def _defaulted(self, type_: ResourceType, new: Object) -> Object:
        if type_.custom is not None:
            return custom.defaulted(type_, new)
        made: Object = schemas.with_values(type_.schema, new)
        defaults.fill(type_, made)
        return made

    def _nothing(self, type_: ResourceType) -> Object:
        return schemas.empty(type_.schema) if type_.custom is None else {}

    def _writer(self, type_: ResourceType, options: Options, subresource: str) -> Writer:
        return Writer(options.manager, type_.api_version, subresource, self.stamp())

    def _stored(
        self,
        type_: ResourceType,
        new: Object,
        live: Object | None,
        options: Options,
        *,
        create: bool = False,
        subresource: str = "",
    ) -> Object:
        validation.check(self, type_, new, live, subresource)
        for guard in self._guards:
            guard(self, type_, new, live, options)
        namespace, name = new["metadata"].get("namespace", ""), new["metadata"]["name"]
        key = self.key(type_, namespace, name)
        if options.dry_run:
            if create and self.store.get(key) is not None:
                raise errors.already_exists(type_.plural, type_.group, name)
            return new
        if live is not None and deleting.is_finished(type_.place, new):
            gone = self.store.remove(key, expected=_version(live))
            new["metadata"]["resourceVersion"] = gone["metadata"]["resourceVersion"]
            return new
        expected = None if live is None else _version(live)
        new["metadata"].pop("resourceVersion", None)
        made = self.store.put(key, conversion.kept(type_, new), expected=expected, create=create)
        admission.after(self, type_, made, created=create)
        return conversion.served(type_, made)


def _version(body: Object) -> str:
    return str(body["metadata"]["resourceVersion"])


def _data(body: Body | Object) -> Any:
    return body.data if isinstance(body, Body) else body


def _handled(type_: ResourceType) -> str:
    return f'{type_.kind} in version "{type_.version}" cannot be handled as a {type_.kind}'


def _ignored(type_: ResourceType, subresource: str) -> fieldsets.FieldSet:
    """Fields that this way of writing resets: nobody becomes their owner by it."""
    if subresource == "status":
        return frozenset({("f:spec",)}) | _status_keeps(type_)
    if "status" in type_.subresources and not subresource:
        return frozenset({("f:status",)})
    return fieldsets.EMPTY


def _status_keeps(type_: ResourceType) -> fieldsets.FieldSet:
    """The status subresource of custom resources changes no metadata but managedFields.
    Source: apiextensions-apiserver, pkg/registry/customresource/status_strategy.go."""
    return frozenset({("f:metadata",)}) if type_.custom is not None else fieldsets.EMPTY


def _keep_system_fields(new: Object, live: Object) -> None:
    """What clients cannot change, whatever they send."""
    metadata, before = new["metadata"], live["metadata"]
    for name in (
        *("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"),
        *("resourceVersion", "selfLink", "generateName"),
    ):
        if name in before:
            metadata[name] = before[name]
        else:
            metadata.pop(name, None)


def _applicable(type_: ResourceType, namespace: str, name: str, body: Body, options: Options) -> Object:
    """What is applied, checked. Raises ApiError BadRequest, or a failure (500) for fields that the type does not have,
    as the real server does."""
    data = body.data
    if not isinstance(data, dict):
        raise errors.bad_request("error decoding YAML: the applied object must be an object")
    _check_duplicates(body, options)
    _check_applied_kind(type_, data)
    metadata = data.get("metadata")
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict):
        raise errors.bad_request("metadata must be an object")
    if metadata.get("managedFields") is not None:
        raise errors.bad_request("metadata.managedFields must be nil")
    if metadata.get("name", name) != name:
        why = f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
        raise errors.bad_request(why)
    made = {**data, "metadata": {**metadata, "name": name}}
    if type_.namespaced:
        if metadata.get("namespace", namespace) != namespace:
            why = "the namespace of the provided object does not match the namespace sent on the request"
            raise errors.bad_request(why)
        made["metadata"]["namespace"] = namespace
    about = f"{metadata.get('namespace', '')}/{name}; {type_.group}/{type_.version}, Kind={type_.kind}"
    _check_typed(type_, made, f"failed to create typed patch object ({about})")
    return made


def _check_duplicates(body: Body, options: Options) -> None:
    problems = [f'duplicate field "{path}"' for path in body.duplicates]
    if problems and options.validation == STRICT:
        raise errors.bad_request(f"error strict decoding YAML: {', '.join(problems)}")
    if problems and options.validation == WARN:
        options.warnings += problems


def _check_applied_kind(type_: ResourceType, data: Object) -> None:
    for name, shown in (("apiVersion", "apiVersion"), ("kind", "Kind")):
        if not data.get(name):
            raise errors.bad_request(f"Object '{shown}' is missing in the applied object")
    if data["apiVersion"] != type_.api_version or data["kind"] != type_.kind:
        why = "Incorrect version specified in apply patch. "
        why += f"Specified patch version: {data['apiVersion']}, expected: {type_.api_version}"
        raise errors.bad_request(why)


def _check_typed(type_: ResourceType, made: Object, what: str) -> None:
    """Whether the type has all the fields."""
    unknown: list[str] = []
    try:
        conforming.conform(type_.schema, made, unknown)
    except conforming.WrongTypeError as error:
        raise errors.ApiError(500, "", f"{what}: {error}") from error
    if len(unknown) == 1:
        raise errors.ApiError(500, "", f"{what}: .{unknown[0]}: field not declared in schema")
    if unknown:
        told = "\n".join(f"  .{path}: field not declared in schema" for path in unknown)
        raise errors.ApiError(500, "", f"{what}: errors:\n{told}")
