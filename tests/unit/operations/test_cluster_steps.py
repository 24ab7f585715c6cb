"""Steps that wait for what happens in a cluster and on the internet: what they wait for is named, with what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from csoc.clusters.access import ClusterAccess
from csoc.clusters.applications import REFRESH
from csoc.clusters.following.looking import Wanted
from csoc.clusters.hostnames import Answer, Answered
from csoc.errors import NotFoundError
from csoc.operations.registry import STEPS
from csoc.operations.runs import Run, Step
from csoc.operations.services import Delivery, Services
from csoc.operations.steps.base import Context, Done, Waiting
from csoc.operations.steps.wait_for_https import record

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BALANCER = "k8s-heart-1.elb.ap-southeast-2.amazonaws.com"


class Told:
    """A hostname that answers as it is told to."""

    def __init__(self, answered: Answered, why: str = "it does not") -> None:
        self._answer = Answer(answered, why, 200 if answered is Answered.YES else 0)

    def ask(self, hostname: str, path: str = "/") -> Answer:
        return self._answer


class Documents:
    def hostname(self, run: Run) -> str:
        return "heart.example.org"


@dataclass
class World:
    services: Services
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)
    run: Run = field(default_factory=lambda: Run("r", "apply", "u", "environment heart", "ada", NOW))
    step: Step = field(default_factory=lambda: Step(1, "wait for https", "wait for https", started_at=NOW))

    def clock(self) -> datetime:
        return NOW + timedelta(minutes=1)

    def check(self) -> None:
        """Its lease is its own."""

    def log(self, text: str, what: str = "event") -> None:
        self.said.append((what, text))


def asked(answered: Answered, address: str = BALANCER) -> tuple[Done | Waiting, World]:
    services = Services(delivery=cast(Delivery, Documents()), hostnames=Told(answered))
    world = World(services, {"follow gen3": {"address": address}})
    return STEPS["wait for https"].run(cast(Context, world)), world


def test_a_hostname_that_answers_ends_the_wait() -> None:
    found, _ = asked(Answered.YES)
    assert found == Done({"hostname": "heart.example.org", "status": 200})


def test_one_that_lets_only_some_networks_in_ends_it_too_with_a_warning() -> None:
    found, world = asked(Answered.SHUT_OUT)
    assert isinstance(found, Done)
    assert world.said[0][0] == "warning"


def test_a_missing_record_is_named_with_type_and_value() -> None:
    found, _ = asked(Answered.NO_ADDRESS)
    assert isinstance(found, Waiting)
    wanted = f"heart.example.org CNAME {BALANCER} (in Route 53: A, an alias of it)"
    assert found.what == f"the record {wanted}: it does not"
    assert found.fix == f"Make the record {wanted}"


@pytest.mark.parametrize(
    "answered", [one for one in Answered if one not in (Answered.YES, Answered.SHUT_OUT, Answered.NO_ADDRESS)]
)
def test_whatever_else_is_in_the_way_is_waited_for_with_what_to_look_at(answered: Answered) -> None:
    found, _ = asked(answered)
    assert isinstance(found, Waiting)
    assert found.what == "https://heart.example.org/ to answer: it does not"
    assert found.fix


@pytest.mark.parametrize(
    ("address", "kind"), [("192.0.2.7", "A 192.0.2.7"), ("2001:db8::7", "AAAA 2001:db8::7"), (BALANCER, "CNAME")]
)
def test_the_type_of_a_record_is_that_of_its_value(address: str, kind: str) -> None:
    assert record("heart.example.org", address).startswith(f"heart.example.org {kind}")


class Unaware:
    """An Argo CD that knows of no Application but its root. asked: those that were refreshed."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def open(self, reference: object, *, person: str, task: str) -> Unaware:
        return self

    def wanted(self, run: Run, values: str) -> Wanted:
        return Wanted("heart-dev", "heart-dev", (values,))

    def reference(self, run: Run, outputs: Mapping[str, str]) -> None:
        return None

    def get(self, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
        if name != "csoc-root":
            raise NotFoundError(f"There is no {name}")
        return {"metadata": {"name": name}}

    def merge(self, api_version: str, kind: str, name: str, patch: Mapping[str, Any], namespace: str) -> None:
        assert REFRESH in patch["metadata"]["annotations"]
        self.asked.append(name)

    def list_all(self, *_: object, **__: object) -> tuple[list[dict[str, Any]], str]:
        return [self.get("", "", "csoc-root", "argocd")], "1"

    def close(self) -> None:
        """Nothing is open."""


def test_an_argo_cd_that_does_not_know_of_the_commit_is_asked_to_look_again_at_each_look() -> None:
    unaware = Unaware()
    services = Services(delivery=cast(Delivery, unaware), clusters=cast(ClusterAccess, unaware))
    for looks in (1, 2):
        found = STEPS["follow gen3"].run(
            cast(Context, World(services, {"write outputs": {"commit": "c" * 40}, "apply cluster": {"outputs": {}}}))
        )
        assert isinstance(found, Waiting)
        assert found.what.endswith("Argo CD has no Application heart-dev yet")
        assert unaware.asked == ["csoc-root"] * looks
