"""CronJobs where time runs faster than clocks, as in the demo."""

from __future__ import annotations

from typing import Any

from csoc.emulator.kubernetes.argocd import customhealth, health
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.controllers.settings import Settings
from csoc.emulator.kubernetes.living import LivingClusters
from csoc.emulator.kubernetes.store import Key
from csoc.emulator.timeline import RunningTimeline
from tests.functional.emulator.test_workloads import add, until

KEY = Key("batch", "cronjobs", "default", "sync")


def test_an_execution_that_ended_well_is_never_older_than_the_time_that_it_was_for() -> None:
    timeline = RunningTimeline(speed=1_000)
    clusters = LivingClusters(timeline, Settings())
    cluster = clusters.all.create("fast")
    set_nodes(clusters.living("fast"), [Node("node-1")])
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i:1"}]}
    template = {"spec": {"template": {"spec": pod}}}
    about = {"name": "sync", "namespace": "default"}
    add(cluster.objects, {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": about,
                          "spec": {"schedule": "*/5 * * * *", "jobTemplate": template}})  # fmt: skip

    def body() -> dict[str, Any]:
        return cluster.store.get(KEY) or {}

    def has_ended() -> bool:
        status = body().get("status") or {}
        return bool(status.get("lastSuccessfulTime")) and not status.get("active")

    until(cluster.store, has_ended)
    status = body()["status"]
    assert status["lastScheduleTime"] <= status["lastSuccessfulTime"]
    found = health.health_of({**body(), "apiVersion": "batch/v1", "kind": "CronJob"}, customhealth.RULES)
    assert found is None or found.status == "Healthy", found
    clusters.close()
    timeline.stop()
