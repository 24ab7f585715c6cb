"""What the API does with one object: create, update, patch, apply, delete, with all that the server adds and checks.

Clients over HTTP, Argo CD when it syncs, and controllers when they make a pod go this way; what they send comes through
`receiving`. Whatever else controllers write (`controllers.cluster.Cluster`) goes straight into the store: they know
what they write, nothing of it is checked or defaulted, and nobody is told as its owner in managedFields. Deletion is
the same for all (`deleting`).
"""

from __future__ import annotations

import copy
import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds import conversion, custom, defaults, schemas, subresources
from csoc.emulator.kubernetes.kinds.types import ResourceType, Types, types_of
from csoc.emulator.kubernetes.objects import (
    admission,
    allocation,
    deleting,
    fieldsets,
    managers,
    patches,
    receiving,
    validation,
)
from csoc.emulator.kubernetes.objects.managers import Writer
from csoc.emulator.kubernetes.objects.options import Body, Guard, Options, PodAdmission
from csoc.emulator.kubernetes.store import Key, Object, Store
from csoc.fleet.shapes import mapping

_NAME_TRIES = 8
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Of generated names. Source: apimachinery, pkg/util/rand."""


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
        sent = receiving.received(type_, body, options)
        metadata = sent["metadata"]
        receiving.place(type_, namespace, metadata)
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
        sent = receiving.received(type_, body, options)
        receiving.place(type_, namespace, sent["metadata"], name)
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
            given = mapping(mapping(body.data).get("metadata")).get("resourceVersion")
            sent = receiving.received(type_, Body(made, body.duplicates), options, patch=True)
            if not given and kind != patches.JSON:
                sent["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            receiving.place(type_, namespace, sent["metadata"], name)
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
        new = self._admitted(type_, live, sent, options, subresource)
        if sent_managers is not None:
            new["metadata"]["managedFields"] = sent_managers
        writer = replace(self._writer(type_, options, subresource), ignored=_ignored(type_, subresource))
        new = managers.update(type_.schema, live, new, writer)
        return self._stored(type_, new, live, options, subresource=subresource)

    def _admitted(self, type_: ResourceType, live: Object, sent: Object, options: Options, subresource: str) -> Object:
        """What an object that is there becomes: with what is not the writer's to set, admitted, with its generation."""
        new = subresources.for_update(type_, subresource, live, sent)
        new = self._defaulted(type_, new)
        _keep_system_fields(new, live)
        admission.admit(self, type_, new, live, options, subresource)
        if type_.custom is None:
            allocation.prepare(self, type_, new, live, options.warnings)
        if subresources.has_generation(type_):
            grown = live["metadata"].get("generation", 1) + (1 if subresources.spec_differs(type_, live, new) else 0)
            new["metadata"]["generation"] = grown
        return new

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
        applied = receiving.applicable(type_, namespace, name, body, options)
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
        sent = receiving.conforming_to(type_, merged, unknown)
        new = self._admitted(type_, live, sent, options, subresource)
        new["metadata"].pop("managedFields", None)
        if rows:
            new["metadata"]["managedFields"] = rows
        return self._stored(type_, new, live, options, subresource=subresource)

    def _apply_created(self, type_: ResourceType, namespace: str, merged: Object, options: Options) -> Object:
        rows = merged["metadata"].pop("managedFields", None)
        unknown: list[str] = []
        new = receiving.conforming_to(type_, merged, unknown)
        receiving.place(type_, namespace, new["metadata"])
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
