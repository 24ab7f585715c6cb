"""Which log a client asks for, and in which words it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from csoc.emulator.kubernetes.access.requests import Query, asked
from csoc.emulator.kubernetes.api import pod_requests
from csoc.emulator.kubernetes.api.handlers import Request
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.pod_runtime import LogLine, NoRuntime
from csoc.emulator.kubernetes.store import Key
from tests.unit.emulator.kubernetes import made

Object = dict[str, Any]
LOG = "/api/v1/namespaces/default/pods/web/log"
RUNNING: Object = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
ENDED: Object = {"terminated": {"exitCode": 1}}


class Told(NoRuntime):
    """Says which log it was asked for."""

    def logs(self, pod: Object, container: str, *, previous: bool = False) -> Sequence[LogLine]:
        return [LogLine(datetime(2026, 1, 1, tzinfo=UTC), f"{container}{' before' if previous else ''}")]


def log(
    query: str = "", *statuses: Object, containers: Sequence[str] = ("main",), node: str = "n", **pod: Any
) -> tuple[int, str]:
    """Code and text of the answer for the log of a pod with containers in these states."""
    simulated = made.cluster()
    simulated.runtime = Told()
    shown = [{"name": name, **status} for name, status in zip(containers, statuses, strict=False)]
    spec = {"containers": [{"name": name, "image": "i"} for name in containers], "initContainers": pod.pop("init", [])}
    body = {
        "metadata": {"name": "web", "namespace": "default", **pod},
        "spec": spec | ({"nodeName": node} if node else {}),
        "status": {"containerStatuses": shown},
    }
    simulated.store.put(Key("", "pods", "default", "web"), body)
    words = Query.of(query)
    request = Request("GET", asked("GET", LOG, words), words, {}, b"")
    try:
        found = pod_requests.answer(simulated, made.type_of(simulated, "Pod"), request)
    except ApiError as error:
        return error.code, error.message
    assert isinstance(found.body, bytes)
    return found.status, found.body.decode()


def test_the_log_is_that_of_the_only_container_the_default_one_or_the_one_that_is_named() -> None:
    assert log("", RUNNING) == (200, "main\n")
    two: Object = {"containers": ("main", "side")}
    assert log("container=side", RUNNING, RUNNING, **two) == (200, "side\n")
    default: Object = {"annotations": {"kubectl.kubernetes.io/default-container": "side"}}
    assert log("", RUNNING, RUNNING, **two, **default) == (200, "side\n")
    assert log("previous=true", {**RUNNING, "lastState": ENDED}) == (200, "main before\n")


def test_a_pod_of_several_containers_needs_a_name_and_tells_them() -> None:
    code, told = log("", RUNNING, RUNNING, containers=("main", "side"), init=[{"name": "first", "image": "i"}])
    assert code == 400
    assert told == (
        "a container name must be specified for pod web, choose one of: [main side] or one of the init containers: "
        "[first]"
    )
    assert log("container=none", RUNNING) == (400, "container none is not valid for pod web")


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (None, "ContainerCreating"),
        ({"state": {"waiting": {}}}, "ContainerCreating"),
        ({"state": {"waiting": {"reason": "CreateContainerConfigError"}}}, "CreateContainerConfigError"),
        ({"state": {"waiting": {"reason": "ErrImagePull"}}}, "image can't be pulled"),
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, "trying and failing to pull image"),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ENDED}, None),
    ],
)
def test_a_container_that_waits_has_no_log_unless_it_has_run_before(status: Object | None, why: str | None) -> None:
    found = log("", *([] if status is None else [status]))
    told = f'container "main" in pod "web" is waiting to start: {why}'
    assert found == ((200, "main\n") if why is None else (400, told))


def test_there_is_no_log_before_the_pod_has_a_node_and_none_of_a_run_that_was_not() -> None:
    assert log("", RUNNING, node="") == (400, "pod web does not have a host assigned")
    told = 'previous terminated container "main" in pod "web" not found'
    assert log("previous=true", RUNNING) == (400, told)
    assert log("previous=true") == (400, told)
