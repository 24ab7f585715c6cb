"""Watches: a stream of what changes, from a version on.

Source: apiserver, pkg/storage/cacher (what a watch with selectors sees, bookmarks, initial events) and
pkg/endpoints/handlers/watch.go.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.access.requests import Query
from csoc.emulator.kubernetes.api import lists
from csoc.emulator.kubernetes.kinds import conversion
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects import selectors
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.store import Event, text_of

Object = dict[str, Any]
Shape = Callable[[Object], Object]
_BOOKMARK_SECONDS = 60.0
_MOST_WAITING = 10_000
"""A client that reads so slowly that more wait for it is told to list again."""
_INITIAL_END = "k8s.io/initial-events-end"
_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a watch is about. since: the version after which changes count; None: begin with what is there."""

    type: ResourceType
    namespace: str
    matches: selectors.Matches | None
    since: int | None
    bookmarks: bool
    end_of_initial: bool
    seconds: float


def wanted(type_: ResourceType, namespace: str, name: str, query: Query) -> Wanted:
    """The watch that a query asks for. Raises ApiError BadRequest or Invalid."""
    text = query.text("resourceVersion")
    if text and not text.isdigit():
        raise errors.bad_request(f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    initial = query.text("sendInitialEvents")
    bookmarks = query.flag("allowWatchBookmarks")
    if initial:
        _check_initial(query, initial)
    begin = query.flag("sendInitialEvents") if initial else text in ("", "0")
    selected = lists.matcher(type_, query)
    matches = selected
    if name:

        def of_name(body: Mapping[str, Any]) -> bool:
            return bool(body["metadata"]["name"] == name) and (selected is None or selected(body))

        matches = of_name
    seconds = float(query.number("timeoutSeconds") or _LONGEST_SECONDS)
    since = None if begin else int(text or "0") or None
    return Wanted(type_, namespace, matches, since, bookmarks, bool(initial) and begin, min(seconds, _LONGEST_SECONDS))


def _check_initial(query: Query, initial: str) -> None:
    told = []
    if query.text("resourceVersionMatch") != "NotOlderThan":
        told.append("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if initial == "true" and not query.flag("allowWatchBookmarks"):
        told.append("sendInitialEvents requires setting allowWatchBookmarks to true")
    if told:
        causes = [
            {"field": "sendInitialEvents", "message": f"Forbidden: {why}", "reason": "FieldValueForbidden"}
            for why in told
        ]
        raise errors.invalid("ListOptions", "meta.k8s.io", "", causes)


async def stream(objects: Objects, watch: Wanted, shape: Shape) -> AsyncIterator[bytes]:
    """The lines of a watch. Closing it frees everything. shape: what is shown of an object (a Table, its metadata)."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[Event | None] = asyncio.Queue()
    place = watch.type.place

    store = objects.store

    def put(event: Event) -> None:
        # None says that the rest is lost. It comes once: one that does not read at all must not cost more and more.
        if waiting.qsize() < _MOST_WAITING:
            waiting.put_nowait(event)
        elif waiting.qsize() == _MOST_WAITING:
            waiting.put_nowait(None)

    def hear(event: Event) -> None:
        if (event.key.group, event.key.resource) == place:
            loop.call_soon_threadsafe(put, event)

    with store.lock:
        end = store.listen(hear)
        version = store.version
        try:
            initial = _initial(objects, watch) if watch.since is None else []
            earlier = list(store.since(watch.since)) if watch.since is not None else []
        except errors.ApiError as error:
            end()
            yield _line("ERROR", error.status())
            return
    try:
        for body in initial:
            yield _line("ADDED", shape(body))
        if watch.end_of_initial:
            yield _line("BOOKMARK", shape(_bookmark(watch.type, version, initial_end=True)))
        for event in earlier:
            if (event.key.group, event.key.resource) == place and (line := _shown(watch, event, shape)) is not None:
                yield line
        async for line in _following(objects, watch, shape, waiting, loop):
            yield line
    finally:
        end()


async def _following(
    objects: Objects, watch: Wanted, shape: Shape, waiting: asyncio.Queue[Event | None], loop: asyncio.AbstractEventLoop
) -> AsyncIterator[bytes]:
    ends = loop.time() + watch.seconds
    marks = loop.time() + _BOOKMARK_SECONDS
    while True:
        left = (min(ends, marks) if watch.bookmarks else ends) - loop.time()
        try:
            event = await asyncio.wait_for(waiting.get(), max(left, 0.0))
        except TimeoutError:
            if watch.bookmarks and (loop.time() >= marks or loop.time() >= ends):
                with objects.store.lock:
                    version = objects.store.version
                await asyncio.sleep(0)  # changes up to this version are in the queue afterwards
                if waiting.empty():
                    yield _line("BOOKMARK", shape(_bookmark(watch.type, version)))
                marks = loop.time() + _BOOKMARK_SECONDS
            if loop.time() >= ends:
                return
            continue
        if event is None:
            yield _line("ERROR", errors.expired("The client reads too slowly; list again").status())
            return
        line = _shown(watch, event, shape)
        if line is not None:
            yield line


def _initial(objects: Objects, watch: Wanted) -> list[Object]:
    type_ = watch.type
    rows, _ = objects.store.texts(*type_.place, watch.namespace if type_.namespaced else "")
    found = [conversion.served(type_, json.loads(text)) for _, text in rows]
    return [body for body in found if watch.matches is None or watch.matches(body)]


def _shown(watch: Wanted, event: Event, shape: Shape) -> bytes | None:
    """The line for a change; None if the watch is not about it. An object that begins to match is added, one that ends
    to match is deleted."""
    if watch.namespace and event.key.namespace != watch.namespace:
        return None
    body = conversion.served(watch.type, json.loads(text_of(event.object)))
    if watch.matches is None:
        return _line(event.type, shape(body))
    now = event.type != "DELETED" and watch.matches(body)
    before = None if event.before is None else conversion.served(watch.type, json.loads(text_of(event.before)))
    earlier = before is not None and watch.matches(before)
    if now:
        return _line("MODIFIED" if earlier else "ADDED", shape(body))
    if not earlier or before is None:
        return None
    if event.type != "DELETED":
        before["metadata"]["resourceVersion"] = body["metadata"]["resourceVersion"]
        body = before
    return _line("DELETED", shape(body))


def _bookmark(type_: ResourceType, version: int, *, initial_end: bool = False) -> Object:
    metadata: Object = {"resourceVersion": str(version), "creationTimestamp": None}
    if initial_end:
        metadata["annotations"] = {_INITIAL_END: "true"}
    return {"kind": type_.kind, "apiVersion": type_.api_version, "metadata": metadata}


def _line(kind: str, body: Object) -> bytes:
    return json.dumps({"type": kind, "object": body}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
