"""What containers write, made up from what they are: nothing is kept of it, so that a pod that runs costs no memory.

The lines follow from the state of the container: when it was started, how it ended, and which cause it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from csoc.emulator.kubernetes.controllers.causes import Kind
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.containers import Place
from csoc.emulator.kubernetes.controllers.kinds import owners
from csoc.emulator.kubernetes.controllers.podstatus import state_of, statuses
from csoc.emulator.kubernetes.errors import ApiError, bad_request, not_found
from csoc.emulator.kubernetes.store import Key, Object

_REQUESTS_SECONDS = 10
_MOST_LINES = 2_000
_STARTS = {
    "nginx": ("/docker-entrypoint.sh: Configuration complete; ready for start up", "start worker processes"),
    "postgres": (
        "PostgreSQL Database directory appears to contain a database",
        "database system is ready to accept connections",
    ),
    "elasticsearch": ("initialized", "started"),
    "gunicorn": ("Starting gunicorn", "Listening at: http://0.0.0.0:80", "Booting worker"),
}
_SERVED = ("/_status", "/_version", "/user/user", "/index/index", "/api/v0/submission/graphql")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a container's log. at: when it was written, aware, UTC."""

    at: datetime
    text: str


def lines(cluster: Cluster, namespace: str, pod: str, container: str = "", *, previous: bool = False) -> list[Line]:
    """What a container has written so far, oldest first. container: "" for the only one.

    Raises ApiError NotFound or BadRequest in the API server's words.
    """
    body = cluster.store.get(Key("", "pods", namespace, pod))
    if body is None:
        raise not_found("pods", "", pod)
    place = _place(cluster, body, container)
    found = [*statuses(body), *statuses(body, init=True)]
    status = next((one for one in found if one["name"] == place.name), None)
    if status is None:
        raise bad_request(f'container "{place.name}" in pod "{pod}" is waiting to start: ContainerCreating')
    if previous:
        ended = (status.get("lastState") or {}).get("terminated")
        if ended is None:
            raise bad_request(f'previous terminated container "{place.name}" in pod "{pod}" not found')
        return list(_written(place, ended, int(status.get("restartCount", 1)) - 1, ended))
    state = state_of(status)
    if state == "waiting":
        last = (status.get("lastState") or {}).get("terminated")
        if last is not None:
            return list(_written(place, last, int(status.get("restartCount", 0)), last))
        reason = status["state"]["waiting"].get("reason", "ContainerCreating")
        shown = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
        text = shown.get(str(reason), str(reason))
        raise bad_request(f'container "{place.name}" in pod "{pod}" is waiting to start: {text}')
    ended = status["state"].get("terminated")
    begun = ended or status["state"]["running"]
    return list(_written(place, begun, int(status.get("restartCount", 0)), ended))


def _place(cluster: Cluster, body: Object, container: str) -> Place:
    spec = body["spec"]
    main, first = spec.get("containers") or [], spec.get("initContainers") or []
    every = [(one, False) for one in main] + [(one, True) for one in first]
    if not container and len(main) > 1:
        default = (body["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
        container = str(default or "")
    if not container:
        if len(every) > 1:
            names = " ".join(str(one["name"]) for one, _ in every)
            raise bad_request(
                f"a container name must be specified for pod {body['metadata']['name']}, choose one of: [{names}]"
            )
        container = str(main[0]["name"])
    for one, init in every:
        if one["name"] == container:
            return Place(cluster, body, one, tuple(owners(cluster.store, body)), init)
    raise ApiError(400, "BadRequest", f"container {container} is not valid for pod {body['metadata']['name']}")


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _written(place: Place, begun: dict[str, Any], count: int, ended: dict[str, Any] | None) -> Iterator[Line]:
    start = _time(begun["startedAt"])
    end = _time(ended["finishedAt"]) if ended else place.cluster.now()
    for text in _opening(place):
        yield Line(start, text)
    cause = place.cause(Kind.CRASH, Kind.FAIL, Kind.OOM, struck=count)
    if cause is not None and ended is not None and ended.get("exitCode"):
        for text in cause.log or _last_words(ended):
            yield Line(end, text)
    elif ended is not None and ended.get("exitCode") == 0:
        yield Line(end, f"{place.name}: done")
    elif ended is None and not place.init and place.restarts:
        yield from _requests(place, start, end)


def _last_words(ended: dict[str, Any]) -> tuple[str, ...]:
    if ended.get("reason") == "OOMKilled":
        return ()
    return (f"fatal: exiting with code {ended.get('exitCode')}",)


def _opening(place: Place) -> tuple[str, ...]:
    image = str(place.spec.get("image", ""))
    for name, texts in _STARTS.items():
        if name in image.lower():
            return texts
    return (f"starting {image}", *(() if place.init else _STARTS["gunicorn"][1:]))


def _requests(place: Place, start: datetime, end: datetime) -> Iterator[Line]:
    """A request every ten seconds, the last two thousand of them at most."""
    total = int((end - start).total_seconds()) // _REQUESTS_SECONDS
    for number in range(max(total - _MOST_LINES, 0), total):
        at = start + timedelta(seconds=(number + 1) * _REQUESTS_SECONDS)
        pick = hashlib.sha256(f"{place.pod['metadata'].get('uid')}/{place.name}/{number}".encode()).digest()
        path = _SERVED[0] if pick[0] < 200 else _SERVED[pick[1] % len(_SERVED)]
        stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
        yield Line(at, f'10.0.{pick[2]}.{pick[3]} - - [{stamp}] "GET {path} HTTP/1.1" 200 {pick[4] * 7}')
