"""What a watch says first of a pod: the API server sets its phase when it is made, whoever makes it.

Source: Kubernetes 1.34, pkg/registry/core/pod/strategy.go (PrepareForCreate).
"""

from __future__ import annotations

from typing import Any

import pytest

from csoc.emulator.kubernetes.store import unpacked
from tests.unit.emulator.kubernetes.controllers.living import Living, job, pod, workload

CRONJOB = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "web", "namespace": "a"},
    "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": job("web")["spec"]}},
}
MAKERS = (
    pod("web"),
    *(workload(kind, "web") for kind in ("Deployment", "StatefulSet", "DaemonSet")),
    job("web"),
    CRONJOB,
)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda body: body["kind"])
def test_the_first_event_of_a_pod_says_that_it_is_pending(maker: dict[str, Any]) -> None:
    living = Living()
    begun = living.store.version
    living.add(maker)
    living.wait(90)
    first: dict[str, dict[str, Any]] = {}
    for event in living.store.since(begun):
        body = unpacked(event.object)
        if body["kind"] == "Pod":
            first.setdefault(body["metadata"]["name"], body)
    assert first
    assert [one["status"] for one in first.values()] == [{"phase": "Pending", "qosClass": "BestEffort"}] * len(first)
