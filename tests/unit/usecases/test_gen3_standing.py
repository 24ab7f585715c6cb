"""How Gen3 stands is told with what keeps it and what to do; who does not answer in time is not waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest

from csoc.access.people import machine_person
from csoc.clusters.access import ClusterAccess
from csoc.clusters.hostnames import Answer, Answered
from csoc.errors import NotFoundError, UnavailableError
from csoc.operations.services import Services
from csoc.testing.fleets import HOME
from csoc.usecases.planning.fleets import FleetAt, fleet_at
from csoc.usecases.planning.gen3_standing import (
    HEALTHY,
    NOT_DEPLOYED,
    NOT_HEALTHY,
    NOT_SEEN,
    Gen3Standing,
    gen3_standing,
)
from csoc.usecases.provisioning_ports import ProvisioningPorts
from tests.unit.usecases.test_gen3_removal import World

VALUES = "c" * 40
BALANCER = "balancer.elb.amazonaws.com"
BROKEN = {
    "metadata": {"name": "fence-1", "labels": {"app": "fence"}},
    "status": {
        "phase": "Pending",
        "containerStatuses": [
            {"image": "quay.io/cdis/fence:0", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "gone"}}}
        ],
    },
}


class Cluster:
    """A cluster with one Application, and its pods."""

    def __init__(self, sync: str = "Synced", health: str = "Healthy", pods: tuple[Any, ...] = ()) -> None:
        self.status = {"sync": {"status": sync, "revisions": ["0.2.69", VALUES]}, "health": {"status": health}}
        self.pods = pods

    def open(self, reference: object, *, person: str, task: str) -> Cluster:
        return self

    def get(self, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "uid": "u", "resourceVersion": "1"}, "spec": {}, "status": self.status}

    def list_all(self, api_version: str, kind: str, *_: object, **__: object) -> tuple[list[Any], str]:
        ingress = {"metadata": {"name": "alb"}, "status": {"loadBalancer": {"ingress": [{"hostname": BALANCER}]}}}
        return list(self.pods) if kind == "Pod" else [ingress] if kind == "Ingress" else [], "1"

    def close(self) -> None:
        """Nothing is open."""


class Shut:
    """A cluster that cannot be reached."""

    def open(self, reference: object, *, person: str, task: str) -> Cluster:
        raise UnavailableError("The cluster cannot be reached: no route")


class Slow:
    """A cluster that does not answer while somebody waits."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def open(self, reference: object, *, person: str, task: str) -> Cluster:
        self.go_on.wait(60)
        raise NotFoundError("It is over")


@dataclass
class Told:
    answer: Answer

    def ask(self, hostname: str, path: str = "/") -> Answer:
        return self.answer


class _Ports:
    """What standing uses of the ports."""

    def person(self) -> object:
        return machine_person("ada", "here")


def stands(world: World, cluster: object, answer: Answer, seconds: float = 30) -> Gen3Standing:
    fleet: FleetAt = fleet_at(world.fleet.ports(), HOME)
    services = Services(clusters=cast(ClusterAccess, cluster), hostnames=Told(answer))
    ports = cast(ProvisioningPorts, _Ports())
    found = gen3_standing(ports, services, fleet, "environment/heart-dev", seconds=seconds)
    assert found is not None
    return found


@contextmanager
def released(slow: Slow) -> Iterator[Slow]:
    try:
        yield slow
    finally:
        slow.go_on.set()


UP = Answer(Answered.YES, "it answers 200", 200)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_healthy_gen3_is_told_with_what_is_deployed(world: World) -> None:
    found = stands(world, Cluster(), UP)
    assert (found.state, found.chart, found.values) == (HEALTHY, "0.2.69", VALUES)
    assert (found.answers, found.https) == (True, "it answers 200")
    assert found.is_well


def test_gen3_that_is_not_healthy_is_told_with_the_reason_and_what_to_do(world: World) -> None:
    found = stands(world, Cluster(health="Degraded", pods=(BROKEN,)), UP)
    assert (found.state, found.summary) == (NOT_HEALTHY, "Synced, Degraded, 0 of 1 pods ready")
    assert found.reasons[0].service == "fence"
    assert "quay.io/cdis/fence:0 cannot be had" in found.reasons[0].cause
    assert found.reasons[0].fix
    assert not found.is_well


def test_a_hostname_without_a_record_is_told_with_the_record_to_make(world: World) -> None:
    found = stands(world, Cluster(), Answer(Answered.NO_ADDRESS, "it does not resolve"))
    assert found.answers is False
    assert found.https_fix.startswith("Make the record ")
    assert BALANCER in found.https_fix
    assert not found.is_well


def test_a_cluster_that_cannot_be_asked_is_told_with_why(world: World) -> None:
    found = stands(world, Shut(), UP)
    assert (found.state, found.summary) == (NOT_SEEN, "The cluster cannot be reached: no route")
    assert found.answers is True
    assert not found.is_well


def test_a_cluster_that_does_not_answer_in_time_is_not_waited_for(world: World) -> None:
    with released(Slow()) as slow:
        found = stands(world, slow, UP, seconds=0.1)
    assert (found.state, found.answers) == (NOT_SEEN, True)
    assert "There was no answer within 0.1 s" in found.summary


def test_what_was_never_deployed_is_no_trouble_and_nobody_is_asked() -> None:
    fresh = World()
    fresh.write(None)
    found = stands(fresh, Shut(), Answer(Answered.NO_ADDRESS, "it does not resolve"))
    assert (found.state, found.answers, found.is_well) == (NOT_DEPLOYED, None, True)
