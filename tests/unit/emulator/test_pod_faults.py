"""Planned trouble of pods: what a rule does to a cluster that runs, and that it ends with the rule."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.emulator.cloud.faults import Faults, parse_rule
from csoc.emulator.kubernetes.controllers import kubelet
from csoc.emulator.kubernetes.controllers.logs import lines
from csoc.emulator.pod_faults import PodFaults
from tests.unit.emulator.kubernetes.controllers.living import Living, container, workload


class Stage:
    """A cluster with one workload, `fence-deployment`, and the rules that it goes by."""

    def __init__(self) -> None:
        self.faults = Faults()
        pods = PodFaults(self.faults, lambda: kubelet.reconsider(self.living.cluster))
        self.living = Living(images=pods.has_image, causes=pods.causes)

    def plan(self, effect: str, **rule: Any) -> str:
        return self.faults.add(parse_rule({"effect": effect, **rule}))

    def deploy(self, image: str = "example.org/fence:1") -> None:
        self.living.add(workload("Deployment", "fence-deployment", container(image=image)))
        self.living.wait()

    def waits_for(self) -> set[str]:
        """Why containers do not run."""
        found = [status for pod in self.living.all("Pod") for status in pod["status"].get("containerStatuses", [])]
        return {one["state"].get("waiting", {}).get("reason", "") for one in found}

    def ready(self) -> int:
        return int(self.living.get("Deployment", "fence-deployment")["status"].get("readyReplicas", 0))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_an_image_that_a_rule_takes_away_cannot_be_pulled_until_the_rule_ends(stage: Stage) -> None:
    rule = stage.plan("image", image="*/fence:*")
    stage.deploy()
    assert stage.waits_for() <= {"ErrImagePull", "ImagePullBackOff"}
    assert stage.ready() == 0
    stage.faults.remove(rule)
    stage.living.wait(600)
    assert stage.ready() == 1


def test_other_images_are_there(stage: Stage) -> None:
    stage.plan("image", image="*/fence:*")
    stage.deploy("example.org/indexd:1")
    assert stage.ready() == 1


@pytest.mark.parametrize("effect", ["crash", "oom", "unready"])
def test_a_workload_that_runs_well_goes_wrong_with_the_rule_and_recovers_after_it(stage: Stage, effect: str) -> None:
    stage.deploy()
    assert stage.ready() == 1
    stage.plan(effect, workload="fence-deployment")
    stage.living.wait(300)
    assert stage.ready() == 0
    assert stage.waits_for() == ({"CrashLoopBackOff"} if effect != "unready" else {""})
    stage.faults.clear()
    stage.living.wait(900)
    assert stage.ready() == 1


def test_a_crash_leaves_its_reason_in_the_log(stage: Stage) -> None:
    stage.plan("crash", workload="fence*", reason="KeyError: 'DB'")
    stage.deploy()
    stage.living.wait(120)
    pod = stage.living.pod("fence")
    told = lines(stage.living.cluster, pod, "main", previous=True)
    assert told[-1].text == "KeyError: 'DB'"


def test_a_rule_for_another_workload_namespace_or_container_does_nothing(stage: Stage) -> None:
    stage.plan("crash", workload="indexd*")
    stage.plan("crash", workload="fence*", namespace="b")
    stage.plan("crash", workload="fence*", container="sidecar")
    stage.deploy()
    stage.living.wait(120)
    assert stage.ready() == 1
