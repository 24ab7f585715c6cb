"""Workloads live while time runs by itself and several threads write, as under an API server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.controllers.runtime import SimulatedPods
from csoc.emulator.kubernetes.controllers.settings import Settings
from csoc.emulator.kubernetes.controllers.table import attach, hearing
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.store import Event, Store
from csoc.emulator.timeline import RunningTimeline
from tests.unit.emulator.kubernetes.controllers.living import container, is_ready, namespace, secret, workload

_SECONDS = 60.0


@pytest.fixture
def timeline() -> Iterator[RunningTimeline]:
    running = RunningTimeline(speed=1_000)
    yield running
    running.stop()
    assert running.failures == 0


def until(store: Store, done: Callable[[], bool]) -> None:
    """Waits until something holds, looking at each change. Fails after a minute."""
    reached = threading.Event()

    def look(_: Event) -> None:
        if done():
            reached.set()

    end = store.listen(look)
    try:
        assert done() or reached.wait(_SECONDS), "it did not come to pass"
    finally:
        end()


def add(objects: Objects, *bodies: dict[str, Any]) -> None:
    for body in bodies:
        type_ = objects.types.kind(body["apiVersion"], body["kind"])
        assert type_ is not None
        objects.create(type_, body["metadata"].get("namespace", ""), body)


def clusters(timeline: RunningTimeline, count: int) -> list[Cluster]:
    heard = hearing()
    made = [attach(f"c{number}", Store(), Settings(), timeline, heard) for number in range(count)]
    for cluster in made:
        set_nodes(cluster, [Node("n1"), Node("n2")])
        add(Objects(cluster.store, timeline.now), namespace("a"))
        until(cluster.store, lambda c=cluster: c.get("", "serviceaccounts", "a", "default") is not None)  # type: ignore[misc]
    return made


def test_many_writers_and_clusters_share_one_time(timeline: RunningTimeline) -> None:
    lot = clusters(timeline, 8)

    def work(cluster: Cluster) -> None:
        objects = Objects(cluster.store, timeline.now)
        for number in range(5):
            add(objects, workload("Deployment", f"web-{number}", replicas=2))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, lot))
    for cluster in lot:
        until(cluster.store, lambda c=cluster: sum(map(is_ready, c.list("", "pods"))) == 10)  # type: ignore[misc]
    until(lot[0].store, lambda: len(lot[0].list("apps", "replicasets")) == 5)


def test_a_pod_that_waits_for_a_secret_runs_and_writes_logs_once_it_is_there(timeline: RunningTimeline) -> None:
    [cluster] = clusters(timeline, 1)
    objects = Objects(cluster.store, timeline.now)
    add(objects, workload("Deployment", "web", container(envFrom=[{"secretRef": {"name": "s"}}])))
    until(
        cluster.store,
        lambda: any("CreateContainerConfigError" in str(one.get("status")) for one in cluster.list("", "pods")),
    )
    add(objects, secret("s", k="v"))
    until(cluster.store, lambda: all(map(is_ready, cluster.list("", "pods"))))
    [pod] = cluster.list("", "pods")
    assert SimulatedPods(cluster).logs(pod, "main")[0].text == "starting registry.example/app:1"
