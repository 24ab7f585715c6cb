"""The objects of one cluster, with versions and a history that watches follow.

Thousands of clusters are held in one process and most of them idle, so objects are kept as compressed JSON and become
dictionaries only when somebody asks. What all clusters are made with (`Base`) they share until one of them changes it.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes import errors

Object = dict[str, Any]
Bucket = dict[tuple[str, str], bytes]
"""The kept objects of one resource, by namespace and name."""

_COMPRESSED_FROM_BYTES = 400
_HISTORY = 1_000
"""So many events are kept; a watch from before them is told to list again (410), as etcd's compaction does."""


@dataclass(frozen=True, slots=True)
class Key:
    """Where an object is. group "" is the core; namespace "" for those of the cluster."""

    group: str
    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """One change. type: ADDED, MODIFIED or DELETED. before: the object before it, None for ADDED."""

    version: int
    type: str
    key: Key
    object: bytes
    before: bytes | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """What clusters are made with; nobody changes it. version: the resourceVersion that it stands at."""

    buckets: Mapping[tuple[str, str], Bucket] = field(default_factory=dict)
    version: int = 1


Listener = Callable[[Event], None]


def packed(body: Object) -> bytes:
    """An object as it is kept."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return text if len(text) < _COMPRESSED_FROM_BYTES else b"\0" + zlib.compress(text, 1)


def text_of(kept: bytes) -> bytes:
    """The JSON of a kept object."""
    return zlib.decompress(kept[1:]) if kept[:1] == b"\0" else kept


def unpacked(kept: bytes) -> Object:
    """A kept object as a dictionary of its own."""
    found: Object = json.loads(text_of(kept))
    return found


class Store:
    """Objects by key. Every change has a version, which is the object's resourceVersion. Threads may share it.

    Listeners are called in the order of versions, one at a time, after the change; they must not block.
    """

    __slots__ = ("_base", "_changed", "_history", "_listeners", "_objects", "_version", "compacted", "lock")

    def __init__(self, version: int = 1, base: Base | None = None) -> None:
        self.lock = threading.RLock()
        self._base = base or Base(version=version)
        self._version = self.compacted = self._base.version
        self._objects: dict[tuple[str, str], Bucket] | None = None
        self._changed: dict[tuple[str, str], int] | None = None
        self._history: deque[Event] | None = None
        self._listeners: tuple[Listener, ...] = ()

    @property
    def version(self) -> int:
        """Of the last change."""
        return self._version

    def get(self, key: Key) -> Object | None:
        """A copy of the object; None if there is none."""
        kept = self._bucket(key.group, key.resource).get((key.namespace, key.name))
        return None if kept is None else unpacked(kept)

    def kept(self, group: str, resource: str) -> list[bytes]:
        """The objects of a resource as they are kept, in the order of namespace and name."""
        with self.lock:
            found = self._bucket(group, resource)
            return [found[place] for place in sorted(found)]

    def texts(
        self, group: str, resource: str, namespace: str = "", version: int | None = None
    ) -> tuple[list[tuple[Key, bytes]], int]:
        """All objects of a resource in the order of namespace and name, as JSON, with the version they were read at.

        namespace: "" for all. version: as they were then; raises ApiError Expired if that is no longer known.
        """
        rows, at = self.rows(group, resource, namespace, version)
        return [(key, text_of(one)) for key, one in rows], at

    def rows(
        self, group: str, resource: str, namespace: str = "", version: int | None = None
    ) -> tuple[list[tuple[Key, bytes]], int]:
        """The same, as they are kept: for who needs the text of few of many."""
        with self.lock:
            found: Mapping[tuple[str, str], bytes] = self._bucket(group, resource)
            at = self._version
            if version is not None and version != at:
                found, at = self._past(group, resource, version), version
            keys = sorted(place for place in found if not namespace or place[0] == namespace)
            return [(Key(group, resource, *place), found[place]) for place in keys], at

    def objects(self, group: str, resource: str, namespace: str = "") -> list[Object]:
        """The same, as dictionaries."""
        return [json.loads(text) for _, text in self.texts(group, resource, namespace)[0]]

    def resources(self) -> list[tuple[str, str]]:
        """Groups and resources of which there are objects."""
        with self.lock:
            return sorted(kind for kind, found in self._buckets().items() if found)

    def mark(self, group: str, resource: str) -> tuple[int, int]:
        """Something that differs once an object of the resource has changed, and is the same for clusters that share
        these objects with each other."""
        changed = (self._changed or {}).get((group, resource), 0)
        return (id(self), changed) if changed else (id(self._base), 0)

    def put(self, key: Key, body: Object, *, expected: str | None = None, create: bool = False) -> Object:
        """Writes an object and gives it back with its new resourceVersion. Writing what is there already changes
        nothing, not even the version.

        expected: the resourceVersion that must be there ("" or None: any). create: it must not be there yet. Raises
        ApiError AlreadyExists, NotFound (expected is given and it is gone) or Conflict.
        """
        with self.lock:
            kept = self._bucket(key.group, key.resource).get((key.namespace, key.name))
            before = None if kept is None else unpacked(kept)
            self._check(key, before, expected, create)
            metadata = body["metadata"]
            if before is not None:
                metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
                if body == before:
                    return before
            self._version += 1
            metadata["resourceVersion"] = str(self._version)
            new = packed(body)
            self._own(key.group, key.resource)[key.namespace, key.name] = new
            self._tell(Event(self._version, "ADDED" if kept is None else "MODIFIED", key, new, kept))
            return unpacked(new)

    def remove(self, key: Key, *, expected: str | None = None) -> Object:
        """Takes an object away for good and gives its last state, with the version of its end. Raises ApiError NotFound
        or Conflict. Finalizers and grace are not its business."""
        with self.lock:
            kept = self._bucket(key.group, key.resource).get((key.namespace, key.name))
            before = None if kept is None else unpacked(kept)
            if before is None or kept is None:
                raise errors.not_found(key.resource, key.group, key.name)
            self._check(key, before, expected, create=False)
            del self._own(key.group, key.resource)[key.namespace, key.name]
            self._version += 1
            before["metadata"]["resourceVersion"] = str(self._version)
            self._tell(Event(self._version, "DELETED", key, packed(before), kept))
            return before

    def since(self, version: int) -> Iterator[Event]:
        """Changes after a version, in order. Raises ApiError Expired if they are no longer known."""
        with self.lock:
            if version < self.compacted:
                raise errors.expired(f"too old resource version: {version} ({self._version})")
            return iter([event for event in self._history or () if event.version > version])

    def listen(self, listener: Listener) -> Callable[[], None]:
        """From now on the listener hears of every change. Returns what ends that."""
        with self.lock:
            self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self.lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return end

    def compact(self, keep: int = 0) -> None:
        """Forgets the history but for the last changes, as a cluster does after some minutes."""
        with self.lock:
            while self._history and len(self._history) > keep:
                self.compacted = self._history.popleft().version
            if not self._history:
                self._history, self.compacted = None, self._version

    def as_base(self) -> Base:
        """What is there, to make other clusters with."""
        with self.lock:
            return Base({kind: dict(found) for kind, found in self._buckets().items() if found}, self._version)

    def _buckets(self) -> Mapping[tuple[str, str], Bucket]:
        return self._base.buckets if self._objects is None else self._objects

    def _bucket(self, group: str, resource: str) -> Bucket:
        return self._buckets().get((group, resource)) or {}

    def _own(self, group: str, resource: str) -> Bucket:
        """The objects of a resource, to change: a copy of the shared ones at the first change."""
        if self._objects is None or self._changed is None:
            self._objects, self._changed = dict(self._base.buckets), {}
        kind = (group, resource)
        if kind not in self._changed:
            self._objects[kind] = dict(self._objects.get(kind) or {})
        self._changed[kind] = self._version + 1
        return self._objects[kind]

    def _past(self, group: str, resource: str, version: int) -> Bucket:
        """The objects of a resource as they were: what is there, with later changes undone."""
        if version > self._version:
            why = f"Too large resource version: {version}, current: {self._version}"
            raise errors.ApiError(
                504, "Timeout", why, {"causes": [{"reason": "ResourceVersionTooLarge", "message": why}]}
            )
        if version < self.compacted:
            raise errors.expired("The resourceVersion for the provided list is too old.")
        found = dict(self._bucket(group, resource))
        for event in reversed(self._history or ()):
            if event.version <= version:
                break
            if (event.key.group, event.key.resource) != (group, resource):
                continue
            place = (event.key.namespace, event.key.name)
            if event.before is None:
                found.pop(place, None)
            else:
                found[place] = event.before
        return found

    def _check(self, key: Key, before: Object | None, expected: str | None, create: bool) -> None:
        if create and before is not None:
            raise errors.already_exists(key.resource, key.group, key.name)
        if not expected:
            return
        if before is None:
            raise errors.not_found(key.resource, key.group, key.name)
        if before["metadata"]["resourceVersion"] != expected:
            why = "the object has been modified; please apply your changes to the latest version and try again"
            raise errors.conflict(key.resource, key.group, key.name, why)

    def _tell(self, event: Event) -> None:
        if self._history is None:
            self._history = deque()
        self._history.append(event)
        while len(self._history) > _HISTORY:
            self.compacted = self._history.popleft().version
        for listener in self._listeners:
            listener(event)
