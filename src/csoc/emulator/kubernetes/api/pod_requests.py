"""What clients ask of running pods over plain HTTP: logs, eviction, binding. Streams are in `streams`.

Source: Kubernetes, pkg/registry/core/pod/rest and pkg/registry/core/pod/storage.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes import errors, moments
from csoc.emulator.kubernetes.api import answers
from csoc.emulator.kubernetes.api.answers import Answer
from csoc.emulator.kubernetes.api.handlers import Request, not_allowed
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects import selectors
from csoc.emulator.kubernetes.pod_runtime import LogLine
from csoc.emulator.kubernetes.store import Key

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.clusters import SimulatedCluster

Object = dict[str, Any]
PARTS = ("log", "exec", "attach", "portforward", "eviction", "binding", "proxy")
_FOLLOW_SECONDS = 0.1
_TEXT = "text/plain"
_PULLING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}
"""Why a container waits, where the words are others than the reason."""


def answer(cluster: SimulatedCluster, type_: ResourceType, request: Request) -> Answer:
    """Raises ApiError."""
    asked = request.asked
    if asked.subresource == "log":
        return _log(cluster, type_, request)
    if asked.subresource == "eviction":
        return _evict(cluster, type_, request)
    if asked.subresource == "binding":
        return _bind(cluster, type_, request)
    if asked.subresource == "proxy":
        why = "the emulator does not offer the subresource pods/proxy: use pods/portforward"
        raise errors.ApiError(501, "NotImplemented", why)
    # exec, attach and portforward are upgraded before this; who comes here did not ask for WebSockets.
    cluster.objects.get(type_, asked.namespace, asked.name)
    why = "Upgrade request required: the emulator speaks the WebSocket protocols of streams, not SPDY"
    raise errors.bad_request(why)


def container_of(pod: Object, wanted: str) -> str:
    """The container that a request means. Raises ApiError BadRequest, worded as the real server does."""
    spec = pod.get("spec", {})
    groups: dict[str, list[str]] = {
        part: [one["name"] for one in spec.get(part) or ()]
        for part in ("containers", "initContainers", "ephemeralContainers")
    }
    name = pod["metadata"]["name"]
    if wanted:
        if not any(wanted in names for names in groups.values()):
            raise errors.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    default: str = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container", "")
    if default in groups["containers"]:
        return default
    if len(groups["containers"]) == 1:
        return groups["containers"][0]
    told = "a container name must be specified for pod {}, choose one of: [{}]".format(
        name, " ".join(groups["containers"])
    )
    if groups["initContainers"]:
        told += " or one of the init containers: [{}]".format(" ".join(groups["initContainers"]))
    raise errors.bad_request(told)


def status_of(pod: Object, container: str) -> Object:
    """The status of one container, {} if there is none yet."""
    status = pod.get("status", {})
    for part in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for one in status.get(part) or ():
            if one.get("name") == container:
                found: Object = one
                return found
    return {}


def _log(cluster: SimulatedCluster, type_: ResourceType, request: Request) -> Answer:
    asked, query = request.asked, request.query
    if asked.verb != "get":
        raise not_allowed()
    pod = cluster.objects.get(type_, asked.namespace, asked.name)
    container = container_of(pod, query.text("container"))
    previous = query.flag("previous")
    _check_log_query(request)
    _check_runs(pod, container, previous)
    try:
        lines = cluster.runtime.logs(pod, container, previous=previous)
    except LookupError as error:
        raise errors.bad_request(str(error.args[0])) from error
    shown = _selected(lines, request, cluster.objects.now())
    stamps = query.flag("timestamps")
    limit = query.number("limitBytes")
    if query.flag("follow") and not previous:
        seen = len(lines)
        return Answer(200, _followed(cluster, type_, request, container, shown, seen, stamps), content_type=_TEXT)
    text = b"".join(_line(line, stamps) for line in shown)
    return Answer(200, text if limit is None else text[:limit], content_type=_TEXT)


def _check_log_query(request: Request) -> None:
    query = request.query
    for name in ("tailLines", "sinceSeconds", "limitBytes"):
        number = query.number(name)
        if number is not None and number < (0 if name == "tailLines" else 1):
            what = "0" if name == "tailLines" else "1"
            why = f"Invalid value: {number}: must be greater than or equal to {what}"
            causes = [{"field": name, "message": why, "reason": "FieldValueInvalid"}]
            raise errors.invalid("PodLogOptions", "", "", causes)
    if query.text("sinceSeconds") and query.text("sinceTime"):
        why = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        raise errors.invalid(
            "PodLogOptions", "", "", [{"field": "sinceSeconds", "message": why, "reason": "FieldValueForbidden"}]
        )


def _check_runs(pod: Object, container: str, previous: bool) -> None:
    """Containers that have not begun have no log."""
    name = pod["metadata"]["name"]
    if not pod.get("spec", {}).get("nodeName"):
        raise errors.bad_request(f"pod {name} does not have a host assigned")
    status = status_of(pod, container)
    ended = (status.get("lastState") or {}).get("terminated")
    if previous and not ended:
        raise errors.bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
    waits = not status or "waiting" in (status.get("state") or {})
    if waits and not ended:
        reason = str(((status.get("state") or {}).get("waiting") or {}).get("reason") or "ContainerCreating")
        told = _PULLING.get(reason, reason)
        raise errors.bad_request(f'container "{container}" in pod "{name}" is waiting to start: {told}')


def _selected(lines: Sequence[LogLine], request: Request, now: datetime) -> list[LogLine]:
    query = request.query
    found = list(lines)
    since = query.number("sinceSeconds")
    if since is not None:
        begin = moments.moved(now, -since)
        found = [line for line in found if line.at >= begin]
    text = query.text("sinceTime")
    if text:
        try:
            begin = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError as error:
            raise errors.bad_request(f"sinceTime is no time: {text}") from error
        found = [line for line in found if line.at >= begin]
    tail = query.number("tailLines")
    return found if tail is None else found[len(found) - tail if tail < len(found) else 0 :]


def _line(line: LogLine, stamps: bool) -> bytes:
    prefix = line.at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z " if stamps else ""
    return f"{prefix}{line.text}\n".encode()


async def _followed(
    cluster: SimulatedCluster,
    type_: ResourceType,
    request: Request,
    container: str,
    shown: Sequence[LogLine],
    seen: int,
    stamps: bool,
) -> AsyncIterator[bytes]:
    """Lines as they come, until the container ends or the pod is gone."""
    asked = request.asked
    key = cluster.objects.key(type_, asked.namespace, asked.name)
    for line in shown:
        yield _line(line, stamps)
    while True:
        pod = cluster.store.get(key)
        if pod is None:
            return
        state = status_of(pod, container).get("state") or {}
        try:
            lines = cluster.runtime.logs(pod, container)
        except LookupError:
            return
        for line in lines[seen:]:
            yield _line(line, stamps)
        # A container that started again writes a new log, which is shorter than the one before.
        seen = len(lines)
        if "running" not in state and state:
            return
        await asyncio.sleep(_FOLLOW_SECONDS)


def _evict(cluster: SimulatedCluster, type_: ResourceType, request: Request) -> Answer:
    """Deletes a pod unless a disruption budget holds it. Source: pkg/registry/core/pod/storage/eviction.go."""
    asked = request.asked
    if asked.verb != "create":
        raise not_allowed()
    pod = cluster.objects.get(type_, asked.namespace, asked.name)
    labels = pod["metadata"].get("labels") or {}
    for budget in cluster.store.objects("policy", "poddisruptionbudgets", asked.namespace):
        if not selectors.selects(budget.get("spec", {}).get("selector"), labels):
            continue
        if budget.get("status", {}).get("disruptionsAllowed", 0) <= 0:
            why = "Cannot evict pod as it would violate the pod's disruption budget."
            error = errors.ApiError(
                429, "TooManyRequests", why, {"causes": [{"reason": "DisruptionBudget", "message": why}]}
            )
            raise error
    cluster.objects.delete(type_, asked.namespace, asked.name)
    return answers.of_object(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201
    )


def _bind(cluster: SimulatedCluster, type_: ResourceType, request: Request) -> Answer:
    """Puts a pod on a node, as schedulers do."""
    asked = request.asked
    body = request.decoded().data
    if asked.verb != "create" or not isinstance(body, dict):
        raise not_allowed()
    node = (body.get("target") or {}).get("name", "")
    if cluster.store.get(Key("", "nodes", "", node)) is None:
        raise errors.not_found("nodes", "", node)
    pod = cluster.objects.get(type_, asked.namespace, asked.name)
    if pod["spec"].get("nodeName"):
        why = f"pod {asked.name} is already assigned to node {pod['spec']['nodeName']!r}"
        raise errors.conflict("pods/binding", "", asked.name, why)
    pod["spec"]["nodeName"] = node
    cluster.store.put(
        cluster.objects.key(type_, asked.namespace, asked.name), pod, expected=pod["metadata"]["resourceVersion"]
    )
    return answers.of_object(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201
    )
