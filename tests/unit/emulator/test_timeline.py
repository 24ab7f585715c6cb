"""Time that runs fast: in the same order, and to the same end, as time that runs slowly."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.emulator.kubernetes.argocd.applications import ArgoCd
from csoc.emulator.kubernetes.controllers.causes import Cause, Kind
from csoc.emulator.timeline import Action, Cancel, Pace, RunningTimeline, SteppedTimeline
from tests.unit.emulator.kubernetes.argocd.syncing import Repositories, Syncing, application
from tests.unit.emulator.kubernetes.controllers.living import START, Living, container, job, secret, workload


class Worked:
    """A timeline whose clock a test moves, and in which each action takes so many real seconds."""

    def __init__(self, speed: float, cost: float) -> None:
        self.at = 0.0
        self.cost = cost
        self.pace = Pace(speed, lambda: self.at)

    def now(self) -> datetime:
        return START

    def later(self, seconds: float, action: Action) -> Cancel:
        return self.pace.later(seconds, action)

    def advance(self, seconds: float) -> None:
        """Lets so many emulated seconds pass, and all the work that falls into them."""
        end = self.pace.elapsed() + seconds
        done = False

        def over() -> None:
            nonlocal done
            done = True

        self.pace.later(end - self.pace.elapsed(), over)
        while not done:
            found = self.pace.begin()
            assert found is not None
            if isinstance(found, float):
                self.at = max(self.at + found, math.nextafter(self.at, math.inf))
                continue
            found()
            self.at += self.cost
            self.pace.end()


SPEEDS = st.sampled_from([0.5, 1.0, 60.0, 1_000.0, 100_000.0])
COSTS = st.sampled_from([0.0, 0.005, 0.3, 10.0])


@settings(deadline=None)
@given(
    SPEEDS,
    COSTS,
    st.lists(st.tuples(st.integers(0, 50), st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=4)),
             min_size=1, max_size=12),
)  # fmt: skip
def test_what_happens_and_in_which_order_does_not_depend_on_speed_and_work(
    speed: float, cost: float, plan: list[tuple[int, list[tuple[int, bool]]]]
) -> None:
    def run(timeline: Any) -> list[str]:
        seen: list[str] = []

        def act(name: str, follow: list[tuple[int, bool]]) -> Callable[[], None]:
            def action() -> None:
                seen.append(name)
                for number, (seconds, cancelled) in enumerate(follow):
                    cancel = timeline.later(seconds, act(f"{name}.{number}", []))
                    if cancelled:
                        cancel()

            return action

        for number, (seconds, follow) in enumerate(plan):
            timeline.later(seconds, act(str(number), follow))
        timeline.advance(200)
        return seen

    assert run(Worked(speed, cost)) == run(SteppedTimeline(datetime(2026, 1, 1, tzinfo=UTC)))


def outcome(living: Living) -> dict[str, Any]:
    """How everything ended, without what is made up anew each time."""
    found: dict[str, Any] = {}
    for kind in ("Deployment", "StatefulSet", "Job"):
        for body in living.all(kind):
            conditions = {one["type"]: (one["status"], one.get("reason")) for one in body["status"]["conditions"]} if (
                body.get("status", {}).get("conditions")) else {}  # fmt: skip
            found[f"{kind}/{body['metadata']['name']}"] = conditions
    phases = sorted((body["metadata"]["labels"].get("app", ""), body["status"]["phase"]) for body in living.all("Pod"))
    return found | {"pods": phases}


def a_day(speed: float, cost: float) -> dict[str, Any]:
    """A cluster with workloads that come up late, or never, or for a while only."""
    living = Living(timeline=Worked(speed, cost))
    living.causes.add(Cause(Kind.READINESS, name="ill*"))
    living.add(
        *(workload("Deployment", f"web{number}", replicas=3, progressDeadlineSeconds=30) for number in range(4)),
        workload("Deployment", "ill", progressDeadlineSeconds=40),
        workload("Deployment", "late", container(envFrom=[{"secretRef": {"name": "s"}}]), progressDeadlineSeconds=60),
        workload("StatefulSet", "data", replicas=2),
        job("once", activeDeadlineSeconds=120),
        job("stuck", container(envFrom=[{"secretRef": {"name": "never"}}]), activeDeadlineSeconds=50),
    )
    living.wait(30)
    living.add(secret("s", k="v"))
    living.wait(300)
    return outcome(living)


@settings(deadline=None, max_examples=12)
@given(SPEEDS, COSTS)
def test_a_cluster_ends_the_same_at_every_speed(speed: float, cost: float) -> None:
    found = a_day(speed, cost)
    assert found == a_day(1.0, 0.0)
    assert found["Deployment/web0"]["Progressing"] == ("True", "NewReplicaSetAvailable")
    assert found["Deployment/late"]["Progressing"] == ("True", "NewReplicaSetAvailable")
    assert found["Deployment/ill"]["Progressing"] == ("False", "ProgressDeadlineExceeded")
    assert found["Job/stuck"]["Failed"] == ("True", "DeadlineExceeded")


def test_nobody_is_too_late_while_an_application_is_still_rendered() -> None:
    waiting: list[Callable[[], None]] = []
    repositories = Repositories()
    living = Syncing(argocd=ArgoCd(repositories, waiting.append))
    living.repositories = repositories
    living.add(workload("Deployment", "late", container(envFrom=[{"secretRef": {"name": "s"}}]),
                        progressDeadlineSeconds=60))  # fmt: skip
    repositories.commit(secret("s", k="v"))
    living.add(application(automated={}))
    living.wait(100_000)
    progressing = outcome(living)["Deployment/late"]["Progressing"]
    assert progressing[1] != "ProgressDeadlineExceeded"
    for _ in range(10):
        while waiting:
            waiting.pop()()
        living.wait(30)
    assert outcome(living)["Deployment/late"]["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_running_time_runs_actions_and_goes_on_after_one_that_fails() -> None:
    timeline, done, seen = RunningTimeline(1e6), threading.Event(), []
    timeline.later(50, lambda: seen.append("second"))
    timeline.later(10, lambda: [][1])
    timeline.later(20, lambda: seen.append("first"))
    timeline.later(90, done.set)
    assert done.wait(20)
    timeline.stop()
    assert (seen, timeline.failures) == (["first", "second"], 1)


def test_a_changed_speed_counts_for_what_waits_already() -> None:
    timeline, done = RunningTimeline(0.001), threading.Event()
    timeline.later(60, done.set)
    timeline.speed = 1e6
    assert done.wait(20)
    timeline.stop()
    for speed in (0, -1, 1e-300, 2e6, float("nan")):
        with pytest.raises(ValueError, match=r"from 0\.001 to 1e\+06"):
            timeline.speed = speed


def test_what_waits_for_centuries_stops_nobody() -> None:
    timeline, done = RunningTimeline(0.001), threading.Event()
    timeline.later(1e300, done.set)
    timeline.later(1e-3, done.set)
    assert done.wait(20)
    done.clear()
    timeline.later(0, done.set)
    assert done.wait(20)
    timeline.stop()
