"""The objects of one cluster, with versions and a history that watches follow.

Thousands of clusters are held in one process and most of them idle, so objects are kept as compressed JSON and become
dictionaries only when somebody asks; a cluster that nobody touched holds nothing but what it was made with.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes import errors

Object = dict[str, Any]
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

    __slots__ = ("_history", "_listeners", "_objects", "_version", "compacted", "lock")

    def __init__(self, version: int = 1) -> None:
        self.lock = threading.RLock()
        self.compacted = version
        self._version = version
        self._objects: dict[tuple[str, str], dict[tuple[str, str], bytes]] = {}
        self._history: deque[Event] | None = None
        self._listeners: tuple[Listener, ...] = ()

    @property
    def version(self) -> int:
        """Of the last change."""
        return self._version

    def get(self, key: Key) -> Object | None:
        """A copy of the object; None if there is none."""
        kept = self._objects.get((key.group, key.resource), {}).get((key.namespace, key.name))
        return None if kept is None else unpacked(kept)

    def texts(self, group: str, resource: str, namespace: str = "") -> tuple[list[tuple[Key, bytes]], int]:
        """All objects of a resource in the order of namespace and name, as JSON, with the version they were read at.
        namespace: "" for all."""
        with self.lock:
            found = self._objects.get((group, resource), {})
            keys = sorted(place for place in found if not namespace or place[0] == namespace)
            return [(Key(group, resource, *place), text_of(found[place])) for place in keys], self._version

    def objects(self, group: str, resource: str, namespace: str = "") -> list[Object]:
        """The same, as dictionaries."""
        return [json.loads(text) for _, text in self.texts(group, resource, namespace)[0]]

    def resources(self) -> list[tuple[str, str]]:
        """Groups and resources of which there are objects."""
        with self.lock:
            return sorted(kind for kind, found in self._objects.items() if found)

    def put(self, key: Key, body: Object, *, expected: str | None = None, create: bool = False) -> Object:
        """Writes an object and gives it back with its new resourceVersion. Writing what is there already changes
        nothing, not even the version.

        expected: the resourceVersion that must be there ("" or None: any). create: it must not be there yet. Raises
        ApiError AlreadyExists, NotFound (expected is given and it is gone) or Conflict.
        """
        with self.lock:
            places = self._objects.setdefault((key.group, key.resource), {})
            kept = places.get((key.namespace, key.name))
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
            places[key.namespace, key.name] = new
            self._tell(Event(self._version, "ADDED" if kept is None else "MODIFIED", key, new, kept))
            return unpacked(new)

    def remove(self, key: Key, *, expected: str | None = None) -> Object:
        """Takes an object away for good and gives its last state, with the version of its end. Raises ApiError NotFound
        or Conflict. Finalizers and grace are not its business."""
        with self.lock:
            places = self._objects.get((key.group, key.resource), {})
            kept = places.get((key.namespace, key.name))
            before = None if kept is None else unpacked(kept)
            if before is None or kept is None:
                raise errors.not_found(key.resource, key.group, key.name)
            self._check(key, before, expected, create=False)
            del places[key.namespace, key.name]
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

    def compact(self) -> None:
        """Forgets the history, as a cluster does after some minutes."""
        with self.lock:
            self._history, self.compacted = None, self._version

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
