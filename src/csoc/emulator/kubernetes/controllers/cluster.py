"""One cluster as its controllers see it, and the queue that wakes them.

The store tells of every change; changes that come together are looked at together, and each controller is asked once
for each key. Whatever waits for time to pass waits under a name, so that nothing waits twice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from csoc.emulator.kubernetes.controllers import events
from csoc.emulator.kubernetes.controllers.settings import Settings
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects import deleting
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.parts import digest, key_of, stamp, uid_of
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.store import Event, Key, Object, Store, text_of, unpacked
from csoc.emulator.timeline import Action, Cancel, Timeline

_TOGETHER_SECONDS = 0.02
"""Changes of so long are looked at together, as informers and work queues do."""

_MANAGER = "kube-controller-manager"
"""Whose fields those of a pod are that a controller makes."""

_RETRY_SECONDS = 0.1
"""A controller that lost a race with another writer looks again after so long."""


class Change:
    """One change as controllers look at it. The objects are unpacked when they are asked for."""

    def __init__(self, event: Event) -> None:
        self.key = event.key
        self.type = event.type
        self._event = event

    @property
    def gone(self) -> bool:
        return self.type == "DELETED"

    def mentions(self, marks: Iterable[bytes]) -> bool:
        """Whether one of the texts stands in the object, before or after; cheaper than to unpack it."""
        texts = [text_of(self._event.object)]
        texts += [text_of(self._event.before)] if self._event.before is not None else []
        return any(mark in text for mark in marks for text in texts)

    @cached_property
    def object(self) -> Object:
        """The object after the change; its last state if it is gone. Not to be changed."""
        return unpacked(self._event.object)

    @cached_property
    def before(self) -> Object:
        """The object before it, {} if it is new."""
        return {} if self._event.before is None else unpacked(self._event.before)


Wakes = Callable[["Cluster", Change], Iterable[Key]]
Reconcile = Callable[["Cluster", Key], None]


@dataclass(frozen=True, slots=True)
class Controller:
    """One controller. wakes: for each (group, resource) whose changes matter to it, which keys it must look at then.
    every: hears of changes of all other resources as well. reconcile: brings a key to where it should be; called again
    with nothing changed, it changes nothing."""

    name: str
    reconcile: Reconcile
    wakes: Mapping[tuple[str, str], Wakes]
    every: Wakes | None = None


def itself(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    """The object that changed."""
    return (change.key,)


def its_controller(group: str, resource: str, kind: str) -> Wakes:
    """The object that controls the one that changed, if it is of that kind."""

    def wakes(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
        owners = [*(change.object["metadata"].get("ownerReferences") or ())]
        owners += change.before.get("metadata", {}).get("ownerReferences") or () if change.before else ()
        names = {owner["name"] for owner in owners if owner.get("controller") and owner.get("kind") == kind}
        return [Key(group, resource, change.key.namespace, name) for name in sorted(names)]

    return wakes


def all_of(group: str, resource: str) -> Wakes:
    """Every object of a resource in the namespace of the one that changed (everywhere, if that has none)."""

    def wakes(cluster: Cluster, change: Change) -> Iterable[Key]:
        return [key for key, _ in cluster.store.texts(group, resource, change.key.namespace)[0]]

    return wakes


class Hearing:
    """Which controllers hear of which resource; made once for all clusters."""

    def __init__(self, controllers: Sequence[Controller]) -> None:
        self.controllers = {controller.name: controller for controller in controllers}
        self._heard: dict[tuple[str, str], list[tuple[Controller, Wakes]]] = {}
        self._every = [(controller, controller.every) for controller in controllers if controller.every is not None]
        for controller in controllers:
            for kind, wakes in controller.wakes.items():
                self._heard.setdefault(kind, []).append((controller, wakes))

    def of(self, group: str, resource: str) -> Iterable[tuple[Controller, Wakes]]:
        """Who hears of a resource, and whom it wakes then."""
        special = self._heard.get((group, resource), ())
        named = {controller.name for controller, _ in special}
        return (*special, *((one, wakes) for one, wakes in self._every if one.name not in named))


class Cluster:
    """What controllers may do with one cluster. `memory` holds what a kubelet or controller of a real cluster keeps in
    its process (back-off counters); it is empty while nothing happens, and may be lost."""

    __slots__ = (
        "_actions",
        "_end",
        "_heard",
        "_hearing",
        "_scheduled",
        "_woken",
        "memory",
        "name",
        "objects",
        "settings",
        "store",
        "timeline",
        "under_way",
    )

    def __init__(
        self,
        name: str,
        store: Store,
        settings: Settings,
        timeline: Timeline,
        hearing: Hearing,
        objects: Objects | None = None,
    ) -> None:
        self.name = name
        self.objects = objects or Objects(store, timeline.now)
        self.store = store
        self.settings = settings
        self.timeline = timeline
        self.memory: dict[Hashable, Any] = {}
        self.under_way = 0
        """How much is worked on outside of the timeline; changed with the store's lock held."""
        self._hearing = hearing
        self._heard: list[Event] | None = None
        self._woken: dict[tuple[str, Key], None] | None = None
        self._actions: dict[Hashable, Cancel] | None = None
        self._scheduled = False
        self._end = store.listen(self._hear)

    # Time

    def now(self) -> datetime:
        return self.timeline.now()

    def stamp(self) -> str:
        """Now, as objects carry it."""
        return stamp(self.timeline.now())

    def later(self, name: Hashable, seconds: float, action: Action) -> None:
        """Calls the action after a while, unless something of that name waits already."""
        with self.store.lock:
            if self._actions is None:
                self._actions = {}
            if name not in self._actions:
                self._actions[name] = self.timeline.later(seconds, lambda: self._act(name, action))

    def deadline(self, name: Hashable, seconds: float, action: Action) -> None:
        """As `later`, for what is too late then: time in which something is still worked on outside of the timeline (an
        Application rendered) counts for nobody, since it is longer the faster time runs."""

        def over() -> None:
            if self.under_way:
                self.deadline(name, seconds, action)
            else:
                action()

        self.later(name, seconds, over)

    def cancel(self, name: Hashable) -> None:
        """What waits under that name, if anything does, will not be called."""
        with self.store.lock:
            if self._actions is not None and (cancel := self._actions.pop(name, None)) is not None:
                cancel()
                self._actions = self._actions or None

    def waits(self, name: Hashable) -> bool:
        with self.store.lock:
            return self._actions is not None and name in self._actions

    def wake(self, controller: str, key: Key, seconds: float = 0.0) -> None:
        """Lets a controller look at a key, later if wanted."""
        if seconds > 0:
            self.later(("wake", controller, key), seconds, lambda: self.wake(controller, key))
            return
        with self.store.lock:
            if self._woken is None:
                self._woken = {}
            self._woken[controller, key] = None
            self._schedule()

    @property
    def busy(self) -> bool:
        """Whether something is still to happen by itself."""
        return self._heard is not None or self._actions is not None or self._woken is not None

    def resume(self) -> None:
        """Looks at everything once, as controllers do when they start: for a store that comes out of a file."""
        with self.store.lock:
            for group, resource in self.store.resources():
                for key, text in self.store.texts(group, resource)[0]:
                    self._hear(Event(self.store.version, "ADDED", key, text))

    def detach(self) -> None:
        """The cluster is gone: nothing happens in it any more."""
        self._end()
        with self.store.lock:
            for cancel in (self._actions or {}).values():
                cancel()
            self._actions, self._heard, self._woken = None, None, None
            self.memory.clear()

    # Reading and writing

    def get(self, group: str, resource: str, namespace: str, name: str) -> Object | None:
        return self.store.get(Key(group, resource, namespace, name))

    def list(self, group: str, resource: str, namespace: str = "") -> list[Object]:
        return self.store.objects(group, resource, namespace)

    def create(self, group: str, resource: str, body: Object) -> Object:
        """Makes an object with what every object has, as it is given: whoever makes it knows its defaults. Raises
        ApiError AlreadyExists."""
        metadata = body["metadata"]
        if not metadata.get("name"):
            metadata["name"] = metadata["generateName"] + digest(self.settings.uid(), 5)
        metadata.setdefault("uid", self.settings.uid())
        metadata.setdefault("creationTimestamp", self.stamp())
        metadata.setdefault("generation", 1)
        return self.store.put(key_of(group, resource, body), body, create=True)

    def create_pod(self, pod: Object) -> Object:
        """Makes a pod as a client does, with all that the API server adds and checks. Raises ApiError."""
        metadata = pod["metadata"]
        if not metadata.get("name"):
            metadata["name"] = metadata["generateName"][:58] + digest(self.settings.uid(), 5)
        type_ = self.objects.types.resource("", "v1", "pods")
        assert type_ is not None  # noqa: S101 - every cluster has pods
        return self.objects.create(type_, metadata["namespace"], pod, Options(manager=_MANAGER))

    def save(self, group: str, resource: str, body: Object, *, of: Mapping[str, Any] | None = None) -> Object:
        """Writes an object that was read. of: the object as it was, to see whether the generation changes. One that is
        being deleted and has lost its last finalizer goes. Raises ApiError Conflict if it has changed meanwhile."""
        if of is not None and of.get("spec") != body.get("spec"):
            body["metadata"]["generation"] = int(body["metadata"].get("generation", 1)) + 1
        key = key_of(group, resource, body)
        expected = body["metadata"].get("resourceVersion", "")
        if deleting.is_finished((group, resource), body):
            return self.store.remove(key, expected=expected)
        return self.store.put(key, body, expected=expected)

    def save_status(self, group: str, resource: str, body: Object, status: Mapping[str, Any]) -> None:
        """Writes another status, if it is another."""
        if body.get("status") != status:
            self.save(group, resource, body | {"status": dict(status)})

    def delete(self, key: Key, propagation: str = "Background", grace_seconds: int | None = None) -> None:
        """Asks for a deletion as a client does. What is not there is no error."""
        deleting.delete(self.store, key, self.now(), propagation=propagation, grace_seconds=grace_seconds)

    def event(
        self,
        about: Mapping[str, Any],
        reason: str,
        message: str,
        component: str,
        *,
        warning: bool = False,
        path: str = "",
    ) -> None:
        """Records an event about an object. path: fieldPath of the part of it that is meant."""
        events.record(self, about, reason, message, component, warning=warning, path=path)

    # The queue

    def _forget(self, uid: str) -> None:
        """An object is gone: nothing is remembered of it or waits for it."""
        with self.store.lock:
            for name in [name for name in self.memory if isinstance(name, tuple) and uid in name]:
                del self.memory[name]
            for name in [name for name in self._actions or () if isinstance(name, tuple) and uid in name]:
                self.cancel(name)

    def _act(self, name: Hashable, action: Action) -> None:
        with self.store.lock:
            if self._actions is None or self._actions.pop(name, None) is None:
                return  # cancelled just now, or the cluster is gone
            self._actions = self._actions or None
        self._guarded(action)

    def _hear(self, event: Event) -> None:
        if self._heard is None:
            self._heard = []
        self._heard.append(event)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.timeline.later(_TOGETHER_SECONDS, self._drain)

    def _drain(self) -> None:
        with self.store.lock:
            heard, self._heard = self._heard or (), None
            work, self._woken = self._woken or {}, None
            self._scheduled = False
        for event in heard:
            change = Change(event)
            if change.gone and (self.memory or self._actions):
                self._forget(uid_of(change.object))
            for controller, wakes in self._hearing.of(event.key.group, event.key.resource):
                for key in wakes(self, change):
                    work[controller.name, key] = None
        for name, key in work:
            controller = self._hearing.controllers[name]
            self._guarded(lambda c=controller, k=key: c.reconcile(self, k), (name, key))  # type: ignore[misc]

    def _guarded(self, action: Action, again: tuple[str, Key] | None = None) -> None:
        """Another writer was faster: look again. It is gone: nothing is left to do."""
        try:
            action()
        except ApiError as error:
            if error.reason == "NotFound":
                return
            if error.reason not in ("Conflict", "AlreadyExists"):
                raise
            if again is not None:
                self.wake(*again, seconds=_RETRY_SECONDS)
            else:
                self.timeline.later(_RETRY_SECONDS, lambda: self._guarded(action))
