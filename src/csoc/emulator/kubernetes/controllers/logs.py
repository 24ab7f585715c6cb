"""What containers write, made up from what they are: nothing is kept of it, so that a pod that runs costs no memory.

The lines follow from the state of the container: when it was started, how it ended, and which cause it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from csoc.emulator.kubernetes.controllers.causes import Kind
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.container_lives import Place
from csoc.emulator.kubernetes.controllers.podstatus import state_of, statuses
from csoc.emulator.kubernetes.kinds.lookup import owners
from csoc.emulator.kubernetes.objects.parts import name_of
from csoc.emulator.kubernetes.pod_runtime import LogLine
from csoc.emulator.kubernetes.store import Object

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


def lines(cluster: Cluster, pod: Object, container: str, *, previous: bool = False) -> list[LogLine]:
    """What a container of a pod has written so far, oldest first. One that waits to be started again shows what it
    wrote before it ended. previous: of the run before the last restart. Whether a client may ask for it, and in which
    words it is refused, the API decides (`api.pod_requests`).

    Raises LookupError if there was no such run.
    """
    place = _place(cluster, pod, container)
    status = next((one for one in statuses(pod, init=place.init) if one["name"] == container), {})
    ended = (status.get("lastState") or {}).get("terminated")
    restarts = int(status.get("restartCount", 0))
    if previous or state_of(status) == "waiting":
        if ended is None:
            raise LookupError(f'container "{container}" in pod "{name_of(pod)}" has not run')
        return list(_written(place, ended, restarts - 1 if previous else restarts, ended))
    ended = status["state"].get("terminated")
    return list(_written(place, ended or status["state"]["running"], restarts, ended))


def _place(cluster: Cluster, pod: Object, container: str) -> Place:
    for part, init in (("containers", False), ("initContainers", True)):
        for spec in pod["spec"].get(part) or ():
            if spec["name"] == container:
                return Place(cluster, pod, spec, tuple(owners(cluster.store, pod)), init)
    raise LookupError(f'pod "{name_of(pod)}" runs no container "{container}"')


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _written(place: Place, begun: dict[str, Any], count: int, ended: dict[str, Any] | None) -> Iterator[LogLine]:
    start = _time(begun["startedAt"])
    end = _time(ended["finishedAt"]) if ended else place.cluster.now()
    for text in _opening(place):
        yield LogLine(start, text)
    cause = place.cause(Kind.CRASH, Kind.FAIL, Kind.OOM, struck=count)
    if cause is not None and ended is not None and ended.get("exitCode"):
        for text in cause.log or _last_words(ended):
            yield LogLine(end, text)
    elif ended is not None and ended.get("exitCode") == 0:
        yield LogLine(end, f"{place.name}: done")
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


def _requests(place: Place, start: datetime, end: datetime) -> Iterator[LogLine]:
    """A request every ten seconds, the last two thousand of them at most."""
    total = int((end - start).total_seconds()) // _REQUESTS_SECONDS
    for number in range(max(total - _MOST_LINES, 0), total):
        at = start + timedelta(seconds=(number + 1) * _REQUESTS_SECONDS)
        pick = hashlib.sha256(f"{place.pod['metadata'].get('uid')}/{place.name}/{number}".encode()).digest()
        path = _SERVED[0] if pick[0] < 200 else _SERVED[pick[1] % len(_SERVED)]
        stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
        yield LogLine(at, f'10.0.{pick[2]}.{pick[3]} - - [{stamp}] "GET {path} HTTP/1.1" 200 {pick[4] * 7}')
